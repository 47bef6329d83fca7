"""Phases from what a generator makes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from microtwin import _validate
from microtwin.errors import InputError

Grey = npt.NDArray[np.float32]
Labels = npt.NDArray[np.uint8]

RULES = ("porosity", "training")
MOST = 2_000_000  # voxels that weights are fitted to
ROUNDS, CLOSE = 200, 1e-5


def cut(images: npt.NDArray[np.floating], at: Sequence[float], *, phases: int) -> Labels:
    """Return labels 0..k-1.

    Parameters
    ----------
    images : ndarray
        Grey levels (n, *sides) with `phases` - 1 levels to cut `at`; or probabilities
        (n, *sides, phases) with weights by which they are multiplied, the largest wins.
    """
    if len(at) == phases:
        return np.asarray(np.argmax(images * np.asarray(at, np.float32), axis=-1), np.uint8)
    labels = np.zeros(images.shape, np.uint8)
    for level in at:
        labels += images > level
    return labels


def porosities(patches: Any, at: Sequence[float]) -> Any:
    """Return the fraction of phase 0, the darkest, in each of (n, *sides) grey levels or labels.

    Of NumPy's arrays or JAX's; `at` are the levels between the phases, none of labels.
    """
    first = patches <= at[0] if at else patches == 0
    return first.mean(tuple(range(1, patches.ndim)))


def where_to_cut(
    images: Grey, rule: str | float, *, trained: Sequence[float], fractions: Sequence[float]
) -> tuple[float, ...]:
    """Return the levels or weights to `cut` at.

    Parameters
    ----------
    images : ndarray
        Grey levels or probabilities, as in `cut`.
    rule : str or float
        "porosity": such that all images together have the phase fractions of the training images;
        "training": as the training images were cut; or a grey level.
    trained : sequence of float
        Levels between the phases of the training images; none where each phase has a channel.
    fractions : sequence of float
        Phase fractions to meet.
    """
    if not trained:
        if check_rule(rule, phases=len(fractions)) == "training":
            return (1.0,) * len(fractions)
        return _weights(images, fractions)
    if isinstance(rule, str):
        if check_rule(rule, phases=len(fractions)) == "training":
            return tuple(trained)
        levels = np.quantile(images, np.cumsum(fractions)[:-1])
        return tuple(float(level) for level in levels)
    return (check_rule(rule, phases=len(fractions)),)  # type: ignore[return-value]


def check_rule(rule: str | float, *, phases: int) -> str | float:
    """Return the rule, or raise InputError if there is none such."""
    if isinstance(rule, str):
        return _validate.choice(rule, RULES, name="threshold")
    if phases > 2:
        raise InputError(
            f"threshold must be one of {', '.join(RULES)} where there are {phases} phases; "
            f"not {rule!r}"
        )
    return _validate.real(rule, name="threshold", minimum=0, maximum=1)


def _weights(images: Grey, fractions: Sequence[float]) -> tuple[float, ...]:
    """Fit weights so that each phase wins as often as it should."""
    wanted = np.asarray(fractions)
    flat = images.reshape(-1, len(wanted))
    flat = flat[:: -(-len(flat) // MOST)]
    logs = np.log(np.maximum(flat, 1e-9))
    offsets, rate = np.zeros(len(wanted), np.float32), 1.0
    best, least = offsets, np.inf
    for _ in range(ROUNDS):
        found = np.bincount(np.argmax(logs + offsets, axis=1), minlength=len(wanted)) / len(flat)
        error = float(np.abs(found - wanted).max())
        if error < least:
            best, least = offsets, error
        else:
            rate *= 0.9
        if least < CLOSE:
            break
        step = np.log((wanted + 1e-6) / (found + 1e-6))
        offsets = offsets + (rate * step).astype(np.float32)
    return tuple(float(weight) for weight in np.exp(best - best.max()))
