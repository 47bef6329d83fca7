"""`microtwin sample`: images from a trained generator."""

from pathlib import Path
from typing import Annotated

import typer

from microtwin.cli import _console, _files, _options


def command(
    run: Annotated[Path, typer.Argument(help="Folder of a training run.")],
    count: Annotated[int, typer.Option("--count", "-n", help="How many images.")] = 16,
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            help="A .npy or .tif file with all of them; or a folder, which gets PNG files.",
        ),
    ] = Path("samples"),
    seed: _options.Seed = 0,
    shape: Annotated[
        str | None, typer.Option(help="Size in pixels, if the preset can: 256,256.")
    ] = None,
    threshold: Annotated[
        str,
        typer.Option(
            help="Grey level between the phases, in 0..1; porosity for the one that gives the "
            "fractions of the training images; training for theirs."
        ),
    ] = "porosity",
    phases: Annotated[
        bool, typer.Option("--phases", help="Write phases to the file, not grey levels.")
    ] = False,
    device: _options.Device = "auto",
    as_json: _options.Json = False,
) -> None:
    """Draw images from a trained network; a folder gets both grey levels and phases."""
    import numpy as np

    from microtwin._accelerator import jax_on
    from microtwin._files import output_folder
    from microtwin.generation import load_generator
    from microtwin.images import save_image

    to_file = output.suffix != ""
    if to_file:
        _files.check_suffix(output, (".npy", ".tif", ".tiff"), name="output")
    with jax_on(device):
        generator = load_generator(run)
        folders = [] if to_file else [output_folder(output / n) for n in ("grey", "phases")]
        samples = generator.sample(
            count,
            seed=seed,
            shape=_options.integers(shape, name="shape"),  # type: ignore[arg-type]
            threshold=threshold
            if threshold.isalpha()
            else _options.number(threshold, name="threshold"),
        )
    if to_file:
        save_image(output, samples.labels if phases else samples.images)
    else:
        for i, (grey, labels) in enumerate(zip(samples.images, samples.labels, strict=True)):
            save_image(folders[0] / f"{i:04d}.png", np.rint(grey * 255).astype(np.uint8))
            _files.write_labels(folders[1] / f"{i:04d}.png", labels)
    result = {
        "output": str(output),
        "count": len(samples),
        "shape": list(samples.images.shape[1:]),
        "porosity": samples.porosity,
        "thresholds": list(samples.thresholds),
        "seed": seed,
    }
    if as_json:
        _console.write_json(result)
        return
    size = " x ".join(map(str, samples.images.shape[1:]))
    typer.echo(f"{output}: {len(samples)} images of {size}, porosity {samples.porosity:.4f}")
