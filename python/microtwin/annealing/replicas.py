"""Several twins of one target: independent of each other, or exchanging temperatures."""

import os
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from inspect import signature
from pathlib import Path
from typing import Any

import numpy.typing as npt

from microtwin import _backend, _files, _validate
from microtwin._progress import ProgressCallback, silent
from microtwin.annealing._coarse import prepared
from microtwin.annealing._device import settled
from microtwin.annealing._problem import Problem, described
from microtwin.annealing._solve import solve
from microtwin.annealing._tempering import tempered
from microtwin.annealing.anneal import anneal
from microtwin.annealing.twin import Twin
from microtwin.errors import InputError
from microtwin.statistics import Description

_POLL = 0.2  # seconds between looks at Ctrl-C
_OWN = (
    "target",
    "shape",
    "seed",
    "threads",
    "device",
    "checkpoint",
    "resume",
    "frames",
    "progress",
)
_SETTINGS = {n: p.default for n, p in signature(anneal).parameters.items() if n not in _OWN}


def anneal_replicas(
    target: Description | npt.ArrayLike,
    *,
    shape: Sequence[int],
    replicas: int,
    seed: int = 0,
    tempering: bool = False,
    threads: int | None = None,
    device: str = "cpu",
    checkpoint: str | os.PathLike[str] | None = None,
    resume: bool = False,
    progress: ProgressCallback | None = None,
    **settings: Any,
) -> list[Twin]:
    """Make several twins of one target at the same time.

    Parameters
    ----------
    target, shape, settings
        As for `anneal`.
    replicas : int
        How many; the twin i is that of `anneal` with the seed ``seed + i``.
    seed : int
        Of the first one.
    tempering : bool
        Parallel tempering (Geyer 1991; Hukushima and Nemoto 1996): the replicas are held at
        temperatures between that of `start_acceptance` and a thousandth of it, and neighbours
        exchange theirs by the rule of Metropolis, so that what is frozen is heated and comes back.
        It ends after `max_proposals` of each (at most 50 a voxel), and each is quenched. It cannot
        be interrupted and resumed.
    threads : int, optional
        Replicas under way at a time; by default one for each core.
    device : {"cpu", "cuda", "auto"}
        With "cuda" an NVIDIA GPU quenches all replicas at the same time, before each is finished
        on the processor; see `anneal`.
    checkpoint : path, optional
        A folder, with a file for each replica that is under way. Not with `tempering`.
    resume : bool
        Go on from `checkpoint`.
    progress : callable, optional
        As for `anneal`; the values are those of the replica that reports.

    Returns
    -------
    list of Twin

    Raises
    ------
    InputError, CheckpointError
        As for `anneal`.

    References
    ----------
    K. Hukushima and K. Nemoto, J. Phys. Soc. Jpn. 65, 1604 (1996).

    Examples
    --------
    >>> import numpy as np
    >>> from microtwin import describe
    >>> stripes = np.tile([1, 1, 1, 1, 0, 0, 0, 0], (32, 4))
    >>> real = describe(stripes, phase=1, max_lag=8, periodic=True)
    >>> twins = anneal_replicas(real, shape=(32, 32), replicas=2)
    >>> [twin.seed for twin in twins], (twins[0].labels != twins[1].labels).any()
    ([0, 1], np.True_)
    """
    count = _validate.integer(replicas, name="replicas", minimum=1)
    first = _validate.seed(seed)
    workers = min(_validate.threads(threads), count)
    strange = sorted(set(settings) - set(_SETTINGS))
    if strange:
        raise InputError(f"{strange[0]} is no argument of anneal for several replicas")
    if tempering and checkpoint is not None:
        raise InputError("checkpoint must be None for tempering, which cannot be resumed")
    if resume and checkpoint is None:
        raise InputError("checkpoint must name a folder to resume from, not None")
    description = described(target)
    given = {**_SETTINGS, **settings, "shape": shape}

    def problem(index: int) -> Problem:
        return prepared(description, **{**given, "seed": first + index, "threads": 1})

    report = progress or silent
    if tempering:
        return tempered([problem(i) for i in range(count)], workers, report)
    # One after the other, unless all are needed at once.
    made: list[Problem] | None = None
    if _backend.resolve(device) == "cuda":
        made = settled([problem(i) for i in range(count)], device)
    folder = None if checkpoint is None else Path(checkpoint)
    if folder is not None:
        _files.output_folder(folder, name="checkpoint")
    stop, parts = threading.Event(), [0.0] * count

    def one(index: int) -> Twin:
        def tell(done: float, total: float, values: Mapping[str, float]) -> None:
            parts[index] = done / total
            report(sum(parts), float(count), values)

        file = None if folder is None else folder / f"replica_{index:04d}.npz"
        mine = problem(index) if made is None else made[index]
        return solve(mine, file, resume, None, tell, stop)

    with ThreadPoolExecutor(workers) as pool:
        futures = [pool.submit(one, index) for index in range(count)]
        try:
            _wait(futures)
        except BaseException:
            stop.set()  # each saves itself before it ends
            pool.shutdown(cancel_futures=True)
            raise
    return [future.result() for future in futures]


def _wait(futures: list[Future[Twin]]) -> None:
    """Wait for all, or for the first that fails, in a way that Ctrl-C can interrupt."""
    pending = set(futures)
    while pending:
        finished, pending = wait(pending, _POLL, FIRST_EXCEPTION)
        for future in finished:
            future.result()
