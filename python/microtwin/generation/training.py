"""Training a generator on micrographs: data, model, step, resume, loop."""

import logging
import os
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from microtwin import _validate
from microtwin._progress import ProgressCallback, silent
from microtwin._version import versions
from microtwin.errors import InputError
from microtwin.generation import adversaries, card
from microtwin.generation.batches import RESIDENT, Batches
from microtwin.generation.drawing import Drawer
from microtwin.generation.generator import Generator, load_generator
from microtwin.generation.pictures import TILES, Pictures
from microtwin.generation.presets import DEFAULT, PRESETS, Preset
from microtwin.generation.run_folder import RunFolder, Settings
from microtwin.generation.training_set import TrainingSet
from microtwin.generation.validation import Validation
from microtwin.images.patches import Places
from microtwin.learning.devices import Devices, accelerated, is_first, join_processes, sole_writer
from microtwin.learning.diffaugment import WAYS
from microtwin.learning.log import TensorBoard
from microtwin.learning.loop import Hook, train

logger = logging.getLogger(__name__)

CHECKPOINT_EVERY = 100
PICTURE_EVERY = 100
TOGETHER = 10  # steps in one call of an accelerator
CONDITIONS = ("porosity",)
PRECISIONS = ("auto", *adversaries.PRECISIONS)


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
    mirrors: bool = True,
    augment: str | Sequence[str] = (),
    condition: str | None = None,
    stream: bool | None = None,
    precision: str = "auto",
    progress: ProgressCallback | None = None,
) -> Generator:
    """Train a generator on micrographs or volumes.

    Everything goes to `workdir`: settings, the weights that came nearest to a validation set, a
    model card, logs (CSV, and TensorBoard's if tensorboardX is installed), progress pictures from
    fixed latents, and checkpoints of all there is. A run that was killed goes on with
    ``resume=True`` from its last checkpoint, on a CPU bit for bit as if nothing had happened.

    A part of the images is held out. Every so many steps samples are drawn, cut into phases and
    compared with it by their two-point probability and lineal path; the weights that came nearest
    are those that are sampled from.

    Parameters
    ----------
    images : array_like, list, path, Catalogue or mapping
        One image (y, x), a stack (n, y, x), a list of images or of files, a folder, or a
        catalogue. Grey levels, or labels (no more than eight distinct values). For "dcgan-3d"
        volumes: (z, y, x), (n, z, y, x), a list of volumes or of their files. For "slice-3d" and a
        material that is not the same along all axes, a mapping from the axes "z", "y", "x" to the
        images normal to them: (y, x), (z, x) and (z, y). One of the three may be missing: it is
        taken to look like another one.
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
        all axes (see `training_set.ISOTROPIC`).
    mirrors : bool
        Whether patches are mirrored.
    augment : "translation", "cutout", "brightness", or several
        What is done at random to each image, real or made, before the critic sees it (see
        `microtwin.learning.diffaugment`): for few images, which a critic would learn by heart.
        Brightness is for grey levels. Not for the thesis presets.
    condition : "porosity", optional
        Teach the network to be asked for a porosity: ``gan.sample(n, porosity=0.3)``. Asked for is
        the fraction of phase 0 in a patch; what can be asked for is what patches show. Not for
        slices, of which one volume has many porosities, and not for the thesis presets.
    stream : bool, optional
        Whether image files are read whenever they are needed; by default where they would fill a
        quarter of the memory.
    precision : "auto", "float32" or "bfloat16"
        What the generator computes in while training: bfloat16 on GPUs by default. Weights, the
        critic and its penalty stay in float32.
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
        If the run in `workdir` is another one or damaged, or the disk is full.
    TrainingError
        If training diverges.
    KeyboardInterrupt
        After Ctrl-C, once the checkpoint of the step is written.

    Notes
    -----
    All GPUs of the machine share each step, and all machines of a distributed run, where
    ``JAX_COORDINATOR_ADDRESS``, ``JAX_NUM_PROCESSES`` and ``JAX_PROCESS_ID`` are set; `workdir` is
    then a folder that all of them see.
    """
    recipe = PRESETS[_validate.choice(preset, PRESETS, name="preset")]
    last = recipe.steps if steps is None else _validate.integer(steps, name="steps", minimum=1)
    _validate.seed(seed)
    _validate.choice(precision, PRECISIONS, name="precision")
    _check_condition(condition, recipe)
    ways = _ways(augment, recipe)
    folder = RunFolder.to_train_in(workdir, resume=resume)
    join_processes()

    # Data.
    data = TrainingSet.of(images, size=recipe.size, axes=recipe.sees, match=match, stream=stream)
    settings = _settings(
        recipe, data, seed, rotations, mirrors, ways, condition, _precision(precision)
    )
    encoding = settings.encoding
    batches = Batches(
        data.sets,
        data.shapes,
        size=recipe.size,
        count=recipe.patches,
        seed=seed,
        turn=settings.rotations,
        mirror=settings.mirrors,
        streamed=data.streamed,
        resident=accelerated() and not data.streamed and data.voxels < RESIDENT,
    )

    # Model.
    devices = Devices(recipe.batch)
    adversary = adversaries.build(
        recipe,
        encoding,
        seed=seed,
        directions=settings.directions,
        precision=settings.precision,
        devices=devices,
    )
    state = adversary.initial()

    # Step.
    step = adversaries.step(recipe, encoding, adversary, augment=ways)

    # Resume.
    if folder.exists():
        folder.check_continues(settings)
    elif is_first():
        folder.create(settings)
    with sole_writer(folder.path), folder.checkpoints(settings) as checkpoints:
        if checkpoints.latest() is not None:
            state = checkpoints.restore(state)
        first = int(state.step)
        if is_first():
            folder.log.keep_until(first)
            folder.validation.keep_until(first)
        logger.info("%s: from step %d to %d", folder.path, first, last)

        # Loop.
        module, network, _ = adversaries.weightless(recipe, encoding)
        drawer = Drawer(module, network, preset=recipe, encoding=encoding)
        board = TensorBoard(folder.board, first=first)
        hooks = [
            Hook(
                recipe.validate_every,
                Validation(
                    drawer,
                    encoding,
                    data.validation.sets,
                    fractions=settings.fractions,
                    size=recipe.size,
                    axes=recipe.axes,
                    log=folder.validation,
                    weights_file=folder.weights_file,
                    board=board,
                ),
            ),
            Hook(
                max(PICTURE_EVERY, recipe.validate_every),
                Pictures(
                    folder.pictures,
                    drawer,
                    _seen(data, recipe, settings),
                    axes=recipe.axes,
                    size=recipe.size,
                    channels=encoding.channels,
                    seed=seed,
                    board=board,
                ),
            ),
        ]
        try:
            train(
                state,
                step,
                batches,
                first=first,
                last=last,
                seed=seed,
                log=folder.log,
                checkpoints=checkpoints,
                checkpoint_every=CHECKPOINT_EVERY,
                hooks=hooks,
                devices=devices,
                together=TOGETHER if accelerated() else 1,
                board=board,
                progress=progress or silent,
            )
        finally:
            board.close()
    generator = load_generator(folder.path)
    if is_first():
        card.write(
            folder,
            settings,
            steps=generator.steps,
            seconds=generator.seconds,
            metrics=generator.metrics,
        )
    return generator


