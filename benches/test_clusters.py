"""Clusters beside scipy.ndimage, the cluster function beside a plain comparison in NumPy.

pytest benches/test_clusters.py --benchmark-group-by=param:structure
"""

import numpy as np
import pytest
from scipy import ndimage

import microtwin as mt
from structures import THREADS

LAGS = 64


def compared(image, max_lag):
    """Hits of the cluster function along each axis, not periodic."""
    hits = np.zeros((image.ndim, max_lag + 1), np.int64)
    for axis in range(image.ndim):
        lines = np.moveaxis(image, axis, 0)
        for lag in range(max_lag + 1):
            here, ahead = lines[: len(lines) - lag], lines[lag:]
            hits[axis, lag] = np.count_nonzero((here == ahead) & (here > 0))
    return hits


@pytest.mark.parametrize("connectivity", ["face", "corner"])
def test_clusters(benchmark, structure, connectivity):
    rank = 1 if connectivity == "face" else structure.ndim
    expected, _ = ndimage.label(structure, ndimage.generate_binary_structure(structure.ndim, rank))
    options = {"phase": 1, "connectivity": connectivity, "threads": THREADS}
    assert np.array_equal(mt.clusters(structure, **options), expected)
    benchmark(mt.clusters, structure, **options)


def test_clusters_by_scipy(benchmark, structure):
    benchmark.pedantic(ndimage.label, (structure,), rounds=3, warmup_rounds=1)


def test_connectivity(benchmark, structure):
    found = mt.connectivity(structure, phase=1, periodic=True, threads=THREADS)
    assert found.voxels == np.count_nonzero(structure)
    benchmark(mt.connectivity, structure, phase=1, periodic=True, threads=THREADS)


def test_cluster_function(benchmark, structure):
    options = {"phase": 1, "threads": THREADS}
    found = mt.cluster_function(structure, max_lag=8, **options).hits
    assert np.array_equal(found, compared(mt.clusters(structure, phase=1), 8))
    benchmark(mt.cluster_function, structure, max_lag=LAGS, **options)


def test_cluster_function_by_numpy(benchmark, structure):
    image, _ = ndimage.label(structure)
    benchmark.pedantic(compared, (image, LAGS), rounds=1)
