"""What is asked of microtwin and its peers alike, each as its definition in plain NumPy.

`inside` is True where the phase is, `reach` the largest lag in voxels. Slow: for small arrays only.
"""

import itertools

import numpy as np


def two_point(inside, reach, *, periodic=True):
    """S2 along each axis, shape (axes, reach + 1)."""
    return _along_axes(inside, reach, periodic, lambda first, second, _: first & second)


def two_point_inside(inside, reach):
    """S2 along each axis from the pairs that lie inside."""
    return two_point(inside, reach, periodic=False)


def lineal_path(inside, reach):
    """L along each axis, periodic, shape (axes, reach + 1)."""
    return _along_axes(inside, reach, True, lambda _, second, before: before & second)


def two_point_map(inside, reach):
    """Periodic S2 for lags 0 .. reach along every axis at once, shape (reach + 1,) * ndim."""
    axes = tuple(range(inside.ndim))
    lags = itertools.product(range(reach + 1), repeat=inside.ndim)
    pairs = [np.mean(inside & np.roll(inside, [-lag for lag in vector], axes)) for vector in lags]
    return np.reshape(pairs, (reach + 1,) * inside.ndim)


def two_point_shells(inside, reach):
    """Mean of S2(r), from pairs inside, over the vectors with k <= |r| < k + 1; k < reach."""
    shells = [[] for _ in range(reach)]
    for vector in itertools.product(*(range(1 - side, side) for side in inside.shape)):
        shell = int(np.sqrt(np.dot(vector, vector)))
        if shell < reach:
            first = inside[tuple(slice(max(0, -lag), min(0, -lag) or None) for lag in vector)]
            second = inside[tuple(slice(max(0, lag), min(0, lag) or None) for lag in vector)]
            shells[shell].append(np.mean(first & second))
    return np.array([np.mean(shell) for shell in shells])


def chords(inside, reach, *, cut=False):
    """Chords of exactly 1 .. reach voxels along each axis; those cut by a face only if `cut`."""
    counts = np.zeros((inside.ndim, reach), np.int64)
    for axis in range(inside.ndim):
        for line in np.moveaxis(inside, axis, -1).reshape(-1, inside.shape[axis]):
            walled = np.concatenate([[False], line, [False]]).astype(np.int8)
            starts, stops = (np.flatnonzero(np.diff(walled) == sign) for sign in (1, -1))
            whole = cut | ((starts > 0) & (stops < line.size))
            lengths = (stops - starts)[whole]
            counts[axis] += np.bincount(lengths[lengths <= reach], minlength=reach + 1)[1:]
    return counts


def chord_shares_with_cut(inside, reach):
    """Share of the chords of each length, those cut by a face counted as if they were whole."""
    every = chords(inside, max(inside.shape), cut=True)
    return every[:, :reach] / every.sum(axis=1, keepdims=True)


def distances(inside, reach):
    """Share of the phase further than 0 .. reach voxels from the nearest voxel outside it."""
    outside = np.argwhere(~inside)
    nearest = np.array([np.min(((outside - p) ** 2).sum(axis=1)) for p in np.argwhere(inside)])
    return np.array([np.mean(nearest > lag**2) for lag in range(reach + 1)])


def volume_and_euler(inside, reach):
    """Voxels of the phase, and its Euler number with face neighbours connected."""
    euler = 0
    for block in itertools.product((0, 1), repeat=inside.ndim):
        full = inside
        for axis in np.flatnonzero(block):
            front, back = ([slice(None)] * inside.ndim for _ in range(2))
            front[axis], back[axis] = slice(None, -1), slice(1, None)
            full = full[tuple(front)] & full[tuple(back)]
        euler += (-1) ** sum(block) * int(full.sum())
    return np.array([inside.sum(), euler])


def cluster_count(inside, reach):
    """How many clusters of face neighbours there are, faces not joined."""
    left, count = {tuple(voxel) for voxel in np.argwhere(inside)}, 0
    while left:
        front, count = [left.pop()], count + 1
        while front:
            voxel = front.pop()
            for axis, step in itertools.product(range(inside.ndim), (-1, 1)):
                near = (*voxel[:axis], voxel[axis] + step, *voxel[axis + 1 :])
                if near in left:
                    left.remove(near)
                    front.append(near)
    return np.array([count])


def _along_axes(inside, reach, periodic, join):
    curves = np.empty((inside.ndim, reach + 1))
    for axis, side in enumerate(inside.shape):
        joined = inside
        for lag in range(reach + 1):
            joined = join(inside, np.roll(inside, -lag, axis), joined)
            trials = side if periodic else side - lag
            curves[axis, lag] = np.mean(np.moveaxis(joined, axis, 0)[:trials])
    return curves
