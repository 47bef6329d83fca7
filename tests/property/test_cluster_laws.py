"""Identities of clusters that hold for every structure."""

import json

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import microtwin as mt
from reference import naive_clusters

structures = st.builds(
    lambda shape, fraction, seed: (np.random.default_rng(seed).random(shape) < fraction).view("u1"),
    hnp.array_shapes(min_dims=2, max_dims=3, min_side=2, max_side=14),
    st.sampled_from([0.2, 0.4, 0.6, 0.8]),
    st.integers(0, 2**32 - 1),
)
connectivities = st.sampled_from(["face", "edge", "corner"])


@given(structures, connectivities, st.booleans())
def test_cluster_and_blocking_function_are_the_two_point_function(labels, connectivity, periodic):
    options = {"phase": 1, "periodic": periodic}
    c2 = mt.cluster_function(labels, connectivity=connectivity, **options)
    s2 = mt.two_point(labels, **options)
    image = mt.clusters(labels, phase=1, connectivity=connectivity, periodic=periodic)
    for row, vector in enumerate(c2.vectors):
        for lag in range(c2.max_lag + 1):
            a, b = naive_clusters.shifted(image, vector, lag, periodic)
            blocked = int(((a > 0) & (b > 0) & (a != b)).sum())
            assert c2.hits[row, lag] + blocked == s2.hits[row, lag]
    assert np.array_equal(c2.trials, s2.trials)
    assert np.array_equal(c2.hits[:, 0], np.full(labels.ndim, labels.sum()))


@given(structures, st.booleans())
def test_more_neighbours_join_more(labels, periodic):
    by = [
        mt.connectivity(labels, phase=1, connectivity=name, periodic=periodic)
        for name in ("face", "edge", "corner")
    ]
    assert by[0].count >= by[1].count >= by[2].count
    assert by[0].largest <= by[1].largest <= by[2].largest
    assert np.all(by[0].percolating <= by[1].percolating)
    assert np.all(by[1].percolating <= by[2].percolating)


@given(structures, connectivities, st.data())
def test_periodic_clusters_have_no_origin(labels, connectivity, data):
    shift = data.draw(st.tuples(*(st.integers(0, n - 1) for n in labels.shape)))
    moved = np.roll(labels, shift, range(labels.ndim))
    options = {"phase": 1, "connectivity": connectivity, "periodic": True}
    a, b = mt.connectivity(labels, **options), mt.connectivity(moved, **options)
    for name in ("sizes", "counts", "largest", "percolating"):
        assert np.array_equal(getattr(a, name), getattr(b, name))
    a, b = mt.cluster_function(labels, **options), mt.cluster_function(moved, **options)
    assert np.array_equal(a.hits, b.hits)


@given(structures, connectivities, st.booleans())
def test_clusters_turn_with_the_structure(labels, connectivity, periodic):
    options = {"phase": 1, "connectivity": connectivity, "periodic": periodic}
    a, b = mt.connectivity(labels, **options), mt.connectivity(labels.T, **options)
    assert np.array_equal(a.sizes, b.sizes)
    assert np.array_equal(a.percolating, b.percolating[::-1])
    reach = min(labels.shape) // 2
    a = mt.cluster_function(labels, max_lag=reach, **options).hits
    assert np.array_equal(a, mt.cluster_function(labels.T, max_lag=reach, **options).hits[::-1])


@given(st.lists(structures, min_size=2, max_size=4))
def test_results_of_samples_merge_to_the_result_of_all(samples):
    ndim = samples[0].ndim
    parts = [mt.connectivity(s, phase=1) for s in samples if s.ndim == ndim]
    merged = sum(parts[1:], parts[0])
    every = np.concatenate([np.repeat(p.sizes, p.counts) for p in parts])
    assert np.repeat(merged.sizes, merged.counts).tolist() == sorted(every)
    assert merged.samples == len(parts)
    assert merged.count == len(every)
    assert np.array_equal(merged.percolating, sum(p.percolating for p in parts))
    table = [list(p.numbers.values()) for p in parts]
    assert np.array_equal(merged.table, table, equal_nan=True)
    if len(parts) > 1:
        assert merged.spread["clusters"] == np.std([p.count for p in parts], ddof=1)
        rest = np.concatenate([np.sort(np.repeat(p.sizes, p.counts))[:-1] for p in parts])
        if len(rest):
            mean = merged.numbers["mean_cluster_size_without_largest"]
            assert np.isclose(mean, (rest**2).sum() / rest.sum())


@given(structures, st.booleans())
def test_a_result_comes_back_from_its_record(labels, periodic):
    result = mt.connectivity(labels, phase=1, periodic=periodic, spacing=2e-9)
    both = result + mt.connectivity(1 - labels, phase=1, periodic=periodic, spacing=2e-9)
    for one in (result, both):
        back = mt.Connectivity.from_record(json.loads(json.dumps(one.to_record())))
        assert back.to_record() == one.to_record()
        assert np.array_equal(back.table, one.table, equal_nan=True)
        assert (back.spacing, back.masked, back.samples) == (one.spacing, False, one.samples)
