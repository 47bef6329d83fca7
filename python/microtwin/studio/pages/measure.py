"""Measure: correlation functions as curves with bands, their values, tables to take away."""

from functools import partial
from typing import Any

from nicegui import events, ui

from microtwin.statistics import Description
from microtwin.statistics._kinds import KINDS
from microtwin.statistics._registry import STATISTICS
from microtwin.statistics.directions import FAMILIES
from microtwin.studio import charts, job_cards, waiting, widgets
from microtwin.studio.context import View
from microtwin.studio.widgets import Problem

FOLDERS = ("phases", "samples", "twins", "screened", "images")
ROWS = 40  # of the table of values


def build(view: View) -> None:
    """Build the page."""
    t = view.t
    sources = widgets.source_options(view, *FOLDERS)
    with ui.element("div").classes("aside"):
        with widgets.card():
            widgets.heading(t("measure.what"))
            if not sources:
                widgets.empty(view, "measure.empty", link="/", icon="add_photo_alternate")
            else:
                _form(view, sources)
        with ui.element("div").classes("stack wide-gap"):
            _shown(view)


def _form(view: View, sources: dict[str, str]) -> None:
    t = view.t
    with ui.element("div").classes("form"):
        source = widgets.select(sources, t("measure.source"), value=next(iter(sources)))
        names = {name: t(f"measure.{name}") for name in STATISTICS}
        statistics = widgets.select(
            names, t("measure.statistics"), value=["two_point", "lineal_path"], multiple=True
        ).props("use-chips")
        directions = widgets.select(
            {name: t(f"measure.{name}") for name in FAMILIES}, t("measure.directions"),
            value="axes",
        )  # fmt: skip
        lag = widgets.number(t("measure.lag"), None, min=1, format="%d", hint=t("measure.lag.hint"))
        name = widgets.text(t("files.name"), "", hint=t("files.name.hint"))
    problem = Problem()

    def measure() -> None:
        chosen = str(source.value)
        wanted = str(name.value).strip() or chosen.replace("/", "-")
        output = view.free("descriptions", wanted, ".json")
        options = view.project.read_settings().options if chosen.startswith("images") else []
        command = ["describe", chosen, "-o", output, *options, "--json"]
        command += [f"--statistics={','.join(statistics.value or ['two_point'])}"]
        command += [f"--directions={directions.value}"]
        if lag.value:
            command.append(f"--max-lag={widgets.whole(view, lag)}")
        widgets.start(view, command, title=t("measure.job", source=chosen), output=output)

    widgets.button(t("measure.start"), problem.guards(measure), icon="show_chart")
    job_cards.show(view, ("describe",), most=2)


def _shown(view: View) -> None:
    """Show what has been measured; new results come by themselves."""
    t = view.t
    box = ui.element("div").classes("stack wide-gap")
    known: dict[str, object] = {"files": None, "chosen": None}

    def look() -> None:
        files = sorted(
            (view.project.root / "descriptions").glob("*.json"),
            key=widgets.version, reverse=True,
        )  # fmt: skip
        stamp = [(file.name, widgets.version(file)) for file in files]
        if stamp == known["files"]:
            return
        known["files"] = stamp
        box.clear()
        with box:
            if not files:
                with widgets.card():
                    widgets.heading(t("measure.results"))
                    widgets.empty(view, "measure.nothing", icon="show_chart")
                return
            _results(view, [file.name for file in files])

    look()
    ui.timer(1.5, look)


def _results(view: View, files: list[str]) -> None:
    t = view.t
    with widgets.card():
        widgets.heading(t("measure.results"))
        choice = widgets.select(files, t("measure.result"), value=files[0])
        problem = Problem()
        body = ui.element("div").classes("stack wide-gap")

    async def show() -> None:
        name = str(choice.value)
        path = view.project.root / "descriptions" / name
        found, wrong = await waiting.read(Description.from_json, path)
        if name != choice.value:  # another one has been chosen meanwhile
            return
        body.clear()
        problem.clear()
        if found is None:
            problem.show(wrong)
            return
        with body:
            _description(view, found, name)

    choice.on_value_change(show)
    ui.timer(0.05, show, once=True)


