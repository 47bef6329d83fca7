"""ResNet50V2 (He et al., arXiv:1603.05027), as Keras has it.

25,613,800 parameters, 23,564,800 of them in the base. Unlike in the paper, and in other libraries,
the last block of a stack halves the sides, not the first.
"""

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array

from microtwin.models.backbone import Backbone, deep_conv
from microtwin.models.layers import BatchNorm, max_pool

EPSILON = 1.001e-5
STACKS = ((64, 3, 2), (128, 4, 2), (256, 6, 2), (512, 3, 1))  # width, blocks, last stride


class Stem(nnx.Module):
    """A convolution of 7x7 and a pooling layer: a quarter of the sides."""

    def __init__(self, *, rngs: nnx.Rngs) -> None:
        self.conv = deep_conv(3, 64, size=7, stride=2, padding=3, rngs=rngs)

    def __call__(self, x: Array, *, train: bool) -> Array:
        """Map (n, y, x, 3) to (n, y/4, x/4, 64)."""
        x = jnp.pad(self.conv(x), ((0, 0), (1, 1), (1, 1), (0, 0)))
        return max_pool(x, 3)


class Residual(nnx.Module):
    """Normalisation first, then three convolutions, added to what came in.

    Parameters
    ----------
    c_in, width : int
        Channels that come in, and a quarter of those that go out.
    stride : int
        By what the sides are divided.
    project : bool
        Whether what came in goes through a convolution to get as many channels.
    """

    def __init__(
        self, c_in: int, width: int, *, stride: int, project: bool, rngs: nnx.Rngs
    ) -> None:
        def norm(channels: int) -> BatchNorm:
            return BatchNorm(channels, epsilon=EPSILON)

        self.stride = stride
        self.norm_in = norm(c_in)
        self.shortcut = deep_conv(c_in, 4 * width, size=1, stride=1, rngs=rngs) if project else None
        self.reduce = deep_conv(c_in, width, size=1, stride=1, bias=False, rngs=rngs)
        self.norm_reduced = norm(width)
        self.conv = deep_conv(width, width, size=3, stride=stride, padding=1, bias=False, rngs=rngs)
        self.norm = norm(width)
        self.expand = deep_conv(width, 4 * width, size=1, stride=1, rngs=rngs)

    def __call__(self, x: Array, *, train: bool) -> Array:
        """Map (n, y, x, c_in) to (n, y/stride, x/stride, 4 * width)."""
        ready = jax.nn.relu(self.norm_in(x, train=train))
        if self.shortcut is not None:
            x = self.shortcut(ready)
        out = jax.nn.relu(self.norm_reduced(self.reduce(ready), train=train))
        out = jax.nn.relu(self.norm(self.conv(out), train=train))
        return x[:, :: self.stride, :: self.stride] + self.expand(out)


class Last(nnx.Module):
    """The normalisation after the last block."""

    def __init__(self, channels: int) -> None:
        self.norm = BatchNorm(channels, epsilon=EPSILON)

    def __call__(self, x: Array, *, train: bool) -> Array:
        """Normalise, with ReLU."""
        return jax.nn.relu(self.norm(x, train=train))


class ResNet50V2(Backbone):
    """Sixteen residual blocks between a stem and a normalisation."""

    architecture = "resnet50v2"
    channels = 2048

    def __init__(self, *, rngs: nnx.Rngs) -> None:
        blocks: list[nnx.Module] = [Stem(rngs=rngs)]
        c_in = 64
        for width, count, last in STACKS:
            for i in range(count):
                stride = last if i == count - 1 else 1
                blocks.append(Residual(c_in, width, stride=stride, project=i == 0, rngs=rngs))
                c_in = 4 * width
        self.blocks = nnx.List([*blocks, Last(c_in)])

    def preprocess(self, images: Array) -> Array:
        """Bring 0..1 to -1..1."""
        return 2 * images - 1
