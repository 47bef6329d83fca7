"""Finding image files in folders."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from microtwin.errors import InputError
from microtwin.images.formats import KEYED_READERS, RAW_SUFFIXES, READERS

PathLike = str | os.PathLike[str]


def find_images(paths: PathLike | Iterable[PathLike]) -> list[Path]:
    """Return the image files named by `paths`, and all those in the folders among them.

    Folders are searched to the bottom, in sorted order, for TIFF, PNG, JPEG, BMP and npy files.
    Hidden files and masks (``*_mask.*``) are left out there.

    Parameters
    ----------
    paths : path or iterable of paths
        Files and folders.

    Returns
    -------
    list of Path
        Each once, in the order given.

    Raises
    ------
    InputError
        If a path does not exist or has no known suffix, a folder cannot be read, or no image is
        found.
    """
    given = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    found: list[Path] = []
    for path in map(Path, given):
        if path.is_dir():
            found += [path / name for name in sorted(_images_in(path), key=_parts)]
        elif not path.exists():
            raise InputError(f"{path} does not exist")
        elif path.suffix.lower() not in (*READERS, *KEYED_READERS, *RAW_SUFFIXES):
            raise InputError(f"{path} has no known image suffix; known are {', '.join(READERS)}")
        else:
            found.append(path)
    if not found:
        where = ", ".join(str(path) for path in given) or "an empty list"
        raise InputError(f"no images found in {where}; looked for {', '.join(READERS)}")
    return list(dict.fromkeys(found))


def _images_in(folder: PathLike, within: str = "") -> Iterator[str]:
    """Yield the images of a folder as paths within it; a listing says what is a file, unasked."""
    try:
        entries = os.scandir(folder)
    except OSError as error:
        raise InputError(f"{folder} cannot be read: {error.strerror}") from error
    with entries:
        for entry in entries:
            stem, suffix = os.path.splitext(entry.name)
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from _images_in(entry.path, f"{within}{entry.name}{os.sep}")
            elif suffix.lower() in READERS and not stem.endswith("_mask") and entry.is_file():
                yield within + entry.name


def _parts(name: str) -> list[str]:
    """Return what files are sorted by: one folder after the other."""
    return name.split(os.sep)
