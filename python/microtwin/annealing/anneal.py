"""Simulated annealing by pixel exchange, from a description to a structure."""

import os
from collections.abc import Sequence

import numpy.typing as npt

from microtwin._progress import ProgressCallback
from microtwin.annealing._coarse import prepared
from microtwin.annealing._device import settled
from microtwin.annealing._solve import solve
from microtwin.annealing._targets import Weights
from microtwin.annealing.frames import Frames
from microtwin.annealing.twin import Twin
from microtwin.statistics import CorrelationMap, Description


def anneal(
    target: Description | npt.ArrayLike,
    *,
    shape: Sequence[int] | None = None,
    seed: int = 0,
    max_lag: int | None = None,
    axes: Sequence[int] | int | None = None,
    axis_targets: Sequence[int | None] | None = None,
    functions: str | Sequence[str] | None = None,
    weights: Weights | None = None,
    map_radius: int | None = None,
    periodic: bool | None = None,
    start: npt.ArrayLike | CorrelationMap | str = "auto",
    fixed: npt.ArrayLike | None = None,
    tolerance: float = 1e-7,
    max_proposals: int | None = None,
    max_seconds: float | None = None,
    schedule: str | None = None,
    start_acceptance: float | None = None,
    cooling: float = 0.9,
    reheats: int = 3,
    moves: str = "auto",
    balanced: bool = False,
    levels: int = 1,
    threads: int | None = None,
    device: str = "cpu",
    checkpoint: str | os.PathLike[str] | None = None,
    resume: bool = False,
    frames: str | os.PathLike[str] | Frames | None = None,
    progress: ProgressCallback | None = None,
) -> Twin:
    """Make a structure with the correlation functions of a target, by simulated annealing.

    Two voxels of different phases are exchanged; an exchange that lowers the energy is made, one
    that raises it by dE with a probability that the schedule says. The energy is the weighted sum
    of squared differences from the target over functions, phases, directions and lags from 1.
    Where the target remembers the structures it was measured of, the two-point probability is
    annealed to that of every direction, too, before the curves alone are.

    Parameters
    ----------
    target : Description or array_like of int
        What the structure should measure like: a description of one structure or, merged, of many;
        labels, which are described first; or what `target_from_curves` makes. Two-point
        probability, lineal path, chords and cluster function of every phase in it count, along
        axes, along diagonals and radially: describe less, or name `functions`, to constrain less.
    shape : sequence of int, optional
        Shape of the structure, 2-D or 3-D; by default that of `start`, if that is a structure. A
        volume can be made from a description of images.
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
    functions : str or sequence of str, optional
        Statistics of the target to constrain. "surface_void" and "surface_surface" only count if
        they are named here, and are counted on the faces of voxels (see the documentation).
    weights : mapping, optional
        Weight of the squared errors of a function, by its statistic or by (statistic, phase), for
        instance ``{"lineal_path": 0.5}``; 1 for what is not named, 0 leaves a function out. By
        default functions are balanced: probabilities of pairs, paths and clusters count 1, chords
        and surface functions so much that they weigh like S2.
    map_radius : int, optional
        Displacements to which the two-point probability is annealed in every direction; by default
        16, or as far as it is known and fits; 0 for the curves alone.
    periodic : bool, optional
        Whether lags wrap at the faces of the structure; by default as in the target, so that
        describing the structure like the target gives back `Twin.energy`.
    start : {"auto", "gaussian", "phase_retrieval", "noise"}, CorrelationMap or array_like of int
        "noise" of the target's volume fractions. For two phases a structure that already has about
        the target's S2 in every direction: a Gaussian random field cut at a level (Quiblier 1984)
        or one by phase retrieval (Luke 2005), from what the target knows of S2 between its axes or
        from a map of `two_point_map`, which stands for phase retrieval. Or a structure, such as a
        sample of a generator, whose volume fractions are kept. "auto" is Gaussian for two phases
        and else noise.
    fixed : array_like of int, optional
        Labels that are known, for instance a measured slice inside a volume, and -1 where a voxel
        is free; of the structure's shape. They stay as they are.
    tolerance : float
        Stop at this energy (total squared error, without the weights).
    max_proposals : int, optional
        Stop after as many proposals; by default 400 a voxel, or 2^25 if that is more.
    max_seconds : float, optional
        Stop after this time, which the coarser of several `levels` come before. Where a run stops
        then depends on the machine.
    schedule : {"quench", "geometric", "adaptive", "threshold", "deluge"}, optional
        "quench" accepts no rise of the energy; it comes to the same energies as heat, sooner, and
        large structures are quenched block by block in all threads. "geometric" cools from
        `start_acceptance` by `cooling` each step of N / 4 proposals (at least 2^16), N the voxels.
        "adaptive" follows the acceptance that Lam and Delosme found best over all of
        `max_proposals`. "threshold" accepts rises up to a threshold (Dueck and Scheuer 1990) and
        "deluge" energies up to a water level (Dueck 1993) that fall by `cooling` each step. By
        default a quench, or "geometric" where `start_acceptance` is given.
    start_acceptance : float, optional
        Fraction of energy-raising exchanges accepted at the start, 0.1 unless it is a quench.
    cooling : float
        Factor on the level after each step.
    reheats : int
        How often a run that has stalled is heated a little and quenched again, as long as that
        helps. The best structure is kept.
    moves : {"auto", "anywhere", "interfaces", "neighbours"}
        Which voxels are proposed: any two of different phases; only such as lie at an interface; or
        drawn in proportion to the square of the number of their face neighbours of another phase.
        "auto" is "neighbours" for a quench; otherwise it begins anywhere and goes over to
        interfaces once less than 1 % of the proposals are accepted.
    balanced : bool
        Exchanges change the interfaces that they are drawn from, so that proposals at interfaces
        and by neighbours depart from detailed balance. True corrects for it by the rule of
        Metropolis and Hastings, at some cost in time; it matters where the temperature does.
    levels : int
        Coarse to fine: 3 anneals a structure of a quarter of each side first, to every fourth lag
        of S2 and L, then one of half, which each becomes the start of the next.
    threads : int, optional
        Threads of the stages that can use them; by default one for each core. The result does not
        depend on it.
    device : {"cpu", "cuda", "auto"}
        With "cuda" an NVIDIA GPU makes the start of a quench to S2 and L along axes: large volumes
        in blocks. The same seed then makes another twin than on the processor.
    checkpoint : path, optional
        File to save the run to every half minute and at Ctrl-C.
    resume : bool
        Go on from `checkpoint`, exactly as if the run had not stopped; from the start if there is
        no such file.
    frames : path or Frames, optional
        A .gif, or a folder for PNGs, to write the course of the run to.
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
    J. A. Quiblier, J. Colloid Interface Sci. 98, 84 (1984).
    J. Lam and J.-M. Delosme, Proc. 25th Design Automation Conf., 306 (1988).
    G. Dueck and T. Scheuer, J. Comput. Phys. 90, 161 (1990); G. Dueck, ibid. 104, 86 (1993).

    Examples
    --------
    >>> import numpy as np
    >>> from microtwin import describe
    >>> stripes = np.tile([1, 1, 1, 1, 0, 0, 0, 0], (32, 4))
    >>> real = describe(stripes, phase=1, max_lag=8, periodic=True)
    >>> twin = anneal(real, shape=(32, 32), seed=0)
    >>> twin.labels.mean(), bool(twin.energy < 0.1)
    (np.float64(0.5), True)
    """
    problem = prepared(
        target,
        levels=levels,
        shape=shape,
        seed=seed,
        max_lag=max_lag,
        axes=axes,
        axis_targets=axis_targets,
        functions=functions,
        weights=weights,
        map_radius=map_radius,
        periodic=periodic,
        start=start,
        fixed=fixed,
        tolerance=tolerance,
        max_proposals=max_proposals,
        max_seconds=max_seconds,
        schedule=schedule,
        start_acceptance=start_acceptance,
        cooling=cooling,
        reheats=reheats,
        moves=moves,
        balanced=balanced,
        threads=threads,
    )
    (problem,) = settled([problem], device)
    if frames is None or isinstance(frames, Frames):
        return solve(problem, checkpoint, resume, frames, progress)
    with Frames(frames) as collected:
        return solve(problem, checkpoint, resume, collected, progress)
