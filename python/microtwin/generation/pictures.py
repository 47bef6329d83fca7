"""Progress pictures: real patches on the left, generated ones on the right."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from microtwin.generation.drawing import Drawer, Task
from microtwin.images import save_image
from microtwin.learning.adversarial import State
from microtwin.learning.log import TensorBoard

ROWS, COLUMNS = 4, 6
GAP = 4  # white pixels between real and generated
TILES = ROWS * COLUMNS

Tiles = npt.NDArray[np.float32]


class Pictures:
    """Writes a picture of the same latents whenever it is called.

    Parameters
    ----------
    folder : path
        Where to.
    drawer : Drawer
        Draws the generated structures.
    real : ndarray, shape (n, *sides) or (n, *sides, phases)
        Real patches to set beside them, on the same scale.
    axes : int
        Dimensions of what is generated; of volumes slices are shown.
    size : int
        Side of it.
    seed : int
        Seed of the latents.
    board : TensorBoard
        Gets them too.
    """

    def __init__(
        self,
        folder: Path,
        drawer: Drawer,
        real: npt.NDArray[Any],
        *,
        axes: int,
        size: int,
        channels: int,
        seed: int,
        board: TensorBoard,
    ) -> None:
        self._folder, self._drawer, self._seed, self._board = folder, drawer, seed, board
        self._axes, self._shape, self._channels = axes, (size,) * axes, channels
        self._real = self._tiles(real)

    def __call__(self, step: int, state: State) -> None:
        """Draw and write ``step-000100.png``."""
        count = TILES if self._axes == 2 else 2
        task = Task(seed=self._seed, count=count, shape=self._shape)
        fake = self._tiles(self._drawer(state.best_generator, task))
        gap = np.ones((ROWS * fake.shape[1], GAP), np.float32)
        picture = np.hstack([_grid(self._real), gap, _grid(fake)])
        # Micrographs brought to one grey scale may leave [0, 1] a little.
        levels = np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8)
        save_image(self._folder / f"step-{step:06d}.png", levels)
        self._board.picture(step, "real | generated", levels)

    def _tiles(self, images: npt.NDArray[Any]) -> Tiles:
        """Return 2-D grey tiles: of volumes, slices along all three axes in turn."""
        greys = images
        if self._channels > 1:  # probabilities: phases from black to white
            greys = images @ np.linspace(0, 1, self._channels, dtype=np.float32)
        if greys.ndim == 3:
            return np.asarray(greys[:TILES], np.float32)
        places = np.linspace(0, greys.shape[1] - 1, TILES // 6 + 2).astype(int)[1:-1]
        sliced = [
            np.take(volume, place, axis=axis)
            for volume in greys[:2]
            for place in places
            for axis in range(3)
        ]
        return np.asarray(sliced[:TILES], np.float32)


def _grid(tiles: Tiles) -> Tiles:
    rows = tiles.reshape(ROWS, COLUMNS, *tiles.shape[1:])
    return np.vstack([np.hstack(list(row)) for row in rows])
