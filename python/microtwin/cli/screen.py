"""`microtwin screen`: of many structures, those nearest to a real one."""

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from microtwin.cli import _console, _files, _options
from microtwin.errors import InputError

if TYPE_CHECKING:
    from microtwin.screening import Screening

NONE_PASSED = 1  # exit code
BUDGET = 256  # samples of a generator that are looked at unless told otherwise


def command(
    samples: Annotated[
        list[Path],
        typer.Argument(
            help="Images, volumes, folders or .zarr arrays of them; or the folder of a trained "
            "generator, which is drawn from.",
            show_default=False,
        ),
    ],
    reference: _options.References,
    keep: Annotated[
        int | None,
        typer.Option(help="How many to keep at most; alone: the nearest, however far."),
    ] = None,
    tolerance: _options.LargestScore = None,
    accept: _options.Accept = 0.95,
    budget: Annotated[
        int | None,
        typer.Option(help=f"How many to look at, at most; of a generator {BUDGET} unless given."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="New folder for what is kept, the nearest first."),
    ] = None,
    table: Annotated[
        Path | None, typer.Option(help="CSV file for the scores of all, term by term.")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(help="Picture of the scores: .png, .svg or .pdf.")
    ] = None,
    statistics: Annotated[
        str, typer.Option(help="What to compare, with commas, or all.")
    ] = "two_point,lineal_path",
    weights: Annotated[
        str | None, typer.Option(help="Weights of terms: two_point=2,porosity=0.")
    ] = None,
    phase: _options.Phase = None,
    max_lag: _options.MaxLag = None,
    periodic: _options.Periodic = False,
    seed: Annotated[int, typer.Option(help="Of a generator's samples.")] = 0,
    shape: Annotated[
        str | None, typer.Option(help="Size of a generator's samples in voxels: 256,256.")
    ] = None,
    stack: _options.Stack = False,
    crop_info_bar: _options.CropInfoBar = "no",
    channel: _options.Channel = None,
    threads: _options.Threads = None,
    device: _options.Device = "auto",
    as_json: _options.Json = False,
) -> None:
    """Keep the structures that lie nearest to real ones.

    Ends with code 1 where none is near enough.
    """
    from microtwin import _files as safe
    from microtwin._accelerator import jax_on
    from microtwin.screening import screen

    _files.check_suffix(table, (".csv",), name="table")
    _files.check_suffix(plot, (".png", ".svg", ".pdf"), name="plot")
    if output is not None and output.exists():
        raise InputError(f"output must be new; {output} exists")
    reading: dict[str, Any] = {
        "stack": stack,
        "channel": channel,
        "crop_info_bar": _options.rows_to_crop(crop_info_bar),
    }
    known = _files.read_description(reference[0]) if len(reference) == 1 else None
    real: Any = known or _files.read_labels(reference, **reading)
    options: dict[str, Any] = {
        "reference": real,
        "keep": keep,
        "tolerance": tolerance,
        "accept": accept,
        "statistics": _options.names(statistics),
        "weights": _weights(weights),
        "phase": _options.phases(phase),
        "max_lag": max_lag,
        "periodic": periodic,
        "threads": threads,
        "device": device,
    }
    drawn = len(samples) == 1 and (samples[0] / "settings.json").is_file()
    with jax_on(device) if drawn else nullcontext(), _console.progress_bar("screening") as progress:
        if drawn:
            from microtwin.generation import load_generator

            sides = _options.integers(shape, name="shape")
            found: Any = load_generator(samples[0]).stream(seed=seed, shape=sides)
            budget = BUDGET if budget is None else budget
            names: Sequence[str] = [f"sample-{i:05d}" for i in range(budget)]
        else:
            names, found = _read(samples, ndim=_ndim(real), **reading)
        result = screen(found, budget=budget, progress=progress, **options)

    kept: list[dict[str, Any]] = [
        {"file": "", "sample": one.index, "name": names[one.index], "score": one.score,
         "reasons": list(one.reasons)}
        for one in result
    ]  # fmt: skip
    if output is not None and len(result):
        _write(output, result, kept)
    if table is not None:
        result.to_csv(table)
    if plot is not None:
        figure: Any = result.plot().figure
        safe.write_with(plot, lambda file: figure.savefig(file, dpi=160))
    if as_json:
        finite = [score if score < float("inf") else None for score in result.scores.tolist()]
        about = {"tolerance": result.tolerance, "accept": result.accept, "scale": result.scale}
        _console.write_json({**about, "kept": kept, "scores": finite})
    else:
        for one in kept[:20]:
            typer.echo(f"{one['name']}: {one['score']:.3g} ({'; '.join(one['reasons'])})")
        if len(kept) > 20:
            typer.echo(f"... and {len(kept) - 20} more")
        typer.echo(result.verdict)
        written = [str(path) for path in (output if len(result) else None, table, plot) if path]
        if written:
            typer.echo(f"Written: {', '.join(written)}")
    if not len(result):
        raise typer.Exit(NONE_PASSED)


def _read(
    paths: Sequence[Path], *, ndim: int, stack: bool, **options: Any
) -> tuple[Sequence[str], "list[Any]"]:
    """Read structures and what they are called; a file with one axis more than real has many."""
    from microtwin.images import find_images
    from microtwin.images.zarr_files import open_zarr

    files = [f for path in paths for f in ([path] if _is_zarr(path) else find_images(path))]
    plain = list(dict.fromkeys(file for file in files if not _is_zarr(file)))
    labels = _files.read_labels(plain, **options) if plain else []  # greys at one threshold
    known = dict(zip(plain, labels, strict=True))
    names: list[str] = []
    found: list[Any] = []
    for file in files:
        one: Any = open_zarr(file) if _is_zarr(file) else known[file]
        several = _is_zarr(file) or one.ndim == ndim + 1 or (stack and one.ndim == 3)
        parts = list(one) if several else [one]
        names += [f"{file.stem}-{i:05d}" for i in range(len(parts))] if several else [file.stem]
        found += parts
    return names, found


def _is_zarr(path: Path) -> bool:
    return path.suffix.lower() == ".zarr"


def _ndim(real: Any) -> int:
    return int(real.ndim if hasattr(real, "ndim") else real[0].ndim)


def _weights(text: str | None) -> dict[str, float] | None:
    if text is None:
        return None
    found = {}
    for entry in text.split(","):
        name, sign, value = entry.partition("=")
        if not sign:
            raise InputError(f"weights must be like two_point=2,porosity=0, not {entry!r}")
        found[name.strip()] = _options.number(value, name="weights")
    return found


def _write(folder: Path, result: "Screening", kept: list[dict[str, Any]]) -> None:
    """Write what was kept, and a table of it."""
    from microtwin import _files as safe

    safe.output_folder(folder)
    for rank, (one, row) in enumerate(zip(result, kept, strict=True), 1):
        suffix = ".png" if one.labels.ndim == 2 else ".tif"
        row["file"] = f"{rank:04d}-{row['name']}{suffix}"
        _files.write_labels(folder / row["file"], one.labels)
    safe.write_json(
        folder / "screening.json",
        {"verdict": result.verdict, "tolerance": result.tolerance, "scale": result.scale,
         "version": result.version, "kept": kept},
    )  # fmt: skip
