"""The folder of a training run of a classifier: its settings beside what the training leaves.

::

    settings.json    preset, classes, sizes, seed, versions
    weights.npz, history.csv, log.csv, checkpoints/, tensorboard/: see `learning.fitting.FitFolder`

The first two are all that predicting needs.
"""

import os
from dataclasses import asdict, dataclass

from microtwin.classification.presets import PRESETS
from microtwin.learning.fitting import FitFolder
from microtwin.learning.run_settings import SettingsFolder

LATER = ("versions", "epochs")  # what may differ where a run goes on


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a run is, apart from its weights.

    Attributes
    ----------
    preset : str
        Name of the recipe.
    classes : tuple of str
        Names of the classes, in the order of the outputs.
    size : tuple of int
        Sides (y, x) of the images.
    channels : int
        1 or 3.
    seed : int
        Seed of the run.
    images, validation : int
        How many were learned from, and held out.
    digest : str
        A short name for exactly these images and labels.
    epochs : int
        At most.
    schedule : str
        Of the learning rate; with the epochs that it falls over, if it does.
    class_weights : tuple of float
        How much an image of each class counts.
    pretrained : str
        Where the weights of the frozen part came from; "" where there is none.
    augmentation : str
        How training images were changed.
    start : str
        A short name for exactly the weights that training began from; "" where they were random.
    rate : float
        The learning rate at the start.
    versions : dict
        Of the software.
    """

    preset: str
    classes: tuple[str, ...]
    size: tuple[int, ...]
    channels: int
    seed: int
    images: int
    validation: int
    digest: str
    epochs: int
    schedule: str
    class_weights: tuple[float, ...]
    pretrained: str
    augmentation: str
    start: str
    rate: float
    versions: dict[str, str]

    @property
    def identity(self) -> dict[str, str]:
        """What a checkpoint must agree with."""
        return {name: str(value) for name, value in asdict(self).items() if name not in LATER}


class RunFolder(SettingsFolder[Settings]):
    """A folder with a run, or for one."""

    kind, form, presets = "classifier", Settings, PRESETS

    def __init__(self, path: str | os.PathLike[str]) -> None:
        super().__init__(path)
        self.fit = FitFolder(self.path)
