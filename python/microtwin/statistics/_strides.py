"""What samples have at the places modulo a stride, and how much of that chance would make."""

import math
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from microtwin.errors import InputError

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.uint8]

_NEAR = 4  # frequencies to each side that a line is compared with
_CHUNK = 1 << 22  # values that are shifted at once
_NOTHING = 1e-26  # power, in squares of the number of places: what is less is rounding


def cut_shape(shape: tuple[int, ...], stride: int) -> tuple[int, ...]:
    """Return the shape cut to a multiple of the stride."""
    return tuple(side - side % stride for side in shape)


def measured(
    samples: Iterator[Labels], phase: int, shape: tuple[int, ...], strides: tuple[int, ...]
) -> tuple[list[Floats], dict[tuple[int, ...], Floats], float]:
    """Return what each sample has at the places modulo each stride, and power spectra.

    Returns
    -------
    tables : list of ndarray of float64, shape (samples, s, ..., s)
        Volume fraction there, less that of the sample.
    powers : dict of ndarray of float64
        Σ |F|² over the samples, for each shape that they are cut to.
    fraction : float
        Mean volume fraction.
    """
    from scipy import fft

    tables: list[list[Any]] = [[] for _ in strides]
    powers = {cut_shape(shape, s): np.zeros(cut_shape(shape, s)) for s in strides}
    fractions = []
    for labels in samples:
        mine = labels == phase
        fractions.append(np.count_nonzero(mine) / mine.size)
        for cut in powers:
            part = mine[tuple(map(slice, cut))]
            powers[cut] += np.square(np.abs(fft.fftn(part - part.mean())))
        for table, s in zip(tables, strides, strict=True):
            cut = cut_shape(shape, s)
            cells = [n for side in cut for n in (side // s, s)]
            over = tuple(range(0, 2 * len(cut), 2))
            counts = mine[tuple(map(slice, cut))].reshape(cells).sum(axis=over, dtype=np.int64)
            # Less their mean in integers: exactly 0 where all places are alike.
            table.append((counts * counts.size - counts.sum()) / math.prod(cut))
    if not any(fractions):
        raise InputError(f"phase must be a label that is present; {phase} is not")
    return [np.array(t) for t in tables], powers, float(np.mean(fractions))


def of_stride(
    tables: Floats, power: Floats, draws: int, rank: int, rng: np.random.Generator
) -> dict[str, Any]:
    """Return the numbers of one stride."""
    n, s = len(tables), tables.shape[1]
    square = float(np.square(tables.mean(axis=0)).mean())
    chance = float(np.square(tables).mean()) / n
    incoherent = np.sum([_power(table) for table in tables], axis=0)
    line = _over(_power(tables.sum(axis=0)), incoherent)
    strongest = np.unravel_index(int(np.argmax(line)), line.shape)
    frequency = [int(k) - s if k > s // 2 else int(k) for k in strongest]
    deviations, lines = _shifted(tables, incoherent, draws, rng)
    return {
        "deviation": math.sqrt(square),
        "expected": math.sqrt(chance),
        "limit": float(np.sort(deviations)[rank - 1]),
        "covariance": (square - chance) * n / (n - 1),
        "line": float(line[strongest]),
        "line_limit": float(np.sort(lines)[rank - 1]),
        "frequency": frequency,
        "power_ratio": _power_ratio(power, frequency, s),
    }


def _power(tables: Floats, axes: tuple[int, ...] | None = None) -> Floats:
    """Return |F|² at one of each two opposite lattice frequencies."""
    from scipy import fft

    return np.asarray(np.square(np.abs(fft.rfftn(tables, axes=axes))))


def _over(coherent: Floats, incoherent: Floats) -> Floats:
    """Return the coherent power over what is expected of it; 0 where there is none but rounding."""
    some = incoherent > _NOTHING * incoherent.shape[0] ** (2 * incoherent.ndim)
    some[(0,) * incoherent.ndim] = False
    return np.where(some, coherent / np.where(some, incoherent, 1.0), 0.0)


def _shifted(
    tables: Floats, incoherent: Floats, draws: int, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Return deviation and strongest line, when each table is shifted by an offset of its own."""
    n, s, ndim = len(tables), tables.shape[1], tables.ndim - 1
    offsets = rng.integers(s, size=(n, ndim, draws))
    places = tuple(range(1, ndim + 1))
    # Going on at the other side, so that each shifted table is a window.
    wrapped = np.pad(tables, [(0, 0)] + [(0, s - 1)] * ndim, mode="wrap")
    windows = np.lib.stride_tricks.sliding_window_view(wrapped, (s,) * ndim, axis=places)
    deviations, lines = np.empty(draws), np.empty(draws)
    step = max(_CHUNK // s**ndim, 1)
    for start in range(0, draws, step):
        some = slice(start, start + step)
        total = np.zeros((len(range(*some.indices(draws))), *tables.shape[1:]))
        for table, offset in zip(windows, offsets, strict=True):
            total += table[tuple(offset[:, some])]
        deviations[some] = np.sqrt(np.square(total / n).mean(axis=places))
        lines[some] = _over(_power(total, places), incoherent).max(axis=places)
    return deviations, lines


def _power_ratio(power: Floats, frequency: Sequence[int], stride: int) -> float:
    """Return the power at a lattice frequency over the median of that nearby.

    Along those axes only along which it is not 0: samples whose ends do not fit have more power at
    the frequencies of the axes than beside them.
    """
    sides = power.shape
    cells = [side // stride for side in sides]
    centre = [k * m for k, m in zip(frequency, cells, strict=True)]
    steps = [range(-_NEAR, _NEAR + 1) if k else (0,) for k in frequency]
    nearby = [
        power[tuple((c + d) % side for c, d, side in zip(centre, step, sides, strict=True))]
        for step in product(*steps)
        if any(d % m for d, m in zip(step, cells, strict=True))
    ]
    background = float(np.median(nearby)) if nearby else 0.0
    line = float(power[tuple(c % side for c, side in zip(centre, sides, strict=True))])
    return line / background if background > 0 else math.nan
