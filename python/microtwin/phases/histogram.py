"""Grey-level histograms that add up over images without holding them all in memory."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from microtwin.errors import InputError

FINEST = 1 << 12  # bins for types with more levels than that: fine enough for any detector


@dataclass(frozen=True, slots=True)
class Histogram:
    """How often each grey level occurs.

    Parameters
    ----------
    counts : ndarray of int64, shape (n,)
        Occurrences.
    levels : ndarray of float64, shape (n,)
        Grey level of each bin (its middle).
    """

    counts: npt.NDArray[np.int64]
    levels: npt.NDArray[np.float64]

    @classmethod
    def of(cls, images: Iterable[npt.NDArray[Any]]) -> "Histogram":
        """Count the grey levels of all `images` together.

        Up to 4096 distinct levels in all are counted exactly; beyond that in as many equal bins.

        Raises
        ------
        InputError
            If there is no image.
        """
        levels = np.empty(0)
        counts = np.empty(0, np.int64)
        for image in images:
            found, occurrences = np.unique(image, return_counts=True)
            levels = np.concatenate([levels, found.astype(np.float64)])
            counts = np.concatenate([counts, occurrences])
            levels, inverse = np.unique(levels, return_inverse=True)
            counts = np.bincount(inverse, weights=counts).astype(np.int64)
        if not len(levels):
            raise InputError("images must not be empty: there is none")
        if len(levels) > FINEST:
            counts, edges = np.histogram(levels, bins=FINEST, weights=counts)
            levels = (edges[:-1] + edges[1:]) / 2
        return cls(counts.astype(np.int64), levels)
