"""Whether samples are new: neither copies of training images nor copies of one another."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from microtwin import _validate
from microtwin._progress import ProgressCallback, silent
from microtwin.annealing import Twin
from microtwin.comparison._nearest import Nearest, alike, search, turned_back
from microtwin.comparison.originality import DUPLICATE, KEPT, Novelty
from microtwin.errors import InputError
from microtwin.statistics._windows import View, measures
from microtwin.statistics.correlation import checked_phase

Labels = npt.NDArray[np.uint8]
Array = npt.NDArray[Any]

ENOUGH = 8  # real patches that the default size leaves at least
FEWEST = 4  # ... and that are needed at all
SMALLEST = 16  # pixels that windows are not made smaller than to get more of them


def novelty(
    samples: Any,
    *,
    training: Any,
    held_out: Any = None,
    phase: int = 1,
    size: int | None = None,
    symmetries: bool = True,
    most: int = 200,
    quantile: float = 0.01,
    level: float = 0.01,
    seed: int = 0,
    threads: int | None = None,
    progress: ProgressCallback | None = None,
) -> Novelty:
    """Judge whether samples are new, or memorised, or all alike.

    Each sample is laid upon every window of every training image, in all eight orientations, and
    the nearest is found. So is that of real patches that are no part of the training images: a
    generator that has learned the material is as far from its training images as the material is
    from itself, one that has learned them by heart is nearer.

    Parameters
    ----------
    samples : array_like of int, `Samples`, twins, or list of these
        Labels: images of one shape (n, y, x), or (y, x) for one; volumes (n, z, y, x), or a list of
        volumes. Of volumes random slices across all three axes are judged.
    training : array_like of int, shape (y, x) or (n, y, x), or list of these
        Label images that the samples were learned from; a volume counts as a stack of images.
    held_out : like `training`, optional
        Real images that were not learned from. By default patches of the training images are
        compared with the other training images, and with what they do not overlap of their own.
    phase : int
        The label to look for; all others are background.
    size : int, optional
        Side in pixels of the square windows that are compared, one at a random place in each sample
        (and each slice). By default the shortest side of a sample, halved until the images hold it
        and there are at least eight real patches.
    symmetries : bool
        Whether mirror images and quarter turns of a training window count as that window.
    most : int
        Of more samples, slices or real patches than that, so many are drawn at random.
    quantile : float
        Real patches nearer to the training images than this part of them set the threshold: the
        j-th smallest of their m distances, j = max(1, floor(quantile m)).
    level : float
        Significance: chance of calling a sound generator memorising.
    seed : int
        Of all that is drawn at random.
    threads : int, optional
        Threads to search with; the result does not depend on it.
    progress : callable, optional
        Called as ``progress(done, total, {})``, in searches for one patch.

    Returns
    -------
    Novelty

    Raises
    ------
    InputError
        If an argument is not as described, if there are fewer than four real patches, or if
        `held_out` is found in the training images.

    Notes
    -----
    *Distance.* The fraction d of unlike pixels means little alone: two nearly empty patches are
    always near. It is divided by what independent patches of the same two volume fractions p and q
    have on average, p (1 - q) + q (1 - p): 0 is a copy, 1 what chance gives. One minus that is
    Cohen's kappa. Uniform patches have distance 1. The nearest window is the one with the least
    such distance, exactly: the products of all shifts are one correlation by FFT, rounded to
    integers.

    *Memorising.* How many samples are nearer than the threshold is known for samples that are like
    the real patches: it is beta-binomial whatever the distribution of the distances (the precedence
    test). The uncertainty of the threshold is in it; real patches that overlap, or lie close
    together, count as independent, which they are not quite. Samples that are smoother or coarser
    than the material are nearer to anything than real patches are: look at the ratios of the
    descriptors' means, and at the pairs, before you call that memorising. Apart from that, a
    sample is a copy if it is at most half as far as the nearest of all real patches and six robust
    standard deviations below their median; a single one is enough.

    *Collapse.* Spread between samples over spread between real patches, for porosity, specific
    surface, S2 and L at a few lags (`Novelty.variety`, the median of these ratios); and samples of
    which another one is a near duplicate at some shift by up to half a side, whether windows of one
    image or cyclic shifts of it (`Novelty.repeats`). The samples pass if they neither memorise nor
    collapse; images annealed to mean curves vary little by their nature, and are said to.

    *Cost.* One patch of 64 x 64 against ten images of 512 x 512, in eight orientations: about 0.2 s
    of one core, so some 90 s for 200 samples and 200 real patches; it grows with the pixels of the
    training images, hardly with the size of the patches. Memory: eight bytes a pixel of the
    training images, and a hundred bytes a pixel of one image for each thread.

    References
    ----------
    J. Cohen, Educ. Psychol. Meas. 20, 37 (1960); L. S. Nelson, Technometrics 5, 519 (1963);
    C. Meehan, K. Chaudhuri, S. Dasgupta, "A non-parametric test to detect data-copying in
    generative models", AISTATS (2020).

    Examples
    --------
    >>> from microtwin.images.synthetic import gaussian_field
    >>> def field(shape, seed):
    ...     return gaussian_field(shape, correlation_length=4, seed=seed)
    >>> images = [field((96, 96), seed) for seed in range(4)]
    >>> fresh = [field((32, 32), seed) for seed in range(10, 26)]
    >>> novelty(fresh, training=images).passed
    True
    >>> learned_by_heart = [image[40:72, 30:62].T for image in images]
    >>> result = novelty(learned_by_heart, training=images)
    >>> result.memorised, result.passed
    (1.0, False)
    """
    judge = Judge(
        training,
        held_out=held_out,
        phase=phase,
        symmetries=symmetries,
        most=most,
        quantile=quantile,
        level=level,
        seed=seed,
        threads=threads,
    )
    return judge(samples, size=size, progress=progress)


class Judge:
    """Training images and real patches, which any number of sets of samples can be held against.

    Parameters are those of `novelty`. What is known of the real patches of a size is kept.
    """

    def __init__(
        self,
        training: Any,
        *,
        held_out: Any = None,
        phase: int = 1,
        symmetries: bool = True,
        most: int = 200,
        quantile: float = 0.01,
        level: float = 0.01,
        seed: int = 0,
        threads: int | None = None,
    ) -> None:
        self.phase = checked_phase(phase)
        self.symmetries = bool(symmetries)
        self.most = _validate.integer(most, name="most", minimum=FEWEST)
        self.quantile = _validate.real(quantile, name="quantile", minimum=0, maximum=0.5)
        self.level = _validate.real(level, name="level", minimum=1e-12, maximum=0.5)
        self.seed = int(_validate.seed(seed))
        self.threads = _validate.threads(threads)
        self.images = _images(training, self.phase, "training")
        self.others = None if held_out is None else _images(held_out, self.phase, "held_out")
        self._known: dict[int, _Real] = {}

    def __call__(
        self, samples: Any, *, size: int | None = None, progress: ProgressCallback | None = None
    ) -> Novelty:
        """Return what `novelty` does."""
        made = _made(samples, self.phase)
        side = _size(size, made, self.images, self.others)
        windows = _drawn(made, side, self.most, np.random.default_rng([self.seed, 0]))
        patches = self._patches(side)
        done, total = 0, len(windows.patches)
        total += 0 if side in self._known else len(patches.patches)

        def report() -> None:
            nonlocal done
            done += 1
            (progress or silent)(done, total, {})

        real = self._real(side, patches, report)
        nearest = search(
            windows.patches,
            self.images,
            symmetries=self.symmetries,
            threads=self.threads,
            report=report,
        )
        names, values = _described(windows.patches, side, self.threads)
        twins = alike(windows.patches, origins=windows.origins, threads=self.threads)
        return Novelty(
            phase=self.phase,
            size=side,
            symmetries=self.symmetries,
            held_out=self.others is not None,
            samples=sum(len(group) for group in made.groups),
            quantile=self.quantile,
            level=self.level,
            seed=self.seed,
            chosen=windows.places,
            distances=nearest.distances,
            unlike=nearest.unlike,
            places=nearest.places,
            real_distances=real.nearest.distances,
            real_unlike=real.nearest.unlike,
            twins=_nearest_other(twins),
            real_twins=_nearest_other(real.pairs),
            near=real.near,
            descriptors=names,
            values=values,
            real_values=real.values,
            kept=_kept(windows.patches, self.images, nearest, side),
        )

    def _patches(self, side: int) -> "_Windows":
        name, source = ("training", self.images)
        if self.others is not None:
            name, source = ("held_out", self.others)
        patches = _patches(source, side, self.most, np.random.default_rng([self.seed, 1]))
        if len(patches.patches) < FEWEST:
            raise InputError(
                f"{name} must hold at least {FEWEST} patches of {side} x {side} pixels to judge "
                f"by, not {len(patches.patches)}: choose a smaller size"
            )
        if self.others is None and not _has_room(self.images, side):
            raise InputError(
                f"training must be more than one image, or three times as wide as a patch ({side} "
                "pixels): choose a smaller size, or give held_out"
            )
        return patches

    def _real(self, side: int, patches: "_Windows", report: Callable[[], None]) -> "_Real":
        if side not in self._known:
            nearest = search(
                patches.patches,
                self.images,
                symmetries=self.symmetries,
                own=patches.places if self.others is None else None,
                threads=self.threads,
                report=report,
            )
            if self.others is not None and (nearest.distances == 0).mean() > 0.5:
                raise InputError(
                    "held_out must not be part of training, but most of its patches are found there"
                )
            pairs = _real_pairs(patches, self.threads)
            _, values = _described(patches.patches, side, self.threads)
            self._known[side] = _Real(nearest, pairs, values)
        return self._known[side]


def holds(training: Any, patches: Sequence[npt.ArrayLike], *, phase: int) -> bool:
    """Tell whether most patches are cut from the training images, just as they are."""
    images = _images(training, phase, "training")
    found = []
    for patch in patches:
        mask = _mask(np.asarray(patch), phase)
        side = min(*mask.shape, *(n for image in images for n in image.shape))
        part = mask[:side, :side]
        found.append(search([part], images, symmetries=False).distances[0] == 0)
    return bool(np.mean(found) > 0.5)


@dataclass(frozen=True)
class _Made:
    """Samples: masks in groups of one origin, and whether these are slices of volumes."""

    groups: list[list[Labels]]
    solid: bool


@dataclass(frozen=True)
class _Windows:
    """Square patches with where they come from: item, row, column."""

    patches: list[Labels]
    places: npt.NDArray[np.int64]
    origins: npt.NDArray[np.int64] | None = None


@dataclass(frozen=True)
class _Real:
    """What is known of real patches: nearest training windows, distances of pairs, descriptors."""

    nearest: Nearest
    pairs: npt.NDArray[np.float64]
    values: npt.NDArray[np.float64]

    @property
    def near(self) -> float:
        """Distance from which down two windows are near duplicates."""
        known = self.pairs[np.isfinite(self.pairs)]
        return DUPLICATE * float(np.quantile(known, 0.01)) if known.size else 0.0


def _made(samples: Any, phase: int) -> _Made:
    several = isinstance(samples, list | tuple)
    source = samples.labels if hasattr(samples, "labels") else samples
    items = [source]
    if several:
        items = [item.labels if isinstance(item, Twin) else item for item in samples]
    elif not isinstance(samples, Twin):
        array = np.asarray(source)
        if array.ndim not in (2, 3, 4):
            raise InputError(f"samples must be (n, y, x) or (n, z, y, x), not {array.ndim}-D")
        items = [array] if array.ndim == 2 else list(array)
    if not items:
        raise InputError("samples must hold at least one image or volume, not none")
    masks = [_mask(item, phase, "samples") for item in items]
    if len({mask.ndim for mask in masks}) > 1:
        raise InputError("samples must be all images or all volumes, not a mixture")
    if masks[0].ndim == 2:
        return _Made([[mask] for mask in masks], False)
    return _Made([_slices(mask) for mask in masks], True)


def _slices(volume: Labels) -> list[Labels]:
    """Return all slices of a volume across its three axes."""
    return [part for axis in range(3) for part in np.moveaxis(volume, axis, 0)]


def _images(value: Any, phase: int, name: str) -> list[Labels]:
    items: Iterable[Any] = value if isinstance(value, list | tuple) else [value]
    masks = [_mask(item, phase, name) for item in items]
    if not masks:
        raise InputError(f"{name} must hold at least one image, not none")
    return [part for mask in masks for part in (mask if mask.ndim == 3 else [mask])]


def _mask(value: Any, phase: int, name: str = "samples") -> Labels:
    return np.asarray(_validate.labels(value, name=name) == phase, dtype=np.uint8)


def _size(size: int | None, made: _Made, images: list[Labels], others: list[Labels] | None) -> int:
    largest = int(min(min(part.shape) for group in made.groups for part in group))
    held = int(min(min(image.shape) for image in images + (others or [])))
    if size is not None:
        return _validate.integer(size, name="size", minimum=4, maximum=min(largest, held))
    side = min(largest, held)
    while side // 2 >= SMALLEST:
        count = sum(1 for _ in _grid(images if others is None else others, side, side))
        if count >= ENOUGH and (others is not None or _has_room(images, side)):
            break
        side //= 2
    return side


def _has_room(images: list[Labels], side: int) -> bool:
    """Whether every patch has windows to be compared with that it does not overlap."""
    return len(images) > 1 or max(images[0].shape) >= 3 * side


def _drawn(made: _Made, side: int, most: int, rng: np.random.Generator) -> _Windows:
    """Cut a window at a random place out of each sample, or out of so many."""
    every = [(k, part) for k, group in enumerate(made.groups) for part in group]
    # Slices are drawn even where there are few: neighbours in a volume say the same.
    count = min(most, len(every) if not made.solid else max(6 * len(made.groups), 48))
    chosen = np.sort(rng.choice(len(every), min(count, len(every)), replace=False))
    patches, places, origins = [], [], []
    for number in chosen:
        k, part = every[int(number)]
        y, x = (int(rng.integers(n - side + 1)) for n in part.shape)
        patches.append(np.ascontiguousarray(part[y : y + side, x : x + side]))
        places.append((int(number), y, x))
        origins.append(k)
    return _Windows(patches, np.array(places), np.array(origins) if made.solid else None)


def _patches(images: list[Labels], side: int, most: int, rng: np.random.Generator) -> _Windows:
    """Cut patches side by side; overlapping by half where that gives too few."""
    places = list(_grid(images, side, side))
    if len(places) < ENOUGH:
        places = list(_grid(images, side, max(1, side // 2)))
    if len(places) > most:
        places = [places[int(k)] for k in np.sort(rng.choice(len(places), most, replace=False))]
    patches = [np.ascontiguousarray(images[i][y : y + side, x : x + side]) for i, y, x in places]
    return _Windows(patches, np.array(places))


def _grid(images: list[Labels], side: int, step: int) -> Iterable[tuple[int, int, int]]:
    for i, image in enumerate(images):
        for y in range(0, image.shape[0] - side + 1, step):
            for x in range(0, image.shape[1] - side + 1, step):
                yield i, y, x


def _nearest_other(distances: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the distance of each to its nearest other; NaN where there is none."""
    known = np.where(np.isnan(distances), np.inf, distances).min(axis=1)
    return np.where(np.isinf(known), np.nan, known)


