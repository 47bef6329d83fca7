"""The annealer beside the textbook one: S2 and L of one phase, every axis, 32 lags, one thread.

pytest benches/test_annealing.py --benchmark-group-by=param:shape --benchmark-columns=median,rounds
"""

import numpy as np
import pytest

import microtwin as mt
from conftest import blobs
from microtwin import _core
from microtwin.annealing import _targets

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
    ends = []

    def setup():
        return (kind(noise, curves, True, 0),), {}

    def run(annealer):
        annealer.run(PROPOSALS, 0.0)
        ends.append(annealer.energy)

    benchmark.pedantic(run, setup=setup, rounds=5)
    # Both take the same course until a tie in single precision parts them.
    other = _core.TextbookAnnealer if kind is _core.Annealer else _core.Annealer
    reference = other(noise, curves, True, 0)
    reference.run(PROPOSALS, 0.0)
    assert ends[0] == pytest.approx(reference.energy, rel=0.02)


@pytest.mark.parametrize("tolerance", [1e-3, 1e-5])
def test_time_to_energy(benchmark, problem, shape, tolerance):
    """From noise to a total squared error, with the default schedule."""
    target, _, _ = problem
    twin = benchmark.pedantic(
        mt.anneal, (target,), {"shape": shape, "tolerance": tolerance}, rounds=3
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
