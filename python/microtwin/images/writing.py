"""Writing one image or volume to a file."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from microtwin import _files, _validate
from microtwin.errors import InputError

Array = npt.NDArray[Any]


def save_image(
    path: str | os.PathLike[str], image: npt.ArrayLike, *, stretch: bool = False
) -> Path:
    """Write an image (y, x) or volume (z, y, x); the suffix of `path` chooses the format.

    PNG, TIFF and npy files are read back by `read_image` to the last bit. A TIFF also keeps the
    spacing of a `ScaledImage`, in the way of ImageJ.

    Parameters
    ----------
    path : path
        ``.png`` (2-D; bool, uint8, uint16), ``.jpg`` (2-D, uint8, lossy), ``.tif`` or ``.npy``.
    image : array_like
        Grey levels or labels.
    stretch : bool
        Whether to spread the values over 0..255, which makes labels and floats visible to the eye
        and loses their values.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    InputError
        If the format does not hold such an array, is not known, or the file cannot be written.
    """
    array = _validate.image(image)
    if stretch:
        array = _stretched(array)
    target = Path(path)
    writers = {".png": _write_png, ".jpg": _write_jpeg, ".jpeg": _write_jpeg}
    writers |= {".tif": _write_tiff, ".tiff": _write_tiff, ".npy": _write_npy}
    suffix = target.suffix.lower()
    if suffix not in writers:
        raise InputError(f"path must end in {', '.join(writers)}; not {target.name!r}")
    writer = writers[suffix]
    spacing = getattr(image, "spacing", None)
    try:
        return _files.write_with(target, lambda file: writer(file, array, spacing))
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"{target} cannot be written: {reason}") from error


def _stretched(array: Array) -> npt.NDArray[np.uint8]:
    values = array.astype(np.float64)
    low, high = values.min(), values.max()
    spread = np.rint((values - low) * (255 / (high - low if high > low else 1)))
    return np.asarray(spread, dtype=np.uint8)


def _write_png(file: Path, array: Array, spacing: Any) -> None:
    from PIL import Image

    if array.ndim != 2 or array.dtype not in (np.bool_, np.uint8, np.uint16):
        raise InputError(
            f"a PNG holds a 2-D image of bool, uint8 or uint16, not {array.ndim}-D {array.dtype}; "
            "write a TIFF, or use stretch=True to look at it"
        )
    Image.fromarray(np.ascontiguousarray(array)).save(file)


def _write_jpeg(file: Path, array: Array, spacing: Any) -> None:
    from PIL import Image

    if array.ndim != 2 or array.dtype != np.uint8:
        raise InputError(f"a JPEG holds a 2-D image of uint8, not {array.ndim}-D {array.dtype}")
    Image.fromarray(np.ascontiguousarray(array)).save(file, quality=95)


def _write_tiff(file: Path, array: Array, spacing: tuple[float, ...] | None) -> None:
    import tifffile

    if array.dtype == np.bool_:
        array = array.astype(np.uint8)
    if spacing is None or array.dtype not in (np.uint8, np.uint16, np.float32):
        # Without the planes of a volume being taken for colours, however few they are.
        tifffile.imwrite(file, array, photometric="minisblack")
        return
    microns = [edge * 1e6 for edge in spacing]
    metadata: dict[str, Any] = {"unit": "um", "axes": "ZYX"[-array.ndim :]}
    if array.ndim == 3:
        metadata["spacing"] = microns[0]
    resolution = (1 / microns[-1], 1 / microns[-2])
    tifffile.imwrite(file, array, imagej=True, resolution=resolution, metadata=metadata)


def _write_npy(file: Path, array: Array, spacing: Any) -> None:
    np.save(file, array, allow_pickle=False)
