"""Distances, balls and neighbourhoods as their definitions say: slow."""

import itertools

import numpy as np


def squared_distances(targets, periodic):
    """Squared distance of every voxel to the nearest of the true voxels of `targets`."""
    shape = np.array(targets.shape)
    here, there = np.argwhere(np.ones(shape, bool)), np.argwhere(targets)
    steps = np.abs(here[:, None] - there[None])
    if periodic:
        steps = np.minimum(steps, shape - steps)
    return (steps**2).sum(axis=-1).min(axis=1, initial=2**40).reshape(targets.shape)


def squared_to_unknown(known, periodic):
    """Squared distance to the nearest voxel outside the mask or, if not periodic, the image."""
    if periodic:
        return squared_distances(~known, True)
    padded = np.pad(known, 1)
    return squared_distances(~padded, False)[(slice(1, -1),) * known.ndim]


def pore_size(labels, phase, max_radius, periodic, known):
    """Hits and trials at δ = 0, 1/2, ... max_radius."""
    squared = squared_distances((labels != phase) & known, periodic)
    unknown = squared_to_unknown(known, periodic)
    inside = (labels == phase) & known
    hits, trials = [], []
    for delta in np.arange(0, max_radius + 0.25, 0.5):
        judged = inside & (np.sqrt(unknown) - 0.5 > delta)
        hits.append(int((judged & (np.sqrt(squared) - 0.5 > delta)).sum()))
        trials.append(int(judged.sum()))
    return hits, trials


def opening(free, radius, periodic):
    """Voxels in open balls of a radius that lie in `free` (beyond the faces everything is)."""
    fits = squared_distances(~free, periodic) >= radius**2
    return squared_distances(fits, periodic) < radius**2


def local_thickness(labels, phase, max_radius, periodic, known):
    """Hits and trials at R = 0, 1, ... max_radius; any radius up to 1 is that of one voxel."""
    inside = (labels == phase) & known
    unknown = squared_to_unknown(known, periodic)
    hits, trials = [], []
    for radius in range(max_radius + 1):
        judged = inside & (unknown >= (2 * radius) ** 2)
        covered = opening((labels == phase) | ~known, max(radius, 1), periodic)
        hits.append(int((judged & covered).sum()))
        trials.append(int(judged.sum()))
    return hits, trials


def configurations(labels, known, phase, periodic):
    """Count the neighbourhoods of 2 x 2 (x 2) voxels: bit dx + 2 dy + 4 dz is that corner's."""
    kinds = np.zeros(labels.shape, int)
    counted = np.ones(labels.shape, bool)
    for bit, corner in enumerate(itertools.product((0, 1), repeat=labels.ndim)):
        back = tuple(-c for c in corner)
        kinds += (np.roll(labels, back, range(labels.ndim)) == phase).astype(int) << bit
        counted &= np.roll(known, back, range(labels.ndim))
    if not periodic:
        kinds = kinds[(slice(-1),) * labels.ndim]
        counted = counted[(slice(-1),) * labels.ndim]
    return np.bincount(kinds[counted], minlength=2**2**labels.ndim)
