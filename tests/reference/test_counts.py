"""The counting core against the definitions, to the last integer."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import microtwin as mt
from reference import naive

MEASURES = {"two_point": mt.two_point, "lineal_path": mt.lineal_path}
# Sides around the 64 bits of a word and the 512 of a bundle of lines, and degenerate ones.
SHAPES = [
    (1, 1),
    (1, 130),
    (130, 1),
    (63, 64),
    (65, 9),
    (7, 513),
    (3, 4, 5),
    (2, 65, 64),
    (9, 1, 70),
]


def structures():
    shapes = st.one_of(
        hnp.array_shapes(min_dims=2, max_dims=2, max_side=90),
        hnp.array_shapes(min_dims=3, max_dims=3, max_side=20),
    )
    return shapes.flatmap(
        lambda shape: st.builds(
            lambda seed, phases: np.random.default_rng(seed).integers(0, phases, shape, np.uint8),
            st.integers(0, 2**32 - 1),
            st.integers(1, 3),
        )
    )


def assert_counts_are_the_definition(labels, statistic, phase, periodic, max_lag, threads=2):
    f = MEASURES[statistic](
        labels, phase=phase, max_lag=max_lag, periodic=periodic, threads=threads, device="cpu"
    )
    for row, axis in enumerate(f.axes):
        hits, trials = getattr(naive, statistic)(labels, phase, axis, max_lag, periodic)
        assert f.hits[row].tolist() == hits
        assert f.trials[row].tolist() == trials


@pytest.mark.parametrize("periodic", [False, True])
@pytest.mark.parametrize("statistic", MEASURES)
@given(labels=structures(), phase=st.integers(0, 2), data=st.data())
def test_counts_are_the_definition(statistic, periodic, labels, phase, data):
    max_lag = data.draw(st.integers(0, max(labels.shape) - 1))
    assert_counts_are_the_definition(labels, statistic, phase, periodic, max_lag)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("periodic", [False, True])
@pytest.mark.parametrize("statistic", MEASURES)
def test_counts_are_the_definition_at_word_borders(statistic, periodic, shape):
    rng = np.random.default_rng(sum(shape))
    # Long runs as well as noise: thresholded random walks along the last axis.
    labels = (np.cumsum(rng.normal(size=shape), axis=-1) > 0).astype(np.uint8)
    max_lag = min(max(shape) - 1, 80)
    for phase in (0, 1):
        assert_counts_are_the_definition(labels, statistic, phase, periodic, max_lag)


@pytest.mark.parametrize("statistic", MEASURES)
def test_lines_that_are_all_phase_wrap_as_rings(statistic):
    labels = np.ones((6, 70), np.uint8)
    labels[2:4, 5] = 0
    assert_counts_are_the_definition(labels, statistic, 1, periodic=True, max_lag=69)


def test_labels_of_other_types_count_the_same():
    labels = np.random.default_rng(0).integers(0, 2, (20, 30))
    expected = mt.two_point(labels, phase=1).hits
    for dtype in (bool, np.uint8, np.int32, np.float64):
        assert np.array_equal(mt.two_point(labels.astype(dtype), phase=1).hits, expected)
    fortran = np.asfortranarray(labels.astype(np.uint8))
    assert np.array_equal(mt.two_point(fortran, phase=1).hits, expected)
    assert np.array_equal(
        mt.two_point(labels.astype(np.uint8)[:, ::-1], phase=1, axes=1).hits,
        mt.two_point(labels, phase=1, axes=1).hits,
    )
