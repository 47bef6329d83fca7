"""Generate: samples of a trained network, in a gallery and from all sides."""

from pathlib import PurePosixPath
from typing import Any

from nicegui import ui

from microtwin.errors import InputError, MicrotwinError
from microtwin.studio import job_cards, waiting, widgets
from microtwin.studio.context import View
from microtwin.studio.viewer import Viewer
from microtwin.studio.widgets import Problem

MOST = 600  # thumbnails of one folder
LOOKED_AT = ("samples", "twins", "screened", "phases")


def build(view: View) -> None:
    """Build the page."""
    t = view.t
    query = ui.context.client.request.query_params
    runs = sorted(
        view.project.relative(file.parent)
        for file in (view.project.root / "runs").glob("*/generator.npz")
    )
    with ui.element("div").classes("aside"):
        with widgets.card():
            widgets.heading(t("generate.what"))
            if not runs:
                widgets.empty(view, "generate.empty", link="/train", icon="model_training")
            else:
                asked = query.get("run", "")
                _form(view, runs, asked if asked in runs else runs[-1])
        with ui.element("div").classes("stack wide-gap"):
            _look(view, query.get("show", ""))


def _form(view: View, runs: list[str], chosen: str) -> None:
    t = view.t
    with ui.element("div").classes("form"):
        source = widgets.select(runs, t("generate.run"), value=chosen)
        count = widgets.number(t("generate.count"), 16, min=1, format="%d")
        shape = widgets.text(t("form.shape"), "", hint=t("generate.shape.hint"))
        seed = widgets.number(t("form.seed"), 0, min=0, format="%d", hint=t("form.seed.hint"))
        porosity = widgets.number(
            t("generate.porosity"), None, min=0, max=1, step=0.01, hint=t("generate.porosity.hint")
        )
        periodic = ui.switch(t("generate.periodic"))
        form = widgets.select(
            {"": t("generate.folder"), ".tif": "TIFF", ".zarr": "Zarr"}, t("generate.format"),
            value="",
        )  # fmt: skip
        name = widgets.text(t("files.name"), "sample", hint=t("files.name.hint"))
    problem = Problem()

    def sample() -> None:
        output = view.free("samples", str(name.value), str(form.value))
        command = [
            "sample",
            str(source.value),
            "-o",
            output,
            f"--count={widgets.whole(view, count)}",
        ]
        command += [f"--seed={widgets.whole(view, seed)}", "--json"]
        if str(shape.value).strip():
            command.append(f"--shape={str(shape.value).strip()}")
        if porosity.value is not None:
            command.append(f"--porosity={widgets.real(view, porosity)}")
        if periodic.value:
            command.append("--periodic")
        widgets.start(view, command, title=PurePosixPath(output).name, output=output)

    widgets.button(t("generate.start"), problem.guards(sample), icon="auto_awesome")
    job_cards.show(view, ("sample",), most=2)


def _look(view: View, asked: str) -> None:
    """Show what has been made, new things as they come."""
    t = view.t
    with widgets.card():
        widgets.heading(t("generate.look"))
        box = ui.element("div").classes("stack wide-gap")
    known: dict[str, Any] = {}

    async def look() -> None:
        found, _ = await waiting.read(widgets.source_options, view, *LOOKED_AT, zarr=True)
        if found is None or found == known.get("found"):
            return
        known["found"] = found
        if known.get("choice") is not None and known["choice"].value in found:
            known["choice"].set_options(found)  # what is looked at stays
            return
        box.clear()
        with box:
            if not found:
                known["choice"] = None
                widgets.empty(view, "generate.nothing", link="/anneal", icon="view_in_ar")
                return
            first = asked if asked in found else next(iter(found))
            choice = widgets.select(found, t("generate.choose"), value=first)
            known["choice"] = choice
            problem = Problem()
            body = ui.element("div").classes("stack wide-gap")

            def show() -> None:
                problem.clear()
                body.clear()
                try:
                    with body:
                        _show(view, str(choice.value))
                except (MicrotwinError, OSError) as error:
                    problem.show(str(error))

            choice.on_value_change(show)
            show()

    ui.timer(2.0, look)  # for the first time at once


def _show(view: View, path: str) -> None:
    t = view.t
    found = view.project.existing(path)
    if found.is_file() or found.suffix == ".zarr":
        Viewer(view, path)
        return
    files = view.project.pictures(path)
    if not files:
        raise InputError(f"{path} holds no image")

    def open_(key: str) -> None:
        holder.clear()
        with holder:
            Viewer(view, key)

    shown = [(view.project.relative(f), view.project.relative(f), "") for f in files[:MOST]]
    grid = widgets.thumbs(shown, view, scroll=len(shown) > 36)
    widgets.on_thumb(grid, open_)
    ui.label(t("generate.pick", n=len(files))).classes("quiet")
    with ui.element("div").classes("line"):
        widgets.downloads(view, path)
    holder = ui.element("div")
    open_(view.project.relative(files[0]))
