"""`microtwin sample`: images or volumes from a trained generator."""

from pathlib import Path
from typing import Annotated

import typer

from microtwin.cli import _console, _options


def command(
    run: Annotated[Path, typer.Argument(help="Folder of a training run, or of a saved network.")],
    count: Annotated[int, typer.Option("--count", "-n", help="How many.")] = 16,
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            help="A .zarr folder, .tif or .npy file with all of them; or a folder, which gets a "
            "file for each: PNG, or TIFF for volumes.",
        ),
    ] = Path("samples"),
    seed: _options.Seed = 0,
    first: Annotated[
        int, typer.Option(help="Number of the first one, to make some of a batch again.")
    ] = 0,
    shape: Annotated[
        str | None, typer.Option(help="Size in voxels, if the preset can: 256,256.")
    ] = None,
    periodic: Annotated[
        bool, typer.Option("--periodic", help="Let opposite faces fit together.")
    ] = False,
    porosity: Annotated[
        str | None,
        typer.Option(
            help="What a network trained with --condition porosity is asked for; or one a sample: "
            "0.2,0.3."
        ),
    ] = None,
    threshold: Annotated[
        str | None,
        typer.Option(
            help="Grey level between the phases, in 0..1; porosity for the one that gives the "
            "fractions of the training images; training for theirs. porosity unless given, or "
            "training for a network that is asked for porosities."
        ),
    ] = None,
    grey: Annotated[
        bool,
        typer.Option("--grey", help="Write grey levels, not phases; folders of images get both."),
    ] = False,
    resume: _options.Resume = False,
    device: _options.Device = "auto",
    as_json: _options.Json = False,
) -> None:
    """Draw images or volumes of any size from a trained network, with a manifest."""
    from dataclasses import asdict

    from microtwin._accelerator import jax_on
    from microtwin.generation import load_generator

    asked = _options.numbers(porosity, name="porosity")
    level: str | float | None = threshold
    if threshold is not None and not threshold.isalpha():
        level = _options.number(threshold, name="threshold")
    with jax_on(device), _console.progress_bar("sampling") as progress:
        generator = load_generator(run)
        manifest = generator.sample_to(
            output,
            count,
            seed=seed,
            first=first,
            shape=_options.integers(shape, name="shape"),
            threshold=level,
            periodic=periodic,
            porosity=asked,
            grey=grey,
            resume=resume,
            progress=progress,
        )
    if as_json:
        _console.write_json({**asdict(manifest), "output": str(output)})
        return
    size = " x ".join(map(str, manifest.shape))
    kind = "images" if len(manifest.shape) == 2 else "volumes"
    typer.echo(f"{output}: {manifest.count} {kind} of {size}, porosity {manifest.porosity:.4f}")
