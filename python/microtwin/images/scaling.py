"""Grey levels between 0 and 1, and smaller images."""

from typing import Any

import numpy as np
import numpy.typing as npt

from microtwin import _validate
from microtwin.errors import InputError
from microtwin.images.scaled import ScaledImage, scaled_like

TAILS = (0.1, 99.9)  # percentiles; hot pixels outside must not squeeze the rest together


def to_float(image: npt.ArrayLike, *, limits: tuple[float, float] | None = None) -> ScaledImage:
    """Return grey levels as float32 between 0 and 1.

    By default bool and uint8 are scaled by the range of their type and floats that lie in 0..1
    stay as they are. Other types rarely use their whole range (a 12-bit camera in a uint16 file):
    their 0.1 and 99.9 percentiles become 0 and 1 and what is outside is clipped.

    Parameters
    ----------
    image : array_like, shape (y, x) or (z, y, x)
        Grey levels.
    limits : (float, float), optional
        The levels that become 0 and 1, for instance to treat several images alike.

    Returns
    -------
    ScaledImage
        float32, same shape, between 0 and 1.

    Raises
    ------
    InputError
        If the image is no image, or `limits` are not in ascending order.

    Examples
    --------
    >>> to_float(np.array([[0, 51], [102, 255]], np.uint8)).tolist()[1][1]
    1.0
    """
    array = _validate.image(image)
    low, high = grey_limits(array) if limits is None else _given(limits)
    values = (array.astype(np.float32) - np.float32(low)) / np.float32(high - low)
    return scaled_like(np.clip(values, 0, 1, out=values), image)


def downscale(image: npt.ArrayLike, factor: float, *, labels: bool = False) -> ScaledImage:
    """Return a smaller image, each pixel the mean of those that it replaces.

    Parameters
    ----------
    image : array_like, shape (y, x) or (z, y, x)
        Grey levels or labels.
    factor : float
        How much shorter the sides become, at least 1. A whole number averages blocks and drops an
        incomplete last one; any other smooths and interpolates.
    labels : bool
        Whether the values are labels: then the commonest one wins instead of the mean.

    Returns
    -------
    ScaledImage
        Same type as `image`; its spacing is larger by the factor.

    Raises
    ------
    InputError
        If the factor is below 1 or larger than the image.
    """
    array = _validate.image(image)
    ratio = _validate.real(factor, name="factor", minimum=1, maximum=min(array.shape))
    if labels:
        values = np.unique(array)
        shares = np.stack([_shrink(array == value, ratio) for value in values])
        small = values[shares.argmax(axis=0)]
    else:
        small = _shrink(array, ratio)
        if array.dtype.kind in "biu":
            small = np.rint(small)
        small = small.astype(array.dtype)
    spacing = getattr(image, "spacing", None)
    if spacing is not None:
        whole = ratio.is_integer()
        ratios = [ratio if whole else a / b for a, b in zip(array.shape, small.shape, strict=True)]
        spacing = tuple(edge * r for edge, r in zip(spacing, ratios, strict=True))
    return ScaledImage(small, spacing=spacing, source=getattr(image, "source", ""))


def _shrink(array: npt.NDArray[Any], ratio: float) -> npt.NDArray[np.float64]:
    values = array.astype(np.float64)
    if ratio.is_integer():
        block = int(ratio)
        sides = [side // block for side in values.shape]
        whole = values[tuple(slice(side * block) for side in sides)]
        split = whole.reshape([n for side in sides for n in (side, block)])
        return split.mean(axis=tuple(range(1, split.ndim, 2)))  # type: ignore[no-any-return]
    from skimage import transform

    shape = [max(1, round(side / ratio)) for side in values.shape]
    resize: Any = transform.resize  # untyped in scikit-image
    small = resize(values, shape, order=1, anti_aliasing=True, preserve_range=True)
    return np.asarray(small, dtype=np.float64)


def grey_limits(array: npt.NDArray[Any]) -> tuple[float, float]:
    """Return the levels that `to_float` takes as 0 and 1."""
    low, high = float(array.min()), float(array.max())
    if array.dtype == np.bool_ or (array.dtype.kind == "f" and low >= 0 and high <= 1):
        return 0.0, 1.0
    if array.dtype == np.uint8:
        return 0.0, 255.0
    tails = np.percentile(array, TAILS)
    if tails[1] > tails[0]:
        return float(tails[0]), float(tails[1])
    return (low, high) if high > low else (low, low + 1)


def _given(limits: tuple[float, float]) -> tuple[float, float]:
    try:
        low, high = limits
    except (TypeError, ValueError):
        raise InputError(f"limits must be two numbers, not {limits!r}") from None
    low, high = (_validate.real(level, name="limits") for level in (low, high))
    if high <= low:
        raise InputError(f"limits must be in ascending order, not {low:g}, {high:g}")
    return low, high
