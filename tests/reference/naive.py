"""Definitions as code: slow, and short enough to be checked by eye."""

import numpy as np

from reference import naive_clusters


def shifted(array, step, lag, periodic):
    """Pairs of voxels at a lag: the array at x, and at x + lag step, for every x that has both."""
    if periodic:
        return array, np.roll(array, [-lag * one for one in step], range(array.ndim))
    first, last = [], []
    for one, n in zip(step, array.shape, strict=True):
        ahead, back = slice(min(lag, n), n), slice(0, max(n - lag, 0))
        first.append(slice(None) if one == 0 else back if one > 0 else ahead)
        last.append(slice(None) if one == 0 else ahead if one > 0 else back)
    return array[tuple(first)], array[tuple(last)]


def counted(labels, step, max_lag, periodic, mask, event):
    """Hits and trials at lag 0 .. max_lag, where event(lag) says at which x there is a hit."""
    inside = np.ones(labels.shape, bool) if mask is None else mask
    bound = min(n for n, one in zip(labels.shape, step, strict=True) if one)
    hits, trials = [], []
    for lag in range(max_lag + 1):
        hit, trial = event(inside, lag) if lag < bound else (np.zeros(0), np.zeros(0))
        hits.append(int(hit.sum()))
        trials.append(int(trial.sum()))
    return hits, trials


def all_along(mask, step, lag, periodic):
    """Where lag + 1 voxels from x on are all in the mask."""
    result = shifted(mask, step, lag, periodic)[0].copy()
    for k in range(1, lag + 1):
        # Of the pairs at lag k, those whose x has a pair at the full lag too.
        ahead = shifted(mask, step, k, periodic)[1]
        corner = tuple(
            slice(0, n) if one >= 0 else slice(have - n, have)
            for one, n, have in zip(step, result.shape, ahead.shape, strict=True)
        )
        result &= ahead[corner]
    return result


def two_point(labels, phase, step, max_lag, periodic, mask=None, partner=None):
    """Pairs with one phase at x and the partner at the other end."""
    first, second = labels == phase, labels == (phase if partner is None else partner)

    def event(inside, lag):
        trial = np.logical_and(*shifted(inside, step, lag, periodic))
        return trial & shifted(first, step, lag, periodic)[0] & shifted(
            second, step, lag, periodic
        )[1], trial  # fmt: skip

    return counted(labels, step, max_lag, periodic, mask, event)


def lineal_path(labels, phase, step, max_lag, periodic, mask=None):
    """Segments of lag + 1 voxels within the phase."""

    def event(inside, lag):
        trial = all_along(inside, step, lag, periodic)
        return trial & all_along(labels == phase, step, lag, periodic), trial

    return counted(labels, step, max_lag, periodic, mask, event)


def chord_length(labels, phase, step, max_lag, periodic, mask=None):
    """Chords of exactly `lag` voxels, of all places of lag + 2 voxels inside."""
    inside = np.ones(labels.shape, bool) if mask is None else mask
    bound = min(n for n, one in zip(labels.shape, step, strict=True) if one)
    if periodic and mask is not None:
        bound -= 1  # a walk of n + 1 voxels of n is inside the mask only as a ring: not counted
    mine = labels == phase
    hits, trials = [0] * (max_lag + 1), [0] * (max_lag + 1)
    for length in range(min(max_lag, bound - 1) + 1):
        places = list(walks(inside.shape, step, length + 2, periodic))
        for walk in places:
            if not all(inside[x] for x in walk):
                continue
            trials[length] += 1
            chord = [bool(mine[x]) for x in walk] == [False] + [True] * length + [False]
            hits[length] += length > 0 and chord
    return hits, trials


def walks(shape, step, steps, periodic):
    """Every straight walk of so many voxels along a step."""
    for start in np.ndindex(*shape):
        walk = [
            tuple(a + k * one for a, one in zip(start, step, strict=True)) for k in range(steps)
        ]
        if periodic:
            walk = [tuple(a % n for a, n in zip(x, shape, strict=True)) for x in walk]
        if all(0 <= a < n for x in walk for a, n in zip(x, shape, strict=True)):
            yield walk


def along(axis, ndim):
    """The step along an axis."""
    return [int(k == axis) for k in range(ndim)]


