"""The folder of a detector's training run, and what it must agree with.

::

    settings.json    method, networks, sizes, rates, what the images were, versions
    detector.npz     what normal is like: densities, scales, scores of normal images
    autoencoder/     its best weights, history and checkpoints, see `microtwin.learning.fitting`
    judge/           the same of the MLP or the flow

The first two and the two files weights.npz are all that scoring needs.
"""

import os
from dataclasses import asdict, dataclass

from microtwin import _files
from microtwin.classification.anomaly.tiling import Tiling
from microtwin.learning.fitting import FitFolder
from microtwin.learning.run_settings import SettingsFolder


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


class RunFolder(SettingsFolder[Settings]):
    """Paths and files of one run."""

    kind, form = "anomaly detector", Settings

    def __init__(self, path: str | os.PathLike[str]) -> None:
        super().__init__(path)
        self.normal_file = self.path / "detector.npz"
        self.autoencoder = FitFolder(self.path / "autoencoder")
        self.judge = FitFolder(self.path / "judge")

    def create(self, settings: Settings) -> None:
        """Start the folder of a new run."""
        for folder in (self.autoencoder, self.judge):
            _files.output_folder(folder.path, name="workdir")
        self.write_settings(settings)
