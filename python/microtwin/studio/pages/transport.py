"""Transport: what structures conduct, with the interval that certainly holds it."""

import csv
from pathlib import Path, PurePosixPath

from nicegui import ui

from microtwin.studio import job_cards, widgets
from microtwin.studio.context import View
from microtwin.studio.layout import Text
from microtwin.studio.widgets import Problem

ROWS = 40


def build(view: View) -> None:
    """Build the page."""
    t = view.t
    sources = widgets.source_options(view, "phases", "samples", "twins", "screened", "images")
    with ui.element("div").classes("aside"):
        with widgets.card():
            widgets.heading(t("transport.what"))
            if not sources:
                widgets.empty(view, "transport.empty", link="/", icon="add_photo_alternate")
            else:
                _form(view, sources)
        with ui.element("div").classes("stack wide-gap"):
            _results(view)


def _form(view: View, sources: dict[str, str]) -> None:
    t = view.t
    with ui.element("div").classes("form"):
        source = widgets.select(sources, t("transport.source"), value=next(iter(sources)))
        phase = widgets.text(t("transport.phase"), "0", hint=t("transport.phase.hint"))
        axis = widgets.select(
            {"all": t("transport.all"), "z": "z", "y": "y", "x": "x"}, t("transport.axis"),
            value="all",
        )  # fmt: skip
        tol = widgets.select(
            {"1e-2": "1 %", "1e-3": "0.1 %", "1e-4": "0.01 %"}, t("transport.tol"), value="1e-3"
        )
        geometry = ui.switch(t("transport.geometry"))
        name = widgets.text(t("files.name"), "transport", hint=t("files.name.hint"))
    problem = Problem()

    def conduct() -> None:
        output = view.free("transport", str(name.value), ".csv")
        picture = f"{output.removesuffix('.csv')}.png"
        command = ["transport", str(source.value), f"--phase={phase.value}", "-o", output]
        command += ["--plot", picture, f"--axis={axis.value}", f"--tol={tol.value}", "--json"]
        if geometry.value:
            command.append("--geometry")
        widgets.start(view, command, title=PurePosixPath(output).stem, output=output)

    widgets.button(t("transport.start"), problem.guards(conduct), icon="moving")
    ui.label(t("transport.one")).classes("quiet")
    job_cards.show(view, ("transport",), most=2)


def _results(view: View) -> None:
    t = view.t
    box = ui.element("div").classes("stack wide-gap")
    known: dict[str, object] = {}

    def look() -> None:
        tables = sorted(
            (view.project.root / "transport").glob("*.csv"), key=widgets.version, reverse=True
        )
        stamp = [
            (file, widgets.version(file), widgets.version(file.with_suffix(".png")))
            for file in tables
        ]
        if known.get("stamp") == stamp:
            return
        known["stamp"] = stamp
        box.clear()
        with box:
            if not tables:
                with widgets.card():
                    widgets.heading(t("transport.results"))
                    widgets.empty(view, "transport.nothing", icon="moving")
            for file in tables[:4]:
                _result(view, file)

    look()
    ui.timer(1.5, look)


def _result(view: View, file: Path) -> None:
    t = view.t
    rows = _rows(file)
    with widgets.card():
        widgets.heading(file.stem)
        widgets.table(
            [
                (t("transport.structure"), False), (t("transport.along"), False),
                (t("transport.k"), True), (t("transport.interval"), True),
                (t("transport.tau"), True), (t("transport.porosity"), True),
            ],
            [_cells(view, row) for row in rows[:ROWS]],
        )  # fmt: skip
        if len(rows) > ROWS:
            ui.label(t("transport.more", n=len(rows) - ROWS)).classes("quiet")
        picture = file.with_suffix(".png")
        if picture.exists():
            path = view.project.relative(picture)
            with ui.element("figure"):
                widgets.picture(
                    widgets.url("/file", path=path, v=widgets.version(picture)),
                    t("transport.figure"),
                ).style("background:#fff;image-rendering:auto")
                Text("figcaption", t("transport.figure"))
        with ui.element("div").classes("line"):
            widgets.downloads(view, view.project.relative(file))


def _cells(view: View, row: dict[str, str]) -> tuple[str, ...]:
    """Return one row in words; what leads nowhere is said, not left to a zero."""
    name = PurePosixPath(row["file"]).name
    if row.get("percolates") not in ("True", "1", "true"):
        return (
            name,
            row.get("axis", ""),
            "0",
            view.t("transport.no_way"),
            "–",
            _short(row, "porosity"),
        )
    interval = f"{_short(row, 'lower', 5)} – {_short(row, 'upper', 5)}"
    return (
        name, row.get("axis", ""), _short(row, "effective", 5), interval,
        _short(row, "tortuosity_factor"), _short(row, "porosity"),
    )  # fmt: skip


def _short(row: dict[str, str], name: str, digits: int = 4) -> str:
    try:
        return f"{float(row[name]):.{digits}g}"
    except (KeyError, ValueError):
        return "–"


def _rows(file: Path) -> list[dict[str, str]]:
    """Return the rows of a table; none if it is not one of what conducts."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return []
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    rows = csv.DictReader(lines, restval="")
    return [row for row in rows if {"file", "axis", "percolates"} <= row.keys()]
