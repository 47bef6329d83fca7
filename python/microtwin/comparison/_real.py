"""The real material as a study sees it: scale, phases, patches to anneal to and to judge by."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from microtwin import _validate
from microtwin.comparison import _sampling
from microtwin.comparison._inputs import Inputs
from microtwin.images import ScaledImage
from microtwin.phases import threshold_of
from microtwin.statistics import Description

MOST_PATCHES = 64  # that twins are judged by, and as many that are described to anneal to
SMOOTHING = (0.0, 0.7, 1.0, 1.4, 2.0)  # standard deviations in pixels that are tried, up to ...
ROUGH = 1.5  # ... the first that leaves the phases no rougher than this; see `roughness`
LEVELS = 4095
FEW_LENGTHS = 5  # correlation lengths in a patch below which it is said to show little
ANISOTROPY = 1.25  # ratio of the structure's lengths along the axes from which it is mentioned

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Real:
    """The real material as a study sees it.

    Attributes
    ----------
    factor, patch : int
        By how much the images were shrunk; side of the patches in pixels, after that.
    smooth : float
        Standard deviation in pixels of the filter before the threshold.
    length : float
        Correlation length in pixels.
    threshold : float or None
        Grey level between the phases; None for labels.
    split : Split
        Which images are held out.
    training, held_out : list of ScaledImage
        Labels of the patches.
    held_out_greys : list of ScaledImage
        Grey levels of the patches held out; none where the images are labels.
    training_images : list of ScaledImage
        Labels of all that was learned from.
    """

    factor: int
    patch: int
    smooth: float
    length: float
    threshold: float | None
    split: _sampling.Split
    training: list[ScaledImage]
    held_out: list[ScaledImage]
    held_out_greys: list[ScaledImage]
    training_images: list[ScaledImage]

    def notes(self, target: Description, *, baseline: str) -> list[str]:
        """Say in sentences how the images were looked at."""
        shrunk = f", after shrinking the images {self.factor} times," if self.factor > 1 else ""
        sentences = [
            f"A patch is {self.patch} pixels wide{shrunk} and holds "
            f"{self.patch / self.length:.1f} correlation lengths of {self.length:.1f} pixels."
        ]
        if self.patch < FEW_LENGTHS * self.length:
            sentences.append(
                "That is few: the images hardly show more than one piece of the structure, or they "
                "are unevenly lit."
            )
        if self.split.how:
            sentences.append(
                f"Held out to judge by: {self.split.how}. The twins know the training part only; "
                f"“{baseline}” tells how far real is from real."
            )
        else:
            sentences.append(
                "The image is too small to hold a part out: the twins are judged by what they were "
                "made from."
            )
        if self.threshold is not None:
            sentences.append(
                "The phases are told apart by one threshold for all images (Otsu's, on the "
                f"training part): {self.threshold:.3f} of the grey range."
            )
        if self.smooth:
            sentences.append(
                "Noise is taken out before the threshold, of real and generated images alike, by a "
                f"Gaussian filter of {self.smooth:g} pixels."
            )
        ratio = _anisotropy(target)
        if ratio > ANISOTROPY:
            sentences.append(
                f"The structure is not the same in both directions: along one it changes "
                f"{ratio:.1f} times as fast."
            )
        return sentences


def prepare(
    inputs: Inputs, *, recipe: Any, smooth: str | float, scale: str | int, patch: int | None
) -> Real:
    """Choose scale and patches, hold a part out, tell the phases apart."""
    if patch is not None:
        _validate.integer(patch, name="patch", minimum=16)
    side = patch or recipe.size
    images = inputs.images
    if scale == "auto":
        sigma, level = (0.0, None) if inputs.labelled else _phases(images, smooth)
        length = _sampling.correlation_length(_cut(images, sigma, level))
        factor = _sampling.working_factor(images, length=length, size=recipe.size, patch=side)
    else:
        smallest = min(min(image.shape) for image in images)
        factor = _validate.integer(scale, name="scale", minimum=1, maximum=smallest)
    files = inputs.scaled(factor).files
    if patch is None and recipe.any_size and _fits(files, 2 * side):
        side *= 2
    split = _sampling.split(files, patch=side)
    sigma, level = (0.0, None) if inputs.labelled else _phases(split.training, smooth)
    places = _sampling.tiles(split.held_out, patch=side, most=MOST_PATCHES)
    training = _cut(split.training, sigma, level)
    return Real(
        factor=factor,
        patch=side,
        smooth=sigma,
        length=_sampling.correlation_length(training),
        threshold=level,
        split=split,
        training=_at(training, _sampling.tiles(training, patch=side, most=MOST_PATCHES)),
        held_out=_at(_cut(split.held_out, sigma, level), places),
        held_out_greys=[] if inputs.labelled else _at(split.held_out, places),
        training_images=training,
    )


def smoothed(greys: Array, sigma: float) -> Array:
    """Return one image, or a stack of images, with the noise of single pixels taken out."""
    if sigma == 0:
        return greys
    from scipy.ndimage import gaussian_filter

    return np.asarray(gaussian_filter(np.asarray(greys), sigma, axes=(-2, -1)))


def _phases(images: Sequence[ScaledImage], smooth: str | float) -> tuple[float, float]:
    """Return how much to smooth, and the common threshold after that."""
    if smooth == "auto":
        tried: Sequence[float] = SMOOTHING
    else:
        tried = [_validate.real(smooth, name="smooth", minimum=0.0)]
    for sigma in tried:
        level = _threshold(images, sigma)
        if len(tried) == 1 or _sampling.roughness(_cut(images, sigma, level)) <= ROUGH:
            break
    return sigma, level


def _threshold(images: Sequence[ScaledImage], sigma: float) -> float:
    """Return Otsu's threshold of all images together, which lie between 0 and 1."""
    # Whole numbers are counted many times faster, and these are as fine as the histogram.
    levels = (np.rint(smoothed(image, sigma) * LEVELS).astype(np.uint16) for image in images)
    return threshold_of(levels) / LEVELS


def _cut(images: Sequence[ScaledImage], sigma: float, level: float | None) -> list[ScaledImage]:
    """Return images as labels; a single one may well show one phase only."""
    if level is None:
        return list(images)
    return [
        ScaledImage((smoothed(image, sigma) > level).astype(np.uint8), spacing=image.spacing)
        for image in images
    ]


def _at(images: Sequence[ScaledImage], places: Sequence[tuple[int, slice, slice]]) -> Any:
    return [images[i][y, x] for i, y, x in places]


def _fits(files: Sequence[Sequence[Array]], side: int) -> bool:
    """Whether the images hold a few patches of a size."""
    shapes = [image.shape for file in files for image in file]
    count = sum((y // side) * (x // side) for y, x in shapes)
    return bool(min(min(shape) for shape in shapes) >= side and count >= _sampling.FEW)


def _anisotropy(target: Description) -> float:
    """Return by how much the structure changes faster along one axis than along the other."""
    near = slice(1, 1 + max(1, target.max_lag // 8))
    drops = target.porosity - target.two_point.values[:, near].mean(axis=1)
    return float(drops.max() / max(drops.min(), 1e-12))
