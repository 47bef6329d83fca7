"""The file formats: each reader turns a path into an array and, where written there, a spacing."""

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from microtwin import _memory
from microtwin.errors import InputError

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Decoded:
    """What a file holds: an array, whether its last axis is colour, the voxel edge in metres."""

    array: Array
    colour: bool = False
    spacing: tuple[float, ...] | None = None


def read_tiff(path: Path) -> Decoded:
    """Read the first series of a TIFF file; several pages of one size are a volume."""
    import tifffile

    with tifffile.TiffFile(path) as file:
        len(file.pages)  # counts them: of damaged files tifffile would else read some without end
        if not file.series:
            raise InputError(f"{path} holds no image")
        series = _alike(file.series)
        page = series[0].keyframe
        _check_complete(file, path)
        _memory.check(
            sum(one.nbytes for one in series),
            what=f"reading {path}",
            instead=_memory.IN_ITS_FILE,
        )
        try:
            stack = [one.asarray() for one in series]
        except ValueError as error:
            if "imagecodecs" not in str(error):
                raise
            return _read_with_pillow(path, pages=True)  # knows LZW and JPEG inside TIFF
        single = len(series) == 1
        array = stack[0] if single else np.stack(stack)
        axes = series[0].axes if single else "Z" + series[0].axes
        if page.photometric == tifffile.PHOTOMETRIC.MINISWHITE:
            array = ~array if array.dtype.kind in "bu" else -array
        if page.photometric == tifffile.PHOTOMETRIC.PALETTE and page.colormap is not None:
            array, axes = np.moveaxis(page.colormap[:, array], 0, -1), axes + "S"
        spacing = _tiff_spacing(file)
    colour = next((axis for axis in "SC" if axis in axes), None)
    if colour is not None:
        array = np.moveaxis(array, axes.index(colour), -1)
    planes = array.ndim - (colour is not None)
    return Decoded(array, colour is not None, spacing[-planes:] if spacing else None)


def read_picture(path: Path) -> Decoded:
    """Read a PNG, JPEG or BMP file."""
    return _read_with_pillow(path, pages=False)


def read_npy(path: Path) -> Decoded:
    """Read an array saved by `numpy.save`; pickled objects are refused."""
    try:
        array = np.load(path, allow_pickle=False)
    except ValueError as error:
        if "pickle" in str(error) or "Object arrays" in str(error):
            raise InputError(
                f"{path} holds pickled Python objects or is damaged; such files are not read"
            ) from error
        raise
    return Decoded(array, _looks_like_colour(array))


def read_npz(path: Path, key: str | None) -> Decoded:
    """Read one array of a file saved by `numpy.savez`."""
    with np.load(path, allow_pickle=False) as archive:
        names = list(archive.files)
        if key is None and len(names) != 1:
            raise InputError(f"{path} holds {len(names)} arrays; choose one by key=: {names}")
        if key is not None and key not in names:
            raise InputError(f"{path} holds no array {key!r}; it holds {names}")
        try:
            array = archive[key if key is not None else names[0]]
        except ValueError as error:
            raise InputError(f"{path} holds Python objects, which are not read") from error
    return Decoded(array, _looks_like_colour(array))


def read_hdf5(path: Path, key: str | None) -> Decoded:
    """Read one data set of an HDF5 file, wherever in its groups it is."""
    try:
        import h5py
    except ImportError:
        raise InputError(
            f"{path} needs h5py, which is not installed: pip install 'microtwin[hdf5]'"
        ) from None
    with h5py.File(path, "r") as file:
        names: list[str] = []
        file.visititems(lambda n, one: names.append(n) if isinstance(one, h5py.Dataset) else None)
        if key is None and len(names) != 1:
            raise InputError(f"{path} holds {len(names)} data sets; choose one by key=: {names}")
        found = file.get(names[0] if key is None else key)
        if not isinstance(found, h5py.Dataset):
            raise InputError(f"{path} holds no data set {key!r}; it holds {names}")
        if found.dtype.kind not in "biuf":  # texts: libhdf5 reads damaged ones without end
            raise InputError(f"{path} must hold numbers in {found.name!r}, not {found.dtype}")
        _memory.check(found.nbytes, what=f"reading {path}", instead=_memory.IN_ITS_FILE)
        array = np.asarray(found[()])
    return Decoded(array, _looks_like_colour(array))


