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

import json
import os
import platform
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from microtwin import _files
from microtwin.errors import CheckpointError, InputError
from microtwin.generation.encoding import Encoding
from microtwin.generation.presets import PRESETS, Preset
from microtwin.learning.checkpoints import Checkpoints, differences
from microtwin.learning.log import CsvLog


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


TUPLES = ("thresholds", "fractions", "condition", "porosities", "spacing", "augment")


class RunFolder:
    """Paths and files of one run."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.settings_file = self.path / "settings.json"
        self.weights_file = self.path / "generator.npz"
        self.card_file = self.path / "MODEL_CARD.md"
        self.log = CsvLog(self.path / "log.csv")
        self.validation = CsvLog(self.path / "validation.csv")
        self.pictures = self.path / "progress"
        self.board = self.path / "tensorboard"

    def exists(self) -> bool:
        """Whether a run has been started here."""
        return self.settings_file.exists()

    def create(self, settings: Settings) -> None:
        """Start the folder of a new run."""
        _files.output_folder(self.path, name="workdir")
        self.pictures.mkdir(exist_ok=True)
        _files.write_json(self.settings_file, asdict(settings))

    def settings(self) -> Settings:
        """Read back what `create` wrote.

        Raises
        ------
        InputError
            If this is no folder of a run.
        CheckpointError
            If its settings cannot be understood.
        """
        if not self.exists():
            raise InputError(f"{self.path} is not the folder of a training run")
        try:
            entries: dict[str, Any] = json.loads(self.settings_file.read_text(encoding="utf-8"))
            for name in TUPLES:
                found = entries.get(name)
                entries[name] = None if found is None else tuple(found)
            settings = Settings(**entries)
        except (ValueError, TypeError, KeyError) as error:
            raise CheckpointError(f"{self.settings_file} is damaged: {error}") from error
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

    def checkpoints(self, settings: Settings) -> Checkpoints:
        """Open the checkpoints."""
        return Checkpoints(self.path / "checkpoints", identity=settings.identity)


def versions() -> dict[str, str]:
    """Return the versions of what decides the numbers."""
    names = ("microtwin", "jax", "flax", "optax", "numpy")
    return {"python": platform.python_version(), **{name: _version(name) for name in names}}


def _version(name: str) -> str:
    try:
        return version(name)
    except ModuleNotFoundError:
        return "not installed"  # microtwin run from a source tree
