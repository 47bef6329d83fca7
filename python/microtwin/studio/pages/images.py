"""Images: drop files, see them, say what holds for all of them."""

from dataclasses import replace
from pathlib import Path
from secrets import token_hex
from time import monotonic
from typing import Any

from nicegui import events, run, ui

from microtwin.errors import InputError, MicrotwinError
from microtwin.images import Catalogue, sample_micrographs, save_image
from microtwin.studio import previews, uploads, waiting, widgets
from microtwin.studio.context import View, catalogue
from microtwin.studio.project import PICTURES
from microtwin.studio.widgets import Problem

MARKS = {"YES": "✓", "NO": "✗"}
SAMPLES = 12
TOLD = 5  # refusals at a time
JUST = 1.0  # seconds
NANOMETRE = 1e-9


def build(view: View) -> None:
    """Build the page."""
    t = view.t
    problem_of: dict[str, Problem] = {}
    refused: list[tuple[float, str]] = []  # when, and what
    held = {"rows": view.rows}
    changed = {"since": False}

    @ui.refreshable
    def gallery() -> None:
        rows = held["rows"]
        with widgets.card():
            widgets.heading(t("images.all", n=len(rows)))
            if not len(rows):
                widgets.empty(view, "images.empty", icon="add_photo_alternate")
                with ui.element("div").classes("line").style("justify-content:center"):
                    widgets.button(t("images.sample"), add_sample, icon="science", main=False)
                return
            shown = [
                (str(e.id), view.project.relative(e.path), MARKS.get(e.label, "")) for e in rows
            ]
            grid = widgets.thumbs(shown, view, scroll=len(shown) > 60)
            widgets.on_thumb(grid, lambda key: look_at(rows[int(key)].path))
            ui.label(t("images.marks")).classes("quiet")

    async def add_sample() -> None:
        await run.io_bound(_write_sample, view.project.root / "images")
        changed["since"] = True

    async def look_again() -> None:
        """Show what has come, once for all that came at once."""
        if not changed["since"]:
            return
        changed["since"] = False
        rows, wrong = await waiting.read(catalogue, view.project)
        if rows is None:
            problem_of["upload"].show(wrong)
            return
        if rows == held["rows"]:  # seen already: what is being clicked on must not be replaced
            return
        held["rows"] = rows
        gallery.refresh()

    def note() -> None:
        changed["since"] = True

    async def look_at(path: Path) -> None:
        await _details(view, path, note)

    def refuse(text: str) -> None:
        refused.append((monotonic(), text))
        problem_of["upload"].show("\n".join(dict.fromkeys(text for _, text in refused[-TOLD:])))

    def begin() -> None:
        """Forget what was told of earlier drops; what browsers reject they tell just before."""
        refused[:] = [one for one in refused if monotonic() - one[0] < JUST]
        if not refused:
            problem_of["upload"].clear()

    async def took(event: events.UploadEventArguments) -> None:
        name = event.file.name
        part = view.project.hidden("uploads") / f"{token_hex(8)}{_suffix(name)}"
        try:
            await event.file.save(part)
            await run.io_bound(uploads.take_in, view.project, part, name)
        except (MicrotwinError, OSError) as error:
            part.unlink(missing_ok=True)
            reason = " ".join(str(error).split())
            uploads.log.warning("refused the upload %a: %a", name[:200], reason)
            refuse(reason)
            return
        note()

    with ui.element("div").classes("aside"):
        with ui.element("div").classes("stack wide-gap"):
            with widgets.card():
                widgets.heading(t("images.add"))
                megabytes = view.studio.max_upload // 2**20
                ui.upload(
                    multiple=True,
                    auto_upload=True,
                    label=t("images.drop"),
                    on_upload=took,
                    max_file_size=view.studio.max_upload,
                    on_rejected=lambda: refuse(t("images.rejected", megabytes=megabytes)),
                ).on("start", begin).props(
                    f'accept="{",".join(PICTURES)}" aria-label="{t("images.add")}"'
                )
                ui.label(t("images.kinds", megabytes=megabytes)).classes("quiet")
                problem_of["upload"] = Problem()
            _settings(view)
        with ui.element("div").style("min-width:0"):
            gallery()
    ui.timer(0.5, look_again)


