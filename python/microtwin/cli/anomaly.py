"""`microtwin anomaly`: learn from normal images, and tell which others are not."""

from pathlib import Path
from typing import Annotated, Any

import typer

from microtwin.cli import _console, _files, _options
from microtwin.cli._group import Group

app = typer.Typer(
    cls=Group,
    no_args_is_help=True,
    help="Learn from normal images, and tell which others are not.",
)

NOT_ALL_NORMAL = 1

Model = Annotated[Path, typer.Option("--model", "-m", help="Folder of a trained detector.")]
FalseAlarms = Annotated[
    float | None,
    typer.Option(help="Which part of normal images may be called anomalous; as in training."),
]


@app.command()
def train(
    normal: Annotated[
        list[Path],
        typer.Argument(help="Normal images, or folders of them.", show_default=False),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the run.")] = Path(
        "microtwin-detector"
    ),
    method: Annotated[
        str, typer.Option(help="autoencoder, which needs no anomalies; mlp or flow.")
    ] = "autoencoder",
    anomalies: Annotated[
        str | None,
        typer.Option(
            help="Anomalous images for mlp and flow: a folder, or synthetic for defects of "
            "micrographs drawn into normal images."
        ),
    ] = None,
    false_alarms: Annotated[
        float,
        typer.Option(
            help="Which part of normal images may be called anomalous; 0.05 takes 19 images "
            "for validation at the least, 0.01 takes 99."
        ),
    ] = 0.05,
    validation: Annotated[
        str | None,
        typer.Option(
            help="Share of the normal images kept for the threshold, or a folder of others; a "
            "fifth, or as many as it takes."
        ),
    ] = None,
    architecture: Annotated[
        str, typer.Option(help="The autoencoder; see `microtwin info --models`.")
    ] = "autoencoder-v5",
    score: Annotated[
        str, typer.Option(help="What the autoencoder scores by: signature, mse, worst or code.")
    ] = "signature",
    inputs: Annotated[
        str, typer.Option(help="What mlp and flow see: signature, code or both.")
    ] = "signature",
    stride: Annotated[
        int | None, typer.Option(help="Pixels from tile to tile when scoring; half a tile.")
    ] = None,
    downscale: Annotated[
        float, typer.Option(help="By how much images are made smaller first.")
    ] = 1.0,
    epochs: Annotated[
        int | None, typer.Option(help="At most, of each network; those of its recipe.")
    ] = None,
    seed: _options.Seed = 0,
    crop_info_bar: _options.CropInfoBar = "auto",
    channel: _options.Channel = None,
    resume: _options.Resume = False,
    device: _options.Device = "auto",
    as_json: _options.Json = False,
) -> None:
    """Learn what normal images are like, and where normal ends."""
    from microtwin._accelerator import jax_on
    from microtwin.classification import train_detector

    reading = _reading(crop_info_bar, channel)
    kept: Any = None
    if validation is not None:
        kept = _options.share_or_path(validation, name="validation")
        kept = _files.read_greys([kept], **reading) if isinstance(kept, Path) else kept
    bad: Any = anomalies
    if anomalies not in (None, "synthetic"):
        bad = _files.read_greys([Path(str(anomalies))], **reading)
    with jax_on(device), _console.progress_bar("training") as progress:
        detector = train_detector(
            _files.read_greys(normal, **reading),
            workdir=output,
            method=method,
            architecture=architecture,
            anomalies=bad,
            validation=kept,
            false_alarms=false_alarms,
            score=score,
            inputs=inputs,
            stride=stride,
            downscale=downscale,
            epochs=epochs,
            seed=seed,
            resume=resume,
            progress=progress,
        )
    settings = detector.settings
    result = {
        "output": str(output),
        "method": settings.method,
        "architecture": settings.architecture,
        "images": settings.counts,
        "size": settings.size,
        "false_alarms": settings.false_alarms,
        "threshold": detector.threshold,
        "seconds": detector.seconds,
        "seed": seed,
    }
    if as_json:
        _console.write_json(result)
        return
    counts = settings.counts
    typer.echo(
        f"{output}: {settings.method}, {counts['learned'] + counts['watched']} images learned "
        f"from, {detector.seconds:.0f} s; above {detector.threshold:.4g} for "
        f"{100 * settings.false_alarms:g} % false alarms, by {counts['kept']} images kept out"
    )


