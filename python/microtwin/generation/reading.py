"""What the user trains on: arrays in memory, or files that are read when they are needed."""

import os
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from microtwin import _memory, _validate
from microtwin.errors import InputError
from microtwin.images import find_images, open_volume, read_image
from microtwin.images.catalogue import Catalogue

Array = npt.NDArray[Any]

AXES = ("z", "y", "x")
CACHE = 512 << 20  # bytes of images kept between reads


class Files(Sequence[Array]):
    """Images that stay in their files, the last ones used excepted.

    Parameters
    ----------
    paths : sequence of path
        One image (y, x) each.
    read : callable
        Reads one.
    cache : int
        Bytes of images that are kept.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        *,
        read: Callable[[Path], Array] = read_image,
        cache: int = CACHE,
    ) -> None:
        self.paths, self._read = list(paths), read
        self._cache, self._room = OrderedDict[int, Array](), cache

    def __len__(self) -> int:
        return len(self.paths)

    @overload
    def __getitem__(self, index: int) -> Array: ...
    @overload
    def __getitem__(self, index: slice) -> "Files": ...
    def __getitem__(self, index: int | slice) -> "Array | Files":
        if isinstance(index, slice):
            return Files(self.paths[index], read=self._read, cache=self._room)
        index = range(len(self))[index]
        if index in self._cache:
            self._cache.move_to_end(index)
            return self._cache[index]
        image = self._read(self.paths[index])
        if image.ndim != 2:
            raise InputError(
                f"images must be files of one image each where they are streamed; "
                f"{self.paths[index]} is {image.ndim}-D"
            )
        self._cache[index] = image
        while len(self._cache) > 1 and sum(kept.nbytes for kept in self._cache.values()) > (
            self._room
        ):
            self._cache.popitem(last=False)
        return image


class Mapped(Sequence[Array]):
    """A sequence of images, each seen through a function of it and its index."""

    def __init__(self, images: Sequence[Array], change: Callable[[Array, int], Array]) -> None:
        self._images, self._change = images, change

    def __len__(self) -> int:
        return len(self._images)

    @overload
    def __getitem__(self, index: int) -> Array: ...
    @overload
    def __getitem__(self, index: slice) -> "list[Array]": ...
    def __getitem__(self, index: int | slice) -> "Array | list[Array]":
        if isinstance(index, slice):
            return [self[i] for i in range(len(self))[index]]
        return self._change(self._images[index], range(len(self))[index])


def by_direction(images: Any) -> tuple[Any, ...]:
    """Return one set of images, or three: normal to z, y and x.

    Of two sets the missing one is taken from the other two: where z and y are given, slices normal
    to x are like those normal to y; where y and x are given, slices normal to z are like those to
    y.
    """
    if not isinstance(images, Mapping):
        return (images,)
    names = {str(key): value for key, value in images.items()}
    unknown = sorted(set(names) - set(AXES))
    if unknown or not names:
        raise InputError(
            f"images must be given by the axes {', '.join(AXES)} that they are normal to, "
            f"not by {', '.join(unknown) or 'none'}"
        )
    if len(names) == 1:
        return tuple(names.values())
    spare = names.get("y", names.get("x"))
    return tuple(names.get(axis, spare) for axis in AXES)


def opened(images: Any, *, axes: int, stream: bool | None) -> Sequence[Array]:
    """Return images (y, x), or volumes (z, y, x) where `axes` is 3.

    Parameters
    ----------
    images : array_like, path, Catalogue or iterable of these
        As in `train_gan`.
    axes : int
        2 or 3.
    stream : bool or None
        Whether files are left on disk; None where they would fill a quarter of the memory.
    """
    if axes == 2 and isinstance(images, Files):
        return images
    if axes == 2:
        paths = _paths(images)
        if paths is not None and (_are_many(paths) if stream is None else stream):
            return Files(paths)
    if stream:
        raise InputError("stream must not be True but for images in files")
    arrays = _arrays(images, axes)
    if not arrays:
        raise InputError("images must not be empty: there is none")
    return arrays


def _paths(images: Any) -> list[Path] | None:
    """Return the files, if there is nothing else."""
    if isinstance(images, str | os.PathLike):
        return [Path(path) for path in find_images(images)]
    if isinstance(images, Catalogue):
        return [Path(entry.path) for entry in images]
    if isinstance(images, list | tuple) and images:
        several = [_paths(item) if isinstance(item, str | os.PathLike) else None for item in images]
        if all(paths is not None for paths in several):
            return [path for paths in several if paths for path in paths]
    return None


def _are_many(paths: Sequence[Path]) -> bool:
    """Whether the images would fill a quarter of the memory, as float32."""
    return _memory.is_large(sum(_pixels(path) for path in paths) * 4)


def _pixels(path: Path) -> int:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            return image.size[0] * image.size[1]
    except (UnidentifiedImageError, OSError):
        return path.stat().st_size


def _arrays(images: Any, axes: int) -> list[Array]:
    if isinstance(images, str | os.PathLike):
        if Path(images).suffix.lower() == ".zarr":
            return _arrays([np.asarray(open_volume(images))], axes)
        return [read_image(path) for path in find_images(images)]
    if isinstance(images, Catalogue):
        return [read_image(entry.path) for entry in images]
    several = isinstance(images, Iterable) and not hasattr(images, "__array__")
    items = list(images) if several else [images]
    arrays: list[Array] = []
    for item in items:
        if isinstance(item, str | os.PathLike):
            arrays += _arrays(item, axes)
        elif axes == 3 and np.ndim(item) == 4:
            arrays += [_validate.image(volume, name="images") for volume in item]
        else:
            array = _validate.image(item, name="images")
            arrays += list(array) if array.ndim == 3 and axes == 2 else [array]
    return arrays
