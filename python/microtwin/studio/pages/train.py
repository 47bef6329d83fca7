"""Train: a generator from micrographs, watched by its losses, pictures and statistics."""

import csv
from pathlib import Path, PurePosixPath
from typing import Any

from nicegui import ui

from microtwin.studio import charts, job_cards, waiting, widgets
from microtwin.studio.context import View, catalogue, number_of, usable
from microtwin.studio.jobs import Job
from microtwin.studio.layout import Text
from microtwin.studio.widgets import Problem

SHOWN = 8  # progress pictures to go back through


def build(view: View) -> None:
    """Build the page."""
    from microtwin.generation import presets

    t = view.t
    sources = widgets.source_options(view, "images", "phases")
    if len(view.rows):
        count = number_of(usable(view.project, view.rows), view.rows)
        sources = {"": t("train.usable", n=count), **sources}
    with ui.element("div").classes("aside"):
        with widgets.card():
            widgets.heading(t("train.what"))
            if not sources:
                widgets.empty(view, "train.empty", link="/", icon="add_photo_alternate")
            else:
                _form(view, sources, list(presets.PRESETS), presets.DEFAULT)
        with widgets.card():
            widgets.heading(t("train.runs"))
            job_cards.show(view, ("train",), most=3, details=Course)


def _form(view: View, sources: dict[str, str], names: list[str], default: str) -> None:
    from microtwin.generation.presets import PRESETS

    t = view.t
    with ui.element("div").classes("form"):
        source = widgets.select(sources, t("train.images"), value=next(iter(sources)))
        preset = widgets.select(names, t("train.preset"), value=default)
        about = ui.label().classes("quiet")
        about.bind_text_from(preset, "value", lambda name: PRESETS[name].summary)
        steps = widgets.number(
            t("train.steps"), None, min=1, format="%d", hint=t("train.steps.hint")
        )
        porosity = ui.switch(t("train.porosity"))
        seed = widgets.number(t("form.seed"), 0, min=0, format="%d", hint=t("form.seed.hint"))
        name = widgets.text(t("files.name"), "generator", hint=t("files.name.hint"))
    problem = Problem()

    async def train() -> None:
        if source.value:
            paths = [str(source.value)]
        else:
            rows = await waiting.read_or_raise(catalogue, view.project)
            paths = usable(view.project, rows)
        output = view.free("runs", str(name.value))  # just before it is taken
        command = ["train", *paths, "-o", output, f"--preset={preset.value}"]
        command += [f"--seed={widgets.whole(view, seed)}", "--json"]
        command += view.project.read_settings().options
        if steps.value:
            command.append(f"--steps={widgets.whole(view, steps)}")
        if porosity.value:
            command.append("--condition=porosity")
        widgets.start(view, command, title=PurePosixPath(output).name, output=output)

    widgets.button(t("train.start"), problem.guards(train), icon="model_training")


class Course:
    """Losses, how near samples come to what was held out, and pictures, as they come."""

    def __init__(self, view: View, job: Job) -> None:
        t, self._view = view.t, view
        self._folder = view.project.root / job.output
        self._files: list[Path] = []
        self._seen: Any = None
        with ui.element("div").classes("columns"):
            self._losses = _Chart(t("train.losses"), t("train.step"))
            self._near = _Chart(t("train.statistics"), t("train.step"))
        with ui.element("figure") as self._figure:
            self._picture = widgets.picture("", t("train.picture"))
            self._caption = Text("figcaption", "")
            self._slider = ui.slider(min=1, max=1, value=1, on_change=self._show)
            self._slider.props(f'snap aria-label="{t("train.picture")}"')
        self._links = ui.element("div").classes("line")

    def update(self, job: Job) -> None:
        """Show how far the run is now."""
        logs = [self._folder / name for name in ("log.csv", "validation.csv", "progress")]
        stamp = (job.state, *map(widgets.version, logs))
        if stamp == self._seen:
            return
        self._seen = stamp
        losses = _columns(logs[0])
        self._losses.draw(losses, [n for n in losses if n not in ("step", "seconds")][:5])
        near = _columns(logs[1])
        self._near.draw(near, [n for n in ("two_point", "lineal_path", "distance") if n in near])
        self._pictures(sorted(logs[2].glob("step-*.png"))[-SHOWN:])
        self._links.clear()
        if job.over and (self._folder / "generator.npz").exists():
            with self._links:
                address = widgets.url("/generate", run=job.output)
                widgets.link(self._view.t("train.generate"), address, icon="view_in_ar")

    def _pictures(self, files: list[Path]) -> None:
        """Show the newest picture, unless the reader has gone back to an earlier one."""
        newest = self._slider.value == len(self._files) or not self._files
        self._figure.set_visibility(bool(files))
        if not files or files == self._files:
            return
        self._files = files
        self._slider.props(f"max={len(files)}")
        self._slider.set_visibility(len(files) > 1)
        if newest:
            self._slider.set_value(len(files))
        self._show()

    def _show(self) -> None:
        if not self._files:
            return
        file = self._files[min(int(self._slider.value), len(self._files)) - 1]
        path = self._view.project.relative(file)
        self._picture.props(f'src="{widgets.url("/file", path=path, v=widgets.version(file))}"')
        self._caption.set_text(self._view.t("train.caption", step=int(file.stem[5:])))


class _Chart:
    """A chart of some columns of a log against its steps, hidden while there is nothing."""

    def __init__(self, title: str, along: str) -> None:
        self._along = along
        with ui.element("figure") as self._box:
            self._chart = ui.echart(charts.lines([], x=along, y="")).classes("chart")
            self._chart.props(f'role="img" aria-label="{title}"')
            Text("figcaption", title)

    def draw(self, columns: dict[str, list[float]], names: list[str]) -> None:
        """Draw the columns of some names."""
        self._box.set_visibility(bool(names))
        if names:
            data = [(n.replace("_", " "), columns["step"], columns[n]) for n in names]
            widgets.redraw(self._chart, charts.lines(data, x=self._along, y=""))


def _columns(path: Path) -> dict[str, list[float]]:
    """Return the columns of a log that is being written: half a row at its end is left out."""
    found: dict[str, list[float]] = {}
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except OSError:
        return {}
    for row in rows:
        try:
            values = {name: float(value) for name, value in row.items()}
        except (TypeError, ValueError):
            continue
        for name, value in values.items():
            found.setdefault(name, []).append(value)
    return found