@app.command("score")
def score_images(
    images: _options.Files,
    model: Model,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="CSV file with all scores.")
    ] = None,
    maps: Annotated[
        Path | None,
        typer.Option(help="Folder for maps of where images are unlike normal ones."),
    ] = None,
    map_kind: Annotated[
        str,
        typer.Option(
            help="score: of the tiles around each pixel; error: the squared difference from the "
            "reconstruction, finer but high at every edge."
        ),
    ] = "score",
    false_alarms: FalseAlarms = None,
    fail: Annotated[
        bool, typer.Option("--fail", help="End with code 1 if an image is anomalous.")
    ] = False,
    crop_info_bar: _options.CropInfoBar = "auto",
    channel: _options.Channel = None,
    device: _options.Device = "auto",
    as_json: _options.Json = False,
) -> None:
    """Say how unlike normal images others are."""
    from microtwin._accelerator import jax_on
    from microtwin._files import output_folder
    from microtwin.classification import load_detector

    _files.check_suffix(output, (".csv",), name="output")
    if maps is not None:
        output_folder(maps, name="maps")
    with jax_on(device), _console.progress_bar("scoring") as progress:
        scores = load_detector(model).score(
            _files.read_greys(images, **_reading(crop_info_bar, channel)),
            false_alarms=false_alarms,
            maps=None if maps is None else map_kind,
            progress=progress,
        )
    if output is not None:
        scores.to_csv(output)
    if maps is not None:
        scores.save_maps(maps)
    table = scores.to_dataframe()
    found = int(scores.anomalous.sum())
    if as_json:
        _console.write_json(
            {
                "images": table.to_dict("records"),
                "threshold": scores.threshold,
                "false_alarms": scores.false_alarms,
                "calibrated_on": scores.calibrated_on,
                "anomalous": found,
            }
        )
    elif output is None:
        _console.write_table(
            (
                (name, f"{value:.4g}", f"{p:.3g}", "anomalous" if bad else "")
                for name, value, p, bad in table.itertuples(index=False)
            ),
            columns=("image", "score", "p", ""),
        )
    if not as_json:
        words = f"{found} of {len(scores)} images are anomalous"
        rate = f"above {scores.threshold:.4g}, for {100 * scores.false_alarms:g} % false alarms"
        typer.echo(f"{f'{output}: ' if output else ''}{words} ({rate})")
    if fail and found:
        raise typer.Exit(NOT_ALL_NORMAL)


@app.command()
def evaluate(
    normal: Annotated[
        list[Path],
        typer.Argument(help="Normal images that training has not seen.", show_default=False),
    ],
    anomalous: Annotated[
        list[Path], typer.Option("--anomalous", "-a", help="Anomalous ones, or a folder.")
    ],
    model: Model,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="JSON file with all of it.")
    ] = None,
    false_alarms: FalseAlarms = None,
    crop_info_bar: _options.CropInfoBar = "auto",
    channel: _options.Channel = None,
    device: _options.Device = "auto",
    as_json: _options.Json = False,
) -> None:
    """Say how well a detector tells further normal images from anomalous ones."""
    from microtwin._accelerator import jax_on
    from microtwin.classification import load_detector

    _files.check_suffix(output, (".json",), name="output")
    reading = _reading(crop_info_bar, channel)
    with jax_on(device):
        found = load_detector(model).evaluate(
            _files.read_greys(normal, **reading),
            _files.read_greys(anomalous, **reading),
            false_alarms=false_alarms,
        )
    if output is not None:
        found.to_json(output)
    rows = (
        ("AUC", found.auc, found.auc_interval),
        ("false alarms", found.false_alarms, found.false_alarm_interval),
        ("anomalies found", found.detection, found.detection_interval),
    )
    if as_json:
        intervals = {name.replace(" ", "_"): list(interval) for name, _, interval in rows}
        values = {name.replace(" ", "_"): value for name, value, _ in rows}
        _console.write_json(
            {
                **values,
                "intervals": intervals,
                "stated": found.stated,
                "threshold": found.threshold,
                "normal": found.normal,
                "anomalous": found.anomalous,
            }
        )
        return
    _console.write_table(
        ((name, f"{value:.4f}", f"{low:.4f} to {high:.4f}") for name, value, (low, high) in rows),
        columns=("", "", "95 % interval"),
    )
    typer.echo(
        f"{found.normal} normal and {found.anomalous} anomalous images; "
        f"{100 * found.stated:g} % false alarms were stated"
    )


def _reading(crop_info_bar: str, channel: str | None) -> dict[str, Any]:
    return {"crop_info_bar": _options.rows_to_crop(crop_info_bar), "channel": channel}
