"""How large a sample must be to speak for its material."""

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from microtwin import _result_files, _validate
from microtwin._progress import ProgressCallback, silent
from microtwin._version import __version__
from microtwin.errors import InputError
from microtwin.statistics._windows import View, measures, places, window
from microtwin.statistics.correlation import checked_phase

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = npt.NDArray[np.float64]

FORMAT = "microtwin-representative-1"
DEFAULT = ("porosity", "specific_surface", "two_point", "mean_chord", "correlation_length")
_FEWEST = 3  # windows that a spread is taken from, at least
_COLUMNS = ("size", "window", "statistic", "value")


@dataclass(frozen=True, slots=True)
class IntegralRange:
    """How the spread of a statistic falls with the volume of the window.

    Over windows that are large enough, the variance of a mean over the window is D²(V) = K / V. For
    the volume fraction K = φ (1 - φ) A, with the integral range A: the volume of material that
    counts as one independent voxel (Lantuéjoul 1991; Kanit et al. 2003).

    Attributes
    ----------
    constant : float
        K, the variance times the volume of the window (in 2-D its area), in the squared unit of the
        statistic times voxels; from the larger half of the windows.
    exponent : float
        Slope α of the fit D² ~ V^-α to the same windows. Far from 1 the law does not hold (yet): a
        smaller one tells of correlations as long as the windows.
    integral_range : float or None
        A in voxels, of the volume fraction.
    size : float
        Edge in voxels of the window whose spread reaches the tolerance by this law.
    """

    constant: float
    exponent: float
    integral_range: float | None
    size: float


