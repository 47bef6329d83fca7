"""Images larger than a network's: cut into tiles that overlap, and put together again."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from microtwin.errors import InputError

Image = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Tiling:
    """Square tiles over an image.

    Attributes
    ----------
    size : int
        Their side.
    stride : int
        From one to the next; the last one of a row ends at the border and may overlap more.
    """

    size: int
    stride: int

    def check(self, shape: tuple[int, ...], *, name: str) -> None:
        """Raise InputError if an image of this shape holds no tile."""
        if len(shape) != 2 or min(shape) < self.size:
            raise InputError(
                f"{name} must be (y, x), at least {self.size} x {self.size} for this network, "
                f"not {' x '.join(map(str, shape))}"
            )

    def corners(self, shape: tuple[int, ...]) -> npt.NDArray[np.int64]:
        """Return the upper left corners (tiles, 2) of the tiles that cover an image.

        Examples
        --------
        >>> Tiling(size=64, stride=32).corners((64, 110)).tolist()
        [[0, 0], [0, 32], [0, 46]]
        """
        along = [
            np.unique([*range(0, side - self.size, self.stride), side - self.size])
            for side in shape
        ]
        return np.stack(np.meshgrid(*along, indexing="ij"), axis=-1).reshape(-1, 2)

    def cut(self, image: npt.NDArray[Any], corners: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
        """Return the tiles at some corners, (tiles, size, size)."""
        windows = np.lib.stride_tricks.sliding_window_view(image, (self.size, self.size))
        return windows[corners[:, 0], corners[:, 1]]

    def blend(
        self,
        tiles: Sequence[Any] | npt.NDArray[Any],
        corners: npt.NDArray[np.int64],
        shape: tuple[int, ...],
    ) -> Image:
        """Put tiles, or one number a tile, together to an image of `shape`.

        Where tiles overlap they are averaged, with weights that fall towards the edges of a tile:
        networks know least about what is there, and no seam is seen.
        """
        ramp = np.minimum(np.arange(1, self.size + 1), np.arange(self.size, 0, -1)) / self.size
        weight = np.outer(ramp, ramp)
        total, weights = np.zeros(shape), np.zeros(shape)
        for tile, (y, x) in zip(tiles, corners, strict=True):
            place = slice(y, y + self.size), slice(x, x + self.size)
            total[place] += weight * tile
            weights[place] += weight
        return (total / weights).astype(np.float32)
