"""Voxels of a structure that is to be made whose labels are given."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from microtwin import _validate
from microtwin.errors import InputError

# Where labels are given (true), and the labels; both of the structure's shape.
Fixed = tuple[npt.ArrayLike, npt.ArrayLike]


@dataclass(frozen=True, slots=True)
class Places:
    """The voxels that are free, and what each label still lacks.

    Attributes
    ----------
    labels : ndarray of uint8
        The labels given; elsewhere they mean nothing.
    free : ndarray of bool, or None
        Where no label is given; None for everywhere.
    missing : dict of int to int
        Free voxels that each label gets.
    """

    labels: _validate.Labels
    free: npt.NDArray[np.bool_] | None
    missing: dict[int, int]

    @classmethod
    def checked(cls, fixed: Fixed | None, shape: tuple[int, ...], counts: dict[int, int]) -> Self:
        """Return the places of a structure with so many voxels of each label.

        Raises
        ------
        InputError
            If the fixed voxels do not fit the shape or the counts.
        """
        if fixed is None:
            return cls(np.zeros(shape, np.uint8), None, dict(counts))
        mask, given = fixed
        window = _validate.mask(mask, shape=shape, name="the mask of fixed")
        labels = _validate.labels(given, name="the labels of fixed")
        if labels.shape != shape or window is None:
            raise InputError(f"the labels of fixed must have the shape {shape}, not {labels.shape}")
        held = np.bincount(labels[window > 0], minlength=256)
        strange = set(np.flatnonzero(held).tolist()) - set(counts)
        if strange:
            raise InputError(
                f"the labels of fixed must be among {sorted(counts)}, not {min(strange)}"
            )
        for label, count in counts.items():
            if held[label] > count:
                raise InputError(
                    f"fixed must hold at most {count} voxels of phase {label}, as many as the "
                    f"structure has, not {held[label]}"
                )
        missing = {label: count - int(held[label]) for label, count in counts.items()}
        return cls(labels, window == 0, missing)

    def filled(self, values: _validate.Labels) -> _validate.Labels:
        """Return the labels given with the free voxels, in the order they lie, set to values."""
        if self.free is None:
            return values.reshape(self.labels.shape)
        result = self.labels.copy()
        result[self.free] = values
        return result

    def largest(self, field: npt.NDArray[np.floating], phase: int) -> npt.NDArray[np.bool_]:
        """Return where the phase is if it gets the free voxels with the largest values."""
        if self.free is None:
            return _largest(field.ravel(), self.missing[phase]).reshape(field.shape)
        result = np.asarray(self.labels == phase)
        result[self.free] = _largest(field[self.free], self.missing[phase])
        return result


def _largest(flat: npt.NDArray[np.floating], count: int) -> npt.NDArray[np.bool_]:
    """Return where the `count` largest values are; exactly so many, ties in the order they lie."""
    if count == 0:
        return np.zeros(flat.shape, np.bool_)
    level = np.partition(flat, flat.size - count)[flat.size - count]
    result = np.asarray(flat > level)
    missing = count - int(np.count_nonzero(result))
    result[np.flatnonzero(flat == level)[:missing]] = True
    return result
