"""What many structures conduct."""

import os
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from microtwin import _validate
from microtwin._progress import ProgressCallback
from microtwin.errors import InputError
from microtwin.scale._work import Row, read_labels
from microtwin.scale.describing import reading_of
from microtwin.scale.items import items_of
from microtwin.scale.mapping import Job, run
from microtwin.scale.results import Results
from microtwin.transport import effective_conductivity
from microtwin.transport._inputs import conductors


def transport_many(
    files: Any,
    *,
    store: str | os.PathLike[str],
    k: Mapping[int, float] | None = None,
    phase: int | Iterable[int] | None = None,
    axes: Iterable[int] | int | None = None,
    boundary: str = "face",
    sides: str = "insulated",
    tol: float = 1e-4,
    max_iterations: int = 1000,
    spacing: Any = None,
    threshold: float | None = None,
    reading: Mapping[str, Any] | None = None,
    workers: int | None = None,
    cluster: Any = None,
    progress: ProgressCallback | None = None,
) -> Results:
    """Compute what each of many images or volumes conducts, in many processes.

    The table gets a row for each and axis: effective conductivity with the interval that certainly
    holds it, tortuosity and formation factor, fluxes, volume fractions.

    Parameters
    ----------
    files : path, array, or list of them
        As in `map_many`. Labels are taken as they are; grey levels are cut in two.
    store : path
        Folder for the results, see `map_many`.
    k : mapping of int to float, optional
        Conductivity of each label.
    phase : int or sequence of int, optional
        Instead of `k`: the labels that conduct, with 1, where no other does.
    axes : int or sequence of int, optional
        Along which axes; all unless given.
    boundary, sides, tol, max_iterations
        As in `effective_conductivity`.
    threshold : float, optional
        Where grey levels are cut; each image at its own level, by Otsu, unless given.
    spacing
        As in `read_image`.
    reading : mapping, optional
        Further arguments of `read_image`: crop_info_bar, channel, shape and dtype of raw files.
    workers, cluster, progress
        As in `map_many`.

    Returns
    -------
    Results

    Raises
    ------
    InputError
        As in `map_many`.
    """
    if (k is None) == (phase is None):
        raise InputError("k or phase must say what conducts, and not both")
    solving: dict[str, Any] = {
        "boundary": boundary,
        "sides": sides,
        "tol": tol,
        "max_iterations": max_iterations,
    }
    given = None if k is None else {int(label): float(value) for label, value in k.items()}
    if given is not None:
        first = next(iter(given), 0)
        effective_conductivity([[first] * 2] * 2, given, threads=1, **solving)
        conducting: dict[str, Any] = {"k": [[label, value] for label, value in given.items()]}
    else:
        effective_conductivity([[1, 1], [1, 1]], {1: 1.0}, threads=1, **solving)
        several: list[Any] = list(phase) if isinstance(phase, Iterable) else [phase]
        conductors(several, np.ones((2, 2), np.uint8), 1.0)  # what is wrong is told at once
        conducting = {"phase": [int(label) for label in several]}
    wanted = None if axes is None else list(axes) if isinstance(axes, Iterable) else [axes]
    if wanted is not None:
        _validate.axes(wanted, ndim=3)
    settings = {
        "reading": reading_of(spacing, threshold, reading),
        "conducting": conducting,
        "axes": wanted,
        "solving": solving,
    }
    job = Job("transport", conducted, settings)
    return run(job, items_of(files), store, workers=workers, cluster=cluster, progress=progress)


def conducted(
    item: Any,
    *,
    reading: Mapping[str, Any],
    conducting: Mapping[str, Any],
    axes: list[int] | None,
    solving: Mapping[str, Any],
) -> list[Row]:
    """Solve one item along each axis."""
    labels, level = read_labels(item, **reading)
    known = conducting.get("k")
    k = conductors(conducting["phase"], labels, 1.0) if known is None else dict(known)
    rows = []
    for axis in _validate.axes(axes, ndim=labels.ndim):
        result = effective_conductivity(
            labels, k, axis=axis, fields=False, threads=1, device="cpu", **solving
        )
        edge = None if result.spacing is None else float(result.spacing[0])
        rows.append({"threshold": level, "spacing": edge, **result.to_row()})
    return rows
