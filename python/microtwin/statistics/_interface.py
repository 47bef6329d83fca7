"""How much interface lies in each voxel, without the staircase of the voxels."""

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

# Chosen on digital discs and balls of radius 4 to 20: see `surface_surface`.
WIDTH = 1.5
# Voxels around one that its normal depends on, two widths of the Gaussian.
MARGIN = 3


def interface_density(inside: npt.NDArray[np.bool_], *, periodic: bool) -> Floats:
    """Return the area (2-D: length) of interface in each voxel, in 1/voxel.

    A plane with unit normal n crosses abs(n_k) faces across axis k per unit area, so a face between
    the two phases stands for an area abs(n_k), and Σ n_k² = 1 makes the sum over the axes right
    for every orientation, where plain faces overstate it up to √3 times. Normals are those of the
    indicator smoothed by a Gaussian of 1.5 voxels. Half of each face goes to either voxel. Faces
    on the rim of a structure that is not periodic are not known and count nothing.

    Parameters
    ----------
    inside : ndarray of bool
        The phase.
    periodic : bool
        Whether opposite sides touch.

    Returns
    -------
    ndarray of float32
    """
    from scipy import ndimage

    mode = "wrap" if periodic else "nearest"
    smooth = ndimage.gaussian_filter(inside.astype(np.float32), WIDTH, mode=mode)
    slopes = [ndimage.correlate1d(smooth, [-0.5, 0, 0.5], axis, mode=mode) for axis in axes(inside)]
    density = np.zeros(inside.shape, np.float32)
    for axis in axes(inside):
        here, there = pairs(inside, axis, periodic)
        square = np.zeros(here.shape, np.float32)
        for k, slope in enumerate(slopes):
            at_face = np.add(*pairs(slope, axis, periodic))
            at_face *= at_face
            square += at_face
            if k == axis:
                across = at_face
        # Where the smoothed indicator is flat there is no normal and a face is taken as it is.
        flat = square < 1e-8
        weight = np.sqrt(np.divide(across, square, out=np.ones_like(square), where=~flat)) / 2
        weight *= here != there
        if periodic:
            density += weight
            density += np.roll(weight, 1, axis)
        else:
            density[_cut(axis, 0, -1)] += weight
            density[_cut(axis, 1, None)] += weight
    return density


def known_interface(
    shape: tuple[int, ...], mask: npt.NDArray[np.bool_] | None, *, periodic: bool
) -> npt.NDArray[np.bool_]:
    """Return where the interface is known: the voxels whose neighbours are all inside."""
    from scipy import ndimage

    inside = np.ones(shape, np.bool_) if mask is None else mask
    mode = "wrap" if periodic else "constant"
    known = ndimage.minimum_filter(inside.view(np.uint8), 2 * MARGIN + 1, mode=mode, cval=0)
    return np.asarray(known, np.bool_)


def axes(array: npt.NDArray[Any]) -> range:
    """Return the axes of an array."""
    return range(array.ndim)


def pairs(
    array: npt.NDArray[Any], axis: int, periodic: bool
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Return the values on the two sides of each face across an axis."""
    if periodic:
        return array, np.roll(array, -1, axis)
    return array[_cut(axis, 0, -1)], array[_cut(axis, 1, None)]


def _cut(axis: int, start: int, stop: int | None) -> tuple[slice, ...]:
    return (*[slice(None)] * axis, slice(start, stop))
