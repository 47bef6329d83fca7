"""Windows into samples, and what is measured in each."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from microtwin import _validate
from microtwin.errors import InputError
from microtwin.statistics.correlation import lineal_path, two_point

Labels = npt.NDArray[np.uint8]
Place = tuple[int, tuple[int, ...]]  # which sample, and the first corner in it

_SMALL = 1 << 20  # voxels below which starting threads costs more than it saves


class View:
    """A window whose curves are counted when they are first asked for."""

    def __init__(self, labels: Labels, phase: int, threads: int) -> None:
        self.labels = labels
        self.phase = phase
        self.threads = threads if labels.size > _SMALL else 1

    @cached_property
    def fraction(self) -> float:
        """Volume fraction."""
        return float(np.count_nonzero(self.labels == self.phase) / self.labels.size)

    @cached_property
    def slope(self) -> float:
        """-S2'(0) in 1/voxel: half the fraction of neighbours that differ, over the axes."""
        mine = self.labels == self.phase
        differ = []
        for axis, side in enumerate(mine.shape):
            if side > 1:
                ahead = [slice(None)] * mine.ndim
                ahead[axis] = slice(1, None)
                back = [slice(None)] * mine.ndim
                back[axis] = slice(None, -1)
                pairs = mine[tuple(ahead)] != mine[tuple(back)]
                differ.append(np.count_nonzero(pairs) / pairs.size)
        return float(np.mean(differ) / 2) if differ else math.nan

    @cached_property
    def two_point(self) -> npt.NDArray[np.float64]:
        """Mean two-point probability up to half the window."""
        return two_point(
            self.labels, phase=self.phase, threads=self.threads, device="cpu"
        ).mean  # fmt: skip

    @cached_property
    def lineal_path(self) -> npt.NDArray[np.float64]:
        """Mean lineal path up to half the window."""
        return lineal_path(
            self.labels, phase=self.phase, threads=self.threads, device="cpu"
        ).mean  # fmt: skip


@dataclass(frozen=True, slots=True)
class Measure:
    """One number of a window.

    Attributes
    ----------
    name : str
        What it is called.
    of : callable
        Takes a `View`.
    additive : bool
        Whether it is a mean over the window, or a smooth function of such means.
    """

    name: str
    of: Callable[[View], float]
    additive: bool = True


def specific_surface(view: View) -> float:
    """Interface per volume in 1/voxel: 4 times the slope of S2 in 3-D, π times in 2-D."""
    return (4.0 if view.labels.ndim == 3 else math.pi) * view.slope


def mean_chord(view: View) -> float:
    """Mean chord length in voxels, φ / -S2'(0): so that chords cut by the window do no harm."""
    return view.fraction / view.slope if view.slope > 0 else math.nan


def correlation_length(view: View) -> float:
    """Integral of (S2 - φ²) / (φ - φ²) over the lag up to its first zero, in voxels."""
    curve = view.two_point
    variance = curve[0] - curve[0] ** 2
    if not variance > 0:
        return math.nan
    decay = (curve - curve[0] ** 2) / variance
    below = np.flatnonzero(~(decay > 0))
    reach = int(below[0]) if below.size else len(decay) - 1
    return float(np.trapezoid(np.maximum(decay[: reach + 1], 0.0)))


NUMBERS: dict[str, Callable[[View], float]] = {
    "porosity": lambda view: view.fraction,
    "specific_surface": specific_surface,
    "mean_chord": mean_chord,
    "correlation_length": correlation_length,
}
CURVES = ("two_point", "lineal_path")


