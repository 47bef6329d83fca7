"""The two-point probability wanted at every displacement of a structure that is yet to be made."""

import numpy as np
import numpy.typing as npt

from microtwin.statistics import CorrelationFunction, CorrelationMap, Description

_PART, _VOXELS = 6, 16  # lags up to a sixth of a side, or so many voxels, are short


def wanted_map(
    description: Description, known: CorrelationMap | None, phase: int, shape: tuple[int, ...]
) -> npt.NDArray[np.float64]:
    """Return S2 at every displacement of a box that wraps, in the order of FFT.

    The map of an image stands, averaged over all directions, for an isotropic volume.
    """
    limit = description.fraction(phase) ** 2
    lags = [np.rint(np.fft.fftfreq(n, 1.0 / n)).astype(np.int64) for n in shape]
    if known is not None and known.ndim < len(shape):
        curve = known.radial()
        n = min(_reach(known)) + 1
        return np.interp(_lengths(lags), curve.lags[:n], curve.mean[:n], right=limit)
    if known is not None:
        reach = _reach(known)
        wanted = np.full(shape, limit)
        measured = [np.flatnonzero(np.abs(lag) <= m) for lag, m in zip(lags, reach, strict=True)]
        places = [lag[k] + m for lag, k, m in zip(lags, measured, known.max_lag, strict=True)]
        wanted[np.ix_(*measured)] = known.values[np.ix_(*places)]
        return np.asarray(np.nan_to_num(wanted, nan=limit))
    function = description.function("two_point", phase, directions="axes")
    return _between_axes(function, lags, limit)


def _reach(known: CorrelationMap) -> tuple[int, ...]:
    """Return how far a map is to be believed along each axis.

    S2 of one structure that does not wrap scatters at long lags, which few pairs tell of and which
    are most of the map: it is that of no structure. On seven real images starts came two to ten
    times nearer to S2 within 16 voxels without what lies beyond a sixth of the side.
    """
    if known.periodic or not known.boxes:
        return known.max_lag
    sides = [max(box[axis] for box in known.boxes) for axis in range(known.ndim)]
    return tuple(
        min(m, max(side // _PART, _VOXELS)) for m, side in zip(known.max_lag, sides, strict=True)
    )


def _between_axes(
    function: CorrelationFunction, lags: list[npt.NDArray[np.int64]], limit: float
) -> npt.NDArray[np.float64]:
    """Weigh the curves of the axes by the squares of a displacement's direction cosines."""
    grids = np.meshgrid(*lags, indexing="ij", sparse=True)
    distance = _lengths(lags)
    same = len(function.axes) == len(lags)
    result = np.zeros(distance.shape)
    for axis, grid in enumerate(grids):
        curve = function.along(axis) if same else function.mean
        known = np.isfinite(curve)
        along = np.interp(distance, function.lags[known], curve[known], right=limit)
        result += along * np.square(grid / np.maximum(distance, 1.0))
    result.flat[0] = function.mean[0]
    return result


def _lengths(lags: list[npt.NDArray[np.int64]]) -> npt.NDArray[np.float64]:
    grids = np.meshgrid(*lags, indexing="ij", sparse=True)
    return np.sqrt(sum((np.square(grid, dtype=np.float64) for grid in grids), np.zeros(())))
