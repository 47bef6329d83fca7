"""What is dropped on the page: let into the project only if it is an image of sensible size.

Sizes are read from the header, so that a small file that unpacks to a huge one is refused before
anything is unpacked; where a file could hold more than its header says, no more is unpacked.
"""

import filecmp
import logging
import lzma
import os
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from microtwin.errors import InputError
from microtwin.images import read_image
from microtwin.studio.project import PICTURES, Project, safe_name

log = logging.getLogger(__name__)

VOXELS = 2**30  # of a volume: 1024 x 1024 x 1024
BYTES = 2**32  # of the same, unpacked
PAGES = 8192


def checked_name(name: str) -> str:
    """Return the name under which an upload is kept.

    Raises
    ------
    InputError
        If it is no name, or not that of a kind of image that is read.
    """
    kept = safe_name(name)
    suffix = Path(kept).suffix.lower()
    if suffix not in PICTURES:
        known = ", ".join(PICTURES)
        raise InputError(f"{kept} is no image that can be read; known are {known}")
    if Path(kept).stem.endswith("_mask"):
        raise InputError(f"{kept} must not end in _mask: such files are left out everywhere")
    return kept


def check_header(path: Path) -> None:
    """Raise InputError where a file is no image, or would unpack to more than is sensible."""
    try:
        suffix = path.suffix.lower()
        if suffix in (".tif", ".tiff"):
            _check_tiff(path)
        elif suffix == ".npy":
            _check_npy(path)
        else:
            _check_picture(path)
    except InputError:
        raise
    except Exception as error:  # decoders of damaged files raise almost anything
        raise InputError(f"{path.name} cannot be read as an image: {error}") from error


def check_size(path: Path, shape: Sequence[int], itemsize: int) -> int:
    """Return how many numbers an array has; raise InputError where that is too many."""
    pixels = _count(shape)
    most = min(VOXELS, BYTES // max(itemsize, 1))
    if pixels > most:
        raise InputError(f"{path.name} would unpack to {pixels:,} pixels, more than {most:,}")
    return pixels


def take_in(project: Project, part: Path, name: str) -> Path:
    """Check an upload that lies in the project under a temporary name, and give it its own.

    Parameters
    ----------
    project : Project
        Where it goes: into the folder of the images.
    part : Path
        The upload; it is gone afterwards, whatever happens.
    name : str
        What the browser called it.

    Returns
    -------
    Path
        The image; one of that name that was there before stays as it is.

    Raises
    ------
    InputError
        If it is no image, or too large.
    """
    from filelock import FileLock

    try:
        kept = checked_name(name)
        check_header(part)
        read_image(part)  # to the last pixel
        folder = project.root / "images"
        stem, suffix = os.path.splitext(kept)
        with FileLock(project.hidden("uploads") / ".lock"):
            for number in range(1, 10_000):
                target = folder / (kept if number == 1 else f"{stem}-{number}{suffix}")
                if not target.exists():
                    os.replace(part, target)
                    return target
                if target.is_file() and filecmp.cmp(target, part, shallow=False):
                    return target
        raise InputError(f"{kept} is there too often already")
    except OSError as error:
        raise InputError(f"{name} cannot be kept: {error.strerror or error}") from error
    except InputError as error:
        raise InputError(str(error).replace(str(part), name).replace(part.name, name)) from error
    finally:
        part.unlink(missing_ok=True)


def _check_picture(path: Path) -> None:
    from PIL import Image

    try:
        with Image.open(path, formats=("PNG", "JPEG", "BMP")):
            pass
    except Image.DecompressionBombError as error:  # Pillow's own limit, which is for reading, too
        raise InputError(f"{path.name} would unpack to too many pixels: {error}") from error


def _check_tiff(path: Path) -> None:
    import tifffile

    with tifffile.TiffFile(path) as file:
        if len(file.pages) > PAGES:
            raise InputError(f"{path.name} has {len(file.pages)} pages, more than {PAGES}")
        # What is written into the description counts as well: tifffile believes it.
        shapes = [one.shape for one in (*file.pages, *file.series)]
        stored = sum(_count(page.shape) for page in file.pages)
        most = max([stored, *map(_count, shapes)])
        kinds: list[Any] = [page.keyframe for page in file.pages]
        width = max((page.dtype.itemsize for page in kinds if page.dtype is not None), default=1)
        if any(page.photometric == tifffile.PHOTOMETRIC.PALETTE for page in kinds):
            width = 6  # three colours of two bytes
        check_size(path, (most,), width)
        for page in file.pages:
            _check_packed(path, file, page)


def _check_packed(path: Path, file: Any, page: Any) -> None:
    """Raise InputError where a part of a page unpacks to more than the header says."""
    from tifffile import COMPRESSION

    kind = page.keyframe
    if kind.compression not in (
        COMPRESSION.ADOBE_DEFLATE, COMPRESSION.DEFLATE, COMPRESSION.LZMA
    ):  # fmt: skip
        return  # others unpack to what the header says, or PackBits to 64 times what is stored
    promised = min(_count(kind.chunks) * kind.dtype.itemsize, BYTES)
    for offset, length in zip(page.dataoffsets, page.databytecounts, strict=True):
        file.filehandle.seek(offset)
        packed = file.filehandle.read(length)
        opened: Any = (
            lzma.LZMADecompressor()
            if kind.compression == COMPRESSION.LZMA
            else zlib.decompressobj()
        )
        more = len(opened.decompress(packed, promised + 1)) > promised
        if more or (kind.compression == COMPRESSION.LZMA and opened.unused_data):
            raise InputError(f"{path.name} would unpack to more than its header says")


def _check_npy(path: Path) -> None:
    with path.open("rb") as file:
        version = np.lib.format.read_magic(file)
        if version == (1, 0):
            shape, _, dtype = np.lib.format.read_array_header_1_0(file)
        else:
            shape, _, dtype = np.lib.format.read_array_header_2_0(file)
        stored = path.stat().st_size - file.tell()
    if dtype.hasobject:
        raise InputError(f"{path.name} holds Python objects, which are not read")
    count = check_size(path, shape, dtype.itemsize)
    if stored < count * dtype.itemsize:
        raise InputError(f"{path.name} is cut short: its header promises {count} numbers")


def _count(shape: Sequence[int]) -> int:
    return int(np.prod(shape, dtype=object))
