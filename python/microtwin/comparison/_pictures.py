"""Structures as small PNG pictures that an HTML file can carry in itself."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from microtwin.comparison.result import Comparison

GAP = 2  # white pixels between the tiles of a mosaic

Array = npt.NDArray[Any]
Bytes = npt.NDArray[np.uint8]


def count_phases(comparison: Comparison) -> int:
    """Return one more than the highest label there is."""
    return max(label for m in comparison.members for label in m.description.voxels) + 1


def grey_of_labels(labels: Array, phases: int) -> Bytes:
    """Return labels as greys, phase 0 nearly black and the last nearly white."""
    levels = np.linspace(24, 238, max(phases, 2)).astype(np.uint8)
    return np.asarray(levels[np.minimum(labels, phases - 1)])


def grey_levels(images: Sequence[Array]) -> list[Bytes]:
    """Return grey images of any type as bytes, all on one scale that leaves out stray pixels."""
    low, high = np.percentile(np.concatenate([np.ravel(image) for image in images]), (0.2, 99.8))
    scale = 255 / (high - low if high > low else 1)
    return [
        np.clip((np.asarray(image, np.float32) - low) * scale, 0, 255).astype(np.uint8)
        for image in images
    ]


def evenly(items: Sequence[Any], count: int) -> list[Any]:
    """Return so many of the items, or all, spread evenly from the first to the last."""
    places = np.linspace(0, len(items) - 1, min(count, len(items))).round().astype(int)
    return [items[int(place)] for place in places]


def mosaic(tiles: Sequence[Bytes], *, columns: int) -> Bytes:
    """Return 2-D tiles side by side, in rows, with a little white between; cropped to the least."""
    height, width = (min(tile.shape[axis] for tile in tiles) for axis in (0, 1))
    rows = -(-len(tiles) // columns)
    full = (rows * (height + GAP) - GAP, columns * (width + GAP) - GAP)
    result = np.full(full, 255, np.uint8)
    for i, tile in enumerate(tiles):
        y, x = i // columns * (height + GAP), i % columns * (width + GAP)
        result[y : y + height, x : x + width] = tile[:height, :width]
    return result


def faces(labels: Array, phases: int) -> tuple[Bytes, Bytes, Bytes]:
    """Return the top, front and side of a volume (z up), as they meet on a cube."""
    grey = grey_of_labels(labels, phases)
    top, front, side = grey[0], grey[:, -1], grey[:, ::-1, -1]
    return top, front, side


def middle_slices(labels: Array, phases: int) -> tuple[Bytes, Bytes, Bytes]:
    """Return the slices through the middle of a volume across z, y and x."""
    grey = grey_of_labels(labels, phases)
    z, y, x = (side // 2 for side in grey.shape)
    return grey[z], grey[:, y], grey[:, :, x]
