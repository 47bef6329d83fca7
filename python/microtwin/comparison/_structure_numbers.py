"""What is measured of every structure by itself, so that means have errors."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from microtwin.comparison._conducting import Conducting
from microtwin.statistics import Description, connectivity, describe, minkowski

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]

# By the names that `Minkowski.numbers` and `Connectivity.numbers` have for them.
SCALARS = {
    "volume_fraction": "volume fraction",
    "area_fraction": "area fraction",
    "specific_surface": "specific surface",
    "perimeter_density": "perimeter",
    "mean_breadth_density": "mean breadth",
    "euler_density": "Euler number",
    "largest_fraction": "largest cluster",
    "percolating_z": "percolating along z",
    "percolating_y": "percolating along y",
    "percolating_x": "percolating along x",
}


@dataclass(frozen=True, slots=True, eq=False)
class StructureNumbers:
    """Numbers and curves of the structures of a member, one by one.

    Attributes
    ----------
    scalars : dict of str to ndarray of float64, shape (samples,)
        Volume fraction, Minkowski functionals, what hangs together, what is conducted.
    curves : dict of (str, int) to ndarray of float64, shape (samples, lags)
        Mean over the axes of each statistic of each phase.
    """

    scalars: dict[str, Floats]
    curves: dict[tuple[str, int], Floats]

    @classmethod
    def of(
        cls,
        structures: Sequence[Array],
        like: Description,
        *,
        conducting: Conducting | None,
        threads: int | None,
        device: str,
    ) -> Self:
        """Measure every structure as `like` was measured."""
        each = [
            describe(
                labels,
                phase=like.phases,
                statistics=tuple(dict.fromkeys(f.statistic for f in like.functions)),
                max_lag=like.max_lag,
                periodic=like.periodic,
                threads=threads,
                device=device,
                remember=False,
            )
            for labels in structures
        ]
        curves = {
            (f.statistic, f.phase): np.array([one.counterpart(f).mean for one in each])
            for f in like.functions
        }
        rows = [_scalars(labels, like.phase, like.periodic, threads) for labels in structures]
        scalars = {name: np.array([row[name] for row in rows]) for name in rows[0]}
        if conducting is not None:
            for i, axis in enumerate(conducting.axes):
                scalars[f"conductivity along {axis}"] = conducting.relative[:, i]
        return cls(scalars=scalars, curves=curves)


def _scalars(labels: Array, phase: int, periodic: bool, threads: int | None) -> dict[str, float]:
    options: dict[str, Any] = {"phase": phase, "periodic": periodic, "threads": threads}
    found = {**minkowski(labels, **options).numbers, **connectivity(labels, **options).numbers}
    return {word: found[name] for name, word in SCALARS.items() if name in found}
