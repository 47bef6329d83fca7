"""`microtwin train`: a generator from micrographs or volumes."""

from pathlib import Path
from typing import Annotated, Any

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
    normal_y: Annotated[
        list[Path] | None,
        typer.Option(
            "--normal-y",
            help="Images (z, x) normal to y, for slice-3d and a material that differs along its "
            "axes; the first ones are normal to z then.",
        ),
    ] = None,
    normal_x: Annotated[
        list[Path] | None, typer.Option("--normal-x", help="Images (z, y) normal to x.")
    ] = None,
    condition: Annotated[
        str | None, typer.Option(help="porosity: teach the network to be asked for it.")
    ] = None,
    rotations: Annotated[
        bool | None,
        typer.Option(
            "--rotations/--no-rotations",
            help="Turn patches by right angles; where axes look alike unless given.",
        ),
    ] = None,
    mirrors: Annotated[bool, typer.Option("--mirrors/--no-mirrors", help="Mirror patches.")] = True,
    augment: Annotated[
        list[str] | None,
        typer.Option(
            help="translation, cutout or brightness: change what the critic sees at random, for "
            "few images. Can be given several times."
        ),
    ] = None,
    precision: Annotated[
        str, typer.Option(help="auto, float32 or bfloat16; what the generator computes in.")
    ] = "auto",
    stream: Annotated[
        bool, typer.Option("--stream", help="Read files when they are needed, not all at once.")
    ] = False,
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
    """Train a network to make images or volumes of a material from its micrographs."""
    from functools import partial

    from microtwin._accelerator import jax_on
    from microtwin.generation import DEFAULT, train_gan
    from microtwin.generation.reading import Files
    from microtwin.images import find_images, read_image

    options: dict[str, Any] = {
        "spacing": _options.numbers(spacing, name="spacing"),
        "crop_info_bar": _options.rows_to_crop(crop_info_bar),
        "channel": channel,
    }

    def opened(paths: list[Path]) -> Any:
        if stream:
            return Files(find_images(paths), read=partial(read_image, **options))
        return _files.read_greys(paths, **options)

    given = opened(images)
    if normal_y or normal_x:
        others = {"y": normal_y, "x": normal_x}
        given = {"z": given} | {axis: opened(paths) for axis, paths in others.items() if paths}
    with jax_on(device), _console.progress_bar("training") as progress:
        generator = train_gan(
            given,
            preset=preset or DEFAULT,
            workdir=output,
            steps=steps,
            seed=seed,
            resume=resume,
            match=match,
            rotations=rotations,
            mirrors=mirrors,
            augment=augment or (),
            condition=condition,
            precision=precision,
            progress=progress,
        )
    settings = generator.settings
    result = {
        "output": str(output),
        "preset": generator.preset,
        "images": settings.images,
        "validation": settings.validation,
        "steps": generator.steps,
        "seconds": generator.seconds,
        "seed": seed,
        **generator.metrics,
    }
    if as_json:
        _console.write_json(result)
        return
    found = ", ".join(
        f"{name.replace('_', ' ')} {generator.metrics[name]:.3g}"
        for name in ("two_point", "lineal_path")
    )
    typer.echo(
        f"{output}: {generator.preset}, {generator.seconds:.0f} s; the weights after step "
        f"{generator.steps} came nearest to the validation set ({found})"
    )
