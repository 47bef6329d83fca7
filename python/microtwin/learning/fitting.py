"""Epoch after epoch: early stopping, falling learning rates, the best weights, and resuming."""

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from microtwin import _files
from microtwin._progress import ProgressCallback, silent
from microtwin.errors import TrainingError
from microtwin.learning import optimisers
from microtwin.learning.checkpoints import Checkpoints, load_arrays, save_arrays
from microtwin.learning.devices import Devices, accelerated, is_first, sole_writer
from microtwin.learning.log import CsvLog, TensorBoard
from microtwin.learning.loop import Change, Hook, Step, train
from microtwin.learning.network import Weights
from microtwin.learning.supervised import State

logger = logging.getLogger(__name__)

TOGETHER = 10  # steps in one call of an accelerator
CHECKPOINT_EVERY = 200  # steps at most, so that a crash in a long epoch loses little

Row = Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """For how long is trained, and what is done where it no longer helps.

    Attributes
    ----------
    epochs : int
        At most so many.
    steps : int
        An epoch.
    monitor : str
        The column of the history that is watched.
    larger_is_better : bool
        Whether it should grow.
    patience : int or None
        Training ends after so many epochs without a new best; None for never.
    reduce_patience : int or None
        The learning rate falls after so many; None for never.
    reduce_factor, smallest_rate : float
        By how much, and how far.
    smallest_change : float
        What counts as a new best for the learning rate (Keras's ``min_delta``).
    """

    epochs: int
    steps: int
    monitor: str = "val_loss"
    larger_is_better: bool = False
    patience: int | None = None
    reduce_patience: int | None = None
    reduce_factor: float = 0.1
    smallest_rate: float = 1e-7
    smallest_change: float = 1e-4

    @property
    def last(self) -> int:
        """Steps in all."""
        return self.epochs * self.steps


class Standing(NamedTuple):
    """What a history says.

    Attributes
    ----------
    best : int or None
        Index of the row with the best value.
    waited : int
        Epochs since then.
    unreduced : int
        Epochs without progress since the learning rate last fell.
    """

    best: int | None
    waited: int
    unreduced: int

    @classmethod
    def of(cls, history: Sequence[Row], plan: Plan) -> "Standing":
        """Read a history from its beginning; nothing else needs to be remembered."""
        best, unreduced, level = None, 0, np.inf
        sign = -1.0 if plan.larger_is_better else 1.0
        values = [sign * row[plan.monitor] for row in history]
        for i, value in enumerate(values):
            if best is None or value < values[best]:
                best = i
            if value < level - plan.smallest_change:
                level, unreduced = value, 0
            else:
                unreduced += 1
            if i + 1 < len(values) and plan.reduce_patience and unreduced >= plan.reduce_patience:
                unreduced = 0
        waited = 0 if best is None else len(values) - 1 - best
        return cls(best, waited, unreduced)

    def ends(self, plan: Plan) -> bool:
        """Whether training has ended early."""
        return plan.patience is not None and self.waited >= plan.patience

    def lowers(self, plan: Plan) -> bool:
        """Whether the learning rate falls now."""
        return plan.reduce_patience is not None and self.unreduced >= plan.reduce_patience


