"""Convolutional and dense classifiers, as their sources describe them, in Keras's conventions.

All map images (n, y, x, channels) to logits. One of two classes is a single logit where its source
has a sigmoid; where it has a softmax, there are as many logits as classes.
"""

from itertools import pairwise

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array

from microtwin.errors import InputError
from microtwin.models.layers import BatchNorm, Conv, Dense, dropout, flatten, max_pool, part


class Convolutional(nnx.Module):
    """What convolutional classifiers share: maps of features, and a head that judges them."""

    def features(self, x: Array, *, train: bool = False, key: Array | None = None) -> Array:
        """Map images to (n, y, x, c): the last convolution and its activation."""
        raise NotImplementedError

    def condense(self, maps: Array, *, train: bool = False, key: Array | None = None) -> Array:
        """Map what `features` returns to (n, d), what the last layer sees."""
        raise NotImplementedError

    out: Dense

    def head(self, maps: Array, *, train: bool = False, key: Array | None = None) -> Array:
        """Map what `features` returns to logits."""
        return self.out(self.condense(maps, train=train, key=key))

    def __call__(self, x: Array, *, train: bool = False, key: Array | None = None) -> Array:
        """Map images to logits; `key` turns dropout on."""
        return self.head(self.features(x, train=train, key=key), train=train, key=key)

    def embed(self, x: Array, *, train: bool = False, key: Array | None = None) -> Array:
        """Map images to (n, d), what the last layer sees."""
        return self.condense(self.features(x, train=train, key=key), train=train, key=key)


