"""Micrographs made ready for training: on one grey scale, with their porosity and threshold."""

import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from microtwin import _validate
from microtwin.errors import InputError
from microtwin.images import find_images, random_patches, read_image, to_float
from microtwin.images.catalogue import Catalogue
from microtwin.phases import threshold_of

Grey = npt.NDArray[np.float32]

MOST_PHASES = 8  # images with no more distinct values than this are labels, not grey levels
TAILS = (0.5, 99.5)  # percentiles: charging and dead pixels do not count as a phase
LABEL_LIMITS = (-0.1, 1.1)  # a generator cannot reach -1 and 1 exactly, and its critic would see it
ISOTROPIC = 1.25  # axes alike: structure functions along y and x within this ratio
LAGS = (2, 4, 8, 16)


@dataclass(frozen=True)
class TrainingSet:
    """Images on one grey scale, and what their phases are.

    Attributes
    ----------
    images : tuple of ndarray of float32
        2-D grey levels in [0, 1]; for labels 0..k-1, label / (k - 1).
    thresholds : tuple of float
        Grey levels between the phases, ascending.
    fractions : tuple of float
        Fraction of each phase, darkest first; the first is the porosity.
    limits : (float, float)
        The 0.1 and 99.9 percentiles of the grey levels; `LABEL_LIMITS` for labels.
    isotropic : bool
        Whether the structure is the same along y and x, so that patches may be turned.
    spacing : tuple of float or None
        Pixel edges in metres, where all images have the same.
    """

    images: tuple[Grey, ...]
    thresholds: tuple[float, ...]
    fractions: tuple[float, ...]
    limits: tuple[float, float]
    isotropic: bool
    spacing: tuple[float, ...] | None

    @classmethod
    def of(cls, images: Any, *, match: bool = True) -> "TrainingSet":
        """Read and prepare `images`, given as in `train_gan`."""
        arrays = _arrays(images)
        found = {getattr(array, "spacing", None) for array in arrays}
        spacing = found.pop() if len(found) == 1 else None
        values = _distinct(arrays)
        if len(values) == 1:
            raise InputError(
                f"images must show at least two phases, but all their values are {values[0]:g}"
            )
        thresholds: tuple[float, ...]
        if len(values) <= MOST_PHASES:
            top = len(values) - 1
            greys = [(np.searchsorted(values, a) / top).astype(np.float32) for a in arrays]
            thresholds = tuple((i + 0.5) / top for i in range(top))
            limits = LABEL_LIMITS
        else:
            greys = [np.asarray(to_float(array)) for array in arrays]
            if match and len(greys) > 1:
                greys = matched(greys)
            thresholds = (threshold_of(greys),)
            pooled = np.concatenate([grey.ravel() for grey in greys])
            low, high = np.percentile(pooled, (0.1, 99.9))
            limits = (float(low), float(high))
        return cls(
            images=tuple(greys),
            thresholds=thresholds,
            fractions=_fractions(greys, thresholds),
            limits=limits,
            isotropic=_isotropic(greys),
            spacing=spacing,
        )

    @property
    def digest(self) -> str:
        """A short name for exactly these pixels."""
        digest = hashlib.sha256()
        for image in self.images:
            digest.update(str(image.shape).encode())
            digest.update(np.ascontiguousarray(image).tobytes())
        return digest.hexdigest()[:12]

    def check_holds(self, size: int) -> None:
        """Raise InputError unless a patch of `size` fits into every image."""
        for i, image in enumerate(self.images):
            if min(image.shape) < size:
                raise InputError(
                    f"images must be at least {size}x{size} pixels for this preset; "
                    f"image {i} is {image.shape[0]}x{image.shape[1]}"
                )


