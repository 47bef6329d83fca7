"""Autoencoders of images, by which anomalies are told: what was never seen is not restored.

The five of a degree project on robots that see (Seville 2024), and that of the paper which it
follows (Mantegazza et al. 2022), whose 16,606,851 parameters are known. Of the project only layers
are known, not counts. What its description leaves open is, here:

- kernels are 3 x 3 throughout, padding is "same";
- every layer but the code and the last is followed by a LeakyReLU (slope 0.3), those that make the
  first maps of the decoder included; the code and the last layer are linear;
- the "embedding" of v2 and v3 is the code of 128 itself, from which a dense layer goes on;
- v3 is v2 begun he-normal (`start` can be glorot-uniform): its penalties, as all, are no part of
  the network;
- v4 halves with a stride, as v2 does.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

from flax import nnx
from jax import Array

from microtwin.errors import InputError
from microtwin.models.layers import (
    Conv,
    Dense,
    TransposedConv,
    double,
    flatten,
    glorot,
    he_normal,
    leaky_relu,
    max_pool,
)

STARTS = {"glorot-uniform": glorot, "he-normal": he_normal}


class Autoencoder(nnx.Module):
    """Images to codes and back.

    Parameters
    ----------
    down : sequence of int
        Channels of the convolutions of the encoder, each of which halves the sides.
    first : int
        Channels of the maps that the decoder begins with.
    up : sequence of int
        Channels of its transposed convolutions, each of which doubles the sides, but for the last
        one to the channels of the images.
    mix : int, optional
        Channels of a convolution between `first` and `up`.
    pools : bool
        Whether sides are halved by max-pooling and doubled by repetition, and the last transposed
        convolution follows after all doublings, rather than by strides.
    size, channels : int
        Side of the images in pixels, and their channels.
    code : int
        Numbers of a code.
    start : {"glorot-uniform", "he-normal"}
        How kernels begin.
    rngs : nnx.Rngs
        Where the initial kernels come from.

    Raises
    ------
    InputError
        If `size` cannot be halved and doubled as often as the network does.
    """

    def __init__(
        self,
        *,
        down: Sequence[int] = (32, 64, 128),
        first: int = 128,
        up: Sequence[int] = (64, 32),
        mix: int | None = None,
        pools: bool = False,
        size: int = 64,
        channels: int = 3,
        code: int = 128,
        start: Literal["glorot-uniform", "he-normal"] = "glorot-uniform",
        rngs: nnx.Rngs,
    ) -> None:
        init, stride = STARTS[start], 1 if pools else 2
        doublings = len(up) if pools else len(up) + 1
        whole = 2 ** max(len(down), doublings)
        if size < whole or size % whole:
            raise InputError(f"size must be a multiple of {whole} pixels here, not {size}")
        inner, self.base, self.pools = size // 2 ** len(down), size // 2**doublings, pools
        self.down = nnx.List(
            [
                Conv(*pair, size=3, stride=stride, init=init, rngs=rngs)
                for pair in pairwise((channels, *down))
            ]
        )
        self.code = Dense(inner**2 * down[-1], code, init=init, rngs=rngs)
        self.wide = Dense(code, self.base**2 * first, init=init, rngs=rngs)
        self.mix = Conv(first, mix, size=3, stride=1, init=init, rngs=rngs) if mix else None
        self.up = nnx.List(
            [
                TransposedConv(*pair, size=3, stride=stride, init=init, rngs=rngs)
                for pair in pairwise((mix or first, *up, channels))
            ]
        )

    def __call__(self, x: Array, *, train: bool = False, key: Array | None = None) -> Array:
        """Map images (n, size, size, channels) to what is left of them; nothing is random here."""
        return self.decode(self.encode(x))

    def encode(self, x: Array, *, train: bool = False, key: Array | None = None) -> Array:
        """Map images (n, size, size, channels) to codes (n, code)."""
        for conv in self.down:
            x = leaky_relu(conv(x))
            x = max_pool(x) if self.pools else x
        return self.code(flatten(x))

    def decode(self, code: Array, *, train: bool = False, key: Array | None = None) -> Array:
        """Map codes (n, code) to images (n, size, size, channels)."""
        x = leaky_relu(self.wide(code)).reshape(len(code), self.base, self.base, -1)
        if self.mix is not None:
            x = leaky_relu(self.mix(x))
        *doubling, last = self.up
        for conv in doubling:
            x = leaky_relu(conv(x))
            x = double(x) if self.pools else x
        return last(x)
