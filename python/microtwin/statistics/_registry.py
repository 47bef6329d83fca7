"""Every statistic that a description can hold, and how it is measured."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, Self

from microtwin.statistics.chords import chord_length
from microtwin.statistics.clusters import cluster_function
from microtwin.statistics.connectivity import Connectivity, connectivity
from microtwin.statistics.correlation import lineal_path, two_point
from microtwin.statistics.function import CorrelationFunction


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
    to_max_lag: bool = True

    def options(self, device: str) -> dict[str, Any]:
        """Return the options that only some of the functions take."""
        return {"device": device} if self.on_device else {}


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
}
DIRECTED = {
    "two_point": Directed(radial=True, on_device=True),
    "lineal_path": Directed(on_device=True),
    "chord_length": Directed(on_device=True, to_max_lag=False),
    "cluster": Directed(),
}
NUMBERS = {
    "connectivity": NumbersKind(connectivity, Connectivity.from_record),
}
STATISTICS = (*CURVES, *NUMBERS)
