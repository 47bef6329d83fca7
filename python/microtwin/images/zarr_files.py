"""Many structures, or large ones, in Zarr folders."""

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from microtwin.errors import InputError

_CHUNK = 128  # voxels along each side: files of 2 MB before they are compressed


def save_zarr(
    path: str | os.PathLike[str],
    array: npt.ArrayLike,
    *,
    attributes: Mapping[str, Any] | None = None,
) -> Path:
    """Write an array to a Zarr folder, all or nothing; one that is there is replaced.

    Parameters
    ----------
    path : path
        Ends in .zarr.
    array : array_like
        For instance structures (n, z, y, x).
    attributes : mapping, optional
        What JSON can hold, to be kept beside the array.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        If the path has another suffix, is a file, or zarr is not installed.
    """
    values = np.asarray(array)
    with new_zarr(path, shape=values.shape, dtype=values.dtype) as stored:
        stored[...] = values
        stored.attrs.update(dict(attributes or {}))
    return Path(path)


@contextmanager
def new_zarr(
    path: str | os.PathLike[str], *, shape: tuple[int, ...], dtype: npt.DTypeLike
) -> Iterator[Any]:
    """Yield a Zarr array to be filled; it gets its name when the block succeeds.

    Chunks are single structures or parts of them, `_CHUNK` voxels a side.
    """
    target = check_zarr(path)
    import zarr

    try:
        part = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.absolute().parent))
    except OSError as error:
        raise InputError(f"{target} cannot be written: {error.strerror or error}") from error
    old = part / "old"
    try:
        chunks = tuple(1 if i < len(shape) - 3 else min(n, _CHUNK) for i, n in enumerate(shape))
        yield zarr.create_array(part / "array", shape=shape, dtype=dtype, chunks=chunks)
        if target.exists():
            target.rename(old)
        (part / "array").rename(target)
    except OSError as error:
        raise InputError(f"{target} cannot be written: {error.strerror or error}") from error
    finally:
        if old.exists() and not target.exists():
            old.rename(target)  # should this fail as well, it stays where it is
        shutil.rmtree(part, ignore_errors=True)


def open_zarr(path: str | os.PathLike[str]) -> Any:
    """Open the array that `save_zarr` wrote; its parts are read when they are asked for.

    Raises
    ------
    InputError
        If there is none, or zarr is not installed.
    """
    target = check_zarr(path)
    import zarr

    try:
        return zarr.open_array(target, mode="r")
    except (OSError, ValueError, TypeError, zarr.errors.BaseZarrError) as error:
        raise InputError(f"{target} holds no Zarr array") from error


def check_zarr(path: str | os.PathLike[str], *, name: str = "path") -> Path:
    """Return the path if `save_zarr` can write there: to be asked before long work.

    Raises
    ------
    InputError
        If the path has another suffix, is a file or some other folder, or zarr is not installed.
    """
    target = Path(path)
    if target.suffix.lower() != ".zarr":
        raise InputError(f"{name} must end in .zarr, not {target.name!r}")
    if target.exists() and not (target / "zarr.json").exists():
        raise InputError(f"{name} must be new or a Zarr folder; {target} is neither")
    try:
        import zarr  # noqa: F401
    except ImportError:
        raise InputError(
            f"{name} must not end in .zarr unless zarr is installed: pip install 'microtwin[zarr]'"
        ) from None
    return target
