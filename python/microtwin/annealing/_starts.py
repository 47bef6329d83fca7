"""Structures to begin from that already have the target's two-point probability, all around.

Annealing to curves along the axes alone leaves S2 between the axes wrong. Phase retrieval starts
from the whole map instead: the power spectrum of a structure is the Fourier transform of its S2, so
what is sought is an array that has this spectrum and holds two values in the right proportion.
"""

import math

import numpy as np
import numpy.typing as npt
from scipy import fft

from microtwin.errors import InputError
from microtwin.statistics import CorrelationFunction, CorrelationMap, Description

Floats = npt.NDArray[np.floating]

STARTS = ("noise", "phase_retrieval")

# Relaxed averaged alternating reflections: how much of the reflections is kept. 0.9 came nearest to
# the map on blobs (0.7: twice as far; plain alternating projections stall six times as far away).
_RELAXATION = 0.9
_MOST_ITERATIONS, _FEWEST_ITERATIONS = 200, 60
_CHEAP = 2**19  # voxels up to which iterations are cheap


def retrieve(
    description: Description,
    known: CorrelationMap | None,
    shape: tuple[int, ...],
    counts: dict[int, int],
    seed: int,
    threads: int,
) -> npt.NDArray[np.uint8]:
    """Return labels whose two-point map is near the target's, by phase retrieval.

    D. R. Luke, Inverse Problems 21, 37 (2005): relaxed averaged alternating reflections, between
    the arrays with the spectrum wanted and those of two values.

    Parameters
    ----------
    description : Description
        The target. Without `known` S2 between its axes is taken from the curves along them.
    known : CorrelationMap, optional
        S2 at every displacement, of one of the two phases and the dimension of `shape`.
    counts : dict of int to int
        Voxels of each label, of which there must be two.
    """
    if len(counts) != 2:
        raise InputError(
            f"start can be phase_retrieval for two phases only; target has {len(counts)}"
        )
    phase = description.phase if known is None else known.phase
    if phase not in counts or (known is not None and known.partner is not None):
        raise InputError(f"start must be a map of one of the phases {sorted(counts)}")
    if known is not None and len(known.max_lag) != len(shape):
        raise InputError(f"start must be a map of {len(shape)}-D structures, as shape is")
    (other,) = set(counts) - {phase}
    size = math.prod(shape)
    wanted = _map(description, known, phase, shape)
    fraction = counts[phase] / size
    power = fft.rfftn(wanted - fraction**2, workers=threads).real * size
    amplitude = np.sqrt(np.maximum(power, 0.0)).astype(np.float32)
    amplitude.flat[0] = counts[phase]

    def with_spectrum(field: Floats) -> Floats:
        spectrum = fft.rfftn(field, workers=threads)
        spectrum *= amplitude / np.maximum(np.abs(spectrum), np.float32(1e-9))
        return np.asarray(fft.irfftn(spectrum, s=shape, workers=threads))

    keep = np.float32(_RELAXATION)
    random = np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)
    current: Floats = _largest(random, counts[phase]).astype(np.float32)
    steps = round(_MOST_ITERATIONS * min(1.0, _CHEAP / size))
    for _ in range(max(steps, _FEWEST_ITERATIONS)):
        near = with_spectrum(current)
        binary = _largest(2 * near - current, counts[phase])
        current = keep * (current + binary - near) + (1 - keep) * near
    inside = _largest(with_spectrum(current), counts[phase])
    return np.where(inside, np.uint8(phase), np.uint8(other))


def _largest(field: Floats, count: int) -> npt.NDArray[np.bool_]:
    """Return where the `count` largest values are; exactly so many, ties in the order they lie."""
    flat = field.ravel()
    level = np.partition(flat, flat.size - count)[flat.size - count]
    result = flat > level
    missing = count - int(np.count_nonzero(result))
    result[np.flatnonzero(flat == level)[:missing]] = True
    return np.asarray(result.reshape(field.shape))


def _map(
    description: Description, known: CorrelationMap | None, phase: int, shape: tuple[int, ...]
) -> npt.NDArray[np.float64]:
    """Return S2 at every displacement of a box that wraps, in the order of FFT."""
    limit = description.fraction(phase) ** 2
    lags = [np.rint(np.fft.fftfreq(n, 1.0 / n)).astype(np.int64) for n in shape]
    if known is not None:
        wanted = np.full(shape, limit)
        measured = [
            np.flatnonzero(np.abs(lag) <= m) for lag, m in zip(lags, known.max_lag, strict=True)
        ]
        places = [lag[k] + m for lag, k, m in zip(lags, measured, known.max_lag, strict=True)]
        wanted[np.ix_(*measured)] = known.values[np.ix_(*places)]
        return np.asarray(np.nan_to_num(wanted, nan=limit))
    function = description.function("two_point", phase, directions="axes")
    return _between_axes(function, lags, limit)


def _between_axes(
    function: CorrelationFunction, lags: list[npt.NDArray[np.int64]], limit: float
) -> npt.NDArray[np.float64]:
    """Weigh the curves of the axes by the squares of a displacement's direction cosines."""
    grids = np.meshgrid(*lags, indexing="ij", sparse=True)
    distance = np.sqrt(sum(np.square(grid, dtype=np.float64) for grid in grids))
    same = len(function.axes) == len(lags)
    result = np.zeros(distance.shape)
    for axis, grid in enumerate(grids):
        curve = function.along(axis) if same else function.mean
        known = np.isfinite(curve)
        along = np.interp(distance, function.lags[known], curve[known], right=limit)
        result += along * np.square(grid / np.maximum(distance, 1.0))
    result.flat[0] = function.mean[0]
    return result
