"""`microtwin describe`: correlation functions of structures."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from microtwin.cli import _console, _files, _options

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from microtwin.statistics import Description


def command(
    files: _options.Files,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Table to write: .csv or .json.")
    ] = None,
    plot: Annotated[Path | None, typer.Option(help="Figure to write: .png, .svg or .pdf.")] = None,
    statistics: Annotated[
        str,
        typer.Option(
            help="Which, with commas between, or all: two_point, lineal_path, chord_length, "
            "cluster, surface_void, surface_surface, pore_size, local_thickness, minkowski, "
            "connectivity."
        ),
    ] = "two_point,lineal_path",
    directions: Annotated[
        str,
        typer.Option(
            help="Along which, with commas between, or all: axes, face_diagonals, body_diagonals, "
            "radial."
        ),
    ] = "axes",
    mask: Annotated[
        list[Path] | None,
        typer.Option(
            help="Measure only where this image is not 0; one for all files or one each, in order."
        ),
    ] = None,
    in_place: Annotated[
        bool,
        typer.Option(
            "--in-place",
            help="Measure one file larger than memory block by block: npy, raw, TIFF that is not "
            "compressed, Zarr, HDF5. Labels are taken as they are in the file.",
        ),
    ] = False,
    phase: _options.Phase = None,
    max_lag: _options.MaxLag = None,
    periodic: _options.Periodic = False,
    spacing: _options.Spacing = None,
    stack: _options.Stack = False,
    crop_info_bar: _options.CropInfoBar = "no",
    channel: _options.Channel = None,
    raw_shape: _options.RawShape = None,
    raw_dtype: _options.RawDtype = None,
    key: _options.Key = None,
    threads: _options.Threads = None,
    device: _options.Device = "auto",
    as_json: _options.Json = False,
) -> None:
    """Measure a material: correlation functions, chords, pores, clusters, surface and shape.

    Several files are samples of one material: their counts are merged. Labels are taken as they
    are, grey levels are cut in two by Otsu's threshold.
    """
    _files.check_suffix(output, (".csv", ".json"), name="output")
    _files.check_suffix(plot, (".png", ".svg", ".pdf"), name="plot")
    edges = _options.numbers(spacing, name="spacing")
    shape = _options.integers(raw_shape, name="raw-shape")
    options: dict[str, Any] = {
        "phase": _options.phases(phase),
        "statistics": _options.names(statistics),
        "directions": _options.names(directions),
        "max_lag": max_lag,
        "periodic": periodic,
        "spacing": edges,
        "threads": threads,
    }
    if in_place:
        result = _described_in_place(files, mask, shape, raw_dtype, key, options)
    else:
        from microtwin.statistics import describe

        labels = _files.read_labels(
            files,
            stack=stack,
            spacing=None if stack else edges,
            crop_info_bar=_options.rows_to_crop(crop_info_bar),
            channel=channel,
            shape=shape,
            dtype=raw_dtype,
            key=key,
        )
        masks = None if mask is None else _masks(mask, len(labels))
        result = describe(labels, mask=masks, device=device, **options)
    if output is not None:
        write = result.to_json if output.suffix.lower() == ".json" else result.to_csv
        write(output)
    if plot is not None:
        from microtwin import _files as safe

        figure = result.plot_all()
        safe.write_with(plot, lambda file: figure.savefig(file, dpi=160))
    if as_json:
        _console.write_json(result.to_record())
        return
    shown = ", ".join(path.name for path in files[:3]) + (" ..." if len(files) > 3 else "")
    _console.write_table(_summary(result), columns=("", shown))
    for path in (output, plot):
        if path is not None:
            typer.echo(f"Written: {path}")


def _described_in_place(
    files: list[Path],
    mask: list[Path] | None,
    shape: tuple[int, ...] | None,
    dtype: str | None,
    key: str | None,
    options: dict[str, Any],
) -> "Description":
    from microtwin.errors import InputError
    from microtwin.images import open_volume
    from microtwin.statistics import describe_tiles

    if len(files) != 1 or (mask is not None and len(mask) != 1):
        raise InputError(f"in-place measures one file with at most one mask, not {len(files)}")
    volume = open_volume(files[0], shape=shape, dtype=dtype, key=key)
    window = None if mask is None else open_volume(mask[0], shape=shape, dtype=dtype)
    with _console.progress_bar("counting") as progress:
        return describe_tiles(volume, mask=window, progress=progress, **options)


def _masks(paths: list[Path], samples: int) -> "list[npt.NDArray[np.bool_]]":
    # One by one: a mask may serve several times.
    masks = [image != 0 for path in paths for image in _files.read_greys([path])]
    return masks * samples if len(masks) == 1 else masks


def _summary(result: "Description") -> list[tuple[str, object]]:
    from microtwin.statistics import mean_chord, mean_pore_size

    unit = "1/voxel" if result.spacing is None else "1/m"
    rows: list[tuple[str, object]] = [
        ("samples", result.samples),
        ("shape", " x ".join(map(str, result.shape))),
        ("lags", f"0..{result.max_lag}"),
    ]
    for label in result.voxels:
        spread = result.fraction_spread(label)
        text = f"{result.fraction(label):.6f}" + (f" ± {spread:.2g}" if spread else "")
        rows.append((f"fraction of phase {label}", text))
    surface = f"{result.specific_surface:.5g} {unit}"
    rows.append((f"specific surface of phase {result.phase}", surface))
    for f in result.functions:
        where = f"of phase {f.phase}" + ("" if f.directions == "none" else f" along {f.directions}")
        if f.statistic == "chord_length":
            lengths = mean_chord(f)
            each = len(lengths) <= 3 and f.directions == "axes"
            shown = lengths if each else [lengths.mean()]
            order = f" ({', '.join('zyx'[-result.ndim :][a] for a in f.axes)})" if each else ""
            rows.append((f"mean chord {where}{order}", _voxels(*shown)))
        if f.statistic == "pore_size":
            rows.append((f"mean distance to the interface {where}", _voxels(mean_pore_size(f))))
        if f.statistic == "local_thickness":
            rows.append((f"mean radius of local thickness {where}", _voxels(f.mean[1:].sum())))
    for one in result.numbers:
        for name, value in one.numbers.items():
            spread = None if one.spread is None else one.spread[name]
            text = f"{_text(value, spread)} {_unit(name, result)}".rstrip()
            rows.append((f"{one.statistic}: {name} of phase {one.phase}".replace("_", " "), text))
    return rows


def _voxels(*lengths: float) -> str:
    return ", ".join(f"{length:.4g}" for length in lengths) + " voxels"


def _unit(name: str, result: "Description") -> str:
    powers = {
        "perimeter_density": 1,
        "specific_surface": 1,
        "mean_breadth_density": 2,
        "euler_density": result.ndim,
    }
    if name not in powers:
        return ""
    power = {1: "", 2: "²", 3: "³"}[powers[name]]
    return f"1/{'voxel' if result.spacing is None else 'm'}{power}"


def _text(value: float, spread: float | None) -> str:
    return f"{value:.6g}" if spread is None else f"{value:.6g} ± {spread:.2g}"
