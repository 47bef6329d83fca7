"""The layers that the networks are made of, with Keras's conventions.

Keras's defaults differ from Flax's: glorot-uniform kernels, batch normalisation with epsilon 1e-3
and momentum 0.99, LeakyReLU with slope 0.3. Randomness (dropout) comes in as a key and the mode as
`train`, so that a network is a plain function of its state and arguments.
"""

from collections.abc import Sequence
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import Array

from microtwin.models import products

glorot = nnx.initializers.glorot_uniform()
he_normal = nnx.initializers.he_normal()
he_uniform = nnx.initializers.he_uniform()


def he_on_host(key: Array, shape: Sequence[int], dtype: Any = jnp.float32) -> Array:
    """Draw as `he_uniform` does, by NumPy.

    Drawing by JAX is compiled for each shape anew: of the 50 kernels of a deep network that takes
    longer than all the rest, and most of them are then overwritten by pretrained weights.
    """
    limit = np.float32(np.sqrt(6 / np.prod(shape[:-1])))

    def draw(data: Any) -> Any:
        seed = np.asarray(data).tolist()
        return limit * (2 * np.random.default_rng(seed).random(shape, np.float32) - 1)

    data = jax.random.key_data(key)
    if not isinstance(data, jax.core.Tracer):
        return jnp.asarray(draw(data), dtype)
    drawn: Any = jax.eval_shape(lambda: jnp.zeros(shape, np.float32))
    return jnp.asarray(jax.pure_callback(draw, drawn, data), dtype)


def leaky_relu(x: Array, slope: float = 0.3) -> Array:
    """Keras's LeakyReLU."""
    return jnp.where(x >= 0, x, slope * x)


def dropout(x: Array, rate: float, key: Array | None) -> Array:
    """Drop entries with probability `rate` and scale the others up; nothing without a `key`."""
    if key is None or rate == 0:
        return x
    keep = jax.random.bernoulli(key, 1 - rate, x.shape)
    return jnp.where(keep, x / (1 - rate), 0)


def part(key: Array | None, i: int) -> Array | None:
    """Return the key of the i-th random layer, so that no two of them draw the same."""
    return None if key is None else jax.random.fold_in(key, i)


def max_pool(x: Array, size: int = 2) -> Array:
    """Halve the sides of (n, y, x, c): the largest in windows; an odd row or column is left out.

    Where several are the largest, the gradient goes to the first of them, as in Keras.
    """
    return products.max_pool(x, size=size, stride=2)


def double(x: Array) -> Array:
    """Repeat each pixel of (n, y, x, c) twice along both sides, as Keras's UpSampling2D does."""
    n, height, width, c = x.shape
    x = jnp.broadcast_to(x[:, :, None, :, None], (n, height, 2, width, 2, c))
    return x.reshape(n, 2 * height, 2 * width, c)


def flatten(x: Array) -> Array:
    """Turn (n, ...) into (n, d)."""
    return x.reshape(len(x), -1)


class BatchNorm(nnx.Module):
    """Batch normalisation over all axes but the last, mean and variance in one pass.

    Parameters
    ----------
    channels : int
        Size of the last axis.
    """

    def __init__(self, channels: int, *, momentum: float = 0.99, epsilon: float = 1e-3) -> None:
        self.momentum, self.epsilon = momentum, epsilon
        self.scale = nnx.Param(jnp.ones(channels))
        self.bias = nnx.Param(jnp.zeros(channels))
        self.mean = nnx.BatchStat(jnp.zeros(channels))
        self.var = nnx.BatchStat(jnp.ones(channels))

    def __call__(self, x: Array, *, train: bool) -> Array:
        """Normalise `x` by its own statistics while training, by the moving ones otherwise."""
        if train:
            mean = products.mean_of_places(x)
            var = jnp.maximum(products.mean_of_places(x * x) - mean * mean, 0)
            self.mean[...] = self.momentum * self.mean[...] + (1 - self.momentum) * mean
            self.var[...] = self.momentum * self.var[...] + (1 - self.momentum) * var
        else:
            mean, var = self.mean[...], self.var[...]
        gain = self.scale[...] * jax.lax.rsqrt(var + self.epsilon)
        shift = self.bias[...] - mean * gain
        return x * products.along(gain, x) + products.along(shift, x)


