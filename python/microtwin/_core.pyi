from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

_Labels = npt.NDArray[np.uint8]
_Counts = npt.NDArray[np.int64]
# Statistic, phase, step, origin (or none), values and weights at lag 1, 2, ...
_Target = tuple[str, int, Sequence[int], Sequence[int], Sequence[float], Sequence[float]]

_Steps = Sequence[Sequence[int]]

def two_point(
    labels: _Labels,
    window: _Labels | None,
    first: int,
    second: int,
    steps: _Steps,
    max_lag: int,
    periodic: bool,
    threads: int,
) -> tuple[_Counts, _Counts]: ...
def lineal_path(
    labels: _Labels,
    window: _Labels | None,
    phase: int,
    steps: _Steps,
    max_lag: int,
    periodic: bool,
    threads: int,
) -> tuple[_Counts, _Counts]: ...
def interfaces(
    labels: _Labels,
    window: _Labels | None,
    phase: int,
    steps: _Steps,
    periodic: bool,
    threads: int,
) -> tuple[_Counts, _Counts]: ...
def label_counts(labels: _Labels, window: _Labels | None, threads: int) -> _Counts: ...
def chord_lengths(
    labels: _Labels,
    window: _Labels | None,
    phase: int,
    steps: _Steps,
    max_lag: int,
    periodic: bool,
    threads: int,
) -> tuple[_Counts, _Counts]: ...
def clusters(
    labels: _Labels, phase: int, differ: int, periodic: bool, threads: int, image: bool = ...
) -> tuple[npt.NDArray[np.int32] | None, _Counts, npt.NDArray[np.bool_]]: ...
def cluster_pairs(
    clusters: npt.NDArray[np.int32], steps: _Steps, max_lag: int, periodic: bool, threads: int
) -> tuple[_Counts, _Counts]: ...
def squared_distances(
    labels: _Labels, phase: int, periodic: bool, threads: int, limit: int = ...
) -> npt.NDArray[np.int32]: ...
def pore_size(
    labels: _Labels,
    phase: int,
    squared: npt.NDArray[np.int32],
    to_unknown: npt.NDArray[np.int32] | None,
    faces: bool,
    steps: int,
    threads: int,
) -> tuple[_Counts, _Counts]: ...
def configurations(
    labels: _Labels, mask: _Labels | None, phase: int, periodic: bool, threads: int
) -> _Counts: ...
def count_target(labels: _Labels, target: _Target, periodic: bool) -> tuple[_Counts, _Counts]: ...
def solve_transport(
    labels: _Labels,
    conductivities: npt.NDArray[np.float64],
    axis: int,
    boundary: str,
    periodic_sides: bool,
    tol: float,
    max_iterations: int,
    precision: str,
    start: npt.NDArray[np.float32] | None,
    potential: bool,
    threads: int,
    progress: Callable[[int, float], None] | None = ...,
) -> dict[str, Any]: ...

class Annealer:
    def __init__(
        self,
        labels: _Labels,
        targets: Sequence[_Target],
        periodic: bool,
        seed: int,
        fixed: _Labels | None = ...,
    ) -> None: ...
    @property
    def energy(self) -> float: ...
    @property
    def error(self) -> float: ...
    @property
    def proposed(self) -> int: ...
    @property
    def accepted(self) -> int: ...
    def run(
        self,
        proposals: int,
        level: float,
        enough: float = ...,
        moves: str = ...,
        balanced: bool = ...,
        rule: str = ...,
    ) -> int: ...
    def energies(self) -> npt.NDArray[np.float64]: ...
    def sample_differences(self, count: int) -> npt.NDArray[np.float64]: ...
    def difference(self, a: int, b: int) -> float: ...
    def labels(self) -> _Labels: ...
    def hits(self, curve: int) -> _Counts: ...
    def snapshot(self) -> tuple[dict[int, npt.NDArray[np.uint32]], bool, list[int], int, int]: ...
    def restore(
        self,
        sites: Mapping[int, npt.NDArray[np.uint32]],
        sorted: bool,
        random: Sequence[int],
        proposed: int,
        accepted: int,
    ) -> None: ...

class BlockAnnealer:
    def __init__(
        self,
        labels: _Labels,
        targets: Sequence[_Target],
        periodic: bool,
        seed: int,
        threads: int,
        fixed: _Labels | None = ...,
    ) -> None: ...
    @property
    def energy(self) -> float: ...
    @property
    def error(self) -> float: ...
    @property
    def proposed(self) -> int: ...
    @property
    def accepted(self) -> int: ...
    @property
    def sweeps(self) -> int: ...
    def sweep(
        self,
        side: int = ...,
        proposals: float = ...,
        level: float = ...,
        enough: float = ...,
        moves: str = ...,
    ) -> int: ...
    def energies(self) -> npt.NDArray[np.float64]: ...
    def labels(self) -> _Labels: ...
    def hits(self, curve: int) -> _Counts: ...
    def restore(self, sweeps: int, proposed: int, accepted: int) -> None: ...

class TextbookAnnealer:
    def __init__(
        self,
        labels: _Labels,
        targets: Sequence[_Target],
        periodic: bool,
        seed: int,
        fixed: _Labels | None = ...,
    ) -> None: ...
    @property
    def energy(self) -> float: ...
    def run(self, proposals: int, temperature: float) -> int: ...
    def difference(self, a: int, b: int) -> float: ...
    def labels(self) -> _Labels: ...
