"""Greedy exchange of voxels with a Fourier transform of the whole structure after each: S2 alone.

What one writes first in NumPy, and the least that any bookkeeping of changes has to beat.
"""

import time

import numpy as np


def anneal(start, target, energy, budget, seed):
    """Return labels, energy, seconds, proposals; `target` is S2 at lags 1 and on, a row an axis."""
    random = np.random.default_rng(seed)
    labels = start.astype(np.float64)
    flat = labels.reshape(-1)
    sites = [np.flatnonzero(flat == phase) for phase in (0, 1)]
    proposals = 0
    begun = time.perf_counter()
    left = _energy(labels, target)
    while left > energy and time.perf_counter() - begun < budget:
        i, j = (random.integers(which.size) for which in sites)
        p, q = sites[0][i], sites[1][j]
        flat[p], flat[q] = 1.0, 0.0
        after = _energy(labels, target)
        proposals += 1
        if after <= left:
            left = after
            sites[0][i], sites[1][j] = q, p
        else:
            flat[p], flat[q] = 0.0, 1.0
    return labels.astype(np.uint8), left, time.perf_counter() - begun, proposals


def _energy(labels, target):
    spectrum = np.fft.rfftn(labels)
    counts = np.fft.irfftn(spectrum.real**2 + spectrum.imag**2, s=labels.shape)
    total = 0.0
    for axis, values in enumerate(target):
        line = [0] * labels.ndim
        line[axis] = slice(1, values.size + 1)
        total += np.sum((counts[tuple(line)] / labels.size - values) ** 2)
    return float(total)
