"""Volumes that stay in their file: opened, not read."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from microtwin.errors import InputError

_RAW = (".raw", ".bin", ".dat")
_HDF5 = (".h5", ".hdf5")
FORMATS = (".npy", *_RAW, ".tif", ".tiff", ".zarr", *_HDF5)


def open_volume(
    path: str | os.PathLike[str],
    *,
    shape: tuple[int, ...] | None = None,
    dtype: npt.DTypeLike | None = None,
    key: str | None = None,
) -> Any:
    """Open a volume too large to be read; its slices are arrays, for `describe_tiles`.

    Parameters
    ----------
    path : path
        npy; raw, bin or dat files of plain numbers, which need `shape`; TIFF that is not
        compressed; Zarr; HDF5.
    shape : tuple of int, optional
        Shape of the array in a raw file, slowest axis first.
    dtype : dtype, optional
        Type of the numbers in a raw file; uint8 unless given.
    key : str, optional
        Which array of a Zarr group or an HDF5 file.

    Returns
    -------
    numpy.memmap, zarr.Array or h5py.Dataset

    Raises
    ------
    InputError
        If the file is missing, damaged or of another format, or its library is not installed.
    """
    file = Path(path)
    suffix = file.suffix.lower()
    if suffix not in FORMATS:
        raise InputError(f"{file} cannot be opened in place; that can be {', '.join(FORMATS)}")
    if not file.exists():
        raise InputError(f"{file} does not exist")
    try:
        if suffix == ".npy":
            return _npy(file)
        if suffix in _RAW:
            return _raw(file, shape, np.dtype(np.uint8 if dtype is None else dtype))
        if suffix in (".tif", ".tiff"):
            return _tiff(file)
        opened = _zarr(file) if suffix == ".zarr" else _hdf5(file)
        return _array_of(opened, key, file)
    except InputError:
        raise
    except ImportError as error:
        raise InputError(
            f"{file} needs the package {error.name}: pip install {error.name}"
        ) from None
    # Decoders of damaged files raise almost anything; whatever it is, the file cannot be opened.
    except Exception as error:
        raise InputError(f"{file} cannot be opened in place: {error}") from error


def _npy(file: Path) -> Any:
    try:
        return np.load(file, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError):
        raise InputError(f"{file} cannot be opened in place: it is no whole npy file") from None


def _tiff(file: Path) -> Any:
    import tifffile

    with tifffile.TiffFile(file) as opened:
        len(opened.pages)  # counts them: of damaged files tifffile would else read some without end
        series = opened.series[0]
        if series.dataoffset is None:
            raise InputError(f"{file} cannot be opened in place: it is compressed, or in pieces")
        kind = np.dtype(series.dtype).newbyteorder(opened.byteorder)
        return np.memmap(file, kind, "r", series.dataoffset, series.shape)


def _raw(file: Path, shape: tuple[int, ...] | None, dtype: np.dtype[Any]) -> Any:
    if shape is None:
        raise InputError(f"shape must be given for {file.name}: a raw file does not tell it")
    expected = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    if file.stat().st_size != expected:
        raise InputError(
            f"shape must fit {file.name}: {expected} bytes for {shape} of {dtype}, the file has "
            f"{file.stat().st_size}"
        )
    return np.memmap(file, dtype=dtype, mode="r", shape=shape)


def _zarr(file: Path) -> Any:
    import zarr

    return zarr.open(file, mode="r")


def _hdf5(file: Path) -> Any:
    import h5py

    return h5py.File(file, "r")


def _array_of(opened: Any, key: str | None, file: Path) -> Any:
    """Return the array that was opened, or the one of that name in what was opened."""
    if hasattr(opened, "dtype"):
        return opened
    names = sorted(opened.keys())
    if key is None and len(names) == 1:
        key = names[0]
    if key is None or key not in opened:
        raise InputError(f"key must name an array in {file.name} ({', '.join(names)}), not {key!r}")
    found = opened[key]
    if not hasattr(found, "dtype"):
        raise InputError(f"key must name an array in {file.name}; {key!r} is a group")
    return found
