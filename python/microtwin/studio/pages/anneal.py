"""Anneal: twins with the correlation functions of a target, watched as they come about."""

from pathlib import PurePosixPath
from typing import Any

from nicegui import ui

from microtwin.studio import charts, job_cards, widgets
from microtwin.studio.context import View
from microtwin.studio.jobs import Job, steps
from microtwin.studio.layout import Text
from microtwin.studio.widgets import Problem

ANNEALED = ("two_point", "lineal_path", "chord_length", "cluster")
SCHEDULES = ("quench", "geometric", "adaptive")


def build(view: View) -> None:
    """Build the page."""
    t = view.t
    sources = widgets.source_options(view, "phases", "images", "screened")
    sources |= widgets.described(view)
    with ui.element("div").classes("aside"):
        with widgets.card():
            widgets.heading(t("anneal.what"))
            if not sources:
                widgets.empty(view, "anneal.empty", link="/", icon="add_photo_alternate")
            else:
                _form(view, sources)
        with widgets.card():
            widgets.heading(t("anneal.runs"))
            job_cards.show(view, ("anneal",), most=4, details=Course)


def _form(view: View, sources: dict[str, str]) -> None:
    t = view.t
    with ui.element("div").classes("form"):
        target = widgets.select(sources, t("anneal.target"), value=next(iter(sources)))
        shape = widgets.text(t("form.shape"), "128,128", hint=t("form.shape.hint"))
        statistics = widgets.select(
            {name: t(f"measure.{name}") for name in ANNEALED},
            t("anneal.statistics"),
            value=["two_point", "lineal_path"],
            multiple=True,
        ).props("use-chips")
        lag = widgets.number(t("measure.lag"), 32, min=1, format="%d", hint=t("measure.lag.hint"))
        seed = widgets.number(t("form.seed"), 0, min=0, format="%d", hint=t("form.seed.hint"))
        seconds = widgets.number(
            t("anneal.seconds"), None, min=1, format="%d", hint=t("anneal.seconds.hint")
        )
        schedule = widgets.select(
            {name: t(f"anneal.{name}") for name in SCHEDULES},
            t("anneal.schedule"),
            value="quench",
        )
        name = widgets.text(t("files.name"), "twin", hint=t("files.name.hint"))
    problem = Problem()

    def anneal() -> None:
        output = view.free("twins", str(name.value), ".tif")
        course = _course_of(output)
        command = ["anneal", str(target.value), f"--shape={shape.value}", "-o", output]
        command += [f"--seed={widgets.whole(view, seed)}", "--history", f"{course}.csv"]
        command += ["--frames", f"{course}.gif", "--latest", f"{course}.png", "--json"]
        if not str(target.value).endswith(".json"):
            command.append(f"--statistics={','.join(statistics.value or ANNEALED[:2])}")
        if lag.value:
            command.append(f"--max-lag={widgets.whole(view, lag)}")
        if seconds.value:
            command.append(f"--max-seconds={widgets.real(view, seconds)}")
        if schedule.value != "quench":
            command.append(f"--schedule={schedule.value}")
        widgets.start(view, command, title=PurePosixPath(course).name, output=output)

    widgets.button(t("anneal.start"), problem.guards(anneal), icon="grain")


def _course_of(output: str) -> str:
    """Return where the course of a run is kept: not among the twins, which commands read."""
    return f"annealing/{PurePosixPath(output).stem}"


class Course:
    """The energy and the newest picture of one run."""

    def __init__(self, view: View, job: Job) -> None:
        t, self._view = view.t, view
        self._course = _course_of(job.output)
        self._latest = view.project.root / f"{self._course}.png"
        self._seen: Any = None
        with ui.element("div").classes("columns") as self._box:
            with ui.element("figure"):
                self._chart = ui.echart(self._energies(job)).classes("chart")
                self._chart.props(f'role="img" aria-label="{t("anneal.energy")}"')
                Text("figcaption", t("anneal.energy"))
            with ui.element("figure") as self._figure:
                self._picture = widgets.picture("", t("anneal.latest"), classes="shot")
                Text("figcaption", t("anneal.latest"))
        self._links = ui.element("div").classes("line")

    def update(self, job: Job) -> None:
        """Show how far the run is now."""
        stamp = (job.state, widgets.version(self._latest), len(self._steps(job)))
        if stamp == self._seen:
            return
        self._seen = stamp
        self._box.set_visibility(stamp[1] > 0 or stamp[2] > 0)
        widgets.redraw(self._chart, self._energies(job))
        self._figure.set_visibility(stamp[1] > 0)
        if stamp[1] > 0:
            address = widgets.url("/file", path=f"{self._course}.png", v=stamp[1])
            self._picture.props(f'src="{address}"')
        self._links.clear()
        root, t = self._view.project.root, self._view.t
        if job.over and (root / job.output).exists():
            with self._links:
                see = widgets.url("/generate", show=job.output)
                widgets.link(t("anneal.see"), see, icon="view_in_ar")
                for suffix in (".csv", ".gif"):
                    if (root / f"{self._course}{suffix}").exists():
                        path = f"{self._course}{suffix}"
                        address = widgets.url("/file", path=path, download="true")
                        widgets.link(PurePosixPath(path).name, address, icon="download")

    def _steps(self, job: Job) -> list[tuple[float, float]]:
        found = steps(self._view.queue.folder_of(job.number))
        return [(step.time, step.values["energy"]) for step in found if "energy" in step.values]

    def _energies(self, job: Job) -> dict[str, Any]:
        found = self._steps(job)
        begin = found[0][0] if found else 0.0
        t = self._view.t
        along, energies = [moment - begin for moment, _ in found], [e for _, e in found]
        return charts.lines([(t("anneal.energy"), along, energies)], x=t("anneal.time"), y="",
                            log=True)  # fmt: skip
