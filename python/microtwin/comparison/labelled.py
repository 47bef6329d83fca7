"""Telling phases from grey levels."""

from typing import Any

import numpy as np
import numpy.typing as npt

from microtwin.images.scaled import ScaledImage, scaled_like

MOST_PHASES = 8


def as_labels(image: npt.NDArray[Any]) -> ScaledImage | None:
    """Return an image as labels if it looks like labels, None if it looks like grey levels.

    Labels are whole numbers, no more than eight different ones. They are taken as they are, except
    that the 0 and 255 of a black-and-white picture become 0 and 1.

    Parameters
    ----------
    image : ndarray
        2-D or 3-D; its spacing is kept.
    """
    values = np.unique(image)
    if len(values) > MOST_PHASES or values[0] < 0 or values[-1] > 255:
        return None
    if (values != np.rint(values)).any():
        return None
    if len(values) > 1 and set(values.tolist()) <= {0, 255}:
        image = image == 255
    return scaled_like(np.asarray(image).astype(np.uint8), image)
