"""The ruler that structures are screened with: how far each is from the real ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import accumulate
from operator import add
from typing import Any

import numpy as np
import numpy.typing as npt

from microtwin import _validate
from microtwin._conformal import conformal_threshold, fewest, lowest
from microtwin.errors import InputError
from microtwin.images.windows import windows
from microtwin.statistics import Description, Distance, describe, distance
from microtwin.statistics.describing import phases_among
from microtwin.statistics.directions import FAMILIES, spacing_in

Labels = npt.NDArray[np.uint8]

WINDOWS = 200  # pieces of the real structures that are measured at most


@dataclass(frozen=True, slots=True)
class Ruler:
    """What structures are held against.

    Attributes
    ----------
    target : Description
        Of the real structures.
    scale : {"natural", "spread"}
        What terms are measured in, see `microtwin.distance`.
    own : ndarray of float64, shape (n,)
        Scores of the real structures themselves, each against the others; empty where there are
        fewer than three or they are known by a description only.
    windows : bool
        Whether the real structures were cut into pieces of the samples' size.
    options : mapping
        How structures are measured.
    weights : mapping of str to float or None
        Of the terms.
    """

    target: Description
    scale: str
    own: npt.NDArray[np.float64]
    windows: bool
    options: Mapping[str, Any]
    weights: Mapping[str, float] | None

    @classmethod
    def of(
        cls,
        reference: Any,
        *,
        like: tuple[int, ...],
        phase: int | Sequence[int] | None,
        max_lag: int | None,
        weights: Mapping[str, float] | None,
        **options: Any,
    ) -> "Ruler":
        """Make a ruler for structures of a shape."""
        if isinstance(reference, Description):
            options |= _as_measured(reference, phase, max_lag, like, options)
            scale = "spread" if reference.samples > 1 else "natural"
            return cls(reference, scale, np.empty(0), False, options, weights)
        real = real_structures(reference)
        pieces = _windows(real, like)
        windows = pieces is not real
        shortest = min(min(shape) for shape in [like, *(piece.shape for piece in pieces)])
        options |= {
            "spacing": spacing_in(getattr(real[0], "spacing", None), len(like)),
            "max_lag": shortest // 2 if max_lag is None else max_lag,
            "remember": False,
        }
        present = sorted({int(label) for piece in pieces for label in np.unique(piece)})
        options["phase"] = phases_among(phase, present)
        measured = options | {"spacing": getattr(real[0], "spacing", None)}
        whole = [piece for piece in pieces if _has(piece, options["phase"])]
        if len(whole) < 3:  # too few to hold each against the others
            few, scale = (whole, "spread") if len(whole) == 2 else (pieces, "natural")
            target = describe(few, **measured)
            return cls(target, scale, np.empty(0), windows, options, weights)
        parts = [describe(piece, **measured) for piece in whole]
        own = _each_against_the_others(parts, weights)
        return cls(reduce(add, parts), "spread", own, windows, options, weights)

    def tolerance(self, accept: float) -> tuple[float, float] | None:
        """Return a score that a further real structure stays below so often, and how often.

        None where too little is known of the real ones. Of few the rate may be lower.
        """
        if len(self.own) == 0:
            return None
        alarms = 1 - accept
        if len(self.own) < fewest(alarms):
            alarms = lowest(len(self.own))
        return conformal_threshold(self.own, false_alarms=alarms), 1 - alarms

    def judge(self, labels: Labels) -> Distance | None:
        """Tell how far a structure is from the real ones; None if it lacks a phase of theirs."""
        if not _has(labels, self.options["phase"]) or labels.min() == labels.max():
            return None
        # By the voxel edge of the real ones, whatever a file says of its own.
        measured = describe(np.asarray(labels), **self.options)
        return distance(
            measured, self.target, weights=self.weights, scale=self.scale, reference=self.target
        )


def _has(labels: Labels, phases: Sequence[int]) -> bool:
    return all(bool((labels == phase).any()) for phase in phases)


def real_structures(reference: Any) -> list[Labels]:
    """Return the real structures: one, or a list of them."""
    if hasattr(reference, "labels"):
        reference = reference.labels
    several = isinstance(reference, list | tuple) and reference and np.ndim(reference[0]) > 1
    items = list(reference) if several else [reference]
    real = [_validate.labels(item, name="reference") for item in items]
    if any(one.ndim != real[0].ndim for one in real):
        raise InputError("reference must be all images or all volumes, not a mixture")
    return real


def _windows(real: list[Labels], like: tuple[int, ...]) -> list[Labels]:
    """Cut larger real structures into pieces of a shape, since the spread depends on the size."""
    if real[0].ndim != len(like) or all(one.shape == like for one in real):
        return real
    if any(side < wanted for one in real for side, wanted in zip(one.shape, like, strict=True)):
        return real
    pieces = [piece for one in real for piece in windows(one, like, centred=True)]
    pieces = [piece for piece in pieces if piece.min() < piece.max()]
    if not pieces:
        return real
    chosen = np.unique(np.linspace(0, len(pieces) - 1, min(WINDOWS, len(pieces))).round())
    return [pieces[int(i)] for i in chosen]


def _each_against_the_others(
    parts: Sequence[Description], weights: Mapping[str, float] | None
) -> npt.NDArray[np.float64]:
    before = list(accumulate(parts, add))
    after = list(accumulate(reversed(parts), add))[::-1]
    scores = []
    for i, one in enumerate(parts):
        around = ([before[i - 1]] if i else []) + after[i + 1 : i + 2]
        others = reduce(add, around)
        scores.append(distance(one, others, weights=weights, scale="spread").rms)
    return np.asarray(scores)


def _as_measured(
    reference: Description,
    phase: int | Sequence[int] | None,
    max_lag: int | None,
    like: tuple[int, ...],
    asked: Mapping[str, Any],
) -> dict[str, Any]:
    """Return how to measure what a description is a description of."""
    families = dict.fromkeys(f.directions for f in reference.functions if f.directions in FAMILIES)
    known = {"phase": (reference.phases, reference.phase), "max_lag": (reference.max_lag,)}
    for name, value in {"phase": phase, "max_lag": max_lag}.items():
        if value is not None and value not in known[name]:
            raise InputError(
                f"{name} must be that of the reference's description, {known[name][0]}, not {value}"
            )
    names = reference.statistics if "all" in asked["statistics"] else asked["statistics"]
    lacking = [name for name in names if name not in reference.statistics]
    if lacking:
        raise InputError(
            f"reference must hold {', '.join(lacking)}; it has {', '.join(reference.statistics)}"
        )
    return {
        "statistics": names,
        "phase": reference.phases,
        "max_lag": min(reference.max_lag, min(like) // 2),
        "directions": tuple(families),
        "periodic": reference.periodic,
        "spacing": spacing_in(reference.spacing, len(like)),
        "remember": False,
    }
