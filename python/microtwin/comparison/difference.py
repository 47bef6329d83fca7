"""How far one curve lies from another, as numbers."""

from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from microtwin.statistics import CorrelationFunction, Description

# Samples of a normal distribution lie within this many standard deviations of its mean in 95 of
# 100 cases.
BAND = 1.96

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Difference:
    """How far the mean curve of a method lies from the mean curve of the reference.

    Over the lags from 0 to the largest that both were measured at.

    Attributes
    ----------
    statistic : str
        Name of the curve, "two_point" for instance.
    phase : int
        Label of the phase.
    rms, largest : float
        Root-mean-square and largest absolute difference over all lags, in probability units.
    rms_in_spreads : float or None
        `rms` over the root-mean-square of the standard deviation between reference samples: one
        means as far from the reference as its own samples typically are. None where the reference
        is a single sample or its samples do not differ.
    largest_in_spreads : float or None
        `largest` over the standard deviation between reference samples at that lag.
    rms_in_errors : float or None
        `rms` over the standard error of the difference between the means of so many real samples,
        taken as independent: about one is what chance explains, several is a real difference.
    inside : float or None
        Fraction of lags at which the curve lies in the 95 % band of the reference, which is its
        mean ± 1.96 standard deviations between samples. None for a single reference sample.
    asked : bool
        Whether the structures were made to have this curve, as twins those of their target.
    """

    statistic: str
    phase: int
    rms: float
    largest: float
    rms_in_spreads: float | None
    largest_in_spreads: float | None
    rms_in_errors: float | None
    inside: float | None
    asked: bool = False

    def to_record(self) -> dict[str, Any]:
        """Return the difference as a JSON-ready object."""
        return asdict(self)

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> Self:
        """Return the difference that `to_record` wrote."""
        return cls(**record)


def differences(
    method: Description,
    reference: Description,
    *,
    samples: int,
    asked: Collection[tuple[str, int]] = (),
) -> tuple[Difference, ...]:
    """Return one difference for each function of the reference, in its order.

    `samples` is how many samples the method's mean stands for: its own, or for annealed twins those
    that their target was measured of; `asked` names the statistics and phases that it was made for.
    """
    return tuple(
        _difference(method.counterpart(f), f, samples, (f.statistic, f.phase) in asked)
        for f in reference.functions
    )


def band(reference: CorrelationFunction) -> tuple[Floats, Floats] | None:
    """Return the lower and upper edge of the reference's 95 % band, or None for one sample."""
    spread = reference.spread
    if spread is None:
        return None
    return reference.mean - BAND * spread, reference.mean + BAND * spread


def inside_band(curve: Floats, reference: CorrelationFunction) -> npt.NDArray[np.bool_] | None:
    """Tell for each lag of `curve` whether it lies in the 95 % band of the reference."""
    edges = band(reference)
    if edges is None:
        return None
    low, high = (edge[: len(curve)] for edge in edges)
    slack = 1e-12  # where reference samples do not differ, rounding must not decide
    return (curve >= low - slack) & (curve <= high + slack)


def _difference(
    method: CorrelationFunction, reference: CorrelationFunction, samples: int, asked: bool
) -> Difference:
    # Were the method's samples real ones, they would vary as the reference's do.
    error_of_means = np.sqrt(1 / reference.samples + 1 / samples)
    curve = method.mean[: len(reference.mean)]
    gap = np.abs(curve - reference.mean[: len(curve)])
    known = np.isfinite(gap)
    gap = np.where(known, gap, 0.0)
    worst = int(gap.argmax())
    rms = _rms(gap[known])
    spread = None if reference.spread is None else reference.spread[: len(curve)]
    # Sizes that hardly any sample has may have no spread.
    unit = 0.0 if spread is None else _rms(spread[known & np.isfinite(spread)])
    inside = inside_band(curve, reference)
    return Difference(
        statistic=reference.statistic,
        phase=reference.phase,
        rms=rms,
        largest=float(gap[worst]),
        rms_in_spreads=None if spread is None else _ratio(rms, unit),
        largest_in_spreads=None if spread is None else _ratio(gap[worst], spread[worst]),
        rms_in_errors=None if spread is None else _ratio(rms, unit * error_of_means),
        inside=None if inside is None else float(inside[known].mean()),
        asked=asked,
    )


def _rms(values: Floats) -> float:
    return float(np.sqrt(np.square(values).mean()))


def _ratio(value: float, unit: float) -> float | None:
    return float(value / unit) if unit > 0 else None