def row(labels, phase, origin, lags, periodic):
    """Pairs of phase voxels at displacements origin + lag along the last axis, from lag 1."""
    mine, inside = labels == phase, np.ones(labels.shape, bool)
    hits, trials = [0], [0]
    for lag in range(1, lags + 1):
        by = (*origin[:-1], origin[-1] + lag)
        there = np.roll(mine, [-one for one in by], range(labels.ndim))
        known = inside.copy()
        for axis, one in enumerate(by):
            index = np.arange(labels.shape[axis]) + one
            fits = (index >= 0) & (index < labels.shape[axis]) | periodic
            known &= fits.reshape([-1 if axis == k else 1 for k in range(labels.ndim)])
        hits.append(int((mine & there & known).sum()))
        trials.append(int(known.sum()))
    return hits, trials


def radial(labels, phase, lags, periodic):
    """Pairs of phase voxels at all displacements whose length rounds to a lag."""
    ndim, sides = labels.ndim, np.array(labels.shape)
    mine = np.argwhere(labels == phase)
    between = (mine[None] - mine[:, None]).reshape(-1, ndim)
    grid = [range(-min(lags, n - 1), min(lags, n - 1) + 1) for n in sides]
    by = np.stack(np.meshgrid(*grid, indexing="ij"), axis=-1).reshape(-1, ndim)
    lag = np.floor(np.linalg.norm(by, axis=1) + 0.5).astype(int)
    trials = np.where(periodic, labels.size, np.prod(sides - abs(by), axis=1))
    box = sides if periodic else 2 * sides - 1
    pairs = np.zeros(box, int)  # by displacement, the negative ones from the end
    np.add.at(pairs, tuple((between % box).T), 1)
    hits = pairs[tuple((by % box).T)]
    sums = [np.bincount(lag, counts, lags + 1)[: lags + 1].astype(int) for counts in (hits, trials)]
    return [0, *sums[0][1:].tolist()], [0, *sums[1][1:].tolist()]


def surface(labels, target, periodic):
    """Faces of the interface at one end of a lag and the phase at the other, or at both."""
    statistic, phase, step, _, values, _ = target
    mine = labels == phase
    faces = np.zeros(labels.shape, int)
    for axis, n in enumerate(labels.shape):
        for shift in (-1, 1):
            faces += (np.roll(mine, shift, axis) != mine) & (n > 1)
    if not periodic:  # only voxels whose neighbours are all inside
        inner = tuple(slice(1, -1) if n > 1 else slice(None) for n in labels.shape)
        mine, faces = mine[inner], faces[inner]
    hits, trials = [0], [0]
    for lag in range(1, len(values) + 1):
        here, there = shifted(faces, step, lag, periodic)
        first, last = shifted(mine.astype(int), step, lag, periodic)
        both = statistic == "surface_surface"
        hits.append(int((here * there).sum() if both else (here * last + first * there).sum()))
        trials.append(4 * here.size)
    return hits, trials


def target_counts(labels, target, periodic):
    """Hits and trials, from lag 0, of what a target of annealing is about."""
    statistic, phase, step, origin, values, _ = target
    if origin:
        return row(labels, phase, origin, len(values), periodic)
    if statistic == "radial":
        return radial(labels, phase, len(values), periodic)
    if statistic.startswith("surface"):
        return surface(labels, target, periodic)
    if statistic == "cluster":
        image, _ = naive_clusters.clusters(labels == phase, 1, periodic)
        return naive_clusters.pairs(image, step, len(values), periodic)
    count = {"two_point": two_point, "lineal_path": lineal_path, "chord_length": chord_length}
    return count[statistic](labels, phase, step, len(values), periodic)


def energy(labels, curves, periodic):
    """Total weighted squared error of the targets of annealing."""
    total = 0.0
    for target in curves:
        hits, trials = (np.array(counts[1:]) for counts in target_counts(labels, target, periodic))
        known = trials > 0
        errors = hits[known] / trials[known] - np.array(target[4])[known]
        total += float(np.sum(np.array(target[5])[known] * errors**2))
    return total


def nearest_window(patch, images, *, symmetries):
    """Return the least normalised distance of a patch to a window, and its unlike pixels."""
    turns = [np.rot90(p, k) for p in (patch, np.fliplr(patch)) for k in range(4)]
    best = (np.inf, np.inf)
    size = len(patch)
    for image in images:
        for y in range(image.shape[0] - size + 1):
            for x in range(image.shape[1] - size + 1):
                window = image[y : y + size, x : x + size]
                p, q = patch.mean(), window.mean()
                for turn in turns if symmetries else turns[:1]:
                    unlike = np.mean(turn != window)
                    best = min(best, (unlike / (p + q - 2 * p * q), unlike))
    return best
