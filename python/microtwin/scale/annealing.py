"""Many twins of one target."""

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from microtwin import _validate
from microtwin._progress import ProgressCallback
from microtwin.annealing._problem import described
from microtwin.annealing.anneal import anneal
from microtwin.errors import CheckpointError, InputError
from microtwin.scale._work import Row
from microtwin.scale.items import digest_of, text_digest
from microtwin.scale.mapping import Job, numbered, run
from microtwin.scale.results import Results
from microtwin.statistics import Description

_OWN = ("target", "seed", "threads", "device", "checkpoint", "resume", "frames", "progress")
_KNOWN = tuple(name for name in signature(anneal).parameters if name not in _OWN)


def anneal_many(
    target: Description | npt.ArrayLike,
    *,
    store: str | os.PathLike[str],
    shape: Sequence[int],
    replicas: int,
    seed: int = 0,
    workers: int | None = None,
    cluster: Any = None,
    progress: ProgressCallback | None = None,
    **settings: Any,
) -> Results:
    """Make many twins of one target, in many processes.

    They are those of `anneal` with the seeds ``seed``, ``seed + 1``, ... The structures are in
    `Results.labels`, and the table says of each where there, its seed, energy, and why it ended.
    Asking for more replicas later makes those that are missing. A twin that was under way goes on
    from its checkpoint.

    Parameters
    ----------
    target, settings
        As for `anneal`; settings are numbers, texts and lists of them.
    store : path
        Folder for the results, see `map_many`.
    shape : sequence of int
        Of each twin.
    replicas : int
        How many.
    seed : int
        Of the first one.
    workers, cluster, progress
        As in `map_many`.

    Returns
    -------
    Results

    Raises
    ------
    InputError
        As in `map_many` and `anneal`.
    """
    sides = _validate.shape(shape)
    count = _validate.integer(replicas, name="replicas", minimum=1)
    first = _validate.seed(seed)
    for name, value in settings.items():
        if name not in _KNOWN:
            raise InputError(f"{name!r} is no setting of anneal that many twins can have")
        if hasattr(value, "__array__") or not _plain(value):
            raise InputError(
                f"{name} must be of numbers and texts to be kept with the results, not "
                f"{type(value).__name__}"
            )
    defaults = signature(anneal).parameters
    settings = {k: v for k, v in settings.items() if v != defaults[k].default}
    known = described(target)
    # What is wrong is told before the work: the same call, stopped before its first exchange.
    anneal(
        known, shape=sides, seed=first, threads=1, **{**settings, "max_proposals": 1, "levels": 1}
    )
    origin = text_digest(
        " ".join([*(digest_of(f.hits) + digest_of(f.trials) for f in known.functions),
                  *(digest_of(s.bits) for s in known.structures)])
    )  # fmt: skip
    job = Job(
        "anneal",
        annealed,
        {"target": origin, "shape": list(sides), "settings": settings},
        shared=known,
        shape=sides,
        spacing=known.spacing if known.ndim == len(sides) else None,
        single=True,
        scratch=True,
    )
    weight = int(np.prod(sides))
    items = numbered(origin, "seed", range(first, first + count), weight=weight)
    return run(job, items, store, workers=workers, cluster=cluster, progress=progress)


def annealed(
    item: Any,
    *,
    shape: list[int],
    settings: Mapping[str, Any],
    shared: Description,
    scratch: str,
    target: str,
) -> Row:
    """Make one twin, from where an earlier worker left it."""
    checkpoint = Path(scratch) / f"{item.name}.npz"
    options: dict[str, Any] = {"shape": tuple(shape), "seed": item.number, "threads": 1, **settings}
    try:
        twin = anneal(shared, checkpoint=checkpoint, resume=True, **options)
    except CheckpointError:  # of another version, perhaps: begun anew
        checkpoint.unlink(missing_ok=True)
        twin = anneal(shared, checkpoint=checkpoint, **options)
    with suppress(OSError):
        checkpoint.unlink(missing_ok=True)
    return {
        "labels": twin.labels,
        "seed": twin.seed,
        "energy": twin.energy,
        "proposals": twin.proposals,
        "accepted": twin.accepted,
        "stop_reason": twin.stop_reason,
    }


def _plain(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(isinstance(key, str) and _plain(part) for key, part in value.items())
    if isinstance(value, list | tuple):
        return all(map(_plain, value))
    return value is None or isinstance(value, bool | int | float | str)
