"""From a description to what the core anneals: one curve for each function and axis."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from microtwin import _validate
from microtwin.errors import InputError
from microtwin.statistics import CorrelationFunction, Description, lineal_path, two_point
from microtwin.statistics.directions import Vector

# What the core can anneal, along the axes.
ANNEALED = {"two_point": two_point, "lineal_path": lineal_path}

# statistic, phase, step, origin, values at lag 1, 2, ..., weights of their squared errors
Target = tuple[str, int, Vector, Vector, list[float], list[float]]


def curves(
    description: Description,
    shape: tuple[int, ...],
    follow: Mapping[int, int | None],
    max_lag: int | None,
    weights: Mapping[str | tuple[str, int], float],
) -> list[Target]:
    """Return the target curves for a structure of a shape, of those that can be annealed.

    Along an axis of n voxels lags up to n // 2 are used: further on a periodic line repeats itself,
    and a line that is not has few trials.
    """
    reach = description.max_lag if max_lag is None else min(max_lag, description.max_lag)
    result: list[Target] = []
    for function in annealed(description):
        kind = (function.statistic, function.phase)
        weight = weights.get(kind, weights.get(function.statistic, 1.0))
        for axis, source in follow.items():
            lags = min(reach, shape[axis] // 2)
            values = _values(function, source)[1 : lags + 1]
            known = np.isfinite(values)
            if weight == 0 or not known.any():
                continue
            filled = np.where(known, values, 0.0)
            step = tuple(int(axis == a) for a in range(len(shape)))
            result.append((*kind, step, (), filled.tolist(), (weight * known).tolist()))
    if not result:
        raise InputError(
            "target must hold at least one lag from 1 up, of a weight above 0, that fits half a "
            "side of shape"
        )
    return result


def annealed(description: Description) -> list[CorrelationFunction]:
    """Return the curves of a description that can be annealed."""
    return [f for f in description.functions if f.statistic in ANNEALED and f.directions == "axes"]


def checked_weights(
    value: Mapping[str | tuple[str, int], float] | None, description: Description
) -> dict[str | tuple[str, int], float]:
    """Check the weights of functions, by statistic or by (statistic, phase)."""
    kinds = {(f.statistic, f.phase) for f in annealed(description)}
    known = {*kinds, *(statistic for statistic, _ in kinds)}
    result = {}
    for name, weight in (value or {}).items():
        if name not in known:
            raise InputError(
                f"weights must be of functions in target, such as {min(kinds)}, not of {name!r}"
            )
        result[name] = _validate.real(weight, name=f"the weight of {name}", minimum=0.0)
    return result


def axis_targets(
    value: Sequence[int | None] | None,
    axes: Sequence[int] | int | None,
    description: Description,
    ndim: int,
) -> dict[int, int | None]:
    """Return, for each constrained axis of the structure, the target axis it follows.

    None stands for the mean over the target's axes.
    """
    measured = annealed(description)[0].axes
    same = description.ndim == ndim
    along = measured if axes is None and same else _validate.axes(axes, ndim=ndim)
    if value is None:
        return {axis: axis if same else None for axis in along}
    given = tuple(value)
    if len(given) != ndim:
        raise InputError(f"axis_targets must have one entry for each of {ndim} axes, not {value!r}")
    for axis in given:
        if axis is not None:
            _validate.integer(
                axis, name="each of axis_targets", minimum=0, maximum=description.ndim - 1
            )
    return {axis: given[axis] for axis in (range(ndim) if axes is None else along)}


def voxel_counts(description: Description, size: int) -> dict[int, int]:
    """Return how many voxels of each label a structure gets; the largest remainders round up."""
    labels = list(description.voxels)
    exact = np.array([description.fraction(label) * size for label in labels])
    counts = np.floor(exact).astype(np.int64)
    for index in np.argsort(counts - exact, kind="stable")[: size - int(counts.sum())]:
        counts[index] += 1
    result = {label: int(count) for label, count in zip(labels, counts, strict=True) if count}
    if len(result) < 2:
        raise InputError(f"shape must be large enough to hold a second phase; it has {size} voxels")
    return result


def _values(function: CorrelationFunction, axis: int | None) -> npt.NDArray[np.float64]:
    if axis is None:
        return function.mean
    if axis not in function.axes:
        raise InputError(f"target must be measured along axis {axis}; it has {function.axes}")
    row: npt.NDArray[np.float64] = function.values[function.axes.index(axis)]
    return row
