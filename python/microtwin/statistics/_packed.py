"""The phase of a structure at one bit a voxel: small enough to be kept beside its statistics."""

import math
from dataclasses import dataclass, field
from typing import Self

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True, eq=False)
class PackedMask:
    """Where a structure has a phase.

    Attributes
    ----------
    phase : int
        Label of the phase.
    shape : tuple of int
        Shape of the structure.
    bits : ndarray of uint8
        Eight voxels a byte, in C order.
    """

    phase: int
    shape: tuple[int, ...]
    bits: npt.NDArray[np.uint8] = field(repr=False)

    @classmethod
    def of(cls, labels: npt.NDArray[np.uint8], phase: int) -> Self:
        """Return where labels are a phase."""
        return cls(phase, labels.shape, np.packbits(labels == phase))

    def unpacked(self) -> npt.NDArray[np.uint8]:
        """Return 1 where the phase is and 0 elsewhere."""
        return np.unpackbits(self.bits, count=math.prod(self.shape)).reshape(self.shape)
