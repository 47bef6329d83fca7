"""The nearest window of images to a patch, over all places and symmetries, exactly."""

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Labels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]
Array = npt.NDArray[Any]

SYMMETRIES = 8  # of a square: four turns, and four of its mirror image
_TILES = (128, 192, 256, 384, 512, 768, 1024)  # sides of the Fourier transforms


@dataclass(frozen=True)
class Nearest:
    """Nearest windows of patches; arrays of one item a patch.

    Attributes
    ----------
    distances : ndarray of float64, shape (n,)
        Unlike pixels over those expected of independent pixels of the two fractions.
    unlike : ndarray of float64, shape (n,)
        Fraction of unlike pixels.
    places : ndarray of int64, shape (n, 4)
        Image, first row and column of the window, symmetry that the patch was put through.
    """

    distances: Floats
    unlike: Floats
    places: npt.NDArray[np.int64]


def turned(patch: Array, symmetry: int) -> Array:
    """Return a patch put through one of the eight symmetries of the square.

    0 to 3 are so many quarter turns; 4 to 7 the same after mirroring left and right.
    """
    start = patch[:, ::-1] if symmetry >= 4 else patch
    return np.rot90(start, symmetry % 4)


def turned_back(patch: Array, symmetry: int) -> Array:
    """Undo `turned`."""
    back = np.rot90(patch, -(symmetry % 4))
    return back[:, ::-1] if symmetry >= 4 else back


def search(
    patches: Sequence[Labels],
    images: Sequence[Labels],
    *,
    symmetries: bool,
    own: npt.NDArray[np.int64] | None = None,
    threads: int = 1,
    report: Callable[[], None] = lambda: None,
) -> Nearest:
    """Find the nearest window of all images to each patch.

    Parameters
    ----------
    patches : sequence of ndarray of 0 and 1, shape (size, size)
        All of one size.
    images : sequence of ndarray of 0 and 1
        Not smaller than a patch.
    symmetries : bool
        Whether to look for all eight symmetries of the patch, or for it alone.
    own : ndarray of int, shape (n, 3), optional
        Image, row and column that each patch was cut from: windows that overlap it do not count.
    threads : int
        The result does not depend on it.
    report : callable
        Called after each patch.
    """
    size = len(patches[0])
    tiles = _Tiles(images, size)

    def one(number: int) -> tuple[float, float, tuple[int, int, int, int]]:
        patch = patches[number]
        filled = int(patch.sum())
        if filled in (0, patch.size):  # as unlike any window as chance has it
            nowhere = (0, 0, 0, 0)
            return 1.0, float(np.mean(patch != images[0][:size, :size])), nowhere
        place = tiles.nearest(patch, symmetries, None if own is None else own[number])
        image, y, x, symmetry = place
        window = images[image][y : y + size, x : x + size]
        unlike = float(np.mean(turned(patch, symmetry) != window))
        return unlike / chance(patch.mean(), window.mean()), unlike, place

    results = []
    with ThreadPoolExecutor(threads) as pool:
        for result in pool.map(one, range(len(patches))):
            results.append(result)
            report()
    return Nearest(
        distances=np.array([r[0] for r in results], dtype=np.float64),
        unlike=np.array([r[1] for r in results], dtype=np.float64),
        places=np.array([r[2] for r in results], dtype=np.int64).reshape(-1, 4),
    )


def chance(p: Any, q: Any) -> Any:
    """Return the fraction of unlike pixels of independent patches of two volume fractions."""
    return p + q - 2 * p * q


class _Tiles:
    """Images cut into square tiles that overlap by a window, with their Fourier transforms."""

    def __init__(self, images: Sequence[Labels], size: int) -> None:
        from scipy import fft

        self.size = size
        self.side = _tile_side([image.shape for image in images], size)
        # Sums of signs are whole numbers: in single precision while they still round to themselves.
        self.type: Any = np.float32 if 1e-6 * self.side * size < 0.2 else np.float64
        self.corners = [
            (i, y, x)
            for i, image in enumerate(images)
            for y in _starts(image.shape[0], self.side, size)
            for x in _starts(image.shape[1], self.side, size)
        ]
        self.transforms, self.fractions = [], []
        for i, y, x in self.corners:
            part = images[i][y : y + self.side, x : x + self.side]
            signs = 2 * part.astype(self.type) - 1
            self.transforms.append(fft.rfft2(signs, s=(self.side, self.side)))
            self.fractions.append(fractions(part, size).astype(self.type))

    def nearest(
        self, patch: Labels, symmetries: bool, home: npt.NDArray[np.int64] | None
    ) -> tuple[int, int, int, int]:
        """Return image, row, column and symmetry of the nearest window; the first of equal ones."""
        from scipy import fft

        sides = (self.side, self.side)
        p = self.type(patch.mean())
        ways = np.stack([turned(patch, k) for k in range(SYMMETRIES if symmetries else 1)])
        wanted = np.conj(fft.rfft2(2 * ways.astype(self.type) - 1, s=sides))
        least, place = math.inf, (0, 0, 0, 0)
        for k, (image, y, x) in enumerate(self.corners):
            fraction = self.fractions[k]
            rows, columns = fraction.shape
            sums = fft.irfft2(self.transforms[k] * wanted, s=sides, overwrite_x=True)
            # The sum of products of signs is the like pixels less the unlike ones.
            distance = np.rint(sums[:, :rows, :columns])
            np.subtract(patch.size, distance, out=distance)
            distance /= 2 * patch.size * chance(p, fraction)
            if home is not None and home[0] == image:
                first = (int(home[1]) - y - self.size + 1, int(home[2]) - x - self.size + 1)
                beyond = (int(home[1]) - y + self.size, int(home[2]) - x + self.size)
                distance[(slice(None), *map(_within, first, beyond))] = math.inf
            way, row, column = np.unravel_index(int(np.argmin(distance)), distance.shape)
            found = float(distance[way, row, column])
            if found < least:
                least, place = found, (image, y + int(row), x + int(column), int(way))
        return place