class Dense(nnx.Module):
    """A fully connected layer with bias."""

    def __init__(
        self, c_in: int, c_out: int, *, init: nnx.Initializer = glorot, rngs: nnx.Rngs
    ) -> None:
        self.kernel = nnx.Param(init(rngs.params(), (c_in, c_out)))
        self.bias = nnx.Param(jnp.zeros(c_out))

    def __call__(self, x: Array) -> Array:
        """Map (..., c_in) to (..., c_out)."""
        return _plus(x @ self.kernel[...], self.bias)


class Conv(nnx.Module):
    """A convolution in `axes` dimensions, with a bias or without.

    `padding` is "same", "valid", or how many zeros to put at both ends of each axis; `block` as in
    `products.conv_same_in_blocks`, for "same" padding only.
    """

    def __init__(
        self,
        c_in: int,
        c_out: int,
        *,
        size: int,
        stride: int,
        axes: int = 2,
        padding: Literal["same", "valid"] | int = "same",
        bias: bool = True,
        block: int = 1,
        init: nnx.Initializer = glorot,
        rngs: nnx.Rngs,
    ) -> None:
        self.stride, self.padding, self.block = stride, padding, block
        self.kernel = nnx.Param(init(rngs.params(), (*[size] * axes, c_in, c_out)))
        self.bias = nnx.Param(jnp.zeros(c_out)) if bias else None

    def __call__(self, x: Array) -> Array:
        """Map (n, *sides, c_in) to (n, *sides/stride, c_out), or less where nothing is padded."""
        kernel = self.kernel[...]
        if self.block > 1:
            x = products.conv_same_in_blocks(x, kernel, block=self.block)
        elif self.padding == "same":
            x = products.conv_same(x, kernel, stride=self.stride)
        else:
            ends = 0 if self.padding == "valid" else self.padding
            x = jnp.pad(x, ((0, 0), *[(ends, ends)] * (x.ndim - 2), (0, 0)))
            x = products.conv_valid(x, kernel, stride=self.stride)
        return x if self.bias is None else _plus(x, self.bias)


class TransposedConv(nnx.Module):
    """A transposed convolution of images with bias and "same" padding.

    Its kernel is Keras's: (y, x, out, in).
    """

    def __init__(
        self,
        c_in: int,
        c_out: int,
        *,
        size: int,
        stride: int,
        init: nnx.Initializer = glorot,
        rngs: nnx.Rngs,
    ) -> None:
        self.stride = stride
        self.kernel = nnx.Param(init(rngs.params(), (size, size, c_out, c_in)))
        self.bias = nnx.Param(jnp.zeros(c_out))

    def __call__(self, x: Array) -> Array:
        """Map (n, y, x, c_in) to (n, y * stride, x * stride, c_out)."""
        return _plus(products.conv_transposed(x, self.kernel[...], stride=self.stride), self.bias)


class DepthwiseConv(nnx.Module):
    """A convolution of images, each channel with its own window; "same" padding, no bias."""

    def __init__(self, channels: int, *, size: int, stride: int, rngs: nnx.Rngs) -> None:
        self.stride = stride
        start = he_on_host(rngs.params(), (size, size, 1, channels))
        self.kernel = nnx.Param(start[:, :, 0])

    def __call__(self, x: Array) -> Array:
        """Map (n, y, x, channels) to (n, y/stride, x/stride, channels)."""
        return products.depthwise_same(x, self.kernel[...], stride=self.stride)


def _plus(x: Array, bias: nnx.Param[Array]) -> Array:
    return x + products.along(bias[...], x)
