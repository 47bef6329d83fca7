"""Two-point maps beside scipy.fft: the same input, float32, two threads, answers compared first.

pytest benches/test_maps.py --benchmark-group-by=param:shape,param:lags
"""

import math
import tracemalloc

import numpy as np
import pytest
import scipy.fft

import microtwin as mt
from structures import THREADS, blobs

SHAPES = {"1024^2": (1024, 1024), "200^3": (200, 200, 200), "256^3": (256, 256, 256)}
LAGS = ("periodic", "to-half", "to-the-end")


def scipy_map(labels, reach, periodic):
    """Hits at displacement 0 .. reach and those that wrap, on the smallest good padded grid."""
    sides = [
        n if periodic else scipy.fft.next_fast_len(n + m, real=axis == labels.ndim - 1)
        for axis, (n, m) in enumerate(zip(labels.shape, reach, strict=True))
    ]
    spectrum = scipy.fft.rfftn(labels.astype(np.float32), sides, workers=THREADS)
    power = spectrum.real**2 + spectrum.imag**2
    return scipy.fft.irfftn(power, sides, workers=THREADS)


@pytest.fixture(scope="module", params=SHAPES, ids=list(SHAPES))
def labels(request):
    return blobs(SHAPES[request.param])


@pytest.fixture(params=LAGS)
def task(request, labels):
    reach = tuple(n - 1 if request.param == "to-the-end" else n // 2 for n in labels.shape)
    return labels, reach, request.param == "periodic"


def ours(labels, reach, periodic):
    return mt.two_point_map(labels, phase=1, max_lag=reach, periodic=periodic, threads=THREADS)


def assert_same(labels, reach, periodic):
    """Ours is exact: scipy's single precision comes within 1e-6 of it in probability."""
    expected = scipy_map(labels, reach, periodic)
    map_ = ours(labels, reach, periodic)
    near = tuple(slice(min(m + 1, 64)) for m in reach)
    middle = tuple(slice(m, m + min(m + 1, 64)) for m in reach)
    assert np.abs(map_.hits[middle] - expected[near]).max() < 1e-6 * labels.size


def test_map(benchmark, task):
    assert_same(*task)
    benchmark.pedantic(ours, task, rounds=3)


def test_map_by_scipy_fft(benchmark, task):
    assert_same(*task)
    benchmark.pedantic(scipy_map, task, rounds=3)


@pytest.mark.parametrize("count", [ours, scipy_map])
def test_memory(benchmark, task, count):
    """Peak memory beyond the input, in bytes a voxel (`extra_info`)."""
    tracemalloc.start()
    result = count(*task)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert result is not None
    benchmark.extra_info["bytes a voxel"] = round(peak / math.prod(task[0].shape), 1)
    benchmark.pedantic(count, task, rounds=1)
