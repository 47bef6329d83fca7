"""Laws of conduction, on any small structure."""

import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

import microtwin as mt
from reference.transport import solve

conductivity = st.one_of(st.just(0.0), st.floats(-3, 3).map(lambda x: 10.0**x))
tables = st.tuples(conductivity, conductivity, conductivity).filter(any)


@st.composite
def structures(draw):
    ndim = draw(st.sampled_from((2, 3)))
    shape = tuple(draw(st.lists(st.integers(1, 6), min_size=ndim, max_size=ndim)))
    return draw(hnp.arrays(np.uint8, shape, elements=st.integers(0, 2)))


@st.composite
def problems(draw):
    labels = draw(structures())
    k = dict(enumerate(draw(tables)))
    axis = draw(st.integers(0, labels.ndim - 1))
    boundary = draw(st.sampled_from(("face", "centre", "periodic")))
    if boundary == "centre" and labels.shape[axis] == 1:
        boundary = "face"
    sides = draw(st.sampled_from(("insulated", "periodic")))
    return labels, k, {"axis": axis, "boundary": boundary, "sides": sides}


@given(problems())
def test_the_interval_holds_what_a_direct_solution_gives(problem):
    labels, k, how = problem
    wanted = solve(labels, k, how["axis"], how["boundary"], how["sides"] == "periodic")
    made = mt.effective_conductivity(labels, k, tol=1e-4, **how)
    assert made.percolates == wanted.percolates
    assert made.solved == wanted.solved
    assert made.lower * (1 - 1e-7) <= wanted.effective <= made.upper * (1 + 1e-7)
    assert made.upper - made.lower <= 1e-4 * made.upper * (1 + 1e-9)


@given(problems())
def test_the_wiener_bounds_hold_and_the_unit_does_not_matter(problem):
    labels, k, how = problem
    made = mt.effective_conductivity(labels, k, **how)
    if how["boundary"] != "centre":  # where half of the first and last planes does not count
        low, high = made.estimates.wiener
        assert low * (1 - 1e-6) <= made.upper
        assert made.lower <= high * (1 + 1e-6)
    tiny = mt.effective_conductivity(labels, {n: 1e-30 * v for n, v in k.items()}, **how)
    assert tiny.effective == pytest.approx(1e-30 * made.effective, rel=1e-9)
    assert tiny.relative == pytest.approx(made.relative, rel=1e-9)


@given(problems(), st.integers(0, 2))
def test_more_conductivity_anywhere_never_conducts_less(problem, label):
    labels, k, how = problem
    made = mt.effective_conductivity(labels, k, **how)
    more = mt.effective_conductivity(labels, k | {label: 2 * k[label] + 0.1}, **how)
    assert more.upper >= made.lower * (1 - 1e-9)


fractions = st.lists(st.floats(0.01, 1), min_size=1, max_size=5).map(
    lambda parts: {n: part / sum(parts) for n, part in enumerate(parts)}
)


@given(fractions, st.lists(conductivity, min_size=5, max_size=5), st.sampled_from((2, 3)))
def test_bounds_and_estimates_are_in_order(share, values, dimension):
    k = dict(enumerate(values))
    found = mt.conductivity_estimates(share, k, dimension=dimension)
    slack = 1e-9 * max(values)
    inner, outer = found.hashin_shtrikman, found.wiener
    assert outer[0] <= inner[0] + slack
    assert inner[0] <= inner[1] + slack
    assert inner[1] <= outer[1] + slack
    for value in (found.bruggeman, *found.maxwell.values()):
        assert inner[0] - slack <= value <= inner[1] + slack


@given(structures(), st.integers(0, 2))
def test_paths_are_no_shorter_than_straight_and_lead_where_it_conducts(labels, phase):
    for axis in range(labels.ndim):
        if labels.shape[axis] < 2:
            continue
        paths = mt.geodesic_tortuosity(labels, phase=phase, axis=axis)
        assert paths.minimum >= 1 - 1e-12
        assert paths.mean >= paths.minimum
        conducts = mt.effective_diffusivity(labels, phase=phase, axis=axis)
        assert conducts.percolates == paths.percolates
        share = mt.percolating_fraction(labels, phase=phase, axis=axis)
        there = (labels == phase).mean()
        assert conducts.connected == pytest.approx(there * share if there else 0)


def test_progress_rises_once_an_iteration_and_the_error_falls():
    labels = np.random.default_rng(3).integers(0, 2, (30, 30, 30))
    told = []
    result = mt.effective_conductivity(
        labels, {0: 0.01, 1: 1.0}, progress=lambda *report: told.append(report)
    )
    assert [values["iterations"] for _, _, values in told] == list(range(result.iterations))
    done = [done for done, _, _ in told]
    assert done == sorted(done)
    assert 0.4 < done[-1] <= 1
    assert {total for _, total, _ in told} == {1.0}
    assert told[-1][2]["error"] < 1e-3


def test_the_progress_of_a_tensor_counts_its_solutions():
    told = []
    labels = np.random.default_rng(5).integers(0, 2, (24, 20))
    mt.effective_tensor(labels, {0: 0.1, 1: 1.0}, progress=lambda *report: told.append(report))
    done = [done for done, _, _ in told]
    assert done == sorted(done)
    assert done[-1] == 2
    assert any(1 < part < 2 for part in done)
