"""Classifiers that read an image row by row, as in the course work on Fashion-MNIST (2023).

They have no maps of features, so there is nothing that Grad-CAM could look at.
"""

import jax
from flax import nnx
from jax import Array

from microtwin.models.layers import BatchNorm, Dense, dropout, part
from microtwin.models.recurrence import BiLstm, SimpleRnn


class FashionRnn(nnx.Module):
    """Three simple recurrent layers: 135,498 parameters (135,370 trainable) for 28 x 28 x 1.

    Parameters
    ----------
    size, channels : int
        Width and channels of the images; any number of rows will do.
    classes : int
        How many logits.
    rngs : nnx.Rngs
        Where the initial kernels come from.
    """

    def __init__(
        self, *, size: int = 28, channels: int = 1, classes: int = 10, rngs: nnx.Rngs
    ) -> None:
        self.layers = nnx.List(
            [
                SimpleRnn(size * channels, 256, rngs=rngs),
                SimpleRnn(256, 128, rngs=rngs),
                SimpleRnn(128, 64, rngs=rngs),
            ]
        )
        self.norm = BatchNorm(64)
        self.out = Dense(64, classes, rngs=rngs)

    def __call__(self, x: Array, *, train: bool = False, key: Array | None = None) -> Array:
        """Map (n, rows, size, channels) to logits (n, classes)."""
        return self.out(self.embed(x, train=train, key=key))

    def embed(self, x: Array, *, train: bool = False, key: Array | None = None) -> Array:
        """Map images to (n, 64), what the last layer sees; nothing is random here."""
        x = _rows(x)
        for layer in self.layers:
            x = layer(x)
        return self.norm(x[-1], train=train)


class FashionBiLstm(nnx.Module):
    """Two bidirectional LSTMs and two dense layers: 1,340,042 parameters for 28 x 28 x 1.

    The source does not name the activation of the dense layers; it is ReLU here.

    Parameters
    ----------
    size, channels : int
        Width and channels of the images; any number of rows will do.
    classes : int
        How many logits.
    rngs : nnx.Rngs
        Where the initial kernels come from.
    """

    def __init__(
        self, *, size: int = 28, channels: int = 1, classes: int = 10, rngs: nnx.Rngs
    ) -> None:
        self.layers = nnx.List(
            [
                BiLstm(size * channels, 256, rngs=rngs),
                BiLstm(512, 128, rngs=rngs),
            ]
        )
        self.hidden = nnx.List([Dense(256, 256, rngs=rngs), Dense(256, 128, rngs=rngs)])
        self.out = Dense(128, classes, rngs=rngs)

    def __call__(self, x: Array, *, train: bool = False, key: Array | None = None) -> Array:
        """Map (n, rows, size, channels) to logits (n, classes); `key` turns dropout on."""
        return self.out(self.embed(x, train=train, key=key))

    def embed(self, x: Array, *, train: bool = False, key: Array | None = None) -> Array:
        """Map images to (n, 128), what the last layer sees."""
        x = self.layers[1].last(self.layers[0](_rows(x)))
        for i, dense in enumerate(self.hidden):
            x = dropout(jax.nn.relu(dense(x)), 0.3, part(key, i))
        return x


def _rows(images: Array) -> Array:
    """Turn images (n, y, x, c) into sequences (y, n, x * c)."""
    return images.reshape(*images.shape[:2], -1).swapaxes(0, 1)
