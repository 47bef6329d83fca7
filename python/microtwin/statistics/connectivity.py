"""How a phase hangs together: its clusters by size, and whether they percolate."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from microtwin import _validate
from microtwin._version import __version__
from microtwin.errors import OF_DAMAGE, InputError
from microtwin.statistics._components import checked_connectivity, cluster_sizes
from microtwin.statistics._merging import check_same, spread_of, table_from, table_record

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

_SAME = ("phase", "connectivity", "periodic", "masked", "spacing", "ndim")
_FIELDS = ("phase", "connectivity", "periodic", "masked", "version")
_COUNTS = ("sizes", "counts", "largest", "percolating")


@dataclass(frozen=True, slots=True, eq=False)
class Connectivity:
    """The clusters of a phase by their size, as exact counts.

    Results of several samples merge by addition: counts add up, and the numbers of each sample are
    kept for their spread. What a percolating cluster is:

    - not periodic: it touches both faces across an axis;
    - periodic: it winds around the axis, so that a way along it leads from a voxel to the image of
      that voxel in another cell. Touching the faces is not enough there.

    The isolated fraction of a phase is one less the percolating one.

    Attributes
    ----------
    phase : int
        Label of the phase.
    connectivity : str
        What neighbours share at least: "face", "edge" or "corner".
    periodic : bool
        Whether clusters go on across the faces.
    spacing : tuple of float or None
        Voxel edge in metres along each array axis.
    sizes, counts : ndarray of int64, shape (m,)
        There are counts[i] clusters of exactly sizes[i] voxels; sizes ascend.
    largest : ndarray of int64, shape (samples,)
        Voxels of the largest cluster of each sample, 0 where there is none.
    percolating : ndarray of int64, shape (ndim,)
        Voxels of clusters that percolate along each array axis.
    table : ndarray of float64, shape (samples, numbers)
        The `numbers` of each sample.
    masked : bool
        Whether only what lies inside a mask was connected.
    version : str
        By which version of microtwin it was counted.
    """

    statistic: ClassVar[str] = "connectivity"

    phase: int
    connectivity: str
    periodic: bool
    spacing: tuple[float, ...] | None
    sizes: Counts
    counts: Counts
    largest: Counts
    percolating: Counts
    table: Floats = field(repr=False)
    masked: bool = False
    version: str = __version__

    @property
    def samples(self) -> int:
        """How many structures were merged."""
        return len(self.largest)

    @property
    def ndim(self) -> int:
        """Dimension of the structures."""
        return len(self.percolating)

    @property
    def voxels(self) -> int:
        """Voxels of the phase, in all samples."""
        return int((self.sizes * self.counts).sum())

    @property
    def count(self) -> int:
        """Number of clusters, in all samples."""
        return int(self.counts.sum())

    @property
    def largest_fraction(self) -> float:
        """Fraction of the phase that lies in the largest cluster of its sample; NaN without any."""
        return _fraction(int(self.largest.sum()), self.voxels)

    @property
    def percolating_fraction(self) -> Floats:
        """Fraction of the phase in clusters that percolate along each axis, shape (ndim,)."""
        return np.array([_fraction(int(v), self.voxels) for v in self.percolating])

    @property
    def isolated_fraction(self) -> Floats:
        """Fraction of the phase in clusters that do not percolate along each axis."""
        return np.asarray(1.0 - self.percolating_fraction)

    @property
    def mean_size(self) -> float:
        """Mean size in voxels of the cluster that a voxel of the phase lies in: Σs² / Σs."""
        return _fraction(self._sum_of_squares(), self.voxels)

    @property
    def mean_size_without_largest(self) -> float:
        """The same without the largest cluster of each sample; NaN where there is no other."""
        squares = sum(int(s) ** 2 for s in self.largest)
        rest = self.voxels - int(self.largest.sum())
        return _fraction(self._sum_of_squares() - squares, rest)

    @property
    def numbers(self) -> dict[str, float]:
        """Each number by its name, from the merged counts; NaN where the phase is absent.

        ``clusters`` (in a sample, on average), ``largest_fraction``, ``mean_cluster_size`` and
        ``mean_cluster_size_without_largest`` in voxels, and the percolating fraction of the phase
        along each axis: ``percolating_z`` (volumes), ``percolating_y``, ``percolating_x``.
        """
        fractions = zip("zyx"[-self.ndim :], self.percolating_fraction, strict=True)
        return {
            "clusters": self.count / self.samples,
            "largest_fraction": self.largest_fraction,
            "mean_cluster_size": self.mean_size,
            "mean_cluster_size_without_largest": self.mean_size_without_largest,
            **{f"percolating_{axis}": float(fraction) for axis, fraction in fractions},
        }

    @property
    def spread(self) -> dict[str, float] | None:
        """Standard deviation of each number between the samples, or None for one sample."""
        return spread_of(self.numbers, self.table)

    def __add__(self, other: Self) -> Self:
        """Merge the counts of two sets of samples."""
        if not isinstance(other, Connectivity):
            return NotImplemented
        check_same(self, other, _SAME)
        sizes, place = np.unique(np.concatenate([self.sizes, other.sizes]), return_inverse=True)
        counts = np.zeros(len(sizes), dtype=np.int64)
        np.add.at(counts, place, np.concatenate([self.counts, other.counts]))
        return type(self)(
            phase=self.phase,
            connectivity=self.connectivity,
            periodic=self.periodic,
            spacing=self.spacing,
            sizes=sizes,
            counts=counts,
            largest=np.concatenate([self.largest, other.largest]),
            percolating=self.percolating + other.percolating,
            table=np.concatenate([self.table, other.table]),
            masked=self.masked,
            version=self.version,
        )

    def to_record(self) -> dict[str, Any]:
        """Return a JSON-ready object that `from_record` reads back exactly."""
        return {
            "statistic": self.statistic,
            **{name: getattr(self, name) for name in _FIELDS},
            "spacing": None if self.spacing is None else list(self.spacing),
            **{name: getattr(self, name).tolist() for name in _COUNTS},
            "table": table_record(self.table),
            "numbers": {k: None if np.isnan(v) else v for k, v in self.numbers.items()},
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """Return the result that `to_record` made an object of.

        Raises
        ------
        InputError
            If the record is of something else, or incomplete.
        """
        if record.get("statistic") != cls.statistic:
            raise InputError(f"record must be of connectivity, not {record.get('statistic')!r}")
        try:
            fields: dict[str, Any] = {name: record[name] for name in _FIELDS}
            for name in _COUNTS:
                fields[name] = np.asarray(record[name], dtype=np.int64)
            return cls(
                **fields,
                spacing=None if record["spacing"] is None else tuple(record["spacing"]),
                table=table_from(record["table"]),
            )
        except OF_DAMAGE as error:
            raise InputError(f"record of connectivity is damaged: {error}") from error

    def _sum_of_squares(self) -> int:
        # In Python's integers: the square of a cluster of 2^32 voxels has no place in 64 bits.
        pairs = zip(self.sizes.tolist(), self.counts.tolist(), strict=True)
        return sum(size**2 * count for size, count in pairs)


def connectivity(
    labels: npt.ArrayLike,
    *,
    phase: int,
    connectivity: str = "face",
    periodic: bool = False,
    mask: npt.ArrayLike | None = None,
    spacing: float | Sequence[float] | None = None,
    threads: int | None = None,
) -> Connectivity:
    """Measure the clusters of a phase: how many, how large, and how much of it percolates.

    Parameters
    ----------
    labels : array_like of int, shape (y, x) or (z, y, x)
        Phase labels 0 .. 255.
    phase : int
        The label whose clusters are looked for.
    connectivity : {"face", "edge", "corner"}
        What neighbouring voxels of a cluster share at least; see `clusters`.
    periodic : bool
        Clusters go on across the faces, and percolate where they wind around an axis.
    mask : array_like of bool, optional
        Voxels where it is false are in no cluster, and join none. Same shape as `labels`.
    spacing : float or sequence of float, optional
        Voxel edge in metres, one for all or one for each array axis.
    threads : int, optional
        Threads to work with; by default one for each core. The result does not depend on it.

    Returns
    -------
    Connectivity
        The isolated fraction of the phase is one less the percolating fraction.

    Raises
    ------
    InputError
        If an argument is not as described.

    References
    ----------
    D. Stauffer and A. Aharony, Introduction to Percolation Theory (Taylor & Francis, 1994), for the
    mean size; J. Machta et al., Phys. Rev. E 54, 1332 (1996), for winding clusters.

    Examples
    --------
    A channel along x, and an island:

    >>> channel = [[0, 0, 0, 0], [1, 1, 1, 1], [0, 0, 0, 0], [0, 1, 1, 0]]
    >>> result = connectivity(channel, phase=1)
    >>> result.count, result.percolating.tolist()
    (2, [0, 4])
    >>> result.numbers["mean_cluster_size"]
    3.3333333333333335
    """
    if spacing is None:
        spacing = getattr(labels, "spacing", None)
    structure = _validate.labels(labels)
    label = _validate.integer(phase, name="phase", minimum=0, maximum=_validate.MAX_PHASES - 1)
    neighbours = checked_connectivity(connectivity)
    window = _validate.mask(mask, shape=structure.shape)
    edges = _validate.spacing(spacing, ndim=structure.ndim)
    found, percolates = cluster_sizes(
        structure, window, label, connectivity=neighbours, periodic=bool(periodic),
        threads=_validate.threads(threads),
    )  # fmt: skip
    sizes, counts = np.unique(found, return_counts=True)

    def sample(table: Floats) -> Connectivity:
        return Connectivity(
            phase=label,
            connectivity=neighbours,
            periodic=bool(periodic),
            spacing=edges,
            sizes=sizes,
            counts=counts.astype(np.int64),
            largest=np.array([found.max(initial=0)], dtype=np.int64),
            percolating=(found[:, None] * percolates).sum(axis=0, dtype=np.int64),
            table=table,
            masked=window is not None,
        )

    numbers = sample(np.empty((1, 0))).numbers
    return sample(np.array([list(numbers.values())]))


def _fraction(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")
