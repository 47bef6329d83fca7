"""Clusters of media whose connections are known on paper."""

import numpy as np
import pytest

import microtwin as mt
from microtwin.images import synthetic


@pytest.mark.parametrize("periodic", [False, True])
def test_stripes_are_each_a_cluster(periodic):
    labels = np.tile(np.repeat([0, 1], 3), (10, 4))
    c2 = mt.cluster_function(labels, phase=1, max_lag=9, periodic=periodic)
    stripes, width, height = 4, 3, 10
    across = stripes * height * np.maximum(width - np.arange(10), 0)
    assert c2.hits[1].tolist() == across.tolist()
    along = stripes * width * (height - (0 if periodic else np.arange(10)))
    assert np.array_equal(c2.hits[0], np.broadcast_to(along, 10))
    found = mt.connectivity(labels, phase=1, periodic=periodic)
    assert (found.sizes.tolist(), found.counts.tolist()) == ([30], [4])
    assert found.percolating_fraction.tolist() == [1.0, 0.0]
    assert found.numbers["mean_cluster_size"] == 30.0


@pytest.mark.parametrize("ndim", [2, 3])
def test_voxels_of_a_checkerboard_are_alone_by_faces_and_together_by_edges(ndim):
    labels = synthetic.checkerboard((8,) * ndim, cell=1)
    options = {"phase": 1, "max_lag": 4, "periodic": True}
    alone = mt.cluster_function(labels, **options)
    assert np.array_equal(alone.mean, [0.5, 0, 0, 0, 0])
    assert mt.connectivity(labels, phase=1).count == 8**ndim // 2
    for connectivity in ("edge", "corner"):
        together = mt.cluster_function(labels, connectivity=connectivity, **options)
        assert np.array_equal(together.hits, mt.two_point(labels, **options).hits)
        found = mt.connectivity(labels, phase=1, connectivity=connectivity, periodic=True)
        assert found.count == 1
        assert np.all(found.percolating_fraction == 1.0)


def test_in_one_dimension_the_cluster_function_is_the_lineal_path():
    line = synthetic.bernoulli((1, 20000), fraction=0.8, seed=1)
    options = {"phase": 1, "max_lag": 30, "axes": 1}
    assert np.array_equal(
        mt.cluster_function(line, **options).hits, mt.lineal_path(line, **options).hits
    )


def test_mean_cluster_size_in_one_dimension_is_one_plus_p_over_one_minus_p():
    p = 0.7
    lines = [synthetic.bernoulli((1, 20000), fraction=p, seed=seed) for seed in range(20)]
    found = sum((mt.connectivity(line, phase=1) for line in lines[1:]),
                mt.connectivity(lines[0], phase=1))  # fmt: skip
    error = found.spread["mean_cluster_size"] / np.sqrt(20)
    assert abs(found.numbers["mean_cluster_size"] - (1 + p) / (1 - p)) < 4.5 * error
    error = found.spread["clusters"] / np.sqrt(20)
    assert abs(found.numbers["clusters"] - 20000 * p * (1 - p)) < 4.5 * error + 1


# Thresholds of site percolation: 0.5927 on the square lattice by faces and its complement 0.4073
# with the diagonals, 0.3116 on the cubic lattice. (Stauffer and Aharony, table 1.)
@pytest.mark.parametrize(
    ("shape", "connectivity", "threshold"),
    [((300, 300), "face", 0.5927), ((300, 300), "corner", 0.4073), ((60, 60, 60), "face", 0.3116)],
)
@pytest.mark.parametrize("periodic", [False, True])
def test_random_voxels_percolate_above_their_threshold_and_not_below(
    shape, connectivity, threshold, periodic
):
    options = {"phase": 1, "connectivity": connectivity, "periodic": periodic}
    below = synthetic.bernoulli(shape, fraction=threshold - 0.08, seed=3)
    above = synthetic.bernoulli(shape, fraction=threshold + 0.08, seed=3)
    assert np.all(mt.connectivity(below, **options).percolating == 0)
    found = mt.connectivity(above, **options)
    assert np.all(found.percolating == found.largest)
    assert found.largest_fraction > 0.8


