"""`microtwin segment`: grey levels to phases."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from microtwin.cli import _console, _files, _options, _segment_learning
from microtwin.errors import InputError

if TYPE_CHECKING:
    from microtwin.phases import PixelClassifier


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
        str | None,
        typer.Option(
            help="otsu, isodata, yen, minimum, multi_otsu or local; with --train forest or svm.",
            show_default="otsu; forest with --train",
        ),
    ] = None,
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
    train: Annotated[
        list[Path] | None,
        typer.Option(
            help="Learn the phases from marks: files or folders, named after the images that they "
            "belong to (a.png or a_marks.png for a.tif). Strokes painted in red, green, blue, ... "
            "over the image, or values, 0 being unmarked. May be given several times."
        ),
    ] = None,
    masks: Annotated[
        bool, typer.Option("--masks", help="The marks are masks: 0 is a phase as well.")
    ] = False,
    phases: Annotated[
        str | None,
        typer.Option(help="Which mark is phase 0, 1, ...: red,blue or 1,2. As they ascend."),
    ] = None,
    scales: Annotated[
        str | None,
        typer.Option(help="Widths in voxels of the filters that are learned from: 1,2,4,8."),
    ] = None,
    model: Annotated[
        Path | None, typer.Option(help="Use what was learned and saved before: .npz.")
    ] = None,
    save_model: Annotated[
        Path | None, typer.Option(help="Save what was learned, to be used with --model: .npz.")
    ] = None,
    seed: _options.Seed = 0,
    spacing: _options.Spacing = None,
    crop_info_bar: _options.CropInfoBar = "no",
    channel: _options.Channel = None,
    raw_shape: _options.RawShape = None,
    raw_dtype: _options.RawDtype = None,
    key: _options.Key = None,
    as_json: _options.Json = False,
) -> None:
    """Label every pixel of grey images with its phase, by brightness or by training.

    By brightness phase 0 is the darkest. By training (--train, --model) the phases are what
    strokes say, painted into some of the images.
    """
    import numpy as np

    from microtwin._files import output_folder
    from microtwin.images import find_images, read_image
    from microtwin.phases import load_pixels, segment

    paths = find_images(files)
    to_file = output.suffix.lower() in (".tif", ".tiff", ".npy", ".png")
    if to_file and len(paths) > 1:
        raise InputError(f"output must be a folder for {len(paths)} images, not {output}")
    learning = {
        "--masks": masks,
        "--phases": phases,
        "--scales": scales,
        "--save-model": save_model,
    }
    by_brightness = {
        "--classes": classes != 2, "--flatten": flatten, "--smooth": smooth,
        "--threshold": threshold is not None,
    }  # fmt: skip
    _check(train, model, method, learning, by_brightness)
    _files.check_suffix(save_model, (".npz",), name="save-model")
    reading: dict[str, Any] = {
        "spacing": _options.numbers(spacing, name="spacing"),
        "crop_info_bar": _options.rows_to_crop(crop_info_bar),
        "channel": channel,
        "shape": _options.integers(raw_shape, name="raw-shape"),
        "dtype": raw_dtype,
        "key": key,
    }
    folder = output.parent if to_file else output_folder(output)
    classifier: PixelClassifier | None = None if model is None else load_pixels(model)
    rows = []
    with _console.stages() as begin:
        if train:
            classifier = _segment_learning.learn(
                train,
                paths,
                masks=masks,
                phases=phases,
                scales=scales,
                method=method or "forest",
                seed=seed,
                reading=reading,
                progress=begin("learning"),
            )
            if save_model is not None:
                classifier.save(save_model)
        report = begin("segmenting") if classifier is not None or len(paths) > 1 else None
        for number, path in enumerate(paths):
            image = read_image(path, **reading)

            def within(done: float, total: float, values: Any, number: int = number) -> None:
                if report is not None:
                    report(number + done / total, len(paths), values)

            try:
                if classifier is not None:
                    labels = classifier.segment(image, progress=within)
                else:
                    labels = segment(
                        image,
                        method=method or "otsu",
                        classes=classes,
                        flatten=flatten,
                        smooth=smooth,
                        threshold=threshold,
                    )
                    within(1, 1, {})
            except InputError as error:
                raise InputError(f"{path}: {error}") from error
            target = output if to_file else folder / f"{path.stem}.tif"
            _files.write_labels(target, labels)
            kinds = 0 if classifier is None else len(classifier.phases)
            fractions = np.bincount(labels.ravel(), minlength=kinds) / labels.size
            row = {"image": str(path), "phases": str(target), "fractions": fractions.tolist()}
            rows.append(row)
    if train and classifier is not None:
        _segment_learning.tell(classifier)
    if as_json:
        _console.write_json(rows)
        return
    shares = [f"phase {k}" for k in range(len(rows[0]["fractions"]))]
    _console.write_table(
        ((Path(r["image"]).name, *(f"{f:.4f}" for f in r["fractions"])) for r in rows),
        columns=("image", *shares),
    )
    for written in (output, save_model):
        if written is not None:
            typer.echo(f"Written: {written}")


def _check(
    train: list[Path] | None,
    model: Path | None,
    method: str | None,
    learning: dict[str, Any],
    by_brightness: dict[str, Any],
) -> None:
    """Raise InputError where options do not go together."""
    if train and model is not None:
        raise InputError("train and model are two ways to the same: give one of them")
    given = [name for name, value in learning.items() if value]
    if given and not train:
        raise InputError(f"{given[0]} needs --train, the marks to learn from")
    spare = [name for name, value in by_brightness.items() if value]
    if spare and (train or model is not None):
        raise InputError(f"{spare[0]} is of thresholds, which --train and --model do without")
    if model is not None and method is not None:
        raise InputError("method is that of the model: leave it out with --model")
    trained = method in _segment_learning.METHODS
    if train and method is not None and not trained:
        raise InputError(f"method must be forest or svm with --train, not {method!r}")
    if trained and not train:
        raise InputError(f"method {method} needs --train, the marks to learn from")
