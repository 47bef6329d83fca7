"""What is dropped on the page: let into the project only if it is an image of sensible size.

Sizes are read from the header alone, so that a small file that unpacks to a huge one is refused
before anything is unpacked.
"""

import logging
import os
from pathlib import Path

import numpy as np

from microtwin.errors import InputError
from microtwin.images import read_image
from microtwin.studio.project import PICTURES, Project, safe_name

log = logging.getLogger(__name__)

PIXELS = 2**28  # of a picture: 16384 x 16384
VOXELS = 2**30  # of a volume: 1024 x 1024 x 1024
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
                if target.read_bytes() == part.read_bytes():
                    return target
        raise InputError(f"{kept} is there too often already")
    except InputError as error:
        raise InputError(str(error).replace(str(part), name).replace(part.name, name)) from error
    finally:
        part.unlink(missing_ok=True)


def _check_picture(path: Path) -> None:
    from PIL import Image

    formats = ("PNG", "JPEG", "BMP")
    try:
        with Image.open(path, formats=formats) as picture:
            width, height = picture.size
    except Image.DecompressionBombError as error:
        raise InputError(f"{path.name} would unpack to too many pixels: {error}") from error
    _check_size(path, width * height, PIXELS)


def _check_tiff(path: Path) -> None:
    import tifffile

    with tifffile.TiffFile(path) as file:
        if len(file.pages) > PAGES:
            raise InputError(f"{path.name} has {len(file.pages)} pages, more than {PAGES}")
        pixels = sum(int(np.prod(page.shape, dtype=object)) for page in file.pages)
    _check_size(path, pixels, VOXELS)


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
    count = int(np.prod(shape, dtype=object))
    _check_size(path, count, VOXELS)
    if stored < count * dtype.itemsize:
        raise InputError(f"{path.name} is cut short: its header promises {count} numbers")


def _check_size(path: Path, pixels: int, most: int) -> None:
    if pixels > most:
        raise InputError(f"{path.name} would unpack to {pixels:,} pixels, more than {most:,}")
