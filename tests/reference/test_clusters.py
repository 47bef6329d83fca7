"""Clusters and the cluster function against their definitions, to the last integer."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

import microtwin as mt
from reference import naive_clusters

DIFFER = {"face": 1, "edge": 2, "corner": 3}


@st.composite
def structures(draw):
    shape = draw(
        st.one_of(
            hnp.array_shapes(min_dims=2, max_dims=2, max_side=18),
            hnp.array_shapes(min_dims=3, max_dims=3, max_side=7),
        )
    )
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    # Around the thresholds of percolation, in two and three dimensions.
    return (random.random(shape) < draw(st.sampled_from([0.15, 0.35, 0.6, 0.9]))).astype(np.uint8)


def masks(draw, shape):
    if draw(st.booleans()):
        return None
    return np.random.default_rng(draw(st.integers(0, 2**32 - 1))).random(shape) < 0.8


@given(structures(), st.sampled_from(sorted(DIFFER)), st.booleans(), st.data())
def test_clusters_are_those_of_a_flood(labels, connectivity, periodic, data):
    mask = masks(data.draw, labels.shape)
    inside = (labels == 1) & (True if mask is None else mask)
    image, percolates = naive_clusters.clusters(inside, DIFFER[connectivity], periodic)
    options = {"phase": 1, "connectivity": connectivity, "periodic": periodic, "mask": mask}
    assert np.array_equal(mt.clusters(labels, **options), image)

    found = mt.connectivity(labels, **options)
    sizes = np.bincount(image.ravel())[1:]
    assert np.repeat(found.sizes, found.counts).tolist() == sorted(sizes)
    assert found.largest.tolist() == [max(sizes, default=0)]
    assert found.percolating.tolist() == (sizes[:, None] * percolates).sum(axis=0).tolist()
    assert found.voxels == inside.sum()
    assert found.count == len(sizes)


@pytest.mark.parametrize("directions", ["axes", "face_diagonals", "body_diagonals"])
@given(structures(), st.sampled_from(sorted(DIFFER)), st.booleans(), st.data())
def test_the_cluster_function_is_that_of_the_definition(
    directions, labels, connectivity, periodic, data
):
    if directions == "body_diagonals" and labels.ndim == 2:
        directions = "face_diagonals"
    mask = masks(data.draw, labels.shape)
    inside = (labels == 1) & (True if mask is None else mask)
    image, _ = naive_clusters.clusters(inside, DIFFER[connectivity], periodic)
    sides = sorted(labels.shape)
    longest = {"axes": -1, "face_diagonals": -2, "body_diagonals": -3}[directions]
    max_lag = data.draw(st.integers(0, sides[longest] - 1))
    f = mt.cluster_function(
        labels, phase=1, max_lag=max_lag, directions=directions, connectivity=connectivity,
        periodic=periodic, mask=mask, threads=2,
    )  # fmt: skip
    for row, vector in enumerate(f.vectors):
        hits, trials = naive_clusters.pairs(image, vector, max_lag, periodic, mask)
        assert f.hits[row].tolist() == hits
        assert f.trials[row].tolist() == trials


# Sides around the 16 and 32 entries of a register and the 64 bits of a word; more than 2^16
# clusters, which no longer fit 16 bits.
@pytest.mark.parametrize("shape", [(1, 1), (1, 97), (97, 1), (33, 64), (31, 65), (5, 17, 33)])
@pytest.mark.parametrize("periodic", [False, True])
def test_counts_at_the_borders_of_registers(shape, periodic):
    random = np.random.default_rng(sum(shape))
    labels = (random.random(shape) < 0.55).astype(np.uint8)
    image, _ = naive_clusters.clusters(labels == 1, 1, periodic)
    assert np.array_equal(mt.clusters(labels, phase=1, periodic=periodic), image)
    for directions in ("axes", "face_diagonals"):
        max_lag = sorted(shape)[-1 if directions == "axes" else -2] - 1
        f = mt.cluster_function(
            labels, phase=1, max_lag=max_lag, directions=directions, periodic=periodic
        )
        for row, vector in enumerate(f.vectors):
            hits, trials = naive_clusters.pairs(image, vector, max_lag, periodic)
            assert (f.hits[row].tolist(), f.trials[row].tolist()) == (hits, trials)


@pytest.mark.parametrize("periodic", [False, True])
def test_clusters_too_many_for_16_bits_are_told_apart(periodic):
    labels = np.indices((512, 300)).sum(axis=0) % 2
    # 76800 voxels by themselves, and one stripe.
    labels[:, 150] = 1
    image = mt.clusters(labels, phase=1, periodic=periodic)
    assert image.max() > 2**16
    f = mt.cluster_function(labels, phase=1, max_lag=20, periodic=periodic)
    for row, vector in enumerate(f.vectors):
        assert f.hits[row].tolist() == naive_clusters.pairs(image, vector, 20, periodic)[0]


@pytest.mark.parametrize("shape", [(300, 301), (60, 61, 62)])
@pytest.mark.parametrize("connectivity", sorted(DIFFER))
def test_clusters_of_larger_structures_are_those_of_scipy(shape, connectivity):
    for seed, fraction in enumerate((0.2, 0.4, 0.6)):
        labels = np.random.default_rng(seed).random(shape) < fraction
        rank = min(DIFFER[connectivity], len(shape))
        expected, _ = ndimage.label(labels, ndimage.generate_binary_structure(len(shape), rank))
        assert np.array_equal(mt.clusters(labels, phase=1, connectivity=connectivity), expected)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["berea400/berea_400_uint8.npz", "superres_electrodes/superres.npz"]
)
def test_clusters_of_real_volumes_are_those_of_scikit_image(shared_data, name):
    measure = pytest.importorskip("skimage.measure")
    if not (shared_data / name).is_file():
        pytest.skip(f"{name} is not here")
    with np.load(shared_data / name) as arrays:
        volumes = [np.asarray(arrays[key]) for key in arrays.files]
    volume = max((v for v in volumes if v.ndim == 3), key=lambda v: v.size)[:200, :200, :200]
    for phase in np.unique(volume)[:3].tolist():
        expected = measure.label(volume == phase, connectivity=1)
        found = mt.clusters(volume, phase=phase)
        pairs = np.unique(np.stack([found.ravel(), expected.ravel()]), axis=1)
        # The same clusters under any numbers: each number goes with exactly one other.
        assert len(np.unique(pairs[0])) == len(np.unique(pairs[1])) == pairs.shape[1]
