"""The tiles that networks learn from, drawn anew for every epoch, and sets that stay."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from microtwin.classification.anomaly.pictures import Pictures
from microtwin.classification.anomaly.tiling import Tiling

Bytes = npt.NDArray[np.uint8]

EPOCH = 8192  # tiles an epoch at most
FIXED = 2048  # tiles at most of a set that stays as it is


def as_bytes(pictures: Pictures, *, tiling: Tiling, name: str) -> list[Bytes]:
    """Read images into memory, a byte a pixel.

    Raises
    ------
    InputError
        If one is smaller than a tile.
    """
    images = []
    for source, image in zip(pictures.sources, pictures, strict=True):
        tiling.check(image.shape, name=f"{name} image {source}")
        images.append(np.rint(255 * image).astype(np.uint8))
    return images


class RandomTiles:
    """Tiles at random places; each image gives as many an epoch as would cover it.

    Parameters
    ----------
    images : sequence of ndarray of uint8
        What they are cut from.
    tiling : Tiling
        Their size.
    batch : int
        How many in a step.
    seed : int
        Of the places.
    """

    def __init__(self, images: Sequence[Bytes], *, tiling: Tiling, batch: int, seed: int) -> None:
        self._images, self._tiling, self._seed = images, tiling, seed
        area = tiling.size**2
        self._whose = np.repeat(
            np.arange(len(images)), [max(image.size // area, 1) for image in images]
        )
        self.epoch = min(len(self._whose), EPOCH)
        self.batch = min(batch, self.epoch)
        self.steps = self.epoch // self.batch
        self._drawn: tuple[int, npt.NDArray[np.int64]] = (-1, np.zeros((0, 3), np.int64))

    def __call__(self, i: int) -> Bytes:
        """Return the tiles of step i, (batch, size, size)."""
        turn, place = divmod(i, self.steps)
        if self._drawn[0] != turn:
            self._drawn = turn, self._places(turn)
        rows = self._drawn[1][place * self.batch : (place + 1) * self.batch]
        size = self._tiling.size
        return np.stack([self._images[k][y : y + size, x : x + size] for k, y, x in rows])

    def some(self, count: int = FIXED) -> Bytes:
        """Return tiles of no epoch in particular."""
        rows = self._places(2**40)[:count]
        size = self._tiling.size
        return np.stack([self._images[k][y : y + size, x : x + size] for k, y, x in rows])

    def _places(self, turn: int) -> npt.NDArray[np.int64]:
        """Return image and corner of all tiles of an epoch, (tiles, 3), in random order."""
        rng = np.random.default_rng((self._seed, 3, turn))
        whose = rng.permutation(self._whose)[: self.epoch]
        room = np.array([image.shape for image in self._images]) - self._tiling.size
        corners = rng.integers(0, room[whose] + 1)
        return np.column_stack([whose, corners])


def covering(
    images: Sequence[Bytes],
    *,
    tiling: Tiling,
    seed: int,
    most: int = FIXED,
) -> Bytes:
    """Return the tiles that cover images, or `most` of them drawn at random."""
    tiles = [tiling.cut(image, tiling.corners(image.shape)) for image in images]
    together = np.concatenate(tiles)
    if len(together) > most:
        rng = np.random.default_rng((seed, 5))
        together = together[np.sort(rng.choice(len(together), most, replace=False))]
    return np.ascontiguousarray(together).astype(np.uint8, copy=False)