class FitFolder:
    """Where a training by epochs leaves what it has: a part of a run's folder.

    ::

        weights.npz    the best weights
        history.csv    one row an epoch
        log.csv        one row a step
        checkpoints/   the last few, complete
        tensorboard/   the same for TensorBoard, if tensorboardX is installed
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.weights_file = self.path / "weights.npz"
        self.history = CsvLog(self.path / "history.csv")
        self.log = CsvLog(self.path / "log.csv")

    def weights(self, like: Weights) -> tuple[Weights, dict[str, float]]:
        """Return the best weights and what they reached.

        Raises
        ------
        CheckpointError
            If there are none, or they belong to something else.
        """
        return load_arrays(self.weights_file, like)


def fit(
    state: State,
    step: Step[State],
    batches: Callable[[int], Any],
    evaluate: Callable[[Weights], Row],
    *,
    folder: FitFolder,
    identity: Mapping[str, str],
    plan: Plan,
    seed: int,
    devices: Devices | None = None,
    progress: ProgressCallback | None = None,
) -> list[dict[str, float]]:
    """Train by epochs, or go on with it, and leave the best weights in `folder`.

    Parameters
    ----------
    state : State
        At the beginning.
    step : callable
        See `supervised.step`; the optimiser must be one of `optimisers.optimiser`.
    batches : callable
        ``batches(i)`` returns the batch of step i, which must depend on i alone.
    evaluate : callable
        ``evaluate(weights)`` returns what the validation set says; it is called after every epoch,
        and must return the column that `plan` watches.
    folder : FitFolder
        Where everything goes; what it holds already is gone on with.
    identity : mapping of str to str
        What the run is; a folder of another one is refused.
    plan : Plan
        For how long.
    seed : int
        Of the run.
    devices : Devices, optional
        Which share the work of a step.
    progress : ProgressCallback, optional
        Told after every step.

    Returns
    -------
    list of dict
        The history, one row an epoch: means of what the steps logged, what `evaluate` returned,
        the learning rate, and the seconds of training so far.

    Raises
    ------
    TrainingError, CheckpointError, KeyboardInterrupt
        As in `loop.train`.
    """
    _files.output_folder(folder.path, name="workdir")
    kept = Checkpoints(folder.path / "checkpoints", identity=identity, keep=2)
    with sole_writer(folder.path), kept as checkpoints:
        if checkpoints.latest() is not None:
            state = checkpoints.restore(state)
        first = int(state.step)
        if is_first():
            folder.log.keep_until(first)
            folder.history.keep_until(first)
        history = folder.history.rows()
        if Standing.of(history, plan).ends(plan) or first >= plan.last:
            return history
        board = TensorBoard(folder.path / "tensorboard", first=first)
        epoch = _Epoch(folder, plan, evaluate, board)
        try:
            train(
                state,
                step,
                batches,
                first=first,
                last=plan.last,
                seed=seed,
                log=folder.log,
                checkpoints=checkpoints,
                checkpoint_every=_checkpoint_every(plan.steps),
                hooks=[Hook(plan.steps, epoch)],
                devices=devices,
                together=TOGETHER if accelerated() else 1,
                board=board,
                progress=progress or silent,
            )
        finally:
            board.close()
    return folder.history.rows()


class _Epoch:
    """What is done after an epoch."""

    def __init__(
        self,
        folder: FitFolder,
        plan: Plan,
        evaluate: Callable[[Weights], Row],
        board: TensorBoard,
    ) -> None:
        self._folder, self._plan, self._evaluate, self._board = folder, plan, evaluate, board

    def __call__(self, step: int, state: State) -> Change:
        plan, folder = self._plan, self._folder
        steps = [row for row in folder.log.rows() if row["step"] > step - plan.steps]
        means = {
            name: float(np.mean([row[name] for row in steps]))
            for name in steps[0]
            if name not in ("step", "seconds")
        }
        rate = optimisers.rate_of(state.optimiser)
        found = dict(self._evaluate(state.weights))
        if not all(np.isfinite(list(found.values()))):
            raise TrainingError(
                f"the validation set gave {found} after step {step}: training has diverged; "
                "try another seed or a lower learning rate"
            )
        self._board.scalars(step, {f"epoch/{name}": value for name, value in found.items()})
        folder.history.append(
            step,
            {
                "epoch": step // plan.steps,
                **means,
                **found,
                "rate": rate,
                "seconds": steps[-1]["seconds"],
            },
        )
        standing = Standing.of(folder.history.rows(), plan)
        if standing.waited == 0:
            save_arrays(folder.weights_file, state.weights, step=step, **found)
        after = None
        if standing.lowers(plan) and rate > plan.smallest_rate:
            lower = max(rate * plan.reduce_factor, plan.smallest_rate)
            logger.info("step %d: the learning rate falls from %g to %g", step, rate, lower)
            after = state._replace(optimiser=optimisers.with_rate(state.optimiser, lower))
        return Change(after, stop=standing.ends(plan))


def _checkpoint_every(steps: int) -> int:
    """Return every how many steps: a whole number of times an epoch, as far as there is one."""
    parts = -(-steps // CHECKPOINT_EVERY)
    return max(steps // parts, 1)
