"""VGG16 (Simonyan and Zisserman, arXiv:1409.1556), as Keras has it.

138,357,544 parameters, 14,714,688 of them in the base.
"""

from itertools import pairwise

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array

from microtwin.models.backbone import Backbone, deep_conv
from microtwin.models.layers import max_pool

MEANS = (103.939, 116.779, 123.68)  # of ImageNet: blue, green, red, of 255
CHANNELS = (64, 128, 256, 512, 512)
CONVOLUTIONS = (2, 2, 3, 3, 3)


class Block(nnx.Module):
    """A pooling layer unless it is the first block, and convolutions of 3x3 with ReLU."""

    def __init__(self, c_in: int, c_out: int, count: int, *, pool: bool, rngs: nnx.Rngs) -> None:
        self.pool = pool
        widths = pairwise([c_in, *[c_out] * count])
        self.convs = nnx.List([deep_conv(a, b, size=3, stride=1, rngs=rngs) for a, b in widths])

    def __call__(self, x: Array, *, train: bool) -> Array:
        """Map (n, y, x, c_in) to (n, y/2, x/2, c_out)."""
        x = max_pool(x) if self.pool else x
        for conv in self.convs:
            x = jax.nn.relu(conv(x))
        return x


class VGG16(Backbone):
    """Thirteen convolutions."""

    architecture = "vgg16"
    channels = CHANNELS[-1]
    hidden = (4096, 4096)
    average = False

    def __init__(self, *, rngs: nnx.Rngs) -> None:
        widths = pairwise((3, *CHANNELS))
        self.blocks = nnx.List(
            [
                Block(*pair, count, pool=i > 0, rngs=rngs)
                for i, (pair, count) in enumerate(zip(widths, CONVOLUTIONS, strict=True))
            ]
        )

    def preprocess(self, images: Array) -> Array:
        """Turn RGB in 0..1 into blue, green, red of 255, less their means over ImageNet."""
        return 255 * images[..., ::-1] - jnp.array(MEANS, images.dtype)

    def finish(self, maps: Array) -> Array:
        """Halve the maps once more."""
        return max_pool(maps)

    @staticmethod
    def side(size: int) -> int:
        """Return the side of the maps for that of the images."""
        return size // 32