def _settings(view: View) -> None:
    t, known = view.t, view.project.read_settings()
    with widgets.card():
        widgets.heading(t("images.settings"))
        ui.label(t("images.settings.lead")).classes("quiet")
        with ui.element("div").classes("form"):
            edge = None if known.spacing is None else round(known.spacing / NANOMETRE, 6)
            spacing = widgets.number(
                t("images.spacing"), edge, hint=t("images.spacing.hint"), min=0
            )
            bar = known.crop_info_bar
            crop = widgets.select(
                {"auto": t("images.crop.auto"), "no": t("images.crop.no"),
                 "rows": t("images.crop.rows")},
                t("images.crop"), value=bar if bar in ("auto", "no") else "rows",
            )  # fmt: skip
            rows = widgets.number(
                t("images.rows"), int(bar) if bar.isdecimal() else 0, min=0, format="%d"
            )
            rows.bind_visibility_from(crop, "value", value="rows")
            person = widgets.text(t("images.person"), known.person)
        problem = Problem()

        def save() -> None:
            edge = spacing.value
            wanted = replace(
                known,
                spacing=None if edge in (None, 0, "") else float(edge) * NANOMETRE,
                crop_info_bar=str(widgets.whole(view, rows))
                if crop.value == "rows"
                else crop.value,
                person=_person(person.value),
            )
            view.project.write_settings(wanted)
            ui.notify(t("images.saved"), type="positive")

        widgets.button(t("images.save"), problem.guards(save), main=False)


def _person(name: str) -> str:
    from microtwin.selection.labelling import person

    return person(name)


async def _details(view: View, path: Path, changed: Any) -> None:
    """Show one image large, with what is known of it."""
    t = view.t
    crop = view.project.read_settings().rows_to_crop
    about, wrong = await waiting.read(previews.about_image, path, crop=crop)
    relative = view.project.relative(path)
    with ui.dialog(value=True) as dialog, ui.card().style("width:min(920px,94vw);max-width:none"):
        widgets.heading(path.name)
        if about is None:
            Problem().show(wrong)
        else:
            address = widgets.thumb_url(view, relative, side=960)
            widgets.picture(address, path.name, classes="look")
            edge = about["spacing"]
            with ui.element("div").classes("facts"):
                widgets.fact(t("images.size"), " × ".join(map(str, about["shape"])))
                told = t("images.unknown") if edge is None else f"{edge[-1] / NANOMETRE:.4g} nm"
                widgets.fact(t("images.pixel"), told)
                widgets.fact(t("images.bar"), t("images.bar.rows", n=about["rows"]))
        problem = Problem()

        def remove() -> None:
            _remove(view, path)
            dialog.close()
            changed()

        with ui.element("div").classes("line apart"):
            widgets.downloads(view, relative)
            with ui.element("div").classes("line").style("width:auto"):
                widgets.button(
                    t("images.remove"), problem.guards(remove), icon="delete_outline", main=False
                )
                widgets.button(t("images.close"), dialog.close)


def _remove(view: View, path: Path) -> None:
    """Take an image out of the catalogue; the file is kept among what is hidden."""
    bin_ = view.project.hidden("removed")
    if path.exists():
        path.rename(bin_ / f"{token_hex(4)}-{path.name}")
    try:
        Catalogue.edit(view.project.table, lambda now: now.where(lambda e: e.path != path))
    except InputError:
        if view.project.images():  # the last row: a table without rows is none
            raise
        view.project.table.unlink(missing_ok=True)


def _write_sample(folder: Path) -> None:
    for number, image in enumerate(sample_micrographs(SAMPLES, shape=(192, 192)), 1):
        save_image(folder / f"sample-{number:02d}.tif", image)


def _suffix(name: str) -> str:
    """Return the suffix of an upload, which is all that its temporary name takes from it."""
    suffix = Path(name).suffix.lower()
    return suffix if suffix in PICTURES else ".other"
