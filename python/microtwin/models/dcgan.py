"""The DCGAN of the Chetumal thesis (2022) on catalyst layers: generator and discriminator.

Exact at 320 px: 499,777 and 68,086 parameters by Keras's counting. The same networks serve
smaller images with a smaller base map (size / 32); only the first dense layer of the generator
then changes.

No neuron of this generator but the last looks at a neighbour: a transposed convolution of 2x2 with
stride 2 turns every pixel into four on its own. It is a quadtree of pointwise networks, and blocks
of 32x32 pixels do not know each other but through one pixel. Its lattice shows in the two-point
probability as spikes; `texture` is the network without it.
"""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array

from microtwin.errors import InputError
from microtwin.models.layers import BatchNorm, Conv, Dense, dropout, glorot, leaky_relu

LATENT = 64
CHANNELS = 64
DOUBLINGS = 5
DROPOUT = 0.3  # the thesis does not say how much


class Doubling(nnx.Module):
    """A transposed convolution of 2x2 with stride 2, on pixels in quadtree order.

    Each pixel becomes four, so this is one product on a list of pixels; where they lie in the
    image does not matter. The kernel is Keras's: (y, x, out, in).
    """

    def __init__(self, channels: int, *, rngs: nnx.Rngs) -> None:
        self.kernel = nnx.Param(glorot(rngs.params(), (2, 2, channels, channels)))
        self.bias = nnx.Param(jnp.zeros(channels))

    def __call__(self, pixels: Array) -> Array:
        """Map (pixels, channels) to (4 * pixels, channels), children next to each other."""
        out, c_in = self.kernel.shape[2:]
        four = pixels @ self.kernel[...].reshape(4 * out, c_in).T
        return four.reshape(-1, out) + self.bias[...]


class Projection(nnx.Module):
    """A transposed convolution of 2x2 with stride 1 to one channel, "same" padding."""

    def __init__(self, channels: int, *, rngs: nnx.Rngs) -> None:
        self.kernel = nnx.Param(glorot(rngs.params(), (2, 2, 1, channels)))
        self.bias = nnx.Param(jnp.zeros(1))

    def __call__(self, pixels: Array, *, base: int, doublings: int) -> Array:
        """Map pixels in quadtree order to images (n, size, size, 1), size = base * 2**doublings."""
        taps = pixels @ self.kernel[...].reshape(4, -1).T
        taps = image_order(taps, base=base, doublings=doublings)
        size = taps.shape[1]
        taps = jnp.pad(taps, ((0, 0), (1, 0), (1, 0), (0, 0)))
        shifted = [
            taps[:, 1 - i : 1 - i + size, 1 - j : 1 - j + size, 2 * i + j]
            for i in (0, 1)
            for j in (0, 1)
        ]
        return (sum(shifted[1:], shifted[0]) + self.bias[...])[..., None]


class Generator(nnx.Module):
    """Latent vectors to images in [-1, 1].

    Parameters
    ----------
    size : int
        Side of the images in pixels, a multiple of 32.
    rngs : nnx.Rngs
        Where the initial kernels come from.
    """

    def __init__(self, size: int = 320, *, rngs: nnx.Rngs) -> None:
        self.base = size // 2**DOUBLINGS
        self.dense = Dense(LATENT, self.base**2 * CHANNELS, rngs=rngs)
        self.doublings = nnx.List([Doubling(CHANNELS, rngs=rngs) for _ in range(DOUBLINGS)])
        self.norms = nnx.List([BatchNorm(CHANNELS) for _ in range(DOUBLINGS)])
        self.project = Projection(CHANNELS, rngs=rngs)

    def __call__(self, latent: Array, *, train: bool = False, key: Array | None = None) -> Array:
        """Map (n, 64) to (n, size, size, 1); `key` turns dropout on."""
        x = dropout(self.dense(latent), DROPOUT, key).reshape(-1, CHANNELS)
        for double, norm in zip(self.doublings, self.norms, strict=True):
            x = leaky_relu(norm(double(x), train=train))
        return jnp.tanh(self.project(x, base=self.base, doublings=DOUBLINGS))

    def latent(self, keys: Array, shape: Sequence[int]) -> Array:
        """Draw a latent vector for each key, (n, 64); `shape` can only be the one size there is."""
        size = self.base * 2**DOUBLINGS
        if tuple(shape) != (size, size):
            raise InputError(f"shape must be ({size}, {size}) for this generator, not {shape}")
        return jax.vmap(lambda key: jax.random.normal(key, (LATENT,)))(keys)


class Discriminator(nnx.Module):
    """Images to logits of being fake."""

    def __init__(self, *, rngs: nnx.Rngs) -> None:
        self.convs = nnx.List(
            [
                Conv(1, 1, size=8, stride=1, block=8, rngs=rngs),
                Conv(1, 16, size=8, stride=2, rngs=rngs),
                Conv(16, 32, size=4, stride=2, rngs=rngs),
                Conv(32, 64, size=2, stride=2, rngs=rngs),
                Conv(64, 128, size=2, stride=2, rngs=rngs),
            ]
        )
        self.norms = nnx.List([BatchNorm(c) for c in (1, 16, 32, 64, 128)])
        self.hidden = Dense(128, 128, rngs=rngs)
        self.out = Dense(128, 1, rngs=rngs)

    def __call__(self, images: Array, *, train: bool = False, key: Array | None = None) -> Array:
        """Map (n, size, size, 1) to (n,); `key` turns dropout on."""
        x = images
        for conv, norm in zip(self.convs, self.norms, strict=True):
            x = leaky_relu(norm(conv(x), train=train))
        x = leaky_relu(self.hidden(x.max((1, 2))))
        return self.out(dropout(x, DROPOUT, key))[:, 0]


def image_order(pixels: Array, *, base: int, doublings: int) -> Array:
    """Bring pixels (n * size**2, c) from quadtree order into images (n, size, size, c).

    A pixel's index reads, digit by digit: image, y and x in the base map, then (y, x) in each
    doubling. All y digits move before all x digits.
    """
    c = pixels.shape[-1]
    digits = pixels.reshape((-1, base, base) + (2, 2) * doublings + (c,))
    y = [1, *range(3, 3 + 2 * doublings, 2)]
    x = [2, *range(4, 4 + 2 * doublings, 2)]
    size = base * 2**doublings
    return digits.transpose((0, *y, *x, digits.ndim - 1)).reshape(-1, size, size, c)
