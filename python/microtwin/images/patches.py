"""Small pieces cut at random, which make many training images out of a few micrographs."""

from collections.abc import Iterable
from itertools import permutations
from typing import Any

import numpy as np
import numpy.typing as npt

from microtwin import _validate
from microtwin.errors import InputError

Array = npt.NDArray[Any]


def random_patches(
    images: npt.ArrayLike | Iterable[npt.ArrayLike],
    *,
    size: int,
    count: int,
    seed: int = 0,
    flips: bool = True,
    rotations: bool = True,
) -> Array:
    """Cut `count` square (or cubic) patches at random places, every place being equally likely.

    The same seed and the same shapes give the same places and orientations whatever the values:
    cut grey levels and labels with the same call to have them match.

    Parameters
    ----------
    images : array_like or sequence of array_like
        One image (y, x) or volume (z, y, x), or a list of either, of one type.
    size : int
        Side of the patches in voxels.
    count : int
        How many patches.
    seed : int
        Seed of the random choices.
    flips : bool
        Whether each patch is mirrored, or not, along each axis.
    rotations : bool
        Whether each patch is turned by a multiple of 90 degrees. Switch both off for a material
        that is not the same in all directions.

    Returns
    -------
    ndarray, shape (count, size, size) or (count, size, size, size)
        Same type as the images.

    Raises
    ------
    InputError
        If an image is smaller than a patch, or they are of different types or dimensions.
    """
    arrays = _images(images)
    side = _validate.integer(size, name="size", minimum=1)
    number = _validate.integer(count, name="count", minimum=1)
    for i, array in enumerate(arrays):
        if min(array.shape) < side:
            raise InputError(f"size {side} is larger than image {i}, which is {array.shape}")
    rng = np.random.default_rng(_validate.seed(seed))
    places = np.array([[n - side + 1 for n in array.shape] for array in arrays])
    weights = places.prod(axis=1, dtype=float)
    chosen = rng.choice(len(arrays), size=number, p=weights / weights.sum())
    corners = rng.integers(0, places[chosen])
    ndim = arrays[0].ndim
    orders = np.array(list(permutations(range(ndim))))
    order = orders[rng.integers(0, len(orders), number)]
    mirrored = rng.random((number, ndim)) < 0.5
    # Turned is mirrored and reordered with determinant +1; both switches give every symmetry of
    # the square or cube, flips alone its mirrors, rotations alone its proper turns.
    if not rotations:
        order[:] = np.arange(ndim)
        if not flips:
            mirrored[:] = False
    elif not flips:
        improper = _is_odd(order) != (mirrored.sum(axis=1) % 2 == 1)
        mirrored[improper, 0] ^= True
    patches = np.empty((number, *[side] * ndim), arrays[0].dtype)
    for k in range(number):
        window = tuple(slice(c, c + side) for c in corners[k])
        turns = tuple(slice(None, None, -1 if m else 1) for m in mirrored[k])
        patches[k] = arrays[chosen[k]][window].transpose(order[k])[turns]
    return patches


def _images(images: npt.ArrayLike | Iterable[npt.ArrayLike]) -> list[Array]:
    given = enumerate(_validate.one_or_many(images))
    arrays = [_validate.image(image, name=f"image {i}") for i, image in given]
    if not arrays:
        raise InputError("images must not be an empty list")
    if len({(array.dtype, array.ndim) for array in arrays}) != 1:
        kinds = sorted({f"{array.ndim}-D {array.dtype}" for array in arrays})
        raise InputError(f"images must be of one type and dimension, not {', '.join(kinds)}")
    return arrays


def _is_odd(order: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Tell for each row, a permutation, whether it is odd."""
    ndim = order.shape[1]
    pairs = [order[:, i] > order[:, j] for i in range(ndim) for j in range(i + 1, ndim)]
    return np.asarray(np.sum(pairs, axis=0) % 2 == 1)
