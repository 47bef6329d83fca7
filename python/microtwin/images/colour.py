"""From colour channels to one grey level."""

from typing import Any

import numpy as np
import numpy.typing as npt

from microtwin.errors import InputError

CHANNELS = {"red": 0, "green": 1, "blue": 2}
LUMINANCE = (0.2125, 0.7154, 0.0721)  # ITU-R BT.709, as in scikit-image
# JPEG stores colour apart from brightness, so that grey comes back a few levels coloured.
GREY_TOLERANCE = 8 / 255

Array = npt.NDArray[Any]


def to_grey(array: Array, *, channel: int | str | None, name: str) -> Array:
    """Turn an array with channels last, 1 to 4 of them, into grey levels without that axis.

    Parameters
    ----------
    array : ndarray, shape (..., channels)
        Grey, grey + alpha, RGB or RGBA.
    channel : int, "red", "green", "blue", "luminance" or None
        What to take of a colour image; None accepts only images that are grey.
    name : str
        How errors call the image.

    Raises
    ------
    InputError
        If the image is coloured or partly transparent and `channel` is None, or has no such
        channel.
    """
    count = array.shape[-1]
    if channel is not None:
        return _chosen(array, channel, name)
    if count in (2, 4):
        alpha = array[..., -1]
        if alpha.min() != alpha.max():
            raise InputError(f"{name} is partly transparent; say which channel to take (channel=0)")
        array = array[..., :-1]
    if array.shape[-1] == 1:
        return array[..., 0]
    spread = np.ptp(array.astype(np.float32), axis=-1).max()
    full = np.iinfo(array.dtype).max if array.dtype.kind in "iu" else float(np.abs(array).max())
    if spread == 0:
        return array[..., 0]
    if array.dtype != np.uint8 or spread > GREY_TOLERANCE * full:
        raise InputError(
            f"{name} is a colour image; say what to take: "
            'channel="luminance", "red", "green", "blue" or a number'
        )
    return _mixed(array, LUMINANCE)


def _chosen(array: Array, channel: int | str, name: str) -> Array:
    count = array.shape[-1]
    if channel == "luminance":
        if count < 3:
            raise InputError(f"{name} has {count} channel(s), so that it has no luminance")
        return _mixed(array[..., :3], LUMINANCE)
    index = CHANNELS.get(channel, -1) if isinstance(channel, str) else channel
    if isinstance(index, bool) or not isinstance(index, int | np.integer) or index < 0:
        raise InputError(
            f"channel must be luminance, {', '.join(CHANNELS)} or a number from 0, not {channel!r}"
        )
    if index >= count:
        raise InputError(f"{name} has {count} channel(s), so that channel {channel!r} is not there")
    return array[..., index]


def _mixed(array: Array, weights: tuple[float, ...]) -> Array:
    mixed = array.astype(np.float64) @ np.asarray(weights)
    whole = np.rint(mixed) if array.dtype.kind in "iu" else mixed
    return np.asarray(whole, dtype=array.dtype)
