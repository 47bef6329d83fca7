"""Convolutions rearranged: the same numbers as XLA's, in forms that are faster on CPUs.

On a CPU, XLA runs plain convolutions of many channels well, but not transposed or dilated ones,
those of a single channel, and those that are really one matrix product. Each function here is an
exact rearrangement. Images are (batch, y, x, channels), kernels (y, x, in, out), as in Keras.
"""

import jax.numpy as jnp
import numpy as np
from jax import Array, lax


def space_to_depth(x: Array, block: int) -> Array:
    """Turn blocks of (block, block) pixels into channels: (n, y, x, c) -> (n, y/b, x/b, b*b*c)."""
    n, height, width, c = x.shape
    x = x.reshape(n, height // block, block, width // block, block, c)
    x = x.transpose(0, 1, 3, 2, 4, 5)
    return x.reshape(n, height // block, width // block, block * block * c)


def depth_to_space(x: Array, block: int) -> Array:
    """Undo `space_to_depth`: (n, y, x, b*b*c) -> (n, y*b, x*b, c)."""
    n, height, width, depth = x.shape
    c = depth // block**2
    x = x.reshape(n, height, width, block, block, c)
    x = x.transpose(0, 1, 3, 2, 4, 5)
    return x.reshape(n, height * block, width * block, c)


def conv_valid(x: Array, kernel: Array, *, stride: int = 1) -> Array:
    """Convolve without padding, by XLA."""
    return lax.conv_general_dilated(
        x, kernel, (stride, stride), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC")
    )


def conv_same(x: Array, kernel: Array, *, stride: int) -> Array:
    """Convolve with a stride and "same" zero padding (as TensorFlow and XLA define it).

    Where the windows do not overlap, blocks of pixels become channels and one product is left.
    `stride` must divide the sides of the image.
    """
    size, _, c_in, c_out = kernel.shape
    if size == stride:
        return space_to_depth(x, stride) @ kernel.reshape(stride**2 * c_in, c_out)
    before = (size - stride) // 2
    after = size - stride - before
    x = jnp.pad(x, ((0, 0), (before, after), (before, after), (0, 0)))
    return conv_valid(x, kernel, stride=stride)


def conv_same_in_blocks(x: Array, kernel: Array, *, block: int) -> Array:
    """Convolve with stride 1 and "same" padding, for images of one or few channels.

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
    """Double the image by bilinear interpolation, then convolve 3x3; nothing is padded.

    Both steps are linear, so they are one convolution 3x3 at the low resolution that makes four
    pixels at a time: (n, y, x, in) -> (n, 2y - 4, 2x - 4, out).
    """
    size, _, c_in, c_out = kernel.shape
    low = jnp.einsum("pay,qbx,yxio->abipqo", _BILINEAR, _BILINEAR, kernel)
    return depth_to_space(conv_valid(x, low.reshape(size, size, c_in, 4 * c_out)), 2)


# _BILINEAR[pixel, l, t]: how much of tap t at the high resolution falls on pixel l of the low one,
# for the even and the odd pixel of a pair. High pixels lie 1/4 off the low ones.
_BILINEAR = np.array(
    [
        [[0.75, 0.25, 0.0], [0.25, 0.75, 0.75], [0.0, 0.0, 0.25]],
        [[0.25, 0.0, 0.0], [0.75, 0.75, 0.25], [0.0, 0.25, 0.75]],
    ],
    dtype=np.float32,
)


def smooth_valid(x: Array) -> Array:
    """Average with the neighbours, weights [1, 2, 1] / 4 along each axis, without padding."""
    x = (x[:, :-2] + 2 * x[:, 1:-1] + x[:, 2:]) / 4
    return (x[:, :, :-2] + 2 * x[:, :, 1:-1] + x[:, :, 2:]) / 4
