"""A trained generator: opened from its folder, sampled by seed."""

import os
from pathlib import Path

import jax
import numpy as np

from microtwin import _validate
from microtwin.errors import InputError
from microtwin.generation import adversaries
from microtwin.generation.drawing import Drawer
from microtwin.generation.run_folder import RunFolder, Settings
from microtwin.generation.samples import Samples, thresholds_for
from microtwin.learning.adversarial import State


class Generator:
    """A trained generator.

    Attributes
    ----------
    settings : Settings
        What it was trained on and how.
    path : Path
        The folder of its run.
    steps : int
        Training steps behind it.
    seconds : float
        Time spent in training, interruptions not counted.
    """

    def __init__(self, settings: Settings, drawer: Drawer, state: State, *, path: Path) -> None:
        self.settings, self.path, self.steps = settings, path, int(state.step)
        self.seconds = RunFolder(path).log.last("seconds") or 0.0
        self._drawer, self._weights = drawer, state.best_generator

    @property
    def preset(self) -> str:
        """Name of the preset."""
        return self.settings.preset

    @property
    def porosity(self) -> float:
        """Fraction of phase 0, the darkest, in the training images."""
        return self.settings.fractions[0]

    def __repr__(self) -> str:
        return f"Generator(preset={self.preset!r}, steps={self.steps}, path={str(self.path)!r})"

    def sample(
        self,
        n: int,
        *,
        seed: int = 0,
        shape: tuple[int, int] | None = None,
        threshold: str | float = "porosity",
    ) -> Samples:
        """Draw images.

        Parameters
        ----------
        n : int
            How many. The first ones do not depend on how many follow.
        seed : int
            Seed of the latents.
        shape : (int, int), optional
            Size (y, x) in pixels; by default that of the training patches. The thesis presets know
            no other.
        threshold : str or float
            How grey levels become phases: "porosity" for one common level that gives the whole
            batch the phase fractions of the training images; "training" for the level that
            separated those; or a grey level in [0, 1].

        Returns
        -------
        Samples
            `n` images with their labels.

        Raises
        ------
        InputError
            If an argument is out of range, or the preset cannot make this shape.
        """
        count = _validate.integer(n, name="n", minimum=1)
        key = jax.random.key(_validate.seed(seed))
        size = self.settings.recipe.size
        sides = _validate.shape((size, size) if shape is None else shape)
        if len(sides) != 2:
            raise InputError(f"shape must have two sides (y, x) for this preset, not {len(sides)}")
        images = self._drawer(self._weights, key, count, sides)
        settings = self.settings
        thresholds = thresholds_for(
            images, threshold, trained=settings.thresholds, fractions=settings.fractions
        )
        labels = np.digitize(images, thresholds, right=True).astype(np.uint8)
        return Samples(images, labels, thresholds, seed, settings.spacing)


def load_generator(path: str | os.PathLike[str]) -> Generator:
    """Open a trained generator from the folder of its run; the training images are not needed.

    Parameters
    ----------
    path : path
        The `workdir` it was trained in.

    Returns
    -------
    Generator
        From the last checkpoint.

    Raises
    ------
    InputError
        If it is no folder of a run.
    CheckpointError
        If there is no checkpoint yet, or it is damaged or belongs to something else.
    """
    folder = RunFolder(path)
    settings = folder.settings()
    adversary = adversaries.build(settings.recipe, seed=settings.seed)
    with folder.checkpoints(settings) as checkpoints:
        state = checkpoints.restore(adversary.initial())
    drawer = Drawer(adversary, low=settings.low, high=settings.high)
    return Generator(settings, drawer, state, path=folder.path)
