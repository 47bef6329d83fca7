"""Correlation functions beside the FFT, and beside a plain sum over the same bytes.

pytest benches/test_statistics.py --benchmark-group-by=param:structure
"""

import numpy as np
import pytest
import scipy.fft

import microtwin as mt
from structures import THREADS

LAGS = 64


def fft_two_point(labels, max_lag):
    """Periodic S2 along each axis by one float32 autocorrelation of the whole map."""
    spectrum = scipy.fft.rfftn(labels.astype(np.float32), workers=THREADS)
    map_ = scipy.fft.irfftn(np.abs(spectrum) ** 2, s=labels.shape, workers=THREADS)
    lines = [
        np.moveaxis(map_, axis, 0)[(slice(max_lag + 1),) + (0,) * (labels.ndim - 1)]
        for axis in range(labels.ndim)
    ]
    return np.stack(lines)  # fmt: skip


@pytest.fixture
def fft_lines(structure):
    return fft_two_point(structure, LAGS)


@pytest.mark.parametrize("lags", [LAGS, None], ids=["64-lags", "to-half"])
def test_two_point(benchmark, structure, fft_lines, lags):
    options = {"phase": 1, "threads": THREADS, "device": "cpu"}
    checked = mt.two_point(structure, max_lag=LAGS, periodic=True, **options).hits
    assert np.abs(checked - fft_lines).max() < 1e-5 * structure.size
    benchmark(mt.two_point, structure, max_lag=lags, periodic=True, **options)


def test_two_point_by_scipy_fft(benchmark, structure):
    benchmark.pedantic(fft_two_point, (structure, LAGS), rounds=5, warmup_rounds=1)


def test_lineal_path(benchmark, structure):
    options = {"phase": 1, "threads": THREADS, "device": "cpu"}
    path = mt.lineal_path(structure, **options)
    two_point = mt.two_point(structure, **options)
    assert np.array_equal(path.hits[:, :2], two_point.hits[:, :2])
    benchmark(mt.lineal_path, structure, **options)


def test_numpy_sum_of_the_bytes(benchmark, structure):
    assert structure.sum() == pytest.approx(structure.size / 2, rel=1e-3)
    benchmark(structure.sum)
