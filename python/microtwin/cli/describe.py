"""`microtwin describe`: correlation functions of structures."""

from pathlib import Path
from typing import Annotated

import typer

from microtwin.cli import _console, _files, _options


def command(
    files: _options.Files,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Table to write: .csv or .json.")
    ] = None,
    plot: Annotated[Path | None, typer.Option(help="Figure to write: .png, .svg or .pdf.")] = None,
    statistics: Annotated[
        str, typer.Option(help="Which, with commas between: two_point, lineal_path, or all.")
    ] = "all",
    phase: _options.Phase = None,
    max_lag: _options.MaxLag = None,
    periodic: _options.Periodic = False,
    spacing: _options.Spacing = None,
    stack: _options.Stack = False,
    crop_info_bar: _options.CropInfoBar = "no",
    channel: _options.Channel = None,
    raw_shape: _options.RawShape = None,
    raw_dtype: _options.RawDtype = None,
    threads: _options.Threads = None,
    device: _options.Device = "auto",
    as_json: _options.Json = False,
) -> None:
    """Measure two-point probability, lineal path, fractions and surface of one material.

    Several files are samples of one material: their counts are merged. Labels are taken as they
    are, grey levels are cut in two by Otsu's threshold.
    """
    from microtwin.statistics import describe

    _files.check_suffix(output, (".csv", ".json"), name="output")
    _files.check_suffix(plot, (".png", ".svg", ".pdf"), name="plot")
    edges = _options.numbers(spacing, name="spacing")
    labels = _files.read_labels(
        files,
        stack=stack,
        spacing=None if stack else edges,
        crop_info_bar=_options.rows_to_crop(crop_info_bar),
        channel=channel,
        shape=_options.integers(raw_shape, name="raw-shape"),
        dtype=raw_dtype,
    )
    result = describe(
        labels,
        phase=_options.phases(phase),
        statistics="all" if statistics == "all" else statistics.split(","),
        max_lag=max_lag,
        periodic=periodic,
        spacing=edges,
        threads=threads,
        device=device,
    )
    if output is not None:
        write = result.to_json if output.suffix.lower() == ".json" else result.to_csv
        write(output)
    if plot is not None:
        from matplotlib.figure import Figure

        from microtwin import _files as safe

        figure = Figure(figsize=(6, 4.5), layout="constrained")
        result.plot(figure.subplots())
        safe.write_with(plot, lambda file: figure.savefig(file, dpi=160))
    if as_json:
        _console.write_json(result.to_record())
        return
    unit = "1/voxel" if result.spacing is None else "1/m"
    rows = [
        ("samples", result.samples),
        ("shape", " x ".join(map(str, result.shape))),
        ("lags", f"0..{result.max_lag}"),
        *((f"fraction of phase {p}", f"{result.fraction(p):.6f}") for p in result.voxels),
        (f"specific surface of phase {result.phase}", f"{result.specific_surface:.5g} {unit}"),
    ]
    _console.write_table(rows, columns=("", ", ".join(path.name for path in files[:3])))
