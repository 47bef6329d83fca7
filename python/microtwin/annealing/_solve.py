"""From a checked problem to a twin."""

import os
import threading
from pathlib import Path

import numpy as np
import numpy.typing as npt

from microtwin import _files
from microtwin._progress import ProgressCallback, silent
from microtwin.annealing import _checkpoint, _run
from microtwin.annealing._problem import Problem
from microtwin.annealing.frames import Frames
from microtwin.annealing.twin import History, Twin
from microtwin.errors import InputError


def solve(
    problem: Problem,
    checkpoint: str | os.PathLike[str] | None = None,
    resume: bool = False,
    frames: Frames | None = None,
    progress: ProgressCallback | None = None,
    stop: threading.Event | None = None,
) -> Twin:
    """Anneal what has been checked."""
    if resume and checkpoint is None:
        raise InputError("checkpoint must name a file to resume from, not None")
    if checkpoint is None:
        return _solved(problem, None, False, frames, progress, stop)
    with _files.sole_use_of_file(checkpoint, name="checkpoint"):
        return _solved(problem, checkpoint, resume, frames, progress, stop)


def _solved(
    problem: Problem,
    checkpoint: str | os.PathLike[str] | None,
    resume: bool,
    frames: Frames | None,
    progress: ProgressCallback | None,
    stop: threading.Event | None,
) -> Twin:
    settings = problem.fingerprint()
    state, saved = _checkpoint.State(), None
    if resume and checkpoint is not None and Path(checkpoint).exists():
        saved, state = _checkpoint.load(checkpoint, settings)

    def save(
        annealer: _run.Annealer, best: npt.NDArray[np.uint8] | None, state: _checkpoint.State
    ) -> None:
        if checkpoint is not None:
            _checkpoint.save(checkpoint, annealer, best, state, settings)

    watcher = _run.Watcher(progress or silent, save, frames, stop)
    outcome = _run.run(problem, state, saved, watcher)
    columns = np.array(outcome.rows, dtype=np.float64).T
    return Twin(
        labels=outcome.labels,
        energy=outcome.energy,
        history=History(columns[0].astype(np.int64), *columns[1:]),
        proposals=outcome.proposals,
        accepted=outcome.accepted,
        seconds=outcome.seconds,
        stop_reason=outcome.reason or "",
        target=problem.description,
        max_lag=problem.max_lag,
        periodic=problem.periodic,
        seed=problem.seed,
    )
