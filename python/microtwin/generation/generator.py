"""A trained generator: opened from its folder, sampled by seed."""

import itertools
import math
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from microtwin import _files, _memory, _validate
from microtwin._progress import ProgressCallback, silent
from microtwin.errors import CheckpointError, InputError
from microtwin.generation import adversaries, card, writing
from microtwin.generation.cutting import check_rule, cut, where_to_cut
from microtwin.generation.drawing import Drawer, Piece, Task
from microtwin.generation.run_folder import RunFolder, Settings
from microtwin.generation.samples import Sample, Samples
from microtwin.learning.checkpoints import load_arrays, save_arrays
from microtwin.learning.network import Weights

WEIGHTS = ("best", "last")


class Generator:
    """A trained generator.

    Attributes
    ----------
    settings : Settings
        What it was trained on and how.
    path : Path
        The folder of its run, or where it was saved.
    steps : int
        Training steps behind its weights.
    metrics : dict of str to float
        How far its samples were from the validation set then, see `docs/generators.md`; empty for
        the last weights of a run.
    seconds : float
        Time spent in training, interruptions not counted.
    """

    def __init__(
        self,
        settings: Settings,
        drawer: Drawer,
        weights: Weights,
        *,
        path: Path,
        steps: int,
        metrics: dict[str, float],
    ) -> None:
        self.settings, self.path, self.steps, self.metrics = settings, path, steps, metrics
        self.seconds = RunFolder(path).log.last("seconds") or 0.0
        self._drawer, self._weights = drawer, weights

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
        shape: Sequence[int] | None = None,
        threshold: str | float | None = None,
        periodic: bool = False,
        porosity: float | Sequence[float] | None = None,
        first: int = 0,
        progress: ProgressCallback | None = None,
    ) -> Samples:
        """Draw images or volumes.

        Sample i of a seed depends on the seed and i alone: to have number 37 again, draw one with
        ``first=37`` and the `thresholds` of its batch. Large ones are made block by block; for what
        does not fit into memory, see `sample_to`.

        Parameters
        ----------
        n : int
            How many.
        seed : int
            Seed of the latents.
        shape : sequence of int, optional
            Size (y, x) or (z, y, x) in voxels; by default that of the training patches. The thesis
            presets know no other.
        threshold : str or float, optional
            How grey levels become phases: "porosity" for one common level that gives the whole
            batch the phase fractions of the training images; "training" for the level that
            separated those; or a grey level in [0, 1]. By default "porosity", or "training" for a
            network that is asked for porosities.
        periodic : bool
            Whether opposite faces fit together; the sides must be multiples of 16 then.
        porosity : float or sequence of float, optional
            What each sample is asked for, if the network was trained with ``condition="porosity"``;
            by default as the porosities of training patches vary. Samples come near to it, on
            average; nothing is set by the threshold "training".
        first : int
            Number of the first sample.
        progress : ProgressCallback, optional
            Told after every block.

        Returns
        -------
        Samples
            `n` structures with their labels.

        Raises
        ------
        InputError
            If an argument is out of range, or the preset cannot make this shape.
        """
        task = self._task(n, seed, shape, threshold, periodic, porosity, first)
        _memory.check(
            task.count * math.prod(task.shape) * (4 * self.settings.encoding.channels + 1),
            what=f"drawing {task.count} samples of {task.shape}",
            instead="sample_to and `microtwin sample` write them to disk block by block",
        )
        images = self._drawer(self._weights, task, progress=progress or silent)
        settings = self.settings
        at = where_to_cut(
            images, task.rule, trained=settings.thresholds, fractions=settings.fractions
        )
        numbers = range(task.first, task.first + task.count)
        labels = cut(images, at, phases=settings.phases)
        return Samples(images, labels, at, task.seed, numbers, settings.spacing)

    def stream(
        self,
        *,
        seed: int = 0,
        shape: Sequence[int] | None = None,
        threshold: str | float | None = None,
        periodic: bool = False,
        porosity: float | Sequence[float] | None = None,
        batch: int = 32,
    ) -> Iterator[Sample]:
        """Draw samples one after the other, without end; for `microtwin.screen`.

        They are those of `sample` with the same seed. Grey levels are cut as asked for in the first
        batch, and at the same level in all that follow.

        Parameters
        ----------
        seed, shape, threshold, periodic
            As in `sample`.
        porosity : float or sequence of float, optional
            What the samples of a batch are asked for, as in `sample`.
        batch : int
            How many are drawn at a time.

        Yields
        ------
        Sample
            Its image remembers its number and seed.

        Raises
        ------
        InputError
            If an argument is out of range, or the preset cannot make this shape.
        """
        self._task(batch, seed, shape, threshold, periodic, porosity, 0)  # errors before the first
        return self._stream(
            batch, threshold, seed=seed, shape=shape, periodic=periodic, porosity=porosity
        )

    def _stream(
        self, batch: int, threshold: str | float | None, **options: Any
    ) -> Iterator[Sample]:
        for first in itertools.count(0, batch):
            samples = self.sample(batch, threshold=threshold, first=first, **options)
            if len(samples.thresholds) == 1:
                threshold = samples.thresholds[0]
            yield from samples

    def sample_to(
        self,
        path: str | os.PathLike[str],
        n: int,
        *,
        seed: int = 0,
        shape: Sequence[int] | None = None,
        threshold: str | float | None = None,
        periodic: bool = False,
        porosity: float | Sequence[float] | None = None,
        first: int = 0,
        grey: bool = False,
        resume: bool = False,
        progress: ProgressCallback | None = None,
    ) -> writing.Manifest:
        """Draw samples straight to disk, with no more memory than one block takes.

        The phases are the same as those of `sample`, up to grey levels closer to the threshold than
        1/65535. A manifest with seeds, thresholds and versions is written beside or within.

        Parameters
        ----------
        path : path
            A .zarr folder, a .tif or .npy file with all samples in one array; or a folder that gets
            a file for each sample: PNG, or TIFF for volumes.
        n, seed, shape, threshold, periodic, porosity, first
            As in `sample`.
        grey : bool
            Write grey levels (float32) instead of phases; a folder gets both for images.
        resume : bool
            Go on with a job that was interrupted, which must be the same.
        progress : ProgressCallback, optional
            Told after every block.

        Returns
        -------
        Manifest
            What was written, enough to make any sample again.

        Raises
        ------
        InputError
            If an argument is out of range, the preset cannot make this shape, or the files cannot
            be written.
        KeyboardInterrupt
            After Ctrl-C; what has been drawn is kept for ``resume=True``.
        """
        task = self._task(n, seed, shape, threshold, periodic, porosity, first)
        return writing.write(
            self, task, path, grey=grey, resume=resume, progress=progress or silent
        )

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Save what sampling needs, and the model card, to a new folder.

        Returns
        -------
        Path
            A folder that `load_generator` opens.

        Raises
        ------
        InputError
            If the folder exists already, or cannot be written.
        """
        target = Path(path)
        if target.exists():
            raise InputError(f"path must be new; {target} exists")
        _files.output_folder(target, name="path")
        there = RunFolder(target)
        there.write_settings(self.settings)
        save_arrays(there.weights_file, self._weights, step=self.steps, **self.metrics)
        card.write(
            there, self.settings, steps=self.steps, seconds=self.seconds, metrics=self.metrics
        )
        return target

    def pieces(self, task: Task, *, skip: int = 0) -> Iterator[Piece]:
        """Draw what a task asks for, part by part, the first few excepted; see `Drawer.pieces`."""
        return self._drawer.pieces(self._weights, task, skip=skip)

    def number_of_pieces(self, task: Task) -> int:
        """Return how many parts `pieces` yields."""
        return self._drawer.number_of_pieces(task)

    def _task(
        self,
        n: int,
        seed: int,
        shape: Sequence[int] | None,
        threshold: str | float | None,
        periodic: bool,
        porosity: float | Sequence[float] | None,
        first: int,
    ) -> Task:
        """Check the arguments of `sample`."""
        settings, preset = self.settings, self.settings.recipe
        count = _validate.integer(n, name="n", minimum=1)
        sides = _validate.shape((preset.size,) * preset.axes if shape is None else shape)
        if len(sides) != preset.axes:
            names = "(y, x)" if preset.axes == 2 else "(z, y, x)"
            raise InputError(
                f"shape must have {preset.axes} sides {names} for this preset, not {len(sides)}"
            )
        self._drawer.check(sides, periodic)
        rule = threshold
        if rule is None:
            rule = "porosity" if settings.condition is None else "training"
        return Task(
            count=count,
            seed=_validate.seed(seed),
            first=_validate.integer(first, name="first", minimum=0),
            shape=sides,
            periodic=bool(periodic),
            porosity=_asked(porosity, count, settings),
            rule=check_rule(rule, phases=settings.phases),
        )


def _asked(
    porosity: float | Sequence[float] | None, count: int, settings: Settings
) -> tuple[float, ...] | None:
    if porosity is None:
        return None
    if settings.condition is None:
        raise InputError(
            "porosity can be asked for where the network was trained with condition='porosity'; "
            "this one was not"
        )
    try:
        values: npt.NDArray[np.float64] = np.atleast_1d(np.asarray(porosity, np.float64))
    except (TypeError, ValueError):
        raise InputError(f"porosity must be one number or {count}, not {porosity!r}") from None
    if values.shape not in ((1,), (count,)):
        raise InputError(f"porosity must be one number or {count}, not {values.size}")
    asked = np.broadcast_to(values, count)
    return tuple(_validate.real(p, name="porosity", minimum=0, maximum=1) for p in asked)


def load_generator(path: str | os.PathLike[str], *, weights: str = "best") -> Generator:
    """Open a trained generator from its folder; the training images are not needed.

    Parameters
    ----------
    path : path
        The `workdir` it was trained in, or where it was saved.
    weights : str
        "best" for those that came nearest to the validation set; "last" for those of the last
        checkpoint of a run.

    Returns
    -------
    Generator

    Raises
    ------
    InputError
        If it is no folder of a generator.
    CheckpointError
        If there are no weights yet, or they are damaged or belong to something else.
    """
    _validate.choice(weights, WEIGHTS, name="weights")
    folder = RunFolder(path)
    settings = folder.settings()
    preset, encoding = settings.recipe, settings.encoding
    module, network, shapes = adversaries.weightless(preset, encoding)
    metrics: dict[str, float] = {}
    if weights == "best":
        if not folder.weights_file.exists():
            raise CheckpointError(f"the run in {folder.path} has not come to its first weights yet")
        values, metrics = load_arrays(folder.weights_file, shapes)
        steps = int(metrics.pop("step"))
    else:
        if not (folder.path / "checkpoints").is_dir():
            raise CheckpointError(f"there are no checkpoints in {folder.path}")
        adversary = adversaries.build(
            preset, encoding, seed=settings.seed, directions=settings.directions
        )
        with folder.checkpoints(settings) as checkpoints:
            state = checkpoints.restore(adversary.initial())
        values, steps = state.best_generator, int(state.step)
    drawer = Drawer(module, network, preset=preset, encoding=encoding)
    return Generator(settings, drawer, values, path=folder.path, steps=steps, metrics=metrics)
