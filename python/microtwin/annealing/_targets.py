"""From a description to what the core anneals: one curve for each function and direction."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from microtwin import _core, _validate
from microtwin.errors import InputError
from microtwin.statistics import CorrelationFunction, Description
from microtwin.statistics.directions import (
    FAMILIES,
    Vector,
    axis_vector,
    family_vectors,
    lag_bound,
)

# What the core can anneal, in the order of what it costs. The first two are known as formulas.
LIKE_EVENTS = ("two_point", "lineal_path")
LINES = (*LIKE_EVENTS, "chord_length")
SURFACES = ("surface_void", "surface_surface")
ANNEALED = (*LINES, "cluster", *SURFACES)

# statistic, phase, step, origin, values at lag 1, 2, ..., weights of their squared errors
Target = tuple[str, int, Vector, Vector, list[float], list[float]]
# Of a function or of one phase of it.
Weights = Mapping[str | tuple[str, int], float]


def constrained(
    description: Description, functions: str | Sequence[str] | None
) -> list[CorrelationFunction]:
    """Return the curves of a description that are to be annealed.

    Unless they are named, all but the surface functions. Radially only S2 can be.
    """
    known = [
        f
        for f in description.functions
        if f.statistic in ANNEALED and (f.directions != "radial" or f.statistic == "two_point")
    ]
    if functions is None:
        return [f for f in known if f.statistic not in SURFACES]
    wanted = [functions] if isinstance(functions, str) else functions
    if not isinstance(wanted, Sequence):
        raise InputError(f"functions must be names of statistics, not {functions!r}")
    for name in wanted:
        _validate.choice(name, dict.fromkeys(f.statistic for f in known), name="functions")
    return [f for f in known if f.statistic in wanted]


def curves(
    description: Description,
    functions: Sequence[CorrelationFunction],
    shape: tuple[int, ...],
    follow: Mapping[int, int | None],
    max_lag: int | None,
    weights: Weights,
) -> list[Target]:
    """Return the target curves for a structure of a shape.

    Along a direction that fits n voxels lags up to n // 2 are used: further on a periodic line
    repeats itself, and a line that is not has few trials.
    """
    result: list[Target] = []
    for function in functions:
        statistic, phase = function.statistic, function.phase
        weight = weights.get((statistic, phase), weights.get(statistic, 1.0))
        if weight == 0:
            continue
        for step, known in _directed(function, shape, follow):
            reach = function.max_lag if max_lag is None else min(max_lag, function.max_lag)
            name = "radial" if function.directions == "radial" else statistic
            reach = min(reach, _room(name, step, shape))
            values = known[1 : reach + 1]
            if statistic in SURFACES:
                values = _of_faces(description, statistic, phase, step, reach)
            there = np.isfinite(values)
            if not there.any():
                continue
            filled = np.where(there, values, 0.0)
            result.append((name, phase, step, (), filled.tolist(), (weight * there).tolist()))
    if not result:
        raise InputError(
            "target must hold at least one lag from 1 up, of a weight above 0, that fits half a "
            "side of shape"
        )
    return result


def map_rows(
    wanted: npt.NDArray[np.float64], phase: int, radius: int, stride: int, weight: float
) -> list[Target]:
    """Return S2 within a radius of the origin as rows along the last axis, every so many apart.

    Parameters
    ----------
    wanted : ndarray of float64
        S2 at every displacement of a structure, in the order of FFT.
    """
    ndim = wanted.ndim
    along = axis_vector(ndim - 1, ndim)
    places = np.indices((2 * radius + 1,) * (ndim - 1)).reshape(ndim - 1, -1).T - radius
    result: list[Target] = []
    for place in map(tuple, places.tolist()):
        half = int(np.sqrt(max(radius**2 - sum(k * k for k in place), 0)))
        # Of opposite displacements one; along the last axis there are curves already.
        if place <= (0,) * (ndim - 1) or any(k % stride for k in place) or half == 0:
            continue
        values = wanted[place][np.arange(-half, half + 1)].tolist()
        origin = (*place, -half - 1)
        result.append(("two_point", phase, along, origin, values, [weight] * len(values)))
    return result


def checked_weights(
    value: Weights | None, functions: Sequence[CorrelationFunction]
) -> dict[str | tuple[str, int], float]:
    """Check the weights of functions, by statistic or by (statistic, phase)."""
    if value is not None and not isinstance(value, Mapping):
        raise InputError(f"weights must be a mapping such as {{'two_point': 1.0}}, not {value!r}")
    kinds = {(f.statistic, f.phase) for f in functions}
    known = {*kinds, *(statistic for statistic, _ in kinds)}
    result = {}
    for name, weight in (value or {}).items():
        if name not in known:
            raise InputError(
                f"weights must be of functions in target, such as {min(kinds)}, not of {name!r}"
            )
        result[name] = _validate.real(weight, name=f"the weight of {name}", minimum=0.0)
    return result


def balanced(
    functions: Sequence[CorrelationFunction], description: Description
) -> dict[str | tuple[str, int], float]:
    """Return weights that make functions of unlike size count alike.

    Pairs, paths and clusters are probabilities of like events and count 1 each: measured on images
    of discs and blobs, any other weights left a larger error. Chords of one length are rare, and
    surface functions have units of their own. They are measured by what they have to tell: the sum
    of the squares of how far they are from where nothing is correlated, beside that of S2.
    """

    def told(f: CorrelationFunction, limit: float) -> float:
        # Of one direction on average: curves along diagonals are as good as those along axes.
        return float(np.nansum((f.values[:, 1:] - limit) ** 2)) / len(f.values)

    pairs = [f for f in description.functions if f.statistic == "two_point"]
    reference = max((told(f, description.fraction(f.phase) ** 2) for f in pairs), default=0.0)
    result: dict[str | tuple[str, int], float] = {}
    for f in functions:
        if f.statistic in (*SURFACES, "chord_length"):
            rows = f.values
            size = told(f, 0.0 if f.statistic == "chord_length" else float(np.nanmean(rows[:, -1])))
            kind = (f.statistic, f.phase)
            weight = reference / size if size > 0 and reference > 0 else 1.0
            result[kind] = min(weight, result.get(kind, np.inf))
    return result


def axis_targets(
    value: Sequence[int | None] | None,
    axes: Sequence[int] | int | None,
    description: Description,
    ndim: int,
) -> dict[int, int | None]:
    """Return, for each constrained axis of the structure, the target axis it follows.

    None stands for the mean over the target's axes.
    """
    along_axes = [f for f in description.functions if f.directions == "axes"]
    if not along_axes:
        raise InputError("target must hold curves along axes")
    measured = next((f for f in along_axes if f.statistic == "two_point"), along_axes[0]).axes
    same = description.ndim == ndim
    along = measured if axes is None and same else _validate.axes(axes, ndim=ndim)
    if value is None:
        return {axis: axis if same else None for axis in along}
    given = tuple(value) if isinstance(value, Sequence) else ()
    if len(given) != ndim:
        raise InputError(f"axis_targets must have one entry for each of {ndim} axes, not {value!r}")
    for axis in given:
        if axis is not None:
            _validate.integer(
                axis, name="each of axis_targets", minimum=0, maximum=description.ndim - 1
            )
    return {axis: given[axis] for axis in (range(ndim) if axes is None else along)}


def voxel_counts(description: Description, size: int) -> dict[int, int]:
    """Return how many voxels of each label a structure gets; the largest remainders round up."""
    labels = list(description.voxels)
    exact = np.array([description.fraction(label) * size for label in labels])
    counts = np.floor(exact).astype(np.int64)
    for index in np.argsort(counts - exact, kind="stable")[: size - int(counts.sum())]:
        counts[index] += 1
    result = {label: int(count) for label, count in zip(labels, counts, strict=True) if count}
    if len(result) < 2:
        raise InputError(f"shape must be large enough to hold a second phase; it has {size} voxels")
    return result


def _directed(
    function: CorrelationFunction, shape: tuple[int, ...], follow: Mapping[int, int | None]
) -> list[tuple[Vector, npt.NDArray[np.float64]]]:
    """Return the steps through a structure to constrain, each with the curve wanted along it."""
    ndim = len(shape)
    if function.directions == "axes":
        return [
            (axis_vector(axis, ndim), _along_axis(function, source))
            for axis, source in follow.items()
        ]
    if function.directions == "radial":
        return [(axis_vector(0, ndim), function.mean)]
    if function.directions not in FAMILIES[:ndim]:
        return []  # an image has no diagonals of a body
    steps = family_vectors(function.directions, ndim)
    if function.vectors and len(function.vectors[0]) == ndim:
        return list(zip(function.vectors, function.values, strict=True))
    return [(step, function.mean) for step in steps]


def _along_axis(function: CorrelationFunction, axis: int | None) -> npt.NDArray[np.float64]:
    if axis is None:
        return function.mean
    if axis not in function.axes:
        raise InputError(f"target must be measured along axis {axis}; it has {function.axes}")
    row: npt.NDArray[np.float64] = function.values[function.axes.index(axis)]
    return row


def _room(statistic: str, step: Vector, shape: tuple[int, ...]) -> int:
    """Return the largest lag to constrain along a step."""
    sides = [side for side in shape if side > 1] or [1]
    bound = min(sides) if statistic == "radial" else lag_bound(step, shape)
    # Ends of chords, and neighbours of surfaces, need room beyond.
    return bound // 2 if statistic in LIKE_EVENTS else min(bound // 2, bound - 3)


def _of_faces(
    description: Description, statistic: str, phase: int, step: Vector, reach: int
) -> npt.NDArray[np.float64]:
    """Return a surface function as annealing has it: of the faces of voxels.

    What `surface_void` and `surface_surface` measure goes by the normals of a smoothed interface,
    which no exchange can follow; faces can be counted exactly, in the target as in the twin.
    """
    samples = description.structures
    alike = [s for s in samples if s.phase == phase or len(description.voxels) == 2]
    if len(alike) != description.samples or any(len(s.shape) != len(step) for s in alike):
        raise InputError(
            f"functions can name {statistic} of phase {phase} only where target remembers the "
            "structures it was measured of, of the dimension of shape: describe them anew"
        )
    hits, trials = np.zeros(reach), np.zeros(reach)
    for sample in alike:
        target: Target = (
            statistic, int(sample.phase == phase), step, (), [0.0] * reach, [1.0] * reach
        )  # fmt: skip
        counted = _core.count_target(sample.unpacked(), target, description.periodic)
        hits += counted[0]
        trials += counted[1]
    return np.asarray(hits / np.where(trials > 0, trials, np.nan))


def recount(
    structure: npt.NDArray[np.uint8],
    targets: Sequence[Target],
    hits: Sequence[npt.NDArray[np.int64]],
    periodic: bool,
    *,
    who: str = "annealing",
) -> None:
    """Prove the hits that somebody kept along the way by counting the structure afresh."""
    for target, kept in zip(targets, hits, strict=True):
        counted, _ = _core.count_target(structure, target, periodic)
        if not np.array_equal(counted, kept):
            statistic, phase, step, origin, *_ = target
            raise RuntimeError(
                f"{who} lost count of {statistic} of phase {phase} along {step} from "
                f"{origin or 'the origin'}; this is a bug in microtwin, please report it"
            )
