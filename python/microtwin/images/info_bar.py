"""The strip with scale bar and settings that an electron microscope writes under its images."""

from typing import Any

import numpy as np
import numpy.typing as npt

SEARCHED = 0.25  # a bar lies within this part of the height
FLAT = 0.55  # at least this share of a row of a bar has, nearly, the colour of its background
PURE = 0.35  # and this share exactly: nothing photographed is as even
MOSTLY = 0.85  # share of flat rows in a bar; the others are crowded with text
ABOVE = 0.35  # the image above may hold at most this share of that colour
WRITTEN = 0.002  # share of pixels that must be text; a dark void has none
TOLERANCE = 3  # grey levels of 256
CONTRAST = 48  # text differs from its background by at least this many levels of 256


def info_bar_rows(image: npt.NDArray[Any]) -> int:
    """Return how many rows at the bottom of `image` to cut off to remove the info bar, or 0.

    A bar is a block of rows with one background colour, with something written on it, that begins
    abruptly. A few rows of image may be left below it.

    Parameters
    ----------
    image : ndarray, shape (y, x)
        Grey levels of any real type.

    Returns
    -------
    int
    """
    grey = _as_bytes(image)
    height, width = grey.shape
    smallest = max(8, round(0.015 * height))
    first = round((1 - SEARCHED) * height)
    counts = np.stack([np.bincount(row, minlength=256) for row in grey[first:]])
    # Smear by the tolerance, because JPEG leaves the background not quite even.
    smeared = np.stack([np.convolve(c, np.ones(2 * TOLERANCE + 1, int), "same") for c in counts])
    level = smeared.argmax(axis=1)
    flat = (smeared.max(axis=1) >= FLAT * width) & (counts.max(axis=1) >= PURE * width)
    flat_below = np.cumsum(flat[::-1])[::-1] / np.arange(len(flat), 0, -1)
    for start in np.flatnonzero(flat & (flat_below >= MOSTLY)):
        if len(flat) - start < smallest:
            break
        # Rows above must be seen, else nothing tells bar from image; a bar begins with a margin.
        if start < 6 or not flat[start : start + 4].all():
            continue
        background = int(np.median(level[start:][flat[start:]]))
        # The two rows next to the edge are left out: a frame or the blur of a JPEG.
        above = smeared[max(start - 12, 0) : start - 2, background].mean() / width
        block = grey[first + start :].astype(np.int16)
        written = (np.abs(block - background) > CONTRAST).mean()
        if above <= ABOVE and written >= WRITTEN:
            ringing = _ringing_rows(grey[first : first + start], background)
            return int(len(flat) - start + ringing)
    return 0


def _ringing_rows(above: npt.NDArray[np.uint8], background: int) -> int:
    """Count the rows just above that are bar too, but unclean where a JPEG block has the edge."""
    near = np.abs(above[-8:].astype(np.int16) - background) < CONTRAST
    clean = near.mean(axis=1) >= MOSTLY
    return int(np.cumprod(clean[::-1]).sum())


def _as_bytes(image: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    if image.dtype == np.uint8:
        return image
    values = image.astype(np.float64)
    low, high = values.min(), values.max()
    scale = 255 / (high - low if high > low else 1)
    return np.asarray((values - low) * scale, dtype=np.uint8)
