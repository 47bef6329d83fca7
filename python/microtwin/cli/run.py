"""`microtwin run`: the whole study."""

from pathlib import Path
from typing import Annotated

import typer

from microtwin.cli import _console, _options


def command(
    source: Annotated[
        list[Path] | None,
        typer.Argument(help="Micrographs, volumes or folders; the built-in sample unless given."),
    ] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write to.")] = Path(
        "microtwin-out"
    ),
    preset: Annotated[
        str | None, typer.Option(help="Recipe of the network; see `microtwin info --models`.")
    ] = None,
    seed: _options.Seed = 0,
    phase: Annotated[
        int | None,
        typer.Option(help="Label of phase 1, for segmented images of more than two phases."),
    ] = None,
    spacing: _options.Spacing = None,
    crop_info_bar: _options.CropInfoBar = "auto",
    channel: _options.Channel = None,
    match: Annotated[
        bool, typer.Option(help="Bring the images to one brightness and contrast first.")
    ] = True,
    flatten: Annotated[
        bool, typer.Option("--flatten", help="Take uneven light out of each image first.")
    ] = False,
    smooth: Annotated[
        str,
        typer.Option(
            help="Gaussian filter in pixels before the threshold, or auto: as noise asks."
        ),
    ] = "auto",
    scale: Annotated[
        str, typer.Option(help="By which whole number to shrink the images first, or auto.")
    ] = "auto",
    patch: Annotated[
        int | None, typer.Option(help="Side in pixels of the patches that are compared.")
    ] = None,
    steps: Annotated[int | None, typer.Option(help="Training steps of the network.")] = None,
    twins: Annotated[int | None, typer.Option(help="Annealed images.")] = None,
    samples: Annotated[int | None, typer.Option(help="Generated images.")] = None,
    volume: Annotated[
        int | None, typer.Option(help="Side of the annealed volume; 0 for none.")
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="A trial: few of each; the network learns nothing yet.")
    ] = False,
    resume: _options.Resume = False,
    threads: _options.Threads = None,
    device: _options.Device = "auto",
    as_json: _options.Json = False,
) -> None:
    """Measure, anneal, learn, compare: from micrographs to a report, in one go."""
    from microtwin.comparison import run

    crop = _options.rows_to_crop(crop_info_bar)
    edges = _options.numbers(spacing, name="spacing")
    with _console.stages() as stages:
        result = run(
            source or None,
            output=output,
            preset=preset,
            seed=seed,
            phase=phase,
            spacing=edges,
            crop_info_bar=crop,
            channel=channel,
            match=match,
            flatten=flatten,
            smooth="auto" if smooth == "auto" else _options.number(smooth, name="smooth"),
            scale="auto" if scale == "auto" else _options.integer(scale, name="scale"),
            patch=patch,
            steps=steps,
            twins=twins,
            samples=samples,
            volume=volume,
            quick=quick,
            resume=resume,
            threads=threads,
            device=device,
            progress=stages,
        )
    report = output / "report.html"
    if as_json:
        _console.write_json({"report": str(report), **result.summary()})
        return
    for method in result.methods:
        typer.echo(f"{method.name}: {result.verdict(method.name)}")
    typer.echo(f"Report: {report}")
