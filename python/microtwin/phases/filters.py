"""What a pixel classifier looks at: how the grey levels around a pixel vary, at several scales.

scikit-image's `multiscale_basic_features` has no structure tensor and no local deviation, and does
not say how far its filters reach, which is what makes blocks agree with the whole to the last bit.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import reduce
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

TRUNCATE = 3.0  # standard deviations after which a Gaussian filter ends
EDGE = "nearest"  # what lies outside the image


@dataclass(frozen=True, slots=True)
class Levels:
    """The grey levels that become 0 and 1 before the filters."""

    low: float
    high: float

    def of(self, grey: npt.NDArray[Any]) -> Floats:
        """Return `grey` as float32, scaled and never clipped."""
        scaled = grey.astype(np.float32)
        scaled -= np.float32(self.low)
        scaled /= np.float32(self.high - self.low)
        return scaled


@dataclass(frozen=True, slots=True)
class Filters:
    """The filters of one number of dimensions at some scales.

    All of them turn with the image: a structure looks the same in every direction.

    Parameters
    ----------
    ndim : int
        2 or 3.
    scales : tuple of float
        Standard deviations in voxels of the Gaussian filters.
    """

    ndim: int
    scales: tuple[float, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """What each feature is, in order."""
        kinds = ["mean", "excess", "deviation", "gradient", "laplacian", "curvature"]
        kinds += ["curvature shape"] * (self.ndim == 3)
        kinds += ["edges", "direction"]
        kinds += ["direction shape"] * (self.ndim == 3)
        return ("grey level", *(f"{kind} {scale:g}" for scale in self.scales for kind in kinds))

    @property
    def reach(self) -> int:
        """How many voxels around a voxel its features depend on."""
        return max(_reach(scale) for scale in self.scales)

    def features(self, grey: npt.NDArray[Any], block: tuple[slice, ...], levels: Levels) -> Floats:
        """Return the features of all voxels of a block, shape (features, voxels).

        Parameters
        ----------
        grey : ndarray
            The whole image; only the block and what is within reach are touched.
        block : tuple of slice
            One for each axis, with start and stop.
        levels : Levels
            Of the whole image.
        """
        voxels = int(np.prod([part.stop - part.start for part in block]))
        result = np.empty((len(self.names), voxels), np.float32)
        result[0] = levels.of(grey[block]).ravel()
        row = 1
        for scale in self.scales:
            outer, inner = _around(block, _reach(scale), grey.shape)
            for found in _at(scale, levels.of(np.asarray(grey[outer]))):
                result[row] = found[inner].ravel()
                row += 1
        return result


def _reach(scale: float) -> int:
    """Return the reach of the structure tensor: two Gaussian filters and a difference between."""
    return 2 * _radius(scale) + 1


def _radius(scale: float) -> int:
    return int(TRUNCATE * scale + 0.5)  # as scipy.ndimage has it


def _around(
    block: tuple[slice, ...], reach: int, shape: tuple[int, ...]
) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Return the block with what is within reach, and where the block is in that."""
    outer, inner = [], []
    for part, side in zip(block, shape, strict=True):
        start = max(0, part.start - reach)
        outer.append(slice(start, min(side, part.stop + reach)))
        inner.append(slice(part.start - start, part.stop - start))
    return tuple(outer), tuple(inner)


def _at(scale: float, grey: Floats) -> Iterator[Floats]:
    """Yield the features of one scale."""
    axes = range(grey.ndim)
    pairs = list(combinations_with_replacement(axes, 2))
    mean = _smooth(grey, scale)
    yield mean
    yield grey - mean
    yield np.sqrt(np.maximum(_smooth(grey * grey, scale) - mean * mean, 0))
    slopes = [_slope(mean, axis) for axis in axes]
    yield np.sqrt(_sum(slope * slope for slope in slopes))
    yield from _invariants({(a, b): _slope(slopes[a], b) for a, b in pairs}, grey.ndim)
    products = {(a, b): _smooth(slopes[a] * slopes[b], scale) for a, b in pairs}
    energy, *shape = _invariants(products, grey.ndim)
    yield np.sqrt(np.maximum(energy, 0))
    yield from shape


def _smooth(grey: Floats, scale: float) -> Floats:
    from scipy.ndimage import gaussian_filter

    return np.asarray(gaussian_filter(grey, scale, mode=EDGE, truncate=TRUNCATE))


def _slope(grey: Floats, axis: int) -> Floats:
    from scipy.ndimage import correlate1d

    return np.asarray(correlate1d(grey, [-0.5, 0, 0.5], axis, mode=EDGE))


def _invariants(tensor: dict[tuple[int, int], Floats], ndim: int) -> list[Floats]:
    """Return what a symmetric tensor has in any system of axes, without its eigenvalues.

    These are its trace, the norm of the rest, and in three dimensions the cubic root of the
    determinant of the rest, which tells sheets from rods. The eigenvalues say the same, but those
    of a volume take longer than all the filters.
    """
    trace = _sum(tensor[a, a] for a in range(ndim))
    share = trace / np.float32(ndim)
    rest = {(a, b): part - share if a == b else part for (a, b), part in tensor.items()}
    square = _sum(part * part * np.float32(1 + (a != b)) for (a, b), part in rest.items())
    found = [trace, np.sqrt(square)]
    if ndim == 3:
        x, y, z = rest[0, 0], rest[1, 1], rest[2, 2]
        yz, xz, xy = rest[1, 2], rest[0, 2], rest[0, 1]
        determinant = x * (y * z - yz * yz) - xy * (xy * z - yz * xz) + xz * (xy * yz - y * xz)
        found.append(np.cbrt(determinant))
    return found


def _sum(parts: Iterable[Floats]) -> Floats:
    return reduce(np.add, parts)
