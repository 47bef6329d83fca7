"""What is to be annealed: every argument checked, every curve and the start at hand."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from microtwin import _memory, _validate
from microtwin.annealing import _starts, _targets
from microtwin.annealing._schedule import Schedule
from microtwin.annealing._wanted import wanted_map
from microtwin.annealing.twin import MAP_RADIUS
from microtwin.errors import InputError
from microtwin.statistics import CorrelationMap, Description, describe

STARTS = ("auto", *_starts.STARTS)

# Rows of the map of a volume that are constrained: S2 is smooth, and one in three fixes the rest.
# On blobs, sandstone and fibres the map came to 2e-4 ... 6e-4 so, for a ninth of the time.
_MAP_STRIDE = {2: 1, 3: 3}
# The map has many more lags than the curves: a tenth leaves these free to come to their end.
_MAP_WEIGHT = 0.1


_BYTES = 30  # of memory a voxel of the twin, rounded down


def described(target: Description | npt.ArrayLike) -> Description:
    """Return the description of a target that may be labels."""
    if isinstance(target, Description):
        return target
    if target is None or isinstance(target, str):
        raise InputError(f"target must be a description or labels, not {target!r}")
    return describe(target)


@dataclass(frozen=True, slots=True)
class Problem:
    """A run to be made.

    Attributes
    ----------
    description : Description
        The target.
    shape : tuple of int
        Of the twin.
    curves : list of Target
        The objective.
    rows : list of Target
        Of the map, which is annealed together with the curves before these alone are.
    periodic : bool
        Whether lags of the twin wrap.
    start : ndarray of uint8
        The structure to begin from.
    fixed : ndarray of uint8, or None
        1 where the label is not to change.
    schedule : Schedule
    seed, threads : int
    """

    description: Description
    shape: tuple[int, ...]
    curves: list[_targets.Target]
    rows: list[_targets.Target]
    periodic: bool
    start: _validate.Labels
    fixed: _validate.Labels | None
    schedule: Schedule
    seed: int
    threads: int

    @classmethod
    def checked(cls, target: Description | npt.ArrayLike, **given: Any) -> Self:
        """Check the arguments of `anneal` and make the start."""
        description = described(target)
        given["start"] = getattr(given["start"], "labels", given["start"])
        if given["shape"] is None:
            given["shape"] = _shape_of(given["start"])
        shape = _validate.shape(given["shape"])
        ndim, size = len(shape), int(np.prod(shape, dtype=np.int64))
        if sum((side - 1).bit_length() for side in shape) > 32:
            raise InputError(
                "shape must have fewer than 2^32 voxels, each side rounded up to a power of 2, "
                f"not {shape}"
            )
        _memory.check(
            size * _BYTES,
            what=f"annealing a structure of {shape}",
            instead="anneal a smaller one",
        )
        seed = _validate.seed(given["seed"])
        threads = _validate.threads(given["threads"])
        max_lag = given["max_lag"]
        if max_lag is not None:
            max_lag = _validate.integer(max_lag, name="max_lag", minimum=1)
        functions = _targets.constrained(description, given["functions"])
        follow = _targets.axis_targets(given["axis_targets"], given["axes"], description, ndim)
        weights = _targets.checked_weights(given["weights"], functions)
        if given["weights"] is None:
            weights = _targets.balanced(functions, description)
        schedule = Schedule.checked(
            size,
            **{
                name: given[name]
                for name in (
                    "schedule", "tolerance", "max_proposals", "max_seconds", "start_acceptance",
                    "cooling", "moves", "balanced", "reheats",
                )
            },
        )  # fmt: skip
        curves = _targets.curves(description, functions, shape, follow, max_lag, weights)
        isotropic = given["axis_targets"] is None and given["axes"] is None

        @cache  # it takes long, and there are runs that do not need it
        def known() -> CorrelationMap | None:
            return _known_map(description, given["start"], ndim, isotropic, threads)

        fixed = _fixed(given["fixed"], shape)
        start = _start(given["start"], description, known, shape, seed, threads, fixed)
        return cls(
            description=description,
            shape=shape,
            curves=curves,
            rows=_rows(given["map_radius"], description, known, curves, shape),
            periodic=(
                description.periodic if given["periodic"] is None else bool(given["periodic"])
            ),
            start=start,
            fixed=None if fixed is None else (fixed >= 0).astype(np.uint8),
            schedule=schedule,
            seed=seed,
            threads=threads,
        )

    @property
    def size(self) -> int:
        """How many voxels the twin has."""
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def max_lag(self) -> int:
        """The longest lag of any curve."""
        return max(len(values) for *_, values, _ in self.curves)

    @property
    def along_lines(self) -> bool:
        """Whether every curve can be annealed in blocks."""
        return all(statistic in _targets.LINES for statistic, *_ in self.curves)

    def fingerprint(self) -> str:
        """Return a hash of all that the course of the run depends on."""
        ends = replace(self.schedule, tolerance=0.0, max_proposals=0, max_seconds=None)
        budget = self.schedule.max_proposals if self.schedule.kind == "adaptive" else None
        course = [getattr(ends, name) for name in Schedule.__slots__]
        text = json.dumps(
            [self.curves, self.rows, self.shape, self.periodic, self.seed, course, budget]
        )
        digest = hashlib.sha256(text.encode())
        digest.update(self.start.tobytes())
        if self.fixed is not None:
            digest.update(self.fixed.tobytes())
        return digest.hexdigest()


def _known_map(
    description: Description, start: Any, ndim: int, isotropic: bool, threads: int
) -> CorrelationMap | None:
    """Return the target's map of S2, if it is known and tells of the twin."""
    if isinstance(start, CorrelationMap):
        return start
    if not any(f.statistic == "two_point" for f in description.functions) or not isotropic:
        return None
    measured = description.function("two_point", directions="axes").axes
    if len(measured) < description.ndim:
        return None  # somebody wants some axes and not the others
    known = description.two_point_map(threads=threads)
    return None if known is None or known.ndim > ndim else known


