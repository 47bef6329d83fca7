"""One thread = n threads, to the last integer."""

import numpy as np
import pytest

import microtwin as mt

SHAPES = [(1, 1), (1, 97), (97, 1), (63, 130), (1, 64, 1), (31, 3, 65), (17, 19, 23)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("connectivity", ["face", "edge", "corner"])
@pytest.mark.parametrize("periodic", [False, True], ids=["open", "periodic"])
def test_clusters_do_not_depend_on_the_threads(shape, connectivity, periodic):
    labels = (np.random.default_rng(sum(shape)).random(shape) < 0.45).astype(np.uint8)
    mask = np.random.default_rng(1).random(shape) < 0.9
    options = {"phase": 1, "connectivity": connectivity, "periodic": periodic}
    one = {"threads": 1, **options}
    for threads in (2, 7):
        many = {"threads": threads, **options}
        assert np.array_equal(mt.clusters(labels, **one), mt.clusters(labels, **many))
        a, b = mt.connectivity(labels, **one), mt.connectivity(labels, **many)
        assert np.array_equal(a.sizes, b.sizes)
        assert np.array_equal(a.percolating, b.percolating)
        reach = max(shape) - 1
        a = mt.cluster_function(labels, max_lag=reach, mask=mask, **one)
        b = mt.cluster_function(labels, max_lag=reach, mask=mask, **many)
        assert np.array_equal(a.hits, b.hits)
        assert np.array_equal(a.trials, b.trials)
