"""The patches of each step."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from microtwin.images.patches import Places

Array = npt.NDArray[Any]

STEPS = 16  # patches are cut for so many steps at a time: each cut looks at all images once
FILES = 64  # images that are read for them, where they are streamed
RESIDENT = 2**31 - 1  # voxels that can be addressed on a device


class Batches:
    """The patches of step i, which depend on the seed and i alone.

    They are cut by NumPy, or from a copy of the images on the device; which are the same.

    Parameters
    ----------
    sets : sequence of sequence of ndarray
        What to cut from; of three sets, patch i is cut from set i modulo 3.
    shapes : sequence of sequence of tuple of int
        Of these images.
    size, count : int
        Side of a patch; how many a step.
    seed : int
        Of the run.
    turn : bool
        Whether patches are turned by right angles.
    mirror : bool
        Whether they are mirrored.
    streamed : bool
        Whether images must be read: then each few steps look at a few of them only.
    resident : bool
        Whether the images are copied to the device.
    """

    def __init__(
        self,
        sets: Sequence[Sequence[Array]],
        shapes: Sequence[Sequence[tuple[int, ...]]],
        *,
        size: int,
        count: int,
        seed: int,
        turn: bool,
        mirror: bool = True,
        streamed: bool = False,
        resident: bool = False,
    ) -> None:
        self._sets, self._shapes, self._size, self._count = sets, shapes, size, count
        self._seed, self._turn, self._mirror, self._streamed = seed, turn, mirror, streamed
        self._chapter = -1
        self._patches: Any = None
        self._cutters = [Resident(images) for images in sets] if resident else None

    def __call__(self, step: int) -> Any:
        """Return (count, size, ...) grey levels or labels."""
        chapter, place = divmod(step, STEPS)
        if chapter != self._chapter:
            each = [self._cut(chapter, i) for i in range(len(self._sets))]
            join = jnp.stack if self._cutters else np.stack
            self._patches = join(each, axis=1).reshape(-1, *each[0].shape[1:])
            self._chapter = chapter
        return self._patches[place * self._count : (place + 1) * self._count]

    def _cut(self, chapter: int, i: int) -> Any:
        """Cut the patches of many steps from one set."""
        rng = np.random.default_rng([self._seed, chapter, *([i] if i else [])])
        seed = int(rng.integers(2**63))
        shapes, images = self._shapes[i], self._sets[i]
        if self._streamed and len(shapes) > FILES:
            few = np.sort(rng.choice(len(shapes), FILES, replace=False))
            shapes, images = [shapes[k] for k in few], [images[k] for k in few]
        places = Places.drawn(
            shapes,
            size=self._size,
            count=self._count * STEPS // len(self._sets),
            seed=seed,
            flips=self._mirror,
            rotations=self._turn,
        )
        return self._cutters[i].cut(places) if self._cutters else places.cut(images)


class Resident:
    """Images on the device, in one long array: they need not have one shape."""

    def __init__(self, images: Sequence[Array]) -> None:
        shapes = np.array([image.shape for image in images])
        sizes = shapes.prod(axis=1)
        self._starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        ones = np.ones((len(shapes), 1), np.int64)
        self._strides = np.hstack([np.cumprod(shapes[:, :0:-1], axis=1)[:, ::-1], ones])
        self._voxels = jnp.asarray(np.concatenate([np.ravel(image) for image in images]))

    def cut(self, places: Places) -> jax.Array:
        """Cut patches as `Places.cut` does."""
        rows = np.arange(len(places))[:, None]
        strides = self._strides[places.image]
        first = self._starts[places.image] + (strides * places.corner).sum(axis=1)
        strides = strides[rows, places.order]  # along the axes of the patch
        first = first + (strides * places.mirrored).sum(axis=1) * (places.size - 1)
        strides = np.where(places.mirrored, -strides, strides)
        cut: jax.Array = _gather(
            self._voxels, first.astype(np.int32), strides.astype(np.int32), size=places.size
        )
        return cut


def _gather_all(voxels: jax.Array, first: Any, strides: Any, *, size: int) -> jax.Array:
    index = jnp.asarray(first)
    for axis in range(strides.shape[1]):
        along = strides[:, axis].reshape(-1, *[1] * (axis + 1)) * jnp.arange(size)
        index = index[..., None] + along
    return jnp.take(voxels, index)


_gather = jax.jit(_gather_all, static_argnames="size")
