"""The folder of a training run of a classifier: its settings beside what the training leaves.

::

    settings.json    preset, classes, sizes, seed, versions
    weights.npz, history.csv, log.csv, checkpoints/, tensorboard/: see `learning.fitting.FitFolder`

The first two are all that predicting needs.
"""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from microtwin import _files
from microtwin.classification.presets import PRESETS
from microtwin.errors import CheckpointError, InputError
from microtwin.learning.checkpoints import differences
from microtwin.learning.fitting import FitFolder

TUPLES = ("classes", "size")
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
    versions: dict[str, str]

    @property
    def identity(self) -> dict[str, str]:
        """What a checkpoint must agree with."""
        return {name: str(value) for name, value in asdict(self).items() if name not in LATER}


class RunFolder:
    """A folder with a run, or for one."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.settings_file = self.path / "settings.json"
        self.fit = FitFolder(self.path)

    def exists(self) -> bool:
        """Whether there is a run."""
        return self.settings_file.exists()

    def create(self, settings: Settings) -> None:
        """Write down what the run is."""
        _files.write_json(self.settings_file, {"kind": "classifier", **asdict(settings)})

    def settings(self) -> Settings:
        """Read back what `create` wrote.

        Raises
        ------
        InputError
            If this is no folder of a classifier.
        CheckpointError
            If its settings cannot be understood.
        """
        if not self.exists():
            raise InputError(f"{self.path} is not the folder of a trained classifier")
        try:
            entries: dict[str, Any] = json.loads(self.settings_file.read_text(encoding="utf-8"))
            kind = entries.pop("kind", None)
            if kind == "classifier":
                lists = (*TUPLES, "class_weights")
                settings = Settings(**entries | {name: tuple(entries[name]) for name in lists})
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise CheckpointError(f"{self.settings_file} is damaged: {error}") from error
        if kind != "classifier":
            raise InputError(f"{self.path} is not the folder of a trained classifier")
        if settings.preset not in PRESETS:
            raise CheckpointError(
                f"{self.settings_file} names a preset that this version does not know: "
                f"{settings.preset}"
            )
        return settings

    def check_continues(self, settings: Settings) -> None:
        """Raise CheckpointError unless the run here is the one of `settings`."""
        found, wanted = self.settings().identity, settings.identity
        if found != wanted:
            raise CheckpointError(f"the run in {self.path} is {differences(found, wanted)}")
