"""Where normal ends: a threshold with a false-alarm rate that holds however scores are distributed.

Source: V. Vovk, A. Gammerman and G. Shafer, *Algorithmic Learning in a Random World* (2005), split
conformal prediction.
"""

import numpy as np
import numpy.typing as npt

from microtwin import _validate
from microtwin.errors import InputError

Scores = npt.NDArray[np.float64]

ROUNDING = 1e-9  # 0.1 * 10 must not count as a little less than 1


def check_rate(false_alarms: float, *, name: str = "false_alarms") -> float:
    """Return a false-alarm rate, which must be above 0 and below 1.

    Raises
    ------
    InputError
        If it is not.
    """
    rate = _validate.real(false_alarms, name=name)
    if not 0 < rate < 1:
        raise InputError(f"{name} must be a rate above 0 and below 1, not {rate:g}")
    return rate


def fewest(false_alarms: float) -> int:
    """Return how many normal images a threshold needs at the least.

    Examples
    --------
    >>> fewest(0.05), fewest(0.01)
    (19, 99)
    """
    return int(np.ceil(1 / check_rate(false_alarms) - ROUNDING)) - 1


def lowest(count: int) -> float:
    """Return the lowest rate that `count` normal images are enough for, rounded up to 1/1000.

    Examples
    --------
    >>> lowest(11), fewest(lowest(11))
    (0.084, 11)
    """
    return float(np.ceil(1000 / (count + 1) - ROUNDING)) / 1000


def conformal_threshold(scores: npt.ArrayLike, *, false_alarms: float) -> float:
    """Return the score above which an image is called anomalous.

    Of n normal images that were not learned from, the threshold is the k-th smallest score with
    k = ceil((n + 1) (1 - false_alarms)). Then the next normal image lies above it with a
    probability of at most `false_alarms`, whatever the distribution of scores, if it comes from
    where the n came from; a plain quantile of the n scores promises that for n without end only.

    Parameters
    ----------
    scores : array_like, shape (n,)
        Of normal images.
    false_alarms : float
        Which part of normal images may be called anomalous.

    Returns
    -------
    float
        One of `scores`.

    Raises
    ------
    InputError
        If there are too few scores for so low a rate, or they are not finite.

    Examples
    --------
    >>> conformal_threshold(range(19), false_alarms=0.05)
    18.0
    """
    rate = check_rate(false_alarms)
    known = checked(scores)
    above = int((len(known) + 1) * rate + ROUNDING)
    if above < 1:
        raise InputError(
            f"false_alarms={rate:g} needs at least {fewest(rate)} normal images for validation; "
            f"there are {len(known)}, enough for {lowest(len(known)):g}"
        )
    return float(np.sort(known)[len(known) - above])


def p_values(scores: npt.ArrayLike, normal: npt.ArrayLike) -> Scores:
    """Return for each score which part of normal images scores as high, itself counted.

    Parameters
    ----------
    scores : array_like, shape (n,)
        What is asked about.
    normal : array_like, shape (m,)
        Scores of normal images that were not learned from.

    Returns
    -------
    ndarray of float64, shape (n,)
        (1 + how many normal scores are at least as high) / (m + 1): for a normal image no lower
        than p with a probability of at least 1 - p.
    """
    known = np.sort(checked(normal))
    below = np.searchsorted(known, np.asarray(scores, np.float64), side="left")
    return np.asarray((1 + len(known) - below) / (len(known) + 1), np.float64)


def checked(scores: npt.ArrayLike, *, name: str = "scores") -> Scores:
    """Return scores as a flat array of finite numbers, at least one."""
    array = np.asarray(scores, np.float64)
    if array.ndim != 1 or array.size == 0:
        raise InputError(f"{name} must be a row of numbers, at least one; its shape {array.shape}")
    if not np.isfinite(array).all():
        raise InputError(f"{name} must be finite: there are NaN or infinite values")
    return array
