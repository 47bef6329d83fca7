"""The one result type of all curves: exact hits of trials over an abscissa."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from microtwin._version import __version__
from microtwin.errors import InputError
from microtwin.statistics import _tables
from microtwin.statistics._merging import check_same
from microtwin.statistics.directions import Vector, axis_of

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

_SAME = (
    "statistic", "phase", "partner", "directions", "vectors", "periodic", "masked", "spacing",
    "step", "max_lag",
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class CorrelationFunction:
    """A statistical function of a phase, one curve a direction, as exact counts.

    Functions of the same kind merge by addition: ``f + g`` describes both samples together, and the
    spread between samples is kept. Nothing is rounded or normalised before it is read.

    Attributes
    ----------
    statistic : str
        Its name, a curve among `STATISTICS` or "profile".
    phase : int
        Label of the phase.
    directions : str
        The family of directions: "axes", "face_diagonals", "body_diagonals", "radial" (the average
        over all directions) or "none" (a statistic that knows none).
    vectors : tuple of tuple of int
        The step of each curve in voxels along the array axes; () where there is no direction.
    hits, trials : ndarray of int64, shape (curves, n)
        Events that happened, of those that could, at abscissa 0, step, 2 step, ... Hits of the
        surface functions are float64, for they are no counts.
    periodic : bool
        Whether lags wrap at the faces; otherwise only what lies inside is counted.
    spacing : tuple of float or None
        Voxel edge in metres along each array axis.
    samples : int
        How many structures were merged.
    sums, squares : ndarray of float64, shape (n,)
        Sum over the samples of their mean curve and of its square: what `spread` is made of.
    step : float
        Voxels between neighbouring points of the abscissa.
    partner : int or None
        Label at the second end, where it is another phase.
    masked : bool
        Whether only what lies inside a mask was counted.
    device, version : str
        Where and by which version of microtwin it was counted.
    """

    statistic: str
    phase: int
    directions: str
    vectors: tuple[Vector, ...]
    hits: npt.NDArray[Any]
    trials: Counts
    periodic: bool
    spacing: tuple[float, ...] | None
    samples: int
    sums: Floats = field(repr=False)
    squares: Floats = field(repr=False)
    step: float = 1.0
    partner: int | None = None
    masked: bool = False
    device: str = "cpu"
    version: str = __version__

    @property
    def axes(self) -> tuple[int, ...]:
        """Array axis of each curve; () for a family that is not "axes"."""
        along = tuple(axis_of(vector) for vector in self.vectors)
        return tuple(axis for axis in along if axis is not None)

    @property
    def lags(self) -> Counts:
        """Number of steps of each point: lags in voxels where the step is one. Shape (n,)."""
        return np.arange(self.hits.shape[1])

    @property
    def abscissa(self) -> Floats:
        """Distance of each point in voxels, `lags` times `step`, shape (n,)."""
        return np.asarray(self.step * self.lags, dtype=np.float64)

    @property
    def max_lag(self) -> int:
        """The largest lag, in steps."""
        return int(self.hits.shape[1]) - 1

    @property
    def values(self) -> Floats:
        """Hits over trials, shape (curves, n); NaN where there is no trial."""
        return ratio(self.hits, self.trials)

    @property
    def mean(self) -> Floats:
        """Average over the curves that have trials, shape (n,)."""
        return mean_curve(self.hits, self.trials)

    @property
    def distances(self) -> Floats | None:
        """The abscissa in metres along each curve, shape (curves, n); None without a spacing.

        Without a direction it is in metres where the voxels are cubes, and None otherwise.
        """
        if self.spacing is None:
            return None
        if self.vectors:
            edges = np.linalg.norm(np.array(self.vectors) * self.spacing, axis=1)
            return np.asarray(edges[:, None] * self.lags[None, :])
        if len(set(self.spacing)) != 1:
            return None
        return np.broadcast_to(self.spacing[0] * self.abscissa, self.hits.shape)

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

    def band(self, confidence: float = 0.95) -> tuple[Floats, Floats] | None:
        """Return the confidence interval of the mean curve over the samples; None for one sample.

        By Student's t for the given number of samples; each end has shape (n,).
        """
        error = self.standard_error
        if error is None:
            return None
        from scipy.special import stdtrit

        half = stdtrit(self.samples - 1, 0.5 + confidence / 2.0) * error
        middle = self.sums / self.samples
        return middle - half, middle + half

    def along(self, vector: int | Vector) -> Floats:
        """Return the curve along an axis or a step, shape (n,)."""
        if isinstance(vector, int) and vector in self.axes:
            return np.asarray(self.values[self.axes.index(vector)])
        if vector in self.vectors:
            return np.asarray(self.values[self.vectors.index(vector)])
        known = self.axes or self.vectors
        raise InputError(f"{self.statistic} was measured along {known}, not along {vector}")

    def __add__(self, other: Self) -> Self:
        """Merge the counts of two functions of the same kind."""
        if not isinstance(other, CorrelationFunction):
            return NotImplemented
        check_same(self, other, _SAME, what=f"{self.statistic} functions")
        return type(self)(
            statistic=self.statistic,
            phase=self.phase,
            directions=self.directions,
            vectors=self.vectors,
            hits=self.hits + other.hits,
            trials=self.trials + other.trials,
            periodic=self.periodic,
            spacing=self.spacing,
            samples=self.samples + other.samples,
            sums=self.sums + other.sums,
            squares=self.squares + other.squares,
            step=self.step,
            partner=self.partner,
            masked=self.masked,
            device=self.device if self.device == other.device else "mixed",
            version=self.version,
        )

    def __radd__(self, other: object) -> Self:
        """Let `sum` begin at 0."""
        return self if other == 0 else NotImplemented

    def to_dataframe(self) -> "pd.DataFrame":
        """Return one row for each curve and lag, with the exact counts."""
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
        """Draw the mean curve, and its spread between samples as a band.

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


