"""Pieces of an image or a volume, side by side."""

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy.typing as npt

Array = npt.NDArray[Any]


def windows(array: Array, shape: Sequence[int], *, centred: bool = False) -> list[Array]:
    """Return views of windows of a shape side by side, as many as fit, in the order of the axes.

    Parameters
    ----------
    array : ndarray
        Of as many axes as `shape`.
    shape : sequence of int
        Of the windows.
    centred : bool
        Whether what is left over is cut off on both sides alike, and not at the ends alone.
    """
    starts = []
    for side, edge in zip(array.shape, shape, strict=True):
        first = side % edge // 2 if centred else 0
        starts.append(range(first, side - edge + 1, edge))
    return [
        array[tuple(slice(a, a + edge) for a, edge in zip(corner, shape, strict=True))]
        for corner in product(*starts)
    ]