def _rows(
    radius: int | None,
    description: Description,
    known: Callable[[], CorrelationMap | None],
    curves: Sequence[_targets.Target],
    shape: tuple[int, ...],
) -> list[_targets.Target]:
    """Return the rows of the map to anneal along with the curves."""
    if radius is not None:
        radius = _validate.integer(radius, name="map_radius", minimum=0)
        if radius > 0 and known() is None:
            raise InputError(
                "map_radius must be 0 where S2 of target is not known in every direction: it was "
                "read from a file, masked or made from curves"
            )
    # Only where the curves ask for S2, too, and no further than it is known.
    phases = {phase for statistic, phase, *_ in curves if statistic == "two_point"}
    s2 = known() if phases and radius != 0 else None
    if s2 is None or s2.partner is not None or s2.phase not in phases:
        return []
    # A flat volume of one slice has no rows but its own.
    reach = min([(side - 1) // 2 for side in shape] + list(s2.max_lag))
    reach = min(reach, MAP_RADIUS if radius is None else radius)
    if reach < 2:
        return []
    wanted = wanted_map(description, s2, s2.phase, shape)
    stride = _MAP_STRIDE[len(shape)]
    return _targets.map_rows(wanted, s2.phase, reach, stride, _MAP_WEIGHT)


def _fixed(value: npt.ArrayLike | None, shape: tuple[int, ...]) -> npt.NDArray[np.int16] | None:
    """Check the voxels whose labels are given; what is free becomes -1."""
    if value is None:
        return None
    try:
        given = np.asarray(value)
    except ValueError:
        raise InputError(f"fixed must be an array of the shape {shape}") from None
    whole = given.dtype.kind in "biu"
    if not whole and (given.dtype.kind != "f" or not np.array_equal(given, np.round(given))):
        raise InputError(f"fixed must be labels, and -1 where a voxel is free, not {given.dtype}")
    if given.shape != shape:
        raise InputError(f"fixed must have the shape {shape}, not {given.shape}")
    if given.size and given.max() > 255:
        raise InputError(f"fixed must be labels 0 .. 255 and -1, not {given.max()}")
    return np.asarray(np.maximum(given, -1), dtype=np.int16)


def _shape_of(start: Any) -> tuple[int, ...]:
    """Return the shape of a start that is a structure."""
    if isinstance(start, str | CorrelationMap):
        raise InputError("shape must be given, unless start is a structure")
    return _validate.labels(start, name="start").shape


def _start(
    start: npt.ArrayLike | CorrelationMap | str,
    description: Description,
    known: Callable[[], CorrelationMap | None],
    shape: tuple[int, ...],
    seed: int,
    threads: int,
    fixed: npt.NDArray[np.int16] | None,
) -> _validate.Labels:
    named = isinstance(start, str | CorrelationMap)
    if isinstance(start, str | CorrelationMap):
        kind = "phase_retrieval" if isinstance(start, CorrelationMap) else start
        _validate.choice(kind, STARTS, name="start")
        counts = _targets.voxel_counts(description, int(np.prod(shape, dtype=np.int64)))
        held = None if fixed is None else (fixed >= 0, np.maximum(fixed, 0).astype(np.uint8))
        if kind == "auto":
            measured = any(f.statistic == "two_point" for f in description.functions)
            kind = "gaussian" if len(counts) == 2 and measured else "noise"
        if kind == "noise":
            labels = _starts.noise(shape, counts, seed, held)
        else:
            make = _starts.gaussian_field if kind == "gaussian" else _starts.retrieve
            labels = make(description, known(), shape, counts, seed, threads, held)
    else:
        labels = _validate.labels(start, name="start")
        if labels.shape != shape:
            raise InputError(f"start must have the shape {shape}, not {labels.shape}")
        if fixed is not None:
            labels = np.where(fixed >= 0, fixed, labels).astype(np.uint8)
    missing = sorted(set(description.phases) - set(np.unique(labels).tolist()))
    if missing:
        name = "shape must be large enough" if named else "start must be given"
        raise InputError(f"{name} to hold every phase of target; phase {missing[0]} is missing")
    if len(np.unique(labels)) < 2:
        raise InputError("start must hold at least two phases to exchange")
    if fixed is not None and len(np.unique(labels[fixed < 0])) < 2:
        raise InputError("fixed must leave voxels of at least two phases free to exchange")
    return labels
