"""Taking uneven light out of an image before it is thresholded."""

from itertools import combinations_with_replacement
from typing import Any

import numpy as np
import numpy.typing as npt

SAMPLES = 100_000  # voxels that the fit looks at: plenty for ten coefficients


def flattened(image: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Return `image` less a fitted parabolic background, at the same mean.

    A polynomial of second order cannot follow the features of a structure, only the light. The fit
    is repeated without what differs most from it, so that large dark objects do not bend it.

    Parameters
    ----------
    image : ndarray, shape (y, x) or (z, y, x)
        Grey levels.

    Returns
    -------
    ndarray of float32
        Same shape.
    """
    step = max(1, int(np.ceil((image.size / SAMPLES) ** (1 / image.ndim))))
    sampled = image[(slice(None, None, step),) * image.ndim]
    axes = [np.linspace(-1, 1, side) for side in image.shape]
    terms = _terms([axis[::step] for axis in axes])
    columns = np.stack([np.broadcast_to(t, sampled.shape).ravel() for t in terms], axis=1)
    values = sampled.ravel().astype(np.float64)
    kept = np.ones(len(values), bool)
    for _ in range(4):
        weights, *_rest = np.linalg.lstsq(columns[kept], values[kept], rcond=None)
        error = np.abs(values - columns @ weights)
        kept = error <= max(2 * np.median(error), np.finfo(np.float32).tiny)
    background = sum(w * t for w, t in zip(weights, _terms(axes), strict=True))
    return np.asarray(image - background + image.mean(dtype=np.float64), dtype=np.float32)


def _terms(axes: list[npt.NDArray[np.float64]]) -> list[npt.NDArray[np.float64]]:
    """Return 1, x, y, ..., x², xy, ... on the open grid of `axes`."""
    grids = list(np.meshgrid(*axes, indexing="ij", sparse=True))
    one = np.ones([1] * len(axes))
    pairs = [a * b for a, b in combinations_with_replacement(grids, 2)]
    return [one, *grids, *pairs]
