"""Select: label with keys, the least certain first; have a model label the rest."""

from collections import deque
from collections.abc import Callable

from nicegui import background_tasks, events, run, ui

from microtwin.errors import MicrotwinError
from microtwin.images import Catalogue
from microtwin.images.catalogue import Entry
from microtwin.selection import Labelling
from microtwin.selection.labelling import NO, YES
from microtwin.selection.summary import summarise
from microtwin.studio import job_cards, waiting, widgets
from microtwin.studio.context import View
from microtwin.studio.widgets import Problem

SMALLEST = 38  # pixels that the preclassifier needs
AHEAD = 4  # pictures that the browser fetches before they are asked for
MARKS = {YES: "Y ✓", NO: "N ✗"}


def build(view: View) -> None:
    """Build the page."""
    if not len(view.rows):
        with widgets.card():
            widgets.empty(view, "select.empty", link="/", icon="add_photo_alternate")
        return
    Labeller(view, view.rows)


class Labeller:
    """One reader's pass over the images.

    What is shown goes on at once; answers are written behind it, one after the other, since a
    table of thousands takes longer to write than a person to look.
    """

    def __init__(self, view: View, rows: Catalogue) -> None:
        self.view, self._rows = view, rows
        self._order = least_certain_first(rows)
        self._session = Labelling(
            view.project.table, by=view.project.read_settings().person, order=self._order
        )
        self._at = 0
        self._given: list[tuple[int, str]] = []  # (position, label), for undo
        self._waiting: deque[tuple[int, str] | None] = deque()  # None: take the last one back
        self._writing = False
        self._build()
        self._show()

    def _build(self) -> None:
        t = self.view.t
        with ui.element("div").classes("aside right"):
            with widgets.card():
                with ui.element("div").classes("line apart"):
                    self._name = ui.label().style("font-weight:600")
                    self._place = ui.label().classes("quiet").props('aria-live="polite"')
                self._picture = widgets.picture("", "", classes="look").props('id="picture"')
                self._opinion = ui.label().classes("quiet")
                with ui.element("div").classes("keys"):
                    for key, name, main in (
                        ("Y", "yes", True), ("N", "no", True), ("S", "skip", False),
                        ("U", "undo", False),
                    ):  # fmt: skip
                        made = widgets.button(t(f"select.{name}"), self._act(key), main=main)
                        with made:
                            ui.html(f"<kbd>{key}</kbd>", sanitize=False, tag="span")
                self._problem = Problem()
                self._done = ui.element("div").classes("note")
                with self._done:
                    ui.icon("task_alt").props('aria-hidden="true"')
                    ui.label(t("select.finished"))
                self._done.set_visibility(False)
            with ui.element("div").classes("stack wide-gap"):
                with widgets.card():
                    widgets.heading(t("select.status"))
                    with ui.element("div").classes("facts"):
                        self._yes = widgets.fact(t("select.good"), "0")
                        self._no = widgets.fact(t("select.bad"), "0")
                        self._left = widgets.fact(t("select.left"), "0")
                    self._right = widgets.fact(t("select.right"), "–")
                    self._held = widgets.fact(t("select.accuracy"), "–")
                    self._saved = ui.label().classes("quiet").props('aria-live="polite"')
                self._model()
        with widgets.card():
            widgets.heading(t("select.all", n=len(self._rows)))
            shown = [
                (str(e.id), self.view.project.relative(e.path), MARKS.get(e.label, ""))
                for e in self._rows
            ]
            self._grid = widgets.thumbs(shown, self.view, scroll=True).props('id="thumbs"')
            widgets.on_thumb(self._grid, self._jump)
        # Keys count after a picture below was chosen, too, which is a button.
        ui.keyboard(on_key=self._key, ignore=["input", "select", "textarea"])
        ui.timer(0.05, self._count, once=True)

    def _model(self) -> None:
        t = self.view.t
        with widgets.card():
            widgets.heading(t("select.model"))
            ui.label(t("select.model.lead")).classes("quiet")
            with ui.element("div").classes("form"):
                epochs = widgets.number(t("select.epochs"), 20, min=1, format="%d")
                size = widgets.number(
                    t("select.side"), 64, min=SMALLEST, format="%d", hint=t("select.side.hint")
                )
                sure = widgets.number(t("select.sure"), 0.9, min=0.5, max=1, step=0.05)
            problem = Problem()

            def train() -> None:
                widgets.start(
                    self.view,
                    ["select", "train", "images", f"--epochs={widgets.whole(self.view, epochs)}",
                     f"--size={widgets.whole(self.view, size)}", "--json"],
                    title=t("select.train"),
                )  # fmt: skip

            def predict() -> None:
                widgets.start(
                    self.view,
                    [
                        "select",
                        "predict",
                        "images",
                        f"--sure={widgets.real(self.view, sure)}",
                        "--json",
                    ],
                    title=t("select.rest"),
                )

            with ui.element("div").classes("line"):
                widgets.button(t("select.train"), problem.guards(train), icon="model_training")
                widgets.button(
                    t("select.rest"), problem.guards(predict), icon="auto_awesome", main=False
                )
                widgets.button(t("select.reload"), ui.navigate.reload, icon="refresh", main=False)
            job_cards.show(self.view, ("select train", "select predict"), most=2)

    def _act(self, key: str) -> Callable[[], None]:
        return lambda: self._press(key)

    def _key(self, event: events.KeyEventArguments) -> None:
        if not event.action.keydown or event.action.repeat:
            return
        if event.modifiers.ctrl or event.modifiers.alt or event.modifiers.meta:
            return
        name = str(event.key.name).upper()
        if name in ("Y", "N", "S", "U"):
            self._press(name)

    def _press(self, key: str) -> None:
        if key == "U":
            self._undo()
        elif self._at >= len(self._order):
            return
        elif key == "S":
            self._at += 1
            self._show()
        else:
            label = YES if key == "Y" else NO
            number = self._order[self._at]
            self._given.append((self._at, label))
            self._mark(number, label)
            self._at += 1
            self._show()
            self._write((number, label))

    def _undo(self) -> None:
        if not self._given:
            ui.notify(self.view.t("select.nothing"), type="warning")
            return
        self._at, _ = self._given.pop()
        self._mark(self._order[self._at], "")
        self._show()
        self._write(None)

    def _jump(self, key: str) -> None:
        number = int(key)
        if number not in self._order:
            self._order.append(number)
        self._at = self._order.index(number)
        self._show()

    def _write(self, answer: tuple[int, str] | None) -> None:
        self._waiting.append(answer)
        if not self._writing:
            self._writing = True
            background_tasks.create(self._write_all())

    async def _write_all(self) -> None:
        """Write what waits; goes on to the end even when the page is closed meanwhile."""
        try:
            while self._waiting:
                answer = self._waiting.popleft()
                try:
                    if answer is None:
                        await run.io_bound(self._session.undo)
                    else:
                        await run.io_bound(self._session.label, *answer)
                except (MicrotwinError, OSError) as error:
                    self._problem.show(" ".join(str(error).split()))
        finally:
            self._writing = False  # whatever happened: the next answer must be written
        await self._count()

    def _mark(self, number: int, label: str) -> None:
        mark = MARKS.get(label, "")
        ui.run_javascript(
            f'document.querySelector(\'#thumbs [data-id="{number}"]\').dataset.mark = "{mark}"'
        )

    def _show(self) -> None:
        t = self.view.t
        over = self._at >= len(self._order)
        self._done.set_visibility(over)
        self._place.set_text(
            t("select.place", n=min(self._at + 1, len(self._order)), of=len(self._order))
        )
        if over:
            self._name.set_text("")
            self._opinion.set_text("")
            return
        entry = self._rows[self._order[self._at]]
        self._name.set_text(entry.path.name)
        self._picture.props(f'src="{self._address(entry)}" alt="{t("select.picture")}"')
        if entry.score is None:
            self._opinion.set_text(t("select.no_opinion"))
        else:
            self._opinion.set_text(t("select.opinion", percent=f"{100 * entry.score:.0f}"))
        ahead = self._order[self._at + 1 : self._at + 1 + AHEAD]
        urls = [self._address(self._rows[number]) for number in ahead]
        ui.run_javascript(
            "document.querySelectorAll('#thumbs [aria-current]').forEach(e =>"
            " e.removeAttribute('aria-current'));"
            f"const here = document.querySelector('#thumbs [data-id=\"{entry.id}\"]');"
            "if (here) here.setAttribute('aria-current', 'true');"
            f"window.ahead = {urls!r}.map(u => {{ const i = new Image(); i.src = u; return i; }})"
        )

    def _address(self, entry: Entry) -> str:
        return widgets.thumb_url(self.view, self.view.project.relative(entry.path), side=960)

    async def _count(self) -> None:
        """Tell where the labelling stands, as the table has it."""
        t = self.view.t
        summary, wrong = await waiting.read(summarise, self.view.project.table)
        if summary is None:
            self._problem.show(wrong)
            return
        self._yes.set_text(str(summary.by_hand.get(YES, 0)))
        self._no.set_text(str(summary.by_hand.get(NO, 0)))
        self._left.set_text(str(summary.images - sum(summary.by_hand.values())))
        seen = self._session.agreement
        if seen.judged:
            self._right.set_text(
                f"{seen.right} / {seen.judged} ({100 * (seen.accuracy or 0):.0f} %)"
            )
        held = summary.validation
        if held is not None:
            self._held.set_text(
                f"{100 * held.accuracy:.0f} % ({100 * held.low:.0f}–{100 * held.high:.0f} %)"
            )
        self._saved.set_text(t("select.saved", n=sum(summary.by_hand.values())))


def least_certain_first(rows: Catalogue) -> list[int]:
    """Return the ids of what no person has labelled; what the model is least sure of comes first.

    Images without a score come in the order of the table, after those with one near the middle.
    """
    waiting = [entry for entry in rows if not entry.by_person]
    return [
        entry.id
        for entry in sorted(waiting, key=lambda e: 0.25 if e.score is None else abs(e.score - 0.5))
    ]