def make_function(
    statistic: str,
    *,
    phase: int,
    hits: npt.NDArray[Any],
    trials: npt.NDArray[Any],
    directions: str = "axes",
    vectors: tuple[Vector, ...] = (),
    periodic: bool,
    spacing: tuple[float, ...] | None,
    step: float | None = None,
    partner: int | None = None,
    masked: bool = False,
    device: str = "cpu",
) -> CorrelationFunction:
    """Return the function of one sample from its counts."""
    curve = mean_curve(hits, trials)
    if step is None:
        step = float(np.linalg.norm(vectors[0])) if vectors else 1.0
    return CorrelationFunction(
        statistic=statistic,
        phase=phase,
        directions=directions,
        vectors=vectors,
        hits=hits,
        trials=np.asarray(trials, dtype=np.int64),
        periodic=bool(periodic),
        spacing=spacing,
        samples=1,
        sums=curve,
        squares=curve**2,
        step=step,
        partner=partner,
        masked=masked,
        device=device,
    )


def mean_curve(hits: npt.NDArray[Any], trials: Counts) -> Floats:
    """Average hits over trials over the curves that have trials; NaN where none has."""
    known = trials > 0
    total = np.where(known, ratio(hits, trials), 0.0).sum(axis=0)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(known.any(axis=0), total / known.sum(axis=0), np.nan))


def ratio(hits: npt.NDArray[Any], trials: Counts) -> Floats:
    """Return hits over trials; NaN where there is no trial."""
    result = np.full(hits.shape, np.nan)
    np.divide(hits, trials, out=result, where=trials > 0)
    return result


def _only(functions: list[dict[str, Any]], path: str | os.PathLike[str]) -> dict[str, Any]:
    if len(functions) != 1:
        raise InputError(f"{path} must hold one function, not {len(functions)}; read a Description")
    return functions[0]
