"""Small pictures for the page: thumbnails, kept on disk, and slices of structures."""

import hashlib
import io
import os
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from microtwin import _files
from microtwin.comparison.labelled import as_labels
from microtwin.errors import InputError
from microtwin.images import read_image
from microtwin.images.scaled import scaled_like
from microtwin.images.zarr_files import open_zarr
from microtwin.studio import uploads

Pixels = npt.NDArray[np.uint8]

SIDE = 240  # pixels of a thumbnail
# Dark, light and between: the phases can be told apart without seeing colours, too.
COLOURS = (
    (24, 28, 44), (244, 200, 96), (58, 134, 168), (206, 82, 70),
    (236, 236, 228), (98, 160, 92), (140, 96, 160), (128, 128, 128),
)  # fmt: skip
MOST_PHASES = len(COLOURS)


def thumbnail(path: Path, cache: Path, *, side: int = SIDE) -> Path:
    """Return a small JPEG of an image, made once for each version of the file.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    about = path.stat()
    text = f"{path}|{about.st_mtime_ns}|{about.st_size}|{side}"
    target = cache / f"{hashlib.sha256(text.encode()).hexdigest()[:24]}.jpg"
    if not target.exists():
        picture = _shrunk(shown(middle(read_structure(path))), side)
        _files.write_with(target, lambda part: picture.save(part, quality=82))
    return target


def read_structure(path: Path) -> npt.NDArray[Any]:
    """Return what a file or a Zarr folder holds; of many structures in one the first.

    Raises
    ------
    InputError
        If it cannot be read, or is more than is sensible to show.
    """
    if path.suffix.lower() == ".zarr":
        stored = open_zarr(path)
        many = {"shape", "seeds"} & set(stored.attrs)  # what samples and twins are told by
        several = stored.ndim == 4 or (stored.ndim == 3 and bool(many))
        uploads.check_size(path, stored.shape[several:], stored.dtype.itemsize)
        return np.asarray(stored[0] if several else stored[:])
    if path.is_file():
        uploads.check_header(path)  # it may have come into the project by another way
    try:
        return np.asarray(read_image(path))
    except InputError:
        if path.suffix.lower() in (".npy", ".tif", ".tiff"):
            found = _stack(path)
            if found.ndim == 4:
                return np.asarray(found[0])
        raise


def middle(structure: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return an image as it is, of a volume the middle slice."""
    return structure if structure.ndim == 2 else np.asarray(structure[len(structure) // 2])


def shown(image: npt.NDArray[Any]) -> Pixels:
    """Return pixels (y, x) of grey levels, or (y, x, 3) of phases, to be looked at."""
    if is_labels(image):
        return coloured(image)
    if image.dtype == np.uint8:
        return np.asarray(image, order="C")
    values = image.astype(np.float32)
    low, high = np.percentile(values, (0.5, 99.5))
    levels = np.clip((values - low) * (255 / max(high - low, 1e-12)), 0, 255)
    return np.asarray(levels, dtype=np.uint8)


def is_labels(image: npt.NDArray[Any]) -> bool:
    """Whether an array holds phase labels and not grey levels."""
    return image.dtype.kind in "bu" and image.size > 0 and int(image.max()) < MOST_PHASES


def coloured(labels: npt.NDArray[Any], *, pattern: bool = False) -> Pixels:
    """Return labels (y, x) as colours (y, x, 3), with hatching for those who see none."""
    palette = np.array(COLOURS, dtype=np.uint8)
    pixels = palette[np.asarray(labels, dtype=np.intp) % MOST_PHASES]
    if pattern:
        rows, columns = np.indices(labels.shape)
        for phase in range(1, MOST_PHASES):
            hatch = _hatched(rows, columns, phase) & (labels == phase)
            light = sum(COLOURS[phase]) > 380
            pixels[hatch] = (30, 30, 30) if light else (245, 245, 245)
    return pixels


def png(pixels: Pixels, *, side: int | None = None) -> bytes:
    """Return pixels as a PNG; small ones are enlarged to `side`, pixel by pixel."""
    from PIL import Image

    picture = Image.fromarray(np.ascontiguousarray(pixels))
    if side is not None:
        width, height = picture.size
        scale = side / max(width, height)
        if scale >= 2:
            how, scale = Image.Resampling.NEAREST, float(int(scale))
        else:
            how, scale = Image.Resampling.BILINEAR, min(scale, 1.0)
        size = (max(round(width * scale), 1), max(round(height * scale), 1))
        picture = picture.resize(size, how)
    stream = io.BytesIO()
    picture.save(stream, format="PNG", compress_level=3)
    return stream.getvalue()


def slice_png(path: Path, axis: int, at: float, *, pattern: bool = False, side: int = 512) -> bytes:
    """Return a slice of a volume, or an image, as a PNG.

    Parameters
    ----------
    path : Path
        The file.
    axis : int
        Across which the slice lies.
    at : float
        Where, 0 to 1.
    pattern : bool
        Whether phases are hatched.
    side : int
        Longer side in pixels.
    """
    structure = cached(path)
    if structure.ndim == 3:
        last = structure.shape[axis] - 1
        structure = np.take(structure, round(min(max(at, 0.0), 1.0) * last), axis=axis)
    enlarged = max(side // max(structure.shape), 1)
    if pattern and is_labels(structure):
        large = np.kron(structure, np.ones((enlarged, enlarged), structure.dtype))
        return png(coloured(large, pattern=True), side=side)
    return png(shown(structure), side=side)


def cached(path: Path) -> npt.NDArray[Any]:
    """Return a structure, remembered while it is looked at from several sides."""
    return _cached(path, os.stat(path).st_mtime_ns)


@lru_cache(maxsize=2)
def _cached(path: Path, version: int) -> npt.NDArray[Any]:
    structure = read_structure(path)
    if structure.dtype != np.uint8 or is_labels(structure):
        return structure
    labels = as_labels(scaled_like(structure, structure))  # black and white, as samples are written
    return structure if labels is None else np.asarray(labels)


def _hatched(rows: Any, columns: Any, phase: int) -> Any:
    patterns = (
        (rows + columns) % 8 == 0,
        (rows - columns) % 8 == 0,
        rows % 6 == 0,
        columns % 6 == 0,
        (rows % 6 == 0) & (columns % 6 == 0),
        (rows % 8 == 0) | (columns % 8 == 0),
        (rows + 2 * columns) % 12 == 0,
    )
    return patterns[(phase - 1) % len(patterns)]


def _stack(path: Path) -> npt.NDArray[Any]:
    from microtwin.images.reading import decode

    return decode(path).array


def _shrunk(pixels: Pixels, side: int) -> Any:
    from PIL import Image

    picture = Image.fromarray(pixels)
    picture.thumbnail((side, side), Image.Resampling.BILINEAR)
    if max(picture.size) < side // 2:
        scale = side // max(picture.size)
        size = (picture.width * scale, picture.height * scale)
        picture = picture.resize(size, Image.Resampling.NEAREST)
    return picture
