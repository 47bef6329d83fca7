"""Phases by training: a person marks some pixels, a classifier learns from them and does the rest.

For phases that differ by texture or surroundings and not by brightness alone.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from microtwin import _validate
from microtwin._progress import ProgressCallback, silent
from microtwin.errors import InputError
from microtwin.images.scaled import ScaledImage, scaled_like
from microtwin.phases import marks as _marks
from microtwin.phases.blocks import Block, blocks_of, each
from microtwin.phases.filters import Filters, Levels
from microtwin.phases.forest import Forest
from microtwin.phases.support_vectors import SupportVectors

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float32]

METHODS: dict[str, type[Forest] | type[SupportVectors]] = {
    "forest": Forest,
    "svm": SupportVectors,
}
MOST = {"forest": 20_000, "svm": 1_000}  # pixels a phase to learn from; more are drawn from
FEWEST = 10  # pixels a phase
SCALES = {2: (1.0, 2.0, 4.0, 8.0), 3: (1.0, 2.0, 4.0)}
LEVELS = ("percentiles", "as_is")
TAILS = (1.0, 99.0)  # percentiles that become 0 and 1
SAMPLES = 1_000_000  # voxels that the percentiles are taken of
CHUNK = 1 << 16  # voxels classified at a time


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class PixelClassifier:
    """What `train_pixels` has learned.

    Attributes
    ----------
    method : str
        "forest" or "svm".
    phases : tuple of int or str
        The mark of each phase, a value or a colour: labels are the places in it, 0 .. k-1.
    marked : tuple of int
        How many pixels of each phase were marked.
    learned : tuple of int
        How many of them it learned from.
    images : int
        In how many images.
    filters : Filters
        What it looks at.
    levels : str
        How grey levels of different images are made alike: "percentiles" or "as_is".
    weights : str
        Whether phases counted "equally" or as they were "marked".
    seed : int
        Seed of the training.
    version : str
        Of microtwin.
    """

    method: str
    phases: tuple[int | str, ...]
    marked: tuple[int, ...]
    learned: tuple[int, ...]
    images: int
    filters: Filters
    levels: str
    weights: str
    seed: int
    version: str
    _model: Forest | SupportVectors

    def segment(
        self,
        image: npt.ArrayLike,
        *,
        threads: int | None = None,
        progress: ProgressCallback | None = None,
    ) -> ScaledImage:
        """Label each pixel with its most probable phase.

        The image is worked on in blocks with what surrounds them, each thread holding one. The
        result is the same to the last bit whatever the blocks and threads.

        Parameters
        ----------
        image : array_like, shape (y, x) or (z, y, x)
            Grey levels; of as many dimensions as it was trained on.
        threads : int, optional
            One for each core unless given.
        progress : callable, optional
            Called with the voxels done.

        Returns
        -------
        ScaledImage
            uint8 labels 0 .. k-1 of the same shape, with the spacing of `image`.

        Raises
        ------
        InputError
            If the image is none, or has another number of dimensions.
        """
        grey = self._checked(image)
        labels = np.empty(grey.shape, np.uint8)
        for block, found in self._each_block(grey, threads, progress):
            labels[block] = found.argmax(axis=-1)
        return scaled_like(labels, image)

    def probabilities(
        self,
        image: npt.ArrayLike,
        *,
        threads: int | None = None,
        progress: ProgressCallback | None = None,
    ) -> Floats:
        """Return the probability of each phase, float32, with the phases as a last axis.

        Of the forest it is the mean share of the phase in the leaves. Arguments and errors are
        those of `segment`.
        """
        grey = self._checked(image)
        result = np.empty((*grey.shape, len(self.phases)), np.float32)
        for block, found in self._each_block(grey, threads, progress):
            result[block] = found
        return result

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write it to an npz file of plain arrays, all or nothing; see `load_pixels`."""
        from microtwin.phases.pixel_files import save

        return save(path, self)

    def _checked(self, image: npt.ArrayLike) -> Array:
        grey = _validate.image(image)
        if grey.ndim != self.filters.ndim:
            raise InputError(
                f"image must be {self.filters.ndim}-D like those learned from, not {grey.ndim}-D"
            )
        return np.asarray(grey)

    def _each_block(
        self, grey: Array, threads: int | None, progress: ProgressCallback | None
    ) -> Iterator[tuple[Block, Floats]]:
        from threadpoolctl import threadpool_limits

        report = progress or silent
        levels = levels_of(grey, self.levels)

        def classify(block: Block) -> Floats:
            seen = self.filters.features(grey, block, levels)
            found = np.empty((seen.shape[1], len(self.phases)), np.float32)
            for start in range(0, len(found), CHUNK):
                part = slice(start, start + CHUNK)
                found[part] = self._model.probabilities(np.ascontiguousarray(seen[:, part].T))
            return found.reshape(*grey[block].shape, -1)

        done = 0
        # The blocks take the threads: libraries of linear algebra must not add some of their own.
        with threadpool_limits(1, "blas"):
            blocks = blocks_of(grey.shape)
            for number, found in each(blocks, classify, _validate.threads(threads)):
                yield blocks[number], found
                done += grey[blocks[number]].size
                report(done, grey.size, {})


