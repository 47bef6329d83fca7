"""The two-point probability at every displacement, not only along the axes."""

import math
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from microtwin import _files, _validate
from microtwin._version import __version__
from microtwin.errors import InputError
from microtwin.statistics import _fft
from microtwin.statistics._merging import check_same
from microtwin.statistics.correlation import checked_pair
from microtwin.statistics.function import CorrelationFunction, make_function, ratio

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
Phases = int | tuple[int, int]
Lags = int | Sequence[int] | None

_FORMAT = "microtwin-map-1"


@dataclass(frozen=True, slots=True, eq=False)
class CorrelationMap:
    """A two-point probability at every displacement r, as exact counts.

    Maps of the same kind merge by addition. What is stored is what cannot be worked out: of one
    phase the hits at r and -r are the same and only those with r >= 0 along axis 0 are kept, and
    the trials of whole boxes follow from their shapes. `hits`, `trials` and `values` are made when
    they are read.

    Attributes
    ----------
    phase : int
        Label at x.
    partner : int or None
        Label at x + r, if it is another one.
    max_lag : tuple of int
        Largest lag along each axis.
    kept : ndarray of int64
        The hits stored: displacements -max_lag .. max_lag along each axis, or 0 .. max_lag along
        axis 0 if there is no partner.
    boxes : dict of tuple of int to int
        How many structures of each shape were counted without a mask.
    kept_trials : ndarray of int64, shape (max_lag[0] + 1, ...), or None
        Trials of those that had a mask, at the displacements with r >= 0 along axis 0.
    periodic : bool
        Whether displacements wrap at the faces.
    spacing : tuple of float or None
        Voxel edge in metres along each axis.
    samples : int
        How many structures were merged.
    version : str
        Version of microtwin that counted.
    """

    statistic: ClassVar[str] = "two_point_map"

    phase: int
    partner: int | None
    max_lag: tuple[int, ...]
    kept: Counts = field(repr=False)
    boxes: dict[tuple[int, ...], int]
    kept_trials: Counts | None = field(repr=False)
    periodic: bool
    spacing: tuple[float, ...] | None
    samples: int
    version: str = __version__

    @property
    def ndim(self) -> int:
        """2 or 3."""
        return len(self.max_lag)

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of lags along each axis, 2 max_lag + 1."""
        return tuple(2 * m + 1 for m in self.max_lag)

    @property
    def masked(self) -> bool:
        """Whether a mask left out some of the pairs."""
        return self.kept_trials is not None

    @property
    def lags(self) -> tuple[Counts, ...]:
        """Lags along each axis in voxels, -max_lag .. max_lag."""
        return tuple(np.arange(-m, m + 1) for m in self.max_lag)

    @property
    def hits(self) -> Counts:
        """Pairs with both ends in their phases, `shape`; displacement zero is in the middle."""
        return np.asarray(self.kept if self.partner is not None else _fft.whole(self.kept))

    @property
    def trials(self) -> Counts:
        """Pairs that fit, `shape`; displacement zero is in the middle."""
        return np.asarray(_fft.whole(self._half_trials()))

    @property
    def values(self) -> Floats:
        """Probabilities, `shape`; NaN where no pair fits."""
        if self.partner is None:
            return np.asarray(_fft.whole(ratio(self.kept, self._half_trials())))
        return ratio(self.hits, self.trials)

    def central_slice(self) -> Floats:
        """Return the values in the plane of the last two axes through displacement zero."""
        if self.ndim == 2:
            return self.values
        trials = self._half_trials()[0]
        return ratio(self.kept[0 if self.partner is None else self.max_lag[0]], trials)

    def along(self, vector: Sequence[int]) -> Floats:
        """Return the values at 0, 1, 2, ... times a displacement, as far as the map goes.

        Parameters
        ----------
        vector : sequence of int
            One step in voxels, one number an axis: (0, 1) is x, (1, 1) a diagonal.

        Returns
        -------
        ndarray of float64

        Examples
        --------
        >>> import numpy as np
        >>> stripes = np.tile([1, 1, 0, 0], (8, 4))
        >>> two_point_map(stripes, phase=1, max_lag=4, periodic=True).along((1, 1))
        array([0.5 , 0.25, 0.  , 0.25, 0.5 ])
        """
        hits, trials = self.counts_along(vector)
        return ratio(hits, trials)

    def counts_along(self, vector: Sequence[int]) -> tuple[Counts, Counts]:
        """Return hits and trials at 0, 1, 2, ... times a displacement; see `along`."""
        step = _step(vector, self.ndim)
        n = min(m // abs(s) for m, s in zip(self.max_lag, step, strict=True) if s)
        lags = np.arange(n + 1)[:, None] * np.array(step)
        half = _half(lags)
        origin = np.array([0 if self.partner is None else self.max_lag[0], *self.max_lag[1:]])
        where = (half if self.partner is None else lags) + origin
        trials = self._half_trials()[tuple((half + np.array([0, *self.max_lag[1:]])).T)]
        return self.kept[tuple(where.T)], trials

    def radial(self) -> CorrelationFunction:
        """Average over the displacements of about one length: the radial function.

        Bin k holds the displacements with k - 1/2 < abs(r) < k + 1/2 voxels; hits and trials are
        plain sums over it. Only bins that lie in the map as a whole are given. Near the largest
        lags of a structure that is not periodic the sums weigh directions by the pairs that fit.

        Returns
        -------
        CorrelationFunction
            With `directions` "radial" and one curve.

        Raises
        ------
        InputError
            If the voxels are not cubes (squares).
        """
        if self.spacing is not None and len(set(self.spacing)) > 1:
            raise InputError(
                "a radial average needs the same spacing along every axis, not "
                f"{self.spacing}; take curves with along()"
            )
        reach = self._whole_shells()
        half = self.partner is None
        hits, trials = np.zeros((2, reach + 1), np.int64)
        possible = self._half_trials()
        origin = 0 if half else self.max_lag[0]
        side = sum(
            (np.arange(-m, m + 1).reshape([-1 if a == b else 1 for b in range(self.ndim - 1)])) ** 2
            for a, m in enumerate(self.max_lag[1:])
        )
        for lag in range(min(reach, self.max_lag[0]) + 1):
            bins = np.floor(np.sqrt(side + lag**2) + 0.5).astype(np.intp).ravel()
            near = bins <= reach
            both = 2 if lag else 1

            def total(
                plane: Counts, bins: Any = bins[near], near: Any = near
            ) -> Counts:  # exact: no plane sums up to 2**53
                sums = np.bincount(bins, plane.ravel()[near], reach + 1)
                return sums.astype(np.int64)

            trials += both * total(possible[lag])
            hits += total(self.kept[origin + lag]) * (both if half else 1)
            if not half and lag:
                hits += total(self.kept[origin - lag])
        return make_function(
            "two_point",
            phase=self.phase,
            hits=hits[None],
            trials=trials[None],
            directions="radial",
            vectors=(),
            periodic=self.periodic,
            spacing=self.spacing,
            partner=self.partner,
            masked=self.masked,
        )

    def __add__(self, other: Self) -> Self:
        """Merge the counts of two maps of the same kind."""
        if not isinstance(other, CorrelationMap):
            return NotImplemented
        shared = ("phase", "partner", "max_lag", "periodic", "spacing")
        check_same(self, other, shared, what="maps")
        masked = [m.kept_trials for m in (self, other) if m.kept_trials is not None]
        return type(self)(
            phase=self.phase,
            partner=self.partner,
            max_lag=self.max_lag,
            kept=self.kept + other.kept,
            boxes=dict(Counter(self.boxes) + Counter(other.boxes)),
            kept_trials=np.sum(masked, axis=0) if masked else None,
            periodic=self.periodic,
            spacing=self.spacing,
            samples=self.samples + other.samples,
            version=self.version,
        )

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the map to a NumPy archive (.npz) that `load` reads back exactly."""
        target = Path(path)
        if target.suffix != ".npz":
            raise InputError(f"path must end in .npz, not {target.name!r}")
        shapes = np.array(list(self.boxes), np.int64).reshape(len(self.boxes), self.ndim)
        arrays: dict[str, Any] = {
            "format": _FORMAT,
            "phase": self.phase,
            "partner": -1 if self.partner is None else self.partner,
            "max_lag": self.max_lag,
            "kept": self.kept,
            "shapes": shapes,
            "numbers": np.array(list(self.boxes.values()), np.int64),
            "periodic": self.periodic,
            "spacing": () if self.spacing is None else self.spacing,
            "samples": self.samples,
            "version": self.version,
        }
        if self.kept_trials is not None:
            arrays["kept_trials"] = self.kept_trials
        return _files.write_with(target, lambda part: np.savez_compressed(part, **arrays))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read a map that `save` wrote.

        Raises
        ------
        InputError
            If the file cannot be read or is no map.
        """
        try:
            with np.load(path, allow_pickle=False) as archive:
                a = {name: archive[name] for name in archive.files}
            if str(a["format"]) != _FORMAT:
                raise KeyError(_FORMAT)
            shapes = [tuple(int(n) for n in shape) for shape in a["shapes"]]
            edges = tuple(float(edge) for edge in a["spacing"])
            return cls(
                phase=int(a["phase"]),
                partner=None if a["partner"] < 0 else int(a["partner"]),
                max_lag=tuple(int(m) for m in a["max_lag"]),
                kept=a["kept"],
                boxes=dict(zip(shapes, a["numbers"].tolist(), strict=True)),
                kept_trials=a.get("kept_trials"),
                periodic=bool(a["periodic"]),
                spacing=edges or None,
                samples=int(a["samples"]),
                version=str(a["version"]),
            )
        except FileNotFoundError as error:
            raise InputError(f"cannot read {path}: {error.strerror}") from error
        except (OSError, EOFError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(f"{path} is not a map of microtwin ({_FORMAT})") from error

    def plot(self, ax: "Axes | None" = None, **style: Any) -> "Axes":
        """Draw the map, of a volume the central slice across axis 0, with a colour bar.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure if not given.
        **style
            Passed on to ``ax.imshow``.
        """
        from microtwin.statistics._map_plots import plot_map

        return plot_map(self, ax, **style)

    def _half_trials(self) -> Counts:
        """Trials at the displacements with r >= 0 along axis 0."""
        half = (self.max_lag[0] + 1, *self.shape[1:])
        total = np.zeros(half, np.int64) if self.kept_trials is None else self.kept_trials.copy()
        for shape, number in self.boxes.items():
            lines = _fft.trials_of(shape, self.max_lag, periodic=self.periodic)
            lines[0] = number * lines[0][self.max_lag[0] :]
            for plane, n in zip(total, lines[0], strict=True):
                plane += n * _fft.outer(lines[1:])
        return total

    def _whole_shells(self) -> int:
        """Return the last shell of displacements that no side of the map cuts."""
        sides = [max(s[a] for s in self.boxes) if self.boxes else None for a in range(self.ndim)]
        limits = []
        for side, lag in zip(sides, self.max_lag, strict=True):
            # Along a side of one voxel there is only one lag, and beyond the longest lag that
            # fits there is no pair to miss.
            complete = lag == 0 if self.periodic else side is not None and lag >= side - 1
            limits.append(math.inf if complete else lag)
        corner = math.sqrt(sum(m**2 for m in self.max_lag))
        return int(min(*limits, math.floor(corner + 0.5)))


def two_point_map(
    labels: npt.ArrayLike,
    *,
    phase: Phases,
    max_lag: Lags = None,
    periodic: bool = False,
    mask: npt.ArrayLike | None = None,
    spacing: float | Sequence[float] | None = None,
    threads: int | None = None,
) -> CorrelationMap:
    """Two-point probability at every displacement: x in one phase, x + r in it or in another.

    S2(r) = P[I(x) = 1 and I(x + r) = 1] for every vector r with abs(r_k) <= max_lag_k. The counts
    are exact, as if each pair had been looked at; the work is that of an FFT.

    Parameters
    ----------
    labels : array_like of int, shape (y, x) or (z, y, x)
        Phase labels 0 .. 255.
    phase : int or (int, int)
        The label at both ends; or the labels at x and at x + r.
    max_lag : int or sequence of int, optional
        Largest lag in voxels, for all axes (cut to the sides that are shorter) or for each; by
        default half of each side.
    periodic : bool
        Wrap at the faces; otherwise only pairs inside are counted, and divided by their number.
    mask : array_like of bool, optional
        Only pairs with both ends where it is true count.
    spacing : float or sequence of float, optional
        Voxel edge in metres, one for all or one for each array axis.
    threads : int, optional
        Threads to count with; by default one for each core. The counts do not depend on it.

    Returns
    -------
    CorrelationMap

    Raises
    ------
    InputError
        If an argument is not as described.

    References
    ----------
    S. Torquato, Random Heterogeneous Materials (Springer, 2002), section 2.2.

    Examples
    --------
    >>> import numpy as np
    >>> board = np.indices((4, 4)).sum(axis=0) % 2
    >>> two_point_map(board, phase=1, max_lag=1, periodic=True).values
    array([[0.5, 0. , 0.5],
           [0. , 0.5, 0. ],
           [0.5, 0. , 0.5]])
    """
    if spacing is None:
        spacing = getattr(labels, "spacing", None)
    structure = _validate.labels(labels)
    first, second = checked_pair(phase)
    partner = None if second == first else second
    reach = map_reach(max_lag, structure.shape)
    window = _validate.mask(mask, shape=structure.shape)
    inside = None if window is None else window.view(np.bool_)
    edges = _validate.spacing(spacing, ndim=structure.ndim)
    workers = _validate.threads(threads)

    def indicator(label: int) -> npt.NDArray[np.bool_]:
        found = structure == label
        return np.asarray(found if inside is None else found & inside)

    options: dict[str, Any] = {"reach": reach, "periodic": bool(periodic), "threads": workers}
    other = None if partner is None else indicator(partner)
    trials = None if inside is None else _fft.pair_counts(inside, **options)
    return CorrelationMap(
        phase=first,
        partner=partner,
        max_lag=reach,
        kept=_fft.pair_counts(indicator(first), other, **options),
        boxes={structure.shape: 1} if inside is None else {},
        kept_trials=trials,
        periodic=bool(periodic),
        spacing=edges,
        samples=1,
    )


def two_point_radial(
    labels: npt.ArrayLike,
    *,
    phase: Phases,
    max_lag: Lags = None,
    periodic: bool = False,
    mask: npt.ArrayLike | None = None,
    spacing: float | Sequence[float] | None = None,
    threads: int | None = None,
) -> CorrelationFunction:
    """Two-point probability averaged over all directions: `two_point_map` and its `radial`.

    Parameters
    ----------
    labels, phase, max_lag, periodic, mask, spacing, threads
        As in `two_point_map`, and so are errors and source.

    Returns
    -------
    CorrelationFunction
        With `directions` "radial" and one curve.

    Examples
    --------
    >>> import numpy as np
    >>> two_point_radial(np.ones((9, 9)), phase=1, max_lag=3).values
    array([[1., 1., 1., 1.]])
    """
    return two_point_map(
        labels,
        phase=phase,
        max_lag=max_lag,
        periodic=periodic,
        mask=mask,
        spacing=spacing,
        threads=threads,
    ).radial()


def map_reach(max_lag: Any, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the largest lag along each axis."""
    if max_lag is None:
        return tuple(n // 2 for n in shape)
    if isinstance(max_lag, Sequence) and not isinstance(max_lag, str):
        if len(max_lag) != len(shape):
            raise InputError(
                f"max_lag must be one integer or {len(shape)} integers, not {len(max_lag)}"
            )
        return tuple(
            _validate.integer(m, name=f"max_lag along axis {a}", minimum=0, maximum=n - 1)
            for a, (m, n) in enumerate(zip(max_lag, shape, strict=True))
        )
    reach = _validate.integer(max_lag, name="max_lag", minimum=0)
    if reach >= max(shape):
        raise InputError(
            f"max_lag must be less than the longest side ({max(shape)} voxels), not {reach}"
        )
    return tuple(min(reach, n - 1) for n in shape)


def _half(lags: Counts) -> Counts:
    """Turn the displacements with a negative first component round."""
    return np.where(lags[:, :1] < 0, -lags, lags)


def _step(vector: Any, ndim: int) -> tuple[int, ...]:
    if not isinstance(vector, Sequence | np.ndarray) or len(vector) != ndim:
        raise InputError(f"vector must be {ndim} integers, not {vector!r}")
    step = tuple(_validate.integer(v, name="each of vector") for v in vector)
    if not any(step):
        raise InputError("vector must not be zero")
    return step
