"""MobileNetV2 1.0 (Sandler et al., arXiv:1801.04381), as Keras has it.

3,538,984 parameters, 2,257,984 of them in the base.
"""

from collections.abc import Sequence
from typing import Any

from flax import nnx
from jax import Array

from microtwin.models.backbone import Backbone, ConvNorm, deep_conv
from microtwin.models.layers import DepthwiseConv

# What the blocks of a row have in common: by how much channels are multiplied within, the size of
# windows, the stride of the first, the channels that leave, how many blocks.
Row = tuple[int, int, int, int, int]
ROWS = (
    (1, 3, 1, 16, 1),
    (6, 3, 2, 24, 2),
    (6, 3, 2, 32, 3),
    (6, 3, 2, 64, 4),
    (6, 3, 1, 96, 3),
    (6, 3, 2, 160, 3),
    (6, 3, 1, 320, 1),
)
STEM, LAST = 32, 1280


class Inverted(nnx.Module):
    """An inverted residual: wide within, narrow outside, one window a channel.

    Parameters
    ----------
    c_in, c_out : int
        Channels that come in and go out.
    times : int
        How many times wider it is within.
    size, stride : int
        Of the depthwise convolution.
    momentum : float
        Of the moving batch statistics.
    """

    def __init__(
        self,
        c_in: int,
        c_out: int,
        *,
        times: int,
        size: int,
        stride: int,
        momentum: float,
        rngs: nnx.Rngs,
    ) -> None:
        wide = times * c_in
        widen = pointwise(c_in, wide, momentum=momentum, rngs=rngs) if times > 1 else None
        self.expand = widen
        depthwise = DepthwiseConv(wide, size=size, stride=stride, rngs=rngs)
        self.depthwise = ConvNorm(depthwise, wide, momentum=momentum)
        self.project = pointwise(wide, c_out, momentum=momentum, linear=True, rngs=rngs)
        self.add = stride == 1 and c_in == c_out

    def __call__(self, x: Array, *, train: bool) -> Array:
        """Map (n, y, x, c_in) to (n, y/stride, x/stride, c_out)."""
        out = x if self.expand is None else self.expand(x, train=train)
        out = self.project(self.depthwise(out, train=train), train=train)
        return x + out if self.add else out


def pointwise(
    c_in: int, c_out: int, *, momentum: float, linear: bool = False, rngs: nnx.Rngs
) -> ConvNorm:
    """Make a convolution of 1x1 with batch normalisation."""
    conv = deep_conv(c_in, c_out, size=1, stride=1, bias=False, rngs=rngs)
    return ConvNorm(conv, c_out, momentum=momentum, linear=linear)


def inverted_blocks(rows: Sequence[Row], *, momentum: float, rngs: nnx.Rngs) -> nnx.List[Any]:
    """Make a convolution to half the sides, inverted residuals, and a last convolution."""
    stem = deep_conv(3, STEM, size=3, stride=2, bias=False, rngs=rngs)
    blocks: list[nnx.Module] = [ConvNorm(stem, STEM, momentum=momentum)]
    c_in = STEM
    for times, size, first, c_out, count in rows:
        for i in range(count):
            stride = first if i == 0 else 1
            blocks.append(
                Inverted(
                    c_in, c_out, times=times, size=size, stride=stride, momentum=momentum, rngs=rngs
                )
            )
            c_in = c_out
    return nnx.List([*blocks, pointwise(c_in, LAST, momentum=momentum, rngs=rngs)])


class MobileNetV2(Backbone):
    """Seventeen inverted residuals between two convolutions."""

    architecture = "mobilenetv2"
    channels = LAST

    def __init__(self, *, rngs: nnx.Rngs) -> None:
        self.blocks = inverted_blocks(ROWS, momentum=0.999, rngs=rngs)

    def preprocess(self, images: Array) -> Array:
        """Bring 0..1 to -1..1."""
        return 2 * images - 1
