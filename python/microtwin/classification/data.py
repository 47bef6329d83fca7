"""Labelled images: arrays, a folder a class, or a table of files; in memory or read when needed."""

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from microtwin import _backend, _memory, _validate
from microtwin.errors import InputError
from microtwin.images import find_images
from microtwin.images.catalogue import Catalogue
from microtwin.images.reading import read_pixels
from microtwin.images.sized import sized

Array = npt.NDArray[Any]
Integers = npt.NDArray[np.int64]

UNLABELLED = -1


class SizedFiles:
    """Image files that are read at one size whenever they are needed.

    Parameters
    ----------
    paths : sequence of path
        One image each.
    size : (int, int)
        Sides (y, x) that they are brought to.
    channels : int
        1 or 3.
    """

    def __init__(self, paths: Sequence[Path], *, size: tuple[int, int], channels: int) -> None:
        self.paths, self._size, self._channels = list(paths), size, channels

    def __len__(self) -> int:
        return len(self.paths)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array that they would make together."""
        return (len(self.paths), *self._size, self._channels)

    def __getitem__(self, indices: Any) -> Array:
        paths = [self.paths[i] for i in np.arange(len(self.paths))[indices]]
        with ThreadPoolExecutor(_backend.available_cores()) as pool:
            images = list(pool.map(self._read, paths))
        if len({image.dtype for image in images}) > 1:  # bytes beside others
            images = [i / np.float32(255) if i.dtype == np.uint8 else i for i in images]
        return np.stack(images) if images else np.zeros((0, *self.shape[1:]), np.float32)

    def _read(self, path: Path) -> Array:
        pixels = read_pixels(path)
        return sized(pixels, size=self._size, channels=self._channels, name=str(path))


@dataclass(frozen=True, eq=False)
class LabelledImages:
    """Images of one size with the numbers of their classes.

    Attributes
    ----------
    pixels : ndarray or SizedFiles, shape (n, y, x, channels)
        uint8, or float32 between 0 and 1.
    labels : ndarray of int, shape (n,)
        Index into `classes`, -1 where it is not known.
    classes : tuple of str
        Names of the classes.
    sources : tuple of str
        Where each image comes from; a file, or its index.
    """

    pixels: Any
    labels: Integers
    classes: tuple[str, ...]
    sources: tuple[str, ...]

    @classmethod
    def of(
        cls,
        images: Any,
        labels: Any = None,
        *,
        size: tuple[int, int],
        channels: int,
        classes: Sequence[str] | None = None,
        stream: bool | None = None,
    ) -> "LabelledImages":
        """Gather what was given.

        Parameters
        ----------
        images : array_like, list, path, Catalogue or LabelledImages
            Arrays (n, y, x) or (n, y, x, channels), a list of images of any sizes or of files, a
            folder with a sub-folder for each class, a catalogue or the CSV file of one.
        labels : sequence of str or int, optional
            The class of each; by default those of the folders or of the catalogue, where an empty
            label is none.
        size : (int, int)
            Sides (y, x) that they are brought to.
        channels : int
            1 or 3.
        classes : sequence of str, optional
            Names of the classes in their order; by default the labels that occur, sorted.
        stream : bool, optional
            Whether files are read whenever they are needed; by default where they would fill a
            quarter of the memory.

        Raises
        ------
        InputError
            If images or labels are not what they should be.
        """
        if isinstance(images, cls):
            return images._checked(size, channels, classes)
        pixels, sources, found = _gathered(images, size, channels, stream)
        given = found if labels is None else list(np.asarray(labels).tolist())
        if len(given) != len(pixels):
            raise InputError(f"labels must be one an image: {len(given)} for {len(pixels)} images")
        names = ["" if label is None else str(label) for label in given]
        known = _classes(names) if classes is None else tuple(map(str, classes))
        index = {name: i for i, name in enumerate(known)} | {"": UNLABELLED}
        if strange := sorted(set(names) - set(index)):
            raise InputError(
                f"labels must be among the classes {', '.join(known)}; not {strange[0]!r}"
            )
        numbers = np.array([index[name] for name in names], np.int64)
        return cls(pixels, numbers, known, sources)

    def __len__(self) -> int:
        return len(self.labels)

    def batch(self, indices: Any) -> Array:
        """Return some of the images, (b, y, x, channels), as they are kept."""
        return np.asarray(self.pixels[indices])

    def part(self, indices: Any) -> "LabelledImages":
        """Return a part of the set, in the order of the indices."""
        chosen = np.arange(len(self))[indices]
        pixels = self.pixels
        if isinstance(pixels, SizedFiles):
            _, y, x, channels = pixels.shape
            paths = [pixels.paths[i] for i in chosen]
            pixels = SizedFiles(paths, size=(y, x), channels=channels)
        else:
            pixels = pixels[chosen]
        sources = tuple(self.sources[i] for i in chosen)
        return LabelledImages(pixels, self.labels[chosen], self.classes, sources)

    @property
    def labelled(self) -> "LabelledImages":
        """The part whose classes are known."""
        known = self.labels != UNLABELLED
        return self if known.all() else self.part(np.flatnonzero(known))

    @property
    def counts(self) -> dict[str, int]:
        """How many images each class has."""
        return {name: int((self.labels == i).sum()) for i, name in enumerate(self.classes)}

    @property
    def digest(self) -> str:
        """A short name for exactly these images and labels; files count by name, size and time."""
        digest = hashlib.sha256(repr((self.classes, self.pixels.shape)).encode())
        digest.update(self.labels.tobytes())
        if isinstance(self.pixels, SizedFiles):
            for path in self.pixels.paths:
                facts = path.stat()
                digest.update(f"{path.resolve()} {facts.st_size} {facts.st_mtime_ns}".encode())
        else:
            digest.update(np.ascontiguousarray(self.pixels).data)
        return digest.hexdigest()[:16]

    def _checked(
        self, size: tuple[int, int], channels: int, classes: Sequence[str] | None
    ) -> "LabelledImages":
        if self.pixels.shape[1:] != (*size, channels):
            raise InputError(
                f"images must be of shape {(*size, channels)} for this network, not "
                f"{self.pixels.shape[1:]}"
            )
        if classes is not None and tuple(classes) != self.classes:
            raise InputError(
                f"images must have the classes {', '.join(classes)}, not {', '.join(self.classes)}"
            )
        return self


def stratified(labels: npt.ArrayLike, fraction: float, *, seed: int) -> tuple[Integers, Integers]:
    """Return the indices of a larger and a smaller part in which all classes have equal shares.

    Parameters
    ----------
    labels : array_like of int, shape (n,)
        Classes.
    fraction : float
        Share of the smaller part.
    seed : int
        Seed of the choice.

    Raises
    ------
    InputError
        If a class has too few images for both parts.
    """
    from sklearn.model_selection import train_test_split

    classes = np.asarray(labels)
    share = _validate.real(fraction, name="validation", minimum=0, maximum=0.9)
    least = np.bincount(classes).min(initial=len(classes), where=np.bincount(classes) > 0)
    smaller = max(round(share * len(classes)), len(np.unique(classes)))
    if least < 2 or len(classes) - smaller < len(np.unique(classes)):
        raise InputError(
            "images must be at least 2 of each class, so that some can be held out; "
            f"the smallest class has {least}"
        )
    larger, held = train_test_split(
        np.arange(len(classes)), test_size=smaller, random_state=seed % 2**32, stratify=classes
    )
    return np.sort(larger), np.sort(held)


def _gathered(
    images: Any, size: tuple[int, int], channels: int, stream: bool | None
) -> tuple[Any, tuple[str, ...], list[Any]]:
    """Return pixels, sources, and the labels that come with them."""
    if isinstance(images, Mapping):
        raise InputError("images must be arrays, files, a folder or a catalogue, not a mapping")
    if isinstance(images, str | os.PathLike) and Path(images).suffix.lower() == ".csv":
        images = Catalogue.from_csv(images)
    elif isinstance(images, str | os.PathLike) and Path(images).is_dir():
        images = Catalogue.from_folder(images)
    if isinstance(images, Catalogue):
        entries = list(images)
        files = SizedFiles([entry.path for entry in entries], size=size, channels=channels)
        return (
            _kept(files, stream),
            tuple(str(entry.path) for entry in entries),
            [entry.label for entry in entries],
        )
    listed = isinstance(images, Iterable) and not hasattr(images, "__array__")
    images = list(images) if listed and not isinstance(images, str | os.PathLike) else images
    if isinstance(images, str | os.PathLike) or (
        listed and images and all(isinstance(item, str | os.PathLike) for item in images)
    ):
        paths = find_images(images)
        files = SizedFiles(paths, size=size, channels=channels)
        return _kept(files, stream), tuple(map(str, paths)), [None] * len(paths)
    given = images if listed else np.asarray(images)
    if not listed and given.ndim not in (3, 4):
        raise InputError(f"images must be (n, y, x) or (n, y, x, channels), not {given.ndim}-D")
    if len(given) == 0:
        raise InputError("images must be at least one image")
    arrays = [
        sized(image, size=size, channels=channels, name=f"image {i}")
        for i, image in enumerate(_alike(given))
    ]
    return np.stack(arrays), tuple(map(str, range(len(arrays)))), [None] * len(arrays)


def _alike(images: Any) -> Any:
    """Bring a stack of other than bytes to 0..1 as a whole, so that its images stay comparable."""
    from microtwin.images.scaling import to_float

    if isinstance(images, np.ndarray) and images.dtype != np.uint8 and images.size:
        flat = np.asarray(to_float(images.reshape(len(images), -1)))
        return flat.reshape(images.shape)
    return images


def _kept(files: SizedFiles, stream: bool | None) -> Any:
    large = _memory.is_large(4 * int(np.prod(files.shape)))
    return files if (large if stream is None else stream) else files[:]


def _classes(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names that occur; numbers in the order of numbers."""
    found = set(names) - {""}
    if all(name.isdigit() for name in found):
        return tuple(sorted(found, key=int))
    return tuple(sorted(found))
