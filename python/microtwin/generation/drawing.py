"""Grey images from weights and a key."""

from functools import partial

import jax
import numpy as np

from microtwin.generation.samples import Grey
from microtwin.learning.adversarial import Adversary, Weights

PIXELS_AT_ONCE = 1 << 16


class Drawer:
    """Draws images with a generator's weights; compiled once for each shape.

    Parameters
    ----------
    adversary : Adversary
        Whose generator.
    low, high : float
        Grey levels that are -1 and 1 to the network.
    """

    def __init__(self, adversary: Adversary, *, low: float, high: float) -> None:
        self._adversary, self._low, self._high = adversary, low, high
        self._chunk = jax.jit(self._draw, static_argnames=("count", "shape"))

    def __call__(
        self, weights: Weights, key: jax.Array, count: int, shape: tuple[int, int]
    ) -> Grey:
        """Return (count, y, x) grey levels in [0, 1].

        Images come in chunks of a fixed size, so that image i depends on the key and i alone.
        """
        size = max(1, min(64, PIXELS_AT_ONCE // (shape[0] * shape[1])))
        draw = partial(self._chunk, weights, count=size, shape=shape)
        chunks = [np.asarray(draw(jax.random.fold_in(key, i))) for i in range(-(-count // size))]
        levels = (np.concatenate(chunks)[:count] + 1) * ((self._high - self._low) / 2) + self._low
        return np.clip(levels, 0, 1).astype(np.float32)

    def _draw(
        self, weights: Weights, key: jax.Array, *, count: int, shape: tuple[int, int]
    ) -> jax.Array:
        images, _ = self._adversary.generate(weights, key, count, train=False, shape=shape)
        return images[..., 0]
