"""Segmentation by grey level: one threshold, several, or one that varies over the image."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from microtwin import _validate
from microtwin.errors import InputError
from microtwin.images.scaled import ScaledImage, scaled_like
from microtwin.phases.flattening import flattened
from microtwin.phases.histogram import Histogram

Array = npt.NDArray[Any]

# Functions of skimage.filters that find one threshold from a histogram.
GLOBAL = {
    "otsu": "threshold_otsu",
    "isodata": "threshold_isodata",
    "yen": "threshold_yen",
    "minimum": "threshold_minimum",
}
METHODS = (*GLOBAL, "multi_otsu", "local")
LOCAL_WINDOW = 1 / 8  # of the shortest side: wider than the features, narrower than the shading


def segment(
    image: npt.ArrayLike,
    *,
    method: str = "otsu",
    classes: int = 2,
    smooth: float = 0.0,
    flatten: bool = False,
    threshold: float | None = None,
    window: int | None = None,
) -> ScaledImage:
    """Label each pixel with its phase, 0 being the darkest.

    Parameters
    ----------
    image : array_like, shape (y, x) or (z, y, x)
        Grey levels.
    method : str
        One threshold for the whole image: "otsu" (largest variance between the classes; Otsu,
        IEEE Trans. SMC 9, 62, 1979), "isodata", "yen" or "minimum"; several: "multi_otsu"; one
        that follows the mean brightness around each pixel, for unevenly lit images: "local".
    classes : int
        Number of phases; more than two need "multi_otsu".
    smooth : float
        Standard deviation in voxels of a Gaussian filter applied first; 0 for none.
    flatten : bool
        Whether to subtract a slowly varying background first, where the light is uneven and the
        features are small or few.
    threshold : float, optional
        Takes the place of `method`: what is brighter is phase 1.
    window : int, optional
        Width in voxels of the surroundings for "local"; an eighth of the shortest side by default.

    Returns
    -------
    ScaledImage
        uint8 labels 0 .. classes-1 of the same shape, with the spacing of `image`.

    Raises
    ------
    InputError
        If the image is no image, is constant, or comes out as fewer phases than asked for.

    Examples
    --------
    >>> grey = np.array([[10, 12, 200], [11, 198, 205]], np.uint8)
    >>> segment(grey).tolist()
    [[0, 0, 1], [0, 1, 1]]
    """
    array = _validate.image(image)
    array = flattened(array) if flatten else array
    number = _validate.integer(classes, name="classes", minimum=2, maximum=8)
    if threshold is not None:
        return apply_threshold(scaled_like(_smoothed(array, smooth), image), threshold)
    _validate.choice(method, METHODS, name="method")
    if number > 2 and method != "multi_otsu":
        raise InputError(f'{number} classes need method="multi_otsu", not {method!r}')
    if array.min() == array.max():
        raise InputError(
            f"image must have at least two phases, but all its values are {array.min():g}"
        )
    grey = _smoothed(array, smooth)
    if method == "local":
        labels = (grey > _local_threshold(grey, window)).astype(np.uint8)
    else:
        levels = _thresholds(Histogram.of([grey]), method, number)
        labels = np.digitize(grey, levels, right=True).astype(np.uint8)
    return scaled_like(_checked(labels, number), image)


def threshold_of(images: npt.ArrayLike | Iterable[npt.ArrayLike], method: str = "otsu") -> float:
    """Return one threshold for many images, from all their grey levels together.

    Images taken under the same settings should be segmented alike: a threshold of its own for
    each would hide that one of them has more pores.

    Parameters
    ----------
    images : array_like or iterable of array_like
        One image or volume, or many; they are read one at a time and may differ in shape.
    method : str
        "otsu", "isodata", "yen" or "minimum".

    Returns
    -------
    float
        In the units of the images.

    Raises
    ------
    InputError
        If there is no image, one is no image, or all have one and the same grey level.
    """
    _validate.choice(method, GLOBAL, name="method")
    given = enumerate(_validate.one_or_many(images))
    arrays = (_validate.image(image, name=f"image {i}") for i, image in given)
    return float(_thresholds(Histogram.of(arrays), method, 2)[0])


def apply_threshold(image: npt.ArrayLike, threshold: float) -> ScaledImage:
    """Label each pixel 1 if it is brighter than `threshold`, else 0.

    Parameters
    ----------
    image : array_like, shape (y, x) or (z, y, x)
        Grey levels of any real type.
    threshold : float
        In the units of the image.

    Returns
    -------
    ScaledImage
        uint8 labels of the same shape, with the spacing of the image if it has one.

    Raises
    ------
    InputError
        If that leaves one phase only.
    """
    array = _validate.image(image)
    level = _validate.real(threshold, name="threshold")
    labels = (array > level).astype(np.uint8)
    if labels.min() == labels.max():
        raise InputError(
            f"threshold must lie between the grey levels of the image, "
            f"{array.min():g}..{array.max():g}, to give two phases; it is {level:g}"
        )
    return scaled_like(labels, image)


def _smoothed(array: Array, smooth: float) -> Array:
    sigma = _validate.real(smooth, name="smooth", minimum=0)
    if sigma == 0:
        return array
    from scipy.ndimage import gaussian_filter

    return np.asarray(gaussian_filter(array.astype(np.float32), sigma))


def _thresholds(histogram: Histogram, method: str, classes: int) -> list[float]:
    from skimage import filters

    counts, levels = histogram.counts, histogram.levels
    if len(np.flatnonzero(counts)) < classes:
        raise InputError(
            f"image must have at least {classes} grey levels to give {classes} phases; "
            f"it has {len(np.flatnonzero(counts))}"
        )
    try:
        if method == "multi_otsu":
            multi_otsu: Any = filters.threshold_multiotsu  # untyped in scikit-image
            found = multi_otsu(classes=classes, hist=(counts, levels))
        else:
            found = [getattr(filters, GLOBAL[method])(hist=(counts, levels))]
    except RuntimeError as error:  # "minimum" found no valley
        raise InputError(f"method {method!r} does not suit this image: {error}") from error
    return [float(level) for level in found]


def _local_threshold(grey: Array, window: int | None) -> Array:
    from skimage import filters

    if window is None:
        window = max(3, round(min(grey.shape) * LOCAL_WINDOW))
    size = _validate.integer(window, name="window", minimum=3)
    odd = size + 1 - size % 2
    threshold_local: Any = filters.threshold_local  # untyped in scikit-image
    return np.asarray(threshold_local(grey, odd, method="gaussian", param=odd / 4))


def _checked(labels: npt.NDArray[np.uint8], classes: int) -> npt.NDArray[np.uint8]:
    present = len(np.unique(labels))
    if present < classes:
        raise InputError(f"image came out as {present} phase(s) instead of {classes}")
    return labels
