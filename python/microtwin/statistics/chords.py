"""Chord lengths: how long the straight ways through a phase are."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from microtwin.errors import InputError
from microtwin.statistics.correlation import Task, checked_phase
from microtwin.statistics.directions import Vector, lag_bound
from microtwin.statistics.function import CorrelationFunction, Floats


def chord_length(
    labels: npt.ArrayLike,
    *,
    phase: int,
    max_lag: int | None = None,
    axes: Sequence[int] | int | None = None,
    directions: str = "axes",
    periodic: bool = False,
    mask: npt.ArrayLike | None = None,
    spacing: float | Sequence[float] | None = None,
    threads: int | None = None,
    device: str = "auto",
) -> CorrelationFunction:
    """Chords of a phase by their length: maximal runs of voxels between two interfaces.

    A hit at l is a chord of exactly l voxels, a trial a place where one could be seen whole: l + 2
    voxels in a row that lie inside (any voxel, where lines wrap). Chords cut by a face or by the
    mask are left out, and because long ones are cut more often, hits over trials, the number of
    chords of l voxels that begin at a voxel, is free of that bias; `chord_density` norms it.

    Parameters
    ----------
    labels, phase, axes, directions, periodic, mask, spacing, threads, device
        As in `lineal_path`.
    max_lag : int, optional
        The longest chord counted, in steps; by default the longest that fits: two less than the
        shortest of the sides measured along (one less where lines wrap).

    Returns
    -------
    CorrelationFunction

    References
    ----------
    S. Torquato and B. Lu, Phys. Rev. E 47, 2950 (1993).

    Examples
    --------
    >>> import numpy as np
    >>> stripes = np.tile([1, 1, 0, 0, 0], (5, 4))
    >>> chord_length(stripes, phase=0, axes=1, periodic=True, max_lag=4).hits.tolist()
    [[0, 0, 0, 20, 0]]
    """
    task = Task.checked(
        labels, max_lag=max_lag if max_lag is not None else 0, axes=axes, directions=directions,
        periodic=periodic, mask=mask, spacing=spacing, threads=threads, device=device,
    )  # fmt: skip
    if max_lag is None:
        longest = longest_chord([task.labels.shape], task.vectors, task.periodic)
        task = replace(task, max_lag=longest)
    label = checked_phase(phase)
    counts = task.module.chord_lengths(task.labels, task.window, label, *task.counting)
    return task.function("chord_length", label, counts)


def longest_chord(
    shapes: Sequence[tuple[int, ...]], vectors: Sequence[Vector], periodic: bool
) -> int:
    """Return the length of the longest chord that fits every shape along every step."""
    shortest = min(lag_bound(vector, shape) for vector in vectors for shape in shapes)
    return max(shortest - (1 if periodic else 2), 0)


def chord_density(chords: CorrelationFunction) -> Floats:
    """Probability density of the chord length along each direction, per voxel; its sum is 1.

    Parameters
    ----------
    chords : CorrelationFunction
        From `chord_length`.

    Returns
    -------
    ndarray of float64, shape (curves, n)
        p(l) at `chords.abscissa`; NaN along a direction where no whole chord was seen.
    """
    rates = _rates(chords)
    total = rates.sum(axis=1, keepdims=True) * chords.step
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(total > 0, rates / total, np.nan))


def mean_chord(chords: CorrelationFunction) -> Floats:
    """Mean chord length along each direction in voxels.

    Of the chords no longer than `chords.max_lag`.

    Parameters
    ----------
    chords : CorrelationFunction
        From `chord_length`.

    Returns
    -------
    ndarray of float64, shape (curves,)
        NaN along a direction where no whole chord was seen.
    """
    density = chord_density(chords)
    return np.asarray((density * chords.abscissa).sum(axis=1) * chords.step)


def _rates(chords: CorrelationFunction) -> Floats:
    if chords.statistic != "chord_length":
        raise InputError(f"chords must come from chord_length, not from {chords.statistic}")
    return np.nan_to_num(chords.values)
