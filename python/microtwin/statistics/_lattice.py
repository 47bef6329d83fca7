"""What each 2 x 2 (x 2) neighbourhood of voxels adds to area, breadth and Euler number.

Neighbourhoods are numbered as the core counts them: bit dx + 2 dy + 4 dz of a number says whether
the voxel at that corner is of the phase. A table has one entry for each of the 16 or 256, and a
functional of an image is the sum of a table over all its neighbourhoods.

Crofton's formulas turn integrals over all lines and planes into sums over those that the lattice
has: lines along 4 (3-D: 13) directions and planes across 13. A direction stands for those that are
nearer to it than to the others, and is weighed by their share (D. Legland, K. Kiêu, M.-F. Devaux,
Image Anal. Stereol. 26, 83, 2007).
"""

import itertools
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bits = npt.NDArray[np.bool_]
Corner = tuple[int, ...]
Edges = tuple[float, ...]


def corners(ndim: int) -> list[Corner]:
    """Return the corners (dz, dy, dx) in the order of their bits."""
    return list(itertools.product((0, 1), repeat=ndim))


@lru_cache
def occupied(ndim: int) -> Bits:
    """Return which corners are of the phase, shape (16 | 256, corners)."""
    numbers = np.arange(2**2**ndim)
    return (numbers[:, None] >> np.arange(2**ndim) & 1).astype(np.bool_)


def fraction(ndim: int) -> Floats:
    """Return the share of the phase."""
    return np.asarray(occupied(ndim).mean(axis=1))


@lru_cache
def directions(ndim: int) -> tuple[Corner, ...]:
    """Return the 4 or 13 directions of the lattice, one of each pair of opposite ones."""
    steps = itertools.product((0, 1, -1), repeat=ndim)
    return tuple(s for s in steps if next((x for x in s if x), -1) == 1)


def differing(ndim: int, step: Corner) -> Floats:
    """Return the share of the pairs of corners a step apart whose phases differ."""
    at = {corner: bit for bit, corner in enumerate(corners(ndim))}
    pairs = [
        (bit, at[end])
        for corner, bit in at.items()
        if (end := tuple(c + s for c, s in zip(corner, step, strict=True))) in at
    ]
    bits = occupied(ndim)
    return np.asarray(np.mean([bits[:, a] != bits[:, b] for a, b in pairs], axis=0))


def axis_steps(ndim: int) -> list[Corner]:
    """Return the steps along the array axes."""
    return [tuple(int(a == axis) for a in range(ndim)) for axis in range(ndim)]


@lru_cache
def crofton_surface(edges: Edges) -> Floats:
    """Return the surface per volume (2-D: perimeter per area), by lines in all directions.

    A line along e meets the interface P[phases at its neighbouring voxels differ] / |e| times per
    length, and S = 2 <meetings>, in 2-D L = π/2 <meetings>.
    """
    ndim = len(edges)
    steps = directions(ndim)
    vectors = np.array(steps) * edges
    weights = voronoi_shares(vectors)
    lengths = np.linalg.norm(vectors, axis=1)
    meetings = sum(
        w * differing(ndim, s) / d for w, s, d in zip(weights, steps, lengths, strict=True)
    )
    return np.asarray(meetings * (2.0 if ndim == 3 else np.pi / 2))


def axes_surface(edges: Edges) -> Floats:
    """Return -4 S2'(0), in 2-D -π S2'(0): the same by lines along the axes only."""
    meetings = np.mean(_meetings_along_axes(edges), axis=0)
    return np.asarray(meetings * (2.0 if len(edges) == 3 else np.pi / 2))


def faces_surface(edges: Edges) -> Floats:
    """Return the faces (2-D: sides) of voxels between phases, per volume."""
    return np.asarray(np.sum(_meetings_along_axes(edges), axis=0))


@lru_cache
def mesh_surface(edges: Edges) -> Floats:
    """Return the area of the marching-cubes mesh (2-D: length of marching squares), per volume.

    The mesh within a neighbourhood depends on nothing else, so that it can be tabulated.
    """
    ndim = len(edges)
    volume = float(np.prod(edges))
    table = np.zeros(2**2**ndim)
    bits = occupied(ndim)
    if ndim == 2:
        height, width = edges
        across_y = bits[:, 0] == bits[:, 1], bits[:, 2] == bits[:, 3]
        across_x = bits[:, 0] == bits[:, 2], bits[:, 1] == bits[:, 3]
        number = bits.sum(axis=1)
        cut = np.hypot(height, width) / 2
        table[number % 2 == 1] = cut
        table[(number == 2) & across_y[0] & across_y[1]] = width
        table[(number == 2) & across_x[0] & across_x[1]] = height
        table[(number == 2) & (bits[:, 0] == bits[:, 3])] = 2 * cut
        return table / volume
    from skimage import measure

    mesh: Any = measure  # has no types
    for kind in range(1, 255):
        cube = bits[kind].reshape(2, 2, 2).astype(np.float32)
        vertices, triangles, *_ = mesh.marching_cubes(cube, 0.5, spacing=edges)
        table[kind] = mesh.mesh_surface_area(vertices, triangles)
    return table / volume


