"""Descriptions: all that is measured of a structure, or of many samples of one material."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import add
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from microtwin.errors import OF_DAMAGE, InputError
from microtwin.statistics import _tables
from microtwin.statistics._packed import PackedMask
from microtwin.statistics._registry import (
    NUMBERS,
    Numbers,
)
from microtwin.statistics.correlation_map import CorrelationMap, map_reach, two_point_map
from microtwin.statistics.function import CorrelationFunction

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Description:
    """What was measured of one structure or, merged, of several samples of a material.

    Attributes
    ----------
    phase : int
        The phase that `porosity`, `two_point` and `lineal_path` speak of.
    functions : tuple of CorrelationFunction
        Every curve measured, of every phase and family of directions asked for.
    voxels : mapping of int to int
        How many voxels of each label there are, over all samples.
    porosities : ndarray of float64, shape (samples, labels)
        Volume fraction of each label of `voxels`, sample by sample.
    interfaces : mapping of int to ndarray of int64, shape (axes, 2)
        For each phase measured and each axis, how many pairs of neighbours have one end in the
        phase, of how many pairs.
    shape : tuple of int
        Shape of the (first) structure.
    numbers : tuple of Numbers
        What was measured that is no curve (`Minkowski`, `Connectivity`), of every phase.
    structures : tuple of PackedMask
        Where each sample has one of the phases, for what is asked for only later (see
        `two_point_map`). Not kept in files, nor of what was measured within a mask or in tiles.
    """

    phase: int
    functions: tuple[CorrelationFunction, ...]
    voxels: Mapping[int, int]
    porosities: npt.NDArray[np.float64]
    interfaces: Mapping[int, npt.NDArray[np.int64]]
    shape: tuple[int, ...]
    numbers: tuple[Numbers, ...] = ()
    structures: tuple[PackedMask, ...] = ()

    @property
    def phases(self) -> tuple[int, ...]:
        """Labels of the phases that functions were measured of."""
        return tuple(dict.fromkeys(f.phase for f in self.functions))

    @property
    def statistics(self) -> tuple[str, ...]:
        """Names of the statistics measured."""
        names = [f.statistic for f in self.functions] + [n.statistic for n in self.numbers]
        return tuple(dict.fromkeys(names))

    @property
    def ndim(self) -> int:
        """2 for images, 3 for volumes."""
        return len(self.shape)

    @property
    def samples(self) -> int:
        """How many structures were measured."""
        return self.functions[0].samples

    @property
    def periodic(self) -> bool:
        """Whether lags wrap at the faces."""
        return self.functions[0].periodic

    @property
    def spacing(self) -> tuple[float, ...] | None:
        """Voxel edge in metres along each axis, or None if it is not known."""
        return self.functions[0].spacing

    @property
    def max_lag(self) -> int:
        """The largest lag measured, in voxels."""
        return self.functions[0].max_lag

    @property
    def porosity(self) -> float:
        """Volume fraction of `phase`, the φ of S2(0) = φ."""
        return self.fraction(self.phase)

    def fraction(self, phase: int) -> float:
        """Return the volume fraction of a phase."""
        return self.voxels.get(phase, 0) / sum(self.voxels.values())

    def fraction_spread(self, phase: int) -> float | None:
        """Return the standard deviation of a volume fraction between samples; None for one."""
        if self.samples < 2 or phase not in self.voxels:
            return None
        return float(self.porosities[:, list(self.voxels).index(phase)].std(ddof=1))

    @property
    def specific_surface(self) -> float:
        """Interface of `phase` per volume, in 1/m where the spacing is known, else in 1/voxel.

        From the slope of S2 at the origin, -4 S2'(0) in 3-D and -π S2'(0) in 2-D, averaged over the
        axes; for an isotropic structure this corrects the staircase of the voxels. The slope is
        half the fraction of neighbours that differ, so that faces of the image count as no
        interface.
        """
        function = self.function("two_point", directions="axes")
        pairs = self.interfaces[self.phase]
        edges = np.array([1.0 if self.spacing is None else self.spacing[a] for a in function.axes])
        known = pairs[:, 1] > 0
        slopes = 0.5 * pairs[known, 0] / pairs[known, 1] / edges[known]
        factor = 4.0 if self.ndim == 3 else np.pi
        return float(factor * slopes.mean()) if known.any() else float("nan")

    @property
    def two_point(self) -> CorrelationFunction:
        """Two-point probability of `phase`."""
        return self.function("two_point")

    @property
    def lineal_path(self) -> CorrelationFunction:
        """Lineal-path function of `phase`."""
        return self.function("lineal_path")

    @property
    def chord_length(self) -> CorrelationFunction:
        """Chords of `phase` by their length."""
        return self.function("chord_length")

    @property
    def cluster(self) -> CorrelationFunction:
        """Two-point cluster function of `phase`."""
        return self.function("cluster")

    @property
    def surface_void(self) -> CorrelationFunction:
        """Surface-void correlation function of `phase`."""
        return self.function("surface_void")

    @property
    def surface_surface(self) -> CorrelationFunction:
        """Surface-surface correlation function of `phase`."""
        return self.function("surface_surface")

    @property
    def pore_size(self) -> CorrelationFunction:
        """Cumulative pore-size function of `phase`."""
        return self.function("pore_size")

    @property
    def local_thickness(self) -> CorrelationFunction:
        """Granulometry of `phase` by inscribed spheres."""
        return self.function("local_thickness")

    @property
    def minkowski(self) -> Numbers:
        """Minkowski functionals of `phase`."""
        return self.numbers_of("minkowski")

    @property
    def connectivity(self) -> Numbers:
        """Clusters and percolation of `phase`."""
        return self.numbers_of("connectivity")

    def function(
        self, statistic: str, phase: int | None = None, *, directions: str | None = None
    ) -> CorrelationFunction:
        """Return one curve; of the primary phase unless another is named.

        Where it was measured in several families of directions and none is named, along the axes.

        Raises
        ------
        InputError
            If it was not measured.
        """
        wanted = self.phase if phase is None else phase
        for f in self.functions:
            if (f.statistic, f.phase) == (statistic, wanted) and directions in (None, f.directions):
                return f
        where = "" if directions is None else f" along {directions}"
        raise InputError(f"{statistic} of phase {wanted}{where} was not measured; {self._known()}")

    def counterpart(self, function: CorrelationFunction) -> CorrelationFunction:
        """Return the curve of the same statistic, phase and directions as another one."""
        return self.function(function.statistic, function.phase, directions=function.directions)

    def numbers_of(self, statistic: str, phase: int | None = None) -> Numbers:
        """Return what was measured that is no curve, "minkowski" or "connectivity".

        Raises
        ------
        InputError
            If it was not measured.
        """
        wanted = self.phase if phase is None else phase
        for one in self.numbers:
            if (one.statistic, one.phase) == (statistic, wanted):
                return one
        raise InputError(f"{statistic} of phase {wanted} was not measured; {self._known()}")

    def two_point_map(
        self, max_lag: int | Sequence[int] | None = None, *, threads: int | None = None
    ) -> CorrelationMap | None:
        """Measure S2 of `phase` at every displacement, over all samples.

        Parameters
        ----------
        max_lag, threads
            As in `microtwin.two_point_map`; the shortest sides of the samples bound the lags.

        Returns
        -------
        CorrelationMap or None
            None where the description does not remember every sample: it was read from a file, or
            measured within a mask, in tiles or with ``remember=False``; or it was made of three
            phases or more and is seen from another than it was measured for.

        Examples
        --------
        >>> import numpy as np
        >>> from microtwin import describe
        >>> stripes = np.tile([1, 1, 0, 0], (8, 4))
        >>> describe(stripes, periodic=True).two_point_map().along((1, 1))
        array([0.5 , 0.25, 0.  , 0.25, 0.5 ])
        """
        # Of two phases one is where the other is not.
        known = {self.phase} if len(self.voxels) > 2 else set(self.voxels)
        samples = [one for one in self.structures if one.phase in known]
        if len(samples) != self.samples:
            return None
        sides = zip(*(one.shape for one in samples), strict=True)
        reach = map_reach(max_lag, tuple(map(min, sides)))
        return reduce(
            add,
            (
                replace(
                    two_point_map(
                        one.unpacked(),
                        phase=int(one.phase == self.phase),
                        max_lag=reach,
                        periodic=self.periodic,
                        spacing=self.spacing,
                        threads=threads,
                    ),
                    phase=self.phase,
                )
                for one in samples
            ),
        )

    def _known(self) -> str:
        phases = ", ".join(map(str, self.phases))
        return f"there are {', '.join(self.statistics)} of phases {phases}"

    def of(self, phase: int) -> Self:
        """Return the same description seen from another of its phases."""
        self.function("two_point", phase)
        return self._replace(phase=phase)

    def _replace(self, **changes: Any) -> Self:
        return replace(self, **changes)

    def __add__(self, other: Self) -> Self:
        """Merge the descriptions of two sets of samples of one material."""
        if not isinstance(other, Description):
            return NotImplemented
        if (self.phases, self.statistics) != (other.phases, other.statistics):
            raise InputError("descriptions to merge must hold the same statistics and phases")
        merged = {
            k: self.voxels.get(k, 0) + other.voxels.get(k, 0)
            for k in sorted({*self.voxels, *other.voxels})
        }
        table = np.zeros((len(self.porosities) + len(other.porosities), len(merged)))
        for column, label in enumerate(merged):
            row = 0
            for part in (self, other):
                if label in part.voxels:
                    values = part.porosities[:, list(part.voxels).index(label)]
                    table[row : row + len(values), column] = values
                row += len(part.porosities)
        functions = tuple(map(add, self.functions, other.functions))
        numbers = tuple(map(add, self.numbers, other.numbers))
        interfaces = {p: pairs + other.interfaces[p] for p, pairs in self.interfaces.items()}
        return self._replace(
            functions=functions,
            voxels=merged,
            porosities=table,
            interfaces=interfaces,
            numbers=numbers,
            structures=self.structures + other.structures,
        )

    def __radd__(self, other: object) -> Self:
        """Let `sum` begin at 0."""
        return self if other == 0 else NotImplemented

    def __repr__(self) -> str:
        fractions = ", ".join(f"{label}: {self.fraction(label):.4f}" for label in self.voxels)
        return (
            f"Description(phase={self.phase}, statistics={self.statistics}, fractions="
            f"{{{fractions}}}, shape={self.shape}, samples={self.samples}, lags=0..{self.max_lag})"
        )

    def to_dataframe(self) -> "pd.DataFrame":
        """Return one row for each function, axis and lag."""
        return _tables.to_dataframe(self.functions, self.numbers)

    def to_csv(self, path: str | os.PathLike[str]) -> Path:
        """Write a CSV file that `from_csv` reads back exactly."""
        return _tables.write_csv(path, self.functions, self._about(), self.numbers)

    def to_json(self, path: str | os.PathLike[str]) -> Path:
        """Write a JSON file that `from_json` reads back exactly."""
        return _tables.write_json(path, self.functions, self._about())

    def to_record(self) -> dict[str, Any]:
        """Return the description as a JSON-ready object."""
        summary = {"porosity": self.porosity, "specific_surface": self.specific_surface}
        return _tables.as_record(self.functions, {**self._about(), **summary})

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """Return the description that `to_record` made an object of."""
        return cls._restored(*_tables.from_record(dict(record), "record"), path="record")

    @classmethod
    def from_csv(cls, path: str | os.PathLike[str]) -> Self:
        """Read a description that `to_csv` wrote."""
        return cls._restored(*_tables.read_csv(path), path=path)

    @classmethod
    def from_json(cls, path: str | os.PathLike[str]) -> Self:
        """Read a description that `to_json` wrote."""
        return cls._restored(*_tables.read_json(path), path=path)

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw S2, L and C2, as far as measured, with their spread between samples as bands."""
        from microtwin.statistics._plots import plot_description

        return plot_description(self, ax)

    def plot_all(self, figure: "Figure | None" = None) -> "Figure":
        """Draw every curve measured, a panel for each statistic; return the figure."""
        from microtwin.statistics._plots import plot_panels

        return plot_panels(self, figure)

    def _about(self) -> dict[str, Any]:
        return {
            "phase": self.phase,
            "shape": list(self.shape),
            "voxels": {str(label): count for label, count in self.voxels.items()},
            "porosities": self.porosities.tolist(),
            "interfaces": {str(p): pairs.tolist() for p, pairs in self.interfaces.items()},
            "numbers": [one.to_record() for one in self.numbers],
        }

    @classmethod
    def _restored(
        cls, functions: list[dict[str, Any]], about: dict[str, Any], *, path: str | os.PathLike[str]
    ) -> Self:
        try:
            return cls(
                phase=about["phase"],
                functions=tuple(CorrelationFunction(**f) for f in functions),
                voxels={int(label): count for label, count in about["voxels"].items()},
                porosities=np.asarray(about["porosities"], dtype=np.float64),
                interfaces={
                    int(p): np.asarray(pairs, dtype=np.int64)
                    for p, pairs in about["interfaces"].items()
                },
                shape=tuple(about["shape"]),
                numbers=tuple(NUMBERS[one["statistic"]].restore(one) for one in about["numbers"]),
            )
        except KeyError as error:
            raise InputError(
                f"{path} holds functions but no description: {error} is missing"
            ) from error
        except OF_DAMAGE as error:
            raise InputError(f"{path} is damaged: {error}") from error
