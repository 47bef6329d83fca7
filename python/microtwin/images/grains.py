"""Painting many discs or balls with real-valued centres on a voxel grid."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from microtwin.errors import InputError

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

CHUNK = 1 << 19  # voxel tests at a time: what stays in the cache
MAX_GRAINS = 20_000_000  # a request for more is a slip of the keyboard rather than a medium


def check_number(grains: float, sides: tuple[int, ...]) -> None:
    """Raise InputError if a medium of shape `sides` would need too many grains."""
    if grains > MAX_GRAINS:
        raise InputError(
            f"shape {sides} would need {grains:.1e} grains of that size; "
            f"at most {MAX_GRAINS:.0e} are painted"
        )


def first_cover(
    shape: tuple[int, ...], centres: Floats, radius: float | Floats, *, periodic: bool
) -> Indices:
    """Return for each voxel the lowest index of the grains that cover it.

    A voxel is covered if its centre, at whole-numbered coordinates, is within the radius.

    Parameters
    ----------
    shape : tuple of int
        Shape of the grid.
    centres : ndarray, shape (n, ndim)
        Centres in voxels.
    radius : float or ndarray, shape (n,)
        Radius in voxels.
    periodic : bool
        Whether grains that stick out come in again on the other side.

    Returns
    -------
    ndarray of int64, shape `shape`
        Index of the first grain; n where there is none.
    """
    radii = np.broadcast_to(np.asarray(radius, np.float64), len(centres))
    cover = np.full(shape, len(centres), np.int64)
    # Backwards and plainly overwriting, so that the lowest index stays.
    for grain, voxel, _ in _painted(shape, centres[::-1], radii[::-1], periodic):
        cover[tuple(voxel.T)] = len(centres) - 1 - grain
    return cover


def highest_surface(
    shape: tuple[int, int], centres: Floats, radius: Floats, *, floor: float, periodic: bool
) -> Floats:
    """Return the height at which one that looks down on a pile of balls sees them.

    Parameters
    ----------
    shape : (int, int)
        Shape of the view (y, x).
    centres : ndarray, shape (n, 3)
        Centres (z, y, x) in pixels, z pointing to the viewer.
    radius : ndarray, shape (n,)
        Radius of each ball.
    floor : float
        Height where there is no ball.
    periodic : bool
        Whether balls that stick out of the view come in again on the other side.

    Returns
    -------
    ndarray of float64, shape `shape`
        Height in pixels.
    """
    height = np.full(shape, floor)
    for grain, voxel, squared in _painted(shape, centres[:, 1:], radius, periodic):
        rise = np.sqrt(radius[grain] ** 2 - squared)
        np.maximum.at(height, tuple(voxel.T), centres[grain, 0] + rise)
    return height


def _painted(
    shape: tuple[int, ...], centres: Floats, radii: Floats, periodic: bool
) -> Iterator[tuple[Indices, Indices, Floats]]:
    """Yield, chunk by chunk in the order of the grains, the voxels that each of them covers.

    Grain index (m,), voxel (m, ndim) and squared distance from the centre (m,).
    """
    if len(centres) == 0:
        return
    ndim = len(shape)
    reach = int(np.ceil(radii.max() + 0.5))
    stencil = np.stack(np.meshgrid(*[np.arange(-reach, reach + 1)] * ndim, indexing="ij"), -1)
    stencil = stencil.reshape(-1, ndim)
    # Keep the offsets that some centre within its voxel, at most half a diagonal away, can reach.
    stencil = stencil[np.linalg.norm(stencil, axis=1) <= radii.max() + np.sqrt(ndim) / 2]
    sides = np.asarray(shape)
    step = max(1, CHUNK // len(stencil))
    for start in range(0, len(centres), step):
        block = centres[start : start + step]
        base = np.rint(block).astype(np.int64)
        squared = np.zeros((len(block), len(stencil)))
        for axis in range(ndim):
            squared += ((base - block)[:, axis, None] + stencil[None, :, axis]) ** 2
        grain, offset = np.nonzero(squared <= radii[start : start + step, None] ** 2)
        voxel = base[grain] + stencil[offset]
        distance = squared[grain, offset]
        if periodic:
            voxel %= sides
        else:
            inside = ((voxel >= 0) & (voxel < sides)).all(axis=1)
            grain, voxel, distance = grain[inside], voxel[inside], distance[inside]
        yield grain + start, voxel, distance
