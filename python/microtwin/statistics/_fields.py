"""Distances from the voxels of a phase to what ends it, and to where the known world ends."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from microtwin import _core, _validate
from microtwin.errors import InputError

SquaredDistances = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Field:
    """A phase and its distances, in squared voxels between centres.

    Attributes
    ----------
    phase : int
        Its label.
    inside : ndarray of bool
        Where it is (inside the mask, if there is one).
    squared : ndarray of int32
        To the nearest voxel of another phase; what is not known is no other phase.
    unknown : ndarray of int32 or None
        To the nearest voxel beyond the faces or outside the mask; None if there is none.
    periodic, masked : bool
        How the edges were treated.
    spacing : tuple of float or None
        Voxel edge in metres; voxels are cubes.
    threads : int
        To go on with.
    """

    phase: int
    inside: npt.NDArray[np.bool_]
    squared: SquaredDistances
    unknown: SquaredDistances | None
    periodic: bool
    masked: bool
    spacing: tuple[float, ...] | None
    threads: int

    @classmethod
    def measured(
        cls,
        labels: npt.ArrayLike,
        *,
        phase: int,
        periodic: bool,
        mask: npt.ArrayLike | None,
        spacing: float | Sequence[float] | None,
        threads: int | None,
        edges: bool = True,
    ) -> "Field":
        """Check the arguments and measure; `edges` says whether `unknown` is wanted."""
        if spacing is None:
            spacing = getattr(labels, "spacing", None)
        structure = _validate.labels(labels)
        label = _validate.integer(phase, name="phase", minimum=0, maximum=_validate.MAX_PHASES - 1)
        cubes = _cubes(_validate.spacing(spacing, ndim=structure.ndim))
        window = _validate.mask(mask, shape=structure.shape)
        workers = _validate.threads(threads)
        inside = structure == label
        if window is not None:
            known = window.view(np.bool_)
            structure = np.where(known, structure, np.uint8(label))
            inside &= known
        if (structure == label).all():
            where = "in the mask" if window is not None else "in labels"
            raise InputError(
                f"phase must leave voxels of another phase {where}: all are phase {label}"
            )
        squared = _core.squared_distances(structure, label, bool(periodic), workers)
        return cls(
            phase=label,
            inside=inside,
            squared=squared,
            unknown=_to_unknown(inside.shape, window, bool(periodic), workers) if edges else None,
            periodic=bool(periodic),
            masked=window is not None,
            spacing=cubes,
            threads=workers,
        )


def radius_limit(value: int | None, default: int) -> int:
    """Return the largest radius to measure, in voxels."""
    return default if value is None else _validate.integer(value, name="max_radius", minimum=0)


def _cubes(spacing: tuple[float, ...] | None) -> tuple[float, ...] | None:
    if spacing is not None and max(spacing) > min(spacing) * (1 + 1e-9):
        raise InputError(
            f"spacing must be the same along all axes (distances are measured in voxels), "
            f"not {spacing}: resample the labels first"
        )
    return spacing


def _to_unknown(
    shape: tuple[int, ...], window: npt.NDArray[np.uint8] | None, periodic: bool, threads: int
) -> SquaredDistances | None:
    nearest = None
    if not periodic:
        # Beyond a face the nearest voxel is straight ahead.
        steps = [np.minimum(np.arange(n) + 1, n - np.arange(n)).astype(np.int32) for n in shape]
        grids = np.ix_(*[along**2 for along in steps])
        nearest = np.minimum(grids[0], grids[1])
        for grid in grids[2:]:
            nearest = np.minimum(nearest, grid)
    if window is not None and not window.all():
        to_mask = _core.squared_distances(window, 1, periodic, threads)
        nearest = to_mask if nearest is None else np.minimum(nearest, to_mask)
    return nearest
