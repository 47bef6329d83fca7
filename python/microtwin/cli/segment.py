"""`microtwin segment`: grey levels to phases."""

from pathlib import Path
from typing import Annotated

import typer

from microtwin.cli import _console, _files, _options


def command(
    files: _options.Files,
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            help="A file (.tif, .npy, .png) for one image; a folder, which gets TIFF files.",
        ),
    ] = Path("phases"),
    method: Annotated[
        str, typer.Option(help="otsu, isodata, yen, minimum, multi_otsu or local.")
    ] = "otsu",
    classes: Annotated[int, typer.Option(help="Number of phases, with multi_otsu.")] = 2,
    flatten: Annotated[
        bool, typer.Option("--flatten", help="Take uneven light out of each image first.")
    ] = False,
    smooth: Annotated[
        float, typer.Option(help="Standard deviation in voxels of a Gaussian filter before.")
    ] = 0.0,
    threshold: Annotated[
        float | None, typer.Option(help="Grey level; what is brighter is phase 1.")
    ] = None,
    spacing: _options.Spacing = None,
    crop_info_bar: _options.CropInfoBar = "no",
    channel: _options.Channel = None,
    raw_shape: _options.RawShape = None,
    raw_dtype: _options.RawDtype = None,
    as_json: _options.Json = False,
) -> None:
    """Label every pixel of grey images with its phase, 0 being the darkest."""
    import numpy as np

    from microtwin._files import output_folder
    from microtwin.errors import InputError
    from microtwin.images import find_images, read_image
    from microtwin.phases import segment

    paths = find_images(files)
    to_file = output.suffix.lower() in (".tif", ".tiff", ".npy", ".png")
    if to_file and len(paths) > 1:
        raise InputError(f"output must be a folder for {len(paths)} images, not {output}")
    folder = output.parent if to_file else output_folder(output)
    rows = []
    for path in paths:
        image = read_image(
            path,
            spacing=_options.numbers(spacing, name="spacing"),
            crop_info_bar=_options.rows_to_crop(crop_info_bar),
            channel=channel,
            shape=_options.integers(raw_shape, name="raw-shape"),
            dtype=raw_dtype,
        )
        try:
            labels = segment(
                image,
                method=method,
                classes=classes,
                flatten=flatten,
                smooth=smooth,
                threshold=threshold,
            )
        except InputError as error:
            raise InputError(f"{path}: {error}") from error
        target = output if to_file else folder / f"{path.stem}.tif"
        _files.write_labels(target, labels)
        fractions = np.bincount(labels.ravel()) / labels.size
        rows.append({"image": str(path), "phases": str(target), "fractions": fractions.tolist()})
    if as_json:
        _console.write_json(rows)
        return
    shares = [f"phase {k}" for k in range(len(rows[0]["fractions"]))]
    _console.write_table(
        ((Path(r["image"]).name, *(f"{f:.4f}" for f in r["fractions"])) for r in rows),
        columns=("image", *shares),
    )
    typer.echo(f"Written: {output}")
