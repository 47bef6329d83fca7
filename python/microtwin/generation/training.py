"""Training a generator on micrographs: data, model, step, resume, loop."""

import logging
import os
from typing import Any

from microtwin import _files, _validate
from microtwin._progress import ProgressCallback, silent
from microtwin.errors import InputError
from microtwin.generation import adversaries
from microtwin.generation.drawing import Drawer
from microtwin.generation.generator import Generator
from microtwin.generation.pictures import COLUMNS, ROWS, Pictures
from microtwin.generation.presets import DEFAULT, PRESETS, Preset
from microtwin.generation.run_folder import RunFolder, Settings, versions
from microtwin.generation.training_set import Batches, TrainingSet
from microtwin.images import random_patches
from microtwin.learning.loop import Hook, train

logger = logging.getLogger(__name__)

CHECKPOINT_EVERY = 100
PICTURE_EVERY = 100


def train_gan(
    images: Any,
    *,
    preset: str = DEFAULT,
    workdir: str | os.PathLike[str],
    steps: int | None = None,
    seed: int = 0,
    resume: bool = False,
    match: bool = True,
    rotations: bool | None = None,
    progress: ProgressCallback | None = None,
) -> Generator:
    """Train a generator on micrographs.

    Everything goes to `workdir`: settings, a log with one row a step, progress pictures from fixed
    latents, and checkpoints of all there is. A run that was killed goes on with ``resume=True``
    from its last checkpoint, on a CPU bit for bit as if nothing had happened.

    Parameters
    ----------
    images : array_like, list, path or Catalogue
        One image (y, x), a stack (n, y, x), a list of images or of files, a folder, or a
        catalogue. Grey levels, or labels (no more than eight distinct values).
    preset : str
        The recipe, one of `PRESETS`.
    workdir : path
        Folder of the run.
    steps : int, optional
        Steps in all, those before resuming included; the preset's number by default.
    seed : int
        Seed of the weights, the latents and the order of the patches.
    resume : bool
        Go on with the run in `workdir`, or start it if there is none.
    match : bool
        Bring the images to one grey scale first (see `training_set.matched`), as is right for
        micrographs taken at different brightness and contrast.
    rotations : bool, optional
        Whether patches may be turned by right angles; by default where the images look alike along
        y and x (see `training_set.ISOTROPIC`). They are always mirrored.
    progress : ProgressCallback, optional
        Told after every step.

    Returns
    -------
    Generator
        What has been learned.

    Raises
    ------
    InputError
        If an argument is out of range, the images are too small or show one phase only, or the
        folder holds a run and `resume` is False.
    CheckpointError
        If the run in `workdir` is another one, or damaged.
    TrainingError
        If training diverges.
    KeyboardInterrupt
        After Ctrl-C, once the checkpoint of the step is written.
    """
    recipe = PRESETS[_validate.choice(preset, PRESETS, name="preset")]
    last = recipe.steps if steps is None else _validate.integer(steps, name="steps", minimum=1)
    _validate.seed(seed)
    folder = RunFolder(_files.output_folder(workdir, name="workdir"))
    if folder.exists() and not resume:
        raise InputError(
            f"workdir {folder.path} already holds a run: pass resume=True to go on with it, "
            "or another folder"
        )

    # Data.
    data = TrainingSet.of(images, match=match)
    data.check_holds(recipe.size)
    turn = data.isotropic if rotations is None else bool(rotations)
    settings = _settings(recipe, data, seed, turn=turn)
    batches = Batches(
        data.images,
        size=recipe.size,
        batch=recipe.batch,
        seed=seed,
        turn=turn,
        low=settings.low,
        high=settings.high,
    )

    # Model.
    adversary = adversaries.build(recipe, seed=seed)
    state = adversary.initial()

    # Step.
    step = adversaries.step(recipe, adversary)

    # Resume.
    if folder.exists():
        folder.check_continues(settings)
    else:
        folder.create(settings)
    with folder.checkpoints(settings) as checkpoints:
        if checkpoints.latest() is not None:
            state = checkpoints.restore(state)
        first = int(state.step)
        folder.log.keep_until(first)
        logger.info("%s: from step %d to %d", folder.path, first, last)

        # Loop.
        drawer = Drawer(adversary, low=settings.low, high=settings.high)
        real = random_patches(data.images, size=recipe.size, count=ROWS * COLUMNS, seed=seed)
        state = train(
            state,
            step,
            batches,
            first=first,
            last=last,
            seed=seed,
            log=folder.log,
            checkpoints=checkpoints,
            checkpoint_every=CHECKPOINT_EVERY,
            hooks=[Hook(PICTURE_EVERY, Pictures(folder.pictures, drawer, real, seed=seed))],
            progress=progress or silent,
        )
    return Generator(settings, drawer, state, path=folder.path)


def _settings(recipe: Preset, data: TrainingSet, seed: int, *, turn: bool) -> Settings:
    low, high = data.limits if recipe.stretch else (0.0, 1.0)
    return Settings(
        preset=recipe.name,
        seed=seed,
        images=len(data.images),
        digest=data.digest,
        low=low,
        high=high,
        thresholds=data.thresholds,
        fractions=data.fractions,
        rotations=turn,
        spacing=data.spacing,
        versions=versions(),
    )
