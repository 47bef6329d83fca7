from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

_Labels = npt.NDArray[np.uint8]
_Counts = npt.NDArray[np.int64]

def device_count() -> int: ...
def two_point(
    labels: _Labels, phase: int, axes: Sequence[int], max_lag: int, periodic: bool, threads: int
) -> tuple[_Counts, _Counts]: ...
def lineal_path(
    labels: _Labels, phase: int, axes: Sequence[int], max_lag: int, periodic: bool, threads: int
) -> tuple[_Counts, _Counts]: ...
