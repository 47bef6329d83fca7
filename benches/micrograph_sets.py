"""Good and spoilt pieces of real micrographs, for the benchmarks of classifiers.

Good pieces are cut at random; those with few features (smoothed grey levels that hardly vary) are
left out, since a person would not call them fit. Every other one is spoilt by a defect of
`microtwin.images.defects`, chosen at random, of a strength between 0.7 and 1.5. Pieces of one
micrograph have one number, so that they can be kept on one side of a split.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter

from microtwin.images import find_images, info_bar_rows
from microtwin.images.defects import DEFECTS, spoil
from microtwin.images.reading import read_pixels
from microtwin.images.sized import sized

FOLDERS = ("am_metal_tiles",)  # 50 micrographs of one material, as a preclassifier would see
TOP = {"am_metal_tiles": 160}  # rows cut off, where the sample has been mounted
FEW = 0.02  # spread of the grey levels, smoothed by 2 % of the side, below which there is nothing


@dataclass(frozen=True)
class Pieces:
    """Images (n, side, side), whether each is fit, its defect, and the number of its micrograph."""

    images: np.ndarray
    fit: np.ndarray
    defect: np.ndarray
    micrograph: np.ndarray

    def part(self, which: np.ndarray) -> "Pieces":
        return Pieces(
            self.images[which], self.fit[which], self.defect[which], self.micrograph[which]
        )


def micrographs(data: Path, folders: Sequence[str]) -> list[np.ndarray]:
    """Return the grey micrographs that there are, without bars below."""
    found = []
    for folder in folders:
        for path in find_images(data / folder) if (data / folder).is_dir() else ():
            pixels = read_pixels(path)
            grey = sized(pixels, size=pixels.shape[:2], channels=1)[..., 0]
            if grey.dtype != np.uint8:
                grey = np.rint(255 * grey).astype(np.uint8)
            found.append(grey[TOP.get(folder, 0) : len(grey) - info_bar_rows(grey)])
    return found


def pieces(
    data: Path,
    *,
    cut: int,
    side: int,
    each: int,
    folders: Sequence[str] = FOLDERS,
    defects: Sequence[str] = tuple(DEFECTS),
    seed: int = 0,
) -> Pieces:
    """Cut `each` pieces of `cut` pixels from every micrograph, half of them spoilt, at `side`."""
    images, fit, drawn, owners = [], [], [], []
    for number, grey in enumerate(micrographs(data, folders)):
        rng = np.random.default_rng((seed, number))
        if min(grey.shape) < cut:
            continue
        kept = 0
        for _ in range(20 * each):
            if kept == each:
                break
            y, x = rng.integers(0, np.array(grey.shape) - cut + 1)
            piece = grey[y : y + cut, x : x + cut]
            if gaussian_filter(piece / 255, 0.02 * cut).std() < FEW:
                continue
            name = "" if kept % 2 == 0 else str(rng.choice(defects))
            strength, start = rng.uniform(0.7, 1.5), int(rng.integers(2**31))
            if name:
                piece = spoil(piece, name, strength=strength, seed=start).image
            images.append(sized(piece, size=(side, side), channels=1)[..., 0])
            fit.append(not name)
            drawn.append(name)
            owners.append(number)
            kept += 1
    return Pieces(np.stack(images), np.array(fit), np.array(drawn), np.array(owners))


def apart(pieces: Pieces, *, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the indices of two parts that share no micrograph; the second gets `share` of them."""
    owners = np.random.default_rng(seed).permutation(np.unique(pieces.micrograph))
    held_out = np.isin(pieces.micrograph, owners[: round(share * len(owners))])
    return np.flatnonzero(~held_out), np.flatnonzero(held_out)
