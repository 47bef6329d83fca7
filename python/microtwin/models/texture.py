"""A fully convolutional pair for textures, in two dimensions or three: any size, no lattice.

The generator turns a field of latent vectors into an image (or volume) through linear doublings and
convolutions *without padding*: there is no border, every voxel is made by the same rule from the
latents around it, and a larger field gives a larger piece of the same material. Latents are drawn
by their place (`microtwin.models.noise`), so that a structure of any size can be made in blocks
that fit together, or be periodic. A part of the latent is common to the whole image and carries
what differs from micrograph to micrograph, and the porosity where that can be asked for, which also
moves the biases at every resolution. Fresh noise at every resolution makes the fine grain of grey
levels. After the last doubling the features are smoothed: a critic of short training lets chequered
patterns of two pixels pass, so they must not arise.

Features are brought to unit length voxel by voxel, which unlike batch normalisation is the same in
training, in sampling and at every size. This comes before the bias, and activations are centred: so
no bias can drown what varies from place to place, and early training does not end in a grey field.

The critic judges overlapping windows, and the image as a whole by the mean and spread of its
features. It has no normalisation, which would undo the gradient penalty.

Source: after Jetchev et al. (spatial GAN, arXiv:1611.08207), Odena et al. (resize-convolution,
Distill 2016), Karras et al. (pixel norm, arXiv:1710.10196; noise inputs, arXiv:1812.04948), Kench
and Cooper (slices, Nat. Mach. Intell. 3, 299, 2021), Miyato and Koyama (projection,
arXiv:1802.05637).
"""

from collections.abc import Sequence
from functools import partial
from itertools import pairwise, zip_longest
from math import comb
from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array

from microtwin.models import products
from microtwin.models.layers import Conv, Dense, he_uniform, leaky_relu
from microtwin.models.noise import Window, white

SLOPE = 0.2
CENTRE, GAIN = 0.319, 1.6  # bring LeakyReLU of a standard normal number back to mean 0, variance 1
MARGIN = 6  # latent vectors around the image that the convolutions use up


class Latent(NamedTuple):
    """All that is random in an image.

    Attributes
    ----------
    field : Array
        Latent vectors, (n, *sides, channels).
    noise : tuple of Array
        One map (n, *sides, 1) a resolution, from coarse to fine; without grain the coarsest only.
    asked : Array or None
        What is asked for, (n, conditions); not random, and the last channels of `field` too.
    """

    field: Array
    noise: tuple[Array, ...]
    asked: Array | None = None


class Stage(nnx.Module):
    """Convolution of width 3 without padding, noise, normalisation, centred LeakyReLU.

    Parameters
    ----------
    axes : int
        Two for images, three for volumes.
    double : bool
        Whether the image is doubled first.
    smooth : bool
        Whether what the convolution makes is smoothed, so that only noise has the finest scale.
    noisy : bool
        Whether it adds noise.
    conditions : int
        Numbers that can be asked for; each moves the bias.
    """

    def __init__(
        self,
        axes: int,
        c_in: int,
        c_out: int,
        *,
        double: bool,
        smooth: bool,
        noisy: bool,
        conditions: int = 0,
        rngs: nnx.Rngs,
    ) -> None:
        self.double, self.smooth = double, smooth
        self.kernel = nnx.Param(he_uniform(rngs.params(), (*[3] * axes, c_in, c_out)))
        self.strength = nnx.Param(0.1 * jnp.ones(c_out)) if noisy else None
        self.bias = nnx.Param(jnp.zeros(c_out))
        self.asked = nnx.Param(jnp.zeros((conditions, c_out))) if conditions else None

    def __call__(self, x: Array, noise: Array | None, asked: Array | None = None) -> Array:
        """Map (n, *sides, c_in) to (n, *sides', c_out), the size of `noise`."""
        convolve = products.double_and_conv_valid if self.double else products.conv_valid
        x = convolve(x, self.kernel[...])
        if self.smooth:
            x = products.smooth_valid(x)
        x = unit(x) + self.bias[...]
        if self.asked is not None and asked is not None:
            moved = asked @ self.asked[...]
            x = x + moved.reshape(len(x), *[1] * (x.ndim - 2), -1)
        if self.strength is not None and noise is not None:
            x = x + noise * self.strength[...]
        return (leaky_relu(x, SLOPE) - CENTRE) * GAIN

    def side(self, side: int) -> int:
        """Return the side of the output for that of the input."""
        side = 2 * side - 4 if self.double else side - 2
        return side - 2 if self.smooth else side


