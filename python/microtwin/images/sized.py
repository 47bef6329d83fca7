"""Images of one size and one number of channels, as networks take them."""

from typing import Any

import numpy as np
import numpy.typing as npt

from microtwin.errors import InputError
from microtwin.images.colour import to_grey
from microtwin.images.scaling import to_float

Array = npt.NDArray[Any]


def sized(
    image: npt.ArrayLike, *, size: tuple[int, int], channels: int, name: str = "image"
) -> Array:
    """Return an image at another size, with one channel or three.

    Where it shrinks each pixel is a mean over those that it replaces. Bytes stay bytes; all else
    becomes float32 between 0 and 1, see `to_float`.

    Parameters
    ----------
    image : array_like, shape (y, x) or (y, x, channels)
        Grey levels or colours.
    size : (int, int)
        New sides (y, x); they need not keep the proportions.
    channels : 1 or 3
        Grey levels become three equal channels, colours their luminance.
    name : str
        How errors call the image.

    Returns
    -------
    ndarray, shape (*size, channels)

    Raises
    ------
    InputError
        If it is no image.
    """
    from PIL import Image

    array = np.asarray(image)
    if array.ndim not in (2, 3) or array.size == 0 or array.dtype.kind not in "biuf":
        raise InputError(
            f"{name} must be grey levels (y, x) or colours (y, x, channels), not an array of shape "
            f"{array.shape} and type {array.dtype}"
        )
    if array.ndim == 3:
        if array.shape[-1] not in (1, 3):
            raise InputError(f"{name} must have 1 or 3 channels, not {array.shape[-1]}")
        if channels == 1 or array.shape[-1] == 1:
            only = array.shape[-1] == 1
            array = to_grey(array, channel=None if only else "luminance", name=name)
    if array.dtype != np.uint8:
        array = np.asarray(to_float(array.reshape(len(array), -1))).reshape(array.shape)
    planes = [array] if array.ndim == 2 else list(np.moveaxis(array, -1, 0))
    if planes[0].shape != tuple(size):
        sides = (size[1], size[0])  # PIL has x first
        planes = [
            np.asarray(
                Image.fromarray(np.ascontiguousarray(p)).resize(sides, Image.Resampling.BILINEAR)
            )
            for p in planes
        ]
    return np.stack(planes * (channels // len(planes)), axis=-1)
