"""Parallel tempering: replicas at a ladder of temperatures, which neighbours exchange."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from microtwin import _core
from microtwin._progress import ProgressCallback, silent
from microtwin.annealing._problem import Problem
from microtwin.annealing._schedule import level_of
from microtwin.annealing._solve import solve
from microtwin.annealing.twin import Twin

_SPAN = 1e-3  # the lowest temperature, as a part of the highest
_HOTTEST = 0.1  # acceptance of rises
_ROUND = 0.25  # proposals of each voxel between two exchanges of temperatures
_PER_VOXEL = 50


def tempered(problems: list[Problem], threads: int, progress: ProgressCallback) -> list[Twin]:
    """Temper all replicas, then quench each; the result does not depend on the threads."""
    annealers = [_core.Annealer(p.start, p.curves, p.periodic, p.seed, p.fixed) for p in problems]
    schedule, size = problems[0].schedule, problems[0].size
    top = level_of(annealers[0], schedule.start_acceptance or _HOTTEST)
    ladder = top * np.geomspace(1.0, _SPAN, len(problems))
    budget = min(schedule.max_proposals, _PER_VOXEL * size)
    moves = "anywhere" if schedule.moves in ("auto", "neighbours") else schedule.moves
    step = max(int(_ROUND * size), 1000)
    random = np.random.default_rng(problems[0].seed)
    rung = list(range(len(problems)))  # of each replica
    with ThreadPoolExecutor(threads) as pool:
        for number in range(max(budget // step, 1)):
            levels = [float(ladder[k]) for k in rung]
            list(
                pool.map(lambda a, level: a.run(step, level, -1.0, moves, True), annealers, levels)
            )
            _exchange(rung, ladder, [a.energy for a in annealers], random, number % 2)
            best = min(a.error for a in annealers)
            progress(number * step, budget, {"energy": best, "temperature": float(ladder[-1])})
        quenched = replace(
            schedule, kind="quench", moves="neighbours", start_acceptance=0.0, balanced=False
        )
        structures = [a.labels().reshape(p.shape) for a, p in zip(annealers, problems, strict=True)]
        ends = [
            replace(p, start=structure, rows=[], schedule=quenched)
            for p, structure in zip(problems, structures, strict=True)
        ]
        twins = list(pool.map(lambda p: solve(p, progress=silent), ends))
    progress(budget, budget, {"energy": min(twin.energy for twin in twins)})
    return [
        replace(twin, proposals=twin.proposals + a.proposed, accepted=twin.accepted + a.accepted)
        for twin, a in zip(twins, annealers, strict=True)
    ]


def _exchange(
    rung: list[int],
    ladder: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
    energies: list[float],
    random: np.random.Generator,
    first: int,
) -> None:
    """Let the replicas on neighbouring rungs exchange them, every other pair in turn."""
    at = {k: replica for replica, k in enumerate(rung)}
    for low in range(first, len(rung) - 1, 2):
        a, b = at[low], at[low + 1]
        gain = (1 / ladder[low] - 1 / ladder[low + 1]) * (energies[a] - energies[b])
        if np.log(random.random()) < gain:
            rung[a], rung[b] = rung[b], rung[a]
