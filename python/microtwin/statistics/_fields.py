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
    labels : ndarray of uint8
        The structure; what is outside the mask has the label of the phase there.
    inside : ndarray of bool
        Where the phase is (inside the mask, if there is one).
    squared : ndarray of int32
        To the nearest voxel of another phase; what is not known is no other phase.
    to_mask : ndarray of int32 or None
        To the nearest voxel outside the mask, 0 there; None if there is none.
    periodic, masked : bool
        How the edges were treated.
    spacing : tuple of float or None
        Voxel edge in metres; voxels are cubes.
    threads : int
        To go on with.
    """

    phase: int
    labels: npt.NDArray[np.uint8]
    inside: npt.NDArray[np.bool_]
    squared: SquaredDistances
    to_mask: SquaredDistances | None
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
    ) -> "Field":
        """Check the arguments and measure."""
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
        to_mask = None
        if window is not None and not known.all():
            to_mask = _core.squared_distances(window, 1, bool(periodic), workers)
        return cls(
            phase=label,
            labels=structure,
            inside=inside,
            squared=_core.squared_distances(structure, label, bool(periodic), workers),
            to_mask=to_mask,
            periodic=bool(periodic),
            masked=window is not None,
            spacing=cubes,
            threads=workers,
        )

    def judged(self, reach: int) -> tuple[tuple[slice, ...], npt.NDArray[np.bool_]]:
        """Return where everything nearer than `reach` is known: a box, and which voxels in it.

        Only voxels of the phase.
        """
        cut = 0 if self.periodic else max(reach - 1, 0)
        box = tuple(slice(cut, max(n - cut, cut)) for n in self.inside.shape)
        if self.to_mask is None:
            return box, self.inside[box]
        return box, self.inside[box] & (self.to_mask[box] >= reach**2)


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