def _real_pairs(real: _Windows, threads: int) -> npt.NDArray[np.float64]:
    """Return the distances between real patches, NaN between those that overlap."""
    distances = alike(real.patches, threads=threads)
    apart = np.abs(real.places[:, None, 1:] - real.places[None, :, 1:]).max(axis=-1)
    same = real.places[:, None, 0] == real.places[None, :, 0]
    distances[same & (apart < len(real.patches[0]))] = np.nan
    return distances


def _described(
    patches: list[Labels], side: int, threads: int
) -> tuple[tuple[str, ...], npt.NDArray[np.float64]]:
    lags = [lag for lag in (2, 4, 8, 16, 32) if lag <= max(side // 4, 2)]
    wanted, _ = measures(
        ("porosity", "specific_surface", "two_point", "lineal_path"), lags, smallest=side
    )
    views = [View(patch, 1, threads) for patch in patches]
    rows = [[measure.of(view) for measure in wanted] for view in views]
    return tuple(measure.name for measure in wanted), np.array(rows, dtype=np.float64)


def _kept(
    patches: list[Labels], images: list[Labels], nearest: Nearest, side: int
) -> npt.NDArray[np.uint8]:
    """Return the nearest pairs, shape (k, 2, size, size): sample, training window turned alike."""
    order = np.argsort(nearest.distances, kind="stable")[:KEPT]
    pairs = []
    for k in order:
        image, y, x, symmetry = (int(n) for n in nearest.places[k])
        window = images[image][y : y + side, x : x + side]
        pairs.append((patches[int(k)], turned_back(window, symmetry)))
    return np.array(pairs, dtype=np.uint8)
