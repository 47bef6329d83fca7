"""Finding image files in folders."""

import os
from collections.abc import Iterable
from pathlib import Path

from microtwin.errors import InputError
from microtwin.images.formats import RAW_SUFFIXES, READERS

PathLike = str | os.PathLike[str]


def find_images(paths: PathLike | Iterable[PathLike]) -> list[Path]:
    """Return the image files named by `paths`, and all those in the folders among them.

    Folders are searched to the bottom, in sorted order, for TIFF, PNG, JPEG, BMP and npy files.
    Hidden files and masks (``*_mask.*``) are left out there.

    Raises
    ------
    InputError
        If a path does not exist or has no known suffix, or no image is found.
    """
    given = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    found: list[Path] = []
    for path in map(Path, given):
        if path.is_dir():
            found += [file for file in sorted(path.rglob("*")) if _is_image(file, path)]
        elif not path.exists():
            raise InputError(f"{path} does not exist")
        elif path.suffix.lower() not in (*READERS, ".npz", *RAW_SUFFIXES):
            raise InputError(f"{path} has no known image suffix; known are {', '.join(READERS)}")
        else:
            found.append(path)
    if not found:
        where = ", ".join(str(path) for path in given) or "an empty list"
        raise InputError(f"no images found in {where}; looked for {', '.join(READERS)}")
    return list(dict.fromkeys(found))


def _is_image(file: Path, root: Path) -> bool:
    hidden = any(part.startswith(".") for part in file.relative_to(root).parts)
    mask = file.stem.endswith("_mask")
    return file.suffix.lower() in READERS and not hidden and not mask and file.is_file()
