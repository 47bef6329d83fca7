"""Coarse to fine: a structure of fewer voxels as the start of one of more."""

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from microtwin import _validate
from microtwin.annealing import _starts, _targets
from microtwin.annealing._problem import Problem
from microtwin.annealing._schedule import Schedule
from microtwin.annealing._solve import solve
from microtwin.errors import InputError
from microtwin.statistics import Description

Labels = npt.NDArray[np.uint8]


def prepared(target: Description | npt.ArrayLike, *, levels: int, **given: Any) -> Problem:
    """Check the arguments of `anneal` and make the start, over so many levels."""
    levels = _validate.integer(levels, name="levels", minimum=1, maximum=8)
    if levels == 1:
        return Problem.checked(target, **given)
    if not isinstance(given["start"], str) or given["start"] not in ("auto", "noise"):
        raise InputError("start must be noise where levels are more than 1")
    problem = Problem.checked(target, **{**given, "start": "noise"})
    if any(side % 2 ** (levels - 1) for side in problem.shape):
        raise InputError(
            f"shape must be divisible by {2 ** (levels - 1)} for {levels} levels, "
            f"not {problem.shape}"
        )
    labels: Labels | None = None
    for level in range(levels - 1, 0, -1):
        coarse = _coarser(problem, 2**level)
        if labels is not None:
            coarse = replace(coarse, start=_refined(labels, coarse))
        labels = solve(coarse).labels
    assert labels is not None
    return replace(problem, start=_refined(labels, problem))


def _coarser(problem: Problem, factor: int) -> Problem:
    """Return the problem seen at every so-manieth voxel: a lag there is so many lags here."""
    shape = tuple(side // factor for side in problem.shape)
    curves: list[_targets.Target] = [
        (statistic, phase, step, (), values[factor - 1 :: factor], weights[factor - 1 :: factor])
        for statistic, phase, step, _, values, weights in problem.curves
        if statistic in ("two_point", "lineal_path") and len(values) >= factor
    ]
    if not curves:
        raise InputError(
            f"levels must leave lags of S2 or L to anneal: target has none from {factor} on"
        )
    counts = _targets.voxel_counts(problem.description, int(np.prod(shape)))
    size = int(np.prod(shape))
    values = {name: getattr(problem.schedule, name) for name in Schedule.__slots__}
    values["schedule"] = values.pop("kind")
    # No time limit: the start of the finest must not depend on the machine, or it cannot resume.
    schedule = Schedule.checked(size, **{**values, "max_proposals": None, "max_seconds": None})
    start = _starts.noise(shape, counts, problem.seed)
    return replace(
        problem, shape=shape, curves=curves, rows=[], start=start, fixed=None, schedule=schedule
    )


def _refined(coarse: Labels, problem: Problem) -> Labels:
    """Return a structure of twice the sides, with the volume fractions of a problem's start."""
    labels = coarse
    for axis in range(labels.ndim):
        labels = np.repeat(labels, problem.shape[axis] // coarse.shape[axis], axis=axis)
    free = np.ones(labels.shape, bool) if problem.fixed is None else problem.fixed == 0
    labels = np.where(free, labels, problem.start).astype(np.uint8)
    # What a coarse structure rounds in its fractions is made up for at random.
    wanted = np.bincount(problem.start.ravel(), minlength=256)
    spare = np.bincount(labels.ravel(), minlength=256) - wanted
    random = np.random.default_rng(problem.seed)
    lacking = np.repeat(np.arange(256, dtype=np.uint8), np.maximum(-spare, 0))
    random.shuffle(lacking)
    used = 0
    for label in np.flatnonzero(spare > 0):
        places = np.flatnonzero((labels == label) & free)
        chosen = random.choice(places, int(spare[label]), replace=False)
        labels.flat[chosen] = lacking[used : used + len(chosen)]
        used += len(chosen)
    return labels
