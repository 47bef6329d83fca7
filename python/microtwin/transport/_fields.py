"""From the potential to the flux in every voxel."""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from microtwin.transport.result import Conduction

Field = npt.NDArray[np.float32]


def flux_field(result: "Conduction") -> Field:
    """Return the flux in the voxels; see `Conduction.flux_field`."""
    assert result.structure is not None
    assert result.potential is not None
    table = np.zeros(256, np.float32)
    table[list(result.conductivities)] = list(result.conductivities.values())
    k = np.where(np.isnan(result.potential), np.float32(0), table[result.structure])
    u = np.nan_to_num(result.potential)
    length = {"face": result.shape[result.axis], "centre": result.shape[result.axis] - 1}
    field = np.empty((result.ndim, *result.shape), np.float32)
    for b in range(result.ndim):
        along = b == result.axis
        after = _through_faces(k, u, b)
        if result.boundary == "periodic" and along:
            after += _conductance(k, np.roll(k, -1, b))
        rim = _plane(b, -1)
        before_first: Field | None = None
        if along and result.boundary == "face":
            before_first = 2 * k[_plane(b, 0)] * (1 - u[_plane(b, 0)])
            after[rim] = 2 * k[rim] * u[rim]
        elif along and result.boundary == "centre":  # what enters a plane leaves it
            after[rim] = after[_plane(b, -2)]
            before_first = after[_plane(b, 0)]
        elif not along and result.sides == "insulated":
            after[rim] = 0
        before = np.roll(after, 1, b)
        if before_first is not None:
            before[_plane(b, 0)] = before_first
        field[b] = (before + after) / 2
    return field * np.float32(length.get(result.boundary, 1))


def _through_faces(k: Field, u: Field, axis: int) -> Field:
    """Return the flux from each voxel to the next along an axis, the last to the first."""
    return np.asarray(_conductance(k, np.roll(k, -1, axis)) * (u - np.roll(u, -1, axis)))


def _conductance(one: Field, other: Field) -> Field:
    total = one + other
    product = 2 * one * other
    return np.asarray(np.divide(product, total, out=np.zeros_like(total), where=total > 0))


def _plane(axis: int, at: int) -> tuple[slice | int, ...]:
    return (*[slice(None)] * axis, at)