class Preclassifier(Convolutional):
    """Tells micrographs fit for training from others (thesis, Chetumal 2022).

    2,812,505 parameters for 320 x 320 x 1. The source gives neither its scale of grey levels nor
    the rate of its dropout; here they are -2 to 2, without which it hardly learns, and 0.2.

    Parameters
    ----------
    size, channels : int
        Side of the images in pixels, at least 38, and their channels.
    classes : int
        Two give a single logit, that of the second class.
    rngs : nnx.Rngs
        Where the initial kernels come from.
    """

    def __init__(
        self, *, size: int = 320, channels: int = 1, classes: int = 2, rngs: nnx.Rngs
    ) -> None:
        side = ((_large_enough(size, 38) - 7) // 2 - 7) // 2
        self.convs = nnx.List(
            [
                Conv(channels, 8, size=8, stride=1, padding="valid", rngs=rngs),
                Conv(8, 16, size=8, stride=1, padding="valid", rngs=rngs),
            ]
        )
        self.hidden = Dense(16 * side**2, 32, rngs=rngs)
        self.out = Dense(32, logits(classes), rngs=rngs)

    def features(self, x: Array, *, train: bool = False, key: Array | None = None) -> Array:
        """Map (n, 320, 320, 1) to (n, 149, 149, 16)."""
        x = max_pool(jax.nn.relu(self.convs[0](4 * x - 2)))
        return jax.nn.relu(self.convs[1](x))

    def condense(self, maps: Array, *, train: bool = False, key: Array | None = None) -> Array:
        """Map (n, 149, 149, 16) to (n, 32)."""
        return dropout(jax.nn.relu(self.hidden(flatten(max_pool(maps)))), 0.2, key)


class SymbolsDense(nnx.Module):
    """Two dense layers for symbols of 28 x 28 pixels (course work on E, O, Sigma, theta).

    Parameters
    ----------
    size, channels : int
        Side of the images in pixels, and their channels.
    classes : int
        How many logits.
    rngs : nnx.Rngs
        Where the initial kernels come from.
    """

    def __init__(
        self, *, size: int = 28, channels: int = 1, classes: int = 4, rngs: nnx.Rngs
    ) -> None:
        self.hidden = nnx.List([Dense(size**2 * channels, 50, rngs=rngs), Dense(50, 50, rngs=rngs)])
        self.out = Dense(50, classes, rngs=rngs)

    def __call__(self, x: Array, *, train: bool = False, key: Array | None = None) -> Array:
        """Map (n, size, size, channels) to logits (n, classes); `key` turns dropout on."""
        return self.out(self.embed(x, train=train, key=key))

    def embed(self, x: Array, *, train: bool = False, key: Array | None = None) -> Array:
        """Map images to (n, 50), what the last layer sees."""
        x = flatten(x)
        for i, dense in enumerate(self.hidden):
            x = dropout(jax.nn.relu(dense(x)), 0.5, part(key, i))
        return x


class CodeMlp(nnx.Module):
    """Two dense layers that tell anomalous codes from normal ones: 49,537 parameters for 128.

    From the degree project on robots that see (Seville 2024).

    Parameters
    ----------
    code : int
        Numbers of a code.
    classes : int
        Two give a single logit, that of the second class.
    rngs : nnx.Rngs
        Where the initial kernels come from.
    """

    def __init__(self, *, code: int = 128, classes: int = 2, rngs: nnx.Rngs) -> None:
        self.hidden = nnx.List([Dense(code, 256, rngs=rngs), Dense(256, 64, rngs=rngs)])
        self.out = Dense(64, logits(classes), rngs=rngs)

    def __call__(self, codes: Array, *, train: bool = False, key: Array | None = None) -> Array:
        """Map (n, code) to (n, 1); nothing is random here."""
        return self.out(self.embed(codes))

    def embed(self, codes: Array, *, train: bool = False, key: Array | None = None) -> Array:
        """Map codes to (n, 64), what the last layer sees."""
        for dense in self.hidden:
            codes = jax.nn.relu(dense(codes))
        return codes


class FashionCnn(Convolutional):
    """Three pairs of convolutions for Fashion-MNIST (course work, Monterrey 2023).

    306,906 parameters (305,978 trainable) for 28 x 28 x 1.

    Parameters
    ----------
    size, channels : int
        Side of the images in pixels, at least 8, and their channels.
    classes : int
        How many logits.
    rngs : nnx.Rngs
        Where the initial kernels come from.
    """

    def __init__(
        self, *, size: int = 28, channels: int = 1, classes: int = 10, rngs: nnx.Rngs
    ) -> None:
        side = _large_enough(size, 8) // 8
        widths = (channels, 32, 32, 64, 64, 128, 128)
        self.convs = nnx.List([Conv(*p, size=3, stride=1, rngs=rngs) for p in pairwise(widths)])
        self.norms = nnx.List([BatchNorm(c) for c in widths[1:]])
        self.hidden = Dense(128 * side**2, 16, rngs=rngs)
        self.norm = BatchNorm(16)
        self.out = Dense(16, classes, rngs=rngs)

    def features(self, x: Array, *, train: bool = False, key: Array | None = None) -> Array:
        """Map (n, 28, 28, 1) to (n, 7, 7, 128)."""
        for i, conv in enumerate(self.convs):
            if i > 0:
                x = self.norms[i - 1](x, train=train)
            if i in (2, 4):
                x = dropout(max_pool(x), (0.2, 0.3)[i // 2 - 1], part(key, i))
            x = jnp.tanh(conv(x))
        return x

    def condense(self, maps: Array, *, train: bool = False, key: Array | None = None) -> Array:
        """Map (n, 7, 7, 128) to (n, 16)."""
        x = dropout(max_pool(self.norms[-1](maps, train=train)), 0.4, part(key, 6))
        x = self.norm(jax.nn.relu(self.hidden(flatten(x))), train=train)
        return dropout(x, 0.5, part(key, 7))


class ChestCnn(Convolutional):
    """Six convolutions for X-rays of chests (degree project, Vic 2023).

    16,433,665 parameters for 224 x 224 x 3 and two classes. The source's L2 of 0.001 is on
    ``convs.2.kernel``; it drops half of the features where it augments its images.

    Parameters
    ----------
    size, channels : int
        Side of the images in pixels, at least 58, and their channels.
    classes : int
        Two give a single logit, that of the second class.
    rate : float
        Of dropout in front of the dense layers; 0 for none.
    rngs : nnx.Rngs
        Where the initial kernels come from.
    """

    def __init__(
        self,
        *,
        size: int = 224,
        channels: int = 3,
        classes: int = 2,
        rate: float = 0.0,
        rngs: nnx.Rngs,
    ) -> None:
        side, self.rate = _large_enough(size, 58), rate
        for shorter in (2, 4, 4, 2):
            side = (side - shorter) // 2
        widths = (channels, 32, 64, 64, 128, 128, 256)
        self.convs = nnx.List(
            [Conv(*p, size=3, stride=1, padding="valid", rngs=rngs) for p in pairwise(widths)]
        )
        self.hidden = Dense(256 * side**2, 512, rngs=rngs)
        self.out = Dense(512, logits(classes), rngs=rngs)

    def features(self, x: Array, *, train: bool = False, key: Array | None = None) -> Array:
        """Map (n, 224, 224, 3) to (n, 22, 22, 256)."""
        for i, conv in enumerate(self.convs):
            x = max_pool(x) if i in (1, 3, 5) else x
            x = jax.nn.relu(conv(x))
        return x

    def condense(self, maps: Array, *, train: bool = False, key: Array | None = None) -> Array:
        """Map (n, 22, 22, 256) to (n, 512)."""
        x = dropout(flatten(max_pool(maps)), self.rate, key)
        return jax.nn.relu(self.hidden(x))


def logits(classes: int) -> int:
    """Return how many logits tell so many classes apart where two need but a sigmoid."""
    return 1 if classes <= 2 else classes


def _large_enough(size: int, least: int) -> int:
    if size < least:
        raise InputError(f"size must be at least {least} pixels for this network, not {size}")
    return size