def measures(
    statistics: Any, lags: Sequence[int] | None, *, smallest: int
) -> tuple[list[Measure], tuple[int, ...]]:
    """Return what to measure in windows of an edge of `smallest` or more."""
    several = isinstance(statistics, Sequence) and not isinstance(statistics, str)
    given = list(statistics) if several else [statistics]
    if lags is None:
        chosen = tuple(1 << k for k in range(max((smallest // 2).bit_length(), 1)))
    else:
        chosen = tuple(_validate.integer(lag, name="each of lags", minimum=0) for lag in lags)
    result: list[Measure] = []
    for one in given:
        if callable(one):
            result.append(Measure(*_called(one), additive=False))
            continue
        _validate.choice(one, [*NUMBERS, *CURVES], name="each of statistics")
        if one in NUMBERS:
            # Up to the first zero of a noisy curve: no mean over the window.
            result.append(Measure(one, NUMBERS[one], additive=one != "correlation_length"))
            continue
        if not chosen or max(chosen) > smallest // 2:
            raise InputError(
                f"lags must be one or more of at most half the smallest window ({smallest // 2} "
                f"voxels), not {list(chosen)}"
            )
        result += [Measure(f"{one}({lag})", _at(one, lag)) for lag in chosen]
    names = [measure.name for measure in result]
    if not names or len(set(names)) != len(names):
        raise InputError(f"statistics must be one or more, each by a name of its own, not {names}")
    return result, chosen


def _at(curve: str, lag: int) -> Callable[[View], float]:
    return lambda view: float(getattr(view, curve)[lag])


def _called(function: Callable[[Labels], Any]) -> tuple[str, Callable[[View], float]]:
    name = getattr(function, "__name__", type(function).__name__)

    def of(view: View) -> float:
        try:
            return float(function(view.labels))
        except (TypeError, ValueError) as error:
            raise InputError(f"each of statistics must return a number; {name}: {error}") from error

    return name, of


def places(
    shapes: Sequence[tuple[int, ...]], size: int, *, most: int, rng: np.random.Generator
) -> tuple[list[Place], float]:
    """Choose windows of an edge: on a grid without overlap, or anywhere where that tells more.

    Returns
    -------
    places : list of (int, tuple of int)
        Sample and first corner of each.
    independent : float
        How many windows without overlap would tell the mean as well; see `independent_of`.
    """
    grid = list(_grid(shapes, size))
    if len(grid) >= most:
        chosen = np.sort(rng.choice(len(grid), most, replace=False))
        return [grid[k] for k in chosen], float(most)
    room = [[max(side - size + 1, 0) for side in shape] for shape in shapes]
    weights = np.array([math.prod(sides) for sides in room], float)
    samples = rng.choice(len(shapes), most, p=weights / weights.sum())
    anywhere = [(int(k), tuple(int(rng.integers(n)) for n in room[k])) for k in samples]
    independent = independent_of(anywhere, size)
    if independent > len(grid):
        return anywhere, independent
    return grid, float(len(grid))


def independent_of(chosen: Sequence[Place], size: int) -> float:
    """Return how many windows without overlap have a mean as certain as these.

    The covariance of two windows, large beside what is correlated, is their variance times the part
    of them that they share, o on average: that of the mean of n is (1/n + (1 - 1/n) o) times that
    of one.
    """
    samples = np.array([k for k, _ in chosen])
    corners = np.array([corner for _, corner in chosen])
    apart = np.abs(corners[:, None] - corners[None])
    shared = np.clip(1 - apart / size, 0, None).prod(axis=-1) * (samples[:, None] == samples)
    return float(len(chosen) ** 2 / shared.sum())


def _grid(shapes: Sequence[tuple[int, ...]], size: int) -> Iterator[Place]:
    """Yield as many windows as fit without overlap, spread over each sample."""
    for k, shape in enumerate(shapes):
        fits = [side // size for side in shape]
        for cell in np.ndindex(*fits):
            yield (
                k,
                tuple(
                    i * (side - size) // (n - 1) if n > 1 else (side - size) // 2
                    for i, side, n in zip(cell, shape, fits, strict=True)
                ),
            )


def window(labels: Labels, corner: tuple[int, ...], size: int) -> Labels:
    """Return the window of an edge at a corner."""
    return np.ascontiguousarray(labels[tuple(slice(at, at + size) for at in corner)])
