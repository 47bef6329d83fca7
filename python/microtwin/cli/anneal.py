"""`microtwin anneal`: a structure with the correlation functions of a target."""

from pathlib import Path
from typing import Annotated

import typer

from microtwin.cli import _console, _files, _options

MAP_RADIUS = 16


def command(
    target: Annotated[
        Path, typer.Argument(help="An image or volume, or a description (.json, .csv).")
    ],
    shape: Annotated[
        str, typer.Option(help="Shape of the twin: 128,128 or 64,64,64 (from an image, too).")
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Twin to write: .tif, .npy or .png.")
    ] = Path("twin.tif"),
    seed: _options.Seed = 0,
    phase: _options.Phase = None,
    max_lag: _options.MaxLag = None,
    periodic: Annotated[
        bool | None,
        typer.Option(help="Let lags of the twin wrap at its faces; as in the target unless given."),
    ] = None,
    tolerance: Annotated[float, typer.Option(help="Total squared error at which to stop.")] = 1e-7,
    max_proposals: Annotated[
        int | None, typer.Option(help="Stop after so many exchanges proposed.")
    ] = None,
    max_seconds: Annotated[float | None, typer.Option(help="Stop after so many seconds.")] = None,
    moves: Annotated[
        str,
        typer.Option(help="Which voxels to exchange: auto, anywhere, interfaces or neighbours."),
    ] = "auto",
    quench: Annotated[
        bool, typer.Option("--quench", help="Accept only what lowers the energy, from the start.")
    ] = False,
    start: Annotated[
        str,
        typer.Option(
            help="noise, or phase_retrieval: S2 right in every direction from the start (two "
            "phases; of an image or volume of the twin's dimension)."
        ),
    ] = "noise",
    history: Annotated[Path | None, typer.Option(help="Table of the run to write: .csv.")] = None,
    resume: _options.Resume = False,
    as_json: _options.Json = False,
) -> None:
    """Make a structure with the correlation functions of a target, by simulated annealing."""
    from microtwin import _files as safe
    from microtwin.annealing import anneal
    from microtwin.errors import InputError
    from microtwin.images import ScaledImage
    from microtwin.statistics import CorrelationMap, describe, two_point_map

    _files.check_suffix(output, (".tif", ".tiff", ".npy", ".png"), name="output")
    _files.check_suffix(history, (".csv",), name="history")
    sides = _options.integers(shape, name="shape") or ()
    if len(sides) == 3 and output.suffix.lower() == ".png":
        raise InputError(f"output must end in .tif or .npy for a volume; not {output.name!r}")
    description = _files.read_description(target)
    images = _files.read_labels([target]) if description is None else []
    if description is None:
        description = describe(images, phase=_options.phases(phase), max_lag=max_lag)
    alike = [image for image in images if image.ndim == len(sides)]
    comparable = alike[0] if len(alike) == 1 else None
    begin: str | CorrelationMap = start
    if start == "phase_retrieval" and comparable is not None:
        begin = two_point_map(comparable, phase=description.phase)
    checkpoint = output.with_suffix(".checkpoint.npz")
    with _console.progress_bar("annealing") as progress:
        twin = anneal(
            description,
            shape=sides,
            seed=seed,
            max_lag=max_lag,
            periodic=periodic,
            tolerance=tolerance,
            max_proposals=max_proposals,
            max_seconds=max_seconds,
            moves=moves,
            start=begin,
            start_acceptance=0.0 if quench else None,
            checkpoint=checkpoint,
            resume=resume,
            progress=progress,
        )
    _files.write_labels(output, ScaledImage(twin.labels, spacing=twin.spacing))
    if history is not None:
        table = twin.history.to_dataframe()
        safe.write_with(history, lambda file: table.to_csv(file, index=False))
    if twin.stop_reason != "time":
        checkpoint.unlink(missing_ok=True)
    result = {
        "output": str(output),
        "shape": list(twin.labels.shape),
        "energy": twin.energy,
        "proposals": twin.proposals,
        "accepted": twin.accepted,
        "seconds": twin.seconds,
        "stop_reason": twin.stop_reason,
        "seed": twin.seed,
    }
    map_error = None
    if comparable is not None and min(*sides, *comparable.shape) > 2 * MAP_RADIUS:
        map_error = result["map_error"] = twin.map_error(comparable, radius=MAP_RADIUS)
    if as_json:
        _console.write_json(result)
        return
    typer.echo(
        f"{output}: energy {twin.energy:.3g} after {twin.proposals:,} proposals and "
        f"{twin.seconds:.1f} s (stopped by {twin.stop_reason})"
    )
    if map_error is not None:
        typer.echo(
            f"S2 within {MAP_RADIUS} voxels in every direction: off by {map_error:.2g} (rms)"
        )
