"""Small pieces cut at random, which make many training images out of a few micrographs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
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
    places = Places.drawn(
        [array.shape for array in arrays],
        size=size,
        count=count,
        seed=seed,
        flips=flips,
        rotations=rotations,
    )
    return places.cut(arrays)


@dataclass(frozen=True)
class Places:
    """Where patches lie in their images, and how they are turned.

    Attributes
    ----------
    size : int
        Side of the patches.
    image : ndarray of int, shape (n,)
        Which image.
    corner : ndarray of int, shape (n, d)
        First voxel.
    order : ndarray of int, shape (n, d)
        How the axes are reordered.
    mirrored : ndarray of bool, shape (n, d)
        Which axes are mirrored then.
    """

    size: int
    image: npt.NDArray[np.int64]
    corner: npt.NDArray[np.int64]
    order: npt.NDArray[np.int64]
    mirrored: npt.NDArray[np.bool_]

    @classmethod
    def drawn(
        cls,
        shapes: Sequence[tuple[int, ...]],
        *,
        size: int,
        count: int,
        seed: int,
        flips: bool = True,
        rotations: bool = True,
    ) -> "Places":
        """Draw places in images of these shapes, as `random_patches` tells."""
        side = _validate.integer(size, name="size", minimum=1)
        number = _validate.integer(count, name="count", minimum=1)
        for i, shape in enumerate(shapes):
            if min(shape) < side:
                raise InputError(f"size {side} is larger than image {i}, which is {shape}")
        rng = np.random.default_rng(_validate.seed(seed))
        places = np.array([[n - side + 1 for n in shape] for shape in shapes])
        weights = places.prod(axis=1, dtype=float)
        chosen = rng.choice(len(shapes), size=number, p=weights / weights.sum())
        corners = rng.integers(0, places[chosen])
        ndim = len(shapes[0])
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
        return cls(side, chosen, corners, order, mirrored)

    def __getitem__(self, which: slice) -> "Places":
        return Places(
            self.size,
            self.image[which],
            self.corner[which],
            self.order[which],
            self.mirrored[which],
        )

    def __len__(self) -> int:
        return len(self.image)

    def cut(self, images: Sequence[Array]) -> Array:
        """Cut the patches out of `images`: (n, size, ...) of their type."""
        number, ndim = self.corner.shape
        patches: Array | None = None
        for k in np.argsort(self.image, kind="stable"):  # each image once, if they must be read
            image = images[self.image[k]]
            window = tuple(slice(c, c + self.size) for c in self.corner[k])
            turns = tuple(slice(None, None, -1 if m else 1) for m in self.mirrored[k])
            if patches is None:
                patches = np.empty((number, *[self.size] * ndim), image.dtype)
            patches[k] = image[window].transpose(self.order[k])[turns]
        assert patches is not None
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
