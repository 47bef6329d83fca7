"""The counts of annealing's radial and surface targets, and that its terms keep them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import microtwin as mt
from microtwin import _core
from reference import naive

SURFACES = ("surface_void", "surface_surface")


@st.composite
def structures(draw):
    """Labels of three phases, among them sides of one voxel and rows of several words."""
    ndim = draw(st.integers(2, 3))
    sides = draw(st.tuples(*[st.integers(1, {2: 90, 3: 12}[ndim])] * ndim).filter(any_pairs))
    seed = draw(st.integers(0, 2**32 - 1))
    return np.random.default_rng(seed).integers(0, 3, sides, np.uint8)


def any_pairs(sides):
    return max(sides) > 1


def target(statistic, step, lags):
    return (statistic, 1, step, (), [0.0] * lags, [1.0] * lags)


@given(structures(), st.booleans(), st.data())
def test_radial_counts_are_those_of_the_map(labels, periodic, data):
    bound = min(n for n in labels.shape if n > 1) if periodic else max(labels.shape)
    lags = data.draw(st.integers(1, bound - 1))
    step = (*[0] * (labels.ndim - 1), 1)
    if labels.shape[-1] == 1:  # which way it goes is no matter
        step = (1, *[0] * (labels.ndim - 1))
    hits, trials = _core.count_target(labels, target("radial", step, lags), periodic)
    known = mt.two_point_radial(labels, phase=1, max_lag=lags, periodic=periodic)
    assert np.array_equal(hits, known.hits[0][1 : lags + 1])
    assert np.array_equal(trials, known.trials[0][1 : lags + 1])


@pytest.mark.parametrize(
    ("shape", "lags"), [((70, 150), 69), ((150, 70), 32), ((20, 1, 90), 19), ((36, 36, 36), 33)]
)
@pytest.mark.parametrize("periodic", [False, True])
def test_long_radial_curves_are_kept(shape, lags, periodic):
    labels = np.random.default_rng(7).integers(0, 2, shape, np.uint8)
    curve = target("radial", (*[0] * (len(shape) - 1), 1), lags)
    annealer = _core.Annealer(labels, [curve], periodic, 1)
    assert annealer.run(60, 1e9) == 60
    after = annealer.labels().reshape(shape)
    known = mt.two_point_radial(after, phase=1, max_lag=lags, periodic=periodic)
    assert np.array_equal(annealer.hits(0), known.hits[0][1 : lags + 1])


@given(structures(), st.booleans(), st.sampled_from(SURFACES), st.data())
def test_surface_counts_are_those_of_the_definition(labels, periodic, statistic, data):
    sides = labels.shape
    steps = [s for s in np.ndindex(*[3] * labels.ndim) if any(s)]  # 2 stands for -1
    steps = [tuple(-1 if one == 2 else one for one in s) for s in steps]
    steps = [s for s in steps if next(one for one in s if one) == 1]
    spare = 0 if periodic else 2
    room = {s: min(n for n, one in zip(sides, s, strict=True) if one) - 1 - spare for s in steps}
    steps = [s for s in steps if room[s] > 0]
    if not steps or (2 in sides and not periodic):
        return
    step = data.draw(st.sampled_from(steps))
    wanted = target(statistic, step, data.draw(st.integers(1, room[step])))
    hits, trials = _core.count_target(labels, wanted, periodic)
    known = naive.target_counts(labels, wanted, periodic)
    assert [hits.tolist(), trials.tolist()] == [counts[1:] for counts in known]


@pytest.mark.parametrize("axis", range(3))
def test_surface_functions_of_layers(axis):
    """Layers of 5 voxels in every 14; two voxels at each face have one face each."""
    period, layer = 14, 5
    shape = [4, 4, 4]
    shape[axis] = 2 * period
    labels = (np.indices(shape)[axis] % period < layer).astype(np.uint8)
    across, along = naive.along(axis, 3), naive.along((axis + 1) % 3, 3)

    def values(statistic, step, lags):
        hits, trials = _core.count_target(labels, target(statistic, step, lags), True)
        assert set(trials.tolist()) == {4 * labels.size}
        return hits / trials * period

    # Faces lie a layer (5) or a gap (9) apart, and each spreads over its two voxels by halves.
    surface = {1: 2, 4: 1, 5: 2, 6: 1, 8: 1, 9: 2, 10: 1, 13: 2}
    known = [surface.get(lag, 0) / 4 for lag in range(1, period)]
    assert np.allclose(values("surface_surface", across, period - 1), known)
    # One of a period's two faces sees the phase ahead, until its layer ends; the other behind.
    known = [1, 1, 1, 1, 0.5, 0, 0, 0, 0.5, 1, 1, 1, 1]
    assert np.allclose(values("surface_void", across, period - 1), known)
    # Along the layers every lag is like none: four halves squared, and two halves in the phase.
    assert np.allclose(values("surface_surface", along, 3), 1)
    assert np.allclose(values("surface_void", along, 3), 1)