def read_raw(path: Path, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Decoded:
    """Read plain C-ordered numbers without a header; the size of the file must fit `shape`."""
    expected = int(np.prod(shape, dtype=object)) * dtype.itemsize
    size = path.stat().st_size
    if size != expected:
        raise InputError(
            f"{path} has {size} bytes, but shape {shape} of {dtype} needs {expected}; "
            "check shape= and dtype="
        )
    return Decoded(np.fromfile(path, dtype=dtype).reshape(shape))


READERS: dict[str, Callable[[Path], Decoded]] = {
    ".tif": read_tiff,
    ".tiff": read_tiff,
    ".png": read_picture,
    ".jpg": read_picture,
    ".jpeg": read_picture,
    ".bmp": read_picture,
    ".npy": read_npy,
}
RAW_SUFFIXES = (".raw", ".bin", ".dat")
# Of several arrays, one is chosen. In folders such files are passed over: they may hold anything.
KEYED_READERS: dict[str, Callable[[Path, str | None], Decoded]] = {
    ".npz": read_npz,
    ".h5": read_hdf5,
    ".hdf5": read_hdf5,
}


def _read_with_pillow(path: Path, *, pages: bool) -> Decoded:
    from PIL import Image, ImageSequence

    with warnings.catch_warnings():
        # Micrographs stitched from tiles are large; Pillow still refuses absurd sizes.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        with Image.open(path) as picture:
            frames = ImageSequence.Iterator(picture) if pages else [picture]
            arrays = [_pillow_array(frame) for frame in frames]
            bands = len(picture.getbands())
            colour = bands > 1 or picture.mode == "P"
    if len({array.shape for array in arrays}) != 1:
        raise InputError(f"{path} holds pages of different sizes")
    return Decoded(arrays[0] if len(arrays) == 1 else np.stack(arrays), colour)


def _pillow_array(picture: Any) -> Array:
    if picture.mode == "P":
        picture = picture.convert("RGBA" if "transparency" in picture.info else "RGB")
    elif picture.mode not in ("1", "L", "LA", "RGB", "RGBA", "F", "I") and not (
        picture.mode.startswith("I;16")
    ):
        picture = picture.convert("RGB")
    return np.array(picture)


def _alike(series: Any) -> list[Any]:
    """Return all series if they are pages of one kind, else the first: the others are previews."""
    kinds = {(one.shape, one.dtype, one.axes) for one in series}
    return list(series) if len(kinds) == 1 else [series[0]]


def _check_complete(file: Any, path: Path) -> None:
    """Raise if pixels that the header promises are missing: tifffile would give zeros."""
    size = file.filehandle.size
    for page in file.pages:
        ends = [o + n for o, n in zip(page.dataoffsets, page.databytecounts, strict=True)]
        if ends and max(ends) > size:
            raise InputError(f"{path} is cut short: {max(ends) - size} bytes are missing")
        if page.compression == 1:  # none
            depth = page.samplesperpixel * page.bitspersample
            promised = -(-page.imagedepth * page.imagelength * page.imagewidth * depth // 8)
            missing = promised - sum(page.databytecounts)
            if missing > 0:
                raise InputError(f"{path} is damaged: {missing} bytes of its pixels are nowhere")
        elif len(ends) < (pieces := math.prod(page.chunked)):
            raise InputError(f"{path} is damaged: it has {len(ends)} of {pieces} strips or tiles")


def _tiff_spacing(file: Any) -> tuple[float, ...] | None:
    """Return the voxel edges (z, y, x) in metres, if ImageJ, Zeiss or FEI wrote them.

    The plain resolution tags are not believed: most programs write 72 dpi there.
    """
    imagej = file.imagej_metadata or {}
    unit = {"um": 1e-6, "µm": 1e-6, "\\u00B5m": 1e-6, "micron": 1e-6, "nm": 1e-9, "mm": 1e-3}.get(
        imagej.get("unit", ""), 0.0
    )
    tags = file.pages[0].tags
    if unit and "XResolution" in tags and "YResolution" in tags:
        x, y = (tags[name].value for name in ("XResolution", "YResolution"))
        if x[0] and y[0]:
            across = (unit * y[1] / y[0], unit * x[1] / x[0])
            return (unit * float(imagej.get("spacing", x[1] / x[0])), *across)
    scan = (file.fei_metadata or {}).get("Scan", {})
    if isinstance(scan.get("PixelWidth"), float) and isinstance(scan.get("PixelHeight"), float):
        return (scan["PixelHeight"], scan["PixelHeight"], scan["PixelWidth"])
    zeiss = (file.sem_metadata or {}).get("ap_image_pixel_size", ())
    units = {"m": 1.0, "mm": 1e-3, "µm": 1e-6, "um": 1e-6, "nm": 1e-9, "pm": 1e-12}
    if len(zeiss) == 3 and zeiss[2] in units:
        return (float(zeiss[1]) * units[zeiss[2]],) * 3
    return None


def _looks_like_colour(array: Array) -> bool:
    """Tell (y, x, 3) from (z, y, x): a volume of three or four voxels' width is no volume."""
    return array.ndim in (3, 4) and array.shape[-1] in (3, 4) and min(array.shape[-3:-1]) > 4