def _description(view: View, found: Description, name: str) -> None:
    """Show one description: numbers, a chart for each statistic, the values clicked on."""
    t = view.t
    unit = "1/voxel" if found.spacing is None else "1/m"
    with ui.element("div").classes("facts"):
        widgets.fact(t("measure.samples"), str(found.samples))
        widgets.fact(t("measure.shape"), " × ".join(map(str, found.shape)))
        for phase in found.voxels:
            share = f"{100 * found.fraction(phase):.2f} %"
            spread = found.fraction_spread(phase)
            widgets.fact(
                t("measure.fraction", phase=phase),
                share if spread is None else f"{share} ± {100 * spread:.2g}",
            )
        surface = f"{found.specific_surface:.4g} {unit}"
        widgets.fact(t("measure.surface", phase=found.phase), surface)
    values = ui.label(t("measure.click")).classes("note")
    for statistic in dict.fromkeys(f.statistic for f in found.functions):
        curves = [f for f in found.functions if f.statistic == statistic]
        data, bands = [], {}
        for f in curves:
            several = len({one.directions for one in curves}) > 1
            title = t("measure.phase", phase=f.phase)
            title = f"{title}, {f.directions.replace('_', ' ')}" if several else title
            data.append((title, f.abscissa.tolist(), f.mean.tolist()))
            band = f.band()
            if band is not None:
                bands[title] = (band[0].tolist(), band[1].tolist())
        with ui.element("div"):
            widgets.heading(t(f"measure.{statistic}"))
            options = charts.lines(
                data, x=t("measure.axis"), y=t(f"measure.unit.{_unit(statistic)}"), bands=bands
            )
            click = partial(_clicked, view, values)
            ui.echart(options, on_point_click=click).classes("chart").props(
                f'role="img" aria-label="{t(f"measure.{statistic}")}"'
            )
        with ui.expansion(t("measure.values")).props("dense"):
            first = data[0][1]
            step = max(len(first) // ROWS, 1)
            widgets.table(
                [(t("measure.axis"), True), *((title, True) for title, _, _ in data)],
                [
                    (f"{first[i]:.3g}", *(f"{v[i]:.6g}" if i < len(v) else "" for _, _, v in data))
                    for i in range(0, len(first), step)
                ],
            )
    problem = Problem()
    for one in found.numbers:
        widgets.heading(t(f"measure.{one.statistic}"))
        widgets.table(
            [(t("measure.number"), False), (t("measure.value"), True)],
            [(key.replace("_", " "), f"{value:.6g}") for key, value in one.numbers.items()],
        )
    with ui.element("div").classes("line"):
        widgets.button(
            t("measure.csv"),
            problem.guards(lambda: _download_csv(view, found, name)),
            icon="download",
            main=False,
        )
        widgets.downloads(view, f"descriptions/{name}")


def _unit(statistic: str) -> str:
    value = KINDS[statistic].value
    return {"probability": "probability", "fraction of the phase": "share"}.get(value, "density")


def _clicked(view: View, values: ui.label, event: events.EChartPointClickEventArguments) -> None:
    point: Any = event.value
    lag, value = point
    values.set_text(
        view.t("measure.at", curve=event.series_name, lag=f"{lag:.4g}", value=f"{value:.6g}")
    )


async def _download_csv(view: View, found: Description, name: str) -> None:
    stem = name.removesuffix(".json")
    target = view.project.root / "descriptions" / f"{stem}.csv"
    await waiting.read_or_raise(found.to_csv, target)
    ui.navigate.to(widgets.url("/file", path=f"descriptions/{stem}.csv", download="true"))
