"""One number, and its reasons, for how far two structures are from each other."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from microtwin import _validate
from microtwin.errors import InputError
from microtwin.statistics.chords import chord_density
from microtwin.statistics.description import Description
from microtwin.statistics.function import CorrelationFunction

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]

SCALES = ("natural", "spread")


@dataclass(frozen=True, slots=True)
class Distance:
    """How far two descriptions are from each other, term by term.

    Attributes
    ----------
    terms : mapping of str to float
        Each difference in units of its scale, by its name: "two_point/1/axes" is the two-point
        probability of phase 1 along the axes, "porosity/1" and "minkowski/1/euler" are numbers.
    weights : mapping of str to float
        The weight of each term.
    scale : {"natural", "spread"}
        What the terms are measured in; see `distance`.
    missing : tuple of str
        What only one of the two has, or has no value or scale for, and is not compared.
    """

    terms: Mapping[str, float]
    weights: Mapping[str, float]
    scale: str
    missing: tuple[str, ...] = ()

    @property
    def total(self) -> float:
        """Weighted mean of the terms."""
        weight = sum(self.weights.values())
        return sum(self.weights[name] * term for name, term in self.terms.items()) / weight

    @property
    def rms(self) -> float:
        """Weighted root-mean-square of the terms: a single large one shows more than in `total`."""
        weight = sum(self.weights.values())
        squares = sum(self.weights[name] * term**2 for name, term in self.terms.items())
        return float(np.sqrt(squares / weight))

    def to_dataframe(self) -> "pd.DataFrame":
        """Return one row for each term, the largest part of the total first."""
        import pandas as pd

        weight = sum(self.weights.values())
        rows = [
            (name, term, self.weights[name], self.weights[name] * term / weight)
            for name, term in self.terms.items()
        ]
        frame = pd.DataFrame(rows, columns=["term", "difference", "weight", "part"])
        return frame.sort_values("part", ascending=False, ignore_index=True)

    def to_record(self) -> dict[str, Any]:
        """Return the distance as a JSON-ready object."""
        return {**asdict(self), "missing": list(self.missing), "total": self.total}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """Return the distance that `to_record` made an object of."""
        return cls(
            terms=dict(record["terms"]),
            weights=dict(record["weights"]),
            scale=record["scale"],
            missing=tuple(record["missing"]),
        )


def distance(
    a: Description,
    b: Description,
    *,
    weights: Mapping[str, float] | None = None,
    scale: str = "natural",
    reference: Description | None = None,
) -> Distance:
    """Compare all that two descriptions have in common.

    A function contributes the root-mean-square difference of its mean curves over the lags that
    both have, a number its absolute difference; each is divided by a scale.

    Parameters
    ----------
    a, b : Description
        Of structures with voxels of one size. Nothing else need agree: not the shape, the number of
        samples, nor for most terms whether they are images or volumes.
    weights : mapping of str to float, optional
        Weight of terms by their name ("two_point/1/axes"), or of all terms whose name begins so
        ("two_point", "two_point/1"); the longest that fits holds. All others weigh 1; 0 leaves a
        term out.
    scale : {"natural", "spread"}
        "natural": what the quantity itself is like, so that 1 is as different as can reasonably be.
        For fractions, two-point probabilities and profiles φ (1 - φ), the drop of S2 from the
        origin to infinity; for lineal paths and clusters φ, their drop to 0; for cumulative
        distributions 1 (chords are compared by theirs); for others, and for numbers, the
        root-mean-square of the values of both. "spread": the standard deviation between the samples
        of the reference (of a curve, its root-mean-square over the lags), so that 1 is as far as
        samples of one material lie from their mean.
    reference : Description, optional
        Which description the scale is taken of: by default of both, on average, where it is
        natural, and of `b` where it is a spread.

    Returns
    -------
    Distance

    Raises
    ------
    InputError
        If the two have nothing in common, voxels of different size, or the reference no spread or
        not what is to be compared.

    Notes
    -----
    In natural units of both the distance is symmetric and zero for equal descriptions, but the
    scale moves with the pair, so that the way round by a third may be a little shorter. With a
    fixed `reference` it is symmetric and a straight way is never longer: a pseudometric, because
    different structures can have the same statistics. In spreads of `b` it is not symmetric.

    Examples
    --------
    >>> import numpy as np
    >>> board = np.indices((8, 8)).sum(axis=0) % 2
    >>> stripes = np.tile([0, 1], (8, 4))
    >>> from microtwin.statistics import describe
    >>> d = distance(*(describe(x, phase=1, periodic=True, max_lag=1) for x in (board, stripes)))
    >>> {name: round(term, 3) for name, term in d.terms.items() if term}
    {'two_point/1/axes': 0.707, 'lineal_path/1/axes': 0.354, 'specific_surface/1': 0.632}
    """
    _validate.choice(scale, SCALES, name="scale")
    for name, one in (("a", a), ("b", b), ("reference", reference)):
        if not isinstance(one, Description) and not (name == "reference" and one is None):
            raise InputError(f"{name} must be a Description, not {type(one).__name__}")
    if a.spacing != b.spacing and len(set(a.spacing or (1,)) | set(b.spacing or (1,))) > 1:
        raise InputError(f"a and b must have voxels of one size: {a.spacing} and {b.spacing}")
    if scale == "spread" and (b if reference is None else reference).samples < 2:
        raise InputError("a spread needs a reference of two samples or more, not of one")
    mine, theirs = _quantities(a, scale), _quantities(b, scale)
    fixed = None if reference is None else _quantities(reference, scale)
    terms = {}
    for name in (name for name in mine if name in theirs):
        if fixed is None:
            # Of both where that is symmetric; a spread is that of the reference.
            units = (mine[name], theirs[name]) if scale == "natural" else (theirs[name],)
        elif name in fixed:
            units = (fixed[name],)
        else:
            continue
        term = _term(name, mine[name], theirs[name], units, scale)
        if term is not None:
            terms[name] = term
    if not terms:
        raise InputError(
            f"a and b must have something in common to compare: one has {', '.join(mine)}; the "
            f"other {', '.join(theirs)}"
        )
    missing = tuple(name for name in {**mine, **theirs} if name not in terms)
    return Distance(terms, _weights(weights, terms), scale, missing)


@dataclass(frozen=True, slots=True)
class _Quantity:
    """A curve, or a number as a curve of one point.

    Attributes
    ----------
    curve : ndarray of float64, shape (n,)
    spread : ndarray of float64, shape (n,), or None
        Between samples.
    unit : callable
        Takes quantities and the points to look at, and returns their natural scale.
    step : float
        Voxels between the points.
    fraction : float
        Volume fraction of the phase.
    """

    curve: Floats
    spread: Floats | None
    unit: Callable[[Sequence["_Quantity"], npt.NDArray[np.bool_]], float]
    fraction: float
    step: float = 1.0


def _variance(those: Sequence[_Quantity], _: npt.NDArray[np.bool_]) -> float:
    fraction = float(np.mean([one.fraction for one in those]))
    return fraction * (1 - fraction)


def _fraction(those: Sequence[_Quantity], _: npt.NDArray[np.bool_]) -> float:
    return float(np.mean([one.fraction for one in those]))


def _one(those: Sequence[_Quantity], _: npt.NDArray[np.bool_]) -> float:
    return 1.0


def _size(those: Sequence[_Quantity], known: npt.NDArray[np.bool_]) -> float:
    curves = [one.curve[: len(known)][known[: len(one.curve)]] for one in those]
    return float(np.sqrt(np.mean([np.nanmean(curve**2) for curve in curves])))


_UNITS = {
    "two_point": _variance,
    "profile": _variance,
    "lineal_path": _fraction,
    "cluster": _fraction,
    "chord_length": _one,
    "pore_size": _one,
    "local_thickness": _one,
}


def _quantities(description: Description, scale: str) -> dict[str, _Quantity]:
    """Return all that can be compared, by its name."""
    found = {}
    for f in description.functions:
        name = f"{f.statistic}/{f.phase}/{f.directions}"
        whole_chords = f.statistic == "chord_length" and scale == "natural"
        found[name] = _Quantity(
            curve=_shorter(f) if whole_chords else f.mean,
            spread=f.spread,
            unit=_UNITS.get(f.statistic, _size),
            fraction=description.fraction(f.phase),
            step=f.step,
        )
    for phase in description.phases:
        fraction = description.fraction(phase)
        found[f"porosity/{phase}"] = _number(
            fraction, description.fraction_spread(phase), _variance, fraction
        )
        surface = description.of(phase).specific_surface
        found[f"specific_surface/{phase}"] = _number(surface, None, _size, fraction)
    for one in description.numbers:
        for key, value in one.numbers.items():
            spread = None if one.spread is None else one.spread[key]
            # The functionals of images and those of volumes bear the same names, not more.
            name = f"{one.statistic}/{one.phase}/{key}"
            found[name if description.ndim == 3 else f"{name}/2-D"] = _number(
                value, spread, _size, description.fraction(one.phase)
            )
    return found


def _number(
    value: float,
    spread: float | None,
    unit: Callable[[Sequence[_Quantity], npt.NDArray[np.bool_]], float],
    fraction: float,
) -> _Quantity:
    between = None if spread is None else np.array([spread], dtype=np.float64)
    return _Quantity(np.array([value], dtype=np.float64), between, unit, fraction)


def _shorter(chords: CorrelationFunction) -> Floats:
    """Return the fraction of chords of at most each length, over the directions that have any."""
    density = chord_density(chords) * chords.step
    seen = density[np.isfinite(density).all(axis=1)]
    return np.cumsum(seen.mean(axis=0)) if len(seen) else np.full(chords.max_lag + 1, np.nan)


def _term(
    name: str, a: _Quantity, b: _Quantity, units: Sequence[_Quantity], scale: str
) -> float | None:
    """Return the difference in its unit; None where the two have no point in common."""
    if a.step != b.step:
        return None
    n = min(len(a.curve), len(b.curve), *(len(one.curve) for one in units))
    known = np.isfinite(a.curve[:n]) & np.isfinite(b.curve[:n])
    if not known.any():
        return None
    gap = float(np.sqrt(np.mean((a.curve[:n] - b.curve[:n])[known] ** 2)))
    if scale == "natural":
        unit = units[0].unit(units, known)
    else:
        spread = units[0].spread
        if spread is None:
            return None
        unit = float(np.sqrt(np.nanmean(spread[:n][known] ** 2)))
    if gap == 0:
        return 0.0
    if not unit > 0:
        raise InputError(
            f"reference must have a scale for {name}: its {scale} one is {unit:g}, but the "
            f"difference is {gap:g}"
        )
    return gap / unit


def _weights(given: Mapping[str, float] | None, terms: Mapping[str, float]) -> dict[str, float]:
    wanted = {
        key: _validate.real(value, name=f"weight of {key}", minimum=0.0)
        for key, value in (given or {}).items()
    }
    unknown = [key for key in wanted if not any(_names(key, name) for name in terms)]
    if unknown:
        raise InputError(f"weights must be of terms ({', '.join(terms)}), not of {unknown[0]}")
    weights = {}
    for name in terms:
        fitting = [key for key in wanted if _names(key, name)]
        weights[name] = wanted[max(fitting, key=len)] if fitting else 1.0
    if not sum(weights.values()) > 0:
        raise InputError("weights must leave at least one term")
    return weights


def _names(key: str, name: str) -> bool:
    return name == key or name.startswith(f"{key}/")
