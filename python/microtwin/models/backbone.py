"""What the ImageNet networks have in common: a base of convolutions and a top of dense layers.

They take images as everything here does, (n, y, x, channels) in 0..1, and bring them themselves to
what their weights were trained on; grey images are taken as three equal channels. The weights
are read by `microtwin.models.weights`.
"""

from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from math import prod
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array

from microtwin import _validate
from microtwin.errors import InputError
from microtwin.models.classifiers import logits
from microtwin.models.layers import BatchNorm, Conv, Dense, dropout, flatten, he_on_host

deep_conv = partial(Conv, init=he_on_host)
SIZE = 224  # what all of them were trained at
SMALLEST = 32  # they halve the sides five times
CLASSES = 1000


class Backbone(nnx.Module):
    """The blocks of a network, one after the other, without its dense layers.

    Attributes
    ----------
    architecture : str
        Its name in the registry and in the table of weight files.
    channels : int
        Of the maps it returns.
    hidden : tuple of int
        Sizes of the dense layers between it and the logits of ImageNet.
    average : bool
        Whether those see the average of its maps, or all of them.
    blocks : nnx.List
        Each is called ``block(x, train=)``.
    """

    architecture: ClassVar[str]
    channels: ClassVar[int]
    hidden: ClassVar[tuple[int, ...]] = ()
    average: ClassVar[bool] = True

    blocks: nnx.List[Any]

    def __init__(self, *, rngs: nnx.Rngs) -> None:
        raise NotImplementedError

    def preprocess(self, images: Array) -> Array:
        """Bring RGB images in 0..1 to the colours and the range of the training on ImageNet."""
        raise NotImplementedError

    def features(self, images: Array, *, train: bool = False, key: Array | None = None) -> Array:
        """Map images (n, y, x, 1 or 3) in 0..1 to the maps after the last convolution."""
        if images.shape[-1] == 1:
            images = jnp.repeat(images, 3, axis=-1)
        x = self.preprocess(images)
        for block in self.blocks:
            x = block(x, train=train)
        return x

    def finish(self, maps: Array) -> Array:
        """Map `features` to what the dense layers see, where something is in between."""
        return maps

    def __call__(self, images: Array, *, train: bool = False, key: Array | None = None) -> Array:
        """Map images (n, y, x, 1 or 3) in 0..1 to maps, 32 times smaller."""
        return self.finish(self.features(images, train=train, key=key))

    def embed(self, images: Array, *, train: bool = False, key: Array | None = None) -> Array:
        """Map images to the averages of the maps, (n, channels)."""
        return self(images, train=train, key=key).mean((1, 2))

    @staticmethod
    def side(size: int) -> int:
        """Return the side of the maps for that of the images."""
        return -(-size // 32)


class Top(nnx.Module):
    """Dense layers that turn maps into logits.

    Parameters
    ----------
    shape : tuple of int
        Of the maps, (y, x, c).
    classes : int
        How many logits.
    hidden : sequence of int
        Sizes of the dense ReLU layers before them.
    average : bool
        Whether the layers see the average of the maps, or all of them, one after the other.
    rate : float
        Of dropout before the logits.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        *,
        classes: int,
        hidden: Sequence[int],
        average: bool,
        rate: float = 0.0,
        rngs: nnx.Rngs,
    ) -> None:
        self.average, self.rate = average, rate
        sizes = [shape[-1] if average else prod(shape), *hidden]
        self.hidden = nnx.List([Dense(*pair, rngs=rngs) for pair in pairwise(sizes)])
        self.out = Dense(sizes[-1], classes, rngs=rngs)

    def codes(self, maps: Array) -> Array:
        """Map (n, y, x, c) to the vectors that the first dense layer takes."""
        return maps.mean((1, 2)) if self.average else flatten(maps)

    def embed(self, codes: Array) -> Array:
        """Map codes to what the last dense layer takes, (n, d)."""
        for dense in self.hidden:
            codes = jax.nn.relu(dense(codes))
        return codes

    def __call__(self, codes: Array, *, train: bool = False, key: Array | None = None) -> Array:
        """Map codes to logits (n, classes); `key` turns dropout on."""
        return self.out(dropout(self.embed(codes), self.rate, key))


class BackboneClassifier(nnx.Module):
    """A backbone in `base` and dense layers in `top`.

    Parameters
    ----------
    base : Backbone
        The convolutions.
    top : Top
        The dense layers.
    transfer : bool
        Whether only the base is ImageNet's, and `top` for classes of one's own.
    frozen : bool
        Whether the base stays as it is: its moving batch statistics are used and left alone in
        training too, and no gradient goes into it.
    """

    def __init__(self, base: Backbone, top: Top, *, transfer: bool, frozen: bool) -> None:
        self.base, self.top = base, top
        self.transfer, self.frozen = transfer, frozen

    def features(self, images: Array, *, train: bool = False, key: Array | None = None) -> Array:
        """Map images (n, y, x, 1 or 3) in 0..1 to the maps after the last convolution."""
        maps = self.base.features(images, train=train and not self.frozen, key=key)
        return jax.lax.stop_gradient(maps) if train and self.frozen else maps

    def head(self, maps: Array, *, train: bool = False, key: Array | None = None) -> Array:
        """Map `features` to logits (n, classes); `key` turns dropout on."""
        return self.top(self.top.codes(self.base.finish(maps)), train=train, key=key)

    def __call__(self, images: Array, *, train: bool = False, key: Array | None = None) -> Array:
        """Map images (n, y, x, 1 or 3) in 0..1 to logits (n, classes)."""
        return self.head(self.features(images, train=train, key=key), train=train, key=key)

    def codes(self, images: Array, *, train: bool = False, key: Array | None = None) -> Array:
        """Map images to what `top` takes, (n, d).

        Of a frozen base they need be computed only once.
        """
        return self.top.codes(self.base.finish(self.features(images, train=train, key=key)))

    def from_codes(self, codes: Array, *, train: bool = False, key: Array | None = None) -> Array:
        """Map `codes` to logits (n, classes); `key` turns dropout on."""
        return self.top(codes, train=train, key=key)

    def embed(self, images: Array, *, train: bool = False, key: Array | None = None) -> Array:
        """Map images to the activations before the last dense layer, (n, d)."""
        return self.top.embed(self.codes(images, train=train, key=key))


def imagenet(
    kind: type[Backbone],
    *,
    classes: int = CLASSES,
    size: int = SIZE,
    channels: int = 3,
    top: bool = True,
    rngs: nnx.Rngs,
) -> Backbone | BackboneClassifier:
    """Make a network as it was published, or without `top` its base alone.

    Parameters
    ----------
    kind : type
        The backbone.
    classes : int
        How many logits.
    size : int
        Side of the images in pixels.
    channels : int
        Of the images: 3, or 1 for grey ones. Nothing in the network depends on it.
    top : bool
        Whether it has its dense layers.
    rngs : nnx.Rngs
        Where the initial weights come from.
    """
    shape = _maps(kind, size, channels)
    _validate.integer(classes, name="classes", minimum=1)
    base = kind(rngs=rngs)
    if not top:
        return base
    dense = Top(shape, classes=classes, hidden=kind.hidden, average=kind.average, rngs=rngs)
    return BackboneClassifier(base, dense, transfer=False, frozen=False)


def transfer(
    kind: type[Backbone],
    *,
    classes: int = 2,
    size: int = SIZE,
    channels: int = 3,
    hidden: Sequence[int] = (256,),
    average: bool = False,
    rate: float = 0.0,
    frozen: bool = True,
    rngs: nnx.Rngs,
) -> BackboneClassifier:
    """Make a network for classes of one's own on the base of one for ImageNet.

    Parameters
    ----------
    kind : type
        The backbone.
    classes : int
        How many; two are told by a single logit.
    size, channels
        As in `imagenet`.
    hidden, average, rate
        As in `Top`.
    frozen : bool
        Whether the base stays as it is.
    rngs : nnx.Rngs
        Where the initial weights come from.
    """
    shape = _maps(kind, size, channels)
    outputs = logits(_validate.integer(classes, name="classes", minimum=1))
    base = kind(rngs=rngs)
    dense = Top(shape, classes=outputs, hidden=hidden, average=average, rate=rate, rngs=rngs)
    return BackboneClassifier(base, dense, transfer=True, frozen=frozen)


def _maps(kind: type[Backbone], size: int, channels: int) -> tuple[int, int, int]:
    """Return the shape (y, x, c) of the maps for that of the images."""
    side = kind.side(_validate.integer(size, name="size", minimum=SMALLEST))
    if channels not in (1, 3):
        raise InputError(f"channels must be 1 or 3 for this network, not {channels}")
    return side, side, kind.channels


class ConvNorm(nnx.Module):
    """A convolution without bias, batch normalisation, and ReLU6 unless `linear`."""

    def __init__(
        self,
        conv: nnx.Module,
        channels: int,
        *,
        momentum: float,
        linear: bool = False,
    ) -> None:
        self.conv, self.linear = conv, linear
        self.norm = BatchNorm(channels, momentum=momentum)

    def __call__(self, x: Array, *, train: bool) -> Array:
        """Map (n, y, x, c_in) to (n, y, x, channels)."""
        x = self.norm(self.conv(x), train=train)
        return x if self.linear else jax.nn.relu6(x)
