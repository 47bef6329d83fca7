"""The pages, a file a stage of the work, each with a ``build(view)``.

What may not live here: long work, which is started as a command line (`microtwin.studio.jobs`), and
texts, which are in the catalogues.
"""

from collections.abc import Callable

from nicegui import ui
from starlette.requests import Request

from microtwin.images import Catalogue
from microtwin.studio import waiting
from microtwin.studio.context import Studio, View, catalogue
from microtwin.studio.layout import STAGES, frame
from microtwin.studio.pages import (
    anneal,
    compare,
    generate,
    images,
    jobs,
    measure,
    phases,
    select,
    train,
    transport,
)
from microtwin.studio.texts import COOKIE, Texts, preferred
from microtwin.studio.widgets import Problem

BUILDERS: dict[str, Callable[[View], None]] = {
    "images": images.build,
    "select": select.build,
    "phases": phases.build,
    "measure": measure.build,
    "anneal": anneal.build,
    "train": train.build,
    "generate": generate.build,
    "compare": compare.build,
    "transport": transport.build,
    "jobs": jobs.build,
}
SECONDS = 20.0  # that a page may take to build: a first look at thousands of images


def register(studio: Studio) -> None:
    """Add the pages of a studio to NiceGUI's application."""
    for stage in STAGES:
        _add(studio, stage.name, stage.path)


def _add(studio: Studio, name: str, path: str) -> None:
    @ui.page(path, response_timeout=SECONDS)
    async def show(request: Request) -> None:
        accepted = request.headers.get("accept-language", "")
        texts = Texts(preferred(request.cookies.get(COOKIE), accepted))
        rows, wrong = await waiting.read(catalogue, studio.project)
        view = View(studio, texts, Catalogue(()) if rows is None else rows)
        with frame(view, name):
            if rows is None:
                Problem().show(wrong)
            BUILDERS[name](view)
