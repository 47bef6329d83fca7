"""How a study looks at its images: at which scale, which part is held out, which patches."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from microtwin.errors import InputError
from microtwin.images import ScaledImage
from microtwin.statistics import two_point

REACH = 256  # the largest lag that is looked at for a correlation length
LENGTHS = 8  # correlation lengths that the patch of a generator should hold
FEW = 32  # patches that all images together should hold at the least, at the working scale
BY_IMAGE = 6  # from so many files on whole files are held out
EVERY = 3  # one file in three is held out, or the last third of each
OVERLAP_BELOW = 8  # with fewer patches than this, neighbours may overlap by half

Array = npt.NDArray[Any]


def correlation_length(labels: Sequence[Array]) -> float:
    """Return the lag in pixels at which the two-point correlation has fallen to 1/e of its start.

    Half the shortest side, or `REACH`, where it has not fallen so far by then.
    """
    reach = min(REACH, *(min(image.shape) // 2 for image in labels))
    curves = np.array(
        [two_point(image, phase=1, max_lag=reach, device="cpu").mean for image in labels]
    )
    # Each image about its own fraction: that fractions differ between images is no correlation.
    fractions = curves[:, :1]
    about = (curves - fractions**2).mean(axis=0)
    correlation = about / max(about[0], np.finfo(float).tiny)
    below = np.flatnonzero(correlation < 1 / math.e)
    if not len(below):
        return float(reach)
    lag = int(below[0])
    before, after = correlation[lag - 1], correlation[lag]
    return float(lag - 1 + (before - 1 / math.e) / (before - after))


def roughness(labels: Sequence[Array]) -> float:
    """Return the drop of the two-point probability over the first lag, over that of the second.

    About one for smooth interfaces, by which S2 falls in a straight line at first. Noise of single
    pixels is uncorrelated: it adds to the first drop alone.
    """
    curves = [two_point(image, phase=1, max_lag=2, device="cpu").mean for image in labels]
    first, second = -np.diff(np.mean(curves, axis=0))
    return float(first / second) if second > 0 else np.inf


def working_factor(images: Sequence[Array], *, length: float, size: int, patch: int) -> int:
    """Return by which whole number to shrink images before they are cut into patches.

    So far that `size` pixels hold `LENGTHS` correlation lengths, as long as each image still holds
    two patches a side and all together hold `FEW`.
    """
    wanted = max(1, round(length * LENGTHS / size))
    for factor in range(wanted, 1, -1):
        sides = [[side // factor for side in image.shape] for image in images]
        holds = sum((y // patch) * (x // patch) for y, x in sides)
        if min(min(pair) for pair in sides) >= 2 * patch and holds >= FEW:
            return factor
    return 1


@dataclass(frozen=True)
class Split:
    """Images to learn from, images to judge by, and how they were told apart."""

    training: list[ScaledImage]
    held_out: list[ScaledImage]
    how: str


def split(files: Sequence[Sequence[ScaledImage]], *, patch: int) -> Split:
    """Hold a part out: whole files where there are enough, else a part of each."""
    for file in files:
        for image in file:
            if min(image.shape) < patch:
                raise InputError(
                    f"images must be at least {patch} x {patch} pixels (at the working scale); "
                    f"{image.source or 'one'} is {image.shape[0]} x {image.shape[1]}"
                )
    if len(files) >= BY_IMAGE:
        held = [image for i, file in enumerate(files) if i % EVERY == 1 for image in file]
        rest = [image for i, file in enumerate(files) if i % EVERY != 1 for image in file]
        return Split(rest, held, f"every third of {len(files)} files")
    parts = [_cut(file, patch) for file in files]
    if all(part is not None for part in parts):
        rest = [image for part in parts if part for image in part[0]]
        held = [image for part in parts if part for image in part[1]]
        return Split(rest, held, "the last part of each image or volume")
    if len(files) > 1:
        return Split(
            [image for file in files[:-1] for image in file], list(files[-1]), "the last file"
        )
    return Split(list(files[0]), list(files[0]), "")


def tiles(images: Sequence[Array], *, patch: int, most: int) -> list[tuple[int, slice, slice]]:
    """Return where to cut square patches: the image, its rows, its columns.

    Side by side, in the middle of each image; overlapping by half where that gives too few.
    """
    for step in (patch, max(1, patch // 2)):
        places = [
            (i, slice(y, y + patch), slice(x, x + patch))
            for i, image in enumerate(images)
            for y in _starts(image.shape[0], patch, step)
            for x in _starts(image.shape[1], patch, step)
        ]
        if len(places) >= OVERLAP_BELOW:
            break
    chosen = np.linspace(0, len(places) - 1, min(most, len(places))).round().astype(int)
    return [places[int(k)] for k in chosen]


def _starts(side: int, patch: int, step: int) -> range:
    count = (side - patch) // step + 1
    first = (side - patch - (count - 1) * step) // 2
    return range(first, first + count * step, step)


def _cut(
    file: Sequence[ScaledImage], patch: int
) -> tuple[list[ScaledImage], list[ScaledImage]] | None:
    """Return the first two thirds and the last third of a file, or None if it is too small."""
    if len(file) >= EVERY:  # slices of a volume
        last = len(file) - len(file) // EVERY
        return list(file[:last]), list(file[last:])
    axis = int(np.argmax(file[0].shape))
    side = file[0].shape[axis]
    held = max(patch, side // EVERY)
    if side - held < patch:
        return None
    before, after = slice(0, side - held), slice(side - held, side)
    if axis == 0:
        return [image[before] for image in file], [image[after] for image in file]
    return [image[:, before] for image in file], [image[:, after] for image in file]
