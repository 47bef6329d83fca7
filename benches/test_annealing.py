"""The annealer beside the textbook one: S2 and L of one phase, every axis, 32 lags, one thread.

pytest benches/test_annealing.py --benchmark-group-by=func,param:shape
"""

import numpy as np
import pytest

import microtwin as mt
from microtwin import _core
from microtwin.annealing import _targets
from structures import blobs

PROPOSALS = 200_000


@pytest.fixture(params=[(128, 128), (64, 64, 64)], ids=["128^2", "64^3"])
def shape(request):
    return request.param


@pytest.fixture
def problem(shape):
    real = blobs(shape, sigma=2.0, fraction=0.4)
    target = mt.describe(real, phase=1, max_lag=32, periodic=True)
    curves = _targets.curves(target, shape, {axis: axis for axis in range(len(shape))}, None, {})
    noise = np.random.default_rng(1).permutation(real.ravel()).reshape(shape)
    return target, noise, curves


@pytest.mark.parametrize("kind", [_core.Annealer, _core.TextbookAnnealer], ids=["core", "textbook"])
def test_proposals(benchmark, problem, kind):
    """200,000 greedy proposals from noise."""
    _, noise, curves = problem
    finished = []

    def setup():
        return (kind(noise, curves, True, 0),), {}

    def run(annealer):
        annealer.run(PROPOSALS, 0.0)
        finished.append(annealer)

    benchmark.pedantic(run, setup=setup, rounds=5)
    structure = finished[0].labels().reshape(noise.shape)
    recounted = _core.TextbookAnnealer(structure, curves, True, 0).energy
    assert finished[0].energy == pytest.approx(recounted, rel=1e-9)
    assert recounted < 0.6 * _core.TextbookAnnealer(noise, curves, True, 0).energy


QUENCH = {"moves": "neighbours", "start_acceptance": 0.0}


@pytest.mark.parametrize("settings", [{}, QUENCH], ids=["default", "quench"])
@pytest.mark.parametrize("tolerance", [1e-3, 1e-6])
def test_time_to_energy(benchmark, problem, shape, tolerance, settings):
    """From noise to a total squared error."""
    target, _, _ = problem
    twin = benchmark.pedantic(
        mt.anneal, (target,), {"shape": shape, "tolerance": tolerance} | settings, rounds=3
    )
    assert twin.energy <= tolerance
    again = twin.describe()
    errors = np.concatenate(
        [
            (a.values - b.values)[:, 1:].ravel()
            for a, b in zip(again.functions, target.functions, strict=True)
        ]
    )
    assert float(np.sum(errors**2)) == pytest.approx(twin.energy, rel=1e-9)


def test_time_to_energy_of_the_textbook(benchmark, problem):
    """Greedy, which is its fastest, to 1e-3."""
    _, noise, curves = problem
    finished = []

    def run():
        annealer = _core.TextbookAnnealer(noise, curves, True, 0)
        while annealer.energy > 1e-3:
            annealer.run(20_000, 0.0)
        finished.append(annealer)

    benchmark.pedantic(run, rounds=1)
    structure = finished[0].labels().reshape(noise.shape)
    assert _core.Annealer(structure, curves, True, 0).energy <= 1e-3
