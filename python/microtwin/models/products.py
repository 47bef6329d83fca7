"""Convolutions rearranged: the same numbers as XLA's, in forms that are faster on CPUs.

On a CPU, XLA runs plain convolutions of images well (with the options of
`microtwin.learning.devices.compiler_options`), but not those of volumes, nor transposed or dilated
ones, nor those of a single channel, nor those that are really one matrix product. Each function
here is an exact rearrangement. Images are (batch, *sides, channels) with two sides or three,
kernels (*sides, in, out), as in Keras.
"""

import math
from string import ascii_lowercase

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from microtwin.learning.devices import accelerated

_IMAGES = ("NHWC", "HWIO", "NHWC")


def space_to_depth(x: Array, block: int) -> Array:
    """Turn blocks of `block` voxels a side into channels: (n, y, x, c) -> (n, y/b, x/b, b*b*c)."""
    n, *sides, c = x.shape
    d = len(sides)
    x = x.reshape(n, *(s for side in sides for s in (side // block, block)), c)
    x = x.transpose(0, *range(1, 2 * d, 2), *range(2, 2 * d + 1, 2), 2 * d + 1)
    return x.reshape(n, *(side // block for side in sides), block**d * c)


def depth_to_space(x: Array, block: int) -> Array:
    """Undo `space_to_depth`: (n, y, x, b*b*c) -> (n, y*b, x*b, c)."""
    n, *sides, depth = x.shape
    d = len(sides)
    c = depth // block**d
    x = x.reshape(n, *sides, *[block] * d, c)
    x = x.transpose(0, *(axis for i in range(d) for axis in (1 + i, 1 + d + i)), 2 * d + 1)
    return x.reshape(n, *(side * block for side in sides), c)


def along(vector: Array, x: Array) -> Array:
    """Repeat a vector (c,) at every place of `x` (..., c), to be added to it or multiplied by it.

    That is what would happen by itself; but here most of the vector's gradient is a product with
    ones. XLA takes ten times as long for sums over all axes but the last on CPUs.
    """
    if accelerated():
        return vector
    parts, each = _parts(x)
    one = jnp.broadcast_to(vector, (each, len(vector))).reshape(1, -1)
    return (jnp.ones((parts, 1), vector.dtype) @ one).reshape(x.shape)


def mean_of_places(x: Array) -> Array:
    """Average over all axes but the last: (..., c) -> (c,). Why not plainly, see `along`."""
    if accelerated():
        return x.mean(range(x.ndim - 1))
    parts, each = _parts(x)
    mean = jnp.full(parts, 1 / parts, x.dtype) @ x.reshape(parts, -1)
    return mean.reshape(each, -1).mean(0)


def _parts(x: Array) -> tuple[int, int]:
    """Divide the places of (..., c) into parts: their number, the places in each.

    Products add up one after the other: the fewer parts, the smaller the error of rounding.
    """
    places = x.size // x.shape[-1]
    parts = next(n for n in range(math.isqrt(places), 0, -1) if places % n == 0)
    return parts, places // parts


def max_pool(x: Array, *, size: int, stride: int) -> Array:
    """Take the largest in windows of (n, y, x, c), as many as fit.

    Where several are the largest, the gradient goes to the first of them, as in Keras and PyTorch.
    Of XLA's windows of 2 x 2 the gradients take fifteen times as long on CPUs.
    """
    if size == stride == 2 and not accelerated():
        n, high, wide, c = x.shape
        x = x[:, : high // 2 * 2, : wide // 2 * 2]
        x = x.reshape(n, high // 2, 2, wide // 2, 2, c)
        x = _larger(x[:, :, :, :, 0], x[:, :, :, :, 1])
        return _larger(x[:, :, 0], x[:, :, 1])
    window, steps = (1, size, size, 1), (1, stride, stride, 1)
    largest: Array = lax.reduce_window(x, -jnp.inf, lax.max, window, steps, "VALID")
    return largest


def _larger(first: Array, second: Array) -> Array:
    """Return the larger, the first of equals; what is not a number stays seen."""
    return jnp.where((first >= second) | jnp.isnan(first), first, second)


def conv_valid(x: Array, kernel: Array, *, stride: int = 1) -> Array:
    """Convolve without padding."""
    if x.ndim == 5 and stride == 1 and not accelerated():
        return _conv_by_planes(x, kernel)
    names = ("NDHWC", "DHWIO", "NDHWC") if x.ndim == 5 else _IMAGES
    return lax.conv_general_dilated(
        x, kernel, [stride] * (x.ndim - 2), "VALID", dimension_numbers=names
    )


def _conv_by_planes(x: Array, kernel: Array) -> Array:
    """Convolve volumes plane by plane, as many images whose channels are those of several planes.

    Convolutions of images run two to four times as fast as those of volumes, gradients as well.
    """
    depth, *sizes, c_in, c_out = kernel.shape
    n, planes, *sides, _ = x.shape
    left = planes - depth + 1
    near = jnp.concatenate([x[:, k : k + left] for k in range(depth)], axis=-1)
    flat = jnp.moveaxis(kernel, 0, -3).reshape(*sizes, depth * c_in, c_out)
    images = conv_valid(near.reshape(n * left, *sides, depth * c_in), flat)
    return images.reshape(n, left, *images.shape[1:])


def pad_same(x: Array, size: int, stride: int, *, wider: int = 0) -> Array:
    """Pad with zeros for windows of `size`, so that ceil(side / stride) of them fit.

    Windows that are `wider` at their far ends begin at the same places.
    """
    ends = []
    for side in x.shape[1:-1]:
        more = (-(-side // stride) - 1) * stride + size - side
        before = max(more, 0) // 2
        ends.append((before, max(more + wider - before, 0)))
    return jnp.pad(x, ((0, 0), *ends, (0, 0)))


def conv_same(x: Array, kernel: Array, *, stride: int) -> Array:
    """Convolve with a stride and "same" zero padding (as TensorFlow and XLA define it).

    Where windows are a whole number of strides wide, blocks of voxels become channels, and a plain
    convolution or product is left. On CPUs, where the gradients of strided convolutions are slow,
    windows are widened to that by zeros.
    """
    size, (c_in, c_out), d = kernel.shape[0], kernel.shape[-2:], kernel.ndim - 2
    if stride == 1 and d == 2:  # XLA's own padding: of ours, the gradient would be computed too
        return lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=_IMAGES)
    wider = 0 if accelerated() else -size % stride
    x = pad_same(x, size, stride, wider=wider)
    kernel = jnp.pad(kernel, (*[(0, wider)] * d, (0, 0), (0, 0)))
    size += wider
    if stride == 1 or size % stride:
        return conv_valid(x, kernel, stride=stride)
    taps = size // stride
    kernel = kernel.reshape(*[taps, stride] * d, c_in, c_out)
    kernel = kernel.transpose(*range(0, 2 * d, 2), *range(1, 2 * d, 2), 2 * d, 2 * d + 1)
    kernel = kernel.reshape(*[taps] * d, stride**d * c_in, c_out)
    return conv_valid(space_to_depth(x, stride), kernel)


def conv_transposed(x: Array, kernel: Array, *, stride: int) -> Array:
    """Convolve transposed, with "same" padding: (n, *sides, in) -> (n, *sides * stride, out).

    It is the transpose of the convolution with stride and "same" padding, as in Keras, and so is
    the order of its kernel: (*sizes, out, in). `stride` must not exceed the size of the kernel.

    Output voxel ``stride * m + r`` is a sum of input voxels around m with taps that depend on r
    alone: a plain convolution that makes all r as channels.
    """
    size, (c_out, c_in), d = kernel.shape[0], kernel.shape[-2:], kernel.ndim - 2
    before = (size - stride) // 2  # what the convolution pads; its tap `before` is at m itself
    later, sooner = -(-before // stride), (size - 1 - before) // stride
    taps = sooner + later + 1
    front = later * stride - before
    kernel = jnp.pad(kernel, (*[(front, taps * stride - size - front)] * d, (0, 0), (0, 0)))
    kernel = kernel.reshape(*[taps, stride] * d, c_out, c_in)
    kernel = jnp.flip(kernel, range(0, 2 * d, 2))
    kernel = kernel.transpose(*range(0, 2 * d, 2), 2 * d + 1, *range(1, 2 * d, 2), 2 * d)
    kernel = kernel.reshape(*[taps] * d, c_in, stride**d * c_out)
    x = jnp.pad(x, ((0, 0), *[(sooner, later)] * d, (0, 0)))
    return depth_to_space(conv_valid(x, kernel), stride)


def depthwise_same(x: Array, kernel: Array, *, stride: int) -> Array:
    """Convolve each channel of images with its own window, (y, x, c); "same" padding.

    A sum of shifted images, each times its tap, which XLA makes one loop of. Grouped convolutions
    take many times as long on CPUs.
    """
    rows, columns, _ = kernel.shape
    high, wide = (-(-side // stride) for side in x.shape[1:3])
    x = pad_same(x, rows, stride)
    out = jnp.zeros((len(x), high, wide, x.shape[-1]), x.dtype)
    for i in range(rows):
        for j in range(columns):
            down, right = (
                slice(k, k + (n - 1) * stride + 1, stride) for k, n in ((i, high), (j, wide))
            )
            out = out + x[:, down, right] * kernel[i, j]
    return out


def conv_same_in_blocks(x: Array, kernel: Array, *, block: int) -> Array:
    """Convolve with stride 1 and "same" padding, for images (y, x) of one or few channels.

    XLA is slow where there is no matrix product in a convolution, as with one channel. Seen in
    blocks of b x b pixels the same convolution has b*b*c channels on both sides; its kernel is a
    Toeplitz matrix made of shifted copies of `kernel`.
    """
    size, _, c_in, c_out = kernel.shape
    taps = -(-(size + block - 1) // block)  # how many blocks one block of output looks at
    before = (size - 1) // 2
    after = (taps - 1) * block - before
    x = jnp.pad(x, ((0, 0), (before, after), (before, after), (0, 0)))
    reach = taps * block - size
    shifted = jnp.stack(
        [
            jnp.pad(kernel, ((i, reach - i), (j, reach - j), (0, 0), (0, 0)))
            for i in range(block)
            for j in range(block)
        ],
        axis=-2,
    )  # (taps*block, taps*block, in, block*block, out)
    shifted = shifted.reshape(taps, block, taps, block, c_in, block**2 * c_out)
    shifted = shifted.transpose(0, 2, 1, 3, 4, 5)
    shifted = shifted.reshape(taps, taps, block**2 * c_in, block**2 * c_out)
    return depth_to_space(conv_valid(space_to_depth(x, block), shifted), block)


def double_and_conv_valid(x: Array, kernel: Array) -> Array:
    """Double by linear interpolation along each axis, then convolve 3x3 (3x3x3); no padding.

    Both steps are linear, so they are one convolution at the low resolution that makes all voxels
    of a doubled one at a time: (n, y, x, in) -> (n, 2y - 4, 2x - 4, out).
    """
    d, (c_in, c_out) = kernel.ndim - 2, kernel.shape[-2:]
    pixels, lows, taps = (ascii_lowercase[i * d : (i + 1) * d] for i in range(3))
    each = [p + low + t for p, low, t in zip(pixels, lows, taps, strict=True)]
    rule = f"{','.join(each)},{taps}yz->{lows}y{pixels}z"
    low = jnp.einsum(rule, *[_LINEAR.astype(kernel.dtype)] * d, kernel, optimize="optimal")
    return depth_to_space(conv_valid(x, low.reshape(*[3] * d, c_in, 2**d * c_out)), 2)


# _LINEAR[pixel, l, t]: how much of tap t at the high resolution falls on pixel l of the low one,
# for the even and the odd pixel of a pair. High pixels lie 1/4 off the low ones.
_LINEAR = np.array(
    [
        [[0.75, 0.25, 0.0], [0.25, 0.75, 0.75], [0.0, 0.0, 0.25]],
        [[0.25, 0.0, 0.0], [0.75, 0.75, 0.25], [0.0, 0.25, 0.75]],
    ],
    dtype=np.float32,
)


def smooth_valid(x: Array) -> Array:
    """Average with the neighbours, weights [1, 2, 1] / 4 along each axis, without padding."""
    for axis in range(1, x.ndim - 1):
        inner = x.shape[axis] - 2
        left, middle, right = (lax.slice_in_dim(x, i, i + inner, axis=axis) for i in range(3))
        x = (left + 2 * middle + right) / 4
    return x
