"""The folder of a detector's training run, and what it must agree with.

::

    settings.json    method, networks, sizes, rates, what the images were, versions
    detector.npz     what normal is like: densities, scales, scores of normal images
    autoencoder/     its best weights, history and checkpoints, see `microtwin.learning.fitting`
    judge/           the same of the MLP or the flow

The first two and the two files weights.npz are all that scoring needs.
"""

import json
import os
import platform
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from microtwin import _files
from microtwin.classification.anomaly.tiling import Tiling
from microtwin.errors import CheckpointError, InputError
from microtwin.learning.checkpoints import differences
from microtwin.learning.fitting import FitFolder

FORMAT = "microtwin anomaly detector 1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a detector is, apart from what it has learned.

    Attributes
    ----------
    method : str
        "autoencoder", "mlp" or "flow".
    architecture : str
        Name of the autoencoder.
    score : str
        What the autoencoder's score is, one of `detector.SCORES`.
    inputs : str
        What the MLP or the flow sees, one of `detector.INPUTS`.
    size, stride : int
        Side of the tiles in pixels, and from one to the next.
    downscale : float
        By how much images are made smaller first.
    false_alarms : float
        For which the threshold is made unless another rate is asked for.
    augmentation : str
        How tiles were changed at random.
    seed : int
        Of the run.
    normal, anomalies, validation : str
        Digests of the images; of what was drawn, or empty, where there are none.
    counts : dict of str to int
        How many images were learned from, watched, and kept for the threshold.
    versions : dict
        Of the software that started the run.
    """

    method: str
    architecture: str
    score: str
    inputs: str
    size: int
    stride: int
    downscale: float
    false_alarms: float
    augmentation: str
    seed: int
    normal: str
    anomalies: str
    validation: str
    counts: dict[str, int]
    versions: dict[str, str]

    @property
    def tiling(self) -> Tiling:
        """How images are cut."""
        return Tiling(self.size, self.stride)

    @property
    def identity(self) -> dict[str, str]:
        """What a checkpoint must agree with."""
        free = ("versions", "false_alarms")
        return {name: str(value) for name, value in asdict(self).items() if name not in free}

    @property
    def identity_of_autoencoder(self) -> dict[str, str]:
        """What decides the autoencoder, whatever judges by it."""
        names = ("architecture", "downscale", "augmentation", "seed", "normal")
        counts = {name: str(self.counts[name]) for name in ("learned", "watched")}
        return {name: self.identity[name] for name in names} | counts


class RunFolder:
    """Paths and files of one run."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.settings_file = self.path / "settings.json"
        self.normal_file = self.path / "detector.npz"
        self.autoencoder = FitFolder(self.path / "autoencoder")
        self.judge = FitFolder(self.path / "judge")

    def exists(self) -> bool:
        """Whether a run has been started here."""
        return self.settings_file.exists()

    def create(self, settings: Settings) -> None:
        """Start the folder of a new run."""
        for folder in (self.autoencoder, self.judge):
            _files.output_folder(folder.path, name="workdir")
        _files.write_json(self.settings_file, {"format": FORMAT, **asdict(settings)})

    def settings(self) -> Settings:
        """Read back what `create` wrote.

        Raises
        ------
        InputError
            If this is no folder of a detector.
        CheckpointError
            If its settings cannot be understood.
        """
        if not self.exists():
            raise InputError(f"{self.path} is not the folder of a trained anomaly detector")
        try:
            entries: dict[str, Any] = json.loads(self.settings_file.read_text(encoding="utf-8"))
            if entries.pop("format", None) != FORMAT:
                raise InputError(f"{self.path} is the folder of something else than a detector")
            return Settings(**entries)
        except InputError:
            raise
        except (ValueError, TypeError, AttributeError) as error:
            raise CheckpointError(f"{self.settings_file} is damaged: {error}") from error

    def check_continues(self, settings: Settings) -> None:
        """Raise CheckpointError unless the run here is the one of `settings`."""
        found, wanted = self.settings().identity, settings.identity
        if found != wanted:
            raise CheckpointError(f"the run in {self.path} is {differences(found, wanted)}")


def versions() -> dict[str, str]:
    """Return the versions of what decides the numbers."""
    found = {"python": platform.python_version()}
    for name in ("microtwin", "jax", "flax", "optax", "numpy", "scikit-learn"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"  # microtwin run from a source tree
    return found