def test_far_above_the_threshold_the_cluster_function_is_the_two_point_function():
    # Overlapping discs percolate from a covered area of 0.676 on, and are islands far below.
    options = {"phase": 1, "max_lag": 60, "periodic": True}
    dense = synthetic.overlapping_spheres((300, 300), radius=5, porosity=0.1, seed=2)
    s2, c2 = mt.two_point(dense, **options), mt.cluster_function(dense, **options)
    assert np.all(c2.hits <= s2.hits)
    assert np.all(c2.mean > 0.98 * s2.mean)
    dilute = synthetic.overlapping_spheres((300, 300), radius=5, porosity=0.8, seed=2)
    s2, c2 = mt.two_point(dilute, **options), mt.cluster_function(dilute, **options)
    assert np.array_equal(c2.hits[:, 0], s2.hits[:, 0])
    assert c2.mean[60] == 0.0
    assert s2.mean[60] == pytest.approx(s2.mean[0] ** 2, rel=0.3)


def helix(turns, height):
    """Voxels that go around the axis of z while they rise, each sharing a face with the next."""
    ring = [(0, x) for x in range(4)] + [(y, 3) for y in range(1, 4)]
    ring += [(3, x) for x in (2, 1, 0)] + [(y, 0) for y in (2, 1)]
    labels = np.zeros((turns * height, 6, 6), np.uint8)
    for z in range(len(labels)):
        begin, end = (len(ring) * k // height for k in (z % height, z % height + 1))
        for k in range(begin, end + 1):
            y, x = ring[k % len(ring)]
            labels[z, y + 1, x + 1] = 1
    return labels


def test_a_helix_winds_around_its_own_axis_only():
    labels = helix(turns=2, height=12)
    found = mt.connectivity(labels, phase=1, periodic=True)
    assert found.count == 1
    assert found.percolating_fraction.tolist() == [1.0, 0.0, 0.0]
    # Moved across the faces it is the same; there it touches the faces of all axes.
    moved = np.roll(labels, (5, 3, 3), (0, 1, 2))
    assert all(moved.take(side, axis).any() for axis in range(3) for side in (0, -1))
    found = mt.connectivity(moved, phase=1, periodic=True)
    assert found.count == 1
    assert found.percolating_fraction.tolist() == [1.0, 0.0, 0.0]


def test_a_ball_across_the_corner_touches_all_faces_and_winds_around_none():
    ball = np.sum((np.indices((12, 12, 12)) - 5.5) ** 2, axis=0) < 9
    across = np.roll(ball, 6, (0, 1, 2))
    found = mt.connectivity(across, phase=1, periodic=True)
    assert found.count == 1
    assert found.percolating.tolist() == [0, 0, 0]
    assert mt.connectivity(across, phase=1).count == 8


def test_a_closed_way_around_both_axes_percolates_along_both():
    n = 12
    # A staircase that gains n voxels in y and 2 n in x before it closes.
    labels = np.zeros((n, n), np.uint8)
    for k in range(n):
        labels[k, [2 * k % n, (2 * k + 1) % n, (2 * k + 2) % n]] = 1
    found = mt.connectivity(labels, phase=1, periodic=True)
    assert found.percolating_fraction.tolist() == [1.0, 1.0]
    # Cut anywhere it winds around nothing.
    cut = labels.copy()
    cut[5, :] = 0
    cut[:, 3] = 0
    assert mt.connectivity(cut, phase=1, periodic=True).percolating.tolist() == [0, 0]


def test_a_whole_phase_is_one_cluster_that_winds_around_every_axis():
    for shape in [(1, 1), (1, 5), (3, 1, 2), (4, 5, 6)]:
        for connectivity in ("face", "edge", "corner"):
            for periodic in (False, True):
                found = mt.connectivity(
                    np.ones(shape), phase=1, connectivity=connectivity, periodic=periodic
                )
                assert found.sizes.tolist() == [np.prod(shape)]
                assert np.all(found.percolating_fraction == 1.0)
