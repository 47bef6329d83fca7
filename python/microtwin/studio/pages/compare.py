"""Screen & compare: of many the nearest, ranked with reasons; made against real in a report."""

import json
from pathlib import Path, PurePosixPath

from nicegui import ui

from microtwin.errors import InputError
from microtwin.studio import job_cards, widgets
from microtwin.studio.context import View
from microtwin.studio.widgets import Problem

MADE = ("samples", "twins", "screened")
RANKED = 24


def build(view: View) -> None:
    """Build the page."""
    t = view.t
    real = widgets.source_options(view, "phases", "images")
    real |= widgets.described(view)
    made = widgets.source_options(view, *MADE)
    every = widgets.source_options(view, *MADE, zarr=True)
    runs = sorted((view.project.root / "runs").glob("*/generator.npz"))
    drawn = {
        view.project.relative(file.parent): t("compare.drawn", run=file.parent.name)
        for file in runs
    }
    if not real or not (every or drawn):
        with widgets.card():
            where = "/" if not real else "/generate"
            key = "compare.empty.real" if not real else "compare.empty.made"
            widgets.empty(view, key, link=where, icon="balance")
    else:
        with ui.element("div").classes("columns"):
            with widgets.card():
                widgets.heading(t("compare.screen"))
                ui.label(t("compare.screen.lead")).classes("quiet")
                _screening(view, real, {**every, **drawn})
            with widgets.card():
                widgets.heading(t("compare.report"))
                ui.label(t("compare.report.lead")).classes("quiet")
                if made:
                    _comparison(view, real, made)
                else:
                    ui.label(t("compare.empty.made")).classes("quiet")
    _results(view)


def _screening(view: View, real: dict[str, str], made: dict[str, str]) -> None:
    t = view.t
    with ui.element("div").classes("form"):
        samples = widgets.select(made, t("compare.samples"), value=next(iter(made)))
        reference = widgets.select(real, t("compare.reference"), value=next(iter(real)))
        keep = widgets.number(t("compare.keep"), 8, min=1, format="%d", hint=t("compare.keep.hint"))
        budget = widgets.number(t("compare.budget"), 64, min=1, format="%d")
        name = widgets.text(t("files.name"), "nearest", hint=t("files.name.hint"))
    problem = Problem()

    def screen() -> None:
        output = view.free("screened", str(name.value))
        command = ["screen", str(samples.value), "-r", str(reference.value), "-o", output]
        command += ["--table", f"{output}.csv", "--json"]
        if keep.value:
            command.append(f"--keep={widgets.whole(view, keep)}")
        if budget.value:
            command.append(f"--budget={widgets.whole(view, budget)}")
        widgets.start(view, command, title=PurePosixPath(output).name, output=output)

    widgets.button(t("compare.screen.start"), problem.guards(screen), icon="filter_alt")
    job_cards.show(view, ("screen",), most=2)


def _comparison(view: View, real: dict[str, str], made: dict[str, str]) -> None:
    t = view.t
    with ui.element("div").classes("form"):
        reference = widgets.select(real, t("compare.reference"), value=next(iter(real)))
        methods = widgets.select(
            made, t("compare.methods"), value=[next(iter(made))], multiple=True
        ).props("use-chips")
        conduct = ui.switch(t("compare.conduct"))
        name = widgets.text(t("files.name"), "report", hint=t("files.name.hint"))
    problem = Problem()

    def compare() -> None:
        if not methods.value:
            raise InputError(t("compare.choose"))
        output = view.free("reports", str(name.value), ".html")
        command = ["compare", str(reference.value)]
        for path in methods.value:
            command += ["--with", f"{PurePosixPath(path).with_suffix('').as_posix()}={path}"]
        command += ["-o", output, "--json"]
        if conduct.value:
            command.append("--k=0=0,1=1")
        widgets.start(view, command, title=PurePosixPath(output).name, output=output)

    widgets.button(t("compare.report.start"), problem.guards(compare), icon="balance")
    job_cards.show(view, ("compare",), most=2)


def _results(view: View) -> None:
    """Show rankings and reports, new ones as they come."""
    t = view.t
    box = ui.element("div").classes("stack wide-gap")
    known: dict[str, object] = {}

    def look() -> None:
        ranked = sorted(
            (view.project.root / "screened").glob("*/screening.json"),
            key=widgets.version, reverse=True,
        )  # fmt: skip
        reports = sorted(
            (view.project.root / "reports").glob("*.html"), key=widgets.version, reverse=True
        )
        stamp = [(file, widgets.version(file)) for file in (*ranked, *reports)]
        if known.get("stamp") == stamp:
            return
        known["stamp"] = stamp
        box.clear()
        with box:
            if reports:
                with widgets.card():
                    widgets.heading(t("compare.reports"))
                    with ui.element("div").classes("files"):
                        for file in reports:
                            with ui.element("div"):
                                ui.label(file.name)
                                with ui.element("span"):
                                    widgets.downloads(view, view.project.relative(file), see=True)
            for file in ranked[:3]:
                _ranking(view, file)

    look()
    ui.timer(1.5, look)


def _ranking(view: View, file: Path) -> None:
    t, folder = view.t, view.project.relative(file.parent)
    try:
        about = json.loads(file.read_text(encoding="utf-8"))
        kept = [
            (str(row["file"]), float(row["score"]), "; ".join(row["reasons"]))
            for row in about["kept"]
        ]
    except (OSError, ValueError, KeyError, TypeError):  # none of ours, or gone
        return
    with widgets.card():
        widgets.heading(t("compare.ranking", folder=folder))
        ui.label(str(about.get("verdict", ""))).classes("quiet")
        with ui.element("div").classes("files"):
            for rank, (name, score, reasons) in enumerate(kept[:RANKED], 1):
                path = f"{folder}/{name}"
                with ui.element("div").style("justify-content:flex-start;flex-wrap:nowrap"):
                    ui.label(str(rank)).style("width:24px;font-weight:650")
                    address = widgets.thumb_url(view, path)
                    widgets.picture(address, name).style("width:72px;height:72px;flex:none")
                    with ui.element("div").style("min-width:0;overflow-wrap:anywhere"):
                        ui.label(t("compare.score", score=f"{score:.3g}")).style("font-weight:600")
                        ui.label(reasons).classes("quiet")
        with ui.element("div").classes("line"):
            widgets.downloads(view, folder)
            if (view.project.root / f"{folder}.csv").exists():
                widgets.link(
                    t("compare.scores"),
                    widgets.url("/file", path=f"{folder}.csv", download="true"),
                    icon="download",
                )