def unit(x: Array) -> Array:
    """Scale each voxel's features to a mean square of one."""
    square = jnp.square(x.astype(jnp.float32)).mean(-1, keepdims=True)
    return x * jax.lax.rsqrt(square + 1e-6).astype(x.dtype)


class Generator(nnx.Module):
    """Latent fields to images in [-1, 1].

    Parameters
    ----------
    axes : int
        Two for images, three for volumes.
    outputs : int
        1 for grey levels; k > 2 for the probabilities of k phases, scaled to [-1, 1].
    conditions : int
        Numbers that can be asked for (see `latent`).
    grain : bool
        Whether noise is added at every resolution: for grey levels, which have grain. Phases have
        none; what should be one phase would be speckled.
    coarse : int
        At how many of the coarsest resolutions noise is added without grain.
    smoothings : int
        How often the latent field is smoothed: what is interpolated from it then varies as much at
        the nodes as between them, where linear interpolation of white noise leaves half of its
        variance.
    local, common : int
        Channels of the latent field that vary from place to place, and from image to image.
    channels : sequence of int
        Channels at each resolution, from coarse to fine; each one more doubles the size.
    """

    def __init__(
        self,
        *,
        axes: int = 2,
        outputs: int = 1,
        conditions: int = 0,
        grain: bool = True,
        coarse: int = 3,
        smoothings: int = 2,
        local: int = 48,
        common: int = 16,
        channels: Sequence[int] = (96, 64, 48, 32, 16),
        rngs: nnx.Rngs,
    ) -> None:
        self.axes, self.outputs, self.conditions = axes, outputs, conditions
        self.local, self.common, self.smoothings = local, common, smoothings
        self.stride = 2 ** (len(channels) - 1)
        widths = (local + common + conditions, *channels)
        last = len(channels) - 1
        self.stages = nnx.List(
            [
                Stage(
                    axes,
                    *pair,
                    double=i > 0,
                    smooth=i == last,
                    noisy=grain or i < coarse,
                    conditions=conditions,
                    rngs=rngs,
                )
                for i, pair in enumerate(pairwise(widths))
            ]
        )
        self.mix = Dense(channels[-1], channels[-1], rngs=rngs)
        self.out = Dense(channels[-1], outputs, rngs=rngs)

    def __call__(self, latent: Latent, *, train: bool = False, key: Array | None = None) -> Array:
        """Map a latent to images (n, *sides, outputs); nothing is random here: no `key` is used."""
        x = latent.field
        for stage, noise in zip_longest(self.stages, latent.noise):
            x = stage(x, noise, latent.asked)
        x = leaky_relu(self.mix(x), SLOPE)  # lets the finest noise differ from phase to phase
        x = self.out(x)
        return jnp.tanh(x) if self.outputs == 1 else 2 * jax.nn.softmax(x) - 1

    def latent(
        self,
        keys: Array,
        shape: Sequence[int],
        *,
        condition: Array | None = None,
        origin: Sequence[int | Array] | None = None,
        period: Sequence[int] | None = None,
    ) -> Latent:
        """Draw latents for a part of each image, at least `shape` in size.

        Parameters
        ----------
        keys : Array of keys, shape (n,)
            One for each image.
        shape : sequence of int
            Size of the part in voxels.
        condition : Array, shape (n, conditions), optional
            What is asked for; zeros, that is the average, by default.
        origin : sequence of int, optional
            First voxel of the part, multiples of `stride`; may be traced.
        period : sequence of int, optional
            Period of the image in voxels, multiples of `stride`.
        """
        sides = self.latent_shape(shape)
        corner = [0] * self.axes if origin is None else [o // self.stride for o in origin]
        wrap = None if period is None else [p // self.stride for p in period]
        wide = [side + 2 * self.smoothings for side in sides]
        windows = [Window(0, (), (), self.common), Window(1, corner, wide, self.local, wrap)]
        inner = sides
        for level, stage in enumerate(self.stages):
            if stage.strength is None:
                break
            inner = tuple(stage.side(side) for side in inner)
            scale = 2**level
            begin = [o * scale for o in corner]
            again = None if wrap is None else [p * scale for p in wrap]
            windows.append(Window(2 + level, begin, inner, 1, again))
        common, local, *noise = white(keys, windows)
        for _ in range(self.smoothings):
            local = products.smooth_valid(local)
        # Weights 1, 2, 1 of 4, n times over, are the binomials of order 2n.
        n = 2 * self.smoothings
        local = local * (4**n / comb(2 * n, n)) ** (self.axes / 2)
        asked = None
        if self.conditions:
            zeros = jnp.zeros((len(keys), self.conditions))
            asked = zeros if condition is None else jnp.asarray(condition)
            common = jnp.concatenate([common, asked], axis=-1)
        common = common.reshape(len(keys), *[1] * self.axes, -1)
        common = jnp.broadcast_to(common, (len(keys), *sides, common.shape[-1]))
        return Latent(jnp.concatenate([local, common], axis=-1), tuple(noise), asked)

    def latent_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        """Return the sides of the latent field that gives an image of `shape` or a little more.

        The first convolution takes off 2, each doubling maps s to 2s - 4, smoothing takes off 2:
        side = stride * (latent side - 6) + 2.
        """
        return tuple(-(-side // self.stride) + MARGIN for side in shape)


class Critic(nnx.Module):
    """Images to logits of being real: one a window, and as much weight again for the whole.

    Parameters
    ----------
    axes, inputs, conditions : int
        Dimensions of the images, their channels, how many numbers were asked for.
    channels : sequence of int
        Channels after each halving.
    """

    def __init__(
        self,
        *,
        axes: int = 2,
        inputs: int = 1,
        conditions: int = 0,
        channels: Sequence[int] = (32, 64, 128),
        rngs: nnx.Rngs,
    ) -> None:
        widths = (inputs, *channels)
        last = channels[-1]
        conv = partial(Conv, axes=axes, init=he_uniform)
        self.convs = nnx.List(
            [
                conv(c_in, c_out, size=4, stride=2, rngs=rngs)
                for c_in, c_out in zip(widths, channels, strict=False)
            ]
        )
        self.mix = conv(last, last, size=3, stride=1, rngs=rngs)
        self.window = Dense(last, 1, rngs=rngs)
        self.hidden = Dense(2 * last, last // 2, rngs=rngs)
        self.whole = Dense(last // 2, 1, rngs=rngs)
        self.asked = Dense(conditions, last + last // 2, rngs=rngs) if conditions else None

    def __call__(
        self,
        images: Array,
        *,
        train: bool = False,
        key: Array | None = None,
        condition: Array | None = None,
    ) -> Array:
        """Map (n, *sides, inputs) to logits (n, windows + windows / 2)."""
        x = images
        for conv in (*self.convs, self.mix):
            x = leaky_relu(conv(x), SLOPE)
        x = x.reshape(len(x), -1, x.shape[-1])
        spread = jnp.sqrt(x.var(1) + 1e-6)
        hidden = leaky_relu(self.hidden(jnp.concatenate([x.mean(1), spread], axis=-1)), SLOPE)
        windows, whole = self.window(x)[..., 0], self.whole(hidden)
        if self.asked is not None and condition is not None:
            near, far = jnp.split(self.asked(condition), [x.shape[-1]], axis=-1)
            windows = windows + jnp.einsum("npc,nc->np", x, near)
            whole = whole + (hidden * far).sum(-1, keepdims=True)
        return jnp.concatenate([windows, jnp.repeat(whole, windows.shape[1] // 2, axis=1)], axis=1)
