"""Progress pictures: real patches on the left, generated ones on the right."""

from pathlib import Path

import jax
import numpy as np
import numpy.typing as npt

from microtwin.generation.drawing import Drawer
from microtwin.generation.samples import Grey
from microtwin.images import save_image
from microtwin.learning.adversarial import State

ROWS, COLUMNS = 4, 6
GAP = 4  # white pixels between real and generated


class Pictures:
    """Writes a picture of the same latents whenever it is called.

    Parameters
    ----------
    folder : path
        Where to.
    drawer : Drawer
        Draws the generated patches.
    real : ndarray of float32, shape (n, y, x)
        Real patches to set beside them, at least `ROWS` * `COLUMNS`.
    seed : int
        Seed of the latents.
    """

    def __init__(self, folder: Path, drawer: Drawer, real: Grey, *, seed: int) -> None:
        self._folder, self._drawer = folder, drawer
        self._real, self._key = real, jax.random.key(seed)

    def __call__(self, step: int, state: State) -> None:
        """Draw and write ``step-000100.png``."""
        height, width = self._real.shape[1:]
        fake = self._drawer(state.best_generator, self._key, ROWS * COLUMNS, (height, width))
        gap = np.ones((ROWS * height, GAP), np.float32)
        picture = np.hstack([_grid(self._real), gap, _grid(fake)])
        # Micrographs brought to one grey scale may leave [0, 1] a little.
        levels = np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8)
        save_image(self._folder / f"step-{step:06d}.png", levels)


def _grid(patches: Grey) -> npt.NDArray[np.float32]:
    rows = patches[: ROWS * COLUMNS].reshape(ROWS, COLUMNS, *patches.shape[1:])
    return np.vstack([np.hstack(list(row)) for row in rows])
