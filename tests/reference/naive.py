"""Definitions as code: slow, and short enough to be checked by eye."""

import numpy as np


def shifted(mask, axis, lag, periodic):
    """Pairs of voxels at a lag: the mask at x, and at x + lag along the axis."""
    if periodic:
        return mask, np.roll(mask, -lag, axis)
    n = mask.shape[axis]
    first, last = [slice(None)] * mask.ndim, [slice(None)] * mask.ndim
    first[axis], last[axis] = slice(0, max(n - lag, 0)), slice(min(lag, n), n)
    return mask[tuple(first)], mask[tuple(last)]


def two_point(labels, phase, axis, max_lag, periodic):
    """Hits and trials at lag 0 .. max_lag."""
    mask = labels == phase
    hits, trials = [], []
    for lag in range(max_lag + 1):
        a, b = shifted(mask, axis, lag, periodic)
        fits = lag < mask.shape[axis]
        hits.append(int((a & b).sum()) if fits else 0)
        trials.append(a.size if fits else 0)
    return hits, trials


def lineal_path(labels, phase, axis, max_lag, periodic):
    """Hits and trials at lag 0 .. max_lag."""
    mask = labels == phase
    hits, trials = [], []
    for lag in range(max_lag + 1):
        a, _ = shifted(mask, axis, lag, periodic)
        fits = lag < mask.shape[axis]
        inside = np.ones_like(a)
        for step in range(lag + 1 if fits else 0):
            ahead = shifted(mask, axis, step, periodic)[1]
            start = [slice(None)] * mask.ndim
            start[axis] = slice(0, a.shape[axis])
            inside &= ahead[tuple(start)]
        hits.append(int(inside.sum()) if fits else 0)
        trials.append(a.size if fits else 0)
    return hits, trials


def energy(labels, curves, periodic):
    """Total weighted squared error of target curves (statistic, phase, axis, values, weights)."""
    count = {"two_point": two_point, "lineal_path": lineal_path}
    total = 0.0
    for statistic, phase, axis, values, weights in curves:
        hits, trials = count[statistic](labels, phase, axis, len(values), periodic)
        errors = np.array(hits[1:]) / np.array(trials[1:]) - np.array(values)
        total += float(np.sum(np.array(weights) * errors**2))
    return total
