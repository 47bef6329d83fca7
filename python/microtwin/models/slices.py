"""Slices of volumes along the three axes, and the critics that judge them."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array

AXES = 3


class Slices:
    """What critics of images see of a volume: evenly spaced slices along each axis.

    Slices come in the order (volume, place, axis), so that slice i is normal to axis i modulo 3.
    The slice normal to z is (y, x), to y (z, x), to x (z, y).

    Parameters
    ----------
    count : int
        Slices along each axis, a divisor of the volume's sides.
    alike : bool
        Whether one critic judges all three.
    """

    def __init__(self, count: int, *, alike: bool) -> None:
        self.count = count
        self.parts = AXES * count
        self.groups = 1 if alike else AXES

    def __call__(self, structures: Array, key: Array) -> Array:
        """Map volumes (n, z, y, x, c) to slices (n * parts, side, side, c)."""
        n, side = structures.shape[:2]
        apart = side // self.count
        first = jax.random.randint(key, (), 0, apart)
        places = first + apart * jnp.arange(self.count)
        slices = [
            jnp.moveaxis(jnp.take(structures, places, axis=1 + axis), 1 + axis, 1)
            for axis in range(AXES)
        ]
        stacked = jnp.stack(slices, axis=2)
        return stacked.reshape(n * self.parts, *stacked.shape[3:])


class Directional(nnx.Module):
    """Three critics, for materials that are not the same along the three axes.

    Parameters
    ----------
    build : callable
        ``build(rngs=)`` makes a critic of images.
    """

    def __init__(self, build: Callable[..., nnx.Module], *, rngs: nnx.Rngs) -> None:
        self.critics = nnx.List([build(rngs=rngs) for _ in range(AXES)])

    def __call__(self, images: Array, *, train: bool = False, key: Array | None = None) -> Array:
        """Map slices in the order of `Slices` to logits; slice i is judged by critic i modulo 3."""
        each = [critic(images[i::AXES], train=train) for i, critic in enumerate(self.critics)]
        return jnp.stack(each, axis=1).reshape(len(images), -1)
