"""The materials of the contest: what may be learned from, and what is held out.

Every array is of labels, 0 and 1; the parts for learning and for judging share no voxel.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from microtwin.images import read_image

Labels = npt.NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class Material:
    """One material.

    Attributes
    ----------
    title : str
        What it is.
    training, held_out : list of ndarray of uint8
        Images or volumes.
    side : int
        Side of the samples that are compared.
    preset : str
        Of the generator.
    phase : int
        The phase that is measured.
    conducting : int
        The phase that conducts.
    """

    title: str
    training: list[Labels]
    held_out: list[Labels]
    side: int
    preset: str
    phase: int
    conducting: int

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the samples."""
        return (self.side,) * self.training[0].ndim


def berea(data: Path) -> Material:
    """Berea sandstone: its pores, labels 1, are a fifth; halves along z."""
    volume = _uint8(np.load(data / "berea400/berea_400_uint8.npz")["im"] == 0)
    return Material(
        title="Berea sandstone, 400³, the pores",
        training=[volume[:200]], held_out=[volume[200:]],
        side=64, preset="slice-3d", phase=1, conducting=1,
    )  # fmt: skip


def cathode(data: Path) -> Material:
    """Cathode of a battery: its smaller phase; halves along x, where both hold as much of it."""
    volume = _uint8(np.load(data / "superres_electrodes/superres.npz")["SEM_lr_input"] > 0)
    return Material(
        title="battery cathode, 128³, the phase of 0.40",
        training=[volume[..., :64]], held_out=[volume[..., 64:]],
        side=64, preset="slice-3d", phase=1, conducting=1,
    )  # fmt: skip


def superalloy(data: Path) -> Material:
    """Superalloys: large precipitates (label 1) in SEM images, every third of which is held out.

    Every fourth pixel: a precipitate is then some 20 pixels wide, a third of what networks see.
    """
    files = sorted((data / "superalloy_sem").glob("spot*_mask.png"))
    images = [_uint8(np.asarray(read_image(file))[::4, ::4] == 2) for file in files]
    return Material(
        title="superalloy, 10 SEM images of 128² (every fourth pixel), large precipitates",
        training=[image for i, image in enumerate(images) if i % 3 != 2], held_out=images[2::3],
        side=64, preset="dcgan-2d", phase=1, conducting=0,
    )  # fmt: skip


def _uint8(array: Any) -> Labels:
    return np.asarray(array).astype(np.uint8)


MATERIALS: dict[str, Callable[[Path], Material]] = {
    "berea": berea,
    "cathode": cathode,
    "superalloy": superalloy,
}
