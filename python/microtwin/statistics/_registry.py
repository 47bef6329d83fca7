"""Every statistic that a description can hold, and how it is measured."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, Self

from microtwin.statistics.chords import chord_length
from microtwin.statistics.clusters import cluster_function
from microtwin.statistics.connectivity import Connectivity, connectivity
from microtwin.statistics.correlation import lineal_path, two_point
from microtwin.statistics.function import CorrelationFunction
from microtwin.statistics.minkowski import Minkowski, minkowski
from microtwin.statistics.pore_size import pore_size
from microtwin.statistics.surface_functions import surface_surface, surface_void
from microtwin.statistics.thickness import local_thickness


class Numbers(Protocol):
    """Named numbers of a structure that are derived from counts, and merge by addition."""

    @property
    def statistic(self) -> str:
        """What was measured: "minkowski" or "connectivity"."""

    @property
    def phase(self) -> int:
        """Label of the phase."""

    @property
    def samples(self) -> int:
        """How many structures were measured."""

    @property
    def numbers(self) -> dict[str, float]:
        """Each number by its name, from the merged counts."""

    @property
    def spread(self) -> dict[str, float] | None:
        """Standard deviation of each number between samples; None for one sample."""

    def __add__(self, other: Self) -> Self: ...

    def to_record(self) -> dict[str, Any]:
        """Return a JSON-ready object."""


@dataclass(frozen=True, slots=True)
class Directed:
    """What a curve along directions can be asked for."""

    radial: bool = False
    on_device: bool = False
    of_axes: bool = True

    def options(self, device: str, axes: Any, family: str) -> dict[str, Any]:
        """Return the options that only some of the functions take."""
        where = {"device": device} if self.on_device else {}
        return where | ({"axes": axes} if self.of_axes and family == "axes" else {})


@dataclass(frozen=True, slots=True)
class Sized:
    """A distribution of sizes, which knows no direction.

    Attributes
    ----------
    part : int
        It is measured up to the shortest side of the structure over this.
    """

    part: int


@dataclass(frozen=True, slots=True)
class CurveKind:
    """How a curve is measured.

    Attributes
    ----------
    measure : callable
        The public function.
    along : Directed or Sized
        What its abscissa is.
    of_cubes : bool
        Whether it needs the same spacing along all axes.
    of_interface : bool
        Whether it shares the work of finding the interface with others.
    peak : float
        Measured peak of memory in bytes a voxel, rounded down.
    """

    measure: Callable[..., CorrelationFunction]
    along: Directed | Sized
    of_cubes: bool = False
    of_interface: bool = False
    peak: float = 1.0


@dataclass(frozen=True, slots=True)
class NumbersKind:
    """How numbers are measured, and read back from a record; `peak` as in `CurveKind`."""

    measure: Callable[..., Numbers]
    restore: Callable[[Mapping[str, Any]], Numbers]
    peak: float = 1.0


def _of_interface(measure: Callable[..., CorrelationFunction]) -> CurveKind:
    along = Directed(radial=True, of_axes=False)
    return CurveKind(measure, along, of_cubes=True, of_interface=True, peak=60.0)


CURVES = {
    "two_point": CurveKind(two_point, Directed(radial=True, on_device=True)),
    "lineal_path": CurveKind(lineal_path, Directed(on_device=True)),
    "chord_length": CurveKind(chord_length, Directed(on_device=True)),
    "cluster": CurveKind(cluster_function, Directed(), peak=4.5),
    "surface_void": _of_interface(surface_void),
    "surface_surface": _of_interface(surface_surface),
    "pore_size": CurveKind(pore_size, Sized(2), of_cubes=True, peak=5.0),
    "local_thickness": CurveKind(local_thickness, Sized(4), of_cubes=True, peak=12.0),
}
NUMBERS = {
    "minkowski": NumbersKind(minkowski, Minkowski.from_record, peak=1.5),
    "connectivity": NumbersKind(connectivity, Connectivity.from_record, peak=1.5),
}
STATISTICS = (*CURVES, *NUMBERS)
OF_INTERFACE = tuple(name for name, kind in CURVES.items() if kind.of_interface)
