"""Clusters of a phase as the core finds them."""

import numpy as np
import numpy.typing as npt

from microtwin import _core, _validate

# How many of the coordinates of two neighbouring voxels may differ by one.
CONNECTIVITIES = {"face": 1, "edge": 2, "corner": 3}

Image = npt.NDArray[np.int32]
Sizes = npt.NDArray[np.int64]
Percolates = npt.NDArray[np.bool_]


def checked_connectivity(value: str) -> str:
    """Return the name of a neighbourhood."""
    return _validate.choice(value, CONNECTIVITIES, name="connectivity")


def cluster_image(
    labels: npt.NDArray[np.uint8],
    window: npt.NDArray[np.uint8] | None,
    phase: int,
    *,
    connectivity: str,
    periodic: bool,
    threads: int,
) -> Image:
    """Return the number of each voxel's cluster, 0 outside the phase; arguments are checked."""
    structure, label = _inside(labels, window, phase)
    differ = CONNECTIVITIES[connectivity]
    image, _, _ = _core.clusters(structure, label, differ, periodic, threads)
    assert image is not None
    return image


def cluster_sizes(
    labels: npt.NDArray[np.uint8],
    window: npt.NDArray[np.uint8] | None,
    phase: int,
    *,
    connectivity: str,
    periodic: bool,
    threads: int,
) -> tuple[Sizes, Percolates]:
    """Return the voxels of each cluster, and along which axes it percolates."""
    structure, label = _inside(labels, window, phase)
    differ = CONNECTIVITIES[connectivity]
    _, sizes, percolates = _core.clusters(structure, label, differ, periodic, threads, image=False)
    return sizes, percolates


def _inside(
    labels: npt.NDArray[np.uint8], window: npt.NDArray[np.uint8] | None, phase: int
) -> tuple[npt.NDArray[np.uint8], int]:
    # Voxels outside the mask are in no cluster, and join none.
    if window is None:
        return labels, phase
    return ((labels == phase) & (window != 0)).view(np.uint8), 1
