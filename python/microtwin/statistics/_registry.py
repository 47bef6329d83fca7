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
class NumbersKind:
    """How numbers are measured, and read back from a record."""

    measure: Callable[..., Numbers]
    restore: Callable[[Mapping[str, Any]], Numbers]


CURVES: dict[str, Callable[..., CorrelationFunction]] = {
    "two_point": two_point,
    "lineal_path": lineal_path,
    "chord_length": chord_length,
    "cluster": cluster_function,
    "surface_void": surface_void,
    "surface_surface": surface_surface,
    "pore_size": pore_size,
    "local_thickness": local_thickness,
}
DIRECTED = {
    "two_point": Directed(radial=True, on_device=True),
    "lineal_path": Directed(on_device=True),
    "chord_length": Directed(on_device=True),
    "cluster": Directed(),
    "surface_void": Directed(radial=True, of_axes=False),
    "surface_surface": Directed(radial=True, of_axes=False),
}
NUMBERS = {
    "minkowski": NumbersKind(minkowski, Minkowski.from_record),
    "connectivity": NumbersKind(connectivity, Connectivity.from_record),
}
STATISTICS = (*CURVES, *NUMBERS)
OF_INTERFACE = ("surface_void", "surface_surface")  # share the work of finding it
OF_CUBES = (*OF_INTERFACE, "pore_size", "local_thickness")  # need the same spacing along all axes
