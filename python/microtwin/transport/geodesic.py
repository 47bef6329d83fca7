"""Companions of the tortuosity factor that need no solver: shortest paths, and what percolates."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from microtwin import _memory, _validate
from microtwin._version import __version__
from microtwin.errors import OF_DAMAGE, InputError
from microtwin.statistics.clusters import clusters
from microtwin.statistics.connectivity import connectivity as measured_connectivity
from microtwin.transport import _files
from microtwin.transport._inputs import Floats, axis_name, checked_axis, cube_edge

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

STEPS = ("corner", "face")
_ABOUT = ("phase", "axis", "steps", "reached", "version")


_BYTES = 40  # of memory a voxel, where few conduct; more where many do


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class GeodesicTortuosity:
    """Shortest paths through a phase, from the inlet plane to each voxel of the outlet plane.

    Attributes
    ----------
    phase : int
        Label of the phase.
    axis : int
        Array axis along which the paths lead.
    steps : str
        "corner" or "face": what voxels that follow each other share at least.
    shape : tuple of int
        Shape of the structure in voxels.
    values : ndarray of float64
        Length of the shortest path to each voxel of the outlet plane over the straight distance
        between the planes; NaN where none leads there. The shape of `labels` without `axis`.
    spacing : tuple of float or None
        Voxel edge in metres along each array axis.
    version : str
        By which version of microtwin it was measured.
    """

    form: ClassVar[str] = "microtwin-geodesic-tortuosity-1"

    phase: int
    axis: int
    steps: str
    shape: tuple[int, ...]
    values: Floats
    spacing: tuple[float, ...] | None = None
    version: str = __version__

    @property
    def reached(self) -> int:
        """Voxels of the outlet plane that paths lead to."""
        return int(np.isfinite(self.values).sum())

    @property
    def percolates(self) -> bool:
        """Whether any path leads through."""
        return self.reached > 0

    @property
    def mean(self) -> float:
        """Mean over the outlet plane, at least 1; infinite where no path leads through."""
        return float(np.nanmean(self.values)) if self.percolates else float("inf")

    @property
    def spread(self) -> float:
        """Standard deviation over the outlet plane; NaN where no path leads through."""
        return float(np.nanstd(self.values)) if self.percolates else float("nan")

    @property
    def minimum(self) -> float:
        """The shortest path of all; infinite where none leads through."""
        return float(np.nanmin(self.values)) if self.percolates else float("inf")

    def __str__(self) -> str:
        """Return the answer in a line."""
        along = f"along {axis_name(self.axis, len(self.shape))}"
        if not self.percolates:
            return f"no path leads through phase {self.phase} {along}"
        return (
            f"geodesic tortuosity {self.mean:.4f} ± {self.spread:.2g} {along} through phase "
            f"{self.phase}; the shortest path {self.minimum:.4f}"
        )

    def __repr__(self) -> str:
        return f"GeodesicTortuosity({self})"

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw how the lengths of paths are distributed."""
        from microtwin.transport._plots import plot_paths

        return plot_paths(self, ax)

    def to_dataframe(self) -> "pd.DataFrame":
        """Return one row for each voxel of the outlet plane that a path leads to."""
        import pandas as pd

        return pd.DataFrame(self._rows())

    def to_record(self) -> dict[str, Any]:
        """Return a JSON-ready object that `from_record` reads back exactly."""
        numbers = {"mean": self.mean, "spread": self.spread, "minimum": self.minimum}
        return {
            "format": self.form,
            **{name: getattr(self, name) for name in _ABOUT},
            "shape": list(self.shape),
            "spacing": None if self.spacing is None else list(self.spacing),
            "values": _files.plain(self.values.ravel().tolist()),
            "numbers": _files.plain(numbers),
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """Return the result that `to_record` made an object of.

        Raises
        ------
        InputError
            If the record is of something else, or incomplete.
        """
        if record.get("format") != cls.form:
            raise InputError(f"record must be {cls.form}, not {record.get('format')!r}")
        try:
            shape = tuple(record["shape"])
            plane = tuple(n for b, n in enumerate(shape) if b != record["axis"])
            values = [np.nan if v is None else float(v) for v in record["values"]]
            return cls(
                phase=record["phase"],
                axis=record["axis"],
                steps=record["steps"],
                shape=shape,
                values=np.reshape(values, plane),
                spacing=None if record["spacing"] is None else tuple(record["spacing"]),
                version=record["version"],
            )
        except OF_DAMAGE as error:
            raise InputError(f"record of {cls.form} is damaged: {error}") from error

    def to_json(self, path: str | os.PathLike[str]) -> Path:
        """Write a JSON file that `from_json` reads back exactly."""
        return _files.write_json(path, self.to_record())

    def to_csv(self, path: str | os.PathLike[str]) -> Path:
        """Write a CSV file, a row for each voxel reached, that `from_csv` reads back exactly."""
        return _files.write_csv(path, self.to_record(), self._rows() or [{"tortuosity": ""}])

    @classmethod
    def from_json(cls, path: str | os.PathLike[str]) -> Self:
        """Read what `to_json` wrote."""
        return _files.read(path, cls.form, cls.from_record, table=False)

    @classmethod
    def from_csv(cls, path: str | os.PathLike[str]) -> Self:
        """Read what `to_csv` wrote."""
        return _files.read(path, cls.form, cls.from_record, table=True)

    def _rows(self) -> list[dict[str, Any]]:
        names = [axis_name(b, len(self.shape)) for b in range(len(self.shape)) if b != self.axis]
        return [
            {**dict(zip(names, map(int, place), strict=True)), "tortuosity": float(value)}
            for place, value in np.ndenumerate(self.values)
            if np.isfinite(value)
        ]


def geodesic_tortuosity(
    labels: npt.ArrayLike,
    *,
    phase: int,
    axis: int = 0,
    steps: str = "corner",
    spacing: float | Sequence[float] | None = None,
) -> GeodesicTortuosity:
    """Geodesic tortuosity: how much longer the shortest paths through a phase are than straight.

    Lengths are measured from centre to centre, from the first plane along `axis` to each voxel of
    the last. Only what hangs together by faces from plane to plane is walked through, as it is for
    conduction. It is a property of the shape alone: the tortuosity factor also knows of bottlenecks
    and is larger as a rule.

    Parameters
    ----------
    labels : array_like of int, shape (y, x) or (z, y, x)
        Phase labels 0 .. 255.
    phase : int
        The label to walk through.
    axis : int
        Array axis to walk along.
    steps : {"corner", "face"}
        "corner": to all 26 (2-D: 8) neighbours with their Euclidean distances; a path may cut the
        corner between two voxels that share an edge or a corner. Straight paths at odd angles come
        out up to 9 % (2-D: 8 %) too long. "face": to the 6 (4) neighbours only, city-block lengths.
    spacing : float or sequence of float, optional
        Voxel edge in metres. Voxels must be cubes; the result does not depend on their size.

    Returns
    -------
    GeodesicTortuosity

    Raises
    ------
    InputError
        If an argument is not as described, or there is only one plane along `axis`.

    References
    ----------
    C. J. Gommes et al., AIChE J. 55, 2000 (2009); O. Stenzel et al., AIChE J. 62, 1834 (2016).

    Examples
    --------
    >>> geodesic_tortuosity([[0, 1, 0, 0]] * 6, phase=1).mean
    1.0
    """
    from skimage.graph import MCP_Geometric

    structure = _validate.labels(labels)
    along = checked_axis(axis, structure.ndim)
    edges = cube_edge(spacing, labels, structure.ndim)
    _validate.choice(steps, STEPS, name="steps")
    planes = structure.shape[along]
    if planes < 2:
        raise InputError(f"labels must have two planes or more along axis {along}, not 1")
    _memory.check(
        structure.size * _BYTES,
        what=f"finding shortest paths in a structure of {structure.shape}",
        instead="take a part of it, or every second voxel of it (microtwin.downscale)",
    )
    image = np.moveaxis(clusters(structure, phase=phase), along, 0)
    through = np.intersect1d(image[0], image[-1])
    walked = np.isin(image, through[through > 0])
    values = np.full(walked.shape[1:], np.nan)
    if walked.any():
        costs = np.where(walked, 1.0, -1.0)  # negative: no way
        walker = MCP_Geometric(costs, fully_connected=steps == "corner")
        starts = np.argwhere(walked[0])
        lengths, _ = walker.find_costs(np.pad(starts, ((0, 0), (1, 0))))
        values[walked[-1]] = lengths[-1][walked[-1]] / (planes - 1)
    return GeodesicTortuosity(
        phase=int(phase),
        axis=along,
        steps=steps,
        shape=structure.shape,
        values=values,
        spacing=edges,
    )


def percolating_fraction(
    labels: npt.ArrayLike,
    *,
    phase: int,
    axis: int = 0,
    connectivity: str = "face",
    periodic: bool = False,
    threads: int | None = None,
) -> float:
    """Fraction of a phase that hangs together from one face across an axis to the other.

    Parameters
    ----------
    labels, phase, connectivity, periodic, threads
        As in `microtwin.connectivity`, which tells more. Faces are what conduction goes through.
    axis : int
        Array axis to look along.

    Returns
    -------
    float
        Of the voxels of the phase; NaN where there are none.

    Raises
    ------
    InputError
        If an argument is not as described.

    Examples
    --------
    A channel of four voxels, and an island of two:

    >>> percolating_fraction([[1, 1, 1, 1], [0, 0, 0, 0], [0, 1, 1, 0]], phase=1, axis=1)
    0.6666666666666666
    """
    structure = _validate.labels(labels)
    along = checked_axis(axis, structure.ndim)
    measured = measured_connectivity(
        structure, phase=phase, connectivity=connectivity, periodic=periodic, threads=threads
    )
    return float(measured.percolating_fraction[along])
