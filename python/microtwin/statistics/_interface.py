"""How much interface lies in each voxel, without the staircase of the voxels."""

from typing import Any

import numpy as np
import numpy.typing as npt

from microtwin.statistics.directions import FAMILIES, axis_vector, family_vectors

Floats = npt.NDArray[np.float32]

_FLAT = 1e-6  # slopes, and squares of them, that are nothing but rounding

# Chosen on digital discs and balls, alone and overlapping: see `surface_surface`.
WIDTH = 1.5
# Voxels around one that its normal depends on.
MARGIN = 3


def interface_density(
    inside: npt.NDArray[np.bool_], known: npt.NDArray[np.bool_], *, periodic: bool
) -> Floats:
    """Return the area (2-D: length) of interface in each voxel, in 1/voxel.

    A plane with unit normal n crosses abs(n_k) faces across axis k per unit area, so a face between
    the two phases stands for an area abs(n_k), and Σ n_k² = 1 makes the sum over the axes right
    for every orientation, where plain faces overstate it up to √3 times. Normals are those of the
    indicator smoothed by a Gaussian of 1.5 voxels. Half of each face goes to either voxel. Faces
    on the rim of a structure that is not periodic are not known and count nothing.

    Edges, where normals are blunt, and gaps that lie between two voxels cost area all the same.
    One factor gives it back: see `_missed`.

    Parameters
    ----------
    inside : ndarray of bool
        The phase.
    known : ndarray of bool
        Where the density will be used.
    periodic : bool
        Whether opposite sides touch.

    Returns
    -------
    ndarray of float32
    """
    from scipy import ndimage

    mode = "wrap" if periodic else "nearest"
    smooth = ndimage.gaussian_filter(inside.astype(np.float32), WIDTH, mode=mode)
    slopes = [
        ndimage.correlate1d(smooth, [-0.5, 0, 0.5], axis, mode=mode) for axis in range(inside.ndim)
    ]
    density = np.zeros(inside.shape, np.float32)
    for axis in range(inside.ndim):
        here, there = _pairs(inside, axis, periodic)
        square = np.zeros(here.shape, np.float32)
        for k, slope in enumerate(slopes):
            at_face = np.add(*_pairs(slope, axis, periodic))
            at_face *= at_face
            square += at_face
            if k == axis:
                across = at_face
        # Where the smoothed indicator is flat there is no normal and a face is taken as it is.
        flat = square < _FLAT
        weight = np.sqrt(np.divide(across, square, out=np.ones_like(square), where=~flat)) / 2
        weight *= here != there
        if periodic:
            density += weight
            density += np.roll(weight, 1, axis)
        else:
            density[_cut(axis, 0, -1)] += weight
            density[_cut(axis, 1, None)] += weight
    density *= np.float32(_missed(inside, known, density, slopes, periodic))
    return density


def _missed(
    inside: npt.NDArray[np.bool_],
    known: npt.NDArray[np.bool_],
    density: Floats,
    slopes: list[Floats],
    periodic: bool,
) -> float:
    """Return how many times more often lines cross the interface than its density says.

    A line along d crosses the interface Σ s abs(n d) times per length. Counted are the pairs of
    voxels one and two steps apart along the axes and diagonals whose ends differ; (4 a - b) / 2 of
    the two is the rate for steps of no length, to second order. Both are the same for a plane of
    any orientation, so that the factor is one where nothing is amiss.
    """
    norm = np.sqrt(sum(slope * slope for slope in slopes))
    norm[norm < _FLAT] = np.inf
    weight = np.where(known, density, 0) / norm
    counted = expected = 0.0
    families = FAMILIES[: inside.ndim]
    for vector in [v for family in families for v in family_vectors(family, inside.ndim)]:
        rates = []
        for lag in (1, 2):
            step = tuple(lag * one for one in vector)
            here, there = (_shifted(field, step, periodic) for field in (known, inside))
            pairs = here[0] & here[1]
            trials = int(np.count_nonzero(pairs))
            pairs &= there[0] != there[1]
            rates.append(int(np.count_nonzero(pairs)) / trials if trials else np.nan)
        if not np.isfinite(rates).all():
            continue
        along = sum(one * slope for one, slope in zip(vector, slopes, strict=True) if one)
        length = sum(map(abs, vector)) ** 0.5
        counted += (4 * rates[0] - rates[1]) / 2 / length
        expected += float((weight * np.abs(along)).sum(dtype=np.float64)) / (
            length * np.count_nonzero(known)
        )
    return float(np.clip(counted / expected, 0.5, 2.0)) if expected > 0 else 1.0


def known_interface(
    shape: tuple[int, ...], mask: npt.NDArray[np.bool_] | None, *, periodic: bool
) -> npt.NDArray[np.bool_]:
    """Return where the interface is known: the voxels whose neighbours are all inside."""
    from scipy import ndimage

    inside = np.ones(shape, np.bool_) if mask is None else mask
    mode = "wrap" if periodic else "constant"
    known = ndimage.minimum_filter(inside.view(np.uint8), 2 * MARGIN + 1, mode=mode, cval=0)
    return np.asarray(known, np.bool_)


def _pairs(
    array: npt.NDArray[Any], axis: int, periodic: bool
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Return the values on the two sides of each face across an axis."""
    return _shifted(array, axis_vector(axis, array.ndim), periodic)


def _shifted(
    array: npt.NDArray[Any], step: tuple[int, ...], periodic: bool
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Return the values at x and at x + step, for all x that have both."""
    if periodic:
        return array, np.roll(array, tuple(-one for one in step), tuple(range(array.ndim)))
    sides = list(zip(step, array.shape, strict=True))
    return (
        array[tuple(slice(max(0, -one), max(n - max(0, one), 0)) for one, n in sides)],
        array[tuple(slice(max(0, one), max(n - max(0, -one), 0)) for one, n in sides)],
    )


def _cut(axis: int, start: int, stop: int | None) -> tuple[slice, ...]:
    return (*[slice(None)] * axis, slice(start, stop))
