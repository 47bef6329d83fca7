"""Clusters and their two-point function by definition: a flood, and a plain loop over lags."""

from itertools import product

import numpy as np


def clusters(mask, differ, periodic):
    """Number of each voxel's cluster; and along which axes each cluster percolates.

    A flood walks on where it leaves a periodic structure. Where it meets a voxel that it has been
    to from another side, the cluster winds around.
    """
    image, percolates = np.zeros(mask.shape, int), []
    steps = [s for s in product((-1, 0, 1), repeat=mask.ndim) if 0 < np.abs(s).sum() <= differ]
    for start in map(tuple, np.argwhere(mask).tolist()):
        if image[start]:
            continue
        reached, queue, winds = {start: start}, [start], np.zeros(mask.ndim, bool)
        while queue:
            here = queue.pop()
            for step in steps:
                there = tuple(map(sum, zip(here, step, strict=True)))
                voxel = tuple(np.mod(there, mask.shape).tolist())
                if not mask[voxel] or (voxel != there and not periodic):
                    continue
                if voxel in reached:
                    winds |= np.not_equal(there, reached[voxel])
                else:
                    reached[voxel] = there
                    queue.append(there)
        voxels = np.array(list(reached))
        image[tuple(voxels.T)] = len(percolates) + 1
        touches = (voxels.min(axis=0) == 0) & (voxels.max(axis=0) == np.array(mask.shape) - 1)
        percolates.append(winds if periodic else touches)
    return image, np.array(percolates, bool).reshape(-1, mask.ndim)


def pairs(image, vector, max_lag, periodic, inside=None):
    """Hits and trials of C2 at lag 0 .. max_lag along a step; `inside` is a mask."""
    inside = np.ones(image.shape, bool) if inside is None else inside
    image = np.where(inside, image, 0)
    hits, trials = [], []
    for lag in range(max_lag + 1):
        fits = all(lag < n for n, e in zip(image.shape, vector, strict=True) if e)
        (a, b), (p, q) = (shifted(array, vector, lag, periodic) for array in (image, inside))
        hits.append(int(((a == b) & (a > 0)).sum()) if fits else 0)
        trials.append(int((p & q).sum()) if fits else 0)
    return hits, trials


def shifted(array, vector, lag, periodic):
    """The array at x, and at x + lag * vector."""
    if periodic:
        return array, np.roll(array, [-lag * e for e in vector], range(array.ndim))
    first, second = [], []
    for n, e in zip(array.shape, vector, strict=True):
        low, high = slice(0, max(n - lag, 0)), slice(min(lag, n), n)
        first.append(low if e > 0 else high if e < 0 else slice(None))
        second.append(high if e > 0 else low if e < 0 else slice(None))
    return array[tuple(first)], array[tuple(second)]
