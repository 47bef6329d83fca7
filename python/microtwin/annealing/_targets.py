"""From a description to what the core anneals: one curve for each function and axis."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from microtwin import _validate
from microtwin.errors import InputError
from microtwin.statistics import CorrelationFunction, Description

# statistic, phase, axis, values at lag 1, 2, ..., weights of their squared errors
Target = tuple[str, int, int, list[float], list[float]]


def curves(
    description: Description,
    shape: tuple[int, ...],
    axis_targets: Sequence[int | None],
    max_lag: int | None,
) -> list[Target]:
    """Return the target curves for a structure of a shape.

    Along an axis of n voxels lags up to n // 2 are used: further on a periodic line repeats itself,
    and a line that is not has few trials.
    """
    reach = description.max_lag if max_lag is None else min(max_lag, description.max_lag)
    result: list[Target] = []
    for function in description.functions:
        for axis, source in enumerate(axis_targets):
            lags = min(reach, shape[axis] // 2)
            values = _values(function, source)[1 : lags + 1]
            known = np.isfinite(values)
            if not known.any():
                continue
            weights = known.astype(np.float64)
            filled = np.where(known, values, 0.0)
            result.append(
                (function.statistic, function.phase, axis, filled.tolist(), weights.tolist())
            )
    if not result:
        raise InputError(
            "target must hold at least one lag from 1 up that fits half a side of shape"
        )
    return result


def axis_targets(
    value: Sequence[int | None] | None, description: Description, ndim: int
) -> tuple[int | None, ...]:
    """Return, for each axis of the structure, the target axis that it follows; None: their mean."""
    if value is None:
        return tuple(range(ndim)) if description.ndim == ndim else (None,) * ndim
    given = tuple(value)
    if len(given) != ndim:
        raise InputError(f"axis_targets must have one entry for each of {ndim} axes, not {value!r}")
    for axis in given:
        if axis is not None:
            _validate.integer(
                axis, name="each of axis_targets", minimum=0, maximum=description.ndim - 1
            )
    return given


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
