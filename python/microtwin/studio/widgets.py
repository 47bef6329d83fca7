"""Parts that several pages are made of."""

import html
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from inspect import isawaitable
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar
from urllib.parse import urlencode

from nicegui import ui

from microtwin.errors import InputError, MicrotwinError
from microtwin.studio import pictures
from microtwin.studio.context import View
from microtwin.studio.jobs import Job
from microtwin.studio.layout import Text

F = TypeVar("F", bound=ui.element)


class Problem:
    """A place for what went wrong, beside what it is about."""

    def __init__(self) -> None:
        with ui.element("div").classes("problem").props('role="alert"') as self._box:
            self._icon = ui.icon("error").props('aria-hidden="true"')
            self._label = ui.label()
        self.clear()

    def show(self, text: str, *, note: bool = False) -> None:
        """Tell what is wrong, or only worth knowing."""
        self._box.classes(replace="note" if note else "problem")
        self._icon.props(f'name="{"info" if note else "error"}"')
        self._label.set_text(text)
        self._box.set_visibility(True)

    def clear(self) -> None:
        """Tell nothing."""
        self._box.set_visibility(False)

    def guards(self, action: Callable[[], Any]) -> Callable[[], Awaitable[None]]:
        """Return an action, of a coroutine too, that shows here what it raises on purpose."""

        async def tried() -> None:
            self.clear()
            try:
                outcome = action()
                if isawaitable(outcome):
                    await outcome
            except (MicrotwinError, OSError) as error:
                self.show(" ".join(str(error).split()))

        return tried


def card() -> Any:
    """Return a white box."""
    return ui.element("section").classes("card")


def heading(text: str) -> None:
    """Write the heading of a box."""
    Text("h2", text)


def empty(view: View, key: str, *, link: str | None = None, icon: str = "inbox") -> None:
    """Tell that there is nothing yet, and what to do next."""
    with ui.element("div").classes("empty"):
        ui.icon(icon).props('aria-hidden="true"')
        Text("p", view.t(key))
        if link is not None:
            ui.button(view.t(f"{key}.go"), on_click=lambda: ui.navigate.to(link)).props(
                "unelevated"
            )


def fact(name: str, value: str) -> Any:
    """Write a number large and what it is small; return its label, to be changed."""
    with ui.element("div").classes("fact"):
        shown = Text("b", value)
        Text("span", name)
    return shown


def select(
    options: Mapping[str, str] | Sequence[str], label: str, *, value: Any = None, **more: Any
) -> ui.select:
    """Return a list to choose from."""
    given = dict(options) if isinstance(options, Mapping) else list(options)
    return ui.select(given, label=label, value=value, **more).props("outlined options-dense")


def number(label: str, value: float | None, *, hint: str = "", **more: Any) -> ui.number:
    """Return a field for a number."""
    return _hinted(ui.number(label, value=value, **more), hint)


def whole(view: View, field: ui.number) -> int:
    """Return the whole number in a field.

    Raises
    ------
    InputError
        If there is none.
    """
    value = field.value
    if value is None or value != int(value):
        raise InputError(view.t("form.whole", name=field.props["label"]))
    return int(value)


def real(view: View, field: ui.number) -> float:
    """Return the number in a field.

    Raises
    ------
    InputError
        If there is none.
    """
    if field.value is None:
        raise InputError(view.t("form.number", name=field.props["label"]))
    return float(field.value)


def text(label: str, value: str, *, hint: str = "") -> ui.input:
    """Return a field for a text."""
    return _hinted(ui.input(label, value=value), hint)


def button(
    text: str, action: Callable[..., Any], *, icon: str = "", main: bool = True
) -> ui.button:
    """Return a button; a page has one that stands out in each box."""
    made = ui.button(text, on_click=action, icon=icon or None)
    return made.props("unelevated" if main else "outline")


def url(route: str, **query: object) -> str:
    """Return the address of a route."""
    return f"{route}?{urlencode({name: str(value) for name, value in query.items()})}"


