from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from microtwin._core import chord_lengths as chord_lengths
from microtwin._core import lineal_path as lineal_path
from microtwin._core import solve_transport as solve_transport
from microtwin._core import two_point as two_point

_Labels = npt.NDArray[np.uint8]
_Counts = npt.NDArray[np.int64]
# As _core.Annealer takes them: two_point and lineal_path along axes, at most 128 lags.
_Target = tuple[str, int, Sequence[int], Sequence[int], Sequence[float], Sequence[float]]

def device_count() -> int: ...

# Both return labels, hits (an array for each target) and how many exchanges were made, and go on
# from what they returned. Replica i draws from seed + i: seeds of successive calls should be at
# least as far apart as there are replicas.
def anneal_replicas(
    starts: _Labels,
    targets: Sequence[_Target],
    periodic: bool,
    seed: int,
    proposals: int,
    level: float,
    moves: str = ...,
    rule: str = ...,
) -> tuple[_Labels, list[_Counts], _Counts]: ...

# Blocks have sides of at least `block`, which is no less than any lag. The level is one of the
# energy of a block, whose target is a share of the error away.
def anneal_blocks(
    labels: _Labels,
    targets: Sequence[_Target],
    periodic: bool,
    seed: int,
    sweeps: int,
    proposals_per_sweep: int,
    level: float,
    block: int,
    moves: str = ...,
    rule: str = ...,
) -> tuple[_Labels, list[_Counts], int]: ...
