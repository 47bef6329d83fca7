"""What is screened, one structure after the other, whatever form it comes in."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from microtwin import _validate
from microtwin.errors import InputError


@dataclass(frozen=True, slots=True)
class Candidate:
    """Labels of one structure, and its grey levels where they are known."""

    labels: npt.NDArray[np.uint8]
    image: npt.NDArray[Any] | None


def candidates(samples: Any, *, budget: int | None, ndim: int) -> tuple[Iterator[Candidate], int]:
    """Return an iterator over structures, and how many there are at most.

    `ndim` is that of the reference: an array with one axis more is a batch, and
    so is one of four axes.
    """
    if hasattr(samples, "labels") and hasattr(samples, "images"):
        pairs: Any = zip(samples.labels, samples.images, strict=True)
        return _first((Candidate(_checked(a), b) for a, b in pairs), len(samples.labels), budget)
    if hasattr(samples, "__array__"):
        batch = np.ndim(samples) in (ndim + 1, 4)
        samples = list(samples) if batch else [samples]
    elif hasattr(samples, "labels"):  # one twin
        samples = [samples]
    if isinstance(samples, list | tuple):
        if not samples:
            raise InputError("samples must hold at least one structure, not none")
        if np.ndim(samples[0]) == 1:  # one structure as nested lists
            samples = [samples]
        return _first(map(_candidate, samples), len(samples), budget)
    if not hasattr(samples, "__iter__"):
        raise InputError(
            "samples must be structures, a batch of a generator, twins, or an iterator over them, "
            f"not {type(samples).__name__}"
        )
    if budget is None:
        raise InputError("budget must say how many to draw, since samples may never end")
    return _first(map(_candidate, samples), budget, budget)


def _first(
    found: Iterator[Candidate], most: int, budget: int | None
) -> tuple[Iterator[Candidate], int]:
    count = most if budget is None else min(most, budget)
    return itertools.islice(found, count), count


def _candidate(item: Any) -> Candidate:
    if hasattr(item, "labels"):
        return Candidate(_checked(item.labels), getattr(item, "image", None))
    return Candidate(_checked(item), None)


def _checked(labels: Any) -> npt.NDArray[np.uint8]:
    return _validate.labels(labels, name="samples")