def version(path: Path) -> int:
    """Return what changes when a file does."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def link(text: str, address: str, *, new: bool = False, icon: str = "") -> None:
    """Write a link, as a quiet button where it has an icon."""
    target = 'target="_blank" rel="noopener"' if new else ""
    with ui.element("a").classes("toplink").props(f'href="{address}" {target}'):
        if icon:
            ui.icon(icon).props('aria-hidden="true"')
        ui.label(text)


def downloads(view: View, path: str, *, see: bool = False) -> None:
    """Write the links by which a file or folder leaves the project."""
    folder = view.project.inside(path).is_dir()
    if see and not folder:
        link(view.t("files.open"), url("/file", path=path), new=True, icon="open_in_new")
    route = url("/zip", path=path) if folder else url("/file", path=path, download="true")
    name = view.t("files.zip") if folder else view.t("files.download")
    link(name, route, icon="download")


def thumbs(paths: Iterable[tuple[str, str, str]], view: View, *, scroll: bool = False) -> ui.html:
    """Return a grid of thumbnails that browsers load as they come into sight.

    It is one piece of HTML, for thousands of elements of their own would be slow.

    Parameters
    ----------
    paths : iterable of (id, path, mark)
        What is shown; the mark is written into the corner.
    """
    parts = []
    for key, path, mark in paths:
        address = html.escape(thumb_url(view, path))
        name = html.escape(PurePosixPath(path).name, quote=True)
        parts.append(
            f'<button type="button" data-id="{html.escape(key, quote=True)}" '
            f'data-mark="{html.escape(mark, quote=True)}" title="{name}" aria-label="{name} '
            f'{html.escape(mark, quote=True)}"><img loading="lazy" alt="" src="{address}"></button>'
        )
    made = ui.html("".join(parts), sanitize=False).classes("thumbs")
    return made.classes("scroll") if scroll else made


def on_thumb(grid: ui.html, action: Callable[[str], Any]) -> None:
    """Call an action with the id of a thumbnail that is chosen, by mouse or keyboard."""
    grid.on(
        "click",
        lambda event: action(str(event.args)),
        js_handler="(e) => { const b = e.target.closest('[data-id]'); if (b) emit(b.dataset.id); }",
    )


def picture(address: str, alt: str, *, classes: str = "shot") -> Any:
    """Return an image."""
    made = ui.element("img").classes(classes)
    made.props.update(src=address, alt=alt)  # as they are: properties are no HTML
    return made


def thumb_url(view: View, path: str, *, side: int = pictures.SIDE) -> str:
    """Return the address of a small picture; another one once the file has changed."""
    return url("/thumb", path=path, side=side, v=version(view.project.root / path))


def start(view: View, command: Sequence[str], *, title: str, output: str = "") -> Job:
    """Put a command in line and say so.

    Raises
    ------
    InputError
        If it names a file outside the project, whatever the page was sent.
    """
    for word in command:
        path = word.rpartition("=")[2]
        if "/" in path and not word.startswith("--"):
            view.project.inside(path)
    job = view.queue.submit(command, title=title, output=output)
    ui.notify(view.t("jobs.started", n=job.number, title=title), type="info")
    return job


def table(columns: Sequence[tuple[str, bool]], rows: Iterable[Sequence[str]]) -> ui.html:
    """Return a plain table; columns are (title, whether of numbers)."""

    def cells(tag: str, values: Iterable[str]) -> str:
        return "".join(
            f"<{tag}{' class=n' if numeric else ''}>{html.escape(str(value))}</{tag}>"
            for value, (_, numeric) in zip(values, columns, strict=True)
        )

    head = cells("th", (title for title, _ in columns))
    body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    text = f'<table class="plain"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
    return ui.html(text, sanitize=False).classes("wide")


def _hinted(field: F, hint: str) -> F:
    field.props("outlined hide-bottom-space")
    field.props["hint"] = hint
    return field


def described(view: View) -> dict[str, str]:
    """Return the descriptions of a project as options of a list."""
    files = sorted((view.project.root / "descriptions").glob("*.json"))
    return {path: path for path in map(view.project.relative, files)}


def redraw(chart: ui.echart, options: dict[str, Any]) -> None:
    """Give a chart new options."""
    chart.options.clear()
    chart.options.update(options)
    chart.update()


def source_options(view: View, *folders: str, zarr: bool = False) -> dict[str, str]:
    """Return what lies in some folders as options of a list: path to path with a count.

    Not all commands read Zarr folders.
    """
    found = [
        one for one in view.project.sources(*folders) if zarr or not one.path.endswith(".zarr")
    ]
    return {
        one.path: view.t("files.many", path=one.path, n=one.files) if one.files > 1 else one.path
        for one in found
    }


def swatches(view: View, fractions: dict[int, float]) -> None:
    """Name the phases with their colours and shares."""
    for phase, share in fractions.items():
        red, green, blue = pictures.COLOURS[phase % pictures.MOST_PHASES]
        with ui.element("span"):
            ui.element("i").classes("swatch").style(f"background:rgb({red},{green},{blue})")
            ui.label(view.t("phases.share", phase=phase, share=f"{100 * share:.1f}"))
