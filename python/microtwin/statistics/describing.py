"""Measuring structures: everything asked for, of every sample, merged."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any

import numpy as np
import numpy.typing as npt

from microtwin import _core, _memory, _validate
from microtwin.errors import InputError
from microtwin.statistics._packed import PackedMask
from microtwin.statistics._registry import (
    CURVES,
    NUMBERS,
    STATISTICS,
    CurveKind,
    Directed,
    Numbers,
    Sized,
)
from microtwin.statistics.chords import longest_chord
from microtwin.statistics.correlation import directed, lag_limit, longest_lag
from microtwin.statistics.description import Description
from microtwin.statistics.directions import FAMILIES, checked_families
from microtwin.statistics.function import CorrelationFunction
from microtwin.statistics.surface_functions import Interface

DEFAULT = ("two_point", "lineal_path")

_RADIAL = 14.0  # bytes a voxel at the peak, as `CurveKind.peak`


def describe(
    labels: npt.ArrayLike | Sequence[npt.ArrayLike],
    *,
    phase: int | Sequence[int] | None = None,
    statistics: str | Sequence[str] = DEFAULT,
    max_lag: int | None = None,
    axes: Sequence[int] | int | None = None,
    directions: str | Sequence[str] = "axes",
    periodic: bool = False,
    mask: npt.ArrayLike | Sequence[npt.ArrayLike] | None = None,
    spacing: float | Sequence[float] | None = None,
    threads: int | None = None,
    device: str = "auto",
    remember: bool = True,
) -> Description:
    """Measure a structure, or several samples of one material together.

    Parameters
    ----------
    labels : array_like of int, or list of them
        One image (y, x) or one volume (z, y, x) of phase labels; or a list of images or of volumes,
        whose counts are merged and whose spread is kept.
    phase : int or sequence of int, optional
        The phases to measure, the primary one first. By default all that are present, and phase 1
        (or, where there is none, the highest label) is the primary one.
    statistics : str or sequence of str
        Any of `STATISTICS`, or "all". The two-point probability along the axes is always measured.
        Voxels that are no cubes have no pore sizes, thickness or surface functions, and no radial
        averages: "all" leaves them out.
    directions : str or sequence of str
        One or more of "axes", "face_diagonals", "body_diagonals" and "radial", or "all". Curves
        that know no radial average are left out of it.
    mask : array_like of bool, or list of them, optional
        Measure only what lies wholly where it is true; one for all samples or one for each.
    max_lag, axes, periodic, spacing, threads, device
        As in `two_point`. Chords are counted to their full length, pores to half and thickness
        to a quarter of the shortest side: samples of several sizes merge only where they are
        described in one call.
    remember : bool
        Keep where the primary phase is, at a bit a voxel, so that `Description.two_point_map` can
        tell S2 in every direction. Within a mask nothing is kept.

    Returns
    -------
    Description

    Raises
    ------
    InputError
        If an argument is not as described, or there is only one phase.

    Examples
    --------
    >>> import numpy as np
    >>> board = np.indices((8, 8)).sum(axis=0) % 2
    >>> describe(board, periodic=True).porosity
    0.5
    """
    samples = _samples(labels)
    if spacing is None:
        spacing = getattr(samples[0], "spacing", None)
    structures = [_validate.labels(sample) for sample in samples]
    ndim = structures[0].ndim
    if any(structure.ndim != ndim for structure in structures):
        raise InputError("labels must be all images or all volumes, not a mixture")
    edges = _validate.spacing(spacing, ndim=ndim)
    names, families = _statistics(statistics), checked_families(directions, ndim)
    if edges is not None and len(set(edges)) > 1:
        # "all" is all that there is for voxels that are no cubes.
        if _names_all(statistics):
            names = [n for n in names if n in NUMBERS or not CURVES[n].of_cubes]
        families = tuple(f for f in families if f != "radial" or not _names_all(directions))
    if axes is not None and families != ("axes",):
        raise InputError('axes can be chosen only where directions is "axes"')
    _memory.check(
        max(structure.size for structure in structures) * _bytes_a_voxel(names, families),
        what=f"describing a structure of {structures[0].shape} by {', '.join(names)}",
        instead="measure less of it, or S2, L and chords in blocks (describe_tiles, --in-place)",
    )
    task = _Task(
        structures=structures,
        masks=_masks(mask, structures),
        axes=axes,
        families=families,
        reach=lag_limit(max_lag, [s.shape for s in structures], directed("axes", axes, ndim)),
        periodic=bool(periodic),
        spacing=edges,
        threads=_validate.threads(threads),
        device=device,
    )
    voxels = task.voxels()
    present = [int(label) for label in np.flatnonzero(voxels.sum(axis=0))]
    wanted = phases_among(phase, present)
    return Description(
        phase=wanted[0],
        functions=tuple(f for label in wanted for f in task.curves(names, label)),
        voxels={label: int(voxels[:, label].sum()) for label in present},
        porosities=voxels[:, present] / voxels.sum(axis=1, keepdims=True),
        interfaces={label: task.differing_neighbours(label) for label in wanted},
        shape=structures[0].shape,
        numbers=tuple(
            task.numbers(name, label) for label in wanted for name in names if name in NUMBERS
        ),
        structures=task.packed(wanted[0]) if remember else (),
    )


@dataclass(frozen=True, slots=True)
class _Task:
    """Samples of one material, and how to measure them."""

    structures: list[npt.NDArray[np.uint8]]
    masks: list[npt.NDArray[np.uint8] | None]
    axes: Sequence[int] | int | None
    families: tuple[str, ...]
    reach: int
    periodic: bool
    spacing: tuple[float, ...] | None
    threads: int
    device: str

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        return [structure.shape for structure in self.structures]

    @property
    def ndim(self) -> int:
        return self.structures[0].ndim

    def voxels(self) -> npt.NDArray[np.int64]:
        """Count the voxels of each label, shape (samples, 256)."""
        samples = zip(self.structures, self.masks, strict=True)
        return np.array([_core.label_counts(s, m, self.threads) for s, m in samples])

    def packed(self, label: int) -> tuple[PackedMask, ...]:
        """Return where each sample has a phase; nothing if only a part of one was looked at."""
        if any(mask is not None for mask in self.masks):
            return ()
        return tuple(PackedMask.of(structure, label) for structure in self.structures)

    def differing_neighbours(self, label: int) -> npt.NDArray[np.int64]:
        """Count neighbours of which one is of a phase, and all of them, along each axis."""
        along = directed("axes", self.axes, self.ndim)
        pairs = (
            _core.interfaces(s, m, label, along, self.periodic, self.threads)
            for s, m in zip(self.structures, self.masks, strict=True)
        )
        return np.asarray(np.sum([np.stack(one, axis=1) for one in pairs], axis=0))

    def numbers(self, name: str, label: int) -> Numbers:
        """Measure numbers of all samples together."""
        merged: Numbers = reduce(add, self._each(name, NUMBERS[name].measure, phase=label))
        return merged

    def curves(self, names: list[str], label: int) -> list[CorrelationFunction]:
        """Measure every curve of a phase, along every family of directions that it has."""
        interfaces: list[Interface] = []
        wanted = {name: CURVES[name] for name in names if name in CURVES}
        if any(kind.of_interface for kind in wanted.values()):
            interfaces = self._each("surface", Interface.measured, phase=label)
        result = []
        for name, kind in wanted.items():
            if isinstance(kind.along, Directed):
                result += self._directed(name, kind, kind.along, label, interfaces)
            else:
                result.append(self._sized(name, kind, kind.along, label))
        return result

    def _each(self, name: str, measure: Any, **options: Any) -> list[Any]:
        """Measure each sample; an error says of what and which."""
        options |= {"periodic": self.periodic, "spacing": self.spacing, "threads": self.threads}
        results = []
        for i, (structure, mask) in enumerate(zip(self.structures, self.masks, strict=True)):
            try:
                results.append(measure(structure, mask=mask, **options))
            except InputError as error:
                where = f" of sample {i + 1}" if len(self.structures) > 1 else ""
                raise InputError(f"{name}{where}: {error}") from error
        return results

    def _sized(self, name: str, kind: CurveKind, along: Sized, label: int) -> CorrelationFunction:
        # Several samples must go equally far to be merged.
        farthest = min(map(min, self.shapes)) // along.part
        merged: CorrelationFunction = reduce(
            add, self._each(name, kind.measure, phase=label, max_radius=farthest)
        )
        return merged

    def _directed(
        self, name: str, kind: CurveKind, along: Directed, label: int, interfaces: list[Interface]
    ) -> list[CorrelationFunction]:
        families = self.families
        if name == "two_point" and "axes" not in families:
            families = ("axes", *families)
        families = tuple(f for f in families if f != "radial" or along.radial)
        if not families:
            raise InputError(f"directions must name more than radial: {name} has no such average")
        found = {}
        # The widest first: the map of an interface's radial average holds what the others need.
        for family in sorted(families, key=FAMILIES.index, reverse=True):
            options: dict[str, Any] = {"directions": family}
            options["max_lag"] = self._longest(name, family)
            if kind.of_interface:
                measured = [interface.function(name, **options) for interface in interfaces]
            else:
                options |= {"phase": label} | along.options(self.device, self.axes, family)
                measured = self._each(name, kind.measure, **options)
            found[family] = reduce(add, measured)
        return [found[family] for family in families]

    def _longest(self, name: str, family: str) -> int:
        if family == "radial":
            return self.reach
        vectors = directed(family, self.axes if family == "axes" else None, self.ndim)
        if name == "chord_length":
            return longest_chord(self.shapes, vectors, self.periodic)
        return min(self.reach, longest_lag(self.shapes, vectors))


def _bytes_a_voxel(names: Sequence[str], families: Sequence[str]) -> float:
    """Return what describing takes at most, beside the labels themselves."""
    most = max((CURVES | NUMBERS)[name].peak for name in names)
    return max(most, _RADIAL) if "radial" in families else most


def _samples(labels: Any) -> list[Any]:
    """Tell a list of structures from one structure given as nested lists."""
    if not isinstance(labels, list | tuple):
        return [labels]
    if not labels:
        raise InputError("labels must hold at least one image or volume, not none")
    return list(labels) if np.ndim(labels[0]) > 1 else [labels]


def _masks(value: Any, structures: list[npt.NDArray[np.uint8]]) -> list[Any]:
    """Return one mask, or None, for each structure."""
    several = isinstance(value, list | tuple) and np.ndim(value[0] if value else 0) > 1
    given = list(value) if several else [value] * len(structures)
    if len(given) != len(structures):
        raise InputError(f"mask must be one or one for each of {len(structures)} samples")
    return [_validate.mask(m, shape=s.shape) for m, s in zip(given, structures, strict=True)]


def _names_all(value: str | Sequence[str]) -> bool:
    return value == "all" or (not isinstance(value, str) and "all" in value)


def _statistics(value: str | Sequence[str]) -> list[str]:
    if _names_all(value):
        return list(STATISTICS)
    given = [value] if isinstance(value, str) else list(value)
    for name in given:
        _validate.choice(name, [*STATISTICS, "all"], name="each of statistics")
    return list(dict.fromkeys(["two_point", *given]))


def phases_among(value: int | Sequence[int] | None, present: list[int]) -> list[int]:
    """Return the phases to measure of those present, the primary one first."""
    if not present:
        raise InputError("mask must be true somewhere: it leaves no voxel to measure")
    if len(present) < 2:
        raise InputError(
            f"labels must hold at least two phases; every voxel has the label {present[0]}"
        )
    if value is None:
        primary = 1 if 1 in present else present[-1]
        return [primary, *(label for label in present if label != primary)]
    wanted = phase_list(value)
    for label in wanted:
        if label not in present:
            known = ", ".join(map(str, present))
            raise InputError(f"phase must be one of the labels present ({known}), not {label}")
    return wanted


def phase_list(value: int | Sequence[int]) -> list[int]:
    """Return `value` as distinct phase labels."""
    given = list(value) if isinstance(value, Sequence) else [value]
    wanted = [_validate.integer(p, name="phase", minimum=0, maximum=255) for p in given]
    if not wanted or len(set(wanted)) != len(wanted):
        raise InputError(f"phase must be one label or distinct labels, not {value!r}")
    return wanted