def _check_condition(condition: str | None, recipe: Preset) -> None:
    if condition is None:
        return
    _validate.choice(condition, CONDITIONS, name="condition")
    if not recipe.any_size or recipe.slices:
        able = [p.name for p in PRESETS.values() if p.any_size and not p.slices]
        raise InputError(
            f"condition must be None for the preset {recipe.name}; it can be had with "
            f"{', '.join(able)}"
        )


def _ways(augment: str | Sequence[str], recipe: Preset) -> tuple[str, ...]:
    alone = isinstance(augment, str) or not isinstance(augment, Iterable)
    ways: list[Any] = [augment] if alone else list(augment)
    for way in ways:
        _validate.choice(way, WAYS, name="augment")
    if ways and recipe.recipe == "classic":
        raise InputError(f"augment must be empty for the preset {recipe.name}")
    return tuple(way for way in WAYS if way in ways)  # each once, in their order


def _precision(asked: str) -> str:
    if asked != "auto":
        return asked
    return "bfloat16" if accelerated() else "float32"


def _settings(
    recipe: Preset,
    data: TrainingSet,
    seed: int,
    rotations: bool | None,
    mirrors: bool,
    ways: tuple[str, ...],
    condition: str | None,
    precision: str,
) -> Settings:
    if not recipe.any_size and data.phases > 2:
        raise InputError(
            f"images must show two phases or grey levels for the preset {recipe.name}, "
            f"not {data.phases} phases"
        )
    if len(data.sets) > 1 and not recipe.slices:
        raise InputError(
            f"images must not be given by axes for the preset {recipe.name}, but for slice-3d"
        )
    if "brightness" in ways and data.labelled:
        raise InputError("augment must not hold brightness for labels, which have none")
    low, high = data.limits if recipe.stretch else (0.0, 1.0)
    portions = data.portions(recipe.size)
    spread = (float(portions.mean()), float(portions.std()))
    low_portion, high_portion = np.percentile(portions, (5, 95))
    if condition is not None and spread[1] == 0:
        raise InputError("condition must be None: all patches have the same porosity")
    return Settings(
        preset=recipe.name,
        seed=seed,
        images=data.count,
        directions=len(data.sets),
        digest=data.digest,
        phases=data.phases,
        labelled=data.labelled,
        low=low,
        high=high,
        thresholds=data.thresholds,
        fractions=data.fractions,
        condition=None if condition is None else spread,
        porosities=(float(low_portion), float(high_portion)),
        rotations=data.isotropic if rotations is None else bool(rotations),
        mirrors=bool(mirrors),
        augment=ways or None,
        precision=precision,
        validation=data.validation.how,
        spacing=data.spacing,
        versions=versions(),
    )


def _seen(data: TrainingSet, recipe: Preset, settings: Settings) -> Any:
    """Return real patches as a drawer would return them."""
    each = [
        Places.drawn(shapes, size=recipe.size, count=TILES // len(data.sets), seed=0).cut(images)
        for images, shapes in zip(data.sets, data.shapes, strict=True)
    ]
    patches = np.stack(each, axis=1).reshape(-1, *each[0].shape[1:])
    if settings.thresholds:
        return patches
    return np.eye(settings.phases, dtype=np.float32)[patches]