def _within(first: int, beyond: int) -> slice:
    return slice(max(first, 0), max(beyond, 0))


def fractions(image: Labels, size: int) -> Floats:
    """Return the fraction of ones in every square window of an image, by its first corner."""
    total = np.zeros((image.shape[0] + 1, image.shape[1] + 1), np.int64)
    total[1:, 1:] = image.cumsum(0, dtype=np.int64).cumsum(1)
    inside = total[size:, size:] - total[:-size, size:] - total[size:, :-size]
    return np.asarray((inside + total[:-size, :-size]) / size**2)


def _tile_side(shapes: Sequence[tuple[int, ...]], size: int) -> int:
    """Return the side of the square tiles with the least work for windows of a size."""
    from scipy.fft import next_fast_len

    longest = next_fast_len(max(max(shape) for shape in shapes), real=True)
    least = next_fast_len(2 * size, real=True)
    options = {n for n in (*_TILES, least) if 2 * size <= n < longest}
    if longest <= _TILES[-1] or not options:
        options.add(longest)

    def work(side: int) -> float:
        tiles = sum(
            len(_starts(shape[0], side, size)) * len(_starts(shape[1], side, size))
            for shape in shapes
        )
        return tiles * side**2 * math.log2(side)

    return min(sorted(options), key=work)


def _starts(length: int, side: int, size: int) -> range:
    """Return where tiles start, such that every window lies in one of them."""
    return range(0, length - size + 1, side - size + 1)


def alike(
    patches: Sequence[Labels],
    *,
    origins: npt.ArrayLike | None = None,
    threads: int = 1,
) -> Floats:
    """Return the normalised distance between each two patches at their best alignment.

    Over all shifts by at most half a side along each axis, by what overlaps then: copies, shifted
    windows of one image and cyclic shifts of one image are all found. A shift does not count where
    what overlaps is nearly uniform in one of both (less than half the variance of the patch).

    Parameters
    ----------
    patches : sequence of ndarray of 0 and 1, shape (size, size)
        All of one size.
    origins : array_like of int, shape (n,), optional
        What each was cut from; two of one origin are not compared.

    Returns
    -------
    ndarray of float64, shape (n, n)
        NaN on the diagonal and where origins are the same.
    """
    from scipy import fft

    stack = np.stack(list(patches))
    count, h, w = stack.shape
    size = tuple(fft.next_fast_len(n + n // 2, real=True) for n in (h, w))
    pixels = h * w
    exact: Any = np.float32 if 1e-6 * math.sqrt(size[0] * size[1] * pixels) < 0.2 else np.float64
    transforms = fft.rfft2(2 * stack.astype(exact) - 1, s=size, workers=threads)
    dy, dx = np.arange(-(h // 2), h // 2 + 1), np.arange(-(w // 2), w // 2 + 1)
    overlap = ((h - np.abs(dy))[:, None] * (w - np.abs(dx))[None]).astype(exact)
    ahead = _overlapping(stack, dy, dx).astype(exact)
    behind = _overlapping(stack, -dy, -dx).astype(exact)
    share = stack.mean(axis=(1, 2))
    least = np.maximum(share * (1 - share) / 2, 1e-12)[:, None, None]
    usable_ahead, usable_behind = (part * (1 - part) >= least for part in (ahead, behind))
    rows, columns = np.ix_(dy % size[0], dx % size[1])
    result = np.full((count, count), np.nan)
    chunk = max(1, (1 << 20) // (size[0] * size[1]))

    def row(i: int) -> None:
        for first in range(i + 1, count, chunk):
            last = min(first + chunk, count)
            product = np.conj(transforms[i]) * transforms[first:last]
            sums = fft.irfft2(product, s=size, overwrite_x=True)[:, rows, columns]
            # Shift d lays pixel x of the first upon x + d of the second.
            unlike = (overlap - np.rint(sums)) / (2 * overlap)
            expected = chance(ahead[i], behind[first:last])
            counts = usable_ahead[i] & usable_behind[first:last]
            with np.errstate(divide="ignore", invalid="ignore"):
                distance = np.where(counts, unlike / expected, 1.0)
            result[i, first:last] = distance.min(axis=(1, 2))

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(row, range(count)))
    result = np.asarray(np.fmin(result, result.T), dtype=np.float64)
    if origins is not None:
        same = np.equal.outer(np.asarray(origins), np.asarray(origins))
        result[same] = np.nan
    return result


def _overlapping(stack: Labels, dy: npt.NDArray[np.int64], dx: npt.NDArray[np.int64]) -> Floats:
    """Return the fraction of ones among the pixels x for which x + d is in the patch too."""
    _, h, w = stack.shape
    total = np.zeros((len(stack), h + 1, w + 1), np.int64)
    total[:, 1:, 1:] = stack.cumsum(1, dtype=np.int64).cumsum(2)
    top, bottom = np.maximum(-dy, 0)[:, None], np.minimum(h, h - dy)[:, None]
    left, right = np.maximum(-dx, 0)[None], np.minimum(w, w - dx)[None]
    inside = (
        total[:, bottom, right]
        - total[:, top, right]
        - total[:, bottom, left]
        + total[:, top, left]
    )
    return np.asarray(inside / ((bottom - top) * (right - left)))
