"""Whether a generator has left its lattice in what it makes: spikes in S2, lines in the spectrum.

A transposed convolution of stride s need not treat all places modulo s alike. Then the mean of its
output, over samples, has the period of the stride, and every sample the same faint pattern in the
same place; the power spectrum has lines at multiples of 1/s and S2 spikes at multiples of s. A real
material has no origin, so that none of it knows where a window begins.
"""

import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from microtwin import _files, _result_files, _validate
from microtwin._version import __version__
from microtwin.errors import InputError
from microtwin.statistics._strides import cut_shape, measured, of_stride
from microtwin.statistics.correlation import checked_phase

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
Labels = npt.NDArray[np.uint8]

FORMAT = "microtwin-lattice-1"
STRIDES = (2, 4, 8, 16, 32)
_FEWEST = 8  # samples; a few can be shifted against each other in a few ways only
_PERIODS = 2  # of a stride along each axis, at least; 4 for one that is chosen by default
_ROUNDING = 1e-9  # relative: what is no more than this above a limit is at the limit

_NUMBERS = ("deviation", "expected", "limit", "covariance", "line", "line_limit", "power_ratio")
_ABOUT = (
    "phase",
    "fraction",
    "samples",
    "shape",
    "false_alarm",
    "tolerance",
    "randomisations",
    "seed",
)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class LatticeArtefact:
    """How far the mean of samples depends on the place modulo each of some strides.

    Attributes
    ----------
    phase : int
        Label of the phase.
    fraction : float
        Its mean volume fraction.
    samples : int
        How many samples there were.
    shape : tuple of int
        Shape of each of them in voxels.
    strides : tuple of int
        Periods looked for, in voxels, ascending.
    deviation : ndarray of float64, shape (strides,)
        Lattice-phase deviation: the standard deviation, over the s^d places modulo s, of the mean
        volume fraction there.
    expected : ndarray of float64, shape (strides,)
        What it would be of these samples, as a root mean square, if each began anywhere.
    limit : ndarray of float64, shape (strides,)
        What it would then rarely exceed.
    covariance : ndarray of float64, shape (strides,)
        What the square of the deviation owes to the lattice, without bias: the covariance over the
        places modulo s of two different samples, mean over all pairs. Negative by chance. It is the
        height of the spikes that S2 has over φ² at multiples of the stride, however far.
    line : ndarray of float64, shape (strides,)
        Coherent power of the strongest line at a lattice frequency k/s, over what it would be if
        each sample began anywhere: |Σ F_i(k/s)|² / Σ |F_i(k/s)|² for the Fourier transforms F_i of
        the samples; 1 on average without a lattice, and as many as samples if all have the line.
    line_limit : ndarray of float64, shape (strides,)
        What the strongest line would then rarely exceed.
    frequency : ndarray of int64, shape (strides, ndim)
        Its frequency k, in periods per stride along each array axis.
    power_ratio : ndarray of float64, shape (strides,)
        Mean power of the samples at that frequency over the median of that nearby: how high the
        line stands in the spectrum. For looking at only; a steep spectrum is not flat nearby.
    false_alarm : float
        Probability that samples without a lattice exceed any limit.
    tolerance : float
        Excess that passes even where it is no chance.
    randomisations : int
        How many times the samples were shifted at random to find the limits.
    seed : int
        Of these shifts.
    version : str
        The version of microtwin that measured it.
    """

    phase: int
    fraction: float
    samples: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    deviation: Floats
    expected: Floats
    limit: Floats
    covariance: Floats
    line: Floats
    line_limit: Floats
    frequency: Counts
    power_ratio: Floats
    false_alarm: float
    tolerance: float
    randomisations: int
    seed: int
    version: str = __version__

    @property
    def ndim(self) -> int:
        """2 for images, 3 for volumes."""
        return len(self.shape)

    @property
    def excess(self) -> Floats:
        """Standard deviation of the pattern that all samples share, shape (strides,).

        The root of `covariance`, and 0 where that is negative.
        """
        return np.sqrt(np.maximum(self.covariance, 0.0))

    @property
    def within(self) -> npt.NDArray[np.bool_]:
        """Which strides exceed neither limit or are tolerable all the same, shape (strides,)."""
        much = 1 + _ROUNDING
        chance = (self.deviation <= self.limit * much) & (self.line <= self.line_limit * much)
        tolerable = self.excess <= self.tolerance if self.tolerance > 0 else False
        return np.asarray(chance | tolerable)

    @property
    def passed(self) -> bool:
        """Whether no stride exceeds a limit by more than is tolerable."""
        return bool(self.within.all())

    def __str__(self) -> str:
        """Return the verdict in a line."""
        found = [k for k, good in enumerate(self.within) if not good]
        what = f"{self.samples} samples of {' x '.join(map(str, self.shape))}"
        if not found:
            none = (
                "no" if self.tolerance == 0 else f"none but a tolerable (excess {self.tolerance:g})"
            )
            return f"{none} lattice of stride {', '.join(map(str, self.strides))} in {what}"
        parts = [f"{self.strides[k]} (excess {self.excess[k]:.2g})" for k in found]
        return f"lattice of stride {', '.join(parts)} in {what}"

    def __repr__(self) -> str:
        return f"LatticeArtefact({self})"

    def to_dataframe(self) -> "pd.DataFrame":
        """Return one row for each stride."""
        import pandas as pd

        return pd.DataFrame(self._rows())

    def to_json(self, path: str | os.PathLike[str]) -> Path:
        """Write a JSON file that `from_json` reads back exactly."""
        return _files.write_json(path, {**self._about(), "table": self._rows()})

    def to_csv(self, path: str | os.PathLike[str]) -> Path:
        """Write a CSV file that `from_csv` reads back exactly; a comment line holds the rest."""
        rows = self._rows()
        table = _result_files.table(list(rows[0]), (row.values() for row in rows))
        return _result_files.write_csv(path, self._about(), table)

    @classmethod
    def from_json(cls, path: str | os.PathLike[str]) -> Self:
        """Read what `to_json` wrote.

        Raises
        ------
        InputError
            If it cannot be read, or is something else.
        """
        return _result_files.read_json(
            path, FORMAT, lambda record: cls._restored(record, record["table"])
        )

    @classmethod
    def from_csv(cls, path: str | os.PathLike[str]) -> Self:
        """Read what `to_csv` wrote.

        Raises
        ------
        InputError
            If it cannot be read, or is something else.
        """
        return _result_files.read_csv(path, FORMAT, cls._restored)

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the deviation over the stride, with what is expected without a lattice."""
        from microtwin.statistics._lattice_plots import plot_deviation

        return plot_deviation(self, ax)

    def _about(self) -> dict[str, Any]:
        about = {name: getattr(self, name) for name in (*_ABOUT, "version")}
        return {"format": FORMAT, **about, "passed": self.passed}

    def _rows(self) -> list[dict[str, Any]]:
        excess, within = self.excess, self.within
        return [
            {
                "stride": stride,
                **{name: float(getattr(self, name)[k]) for name in _NUMBERS},
                "frequency": " ".join(map(str, self.frequency[k])),
                "excess": float(excess[k]),
                "passed": bool(within[k]),
            }
            for k, stride in enumerate(self.strides)
        ]

    @classmethod
    def _restored(cls, about: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> Self:
        if not rows:
            raise ValueError("no rows")
        fields: dict[str, Any] = {name: about[name] for name in (*_ABOUT, "version")}
        fields["shape"] = tuple(about["shape"])
        fields |= {name: np.array([float(row[name]) for row in rows]) for name in _NUMBERS}
        frequency = [[int(k) for k in row["frequency"].split()] for row in rows]
        return cls(
            strides=tuple(int(row["stride"]) for row in rows),
            frequency=np.array(frequency, np.int64),
            **fields,
        )


def lattice_artefact(
    samples: Any,
    *,
    phase: int = 1,
    strides: Sequence[int] | int | None = None,
    false_alarm: float = 0.01,
    tolerance: float = 0.0,
    randomisations: int = 1000,
    seed: int = 0,
) -> LatticeArtefact:
    """Look for the lattice of a generator in its samples.

    Of every sample and stride s the volume fraction is taken at each of the s^d places modulo s.
    Where the means of these over all samples differ by more than chance allows, the place knows of
    the lattice. Chance is what is left when each sample is shifted by an offset of its own, modulo
    s: that changes nothing in a stationary medium, but loses a pattern that all samples share.

    Parameters
    ----------
    samples : array_like of int, shape (n, y, x) or (n, z, y, x), or sequence of arrays
        Phase labels 0 .. 255 of 8 samples or more of one shape, or what holds such as `labels`.
        In register: the first voxel of each at the same place of the generator's lattice. Samples
        should be independent of each other: no windows of one image that overlap.
    phase : int
        The label to look for.
    strides : int or sequence of int, optional
        Periods in voxels, each at most half the shortest side; by default those of 2, 4, 8, 16 and
        32 that go four times or more into it. A sample is cut to a multiple of each.
    false_alarm : float
        Probability that samples without a lattice do not pass. Shared out evenly among both limits
        of all strides (Bonferroni).
    tolerance : float
        Excess that passes even where it is no chance, in units of volume fraction: with enough
        samples the faintest pattern is found. Spikes in S2 stay below its square.
    randomisations : int
        How many times all samples are shifted at random to find the limits.
    seed : int
        Of these shifts.

    Returns
    -------
    LatticeArtefact

    Raises
    ------
    InputError
        If an argument is not as described, or `randomisations` are too few for the limits.

    Notes
    -----
    With the table T_i of what sample i has at the places modulo s, less its mean, the square of the
    deviation is that of Σ T_i / n, mean over the places. Without a lattice it is Σ var(T_i) / n² on
    average (`expected`). By Parseval's theorem it is also the sum over the frequencies k/s of the
    coherent power: a plain wave puts all of it into one line.

    It sees patterns in the mean. Copies of pixels, as by nearest-neighbour scaling without a
    convolution after it, leave the mean alone and are not found.

    The shifts are exact for periodic samples. For others they neglect that the two ends of a sample
    do not fit together, which matters when a stride goes into a side only two or three times and
    the structure is as coarse as the stride.

    References
    ----------
    A. Odena, V. Dumoulin, C. Olah, Distill 1, e3 (2016), on the cause.

    Examples
    --------
    >>> import numpy as np
    >>> chance = np.full((32, 32), 0.5)
    >>> chance[:, ::8] = 0.6  # a generator that favours every eighth column
    >>> fakes = np.random.default_rng(0).random((100, 32, 32)) < chance
    >>> found = lattice_artefact(fakes)
    >>> found.passed, found.strides, found.within.tolist()
    (False, (2, 4, 8), [False, False, False])
    >>> round(0.1 * (1 / 8 * 7 / 8) ** 0.5, 3), round(float(found.excess[-1]), 3)
    (0.033, 0.033)
    """
    label = checked_phase(phase)
    given = _given(samples)
    if len(given) < _FEWEST:
        raise InputError(
            f"samples must be {_FEWEST} or more to tell a lattice from chance, not {len(given)}"
        )
    first = _validate.labels(given[0], name="each of samples")
    shape = first.shape
    periods = _strides(strides, min(shape))
    level = _validate.real(false_alarm, name="false_alarm", minimum=1e-6, maximum=0.5)
    level /= 2 * len(periods)
    tolerance = _validate.real(tolerance, name="tolerance", minimum=0.0, maximum=1.0)
    # Of R shifts and what was seen, each is the largest with probability 1 / (R + 1).
    enough = math.ceil(1 / level * (1 - 1e-12)) - 1
    draws = _validate.integer(randomisations, name="randomisations", minimum=1)
    if draws < enough:
        raise InputError(
            f"randomisations must be at least {enough} for {len(periods)} strides at a false_alarm "
            f"of {false_alarm:g}, not {draws}"
        )
    seed = _validate.seed(seed)
    tables, powers, fraction = measured(_each(given, shape), label, shape, periods)
    rank = math.ceil((1 - level) * (draws + 1) - 1e-9)
    results = []
    for s, table in zip(periods, tables, strict=True):
        # Each stride draws its own shifts, so that they do not depend on which others are measured.
        rng = np.random.default_rng([seed, s])
        results.append(of_stride(table, powers[cut_shape(shape, s)], draws, rank, rng))
    columns: dict[str, Any] = {k: np.array([one[k] for one in results]) for k in results[0]}
    return LatticeArtefact(
        phase=label,
        fraction=fraction,
        samples=len(given),
        shape=shape,
        strides=periods,
        false_alarm=float(false_alarm),
        tolerance=tolerance,
        randomisations=draws,
        seed=seed,
        **columns,
    )


def _given(samples: Any) -> list[Any]:
    """Return the samples one by one, not yet checked."""
    held = getattr(samples, "labels", samples)
    if not isinstance(held, Iterable) or isinstance(held, str | bytes | Mapping):
        raise InputError(f"samples must be a sequence of label arrays, not {held!r}")
    if hasattr(held, "__array__"):
        held = np.asarray(held)
        if held.ndim not in (3, 4):
            raise InputError(
                f"samples must have the shape (n, y, x) or (n, z, y, x), not {held.ndim}-D"
            )
    return [getattr(one, "labels", one) for one in held]


def _each(given: list[Any], shape: tuple[int, ...]) -> Iterator[Labels]:
    for one in given:
        labels = _validate.labels(one, name="each of samples")
        if labels.shape != shape:
            raise InputError(f"samples must have one shape, not {shape} and {labels.shape}")
        yield labels


def _strides(value: Sequence[int] | int | None, shortest: int) -> tuple[int, ...]:
    if value is None:
        chosen = tuple(s for s in STRIDES if 4 * s <= shortest)
        if not chosen:
            raise InputError(f"samples must be 8 voxels wide or more, not {shortest}")
        return chosen
    given = list(value) if isinstance(value, Iterable) else [value]
    most = max(shortest // _PERIODS, 2)
    if shortest < 2 * _PERIODS:
        raise InputError(f"samples must be {2 * _PERIODS} voxels wide or more, not {shortest}")
    periods = {_validate.integer(s, name="each of strides", minimum=2, maximum=most) for s in given}
    if not periods:
        raise InputError("strides must hold at least one period, not none")
    return tuple(sorted(periods))
