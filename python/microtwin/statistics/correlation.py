"""Correlation functions along the axes of a grid."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from microtwin import _backend, _core, _validate
from microtwin._version import __version__
from microtwin.errors import InputError
from microtwin.statistics import _tables

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class CorrelationFunction:
    """A correlation function of one phase, one curve an axis, as exact counts.

    Functions of the same kind merge by addition: ``f + g`` describes both samples together, and the
    spread between samples is kept. Nothing is rounded or normalised before it is read.

    Attributes
    ----------
    statistic : str
        "two_point" or "lineal_path".
    phase : int
        Label of the phase.
    axes : tuple of int
        Array axis of each curve.
    hits, trials : ndarray of int64, shape (axes, n)
        Events that happened, of those that could, at lag 0 .. n - 1.
    periodic : bool
        Whether lags wrap at the faces; otherwise only what lies inside is counted.
    spacing : tuple of float or None
        Voxel edge in metres along each array axis.
    samples : int
        How many structures were merged.
    sums, squares : ndarray of float64, shape (n,)
        Sum over the samples of their mean curve and of its square: what `spread` is made of.
    device, version : str
        Where and by which version of microtwin it was counted.
    """

    statistic: str
    phase: int
    axes: tuple[int, ...]
    hits: Counts
    trials: Counts
    periodic: bool
    spacing: tuple[float, ...] | None
    samples: int
    sums: Floats = field(repr=False)
    squares: Floats = field(repr=False)
    device: str = "cpu"
    version: str = __version__

    @property
    def lags(self) -> Counts:
        """Lags in voxels, shape (n,)."""
        return np.arange(self.hits.shape[1])

    @property
    def max_lag(self) -> int:
        """The largest lag, in voxels."""
        return int(self.hits.shape[1]) - 1

    @property
    def values(self) -> Floats:
        """Probabilities, shape (axes, n); NaN where a lag has no trial."""
        return _ratio(self.hits, self.trials)

    @property
    def mean(self) -> Floats:
        """Average of the curves over the axes that have trials, shape (n,)."""
        return _mean_curve(self.hits, self.trials)

    @property
    def distances(self) -> Floats | None:
        """Lags in metres along each axis, shape (axes, n); None if the spacing is not known."""
        if self.spacing is None:
            return None
        edges = np.array([self.spacing[axis] for axis in self.axes])
        return edges[:, None] * self.lags[None, :]

    @property
    def spread(self) -> Floats | None:
        """Standard deviation of the mean curve from sample to sample, or None for one sample."""
        if self.samples < 2:
            return None
        variance = (self.squares - self.sums**2 / self.samples) / (self.samples - 1)
        return np.sqrt(np.maximum(variance, 0.0))

    @property
    def standard_error(self) -> Floats | None:
        """Standard error of the mean over the samples, or None for one sample."""
        spread = self.spread
        return None if spread is None else spread / np.sqrt(self.samples)

    def __add__(self, other: Self) -> Self:
        """Merge the counts of two functions of the same kind."""
        if not isinstance(other, CorrelationFunction):
            return NotImplemented
        for name in ("statistic", "phase", "axes", "periodic", "spacing", "max_lag"):
            mine, theirs = getattr(self, name), getattr(other, name)
            if mine != theirs:
                raise InputError(
                    f"functions to merge must have the same {name}: {mine} and {theirs}"
                )
        return type(self)(
            statistic=self.statistic,
            phase=self.phase,
            axes=self.axes,
            hits=self.hits + other.hits,
            trials=self.trials + other.trials,
            periodic=self.periodic,
            spacing=self.spacing,
            samples=self.samples + other.samples,
            sums=self.sums + other.sums,
            squares=self.squares + other.squares,
            device=self.device if self.device == other.device else "mixed",
            version=self.version,
        )

    def to_dataframe(self) -> "pd.DataFrame":
        """Return one row for each axis and lag, with the exact counts."""
        return _tables.to_dataframe([self])

    def to_csv(self, path: str | os.PathLike[str]) -> Path:
        """Write the function to a CSV file that `from_csv` reads back exactly."""
        return _tables.write_csv(path, [self], {})

    def to_json(self, path: str | os.PathLike[str]) -> Path:
        """Write the function to a JSON file that `from_json` reads back exactly."""
        return _tables.write_json(path, [self], {})

    @classmethod
    def from_csv(cls, path: str | os.PathLike[str]) -> Self:
        """Read a function that `to_csv` wrote."""
        functions, _ = _tables.read_csv(path)
        return cls(**_only(functions, path))

    @classmethod
    def from_json(cls, path: str | os.PathLike[str]) -> Self:
        """Read a function that `to_json` wrote."""
        functions, _ = _tables.read_json(path)
        return cls(**_only(functions, path))

    def plot(self, ax: "Axes | None" = None, *, label: str | None = None, **style: Any) -> "Axes":
        """Draw the mean curve, its spread between samples as a band, and its limits.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure if not given.
        label : str, optional
            Name in the legend.
        **style
            Passed on to ``ax.plot``.
        """
        from microtwin.statistics._plots import plot_function

        return plot_function(self, ax, label=label, **style)


def two_point(
    labels: npt.ArrayLike,
    *,
    phase: int,
    max_lag: int | None = None,
    axes: Sequence[int] | int | None = None,
    periodic: bool = False,
    spacing: float | Sequence[float] | None = None,
    threads: int | None = None,
    device: str = "auto",
) -> CorrelationFunction:
    """Two-point probability: both ends of a lag lie in the phase.

    S2(r) = P[I(x) = 1 and I(x + r e) = 1] along each axis e. S2(0) is the volume fraction, and
    where nothing is correlated any more S2 is its square.

    Parameters
    ----------
    labels : array_like of int, shape (y, x) or (z, y, x)
        Phase labels 0 .. 255.
    phase : int
        The label to look for.
    max_lag : int, optional
        Largest lag in voxels; by default half the shortest of the sides along `axes`.
    axes : sequence of int, optional
        Array axes to measure along; all by default.
    periodic : bool
        Wrap at the faces; otherwise only pairs inside are counted, and divided by their number.
    spacing : float or sequence of float, optional
        Voxel edge in metres, one for all or one for each array axis.
    threads : int, optional
        Threads to count with; by default one for each core. The counts do not depend on it.
    device : {"auto", "cpu", "cuda"}
        Where to count. The counts do not depend on it.

    Returns
    -------
    CorrelationFunction

    Raises
    ------
    InputError
        If an argument is not as described, or the lag does not fit the labels.
    DeviceError
        If "cuda" is asked for and not available.

    References
    ----------
    S. Torquato, Random Heterogeneous Materials (Springer, 2002), section 2.2.

    Examples
    --------
    >>> import numpy as np
    >>> stripes = np.tile([1, 1, 0, 0], (8, 4))
    >>> two_point(stripes, phase=1, max_lag=4, axes=1, periodic=True).mean
    array([0.5 , 0.25, 0.  , 0.25, 0.5 ])
    """
    return _count("two_point", labels, phase, max_lag, axes, periodic, spacing, threads, device)


def lineal_path(
    labels: npt.ArrayLike,
    *,
    phase: int,
    max_lag: int | None = None,
    axes: Sequence[int] | int | None = None,
    periodic: bool = False,
    spacing: float | Sequence[float] | None = None,
    threads: int | None = None,
    device: str = "auto",
) -> CorrelationFunction:
    """Lineal-path function: a whole segment lies in the phase.

    L(r) = P[all r + 1 voxels from x to x + r e are in the phase] along each axis e. L(0) is the
    volume fraction, L(1) = S2(1), and L never exceeds S2. Parameters, result and errors are those
    of `two_point`.

    References
    ----------
    B. Lu and S. Torquato, Phys. Rev. A 45, 922 (1992).

    Examples
    --------
    >>> import numpy as np
    >>> stripes = np.tile([1, 1, 0, 0], (8, 4))
    >>> lineal_path(stripes, phase=1, max_lag=3, axes=1, periodic=True).mean
    array([0.5 , 0.25, 0.  , 0.  ])
    """
    return _count("lineal_path", labels, phase, max_lag, axes, periodic, spacing, threads, device)


def _count(
    statistic: str,
    labels: npt.ArrayLike,
    phase: int,
    max_lag: int | None,
    axes: Sequence[int] | int | None,
    periodic: bool,
    spacing: float | Sequence[float] | None,
    threads: int | None,
    device: str,
) -> CorrelationFunction:
    if spacing is None:
        spacing = getattr(labels, "spacing", None)
    structure = _validate.labels(labels)
    phase = _validate.integer(phase, name="phase", minimum=0, maximum=_validate.MAX_PHASES - 1)
    along = _validate.axes(axes, ndim=structure.ndim)
    reach = lag_limit(max_lag, [structure.shape], along)
    edges = _validate.spacing(spacing, ndim=structure.ndim)
    workers = _validate.threads(threads)
    where = _backend.resolve(device)
    module = _core if where == "cpu" else _backend.cuda_module()
    count = getattr(module, statistic)
    hits, trials = count(structure, phase, list(along), reach, bool(periodic), workers)
    curve = _mean_curve(hits, trials)
    return CorrelationFunction(
        statistic=statistic,
        phase=phase,
        axes=along,
        hits=hits,
        trials=trials,
        periodic=bool(periodic),
        spacing=edges,
        samples=1,
        sums=curve,
        squares=curve**2,
        device=where,
    )


def lag_limit(max_lag: int | None, shapes: Sequence[tuple[int, ...]], axes: Sequence[int]) -> int:
    """Return the largest lag to measure in structures of the given shapes."""
    sides = [shape[axis] for shape in shapes for axis in axes]
    if max_lag is None:
        return min(sides) // 2
    reach = _validate.integer(max_lag, name="max_lag", minimum=0)
    longest = min(max(shape[axis] for axis in axes) for shape in shapes)
    if reach >= longest:
        raise InputError(
            f"max_lag must be less than the longest side measured along ({longest} voxels), "
            f"not {reach}"
        )
    return reach


def _ratio(hits: Counts, trials: Counts) -> Floats:
    with np.errstate(invalid="ignore"):
        return np.where(trials > 0, hits / np.where(trials > 0, trials, 1), np.nan)


def _mean_curve(hits: Counts, trials: Counts) -> Floats:
    known = trials > 0
    total = np.where(known, _ratio(hits, trials), 0.0).sum(axis=0)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(known.any(axis=0), total / known.sum(axis=0), np.nan))


def _only(functions: list[dict[str, Any]], path: str | os.PathLike[str]) -> dict[str, Any]:
    if len(functions) != 1:
        raise InputError(f"{path} must hold one function, not {len(functions)}; read a Description")
    return functions[0]
