"""What compared structures conduct, sample by sample and axis by axis."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from microtwin.transport import effective_conductivity

Floats = npt.NDArray[np.float64]

TOL = 1e-3  # relative: far below what samples differ by
AXES = "zyx"


@dataclass(frozen=True, slots=True, eq=False)
class Conducting:
    """Effective conductivities of the structures of a member, over that of the best phase.

    Attributes
    ----------
    relative : ndarray of float64, shape (samples, axes)
        Along each axis; 0 where nothing percolates.
    """

    relative: Floats

    @classmethod
    def of(
        cls,
        structures: Sequence[npt.NDArray[Any]],
        conductivities: Mapping[int, float],
        *,
        threads: int | None,
        device: str,
    ) -> Self:
        """Solve for every structure along every axis."""
        return cls(
            np.array(
                [
                    [
                        effective_conductivity(
                            labels, conductivities, axis=axis, tol=TOL, threads=threads,
                            device=device,
                        ).relative
                        for axis in range(labels.ndim)
                    ]
                    for labels in structures
                ],
                dtype=np.float64,
            )
        )  # fmt: skip

    @property
    def axes(self) -> tuple[str, ...]:
        """Names of the axes, the slowest first."""
        return tuple(AXES[-self.relative.shape[1] :])

    @property
    def mean(self) -> Floats:
        """Mean over the samples, shape (axes,)."""
        return np.asarray(self.relative.mean(axis=0))

    @property
    def spread(self) -> Floats | None:
        """Standard deviation between samples, shape (axes,); None for one."""
        if len(self.relative) < 2:
            return None
        return np.asarray(self.relative.std(axis=0, ddof=1))

    @property
    def percolating(self) -> Floats:
        """Fraction of the samples that conduct at all, shape (axes,)."""
        return np.asarray((self.relative > 0).mean(axis=0))

    def errors_from(self, real: "Conducting") -> Floats | None:
        """Return how far the means are apart, in standard errors; None where these are unknown.

        By the spread of the real ones, for as many samples as there are of both (see
        `Difference.rms_in_errors`); NaN where the real ones do not differ. Axes of structures of
        another dimension are not compared.
        """
        if real.spread is None or self.relative.shape[1] != real.relative.shape[1]:
            return None
        error = real.spread * np.sqrt(1 / len(self.relative) + 1 / len(real.relative))
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(error > 0, np.abs(self.mean - real.mean) / error, np.nan)

    def to_record(self) -> dict[str, Any]:
        """Return the numbers as a JSON-ready object."""
        return {"relative": self.relative.tolist()}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """Return what `to_record` made an object of."""
        return cls(np.array(record["relative"], dtype=np.float64))
