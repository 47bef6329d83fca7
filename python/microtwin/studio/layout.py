"""The frame around every page: the stages at the left, a bar above, one look for all."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import quote

from nicegui import ui
from nicegui.elements.mixins.text_element import TextElement

from microtwin._version import __version__
from microtwin.studio.context import View
from microtwin.studio.texts import LANGUAGES

ACCENT = "#0b6470"
WIDE = 860  # pixels from which the stages stay beside the page; as in studio.css


@dataclass(frozen=True, slots=True)
class Stage:
    """An entry of the list of stages."""

    name: str
    path: str
    icon: str


STAGES = (
    Stage("images", "/", "photo_library"),
    Stage("select", "/select", "rule"),
    Stage("phases", "/phases", "contrast"),
    Stage("measure", "/measure", "show_chart"),
    Stage("anneal", "/anneal", "grain"),
    Stage("train", "/train", "model_training"),
    Stage("generate", "/generate", "view_in_ar"),
    Stage("compare", "/compare", "balance"),
    Stage("transport", "/transport", "moving"),
    Stage("jobs", "/jobs", "pending_actions"),
)


class Text(TextElement):
    """A piece of text in an HTML element of one's choice."""

    def __init__(self, tag: str, text: str) -> None:
        super().__init__(tag=tag, text=text)


@contextmanager
def frame(view: View, name: str) -> Iterator[None]:
    """Put a page's content between the bar and the stages."""
    t = view.t
    stage = next(one for one in STAGES if one.name == name)
    ui.page_title(f"{t(f'{name}.title')} · {view.project.name} · microtwin")
    ui.colors(primary=ACCENT, secondary="#55606e", accent=ACCENT, negative="#a3260f",
              positive="#1c6b3a", info=ACCENT, warning="#8a4b00")  # fmt: skip
    ui.add_head_html(
        f'<link rel="stylesheet" href="/studio/studio.css?{__version__}">'
        f'<script>document.documentElement.lang = "{t.language}"</script>'
    )
    drawer = ui.left_drawer(value=None).props(f"width=228 breakpoint={WIDE}")
    with ui.header():
        ui.button(icon="menu", on_click=drawer.toggle).props(
            f'flat round dense aria-label="{t("frame.menu")}"'
        )
        with ui.element("a").classes("brand").props('href="/" aria-label="microtwin"'):
            ui.element("img").props('src="/studio/icon.svg" alt=""')
            Text("span", "microtwin")
        ui.label(view.project.name).classes("crumb")
        ui.element("div").classes("spacer")
        _running(view)
        for code, title in LANGUAGES.items():
            if code != t.language:
                back = quote(stage.path)
                with (
                    ui.element("a")
                    .classes("toplink")
                    .props(f'href="/language/{code}?back={back}" lang="{code}" hreflang="{code}"')
                ):
                    ui.label(title)
    with drawer, ui.element("nav").props(f'aria-label="{t("frame.stages")}"').style("width:100%"):
        for one in STAGES:
            here = 'aria-current="page"' if one is stage else ""
            with ui.element("a").classes("stage").props(f'href="{one.path}" {here}'):
                ui.icon(one.icon).props('aria-hidden="true"')
                ui.label(t(f"{one.name}.title"))
    content = ui.element("div").props('tabindex="-1"').style("outline:none")
    ui.skip_link(t("frame.skip"), target=content)
    with content:
        Text("h1", t(f"{name}.title"))
        Text("p", t(f"{name}.lead")).classes("lead")
    yield


def _running(view: View) -> None:
    """Tell how many jobs run and wait."""
    with ui.element("a").classes("toplink").props('href="/jobs" aria-live="polite"'):
        ui.icon("pending_actions").props('aria-hidden="true"')
        label = ui.label()

    def look() -> None:
        waiting = [job for job in view.queue.all() if not job.over]
        text = view.t("frame.jobs", n=len(waiting)) if waiting else view.t("frame.no_jobs")
        if label.text != text:
            label.set_text(text)

    look()
    ui.timer(2.0, look)
