"""Micrographs made ready for training: on one grey scale, with their porosity and threshold."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from microtwin.errors import InputError
from microtwin.generation.cutting import porosities
from microtwin.generation.reading import Files, Mapped, by_direction, opened
from microtwin.images import to_float
from microtwin.images.patches import Places
from microtwin.phases import threshold_of
from microtwin.phases.histogram import Histogram

Array = npt.NDArray[Any]
Grey = npt.NDArray[np.float32]
Shapes = list[list[tuple[int, ...]]]

MOST_PHASES = 8  # images with no more distinct values than this are labels, not grey levels
TAILS = (0.5, 99.5)  # percentiles: charging and dead pixels do not count as a phase
LIMITS = (0.001, 0.999)
LABEL_LIMITS = (-0.1, 1.1)  # a generator cannot reach -1 and 1 exactly, and its critic would see it
ISOTROPIC = 1.25  # axes alike: structure functions along them within this ratio
LAGS = (2, 4, 8, 16)
FINE = 4095  # grey levels told apart when they are counted
HELD_OUT = 6  # one part in so many is for validation
PORTIONS = 512  # patches whose porosity is looked at


@dataclass(frozen=True)
class Validation:
    """What is held out of training to judge by.

    Attributes
    ----------
    sets : tuple of sequence of ndarray
        As in `TrainingSet`.
    how : str
        How it was held out; "" where it was not, and the training images serve.
    """

    sets: tuple[Sequence[Array], ...]
    how: str


@dataclass(frozen=True)
class TrainingSet:
    """Images on one grey scale, and what their phases are.

    Attributes
    ----------
    sets : tuple of sequence of ndarray
        One sequence of images, or three: normal to z, y and x. Grey levels in [0, 1] (float32), or
        labels 0..k-1 (uint8) of three phases or more. Labels of two phases are grey levels 0 and 1.
    shapes : tuple of list of tuple of int
        Of these images, which may have to be read.
    validation : Validation
        What is not trained on.
    phases : int
        How many.
    labelled : bool
        Whether the images are labels, not grey levels.
    thresholds : tuple of float
        Grey levels between the phases, ascending; none for labels of three phases or more.
    fractions : tuple of float
        Fraction of each phase, darkest first; the first is the porosity.
    limits : (float, float)
        The 0.1 and 99.9 percentiles of the grey levels; `LABEL_LIMITS` for labels.
    isotropic : bool
        Whether the structure is the same along all axes, so that patches may be turned.
    spacing : tuple of float or None
        Voxel edges in metres, where all images have the same.
    digest : str
        A short name for exactly these voxels.
    streamed : bool
        Whether images are read from their files when they are needed.
    """

    sets: tuple[Sequence[Array], ...]
    shapes: tuple[list[tuple[int, ...]], ...]
    validation: Validation
    phases: int
    labelled: bool
    thresholds: tuple[float, ...]
    fractions: tuple[float, ...]
    limits: tuple[float, float]
    isotropic: bool
    spacing: tuple[float, ...] | None
    digest: str
    streamed: bool

    @classmethod
    def of(
        cls,
        images: Any,
        *,
        size: int,
        axes: int = 2,
        match: bool = True,
        stream: bool | None = None,
        validate: bool = True,
    ) -> "TrainingSet":
        """Read and prepare `images`, given as in `train_gan`, for patches of `size`."""
        given = [opened(part, axes=axes, stream=stream) for part in by_direction(images)]
        shapes, spacing, values = _looked_at(given, axes=axes)
        if len(values) == 1:
            raise InputError(
                f"images must show at least two phases, but all their values are {values[0]:g}"
            )
        _check_hold(shapes, size)
        thresholds: tuple[float, ...] = ()
        limits = LABEL_LIMITS
        labelled = len(values) <= MOST_PHASES
        phases = len(values) if labelled else 2
        if labelled:
            kind = np.float32 if phases == 2 else np.uint8
            sets = [
                _seen(part, lambda image, _: np.searchsorted(values, image).astype(kind))
                for part in given
            ]
            thresholds = (0.5,) if phases == 2 else ()
        else:
            sets = [_seen(part, lambda image, _: np.asarray(to_float(image))) for part in given]
            if match and sum(map(len, sets)) > 1:
                sets = matched(sets)
            thresholds = (threshold_of(_rounded(sets)),)
            limits = _percentiles(sets)
        digest, fractions = _digest(sets), _fractions(sets, thresholds, phases)
        isotropic = len(sets) == 1 and _isotropic(sets[0], phases)
        validation = Validation(tuple(sets), "")
        if validate:
            sets, shapes, validation = _split(sets, shapes, size=size)
        return cls(
            sets=tuple(sets),
            shapes=tuple(shapes),
            validation=validation,
            phases=phases,
            labelled=labelled,
            thresholds=thresholds,
            fractions=fractions,
            limits=limits,
            isotropic=isotropic,
            spacing=spacing,
            digest=digest,
            streamed=any(isinstance(part, Files) for part in given),
        )

    @property
    def count(self) -> int:
        """How many images there are."""
        return sum(map(len, self.sets))

    @property
    def voxels(self) -> int:
        """How many voxels there are to train on."""
        return sum(int(np.prod(shape)) for of_set in self.shapes for shape in of_set)

    def portions(self, size: int) -> npt.NDArray[np.float64]:
        """Return the porosities of random patches."""
        places = Places.drawn(self.shapes[0], size=size, count=PORTIONS, seed=0)
        patches = places.cut(self.sets[0])
        return np.asarray(porosities(patches, self.thresholds), np.float64)


def _seen(images: Sequence[Array], change: Any) -> Sequence[Array]:
    """Change each image: at once, or whenever it is read."""
    if isinstance(images, Files | Mapped):
        return Mapped(images, change)
    return [change(image, i) for i, image in enumerate(images)]


def _all(sets: Iterable[Sequence[Array]]) -> Iterator[Array]:
    for part in sets:
        yield from part


def _looked_at(
    sets: Sequence[Sequence[Array]], *, axes: int
) -> tuple[Shapes, tuple[float, ...] | None, npt.NDArray[Any]]:
    """Return the shapes of all images, their common spacing, and their first few values."""
    shapes: Shapes = []
    spacings = set()
    values = np.empty(0)
    for part in sets:
        shapes.append([])
        for image in part:
            i = sum(map(len, shapes))
            if image.ndim != axes:
                kind = "volumes (z, y, x)" if axes == 3 else "images (y, x)"
                raise InputError(
                    f"images must be {kind} for this preset; image {i} is {image.ndim}-D"
                )
            shapes[-1].append(image.shape)
            spacings.add(getattr(image, "spacing", None))
            if len(values) <= MOST_PHASES:
                values = np.union1d(values, image)
    return shapes, spacings.pop() if len(spacings) == 1 else None, values


def _check_hold(shapes: Shapes, size: int) -> None:
    """Raise InputError unless a patch fits into every image."""
    for i, shape in enumerate(shape for of_set in shapes for shape in of_set):
        if min(shape) < size:
            raise InputError(
                f"images must be at least {'x'.join([str(size)] * len(shape))} for this preset; "
                f"image {i} is {'x'.join(map(str, shape))}"
            )


def _split(sets: list[Sequence[Array]], shapes: Shapes, *, size: int) -> tuple[
    list[Sequence[Array]], Shapes, Validation
]:  # fmt: skip
    """Hold out the last part of every image, or some images, or nothing where there is too little.

    A part of every image is held out rather than some images, because images of one material
    differ in porosity more than their parts: a few of them would be a poor judge.
    """
    lengths = [[_kept(shape, size) for shape in of_set] for of_set in shapes]
    if all(length for of_set in lengths for length in of_set):
        kept, held, left = [], [], []
        for images, of_set, sides in zip(sets, shapes, lengths, strict=True):
            at = [(int(np.argmax(shape)), side) for shape, side in zip(of_set, sides, strict=True)]
            first = [(*[slice(None)] * axis, slice(side)) for axis, side in at]
            last = [(*[slice(None)] * axis, slice(side, None)) for axis, side in at]
            kept.append(_seen(images, partial(_part, first)))
            held.append(_seen(images, partial(_part, last)))
            left.append(
                [
                    (*shape[:axis], side, *shape[axis + 1 :])
                    for shape, (axis, side) in zip(of_set, at, strict=True)
                ]
            )
        return kept, left, Validation(tuple(held), "the last part of each image")
    if min(map(len, sets)) >= HELD_OUT:
        which = [[i for i in range(len(images)) if i % HELD_OUT] for images in sets]
        kept = [_chosen(images, chosen) for images, chosen in zip(sets, which, strict=True)]
        left = [[of_set[i] for i in each] for of_set, each in zip(shapes, which, strict=True)]
        held = [_chosen(images, range(0, len(images), HELD_OUT)) for images in sets]
        return kept, left, Validation(tuple(held), f"every {HELD_OUT}th image")
    return sets, shapes, Validation(tuple(sets), "")


def _part(windows: Sequence[tuple[slice, ...]], image: Array, i: int) -> Array:
    return image[windows[i]]


def _kept(shape: tuple[int, ...], size: int) -> int:
    """Return how much of the longest side is trained on; 0 where there is too little for a part."""
    side = max(shape)
    kept = side - max(size, side // HELD_OUT)
    return kept if kept >= 2 * size else 0


def _chosen(images: Sequence[Array], which: Sequence[int]) -> Sequence[Array]:
    if isinstance(images, Mapped):
        numbers: list[Any] = list(which)
        return Mapped(numbers, lambda at, _: images[int(at)])
    return [images[i] for i in which]


def matched(sets: Sequence[Sequence[Grey]]) -> list[Sequence[Grey]]:
    """Bring sets of micrographs taken at different brightness and contrast to one grey scale.

    Each image is split in two by Otsu's threshold; its levels are shifted and stretched so that the
    means of its dark and of its bright part become the averages over all images. Fractions of
    the phases are not touched, as equalising histograms would.
    """
    means = [np.array([_class_means(image) for image in part]) for part in sets]
    low, high = np.concatenate(means).mean(axis=0)

    def change(part: npt.NDArray[np.float64]) -> Any:
        def scaled(image: Grey, i: int) -> Grey:
            dark, bright = part[i]
            levels = (image - dark) * ((high - low) / (bright - dark)) + low
            return np.asarray(np.clip(levels, 0, 1), np.float32)

        return scaled

    return [_seen(part, change(mean)) for part, mean in zip(sets, means, strict=True)]


def _class_means(image: Grey) -> tuple[float, float]:
    inner = np.clip(image, *np.percentile(image, TAILS))
    if inner.min() == inner.max():
        raise InputError(f"images must not be constant; one is {inner.min():g} all over")
    bright = inner > threshold_of(inner)
    return float(inner[~bright].mean()), float(inner[bright].mean())


def _rounded(sets: Iterable[Sequence[Grey]]) -> Iterator[Array]:
    """Yield the images with few enough grey levels to be counted."""
    return (np.rint(image * FINE) / FINE for image in _all(sets))


def _percentiles(sets: Iterable[Sequence[Grey]]) -> tuple[float, float]:
    histogram = Histogram.of(_rounded(sets))
    below = np.cumsum(histogram.counts) / histogram.counts.sum()
    low, high = histogram.levels[np.searchsorted(below, LIMITS)]
    return float(low), float(high)


def _fractions(
    sets: Iterable[Sequence[Array]], thresholds: Sequence[float], phases: int
) -> tuple[float, ...]:
    counts = np.zeros(phases, np.int64)
    for image in _all(sets):
        labels = np.digitize(image, thresholds, right=True) if thresholds else image
        counts += np.bincount(labels.ravel(), minlength=phases)
    fractions = counts / counts.sum()
    if fractions.min() == 0:
        raise InputError("images must show at least two phases; they come out as one")
    return tuple(float(fraction) for fraction in fractions)


def _isotropic(images: Sequence[Array], phases: int) -> bool:
    """Compare how often, or how much, values differ over a few lags along each axis."""
    differences = np.zeros(images[0].ndim)
    for image in images:
        values = np.asarray(image, np.float32) if phases == 2 else image
        for axis in range(values.ndim):
            along = np.moveaxis(values, axis, 0)
            for lag in LAGS:
                if lag < min(values.shape):
                    apart, here = along[lag:], along[:-lag]
                    change = np.square(apart - here) if phases == 2 else apart != here
                    differences[axis] += change.mean()
    return bool(differences.max() <= ISOTROPIC * differences.min())


def _digest(sets: Iterable[Sequence[Array]]) -> str:
    digest = hashlib.sha256()
    for part in sets:
        digest.update(b"set")
        for image in part:
            digest.update(str(image.shape).encode())
            digest.update(np.ascontiguousarray(image).tobytes())
    return digest.hexdigest()[:12]
