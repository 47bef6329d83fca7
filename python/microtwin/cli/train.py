"""`microtwin train`: a generator from micrographs."""

from pathlib import Path
from typing import Annotated

import typer

from microtwin.cli import _console, _files, _options


def command(
    images: _options.Files,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the run.")] = Path(
        "microtwin-gan"
    ),
    preset: Annotated[
        str | None, typer.Option(help="Recipe; see `microtwin info --models`.")
    ] = None,
    steps: Annotated[
        int | None, typer.Option(help="Steps in all; those of the preset unless given.")
    ] = None,
    seed: _options.Seed = 0,
    match: Annotated[
        bool, typer.Option(help="Bring the images to one brightness and contrast first.")
    ] = True,
    spacing: _options.Spacing = None,
    crop_info_bar: _options.CropInfoBar = "auto",
    channel: _options.Channel = None,
    resume: _options.Resume = False,
    device: _options.Device = "auto",
    as_json: _options.Json = False,
) -> None:
    """Train a network to make images of a material from its micrographs."""
    from microtwin._accelerator import jax_on
    from microtwin.generation import DEFAULT, train_gan

    greys = _files.read_greys(
        images,
        spacing=_options.numbers(spacing, name="spacing"),
        crop_info_bar=_options.rows_to_crop(crop_info_bar),
        channel=channel,
    )
    with jax_on(device), _console.progress_bar("training") as progress:
        generator = train_gan(
            greys,
            preset=preset or DEFAULT,
            workdir=output,
            steps=steps,
            seed=seed,
            resume=resume,
            match=match,
            progress=progress,
        )
    result = {
        "output": str(output),
        "preset": generator.preset,
        "images": len(greys),
        "steps": generator.steps,
        "seconds": generator.seconds,
        "seed": seed,
    }
    if as_json:
        _console.write_json(result)
        return
    typer.echo(f"{output}: {generator.preset}, {generator.steps} steps, {generator.seconds:.0f} s")
