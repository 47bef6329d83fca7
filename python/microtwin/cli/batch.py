"""`microtwin batch`: describe, conduct, score, anneal or draw thousands, in many processes."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from microtwin.cli import _anneal_inputs, _console, _files, _options
from microtwin.cli._group import BAD_INPUT, INTERRUPTED

if TYPE_CHECKING:
    from microtwin.scale import Results

_SHOWN = 20  # failures on the screen; the table has them all

app = typer.Typer(
    help="Each of thousands of structures by itself, in many processes; goes on where it stopped.",
    no_args_is_help=True,
)

Many = Annotated[
    list[Path],
    typer.Argument(
        help="Images, volumes, folders of them; .zarr arrays of many.", show_default=False
    ),
]
Store = Annotated[
    Path,
    typer.Option(
        "--output",
        "-o",
        help="Folder for the results: new, or of an earlier run, which is gone on with.",
    ),
]
Workers = Annotated[
    int | None,
    typer.Option("--workers", "-j", help="Processes; one a processor core unless given."),
]
Cluster = Annotated[
    str | None,
    typer.Option(help="A Dask scheduler to use instead: tcp://host:8786."),
]
Csv = Annotated[
    Path | None, typer.Option("--csv", help="Write the numbers to a .csv file as well.")
]
Threshold = Annotated[
    float | None, typer.Option(help="Cut grey levels here; else each image at its own, by Otsu.")
]
Statistics = Annotated[str, typer.Option(help="Which, with commas between, or all.")]
Directions = Annotated[
    str, typer.Option(help="axes, face_diagonals, body_diagonals, radial; or all.")
]


@app.command("describe")
def describe(
    files: Many,
    output: Store,
    statistics: Statistics = "two_point,lineal_path",
    directions: Directions = "axes",
    phase: _options.Phase = None,
    max_lag: _options.MaxLag = None,
    periodic: _options.Periodic = False,
    threshold: Threshold = None,
    spacing: _options.Spacing = None,
    crop_info_bar: _options.CropInfoBar = "no",
    channel: _options.Channel = None,
    raw_shape: _options.RawShape = None,
    raw_dtype: _options.RawDtype = None,
    key: _options.Key = None,
    workers: Workers = None,
    cluster: Cluster = None,
    csv: Csv = None,
    as_json: _options.Json = False,
) -> None:
    """Measure each structure by itself: a row of the table for each."""
    from microtwin.scale import describe_many

    _run(
        "describing",
        lambda **options: describe_many(
            files,
            statistics=_options.names(statistics),
            directions=_options.names(directions),
            phase=_options.phases(phase),
            max_lag=max_lag,
            periodic=periodic,
            threshold=threshold,
            **_reading(spacing, crop_info_bar, channel, raw_shape, raw_dtype, key),
            **options,
        ),
        output, workers, cluster, csv, as_json,
    )  # fmt: skip


@app.command("transport")
def transport(
    files: Many,
    output: Store,
    k: _options.Conductors = None,
    phase: _options.Conducting = None,
    axis: Annotated[
        str, typer.Option(help="all, or which: 0, 1, 2; several as 0,2. Axis 0 is the slowest.")
    ] = "all",
    boundary: Annotated[str, typer.Option(help="face, centre or periodic.")] = "face",
    sides: _options.Sides = "insulated",
    tol: _options.IntervalWidth = 1e-4,
    max_iterations: _options.SolverSteps = 1000,
    threshold: Threshold = None,
    spacing: _options.Spacing = None,
    crop_info_bar: _options.CropInfoBar = "no",
    channel: _options.Channel = None,
    raw_shape: _options.RawShape = None,
    raw_dtype: _options.RawDtype = None,
    key: _options.Key = None,
    workers: Workers = None,
    cluster: Cluster = None,
    csv: Csv = None,
    as_json: _options.Json = False,
) -> None:
    """Compute what each structure conducts: a row for each and axis."""
    from microtwin.cli._transport_job import read_conductors
    from microtwin.scale import transport_many

    conducting = read_conductors(k, phase)
    _run(
        "conducting",
        lambda **options: transport_many(
            files,
            **conducting,
            axes=None if axis == "all" else _options.integers(axis, name="axis"),
            boundary=boundary,
            sides=sides,
            tol=tol,
            max_iterations=max_iterations,
            threshold=threshold,
            **_reading(spacing, crop_info_bar, channel, raw_shape, raw_dtype, key),
            **options,
        ),
        output, workers, cluster, csv, as_json,
    )  # fmt: skip


@app.command("screen")
def screen(
    files: Many,
    output: Store,
    reference: _options.References,
    tolerance: _options.LargestScore = None,
    accept: _options.Accept = 0.95,
    statistics: Statistics = "two_point,lineal_path",
    phase: _options.Phase = None,
    max_lag: _options.MaxLag = None,
    periodic: _options.Periodic = False,
    threshold: Threshold = None,
    spacing: _options.Spacing = None,
    crop_info_bar: _options.CropInfoBar = "no",
    channel: _options.Channel = None,
    raw_shape: _options.RawShape = None,
    raw_dtype: _options.RawDtype = None,
    key: _options.Key = None,
    workers: Workers = None,
    cluster: Cluster = None,
    csv: Csv = None,
    as_json: _options.Json = False,
) -> None:
    """Score each structure against real ones: a row for each, with every term of its score."""
    from microtwin.scale import screen_many

    known = _files.read_description(reference[0]) if len(reference) == 1 else None
    cropped = _options.rows_to_crop(crop_info_bar)
    real = known or _files.read_labels(reference, channel=channel, crop_info_bar=cropped)
    _run(
        "screening",
        lambda **options: screen_many(
            files,
            reference=real,
            tolerance=tolerance,
            accept=accept,
            statistics=_options.names(statistics),
            phase=_options.phases(phase),
            max_lag=max_lag,
            periodic=periodic,
            threshold=threshold,
            **_reading(spacing, crop_info_bar, channel, raw_shape, raw_dtype, key),
            **options,
        ),
        output, workers, cluster, csv, as_json,
    )  # fmt: skip


@app.command("anneal")
def anneal(
    target: Annotated[
        list[Path],
        typer.Argument(
            help="Images or volumes of one material; or a description (.json, .csv); or a table "
            "of curves (.csv).",
            show_default=False,
        ),
    ],
    output: Store,
    shape: Annotated[str, typer.Option(help="Shape of each twin: 128,128 or 64,64,64.")],
    count: Annotated[int, typer.Option("--count", "-n", help="How many twins.")] = 16,
    seed: _options.Seed = 0,
    phase: _options.Phase = None,
    statistics: Statistics = "two_point,lineal_path",
    directions: Directions = "axes",
    weights: _options.FunctionWeights = None,
    max_lag: _options.MaxLag = None,
    map_radius: _options.MapRadius = None,
    fraction: Annotated[
        float | None, typer.Option(help="Volume fraction of the phase, for a table of curves.")
    ] = None,
    periodic: _options.TwinPeriodic = None,
    tolerance: _options.SquaredError = 1e-7,
    max_proposals: _options.MaxProposals = None,
    schedule: Annotated[
        str | None, typer.Option(help="quench, geometric, adaptive, threshold or deluge.")
    ] = None,
    levels: _options.Levels = 1,
    workers: Workers = None,
    cluster: Cluster = None,
    csv: Csv = None,
    as_json: _options.Json = False,
) -> None:
    """Make many twins of one target, with seeds one after another."""
    from microtwin.scale import anneal_many

    sides = _options.integers(shape, name="shape")
    known = _anneal_inputs.read_target(target, [], fraction, phase, statistics, directions, max_lag)
    _run(
        "annealing",
        lambda **options: anneal_many(
            known,
            shape=sides or (),
            replicas=count,
            seed=seed,
            weights=_anneal_inputs.read_weights(weights),
            max_lag=max_lag,
            map_radius=map_radius,
            periodic=periodic,
            tolerance=tolerance,
            max_proposals=max_proposals,
            schedule=schedule,
            levels=levels,
            **options,
        ),
        output, workers, cluster, csv, as_json,
    )  # fmt: skip


@app.command("sample")
def sample(
    run: Annotated[Path, typer.Argument(help="Folder of a training run, or of a saved network.")],
    output: Store,
    count: Annotated[int, typer.Option("--count", "-n", help="How many.")] = 16,
    seed: _options.Seed = 0,
    shape: Annotated[
        str | None, typer.Option(help="Size in voxels, if the preset can: 256,256.")
    ] = None,
    periodic: Annotated[
        bool, typer.Option("--periodic", help="Let opposite faces fit together.")
    ] = False,
    porosity: Annotated[
        float | None, typer.Option(help="What a network trained for porosities is asked for.")
    ] = None,
    threshold: Annotated[
        str | None,
        typer.Option(
            help="Grey level between the phases, in 0..1; training for that of the training "
            "images. Unless given, the one that gives the first samples the fractions of these."
        ),
    ] = None,
    workers: Workers = None,
    cluster: Cluster = None,
    csv: Csv = None,
    as_json: _options.Json = False,
) -> None:
    """Draw many images or volumes from a trained network."""
    from microtwin.scale import sample_many

    level: str | float | None = threshold
    if threshold is not None and not threshold.isalpha():
        level = _options.number(threshold, name="threshold")
    _run(
        "sampling",
        lambda **options: sample_many(
            run,
            count,
            seed=seed,
            shape=_options.integers(shape, name="shape"),
            periodic=periodic,
            porosity=porosity,
            threshold=level,
            **options,
        ),
        output, workers, cluster, csv, as_json,
    )  # fmt: skip


@app.command("volume")
def volume(
    file: Annotated[
        Path,
        typer.Argument(
            help="A volume larger than memory: npy, raw, TIFF that is not compressed, Zarr, HDF5.",
            show_default=False,
        ),
    ],
    output: Store,
    statistics: Annotated[
        str, typer.Option(help="Which: two_point, lineal_path, chord_length; or all.")
    ] = "two_point,lineal_path",
    directions: Annotated[
        str, typer.Option(help="axes, face_diagonals, body_diagonals; or all.")
    ] = "axes",
    phase: _options.Phase = None,
    max_lag: _options.MaxLag = None,
    periodic: _options.Periodic = False,
    mask: Annotated[Path | None, typer.Option(help="Measure only where this file is 1.")] = None,
    spacing: _options.Spacing = None,
    raw_shape: _options.RawShape = None,
    raw_dtype: _options.RawDtype = None,
    key: _options.Key = None,
    memory: Annotated[
        float | None,
        typer.Option(
            help="GB that a block may take; a quarter of what is free, shared by workers."
        ),
    ] = None,
    workers: Workers = None,
    cluster: Cluster = None,
    as_json: _options.Json = False,
) -> None:
    """Measure one volume larger than memory in blocks: the counts add up to those of the whole."""
    from microtwin.scale import describe_volume

    try:
        with _console.progress_bar("counting blocks") as progress:
            result = describe_volume(
                file,
                store=output,
                statistics=_options.names(statistics),
                directions=_options.names(directions),
                phase=_options.phases(phase),
                max_lag=max_lag,
                periodic=periodic,
                mask=mask,
                spacing=_options.numbers(spacing, name="spacing"),
                shape=_options.integers(raw_shape, name="raw-shape"),
                dtype=raw_dtype,
                key=key,
                memory=None if memory is None else int(memory * 1e9),
                workers=workers,
                cluster=cluster,
                progress=progress,
            )
    except KeyboardInterrupt:
        _console.note("interrupted; what was finished is kept, and the same command goes on")
        raise typer.Exit(INTERRUPTED) from None
    if as_json:
        _console.write_json(result.to_record())
        return
    for label in result.voxels:
        typer.echo(f"fraction of phase {label}: {result.fraction(label):.6f}")
    typer.echo(f"Written: {output / 'description.json'}")


def _reading(
    spacing: str | None,
    crop: str,
    channel: str | None,
    shape: str | None,
    dtype: str | None,
    key: str | None,
) -> dict[str, Any]:
    more: dict[str, Any] = {
        "crop_info_bar": _options.rows_to_crop(crop),
        "channel": channel,
        "shape": _options.integers(shape, name="raw-shape"),
        "dtype": dtype,
        "key": key,
    }
    given = {name: value for name, value in more.items() if value not in (None, False)}
    return {"spacing": _options.numbers(spacing, name="spacing"), "reading": given}


def _run(
    title: str,
    call: "Callable[..., Results]",
    output: Path,
    workers: int | None,
    cluster: str | None,
    csv: Path | None,
    as_json: bool,
) -> None:
    """Run a job under a bar, and tell what became of it."""
    _files.check_suffix(csv, (".csv",), name="csv")
    try:
        with _console.progress_bar(title) as progress:
            result = call(store=output, workers=workers, cluster=cluster, progress=progress)
    except KeyboardInterrupt:
        _console.note("interrupted; what was finished is kept, and the same command goes on")
        raise typer.Exit(INTERRUPTED) from None
    failed = result.failed
    if csv is not None:
        _write_csv(csv, result)
    if as_json:
        _console.write_json(
            {
                "output": str(output),
                "items": len(result.items),
                "before": result.skipped,
                "failed": [{"item": item, "reason": why} for item, why in failed.items()],
            }
        )
    else:
        for item, why in list(failed.items())[:_SHOWN]:
            _console.note(why if item in why else f"{item}: {why}")
        if len(failed) > _SHOWN:
            _console.note(f"... and {len(failed) - _SHOWN} more, see the column reason")
        done = len(result.items) - len(failed)
        before = f" ({result.skipped} of them before)" if result.skipped else ""
        typer.echo(f"{output}: {done} of {len(result.items)} done{before}")
        where = ["table.parquet"] + (["labels.zarr"] if result.labels is not None else [])
        typer.echo(f"Written: {', '.join(str(output / name) for name in where)}")
        if csv is not None:
            typer.echo(f"Written: {csv}")
    if failed:
        raise typer.Exit(BAD_INPUT)


def _write_csv(path: Path, result: "Results") -> None:
    """Write the columns of numbers and texts; curves and counts stay in the Parquet table."""
    from microtwin import _files as safe

    frame = result.to_dataframe()
    plain = [
        name
        for name in frame
        if name != "about" and not any(hasattr(value, "__len__") and not isinstance(value, str)
                                       for value in frame[name])
    ]  # fmt: skip
    safe.write_with(path, lambda file: frame[plain].to_csv(file, index=False))
