"""A fully convolutional pair for textures: images of any size, no lattice, trained in minutes.

The generator turns a field of latent vectors into an image through bilinear doublings and
convolutions *without padding*: there is no border, every pixel is made by the same rule from the
latents around it, and a larger field gives a larger image of the same material. A part of the
latent is common to the whole image and carries what differs from micrograph to micrograph. Fresh
noise at every resolution makes the fine grain. After the last doubling the features are smoothed:
a critic of short training lets chequered patterns of two pixels pass, so they must not arise.

The critic judges overlapping windows, and the image as a whole by the mean and spread of its
features. It has no batch normalisation, which would undo the gradient penalty.

Source: after Jetchev et al. (spatial GAN, arXiv:1611.08207), Odena et al. (resize-convolution,
Distill 2016), Karras et al. (noise inputs, arXiv:1812.04948).
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array

from microtwin.models import products
from microtwin.models.layers import BatchNorm, Dense, leaky_relu

SLOPE = 0.2
MARGIN = 6  # latent vectors around the image that the convolutions use up
he_uniform = nnx.initializers.he_uniform()


class Latent(NamedTuple):
    """All that is random in an image.

    Attributes
    ----------
    field : Array
        Latent vectors, (n, y, x, channels).
    noise : tuple of Array
        One map (n, y, x, 1) a resolution, from coarse to fine.
    """

    field: Array
    noise: tuple[Array, ...]


class Stage(nnx.Module):
    """Convolution 3x3 without padding, noise, normalisation, LeakyReLU.

    Parameters
    ----------
    double : bool
        Whether the image is doubled first.
    smooth : bool
        Whether what the convolution makes is smoothed, so that only noise has the finest scale.
    """

    def __init__(
        self, c_in: int, c_out: int, *, double: bool, smooth: bool, rngs: nnx.Rngs
    ) -> None:
        self.double, self.smooth = double, smooth
        self.kernel = nnx.Param(he_uniform(rngs.params(), (3, 3, c_in, c_out)))
        self.strength = nnx.Param(0.1 * jnp.ones(c_out))
        self.norm = BatchNorm(c_out, momentum=0.9)

    def __call__(self, x: Array, noise: Array, *, train: bool) -> Array:
        """Map (n, y, x, c_in) to (n, y', x', c_out), the size of `noise`."""
        convolve = products.double_and_conv_valid if self.double else products.conv_valid
        x = convolve(x, self.kernel[...])
        if self.smooth:
            x = products.smooth_valid(x)
        x = x + noise * self.strength[...]
        return leaky_relu(self.norm(x, train=train), SLOPE)

    def side(self, side: int) -> int:
        """Return the side of the output for that of the input."""
        side = 2 * side - 4 if self.double else side - 2
        return side - 2 if self.smooth else side


class Generator(nnx.Module):
    """Latent fields to images in [-1, 1].

    Parameters
    ----------
    local, common : int
        Channels of the latent field that vary from place to place, and from image to image.
    channels : sequence of int
        Channels at each resolution, from coarse to fine; each one more doubles the size.
    """

    def __init__(
        self,
        *,
        local: int = 48,
        common: int = 16,
        channels: tuple[int, ...] = (96, 64, 48, 32, 16),
        rngs: nnx.Rngs,
    ) -> None:
        self.local, self.common = local, common
        self.stride = 2 ** (len(channels) - 1)
        widths = (local + common, *channels)
        self.stages = nnx.List(
            [
                Stage(c_in, c_out, double=i > 0, smooth=i == len(channels) - 1, rngs=rngs)
                for i, (c_in, c_out) in enumerate(zip(widths, channels, strict=False))
            ]
        )
        self.grain = Dense(channels[-1], channels[-1], rngs=rngs)
        self.out = Dense(channels[-1], 1, rngs=rngs)

    def __call__(self, latent: Latent, *, train: bool = False, key: Array | None = None) -> Array:
        """Map a latent to images (n, y, x, 1); nothing is random here, so `key` is not used."""
        x = latent.field
        for stage, noise in zip(self.stages, latent.noise, strict=True):
            x = stage(x, noise, train=train)
        x = leaky_relu(self.grain(x), SLOPE)  # lets the finest noise differ from phase to phase
        return jnp.tanh(self.out(x))

    def latent(self, key: Array, count: int, shape: tuple[int, int]) -> Latent:
        """Draw the latents of `count` images, at least `shape` in size (see `latent_shape`)."""
        local_key, common_key, noise_key = jax.random.split(key, 3)
        sides: tuple[int, ...] = self.latent_shape(shape)
        local = jax.random.normal(local_key, (count, *sides, self.local))
        common = jax.random.normal(common_key, (count, 1, 1, self.common))
        common = jnp.broadcast_to(common, (count, *sides, self.common))
        noise = []
        for level, level_key in enumerate(jax.random.split(noise_key, len(self.stages))):
            sides = tuple(self.stages[level].side(side) for side in sides)
            noise.append(jax.random.normal(level_key, (count, *sides, 1)))
        return Latent(jnp.concatenate([local, common], axis=-1), tuple(noise))

    def latent_shape(self, shape: tuple[int, int]) -> tuple[int, int]:
        """Return the sides of the latent field that gives an image of `shape` or a little more.

        The first convolution takes off 2, each doubling maps s to 2s - 4, smoothing takes off 2:
        side = stride * (latent side - 6) + 2.
        """
        rows, columns = (-(-side // self.stride) + MARGIN for side in shape)
        return rows, columns


class Critic(nnx.Module):
    """Images to logits of being real: one a window, and as much weight again for the whole."""

    def __init__(self, channels: tuple[int, ...] = (32, 64, 128), *, rngs: nnx.Rngs) -> None:
        widths = (1, *channels)
        last = channels[-1]
        self.convs = nnx.List(
            [
                nnx.Conv(c_in, c_out, (4, 4), strides=2, kernel_init=he_uniform, rngs=rngs)
                for c_in, c_out in zip(widths, channels, strict=False)
            ]
        )
        self.mix = nnx.Conv(last, last, (3, 3), kernel_init=he_uniform, rngs=rngs)
        self.window = Dense(last, 1, rngs=rngs)
        self.hidden = Dense(2 * last, last // 2, rngs=rngs)
        self.whole = Dense(last // 2, 1, rngs=rngs)

    def __call__(self, images: Array, *, train: bool = False, key: Array | None = None) -> Array:
        """Map (n, y, x, 1) to logits (n, windows + windows / 2)."""
        x = images
        for conv in (*self.convs, self.mix):
            x = leaky_relu(conv(x), SLOPE)
        windows = self.window(x).reshape(len(x), -1)
        features = jnp.concatenate([x.mean((1, 2)), jnp.sqrt(x.var((1, 2)) + 1e-6)], axis=-1)
        whole = self.whole(leaky_relu(self.hidden(features), SLOPE))
        return jnp.concatenate([windows, jnp.repeat(whole, windows.shape[1] // 2, axis=1)], axis=1)
