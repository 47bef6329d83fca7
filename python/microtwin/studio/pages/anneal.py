"""Anneal: twins with the correlation functions of a target, watched as they come about."""

from pathlib import PurePosixPath

from nicegui import ui

from microtwin.studio import charts, widgets
from microtwin.studio.context import View
from microtwin.studio.jobs import Job, steps
from microtwin.studio.widgets import Problem

ANNEALED = ("two_point", "lineal_path", "chord_length", "cluster")


def build(view: View) -> None:
    """Build the page."""
    t = view.t
    sources = widgets.source_options(view, "phases", "descriptions", "images", "screened")
    described = sorted((view.project.root / "descriptions").glob("*.json"))
    sources |= {view.project.relative(file): view.project.relative(file) for file in described}
    with ui.element("div").classes("aside"):
        with widgets.card():
            widgets.heading(t("anneal.what"))
            if not sources:
                widgets.empty(view, "anneal.empty", link="/", icon="add_photo_alternate")
            else:
                _form(view, sources)
        with widgets.card():
            widgets.heading(t("anneal.runs"))
            drawn: dict[int, _Course] = {}

            def details(job: Job) -> None:
                drawn[job.number] = _Course(view, job)

            widgets.job_list(view, ("anneal",), most=4, details=details)


def _form(view: View, sources: dict[str, str]) -> None:
    t = view.t
    with ui.element("div").classes("form"):
        target = widgets.select(sources, t("anneal.target"), value=next(iter(sources)))
        shape = widgets.text(t("form.shape"), "128,128", hint=t("form.shape.hint"))
        statistics = widgets.select(
            {name: t(f"measure.{name}") for name in ANNEALED}, t("anneal.statistics"),
            value=["two_point", "lineal_path"], multiple=True,
        ).props("use-chips")  # fmt: skip
        lag = widgets.number(t("measure.lag"), 32, min=1, format="%d", hint=t("measure.lag.hint"))
        seed = widgets.number(t("form.seed"), 0, min=0, format="%d", hint=t("form.seed.hint"))
        seconds = widgets.number(
            t("anneal.seconds"), None, min=1, format="%d", hint=t("anneal.seconds.hint")
        )
        schedule = widgets.select(
            {name: t(f"anneal.{name}") for name in ("quench", "geometric", "adaptive")},
            t("anneal.schedule"), value="quench",
        )  # fmt: skip
        name = widgets.text(t("files.name"), "twin", hint=t("files.name.hint"))
    problem = Problem()

    def anneal() -> None:
        output = view.project.free("twins", str(name.value), ".tif")
        stem = output.removesuffix(".tif")
        command = [
            "anneal", str(target.value), f"--shape={shape.value}", "-o", output,
            f"--seed={int(seed.value or 0)}", "--history", f"{stem}.csv",
            "--frames", f"{stem}.gif", "--latest", f"{stem}.latest.png", "--json",
        ]  # fmt: skip
        described = str(target.value).endswith(".json")
        if not described:
            command.append(f"--statistics={','.join(statistics.value or ANNEALED[:2])}")
        if lag.value:
            command.append(f"--max-lag={int(lag.value)}")
        if seconds.value:
            command.append(f"--max-seconds={float(seconds.value)}")
        if schedule.value != "quench":
            command.append(f"--schedule={schedule.value}")
        widgets.start(view, command, title=PurePosixPath(stem).name, output=output)

    widgets.button(t("anneal.start"), problem.guards(anneal), icon="grain")


class _Course:
    """The energy and the newest picture of one run."""

    def __init__(self, view: View, job: Job) -> None:
        t = view.t
        found = steps(view.queue.folder_of(job.number))
        energies = [(step.time, step.values["energy"]) for step in found if "energy" in step.values]
        stem = job.output.removesuffix(".tif")
        latest = view.project.root / f"{stem}.latest.png"
        if not energies and not latest.exists():
            return
        with ui.element("div").classes("columns"):
            if energies:
                begin = energies[0][0]
                line = (
                    t("anneal.energy"),
                    [moment - begin for moment, _ in energies],
                    [energy for _, energy in energies],
                )
                options = charts.lines([line], x=t("anneal.time"), y="", log=True)
                ui.echart(options).classes("chart").props(
                    f'role="img" aria-label="{t("anneal.energy")}"'
                )
            if latest.exists():
                address = widgets.url("/file", path=f"{stem}.latest.png", v=widgets.version(latest))
                with ui.element("figure"):
                    widgets.picture(address, t("anneal.latest"), classes="shot small")
                    widgets.Text("figcaption", t("anneal.latest"))
        if (view.project.root / job.output).exists():
            with ui.element("div").classes("line"):
                widgets.link(
                    t("anneal.see"), widgets.url("/generate", show=job.output), icon="view_in_ar"
                )
                for suffix in (".csv", ".gif"):
                    if (view.project.root / f"{stem}{suffix}").exists():
                        widgets.link(
                            f"{PurePosixPath(stem).name}{suffix}",
                            widgets.url("/file", path=f"{stem}{suffix}", download="true"),
                            icon="download",
                        )
