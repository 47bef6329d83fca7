"""`microtwin transport`: effective conductivity of many structures, along their axes."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from microtwin.cli import _console, _files, _options
from microtwin.cli._group import BAD_INPUT
from microtwin.cli._transport_job import Job, read_conductors
from microtwin.cli._transport_rows import Row, Table
from microtwin.errors import InputError, MicrotwinError

if TYPE_CHECKING:
    from microtwin.transport import Conduction

NOTHING = 1  # exit code where nothing percolates anywhere
_SHOWN = 40  # rows on the screen; the table has them all

_COLUMNS = (
    "file", "axis", "percolates", "effective", "lower", "upper", "relative", "tortuosity_factor",
    "tortuosity_factor_connected", "formation_factor", "bruggeman_exponent", "porosity",
    "connected", "flux_z", "flux_y", "flux_x", "flux_error", "iterations", "precision", "seconds",
    "reference", "shape", "spacing", "threshold", "boundary", "sides", "tol",
)  # fmt: skip
_TENSOR = ("principal_values", "asymmetry")
_GEOMETRY = (
    "geodesic_tortuosity", "geodesic_spread", "geodesic_minimum", "percolating_fraction",
    "permeability_estimate",
)  # fmt: skip


def command(
    files: _options.Files,
    k: _options.Conductors = None,
    phase: _options.Conducting = None,
    axis: Annotated[
        str, typer.Option(help="all, or which: z, y, x, or 0, 1, 2; several as z,x.")
    ] = "all",
    boundary: Annotated[
        str,
        typer.Option(
            help="face (fixed on outer faces), centre (in the centres of the outer planes), or "
            "periodic. With --tensor periodic unless given, face otherwise."
        ),
    ] = "",
    sides: _options.Sides = "insulated",
    tol: _options.IntervalWidth = 1e-4,
    max_iterations: _options.SolverSteps = 1000,
    tensor: Annotated[
        bool, typer.Option("--tensor", help="All axes, and the principal values of the tensor.")
    ] = False,
    geometry: Annotated[
        bool,
        typer.Option(
            "--geometry",
            help="Measure what conducts as well: shortest paths, the share that percolates, and "
            "the permeability by Kozeny-Carman (an estimate).",
        ),
    ] = False,
    threshold: Annotated[
        float | None,
        typer.Option(help="Cut grey levels here; else each file at its own, by Otsu."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Table to write: .csv, a row for each file and axis, as they end.",
        ),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(
            help="Figure to write: .png, .svg or .pdf. Potential and flux of one row; the "
            "conductivity over the porosity of many."
        ),
    ] = None,
    spacing: _options.Spacing = None,
    stack: _options.Stack = False,
    crop_info_bar: _options.CropInfoBar = "no",
    channel: _options.Channel = None,
    raw_shape: _options.RawShape = None,
    raw_dtype: _options.RawDtype = None,
    key: _options.Key = None,
    threads: _options.Threads = None,
    device: _options.Device = "auto",
    resume: _options.Resume = False,
    as_json: _options.Json = False,
) -> None:
    """Compute what structures conduct: effective conductivity and tortuosity, with error bars.

    Each file is a structure of its own. Labels are taken as they are, grey levels are cut in two
    by Otsu's threshold. A file that fails is told of, and the others are done all the same.
    """
    from microtwin.images import find_images

    _files.check_suffix(output, (".csv",), name="output")
    _files.check_suffix(plot, (".png", ".svg", ".pdf"), name="plot")
    if resume and output is None:
        raise InputError("resume needs the table to go on with: give it with --output")
    solving: dict[str, Any] = {
        "boundary": boundary or ("periodic" if tensor else "face"),
        "sides": sides,
        "tol": tol,
        "max_iterations": max_iterations,
        "threads": threads,
        "device": device,
    }
    reading = {
        "spacing": None if stack else _options.numbers(spacing, name="spacing"),
        "crop_info_bar": _options.rows_to_crop(crop_info_bar),
        "channel": channel,
        "shape": _options.integers(raw_shape, name="raw-shape"),
        "dtype": raw_dtype,
        "key": key,
    }
    job = Job(
        conducts=read_conductors(k, phase),
        axes="all" if tensor else axis,
        tensor=tensor,
        geometry=geometry,
        threshold=threshold,
        stack=stack,
        reading=reading,
        solving=solving,
    )
    job.try_out()
    paths = find_images(files)
    job.fields = plot is not None and len(paths) == 1
    settings = {
        "k": k, "phase": phase, "axis": job.axes, "tensor": tensor, "geometry": geometry,
        "threshold": threshold, "spacing": spacing, "stack": stack,
        "crop_info_bar": crop_info_bar, "channel": channel,
        **{name: solving[name] for name in ("boundary", "sides", "tol")},
    }  # fmt: skip
    columns = [*_COLUMNS, *(_TENSOR if tensor else ()), *(_GEOMETRY if geometry else ())]
    failed: list[dict[str, str]] = []
    table = Table(output, columns, settings, resume=resume)
    with _console.progress_bar("conducting") as progress:
        for number, path in enumerate(paths):
            if number:
                progress(number, len(paths), {})

            def tell(part: float, before: int = number) -> None:
                progress(before + part, len(paths), {})

            try:
                job.run(path, table, tell)
            except (MicrotwinError, OSError, MemoryError) as error:
                if table.stuck:  # the disk is full, say: no further file would be spared
                    raise
                reason = " ".join(str(error).split()) or "not enough memory"
                if len(paths) == 1:
                    raise InputError(_named(str(path), reason)) from None
                failed.append({"file": str(path), "reason": reason})
        progress(len(paths), len(paths), {})
    for one in failed:
        _console.note(_named(one["file"], one["reason"]))
    if job.levels:
        cuts = sorted({min(job.levels), max(job.levels)})
        at = " to ".join(f"{level:.4g}" for level in cuts)
        _console.note(f"{len(job.levels)} of grey levels cut into two phases at {at} (Otsu)")
    if plot is not None and table.rows:
        _draw(plot, table.rows, job.last)
    if as_json:
        _console.write_json({"rows": table.rows, "failed": failed})
    elif table.rows:
        _tell(table.rows, tensor=tensor, geometry=geometry)
        for written in (output, plot):
            if written is not None:
                typer.echo(f"Written: {written}")
    if failed:
        raise typer.Exit(BAD_INPUT)
    if not any(row["percolates"] for row in table.rows):
        raise typer.Exit(NOTHING)


def _named(file: str, reason: str) -> str:
    return reason if file in reason else f"{file}: {reason}"


def _tell(rows: list[Row], *, tensor: bool, geometry: bool) -> None:
    columns = ["structure", "axis", "k_eff", "±", "tau", "porosity"]
    relative = any(row["reference"] != 1 for row in rows)
    if relative:
        columns.insert(4, "k/k_0")
    if geometry:
        columns.append("geodesic")
    shown = []
    for row in rows[:_SHOWN]:
        value, low, high = (float(row[name]) for name in ("effective", "lower", "upper"))
        cells = [Path(row["file"]).name, row["axis"], f"{value:.6g}"]
        cells.append(f"{(high - low) / 2:.1e}" if row["percolates"] else "no way")
        if relative:
            cells.append(f"{row['relative']:.5g}")
        cells += [f"{row['tortuosity_factor']:.5g}", f"{row['porosity']:.4g}"]
        if geometry:
            cells.append(f"{row['geodesic_tortuosity']:.4f}")
        shown.append(cells)
    _console.write_table(shown, columns=columns)
    if len(rows) > _SHOWN:
        typer.echo(f"... and {len(rows) - _SHOWN} more")
    boundary, sides = rows[0]["boundary"], rows[0]["sides"]
    how = boundary if boundary == "periodic" else f"{boundary}, sides {sides}"
    typer.echo(f"±: half of the interval that holds k_eff for certain; boundary {how}")
    if tensor:
        for name, values in {row["file"]: row["principal_values"] for row in rows[:_SHOWN]}.items():
            typer.echo(f"Principal values of {Path(name).name}: {values}")


def _draw(path: Path, rows: list[Row], result: "Conduction | None") -> None:
    from microtwin import _files as safe

    figure: Any
    if result is not None and result.percolates:
        figure = result.plot()
    else:
        from microtwin.transport import plot_conductivities

        figure = plot_conductivities(rows).figure
    safe.write_with(path, lambda file: figure.savefig(file, dpi=160))
