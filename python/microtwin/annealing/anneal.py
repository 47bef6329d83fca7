"""Simulated annealing by pixel exchange, from a description to a structure."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from microtwin import _core, _validate
from microtwin._progress import ProgressCallback, silent
from microtwin.annealing import _checkpoint, _targets
from microtwin.annealing._schedule import (
    Schedule,
    cool,
    default_budget,
    history,
    start_temperature,
)
from microtwin.annealing._starts import STARTS, retrieve
from microtwin.annealing.twin import History, Twin
from microtwin.errors import InputError
from microtwin.statistics import CorrelationMap, Description, describe


def anneal(
    target: Description | npt.ArrayLike,
    *,
    shape: Sequence[int],
    seed: int = 0,
    max_lag: int | None = None,
    axes: Sequence[int] | int | None = None,
    axis_targets: Sequence[int | None] | None = None,
    weights: Mapping[str | tuple[str, int], float] | None = None,
    periodic: bool | None = None,
    start: npt.ArrayLike | CorrelationMap | str = "noise",
    tolerance: float = 1e-7,
    max_proposals: int | None = None,
    max_seconds: float | None = None,
    start_acceptance: float | None = None,
    cooling: float = 0.9,
    moves: str = "auto",
    balanced: bool = False,
    checkpoint: str | os.PathLike[str] | None = None,
    resume: bool = False,
    progress: ProgressCallback | None = None,
) -> Twin:
    """Make a structure with the correlation functions of a target, by simulated annealing.

    Voxels of different phases are exchanged at random (Yeong and Torquato 1998), so that the volume
    fractions stay what they are. An exchange that lowers the energy is made, one that raises it by
    dE with probability exp(-dE / T). The energy is the weighted sum of squared differences from the
    target over functions, phases, axes and lags from 1.

    Parameters
    ----------
    target : Description or array_like of int
        What the structure should measure like. Every function of every phase in it counts: describe
        one phase, or only the two-point probability, to constrain less. Labels are described first.
    shape : sequence of int
        Shape of the structure, 2-D or 3-D. A volume can be made from a description of images.
    seed : int
        Same seed and same arguments: same structure.
    max_lag : int, optional
        Largest lag of the objective; by default all that the target has, up to half a side.
    axes : sequence of int, optional
        Axes of the structure to constrain; by default all that the target was measured along.
    axis_targets : sequence of (int or None), optional
        For each axis of the structure the axis of the target that it follows, None for the mean
        over its axes. By default axis by axis, or the mean (isotropic) where an image makes a
        volume.
    weights : mapping, optional
        Weight of the squared errors of a function, by its statistic or by (statistic, phase), for
        instance ``{"lineal_path": 0.5}``; 1 for what is not named, 0 leaves a function out.
    periodic : bool, optional
        Whether lags wrap at the faces of the structure; by default as in the target, so that
        describing the structure like the target gives back `Twin.energy`.
    start : {"noise", "phase_retrieval"}, CorrelationMap or array_like of int
        "noise" of the target's volume fractions; or, for two phases, a structure that already has
        about the target's S2 in every direction and not along the axes alone, by phase retrieval
        (Luke 2005): from a map of `two_point_map`, or with S2 between the axes taken from the
        curves along them. Or a structure, whose volume fractions are kept.
    tolerance : float
        Stop at this energy (total squared error).
    max_proposals : int, optional
        Stop after as many proposals; by default 400 a voxel, or 2^25 if that is
        more.
    max_seconds : float, optional
        Stop after this time. Where a run stops then depends on the machine.
    start_acceptance : float, optional
        Fraction of energy-raising exchanges accepted at the start; 0 for none ever (greedy). By
        default 0.1 from noise, and 0 from any other start, which heat would undo.
    cooling : float
        Factor on the temperature after each step of N / 4 proposals (at least 2^16), N the voxels.
    moves : {"auto", "anywhere", "interfaces", "neighbours"}
        Which voxels are proposed: any two of different phases; only such as lie at an interface; or
        drawn in proportion to the square of the number of their face neighbours of another phase.
        "auto" begins anywhere and goes over to interfaces once less than 1 % of the proposals are
        accepted. With ``start_acceptance=0`` (a quench) "neighbours" comes to the same energy with
        ten to twenty times fewer proposals than "anywhere".
    balanced : bool
        Exchanges change the interfaces that they are drawn from, so that proposals at interfaces
        and by neighbours depart from detailed balance. True corrects for it by the rule of
        Metropolis and Hastings, at some cost in time; it matters where the temperature does.
    checkpoint : path, optional
        File to save the run to every half minute and at Ctrl-C.
    resume : bool
        Go on from `checkpoint`, exactly as if the run had not stopped; from the start if there is
        no such file.
    progress : callable, optional
        Called with (done, 1.0, {"energy": ..., "temperature": ..., "acceptance": ...}).

    Returns
    -------
    Twin

    Raises
    ------
    InputError
        If an argument is not as described or does not fit the target.
    CheckpointError
        If the checkpoint is damaged or belongs to another run.

    References
    ----------
    C. L. Y. Yeong and S. Torquato, Phys. Rev. E 57, 495 (1998).
    D. R. Luke, Inverse Problems 21, 37 (2005).

    Examples
    --------
    >>> import numpy as np
    >>> stripes = np.tile([1, 1, 1, 1, 0, 0, 0, 0], (32, 4))
    >>> real = describe(stripes, phase=1, max_lag=8, periodic=True)
    >>> twin = anneal(real, shape=(32, 32), seed=0)
    >>> twin.labels.mean(), bool(twin.energy < 0.1)
    (np.float64(0.5), True)
    """
    description = target if isinstance(target, Description) else describe(target)
    sides = _validate.shape(shape)
    size = int(np.prod(sides, dtype=np.int64))
    seed = _validate.seed(seed)
    if max_lag is not None:
        max_lag = _validate.integer(max_lag, name="max_lag", minimum=1)
    follow = _targets.axis_targets(axis_targets, axes, description, len(sides))
    weigh = _targets.checked_weights(weights, description)
    wrap = description.periodic if periodic is None else bool(periodic)
    from_noise = isinstance(start, str) and start == "noise"
    if start_acceptance is None:
        start_acceptance = 0.1 if from_noise else 0.0
    schedule = Schedule.checked(
        tolerance=tolerance,
        max_proposals=default_budget(size) if max_proposals is None else max_proposals,
        max_seconds=max_seconds,
        start_acceptance=start_acceptance,
        cooling=cooling,
        moves=moves,
        balanced=balanced,
    )
    if resume and checkpoint is None:
        raise InputError("checkpoint must name a file to resume from, not None")

    curves = _targets.curves(description, sides, follow, max_lag, weigh)
    labels = _start(start, description, sides, seed)
    settings = _checkpoint.fingerprint(curves, labels, wrap, seed, schedule)
    if resume and checkpoint is not None and Path(checkpoint).exists():
        saved, state = _checkpoint.load(checkpoint, settings)
        annealer = _core.Annealer(saved["labels"].reshape(sides), curves, wrap, seed)
        _checkpoint.restore(annealer, saved)
    else:
        annealer = _core.Annealer(labels, curves, wrap, seed)
        state = _checkpoint.State(start_temperature(annealer, schedule.start_acceptance))

    def save() -> None:
        if checkpoint is not None:
            _checkpoint.save(checkpoint, annealer, state, settings)

    try:
        reason = cool(annealer, state, schedule, size, progress or silent, save)
    finally:
        save()
    structure = annealer.labels().reshape(sides)
    _recount(structure, annealer, curves, wrap)
    columns = np.array(history(annealer, state, size), dtype=np.float64).T
    return Twin(
        labels=structure,
        energy=annealer.energy,
        history=History(columns[0].astype(np.int64), *columns[1:]),
        proposals=annealer.proposed,
        accepted=state.accepted,
        seconds=state.seconds,
        stop_reason=reason,
        target=description,
        max_lag=max(len(values) for *_, values, _ in curves),
        periodic=wrap,
        seed=seed,
    )


def _start(
    start: npt.ArrayLike | CorrelationMap | str,
    description: Description,
    shape: tuple[int, ...],
    seed: int,
) -> _validate.Labels:
    made = isinstance(start, str | CorrelationMap)
    if isinstance(start, str | CorrelationMap):
        if isinstance(start, str):
            _validate.choice(start, STARTS, name="start")
        counts = _targets.voxel_counts(description, int(np.prod(shape, dtype=np.int64)))
        if isinstance(start, str) and start == "noise":
            labels = np.repeat(np.array(list(counts), np.uint8), list(counts.values()))
            np.random.default_rng(seed).shuffle(labels)
            labels = labels.reshape(shape)
        else:
            known = None if isinstance(start, str) else start
            threads = _validate.threads(None)
            labels = retrieve(description, known, shape, counts, seed, threads)
    else:
        labels = _validate.labels(start, name="start")
        if labels.shape != shape:
            raise InputError(f"start must have the shape {shape}, not {labels.shape}")
    missing = sorted(set(description.phases) - set(np.unique(labels).tolist()))
    if missing:
        name = "shape must be large enough" if made else "start must be given"
        raise InputError(f"{name} to hold every phase of target; phase {missing[0]} is missing")
    if len(np.unique(labels)) < 2:
        raise InputError("start must hold at least two phases to exchange")
    return labels


def _recount(
    structure: _validate.Labels,
    annealer: _core.Annealer,
    curves: Sequence[_targets.Target],
    periodic: bool,
) -> None:
    """Prove the incremental bookkeeping by counting the finished structure afresh."""
    for index, (statistic, phase, step, _, values, _) in enumerate(curves):
        axis = step.index(1)
        fresh = _targets.ANNEALED[statistic](
            structure, phase=phase, axes=axis, max_lag=len(values), periodic=periodic, device="cpu"
        )
        if not np.array_equal(fresh.hits[0, 1:], annealer.hits(index)):
            raise RuntimeError(
                f"annealing lost count of {statistic} of phase {phase} along axis {axis}; "
                "this is a bug in microtwin, please report it"
            )
