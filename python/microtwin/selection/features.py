"""What can be said of an image without any model: enough to choose unlike ones to begin with."""

from collections.abc import Iterable, Sized
from typing import Any

import numpy as np
import numpy.typing as npt

from microtwin import _validate
from microtwin._progress import ProgressCallback, silent
from microtwin.errors import InputError
from microtwin.images import to_float
from microtwin.images.defect_models import noise_of

Floats = npt.NDArray[np.float64]

QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
OCTAVES = (1 / 64, 1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2)  # cycles a pixel


def simple_features(
    images: Iterable[npt.ArrayLike], *, progress: ProgressCallback = silent
) -> npt.NDArray[np.float32]:
    """Describe images by brightness, noise, and how coarse they are along x and along y.

    Parameters
    ----------
    images : iterable of array_like, shape (y, x)
        Grey levels, of any sizes; they are taken one after the other.
    progress : ProgressCallback
        Told after every image.

    Returns
    -------
    ndarray of float32, shape (n, features)
        Mean, spread and quantiles of the levels, shares of black and white, noise, logarithms of
        the power in octaves of spatial frequency in either direction, and of the jumps between the
        means of neighbouring lines; each with mean 0 and deviation 1 over the images.

    Raises
    ------
    InputError
        If there are no images, or one is not 2-D or smaller than 16 pixels.
    """
    rows = []
    total = len(images) if isinstance(images, Sized) else 0
    for number, image in enumerate(images):
        grey = _validate.image(image, name=f"image {number}")
        if grey.ndim != 2 or min(grey.shape) < 16:
            raise InputError(f"image {number} must be (y, x), at least 16 x 16, not {grey.shape}")
        rows.append(_features(np.asarray(to_float(grey), dtype=np.float64)))
        progress(number + 1, max(total, number + 1), {})
    if not rows:
        raise InputError("images must not be empty")
    table = np.array(rows)
    spread = table.std(axis=0)
    unlike = (table - table.mean(axis=0)) / np.where(spread > 1e-9, spread, 1)
    return np.asarray(unlike, dtype=np.float32)


def _features(values: Floats) -> Floats:
    levels = np.quantile(values, QUANTILES)
    lost = [(values <= 0.01).mean(), (values >= 0.99).mean()]
    jumps = [np.abs(np.diff(values.mean(axis=axis))).mean() for axis in (1, 0)]
    return np.concatenate(
        [
            [values.mean(), values.std()],
            levels,
            lost,
            [_log(noise_of(values))],
            _log(_powers(values)).ravel(),
            _log(np.array(jumps)),
        ]
    )


def _powers(values: Floats) -> Floats:
    """Return the power in octaves of waves along x (within 45 degrees of it), then along y."""
    from scipy import fft

    height, width = values.shape
    window = np.outer(np.hanning(height), np.hanning(width))
    seen = (values - values.mean()) * window
    power = np.abs(fft.rfft2(seen)) ** 2 / (window**2).sum()
    ky, kx = np.abs(np.fft.fftfreq(height))[:, None], np.fft.rfftfreq(width)[None, :]
    octave = np.digitize(np.hypot(ky, kx), OCTAVES)
    inside = len(OCTAVES)
    sums = [
        np.bincount(octave[way], weights=power[way], minlength=inside + 1)[1:inside]
        for way in (kx >= ky, kx < ky)
    ]
    return np.array(sums)


def _log(values: Any) -> Any:
    return np.log(values + 1e-8)