class Batches:
    """The patches of step i, which depend on the seed and i alone.

    Patches are cut for many steps at a time, because each cut looks at all images once.

    Parameters
    ----------
    images : sequence of ndarray
        What to cut from.
    size, batch : int
        Side of a patch; how many a step.
    seed : int
        Of the run.
    turn : bool
        Whether patches are turned by right angles; they are always mirrored.
    low, high : float
        The grey levels that become -1 and 1.
    """

    STEPS = 16

    def __init__(
        self,
        images: Sequence[Grey],
        *,
        size: int,
        batch: int,
        seed: int,
        turn: bool,
        low: float,
        high: float,
    ) -> None:
        self._images, self._size, self._batch = images, size, batch
        self._seed, self._turn = seed, turn
        self._low, self._high = low, high
        self._chapter = -1
        self._patches: Grey = np.empty(0, np.float32)

    def __call__(self, step: int) -> Grey:
        """Return (batch, size, size, 1) in the networks' scale."""
        chapter, place = divmod(step, self.STEPS)
        if chapter != self._chapter:
            seed = int(np.random.default_rng([self._seed, chapter]).integers(2**63))
            self._patches = random_patches(
                self._images,
                size=self._size,
                count=self._batch * self.STEPS,
                seed=seed,
                rotations=self._turn,
            )
            self._chapter = chapter
        patches = self._patches[place * self._batch : (place + 1) * self._batch, ..., None]
        return (patches - self._low) * np.float32(2 / (self._high - self._low)) - 1


def matched(images: Sequence[Grey]) -> list[Grey]:
    """Bring micrographs taken at different brightness and contrast to one grey scale.

    Each image is split in two by Otsu's threshold; its levels are shifted and stretched so that the
    means of its dark and of its bright part become the averages over all images. Fractions of
    the phases are not touched, as equalising histograms would.
    """
    means = np.array([_class_means(image) for image in images])
    low, high = means.mean(axis=0)
    return [
        np.clip((image - dark) * ((high - low) / (bright - dark)) + low, 0, 1).astype(np.float32)
        for image, (dark, bright) in zip(images, means, strict=True)
    ]


def _class_means(image: Grey) -> tuple[float, float]:
    inner = np.clip(image, *np.percentile(image, TAILS))
    if inner.min() == inner.max():
        raise InputError(f"images must not be constant; one is {inner.min():g} all over")
    bright = inner > threshold_of(inner)
    return float(inner[~bright].mean()), float(inner[bright].mean())


def _arrays(images: Any) -> list[npt.NDArray[Any]]:
    if isinstance(images, str | os.PathLike):
        return [read_image(path) for path in find_images(images)]
    if isinstance(images, Catalogue):
        return [read_image(entry.path) for entry in images]
    several = isinstance(images, Iterable) and not hasattr(images, "__array__")
    items = list(images) if several else [images]
    arrays: list[npt.NDArray[Any]] = []
    for item in items:
        if isinstance(item, str | os.PathLike):
            arrays += _arrays(item)
            continue
        array = _validate.image(item, name="images")
        arrays += list(array) if array.ndim == 3 else [array]
    if not arrays:
        raise InputError("images must not be empty: there is none")
    return arrays


def _distinct(arrays: Iterable[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    """Return the distinct values of all images, or the first few where they are many."""
    values = np.empty(0)
    for array in arrays:
        values = np.union1d(values, array)
        if len(values) > MOST_PHASES:
            break
    return values


def _fractions(images: Sequence[Grey], thresholds: Sequence[float]) -> tuple[float, ...]:
    counts = np.zeros(len(thresholds) + 1, np.int64)
    for image in images:
        labels = np.digitize(image, thresholds, right=True)
        counts += np.bincount(labels.ravel(), minlength=len(counts))
    fractions = counts / counts.sum()
    if fractions.min() == 0:
        raise InputError("images must show at least two phases; they come out as one")
    return tuple(float(fraction) for fraction in fractions)


def _isotropic(images: Sequence[Grey]) -> bool:
    """Compare the mean squared differences over a few lags along y and along x."""
    differences = np.zeros(2)
    for image in images:
        for lag in LAGS:
            if lag < min(image.shape):
                differences[0] += np.square(image[lag:] - image[:-lag]).mean()
                differences[1] += np.square(image[:, lag:] - image[:, :-lag]).mean()
    low, high = sorted(differences)
    return bool(high <= ISOTROPIC * low)
