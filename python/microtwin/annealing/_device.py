"""The first part of a run on an NVIDIA GPU: a quench, of many replicas or of one volume in blocks.

The GPU knows pairs and paths along the axes. What it makes is recounted and handed to the processor
as a start, which brings it to the tolerance and to whatever else was asked for.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from microtwin import _backend, _core
from microtwin.annealing._problem import Problem
from microtwin.annealing._targets import LIKE_EVENTS, Target, recount
from microtwin.errors import InputError

_MOST_LAGS = 128
_ROUND = 1.0  # proposals of each voxel between two looks at the energies
_GAIN = 0.9  # of the energy, or more, left by a round that is the last
_MOST_ROUNDS = 200
_BLOCK = 64

Labels = npt.NDArray[np.uint8]


def settled(problems: Sequence[Problem], device: str) -> list[Problem]:
    """Return the problems with starts that the GPU has quenched, or as they are for "cpu".

    Raises
    ------
    InputError
        If there is no GPU, or it cannot anneal what is asked for.
    """
    if _backend.resolve(device) == "cpu":
        return list(problems)
    first = problems[0]
    for statistic, _, step, _, values, _ in first.curves:
        known = statistic in LIKE_EVENTS and sum(map(abs, step)) == 1
        if not known or len(values) > _MOST_LAGS:
            raise InputError(
                'device "cuda" anneals S2 and L along axes, up to '
                f"{_MOST_LAGS} lags; not {statistic} along {step}, {len(values)} lags"
            )
    if first.fixed is not None or first.schedule.kind != "quench":
        raise InputError('device "cuda" makes quenches with no fixed voxels only')
    module: Any = _backend.cuda_module()
    quench = _blocks if len(problems) == 1 and _fits_blocks(first) else _replicas
    return quench(module, problems)


def _fits_blocks(problem: Problem) -> bool:
    return len(problem.shape) == 3 and min(problem.shape) >= 2 * max(_BLOCK, problem.max_lag)


def _replicas(module: Any, problems: Sequence[Problem]) -> list[Problem]:
    first = problems[0]
    proposals = max(int(_ROUND * first.size), 1)

    def go(labels: Labels, number: int) -> tuple[Labels, list[npt.NDArray[np.int64]]]:
        seed = first.seed + number * len(problems)
        made, hits, _ = module.anneal_replicas(
            labels, first.curves, first.periodic, seed, proposals, 0.0, "interfaces"
        )
        return made, hits

    labels = _quenched(go, np.stack([p.start for p in problems]), first)
    return [replace(p, start=made) for p, made in zip(problems, labels, strict=True)]


def _blocks(module: Any, problems: Sequence[Problem]) -> list[Problem]:
    (problem,) = problems
    proposals = max(int(_ROUND * problem.size), 1)

    def go(labels: Labels, number: int) -> tuple[Labels, list[npt.NDArray[np.int64]]]:
        made, hits, _ = module.anneal_blocks(
            labels[0],
            problem.curves,
            problem.periodic,
            problem.seed + number,
            1,
            proposals,
            0.0,
            max(_BLOCK, problem.max_lag),
            "interfaces",
        )
        return made[None], [row[None] for row in hits]

    return [replace(problem, start=_quenched(go, problem.start[None], problem)[0])]


def _quenched(
    go: Callable[[Labels, int], tuple[Labels, list[npt.NDArray[np.int64]]]],
    labels: Labels,
    problem: Problem,
) -> Labels:
    """Make rounds until no replica gains, and prove what the GPU has counted."""
    scales = [_trials(target, problem) for target in problem.curves]
    last = np.inf
    for number in range(_MOST_ROUNDS):
        labels, hits = go(labels, number)
        energies = sum(
            ((row / trials - np.array(target[4])) ** 2 * np.array(target[5])).sum(axis=-1)
            for row, trials, target in zip(hits, scales, problem.curves, strict=True)
        )
        worst = float(np.max(energies))
        if worst <= problem.schedule.tolerance or worst > _GAIN * last:
            break
        last = worst
    for replica, structure in enumerate(labels):
        rows = [row[replica] for row in hits]
        recount(structure, problem.curves, rows, problem.periodic, who="annealing on the GPU")
    return labels


def _trials(target: Target, problem: Problem) -> npt.NDArray[np.int64]:
    return _core.count_target(problem.start, target, problem.periodic)[1]
