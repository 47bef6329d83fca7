"""What is measured of a tile and of what an autoencoder leaves of it.

The mean squared error alone tells little: a network with a short code gives back the coarse
features of an image, so that the error is its contrast in fine ones, normal or not. A blurred image
then scores lower than a sharp one, a dull one lower than a bright one. Taken apart by length, by
direction and by place the same error tells a lot.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

Tiles = npt.NDArray[np.float32]
Signature = npt.NDArray[np.float32]

TINY = 1e-7  # squared grey levels, below the step of 8 bits
FEW = 1e-3  # a part of the pixels, below which none is as good as some

NAMES = (
    "error",  # mean squared error, all logarithms from here on
    "error_1",  # of it, what is finer than a pixel or two
    "error_2",  # about two to four pixels
    "error_4",  # about four to eight
    "error_8",  # coarser
    "steps_x",  # of the error from pixel to pixel along x
    "steps_y",  # along y
    "rows",  # of the error's mean along each row
    "columns",  # along each column
    "image_rows",  # steps from row to row of the image's mean along rows
    "image_columns",  # from column to column
    "worst",  # the error where it is largest, averaged over a few pixels
    "best",  # where it is smallest
    "worst_1",  # the same of the finest part
    "best_1",
    "peaked",  # how much of the error is in few pixels
    "peaked_1",
    "contrast",  # variance of the image
    "brightness",  # mean of the image, no logarithm
    "black",  # part of pixels without signal
    "white",  # saturated ones
)


def signatures(tiles: Tiles, reconstructions: Tiles) -> Signature:
    """Return the measures `NAMES` of tiles (n, y, x) of 0..1, (n, 21)."""
    from scipy.ndimage import gaussian_filter

    def smooth(images: Tiles, sigma: float) -> Tiles:
        return np.asarray(gaussian_filter(images, (0, sigma, sigma), mode="nearest"))

    error = tiles - reconstructions
    square = error**2
    by_1, by_2, by_4 = (smooth(error, sigma) for sigma in (1, 2, 4))
    fine = error - by_1
    near, near_fine = smooth(square, 2), smooth(fine**2, 2)
    measures = [
        _log(_mean(square)),
        _log(_mean(fine**2)),
        _log(_mean((by_1 - by_2) ** 2)),
        _log(_mean((by_2 - by_4) ** 2)),
        _log(_mean(by_4**2)),
        _log(_mean(np.diff(error, axis=2) ** 2)),
        _log(_mean(np.diff(error, axis=1) ** 2)),
        _log((error.mean(2) ** 2).mean(1)),
        _log((error.mean(1) ** 2).mean(1)),
        _log((np.diff(tiles.mean(2), axis=1) ** 2).mean(1)),
        _log((np.diff(tiles.mean(1), axis=1) ** 2).mean(1)),
        _log(near.max((1, 2))),
        _log(near.min((1, 2))),
        _log(near_fine.max((1, 2))),
        _log(near_fine.min((1, 2))),
        _log(_mean(square**2)) - 2 * _log(_mean(square)),
        _log(_mean(fine**4)) - 2 * _log(_mean(fine**2)),
        _log(tiles.var((1, 2))),
        _mean(tiles),
        np.log(_mean(tiles < 0.02) + FEW),
        np.log(_mean(tiles > 0.98) + FEW),
    ]
    return np.stack(measures, axis=1).astype(np.float32)


def mean_squared_error(signature: Signature) -> npt.NDArray[np.float64]:
    """Return the mean squared error that is in a signature."""
    return np.asarray(np.exp(signature[:, NAMES.index("error")].astype(np.float64)) - TINY)


def _mean(images: Any) -> Any:
    return images.mean((1, 2))


def _log(values: Any) -> Any:
    return np.log(np.asarray(values, np.float64) + TINY)
