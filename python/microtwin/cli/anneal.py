"""`microtwin anneal`: structures with the correlation functions of a target."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from microtwin.cli import _anneal_inputs, _console, _files, _options

if TYPE_CHECKING:
    from microtwin.annealing import Twin
    from microtwin.images import ScaledImage

_ONE = (".tif", ".tiff", ".npy", ".png")


def command(
    target: Annotated[
        list[Path] | None,
        typer.Argument(
            help="An image or volume, or many of one material; or a description (.json, .csv); or "
            "a table of curves (.csv).",
            show_default=False,
        ),
    ] = None,
    shape: Annotated[
        str, typer.Option(help="Shape of the twin: 128,128 or 64,64,64 (from images, too).")
    ] = "",
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="Twin to write: .tif, .npy, .png; or .zarr for many."),
    ] = Path("twin.tif"),
    seed: _options.Seed = 0,
    phase: _options.Phase = None,
    statistics: Annotated[
        str,
        typer.Option(
            help="What to measure of images, and to anneal to: also chord_length, cluster."
        ),
    ] = "two_point,lineal_path",
    directions: Annotated[
        str,
        typer.Option(help="Along which directions: axes, face_diagonals, body_diagonals, radial."),
    ] = "axes",
    functions: Annotated[
        str | None,
        typer.Option(help="Which of the target's statistics to constrain; all unless given."),
    ] = None,
    formula: Annotated[
        list[str] | None,
        typer.Option(
            help="Instead of a target: two_point=f**2+f*(1-f)*exp(-r/5), of the lag r in voxels "
            "and the --fraction f; needs --max-lag."
        ),
    ] = None,
    fraction: Annotated[
        float | None, typer.Option(help="Volume fraction of the phase, for a formula or a table.")
    ] = None,
    weights: _options.FunctionWeights = None,
    max_lag: _options.MaxLag = None,
    map_radius: _options.MapRadius = None,
    periodic: _options.TwinPeriodic = None,
    start: Annotated[
        str, typer.Option(help="auto, gaussian, phase_retrieval, noise, or a file to begin from.")
    ] = "auto",
    known_slice: Annotated[
        list[str] | None,
        typer.Option(
            "--slice",
            help="A measured slice that stays as it is: axis:index:file, such as 0:32:slice.png.",
        ),
    ] = None,
    tolerance: _options.SquaredError = 1e-7,
    max_proposals: _options.MaxProposals = None,
    max_seconds: Annotated[float | None, typer.Option(help="Stop after so many seconds.")] = None,
    schedule: Annotated[
        str | None,
        typer.Option(help="quench, geometric, adaptive, threshold or deluge; quench unless given."),
    ] = None,
    reheats: Annotated[int, typer.Option(help="How often to heat what has stalled.")] = 3,
    moves: Annotated[
        str,
        typer.Option(help="Which voxels to exchange: auto, anywhere, interfaces or neighbours."),
    ] = "auto",
    levels: _options.Levels = 1,
    replicas: Annotated[
        int, typer.Option(help="How many twins, with seeds one after another.")
    ] = 1,
    tempering: Annotated[
        bool, typer.Option("--tempering", help="Let the replicas exchange temperatures.")
    ] = False,
    threads: _options.Threads = None,
    reference: Annotated[
        Path | None,
        typer.Option(help="A real structure: say where the twin fails in what was not annealed."),
    ] = None,
    frames: Annotated[
        Path | None, typer.Option(help="The run as an animation: a .gif, or a folder for PNGs.")
    ] = None,
    latest: Annotated[
        Path | None,
        typer.Option(help="With --frames: a .png of how far the run is, written again and again."),
    ] = None,
    history: Annotated[Path | None, typer.Option(help="Table of the run to write: .csv.")] = None,
    resume: _options.Resume = False,
    as_json: _options.Json = False,
) -> None:
    """Make structures with the correlation functions of a target, by simulated annealing."""
    from contextlib import nullcontext

    from microtwin.annealing import _targets, anneal, anneal_replicas, unconstrained
    from microtwin.annealing.frames import Frames
    from microtwin.errors import InputError
    from microtwin.statistics.directions import FAMILIES

    sides = _options.integers(shape or None, name="shape")
    if sides is None:
        raise InputError("shape must be given, such as 128,128 or 64,64,64")
    _check_files(output, history, frames, latest, sides, replicas)
    if replicas < 1:
        raise InputError(f"replicas must be at least 1, not {replicas}")
    if tempering and replicas == 1:
        raise InputError("tempering must have replicas to exchange temperatures: at least 2")
    if latest is not None and frames is None:
        raise InputError("latest needs --frames, whose newest it is")
    if tempering and resume:
        raise InputError("resume must not be given for tempering, which cannot be resumed")
    description = _anneal_inputs.read_target(
        target or [], formula or [], fraction, phase, statistics, directions, max_lag
    )
    settings: dict[str, Any] = {
        "shape": sides,
        "seed": seed,
        "max_lag": max_lag,
        "functions": None if functions is None else _options.names(functions),
        "weights": _anneal_inputs.read_weights(weights),
        "map_radius": map_radius,
        "periodic": periodic,
        "start": _anneal_inputs.read_start(start),
        "fixed": _anneal_inputs.read_slices(known_slice or [], sides),
        "tolerance": tolerance,
        "max_proposals": max_proposals,
        "max_seconds": max_seconds,
        "schedule": schedule,
        "reheats": reheats,
        "moves": moves,
        "levels": levels,
        "threads": threads,
    }
    real = None if reference is None else _reference(reference, len(sides), description.phase)
    checkpoint = output.with_suffix(".checkpoint" if replicas > 1 else ".checkpoint.npz")
    with _console.progress_bar("annealing") as progress:
        if replicas > 1:
            twins = anneal_replicas(
                description,
                replicas=replicas,
                tempering=tempering,
                checkpoint=None if tempering else checkpoint,
                resume=resume,
                progress=progress,
                **settings,
            )
        else:
            drawn = nullcontext() if frames is None else Frames(frames, latest=latest)
            with drawn as shown:
                one = anneal(
                    description,
                    frames=shown,
                    checkpoint=checkpoint,
                    resume=resume,
                    progress=progress,
                    **settings,
                )
            twins = [one]
    _write(twins, output, history)
    if all(twin.stop_reason != "time" for twin in twins):
        _forget(checkpoint)
    result = [_summary(twin) for twin in twins]
    verdicts = []
    if real is not None:
        annealed = [
            name if family == "axes" else f"{name}/{family}"
            for name, family in dict.fromkeys(
                (f.statistic, f.directions)
                for f in _targets.constrained(description, settings["functions"])
            )
        ]
        if map_radius != 0 and description.structures:  # S2 was annealed in every direction
            annealed += [f"two_point/{family}" for family in FAMILIES[1 : len(sides)]]
            annealed.append("two_point/radial")
        for twin, row in zip(twins, result, strict=True):
            verdict = unconstrained(
                twin.labels, real, phase=description.phase, constrained=annealed, threads=threads
            )
            verdicts.append(verdict)
            row["verdict"] = {
                "passed": verdict.passed,
                "rows": verdict.to_dataframe().to_dict("records"),
            }
    if as_json:
        _console.write_json(
            {"output": str(output), **result[0]}
            if replicas == 1
            else {"output": str(output), "twins": result}
        )
        return
    for twin, row in zip(twins, result, strict=True):
        name = str(output) if replicas == 1 else f"{output}, seed {twin.seed}"
        typer.echo(
            f"{name}: energy {twin.energy:.3g} after {twin.proposals:,} proposals and "
            f"{twin.seconds:.1f} s (stopped by {twin.stop_reason})"
        )
        if row["map_error"] is not None:
            typer.echo(
                f"S2 in every direction within {row['map_radius']} voxels: off by "
                f"{row['map_error']:.2g} (rms)"
            )
    for verdict in verdicts:
        typer.echo(f"\n{verdict}")


def _check_files(
    output: Path,
    history: Path | None,
    frames: Path | None,
    latest: Path | None,
    sides: Sequence[int],
    replicas: int,
) -> None:
    """Find out before the work whether what it makes can be written."""
    from microtwin.errors import InputError
    from microtwin.images.zarr_files import check_zarr

    _files.check_suffix(output, (*_ONE, ".zarr"), name="output")
    _files.check_suffix(history, (".csv",), name="history")
    _files.check_suffix(latest, (".png",), name="latest")
    if len(sides) == 3 and output.suffix.lower() == ".png":
        raise InputError(
            f"output must end in .tif, .npy or .zarr for a volume; not {output.name!r}"
        )
    if replicas > 1 and frames is not None:
        raise InputError("frames must not be given for several replicas")
    if output.suffix.lower() == ".zarr":
        check_zarr(output, name="output")


def _reference(path: Path, ndim: int, phase: int) -> "ScaledImage":
    """Read the structure that twins are compared with, and find out before the work if they can."""
    from microtwin.errors import InputError

    real = _files.read_labels([path])[0]
    if real.ndim != ndim:
        raise InputError(f"reference must be {ndim}-D like the twin, not {real.ndim}-D")
    if not (real == phase).any() or (real == phase).all():
        raise InputError(f"reference must hold phase {phase} and another one; {path} does not")
    return real


def _write(twins: "Sequence[Twin]", output: Path, history: Path | None) -> None:
    import numpy as np
    import pandas as pd

    from microtwin import _files as safe
    from microtwin.images import ScaledImage, save_zarr

    if output.suffix.lower() == ".zarr":
        about = {
            "seeds": [twin.seed for twin in twins],
            "energies": [twin.energy for twin in twins],
            "spacing": twins[0].spacing,
        }
        save_zarr(output, np.stack([twin.labels for twin in twins]), attributes=about)
    else:
        for twin in twins:
            path = output
            if len(twins) > 1:
                path = output.with_name(f"{output.stem}_{twin.seed}{output.suffix}")
            _files.write_labels(path, ScaledImage(twin.labels, spacing=twin.spacing))
    if history is not None:
        tables = [twin.history.to_dataframe().assign(seed=twin.seed) for twin in twins]
        table = pd.concat(tables) if len(tables) > 1 else tables[0].drop(columns="seed")
        safe.write_with(history, lambda file: table.to_csv(file, index=False))


def _forget(checkpoint: Path) -> None:
    if checkpoint.is_dir():
        for file in checkpoint.glob("replica_*.npz"):
            file.unlink()
        with suppress(OSError):  # somebody keeps other files there
            checkpoint.rmdir()
    else:
        checkpoint.unlink(missing_ok=True)


def _summary(twin: "Twin") -> dict[str, Any]:
    from microtwin.annealing.twin import MAP_RADIUS
    from microtwin.errors import InputError

    radius = min([MAP_RADIUS, *((side - 1) // 2 for side in twin.labels.shape)])
    try:
        error = twin.map_error(radius=radius) if radius > 0 else None
    except InputError:
        error = None  # the target does not know it
    return {
        "shape": list(twin.labels.shape),
        "energy": twin.energy,
        "proposals": twin.proposals,
        "accepted": twin.accepted,
        "seconds": twin.seconds,
        "stop_reason": twin.stop_reason,
        "seed": twin.seed,
        "map_radius": radius,
        "map_error": error,
    }
