"""Reading one image or volume from a file."""

import logging
import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from microtwin import _memory, _validate
from microtwin.errors import InputError, NotEnoughMemoryError
from microtwin.images import formats
from microtwin.images.colour import to_grey
from microtwin.images.info_bar import info_bar_rows
from microtwin.images.scaled import ScaledImage

log = logging.getLogger(__name__)


def read_image(
    path: str | os.PathLike[str],
    *,
    spacing: Any = None,
    crop_info_bar: bool | int = False,
    channel: int | str | None = None,
    shape: tuple[int, ...] | None = None,
    dtype: npt.DTypeLike | None = None,
    key: str | None = None,
) -> ScaledImage:
    """Read a micrograph (y, x) or a volume (z, y, x) from a file.

    Parameters
    ----------
    path : path
        TIFF (several pages make a volume), PNG, JPEG, BMP, npy, npz, HDF5, or raw, bin and dat
        files of plain numbers, which need `shape`.
    spacing : float or sequence of float, optional
        Voxel edge in metres. Without it, the one that ImageJ, Zeiss or FEI wrote in a TIFF.
    crop_info_bar : bool or int
        Whether to look for the bar at the bottom of an SEM image and cut it off (nothing is cut
        where none is found), or how many rows to cut off.
    channel : int, "red", "green", "blue" or "luminance", optional
        What to take of a colour image. Grey images stored as colour need nothing.
    shape : tuple of int, optional
        Shape of the array in a raw file, slowest axis first.
    dtype : dtype
        Type of the numbers in a raw file; uint8 unless given.
    key : str, optional
        Which array of an npz or HDF5 file with several.

    Returns
    -------
    ScaledImage
        Values as they are in the file: bool, integer or float.

    Raises
    ------
    InputError
        If the file is missing, damaged, of another format, coloured without `channel`, empty, or
        holds NaN.

    Examples
    --------
    >>> import tempfile
    >>> from microtwin.images import save_image
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = save_image(Path(folder) / "a.png", np.eye(8, dtype=np.uint8))
    ...     read_image(file, spacing=20e-9).spacing
    (2e-08, 2e-08)
    """
    file = _existing(path)
    decoded = _decode(file, shape, dtype, key)
    array = decoded.array
    if array.dtype.kind not in "biuf":
        raise InputError(f"{file} must hold real numbers, not {array.dtype}")
    if array.size == 0:
        raise InputError(f"{file} is empty: its shape is {array.shape}")
    if decoded.colour:
        array = to_grey(array, channel=channel, name=str(file))
    elif channel not in (None, 0):
        raise InputError(f"{file} has no colour channels, so that channel={channel!r} is not there")
    array = _validate.image(array, name=str(file))
    known = decoded.spacing if spacing is None else spacing
    image = ScaledImage(np.ascontiguousarray(array), spacing=known, source=str(file))
    rows = _rows_to_cut(image, crop_info_bar)
    cropped: ScaledImage = image[..., : image.shape[-2] - rows, :]
    return cropped


def read_pixels(path: str | os.PathLike[str]) -> npt.NDArray[Any]:
    """Read an image file as it is: grey levels (y, x), or colours (y, x, 3).

    Colours that are all grey, and an alpha channel that says nothing, are left out.

    Raises
    ------
    InputError
        If the file is missing, damaged, of another format, or not one image.
    """
    decoded = decode(path)
    array = decoded.array
    if decoded.colour:
        if array.ndim == 3 and array.shape[-1] == 4 and np.ptp(array[..., 3]) == 0:
            array = array[..., :3]
        if array.ndim == 3 and array.shape[-1] == 3 and np.ptp(array, axis=-1).max() > 0:
            return np.ascontiguousarray(array)
        array = to_grey(array, channel=None, name=str(path))
    if array.ndim != 2:
        raise InputError(f"{path} must hold one image, not {array.ndim}-D data")
    return np.ascontiguousarray(_validate.image(array, name=str(path)))


def decode(path: str | os.PathLike[str]) -> formats.Decoded:
    """Return what a file holds as it is, colour channels last; raises as `read_image` does."""
    return _decode(_existing(path), None, None, None)


def _existing(path: str | os.PathLike[str]) -> Path:
    try:
        file = Path(path)
    except TypeError:
        raise InputError(f"path must be the name of a file, not {path!r}") from None
    if file.is_dir():
        raise InputError(f"{file} is a folder, not an image; find_images lists what is in it")
    if not file.exists():
        raise InputError(f"{file} does not exist")
    if file.stat().st_size == 0:
        raise InputError(f"{file} is empty (0 bytes)")
    return file


def _decode(
    file: Path, shape: tuple[int, ...] | None, dtype: npt.DTypeLike | None, key: str | None
) -> formats.Decoded:
    suffix = file.suffix.lower()
    raw, keyed = suffix in formats.RAW_SUFFIXES, suffix in formats.KEYED_READERS
    if suffix not in formats.READERS and not keyed and not raw:
        known = ", ".join([*formats.READERS, *formats.KEYED_READERS, *formats.RAW_SUFFIXES])
        raise InputError(f"{file} has no known image suffix; known are {known}")
    if raw and shape is None:
        raise InputError(f"{file} has no header: give shape= (and dtype=, else uint8)")
    if not raw and (shape is not None or dtype is not None):
        raise InputError(f"shape and dtype are for raw files only, not for {file}")
    if not keyed and key is not None:
        raise InputError(f"key is for npz and HDF5 files only, not for {file}")
    if raw or suffix == ".npy":  # as large in memory as in the file
        _memory.check(
            file.stat().st_size,
            what=f"reading {file}",
            instead=_memory.IN_ITS_FILE,
        )
    try:
        if raw:
            return formats.read_raw(file, _validate.shape(shape), _raw_dtype(dtype))
        if keyed:
            return formats.KEYED_READERS[suffix](file, key)
        return formats.READERS[suffix](file)
    except (InputError, NotEnoughMemoryError):
        raise
    # Decoders of damaged files raise almost anything; whatever it is, the file is not readable.
    except Exception as error:
        raise InputError(f"{file} is not a readable {suffix[1:].upper()} file: {error}") from error


def _raw_dtype(dtype: npt.DTypeLike | None) -> np.dtype[Any]:
    try:
        result = np.dtype(np.uint8 if dtype is None else dtype)
    except TypeError:
        raise InputError(f"dtype must be a type of number such as uint16, not {dtype!r}") from None
    if result.kind not in "biuf":
        raise InputError(f"dtype must be a type of real number such as uint16, not {result}")
    return result


def _rows_to_cut(image: ScaledImage, crop_info_bar: bool | int) -> int:
    if crop_info_bar is False:
        return 0
    if crop_info_bar is not True:
        name = "crop_info_bar (rows)"
        return _validate.integer(crop_info_bar, name=name, minimum=0, maximum=image.shape[-2] - 1)
    if image.ndim != 2:
        raise InputError("crop_info_bar=True works on images only; give a number of rows")
    rows = info_bar_rows(image)
    log.info("%s: info bar of %d rows", image.source, rows)
    return rows