SURFACES: dict[str, Callable[[Edges], Floats]] = {
    "crofton": crofton_surface,
    "axes": axes_surface,
    "faces": faces_surface,
    "mesh": mesh_surface,
}


@lru_cache
def mean_breadth(edges: Edges) -> Floats:
    """Return the mean breadth per volume of a 3-D phase, its mean curvature over 2π.

    The mean breadth is the Euler number of plane sections, integrated along their normal and
    averaged over all normals. In a section both digital adjacencies give answers that differ where
    voxels meet at corners only; their mean is taken, which makes the breadth of one phase that of
    the other with a minus.
    """
    normals = directions(3)
    reciprocal = np.array(normals) / edges  # planes m . x = 0, 1, 2 ... are 1 / |m / a| apart
    spacings = 1 / np.linalg.norm(reciprocal, axis=1)
    weights = voronoi_shares(reciprocal)
    sections = sum(
        w * d * _section_euler(m) for w, d, m in zip(weights, spacings, normals, strict=True)
    )
    return np.asarray(sections / np.prod(edges))


@lru_cache
def euler(ndim: int, connectivity: str) -> npt.NDArray[np.int64]:
    """Return 2^ndim times the Euler number, an integer.

    "face": voxel centres are vertices, joined where voxels share a face (2-D: 4, 3-D: 6
    neighbours). "corner": voxels are closed squares or cubes, joined where they share anything (8,
    26 neighbours).
    """
    bits = occupied(ndim)
    table = np.zeros(len(bits), dtype=np.int64)
    for low, high in _cells(ndim):
        held = [i for i, c in enumerate(corners(ndim)) if _between(low, c, high)]
        free = sum(b - a for a, b in zip(low, high, strict=True))  # dimension of this cell
        if connectivity == "face":
            # A cell of that dimension is shared by 2^(ndim - dimension) neighbourhoods.
            table += (-1) ** free * 2**free * bits[:, held].all(axis=1)
        else:
            # Its dual, which any of its voxels has, has dimension ndim - free.
            table += (-1) ** (ndim - free) * 2**free * bits[:, held].any(axis=1)
    return table


def voronoi_shares(vectors: npt.NDArray[np.float64]) -> Floats:
    """Return which share of all directions is nearest to each of these or its opposite.

    Parameters
    ----------
    vectors : ndarray of float64, shape (n, ndim)
        Of any length; of opposite ones only one.

    Returns
    -------
    ndarray of float64, shape (n,)
        Sums to 1.
    """
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    if units.shape[1] == 2:
        angles = np.arctan2(units[:, 0], units[:, 1]) % np.pi
        order = np.argsort(angles)
        gaps = np.diff(angles[order], append=angles[order[0]] + np.pi)  # to the next one
        shares = np.empty(len(units))
        shares[order] = (gaps + np.roll(gaps, 1)) / (2 * np.pi)
        return shares
    from scipy.spatial import SphericalVoronoi

    areas = SphericalVoronoi(np.concatenate([units, -units])).calculate_areas()
    return np.asarray(areas.reshape(2, -1).sum(axis=0) / (4 * np.pi))


def _meetings_along_axes(edges: Edges) -> list[Floats]:
    ndim = len(edges)
    return [differing(ndim, s) / a for s, a in zip(axis_steps(ndim), edges, strict=True)]


def _section_euler(normal: Corner) -> Floats:
    """Return the Euler number of sections across a normal, per voxel of the section."""
    heights = np.array(corners(3)) @ normal
    table = np.zeros(256)
    squares = [np.flatnonzero(heights == t) for t in set(heights) if (heights == t).sum() == 4]
    triangles = [np.flatnonzero(heights == t) for t in set(heights) if (heights == t).sum() == 3]
    for square in squares:
        number = occupied(3)[:, square].sum(axis=1)
        # Opposite faces of a neighbourhood are also those of its neighbours: half of each.
        table += ((number == 1) * 1.0 - (number == 3)) / 4 / len(squares)
    for triangle in triangles:
        number = occupied(3)[:, triangle].sum(axis=1)
        table += ((number == 1) * 1.0 - (number == 2)) / 6
    return table


def _cells(ndim: int) -> list[tuple[Corner, Corner]]:
    """Return vertices, edges, faces and the cube itself by their lowest and highest corner."""
    pairs = itertools.product(corners(ndim), repeat=2)
    return [(a, b) for a, b in pairs if all(x <= y for x, y in zip(a, b, strict=True))]


def _between(low: Corner, corner: Corner, high: Corner) -> bool:
    return all(a <= c <= b for a, c, b in zip(low, corner, high, strict=True))
