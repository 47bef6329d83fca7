"""The folder of a training run: settings, log, checkpoints, pictures.

::

    settings.json    preset, seed, what the images were like, versions
    generator.npz    the weights that came nearest to the validation set
    MODEL_CARD.md    all that in words
    log.csv          one row a step
    validation.csv   how near it came, now and then
    checkpoints/     the last few, complete
    progress/        a picture now and then, always from the same latents
    tensorboard/     the same for TensorBoard, if tensorboardX is installed

The first three are all that sampling needs.
"""

import os
from dataclasses import dataclass

from microtwin import _files
from microtwin.generation.encoding import Encoding
from microtwin.generation.presets import PRESETS, Preset
from microtwin.learning.checkpoints import Checkpoints
from microtwin.learning.log import CsvLog
from microtwin.learning.run_settings import SettingsFolder


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a run is, apart from its weights; enough to sample without the training images.

    Attributes
    ----------
    preset : str
        Name of the recipe.
    seed : int
        Seed of the run.
    images : int
        How many images or volumes it learns from.
    directions : int
        1, or 3 where the slices along the three axes are learned from images of their own.
    digest : str
        A short name for exactly their voxels.
    phases : int
        How many.
    labelled : bool
        Whether the images are labels, not grey levels.
    low, high : float
        Grey levels that are -1 and 1 to the networks.
    thresholds, fractions : tuple of float
        Grey levels between the phases, none where there are three or more; fraction of each phase,
        darkest first.
    condition : tuple of float or None
        Mean and standard deviation of the porosity of patches, if it can be asked for.
    porosities : tuple of float
        The 5 and 95 percentiles of the porosity of patches.
    rotations, mirrors : bool
        Whether patches were turned by right angles, and mirrored.
    augment : tuple of str or None
        What was done to images before the critic saw them, if anything was.
    precision : str
        What the generator was trained in.
    validation : str
        How the validation set was held out.
    spacing : tuple of float or None
        Voxel edges in metres.
    versions : dict
        Of the software that started the run.
    """

    preset: str
    seed: int
    images: int
    directions: int
    digest: str
    phases: int
    labelled: bool
    low: float
    high: float
    thresholds: tuple[float, ...]
    fractions: tuple[float, ...]
    condition: tuple[float, float] | None
    porosities: tuple[float, float]
    rotations: bool
    mirrors: bool
    precision: str
    validation: str
    spacing: tuple[float, ...] | None
    versions: dict[str, str]
    augment: tuple[str, ...] | None = None

    @property
    def identity(self) -> dict[str, str]:
        """What a checkpoint must agree with."""
        return {
            "preset": self.preset,
            "seed": str(self.seed),
            "images": self.digest,
            "rotations": str(self.rotations),
            "mirrors": str(self.mirrors),
            "condition": "none" if self.condition is None else "porosity",
            **({"augment": ", ".join(self.augment)} if self.augment else {}),
        }

    @property
    def recipe(self) -> Preset:
        """The preset itself."""
        return PRESETS[self.preset]

    @property
    def encoding(self) -> Encoding:
        """Between voxels and what the networks see."""
        return Encoding(
            self.phases, self.labelled, self.low, self.high, self.thresholds, self.condition
        )


class RunFolder(SettingsFolder[Settings]):
    """Paths and files of one run."""

    kind, form, presets = "generator", Settings, PRESETS

    def __init__(self, path: str | os.PathLike[str]) -> None:
        super().__init__(path)
        self.weights_file = self.path / "generator.npz"
        self.card_file = self.path / "MODEL_CARD.md"
        self.log = CsvLog(self.path / "log.csv")
        self.validation = CsvLog(self.path / "validation.csv")
        self.pictures = self.path / "progress"
        self.board = self.path / "tensorboard"

    def create(self, settings: Settings) -> None:
        """Start the folder of a new run."""
        _files.output_folder(self.path, name="workdir")
        self.pictures.mkdir(exist_ok=True)
        self.write_settings(settings)

    def checkpoints(self, settings: Settings) -> Checkpoints:
        """Open the checkpoints."""
        return Checkpoints(self.path / "checkpoints", identity=settings.identity)
