"""Conduction on voxels by definition: one balance a voxel, one sparse direct solution."""

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import spsolve


@dataclass(frozen=True)
class Solution:
    """What the naive solver finds."""

    percolates: bool
    effective: float
    flux: np.ndarray
    solved: int
    potential: np.ndarray


def solve(labels, conductivities, axis=0, boundary="face", periodic_sides=False):
    """Conduct through `labels` along an axis; `conductivities` maps every label to a number."""
    k = np.vectorize(conductivities.__getitem__, otypes=[float])(labels)
    n, size = k.shape[axis], k.size
    here, there, along, wraps = faces(k.shape, axis, boundary, periodic_sides)
    flat = k.ravel()
    product, total = flat[here] * flat[there], flat[here] + flat[there]
    g = np.divide(2 * product, total, out=np.zeros_like(product), where=total > 0)
    open_ = g > 0
    here, there, along, wraps, g = (a[open_] for a in (here, there, along, wraps, g))
    inside = percolating(k, axis, boundary, here, there, along, wraps)
    nothing = Solution(False, 0.0, np.zeros(k.ndim), 0, np.full(k.shape, np.nan))
    if not inside.any():
        return nothing
    used = inside[here]
    here, there, along, g = (a[used] for a in (here, there, along, g))

    # Balances: Σ g (u_here - u_there + drop) = 0, where `drop` is the mean gradient's share.
    drop = (along == axis).astype(float) if boundary == "periodic" else np.zeros(len(g))
    ends = np.concatenate([here, there])
    matrix = sparse.coo_array((np.concatenate([g, g]), (ends, ends)), (size, size)).tolil()
    matrix = matrix.tocsr() - sparse.coo_array(
        (np.concatenate([g, g]), (ends, np.concatenate([there, here]))), (size, size)
    )
    right = np.zeros(size)
    np.add.at(right, here, -g * drop)
    np.add.at(right, there, g * drop)
    plane = np.indices(k.shape)[axis].ravel()
    first, last = inside & (plane == 0), inside & (plane == n - 1)
    half = np.zeros(size)
    fixed = np.zeros(size, bool)
    value = np.zeros(size)
    if boundary == "face":
        half = 2 * flat * (first.astype(float) + last)
        right += 2 * flat * first
    elif boundary == "centre":
        fixed, value = first | last, first.astype(float)
    else:  # one voxel of each component is held, for potentials are known up to a constant
        fixed[roots(inside, here, there)] = True
    matrix = (matrix + sparse.diags_array(half)).tocsr()
    free = inside & ~fixed
    u = value
    if free.any():
        rows = matrix[free]
        u[free] = spsolve(rows[:, free].tocsc(), right[free] - rows[:, fixed] @ value[fixed])

    q = g * (u[here] - u[there] + drop)
    flux = np.array([q[along == b].sum() for b in range(k.ndim)])
    if boundary == "face":  # the two half faces count half each
        flux[axis] += (2 * flat * first * (1 - u)).sum() / 2 + (2 * flat * last * u).sum() / 2
    length = {"face": n, "centre": n - 1, "periodic": 1}[boundary]
    volume = size if boundary != "centre" else size // n * (n - 1)
    flux *= length / volume
    # By the energy, whose error is the square of the potential's.
    energy = (g * (u[here] - u[there] + drop) ** 2).sum()
    if boundary == "face":
        energy += (2 * flat * first * (1 - u) ** 2).sum() + (2 * flat * last * u**2).sum()
    effective = energy * length**2 / volume
    potential = np.where(inside, u, np.nan).reshape(k.shape)
    return Solution(True, float(effective), flux, int(inside.sum()), potential)


def faces(shape, axis, boundary, periodic_sides):
    """Voxels on both sides of every face, its axis, and whether it lies on the rim."""
    index = np.arange(np.prod(shape)).reshape(shape)
    found = []
    for b, n in enumerate(shape):
        there = np.roll(index, -1, b)
        rim = np.indices(shape)[b] == n - 1
        kept = np.ones(shape, bool)
        if boundary != "periodic" and (b == axis or not periodic_sides):
            kept = ~rim
        found.append((index[kept], there[kept], np.full(kept.sum(), b), rim[kept]))
    return [np.concatenate(part) for part in zip(*found, strict=True)]


def percolating(k, axis, boundary, here, there, along, wraps):
    """Which voxels hang together from inlet to outlet, or, periodic, wind around the axis."""
    conducts = k.ravel() > 0
    plane = np.indices(k.shape)[axis].ravel()
    if boundary != "periodic":
        number = components(k.size, here, there)
        both = np.intersect1d(
            number[conducts & (plane == 0)], number[conducts & (plane == k.shape[axis] - 1)]
        )
        return conducts & np.isin(number, both)
    # Many cells in a ring: a component winds if it leads from a voxel to an image of it. There are
    # more cells than a component can wind around the axis before it closes.
    cells = 2 * max(k.shape) + 1
    step = ((along == axis) & wraps).astype(int)
    lifted_here = np.concatenate([here + c * k.size for c in range(cells)])
    lifted_there = np.concatenate([there + (c + step) % cells * k.size for c in range(cells)])
    number = components(k.size * cells, lifted_here, lifted_there).reshape(cells, k.size)
    return conducts & (number[1:] == number[0]).any(axis=0)


def components(size, here, there):
    graph = sparse.coo_array((np.ones(len(here)), (here, there)), (size, size))
    return sparse.csgraph.connected_components(graph, directed=False)[1]


def roots(inside, here, there):
    number = components(inside.size, here, there)
    _, first = np.unique(number[inside], return_index=True)
    return np.flatnonzero(inside)[first]
