"""Correlations at every displacement, pair by pair."""

import itertools

import numpy as np


def pair_sums(first, second, reach, periodic):
    """Sum of first(x) second(x + r) over the x that have both, for every |r_k| <= reach_k."""
    result = np.zeros([2 * m + 1 for m in reach], np.result_type(first, second, np.int64))
    for r in itertools.product(*[range(-m, m + 1) for m in reach]):
        if periodic:
            here, there = first, np.roll(second, [-one for one in r], range(second.ndim))
        else:
            sides = list(zip(r, first.shape, strict=True))
            here = first[tuple(slice(max(0, -one), n - max(0, one)) for one, n in sides)]
            there = second[tuple(slice(max(0, one), n - max(0, -one)) for one, n in sides)]
        result[tuple(one + m for one, m in zip(r, reach, strict=True))] = (here * there).sum()
    return result


def two_point_map(labels, phase, partner, reach, periodic, mask=None):
    """Hits and trials at every displacement."""
    inside = np.ones(labels.shape, bool) if mask is None else mask
    first, second = (inside & (labels == p) for p in (phase, partner))
    return (
        pair_sums(first.astype(int), second.astype(int), reach, periodic),
        pair_sums(inside.astype(int), inside.astype(int), reach, periodic),
    )


def radial(counts, reach, shells):
    """Sum counts over the displacements whose length rounds to each shell."""
    lags = np.meshgrid(*[np.arange(-m, m + 1) for m in reach], indexing="ij")
    length = np.rint(np.sqrt(sum(lag**2 for lag in lags)))
    return [int(counts[length == shell].sum()) for shell in range(shells)]