def train_pixels(
    images: npt.ArrayLike | Iterable[npt.ArrayLike],
    marks: npt.ArrayLike | Iterable[npt.ArrayLike],
    *,
    method: str = "forest",
    phases: Sequence[int | str] | None = None,
    unmarked: int = -1,
    scales: Sequence[float] | None = None,
    levels: str = "percentiles",
    weights: str = "equally",
    seed: int = 0,
    threads: int | None = None,
    progress: ProgressCallback | None = None,
) -> PixelClassifier:
    """Learn phases from some marked pixels of one or several images.

    A pixel is seen through filters at several scales: Gaussian mean and what exceeds it, standard
    deviation, gradient, and the invariants of the Hessian and of the structure tensor.

    Parameters
    ----------
    images : array_like, shape (y, x) or (z, y, x), or iterable of them
        Grey levels.
    marks : array_like, or iterable of as many
        For each image whole numbers of its shape: the phase of a pixel, or `unmarked` (negative
        values are never marks). A few strokes in each phase will do; a mask as well. `read_marks`
        reads them from files.
    method : str
        "forest" (random forest) or "svm" (support vector machine with Gaussian kernels).
    phases : sequence of int or str, optional
        Which mark is phase 0, 1, ...: values, or colours that `read_marks` has found. All values
        in ascending order unless given.
    unmarked : int
        Value of the pixels without a mark.
    scales : sequence of float, optional
        Standard deviations of the filters in voxels; 1, 2, 4 and 8, in volumes 1, 2 and 4.
    levels : str
        "percentiles" makes images of different brightness and contrast alike: the 1 and 99
        percentiles of each become 0 and 1. "as_is" where brightness is the same in all images and
        tells the phases, however much there is of them.
    weights : str
        "equally" if the phases are to count alike, however many pixels are marked; "marked" if as
        many are marked as there are, as in a mask, so that rare phases stay rare.
    seed : int
        Seed of what is drawn from the marks and of the forest.
    threads : int, optional
        One for each core unless given; the result does not depend on it.
    progress : callable, optional
        Called with the images done.

    Returns
    -------
    PixelClassifier

    Raises
    ------
    InputError
        If images and marks do not fit together, or fewer than two phases, or fewer than ten pixels
        of a phase, are marked.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> smooth, rough = np.full((40, 40), 100.0), rng.normal(100, 30, (40, 40))
    >>> marks = np.full((40, 80), -1)
    >>> marks[18:22, 10:30] = 0
    >>> marks[18:22, 50:70] = 1
    >>> classifier = train_pixels(np.hstack([smooth, rough]), marks)
    >>> labels = classifier.segment(np.hstack([rough, smooth]))
    >>> float(labels[:, :30].mean()), float(labels[:, 50:].mean())
    (1.0, 0.0)
    """
    _validate.choice(method, METHODS, name="method")
    _validate.choice(levels, LEVELS, name="levels")
    _validate.choice(weights, ("equally", "marked"), name="weights")
    number = _validate.threads(threads)
    start = _validate.seed(seed)
    plain = _validate.integer(unmarked, name="unmarked")
    pairs = _pairs(images, marks, plain)
    filters = Filters(pairs[0][0].ndim, _scales(scales, pairs[0][0].ndim))
    counts = sum(np.bincount(m[m >= 0], minlength=_marks.VALUES) for _, m in pairs)
    values = _marks.chosen(phases, [int(value) for value in np.flatnonzero(counts)])
    marked = tuple(int(np.asarray(counts)[value]) for value in values)
    for value, count in zip(values, marked, strict=True):
        if count < FEWEST:
            raise InputError(
                f"marks must hold at least {FEWEST} pixels of each phase; of "
                f"{_marks.name_of(value)} they hold {count}"
            )
    rng = np.random.default_rng(start)
    kept = _drawn([m for _, m in pairs], values, MOST[method], rng)
    features, labels = _gathered(pairs, kept, values, filters, levels, number, progress or silent)
    learned = np.bincount(labels)
    share = np.asarray(marked) if weights == "marked" else np.ones(len(values))
    # The weights have a mean of one.
    of_phase = share / share.sum() * len(labels) / learned
    model = METHODS[method].fit(features, labels, of_phase[labels], seed=start, threads=number)
    from microtwin._version import __version__

    return PixelClassifier(
        method=method,
        phases=tuple(_marks.name_of(value) for value in values),
        marked=marked,
        learned=tuple(int(count) for count in learned),
        images=len(pairs),
        filters=filters,
        levels=levels,
        weights=weights,
        seed=start,
        version=__version__,
        _model=model,
    )


