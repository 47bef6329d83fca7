"""Train: a generator from micrographs, watched by its losses, pictures and statistics."""

import csv
from pathlib import Path, PurePosixPath

from nicegui import ui

from microtwin.studio import charts, widgets
from microtwin.studio.context import View, number_of, usable
from microtwin.studio.jobs import Job
from microtwin.studio.widgets import Problem

SHOWN = 8  # progress pictures to go back through


def build(view: View) -> None:
    """Build the page."""
    from microtwin.generation import presets

    t = view.t
    sources = widgets.source_options(view, "images", "phases")
    if view.project.images():
        count = number_of(usable(view.project), view.project)
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

            def details(job: Job) -> None:
                _course(view, job)

            widgets.job_list(view, ("train",), most=3, details=details)


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

    def train() -> None:
        output = view.project.free("runs", str(name.value))
        paths = [str(source.value)] if source.value else usable(view.project)
        command = ["train", *paths, "-o", output, f"--preset={preset.value}"]
        command += [f"--seed={int(seed.value or 0)}", "--json"]
        command += view.project.read_settings().options
        if steps.value:
            command.append(f"--steps={int(steps.value)}")
        if porosity.value:
            command.append("--condition=porosity")
        widgets.start(view, command, title=PurePosixPath(output).name, output=output)

    widgets.button(t("train.start"), problem.guards(train), icon="model_training")


def _course(view: View, job: Job) -> None:
    """Show losses, how near samples come to what was held out, and the pictures."""
    t = view.t
    folder = view.project.root / job.output
    box = ui.element("div").style("display:flex;flex-direction:column;gap:12px;width:100%")
    with box:
        losses = _columns(folder / "log.csv")
        names = [n for n in losses if n not in ("step", "seconds")]
        with ui.element("div").classes("columns"):
            if names and len(losses["step"]) > 1:
                _chart(
                    [(n.replace("_", " "), losses["step"], losses[n]) for n in names[:5]],
                    title=t("train.losses"), x=t("train.step"),
                )  # fmt: skip
            near = _columns(folder / "validation.csv")
            wanted = [n for n in ("two_point", "lineal_path", "distance") if n in near]
            if wanted and near["step"]:
                _chart(
                    [(n.replace("_", " "), near["step"], near[n]) for n in wanted],
                    title=t("train.statistics"), x=t("train.step"),
                )  # fmt: skip
        pictures = sorted((folder / "progress").glob("step-*.png"))[-SHOWN:]
        if pictures:
            _pictures(view, job, pictures)
        if job.over and (folder / "generator.npz").exists():
            widgets.link(
                t("train.generate"), widgets.url("/generate", run=job.output), icon="view_in_ar"
            )


def _pictures(view: View, job: Job, files: list[Path]) -> None:
    t = view.t
    with ui.element("figure"):
        last = files[-1]
        address = widgets.url("/file", path=view.project.relative(last), v=widgets.version(last))
        shown = widgets.picture(address, t("train.picture"))
        caption = widgets.Text("figcaption", t("train.caption", step=int(last.stem[5:])))

        def show(number: float | None) -> None:
            file = files[int(number or 1) - 1]
            path = widgets.url("/file", path=view.project.relative(file), v=widgets.version(file))
            shown.props(f'src="{path}"')
            caption.set_text(t("train.caption", step=int(file.stem[5:])))

        if len(files) > 1:
            ui.slider(
                min=1, max=len(files), value=len(files), on_change=lambda e: show(e.value)
            ).props(f'snap aria-label="{t("train.picture")}"')


def _chart(data: list[charts.Line], *, title: str, x: str) -> None:
    with ui.element("figure"):
        ui.echart(charts.lines(data, x=x, y="")).classes("chart").props(
            f'role="img" aria-label="{title}"'
        )
        widgets.Text("figcaption", title)


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
