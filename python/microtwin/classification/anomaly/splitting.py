"""Which images are learned from, which are watched meanwhile, which the threshold comes from."""

from typing import Any, NamedTuple

import numpy as np

from microtwin import _validate
from microtwin._conformal import fewest, lowest
from microtwin.classification.anomaly.pictures import Pictures
from microtwin.errors import InputError

KEPT = 0.2  # of the normal images, for the threshold
WATCHED = 0.1  # of those that are left, to see when training should end


class Parts(NamedTuple):
    """Normal images, each in one part.

    Attributes
    ----------
    learn, watch, keep : Pictures
        To learn from, to see when training should end, and for the threshold.
    """

    learn: Pictures
    watch: Pictures
    keep: Pictures


def split(normal: Pictures, validation: Any, *, rate: float, downscale: float, seed: int) -> Parts:
    """Part normal images at random; `validation` as in `train_detector`.

    Raises
    ------
    InputError
        If there are too few for the false-alarm rate, or to learn from.
    """
    count, needed = len(normal), fewest(rate)
    order = np.random.default_rng((seed, 1)).permutation(count)
    if validation is None:
        kept = max(round(KEPT * count), min(needed, count // 2))
    elif isinstance(validation, float | int):
        fraction = _validate.real(validation, name="validation", minimum=0, maximum=0.9)
        kept = round(fraction * count)
    else:
        kept = 0
    keep = normal.part(order[:kept])
    if validation is not None and not isinstance(validation, float | int):
        keep = Pictures.of(validation, factor=downscale, name="validation")
    if len(keep) < needed:
        raise InputError(
            f"false_alarms={rate:g} takes at least {needed} normal images for validation; there "
            f"are {len(keep)}: give more images (pieces of them will do), or accept "
            f"false_alarms={lowest(len(keep)):g} or more"
        )
    rest = normal.part(order[kept:])
    if len(rest) < 2:
        raise InputError(f"images must leave at least 2 to learn from; {len(rest)} of {count} are")
    watch, learn = watched(rest, part=WATCHED)
    return Parts(learn, watch, keep)


def watched(images: Pictures, *, part: float) -> tuple[Pictures, Pictures]:
    """Return the first few images, at least one, and the others."""
    count = max(round(part * len(images)), 1)
    return images[:count], images[count:]
