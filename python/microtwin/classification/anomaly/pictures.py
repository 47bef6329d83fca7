"""The images that a detector learns from or judges: grey, of any size, read when needed."""

import hashlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from microtwin import _validate
from microtwin.errors import InputError
from microtwin.images import Catalogue, downscale, find_images, read_image, to_float

Grey = npt.NDArray[np.float32]


class Pictures(Sequence[Grey]):
    """Images (y, x) of float32 in 0..1.

    Parameters
    ----------
    items : sequence of ndarray or Path
        Grey levels as they came, or files.
    sources : sequence of str
        What they are called.
    factor : float
        By how much they are made smaller.
    """

    def __init__(
        self, items: Sequence[Any], sources: Sequence[str], *, factor: float = 1.0
    ) -> None:
        self._items, self.sources, self._factor = items, tuple(sources), factor

    @classmethod
    def of(cls, images: Any, *, factor: float = 1.0, name: str = "images") -> "Pictures":
        """Take an image (y, x), a stack (n, y, x), a list of images or files, a folder or a table.

        Raises
        ------
        InputError
            If there is none, or it is something else.
        """
        if isinstance(images, Pictures):
            return images
        if isinstance(images, Catalogue):
            images = [entry.path for entry in images]
        if isinstance(images, str | os.PathLike):
            images = [images]
        several = isinstance(images, Iterable) and not hasattr(images, "__array__")
        items: list[Any] = []
        sources: list[str] = []
        for given in images if several else [images]:
            if isinstance(given, str | os.PathLike):
                files = find_images(given)
                items += files
                sources += map(str, files)
                continue
            array, source = _validate.image(given, name=name), getattr(given, "source", "")
            stack = array.ndim == 3
            for k, part in enumerate(array if stack else [array]):
                named = f"{source}[{k}]" if stack else source
                sources.append(named if source else str(len(items)))
                items.append(part)
        if not items:
            raise InputError(f"{name} must not be empty: there is none")
        return cls(items, sources, factor=_validate.real(factor, name="downscale", minimum=1))

    def part(self, indices: npt.ArrayLike) -> "Pictures":
        """Return some of them."""
        chosen = [int(i) for i in np.asarray(indices)]
        items = [self._items[i] for i in chosen]
        return Pictures(items, [self.sources[i] for i in chosen], factor=self._factor)

    def digest(self) -> str:
        """Return a short name for exactly these images (for files, for their names and sizes)."""
        found = hashlib.sha256(str(self._factor).encode())
        for item in self._items:
            if isinstance(item, Path):
                found.update(f"{item.name} {item.stat().st_size}".encode())
            else:
                found.update(f"{item.shape} {item.dtype}".encode())
                found.update(np.ascontiguousarray(item).tobytes())
        return found.hexdigest()[:16]

    def __len__(self) -> int:
        return len(self._items)

    @overload
    def __getitem__(self, index: int) -> Grey: ...
    @overload
    def __getitem__(self, index: slice) -> "Pictures": ...
    def __getitem__(self, index: int | slice) -> "Grey | Pictures":
        if isinstance(index, slice):
            return self.part(range(len(self))[index])
        item = self._items[index]
        image: Any = read_image(item) if isinstance(item, Path) else item
        if image.ndim != 2:
            raise InputError(f"{self.sources[index]} must be an image (y, x), not {image.shape}")
        if self._factor > 1:
            image = downscale(image, self._factor)
        return np.asarray(to_float(image))
