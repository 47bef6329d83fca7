"""Which method comes nearest to the real structures, quantity by quantity, and which ones tie."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from microtwin.comparison._structure_numbers import StructureNumbers

Floats = npt.NDArray[np.float64]

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Place:
    """How far one method's mean lies from that of the real structures.

    Attributes
    ----------
    name : str
        Of the method.
    distance : float
        Between the means, over the standard deviation between single real structures; of curves
        root mean squares over the lags. NaN where real structures do not differ but these do.
    low, high : float
        95 % interval of it, by resampling structures of both.
    asked : bool
        Whether its structures were made, chosen or trained by this quantity.
    tied : bool
        Whether nothing tells it from the nearest: the interval of the difference of their distances
        holds zero.
    """

    name: str
    distance: float
    low: float
    high: float
    asked: bool
    tied: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One quantity, and how far every method is from reality in it.

    Attributes
    ----------
    quantity : str
        A statistic, or the name of a number.
    phase : int
        Label of the phase.
    places : tuple of Place
        In the order of the methods.
    """

    quantity: str
    phase: int
    places: tuple[Place, ...]

    @property
    def nearest(self) -> tuple[str, ...]:
        """The methods that are nearest; more than one if they tie."""
        return tuple(place.name for place in self.places if place.tied)

    @property
    def within(self) -> tuple[str, ...]:
        """The methods that are certainly nearer than single real structures are to their mean."""
        return tuple(place.name for place in self.places if place.high < 1)

    def verdict(self, blind: bool = False) -> str:
        """Say who is nearest; with `blind` among those that were not made by this quantity."""
        names = [p.name for p in self.places if p.tied and not (blind and p.asked)]
        if not names:
            return "the nearest was made by it" if blind else "no difference is known"
        if len(names) == len(self.places):
            return "all tie"
        return names[0] if len(names) == 1 else "tie: " + ", ".join(names)

    def to_record(self) -> dict[str, Any]:
        """Return the row as a JSON-ready object."""
        return {
            "quantity": self.quantity,
            "phase": self.phase,
            "places": [
                {
                    name: None if isinstance(value, float) and not np.isfinite(value) else value
                    for name, value in (
                        (key, getattr(place, key)) for key in Place.__dataclass_fields__
                    )
                }
                for place in self.places
            ],
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """Return the row that `to_record` wrote."""
        places = []
        for place in record["places"]:
            values: dict[str, Any] = {k: np.nan if v is None else v for k, v in place.items()}
            places.append(Place(**values))
        return cls(record["quantity"], record["phase"], tuple(places))


def rank(
    real: StructureNumbers,
    methods: Mapping[str, StructureNumbers],
    *,
    asked: Mapping[str, Collection[tuple[str, int]]],
    phase: int,
    resamples: int,
    seed: int = 0,
) -> tuple[Row, ...]:
    """Return a row for each curve and number.

    Parameters
    ----------
    real : StructureNumbers
        Of the reference; two structures or more.
    methods : mapping of str to StructureNumbers
        By name.
    asked : mapping of str to collection of (str, int)
        Which curves (statistic, phase) structures were made by.
    phase : int
        Of the numbers.
    resamples : int
        Bootstrap samples. The real ones are the same for all methods, so that differences between
        methods are not blurred by them.
    seed : int
        Of the bootstrap.
    """
    rng = np.random.default_rng(seed)

    def draws(values: StructureNumbers) -> npt.NDArray[np.int64]:
        count = len(next(iter(values.curves.values())))
        return rng.integers(0, count, (resamples, count))

    of_real, of_each = draws(real), {name: draws(values) for name, values in methods.items()}
    rows = []
    for key, curve in real.curves.items():
        made = {name: values.curves[key] for name, values in methods.items()}
        by = {name for name in methods if key in asked.get(name, ())}
        rows.append(_row(*key, curve, made, by, of_real, of_each))
    for name, numbers in real.scalars.items():
        made = {m: v.scalars[name][:, None] for m, v in methods.items() if name in v.scalars}
        if len(made) == len(methods):
            # Exchanges of voxels keep the fractions of the phases.
            fraction = name in ("volume fraction", "area fraction")
            by = {m for m in methods if fraction and asked.get(m)}
            rows.append(_row(name, phase, numbers[:, None], made, by, of_real, of_each))
    return tuple(rows)


def _row(
    quantity: str,
    phase: int,
    real: Floats,
    made: Mapping[str, Floats],
    asked: Collection[str],
    of_real: npt.NDArray[np.int64],
    of_each: Mapping[str, npt.NDArray[np.int64]],
) -> Row:
    lags = min([real.shape[1], *(values.shape[1] for values in made.values())])
    real = real[:, :lags]
    every = np.concatenate([real, *(values[:, :lags] for values in made.values())])
    known = np.isfinite(every).all(axis=0)  # no chord, no pore: nothing to compare
    real = real[:, known]
    unit = float(np.sqrt(real.var(axis=0, ddof=1).mean())) if known.any() else 0.0
    if unit <= 1e-12 * max(float(np.abs(real).max(initial=0)), 1e-300):
        unit = 0.0  # real structures do not differ
    means = real[of_real].mean(axis=1)

    def distance(of: Floats, to: Floats) -> Floats:
        rms = np.asarray(np.sqrt(np.square(of - to).mean(axis=-1)))
        if unit == 0:
            return np.where(rms <= 1e-12, 0.0, np.nan)
        return rms / unit

    found, resampled = {}, {}
    for name, values in made.items():
        own = values[:, :lags][:, known]
        found[name] = float(distance(own.mean(axis=0), real.mean(axis=0)))
        resampled[name] = distance(own[of_each[name]].mean(axis=1), means)
    nearest = min(found, key=lambda name: found[name] if np.isfinite(found[name]) else np.inf)
    tail = 100 * (1 - CONFIDENCE) / 2
    places = []
    for name, value in found.items():
        low, high = np.percentile(resampled[name], (tail, 100 - tail))
        more = np.percentile(resampled[name] - resampled[nearest], tail)
        places.append(Place(name, value, float(low), float(high), name in asked, bool(more <= 0)))
    return Row(quantity, phase, tuple(places))