def load_pixels(path: str | os.PathLike[str]) -> PixelClassifier:
    """Read what `PixelClassifier.save` wrote; it is the same to the last bit.

    The file holds plain arrays: nothing in it is executed, whoever made it.

    Parameters
    ----------
    path : path
        The file.

    Returns
    -------
    PixelClassifier

    Raises
    ------
    InputError
        If it cannot be read, is something else, or is damaged.
    """
    from microtwin.phases.pixel_files import load

    return load(path)


def levels_of(grey: Array, how: str) -> Levels:
    """Return the grey levels of a whole image that become 0 and 1."""
    if how == "as_is":
        return Levels(0.0, 1.0)
    step = max(1, int(np.ceil((grey.size / SAMPLES) ** (1 / grey.ndim))))
    low, high = np.percentile(grey[(slice(None, None, step),) * grey.ndim], TAILS)
    if low == high:
        low, high = grey.min(), grey.max()
    return Levels(float(low), float(high) if high > low else float(low) + 1)


def _pairs(images: Any, marks: Any, unmarked: int) -> list[tuple[Array, _marks.Marks]]:
    greys = [
        np.asarray(_validate.image(image, name=f"image {i}"))
        for i, image in enumerate(_validate.one_or_many(images))
    ]
    given = list(_validate.one_or_many(marks))
    if not greys:
        raise InputError("images must not be empty: there is none")
    if len(given) != len(greys):
        raise InputError(
            f"marks must be one array for each of {len(greys)} images, not {len(given)}"
        )
    if len({grey.ndim for grey in greys}) > 1:
        raise InputError("images must be all 2-D or all 3-D")
    checked = [
        _marks.checked(m, grey.shape, unmarked=unmarked, name=f"marks {i}")
        for i, (grey, m) in enumerate(zip(greys, given, strict=True))
    ]
    return list(zip(greys, checked, strict=True))


def _scales(scales: Any, ndim: int) -> tuple[float, ...]:
    if scales is None:
        return SCALES[ndim]
    try:
        given = tuple(scales)
    except TypeError:
        raise InputError(f"scales must be several numbers, not {scales!r}") from None
    wanted = {_validate.real(s, name="each of scales", minimum=0.3, maximum=64) for s in given}
    if not wanted:
        raise InputError("scales must not be empty")
    return tuple(sorted(wanted))


def _drawn(
    marks: list[_marks.Marks], values: tuple[int, ...], most: int, rng: np.random.Generator
) -> list[Array]:
    """Return for each image where, in its flat order, the marks are that are learned from."""
    lengths = np.cumsum([0, *(m.size for m in marks)])
    chosen = []
    for value in values:
        places = np.concatenate(
            [
                np.flatnonzero(m == value) + start
                for m, start in zip(marks, lengths[:-1], strict=True)
            ]
        )
        chosen.append(rng.choice(places, most, replace=False) if len(places) > most else places)
    everywhere = np.sort(np.concatenate(chosen))
    return [
        everywhere[np.searchsorted(everywhere, a) : np.searchsorted(everywhere, b)] - a
        for a, b in pairwise(lengths)
    ]


def _gathered(
    pairs: list[tuple[Array, _marks.Marks]],
    kept: list[Array],
    values: tuple[int, ...],
    filters: Filters,
    levels: str,
    threads: int,
    report: ProgressCallback,
) -> tuple[Floats, Array]:
    """Return the features and labels of the marks that are learned from."""
    label_of = np.zeros(_marks.VALUES, np.int64)
    label_of[list(values)] = np.arange(len(values))
    features, labels = [], []
    for i, ((grey, marks), places) in enumerate(zip(pairs, kept, strict=True)):
        wanted = np.zeros(grey.shape, bool)
        wanted.flat[places] = True
        limits = levels_of(grey, levels)
        touched = [block for block in blocks_of(grey.shape) if wanted[block].any()]

        def look(block: Block, grey: Any = grey, wanted: Any = wanted, limits: Any = limits) -> Any:
            seen = filters.features(grey, block, limits)[:, wanted[block].ravel()].T
            return np.ascontiguousarray(seen)

        found = dict(each(touched, look, threads))
        features += [found[number] for number in range(len(touched))]
        labels += [label_of[marks[block][wanted[block]]] for block in touched]
        report(i + 1, len(pairs), {})
    return np.concatenate(features), np.concatenate(labels)
