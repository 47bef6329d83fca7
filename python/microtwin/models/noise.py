"""White noise that knows its place: any part of an endless field, drawn on its own."""

from collections.abc import Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jax import Array
from jax.extend.random import threefry_2x32

LARGEST = 1 << 17  # voxels along an axis that two words of 32 bits can tell apart


@dataclass(frozen=True)
class Window:
    """A part of a field.

    Attributes
    ----------
    stream : int
        Which field; those of different streams are independent.
    origin, sides : tuple of int
        First voxel and size, up to three axes; `origin` may be traced.
    channels : int
        Numbers at each voxel.
    period : tuple of int, optional
        Period along each axis.
    """

    stream: int
    origin: Sequence[int | Array]
    sides: Sequence[int]
    channels: int
    period: Sequence[int] | None = None


def white(keys: Array, windows: Sequence[Window]) -> list[Array]:
    """Draw normal numbers, each from its key, stream, place and channel alone.

    So overlapping windows agree where they overlap, whatever their sizes, and a structure can be
    made block by block; where places are taken modulo a period, it is periodic.

    The numbers are a hash of where they are (Threefry-2x32, as in `jax.random`), so that there is
    no order in which they must be drawn. All windows are hashed in one go, which compiles in a
    fraction of the time.

    Parameters
    ----------
    keys : Array of keys, shape (n,)
        One for each field.
    windows : sequence of Window
        What to draw.

    Returns
    -------
    list of Array of float32, shape (n, *sides, channels)
    """
    words = [_words(window) for window in windows]
    counters = jnp.concatenate([part for pair in zip(*words, strict=True) for part in pair])
    bits = jax.vmap(threefry_2x32, (0, None))(jax.random.key_data(keys), counters)
    numbers = _normal(bits[:, : len(counters) // 2])
    sizes = [len(first) for first, _ in words]
    ends = [sum(sizes[: i + 1]) for i in range(len(sizes))]
    return [
        numbers[:, end - size : end].reshape(len(keys), *window.sides, window.channels)
        for window, size, end in zip(windows, sizes, ends, strict=True)
    ]


def _words(window: Window) -> tuple[Array, Array]:
    """Return two words for each number: stream 4 bits, channel 8, z 17, x 2; y 17, x 15."""
    axes = len(window.sides)
    places = []
    for axis in range(axes):
        place = window.origin[axis] + jnp.arange(window.sides[axis])
        if window.period is not None:
            place %= window.period[axis]
        places.append(place.astype(jnp.uint32).reshape(-1, *[1] * (axes - axis)))
    z, y, x = [jnp.uint32(0)] * (3 - axes) + places
    channel = jnp.arange(window.channels, dtype=jnp.uint32)
    high = jnp.uint32(window.stream << 28) | (channel << 20) | (z << 3) | (x >> 15)
    low = (y << 15) | (x & 0x7FFF)
    shape = (*window.sides, window.channels)
    return jnp.broadcast_to(high, shape).ravel(), jnp.broadcast_to(low, shape).ravel()


def _normal(bits: Array) -> Array:
    """Turn words of 32 bits into normal numbers."""
    # The middle of one of 2^23 intervals of (-1, 1): never an end, where the inverse is infinite.
    uniform = ((bits >> 9).astype(jnp.float32) + 0.5) * jnp.float32(2.0**-22) - 1
    numbers: Array = jax.lax.erf_inv(uniform) * jnp.float32(2**0.5)
    return numbers
