"""The items of a job: what each is called, what it holds, and by what it is known again."""

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from microtwin.errors import InputError
from microtwin.images import find_images
from microtwin.images.zarr_files import open_zarr

_DESCRIBING = ("zarr.json", ".zarray")  # files of a Zarr folder that say what its array is
_BLOCK = 1 << 20  # bytes of a file that are hashed at a time


class Item(Protocol):
    """One piece of work."""

    @property
    def name(self) -> str:
        """What it is called in the table; no two of a job alike."""

    @property
    def weight(self) -> int:
        """How much there is to it, in bytes."""

    def stamp(self) -> str | None:
        """Return by what an unchanged item is told without reading it; None if by nothing."""

    def digest(self) -> str:
        """Return a digest of what it holds."""


@dataclass(frozen=True, slots=True)
class FileItem:
    """A file that holds one image or volume; its name is the path as it was given.

    Workers find it by `path`, which is absolute, for they may run in another folder.
    """

    name: str
    path: str

    @classmethod
    def of(cls, path: Path) -> "FileItem":
        """Return the item of a file."""
        return cls(readable(str(path)), str(path.absolute()))

    @property
    def weight(self) -> int:
        """Bytes of the file."""
        try:
            return os.stat(self.path).st_size
        except OSError:
            return 0

    def stamp(self) -> str | None:
        """Return size and time of the last change."""
        try:
            known = os.stat(self.path)
        except OSError:
            return None
        return f"{known.st_size}:{known.st_mtime_ns}"

    def digest(self) -> str:
        """Return a digest of the bytes of the file."""
        found = hashlib.blake2b(digest_size=16)
        with open(self.path, "rb") as file:
            while block := file.read(_BLOCK):
                found.update(block)
        return found.hexdigest()

    def read(self, **options: Any) -> npt.NDArray[Any]:
        """Read it; options as of `read_image`."""
        from microtwin.images import read_image

        return read_image(self.path, **options)


@dataclass(frozen=True, slots=True)
class PartItem:
    """One of the structures in an array on disk (.zarr, or .npy with an axis more)."""

    name: str
    path: str
    index: int
    weight: int

    def stamp(self) -> str | None:
        """Return None: that the array was written to since does not tell where."""
        return None

    def digest(self) -> str:
        """Return a digest of the values."""
        return digest_of(_opened(self.path)[self.index])

    def read(self, **options: Any) -> npt.NDArray[Any]:
        """Read it; the options for files say nothing here but the spacing."""
        from microtwin.images import ScaledImage

        spacing = options.get("spacing")
        part = _opened(self.path)[self.index]
        return ScaledImage(np.asarray(part), spacing=spacing)


@dataclass(frozen=True, slots=True)
class ArrayItem:
    """A structure in memory."""

    name: str
    array: Any

    @property
    def weight(self) -> int:
        """Bytes of the array."""
        return int(self.array.nbytes)

    def stamp(self) -> str | None:
        """Return None: only its values tell it."""
        return None

    def digest(self) -> str:
        """Return a digest of the values."""
        return digest_of(self.array)

    def read(self, **options: Any) -> npt.NDArray[Any]:
        """Return it; the options for files say nothing here but the spacing."""
        from microtwin.images import ScaledImage

        spacing = options.get("spacing")
        known = getattr(self.array, "spacing", None) if spacing is None else spacing
        return ScaledImage(self.array, spacing=known)


@dataclass(frozen=True, slots=True)
class NumberItem:
    """One of many made from the same thing: a replica, a sample."""

    name: str
    number: int
    origin: str
    weight: int

    def stamp(self) -> str | None:
        """Return what the digest is made of, which needs no reading."""
        return self.digest()

    def digest(self) -> str:
        """Return a digest of what it is made from, and its number."""
        return text_digest(f"{self.origin}:{self.number}")


def items_of(files: Any) -> list[Item]:
    """Return the items that are meant by files, folders, arrays on disk or arrays.

    Raises
    ------
    InputError
        If there are none, or a path does not exist.
    """
    given = files if isinstance(files, list | tuple) else [files]
    found: list[Item] = []
    for number, one in enumerate(given):
        if isinstance(one, str | os.PathLike):
            found += _items_in(Path(one))
        else:
            labels = getattr(one, "labels", one)
            array = np.asanyarray(labels)
            if array.ndim not in (2, 3):
                raise InputError(
                    f"files must be paths, images or volumes; number {number} is "
                    f"{array.ndim}-D {array.dtype}"
                )
            found.append(ArrayItem(f"array[{number}]", array))
    if not found:
        raise InputError("files must name at least one image or volume, not none")
    return list({item.name: item for item in found}.values())


def digest_of(values: Any) -> str:
    """Return a digest of an array: its values, shape and type."""
    array = np.ascontiguousarray(values)
    found = hashlib.blake2b(f"{array.shape}{array.dtype.str}".encode(), digest_size=16)
    found.update(array.data)
    return found.hexdigest()


def text_digest(text: str) -> str:
    """Return a digest of a text."""
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def readable(text: str) -> str:
    r"""Return a text with what is no Unicode, as file names may hold, written out: ``\udcff``."""
    return text.encode("utf-8", "backslashreplace").decode()


def _items_in(path: Path) -> Iterable[Item]:
    if path.suffix.lower() == ".zarr":
        array = open_zarr(path) if path.exists() else None
        if array is None:
            raise InputError(f"{path} does not exist")
        if array.ndim not in (3, 4):
            raise InputError(
                f"{path} must hold many images (n, y, x) or volumes (n, z, y, x), not "
                f"{array.ndim}-D data"
            )
        return _parts(path, array)
    if path.suffix.lower() == ".npy" and path.is_file():
        try:
            array = np.load(path, mmap_mode="r", allow_pickle=False)
        except (ValueError, OSError):
            return [FileItem.of(path)]  # what is wrong with it is told when its turn comes
        return _parts(path, array) if array.ndim == 4 else [FileItem.of(path)]
    return [FileItem.of(file) for file in find_images(path)]


def _parts(path: Path, array: Any) -> list[Item]:
    each = int(np.prod(array.shape[1:])) * np.dtype(array.dtype).itemsize
    name, where = readable(str(path)), str(path.absolute())
    return [PartItem(f"{name}[{i}]", where, i, each) for i in range(array.shape[0])]


def _opened(path: str) -> Any:
    """Return an array on disk, opened once as long as it is the same: workers may live for days."""
    described = (os.path.join(path, name) for name in _DESCRIBING)
    known = os.stat(next(filter(os.path.isfile, described), path))
    return _opened_as(path, (known.st_dev, known.st_ino, known.st_size, known.st_mtime_ns))


@lru_cache(maxsize=4)
def _opened_as(path: str, _stamp: tuple[int, ...]) -> Any:
    if path.lower().endswith(".npy"):
        return np.load(path, mmap_mode="r", allow_pickle=False)
    return open_zarr(path)