@dataclass(frozen=True, slots=True, eq=False)
class RepresentativeVolume:
    """Statistics of windows of growing size.

    Attributes
    ----------
    phase : int
        Label of the phase.
    statistics : tuple of str
        What was measured.
    additive : tuple of bool
        Which of them are means over the window, or ratios of such, so that the law of the integral
        range holds for large windows.
    sizes : tuple of int
        Edges of the square or cubic windows in voxels, ascending.
    values : tuple of ndarray of float64, shape (windows, statistics)
        What was measured in each window, size by size; NaN where a window has no such value.
    independent : tuple of float
        Of each size, how many windows without overlap would tell the mean as well.
    whole : ndarray of float64, shape (statistics,)
        The same of the whole sample (of several: their mean).
    shape : tuple of int
        Shape of the (first) sample.
    spacing : tuple of float or None
        Voxel edge in metres along each array axis.
    confidence, tolerance : float
        Of the intervals; and what their half-width must stay below, relative to the value.
    seed : int
        Of the places of the windows.
    version : str
        The version of microtwin that measured it.
    """

    phase: int
    statistics: tuple[str, ...]
    additive: tuple[bool, ...]
    sizes: tuple[int, ...]
    values: tuple[Floats, ...] = field(repr=False)
    independent: tuple[float, ...]
    whole: Floats
    shape: tuple[int, ...]
    spacing: tuple[float, ...] | None
    confidence: float
    tolerance: float
    seed: int
    version: str = __version__

    @property
    def ndim(self) -> int:
        """2 for images, 3 for volumes."""
        return len(self.shape)

    @property
    def windows(self) -> tuple[int, ...]:
        """How many windows of each size were measured."""
        return tuple(len(values) for values in self.values)

    @property
    def mean(self) -> Floats:
        """Mean over the windows that have a value, shape (sizes, statistics)."""
        return np.array([_known(values, np.mean) for values in self.values])

    @property
    def deviation(self) -> Floats:
        """Standard deviation from window to window, shape (sizes, statistics).

        That of windows placed in an endless material: windows that overlap are alike, which is made
        up for. NaN where fewer than three would be independent.
        """
        rows = []
        for values, free in zip(self.values, self.independent, strict=True):
            n = max(len(values), 2)
            # By the part o of them that two windows share on average (see `independent_of`), the
            # sample variance with n - 1 degrees of freedom is the (1 - o)th part of the true one.
            shared = max((n / free - 1) / (n - 1), 0.0)
            spread = _known(values, _sample_deviation) / math.sqrt(1 - shared)
            rows.append(spread if free >= _FEWEST else np.full(len(self.statistics), np.nan))
        return np.array(rows)

    @property
    def half_width(self) -> Floats:
        """Half-width of the confidence interval of the mean, shape (sizes, statistics).

        By Student's t for the independent windows.
        """
        free = np.array(self.independent)[:, None]
        return np.asarray(self._student * self.deviation / np.sqrt(free))

    @property
    def error(self) -> Floats:
        """Relative half-width of the interval that one window lies in, shape (sizes, statistics).

        The deviation times the quantile of Student's t for the independent windows, which is wide
        where there are few, over the whole sample's value: how far off a single window of that size
        may be.
        """
        return _relative(self._student * self.deviation, self.whole)

    @property
    def bias(self) -> Floats:
        """Mean over the windows less the whole's value, relative to it; (sizes, statistics)."""
        return _relative(self.mean - self.whole, self.whole)

    @property
    def representative(self) -> dict[str, int | None]:
        """Edge in voxels, for each statistic, from which on windows are representative.

        From this size on, of those measured, both the relative error of a single window and the
        bias of the mean of all stay within the tolerance, and every window has a value; None if not
        even those of the largest windows do.
        """
        complete = np.array([np.isfinite(values).all(axis=0) for values in self.values])
        with np.errstate(invalid="ignore"):
            good = complete & (self.error <= self.tolerance) & (abs(self.bias) <= self.tolerance)
        found: dict[str, int | None] = {}
        for k, name in enumerate(self.statistics):
            bad = np.flatnonzero(~good[:, k])
            first = int(bad[-1]) + 1 if bad.size else 0
            found[name] = self.sizes[first] if first < len(self.sizes) else None
        return found

    @property
    def size(self) -> int | None:
        """Edge in voxels from which on windows represent every statistic, or None."""
        sizes = list(self.representative.values())
        return None if None in sizes else max(s for s in sizes if s is not None)

    @property
    def integral_ranges(self) -> dict[str, IntegralRange | None]:
        """The law of the spread for each statistic that is a mean; None where it says nothing.

        Its `size` is an extrapolation where it is larger than the windows measured.
        """
        return {name: self._law(k) for k, name in enumerate(self.statistics)}

    def of(self, statistic: str) -> int:
        """Return the column of a statistic.

        Raises
        ------
        InputError
            If it was not measured.
        """
        if statistic not in self.statistics:
            known = ", ".join(self.statistics)
            raise InputError(f"{statistic} was not measured; there are {known}")
        return self.statistics.index(statistic)

    @property
    def _student(self) -> Floats:
        """Quantile of Student's t for each size, shape (sizes, 1)."""
        from scipy.special import stdtrit

        free = np.array(self.independent)[:, None]
        return np.asarray(stdtrit(np.maximum(free - 1, 1), 0.5 + self.confidence / 2))

    @property
    def _quantile(self) -> float:
        from scipy.special import ndtri

        return float(ndtri(0.5 + self.confidence / 2))

    def _law(self, k: int) -> IntegralRange | None:
        sizes, variance = np.array(self.sizes, float), self.deviation[:, k] ** 2
        known = np.flatnonzero(np.isfinite(variance) & (variance > 0))
        used = known[len(known) // 2 :] if len(known) > 3 else known
        if not self.additive[k] or len(used) < 2:
            return None
        volume = sizes[used] ** self.ndim
        # A variance from n windows is known to about 2/(n - 1) of its square: weigh by n.
        weights = np.array(self.independent, float)[used]
        constant = math.exp(np.average(np.log(variance[used] * volume), weights=weights))
        slope = np.polyfit(np.log(volume), np.log(variance[used]), 1, w=np.sqrt(weights))[0]
        allowed = (self.tolerance * abs(self.whole[k]) / self._quantile) ** 2
        fraction = float(self.whole[k]) if self.statistics[k] == "porosity" else math.nan
        unit = fraction * (1 - fraction)
        return IntegralRange(
            constant=constant,
            exponent=float(-slope),
            integral_range=constant / unit if unit > 0 else None,
            size=float((constant / allowed) ** (1 / self.ndim)) if allowed > 0 else math.inf,
        )

    def to_dataframe(self) -> "pd.DataFrame":
        """Return one row for each size and statistic, with the numbers derived from the windows."""
        import pandas as pd

        edge = None if self.spacing is None or len(set(self.spacing)) > 1 else self.spacing[0]
        return pd.DataFrame(
            [
                {
                    "statistic": name,
                    "size": size,
                    "size_m": None if edge is None else size * edge,
                    "windows": self.windows[i],
                    "independent": self.independent[i],
                    "mean": self.mean[i, k],
                    "deviation": self.deviation[i, k],
                    "half_width": self.half_width[i, k],
                    "error": self.error[i, k],
                    "bias": self.bias[i, k],
                    "whole": self.whole[k],
                }
                for k, name in enumerate(self.statistics)
                for i, size in enumerate(self.sizes)
            ]
        )

    def to_csv(self, path: str | os.PathLike[str]) -> Path:
        """Write the value of every window to a CSV file that `from_csv` reads back exactly."""
        rows = (
            (size, number, name, float(value))
            for size, values in zip(self.sizes, self.values, strict=True)
            for number, row in enumerate(values)
            for name, value in zip(self.statistics, row, strict=True)
        )
        return _result_files.write_csv(path, self._about(), _result_files.table(_COLUMNS, rows))

    @classmethod
    def from_csv(cls, path: str | os.PathLike[str]) -> Self:
        """Read what `to_csv` wrote.

        Raises
        ------
        InputError
            If it cannot be read, or is something else.
        """
        return _result_files.read_csv(path, FORMAT, cls._restored)

    @classmethod
    def _restored(cls, about: dict[str, Any], rows: Sequence[Mapping[str, str]]) -> Self:
        numbers = np.array([float(row["value"]) for row in rows])
        columns = len(about["statistics"])
        cuts = np.cumsum(about.pop("windows"))[:-1] * columns
        values = tuple(part.reshape(-1, columns) for part in np.split(numbers, cuts))
        whole = np.array(about.pop("whole"), dtype=np.float64)
        listed: dict[str, Any] = {
            k: tuple(v) if isinstance(v, list) else v for k, v in about.items()
        }
        return cls(values=values, whole=whole, **listed)

    def _about(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "phase": self.phase,
            "statistics": self.statistics,
            "additive": self.additive,
            "sizes": self.sizes,
            "windows": self.windows,
            "independent": self.independent,
            "whole": self.whole.tolist(),
            "shape": self.shape,
            "spacing": self.spacing,
            "confidence": self.confidence,
            "tolerance": self.tolerance,
            "seed": self.seed,
            "version": self.version,
        }

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the relative error of a single window over its size, for every statistic.

        With the law of the integral range as a dotted line, and the tolerance.
        """
        from microtwin.statistics._window_plots import plot_errors

        return plot_errors(self, ax)

    def plot_all(self, figure: "Figure | None" = None) -> "Figure":
        """Draw each statistic over the size of the window, a panel each, and the errors."""
        from microtwin.statistics._window_plots import plot_panels

        return plot_panels(self, figure)


def representative_volume(
    labels: npt.ArrayLike | Sequence[npt.ArrayLike],
    *,
    phase: int,
    statistics: Any = DEFAULT,
    sizes: Sequence[int] | None = None,
    samples: int = 64,
    lags: Sequence[int] | None = None,
    confidence: float = 0.95,
    tolerance: float = 0.05,
    seed: int = 0,
    spacing: float | Sequence[float] | None = None,
    threads: int | None = None,
    progress: ProgressCallback | None = None,
) -> RepresentativeVolume:
    """Measure windows of growing size, to see from which on they speak for the material.

    Parameters
    ----------
    labels : array_like of int, shape (y, x) or (z, y, x), or list of them
        Phase labels 0 .. 255 of a sample, or of several of one material.
    phase : int
        The label to look for.
    statistics : str, callable, or sequence of them
        "porosity"; "specific_surface" in 1/voxel; "mean_chord", φ / -S2'(0), in voxels;
        "correlation_length", the integral of (S2 - φ²) / (φ - φ²) up to its first zero, in voxels;
        "two_point" and "lineal_path", their means over the axes at `lags`; or functions that take
        the labels of a window and return a number.
    sizes : sequence of int, optional
        Edges of the windows in voxels; by default eight from a 25th to half of the shortest side.
    samples : int
        How many windows of each size. Where so many fit without overlap they are taken from that
        grid; otherwise they lie anywhere, or are the fewer of the grid where these tell more.
    lags : sequence of int, optional
        For the curves; by default 1, 2, 4, ... up to half the smallest window.
    confidence : float
        Of all intervals.
    tolerance : float
        Relative half-width that an interval may have for a window to be representative.
    seed : int
        Of the places of the windows.
    spacing : float or sequence of float, optional
        Voxel edge in metres, for tables and plots.
    threads : int, optional
        Threads to count with; the result does not depend on it.
    progress : callable, optional
        Called as ``progress(done, total, {})``, in voxels.

    Returns
    -------
    RepresentativeVolume

    Raises
    ------
    InputError
        If an argument is not as described.

    Notes
    -----
    The whole sample stands for the material here. Where even it is not representative, neither is
    this: no sample tells of correlations longer than itself.

    References
    ----------
    C. Lantuéjoul, J. Microsc. 161, 387 (1991); T. Kanit et al., Int. J. Solids Struct. 40, 3647
    (2003).

    Examples
    --------
    >>> import numpy as np
    >>> noise = np.random.default_rng(0).random((256, 256)) < 0.5
    >>> rev = representative_volume(
    ...     noise, phase=1, statistics="porosity", sizes=(8, 16), samples=256
    ... )
    >>> round(rev.integral_ranges["porosity"].integral_range, 1)  # voxels: each is independent
    1.0
    """
    given = list(_validate.one_or_many(labels))
    if not given:
        raise InputError("labels must hold at least one image or volume, not none")
    if spacing is None:
        spacing = getattr(given[0], "spacing", None)
    structures = [_validate.labels(one) for one in given]
    ndim = structures[0].ndim
    if any(structure.ndim != ndim for structure in structures):
        raise InputError("labels must be all images or all volumes, not a mixture")
    label = checked_phase(phase)
    if not any((structure == label).any() for structure in structures):
        raise InputError(f"phase must be a label that is present; {label} is not")
    edges = _sizes(sizes, min(min(s.shape) for s in structures))
    wanted, _ = measures(statistics, lags, smallest=edges[0])
    most = _validate.integer(samples, name="samples", minimum=_FEWEST)
    confidence = _validate.real(confidence, name="confidence", minimum=0.5, maximum=0.9999)
    tolerance = _validate.real(tolerance, name="tolerance", minimum=1e-9)
    seed = _validate.seed(seed)
    workers = _validate.threads(threads)
    metres = _validate.spacing(spacing, ndim=ndim)

    def measured(part: npt.NDArray[np.uint8]) -> list[float]:
        view = View(part, label, workers)
        return [measure.of(view) for measure in wanted]

    total = float(most * sum(edge**ndim for edge in edges) + sum(s.size for s in structures))
    done = 0.0
    values, independent = [], []
    for edge in edges:
        # Each size draws its own places, so that they do not depend on which others are measured.
        rng = np.random.default_rng([seed, edge])
        chosen, free = places([s.shape for s in structures], edge, most=most, rng=rng)
        rows = []
        for k, corner in chosen:
            rows.append(measured(window(structures[k], corner, edge)))
            done += edge**ndim
            (progress or silent)(done, total, {"size": float(edge)})
        values.append(np.array(rows, dtype=np.float64))
        independent.append(free)
    whole = np.mean([measured(structure) for structure in structures], axis=0)
    (progress or silent)(total, total, {})
    return RepresentativeVolume(
        phase=label,
        statistics=tuple(measure.name for measure in wanted),
        additive=tuple(measure.additive for measure in wanted),
        sizes=edges,
        values=tuple(values),
        independent=tuple(independent),
        whole=np.asarray(whole, dtype=np.float64),
        shape=structures[0].shape,
        spacing=metres,
        confidence=confidence,
        tolerance=tolerance,
        seed=seed,
    )


def _sizes(value: Sequence[int] | None, shortest: int) -> tuple[int, ...]:
    if value is None:
        if shortest < 8:
            raise InputError(
                f"labels must be 8 voxels wide or more to hold windows, not {shortest}"
            )
        return tuple(
            np.unique(np.geomspace(max(4, shortest // 25), shortest // 2, 8).astype(int)).tolist()
        )
    given = [value] if isinstance(value, int) else list(value)
    edges = sorted(
        {_validate.integer(n, name="each of sizes", minimum=2, maximum=shortest) for n in given}
    )
    if not edges:
        raise InputError("sizes must hold at least one edge, not none")
    return tuple(edges)


def _relative(part: Floats, whole: Floats) -> Floats:
    """Return part over whole; of what is 0 everywhere, 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(part == 0, 0.0, part / np.abs(whole))


def _sample_deviation(values: Floats) -> float:
    return float(np.std(values, ddof=1)) if len(values) > 1 else math.nan


def _known(values: Floats, reduce: Callable[..., Any]) -> Floats:
    """Reduce each column without its NaN."""
    return np.array(
        [
            reduce(column[np.isfinite(column)]) if np.isfinite(column).any() else np.nan
            for column in values.T
        ]
    )
