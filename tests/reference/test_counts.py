"""The counting core against the definitions, to the last integer."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import microtwin as mt
from microtwin import _core
from microtwin.statistics.correlation import longest_lag
from microtwin.statistics.directions import FAMILIES, family_vectors
from reference import naive

MEASURES = {
    "two_point": mt.two_point,
    "lineal_path": mt.lineal_path,
    "chord_length": mt.chord_length,
}
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


def structures(*, side_2d=90, side_3d=20):
    shapes = st.one_of(
        hnp.array_shapes(min_dims=2, max_dims=2, max_side=side_2d),
        hnp.array_shapes(min_dims=3, max_dims=3, max_side=side_3d),
    )
    return shapes.flatmap(
        lambda shape: st.builds(
            lambda seed, phases: np.random.default_rng(seed).integers(0, phases, shape, np.uint8),
            st.integers(0, 2**32 - 1),
            st.integers(1, 3),
        )
    )


def assert_counts_are_the_definition(
    labels, statistic, phase, *, periodic, max_lag, threads=2, directions="axes", mask=None, **more
):
    f = MEASURES[statistic](
        labels, phase=phase if not more else (phase, more["partner"]), max_lag=max_lag,
        periodic=periodic, threads=threads, device="cpu", directions=directions, mask=mask,
    )  # fmt: skip
    for row, step in enumerate(f.vectors):
        count = getattr(naive, statistic)
        hits, trials = count(labels, phase, step, max_lag, periodic, mask, **more)
        assert f.hits[row].tolist() == hits
        assert f.trials[row].tolist() == trials


@pytest.mark.parametrize("periodic", [False, True])
@pytest.mark.parametrize("statistic", ["two_point", "lineal_path"])
@given(labels=structures(), phase=st.integers(0, 2), data=st.data())
def test_counts_are_the_definition(statistic, periodic, labels, phase, data):
    max_lag = data.draw(st.integers(0, max(labels.shape) - 1))
    assert_counts_are_the_definition(labels, statistic, phase, periodic=periodic, max_lag=max_lag)


@pytest.mark.parametrize("periodic", [False, True])
@pytest.mark.parametrize("statistic", MEASURES)
@settings(max_examples=60)
@given(labels=structures(side_2d=24, side_3d=8), masked=st.booleans(), data=st.data())
def test_directions_masks_and_partners_are_the_definition(
    statistic, periodic, labels, masked, data
):
    family = data.draw(st.sampled_from(FAMILIES[: labels.ndim]))
    steps = family_vectors(family, labels.ndim)
    max_lag = data.draw(st.integers(0, longest_lag([labels.shape], steps)))
    # Masks that leave most of the voxels, as those of samples do.
    mask = np.random.default_rng(labels.size).random(labels.shape) < 0.9 if masked else None
    partner = {"partner": 0} if statistic == "two_point" and data.draw(st.booleans()) else {}
    assert_counts_are_the_definition(
        labels, statistic, 1, periodic=periodic, max_lag=max_lag, directions=family, mask=mask,
        **partner,
    )  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("periodic", [False, True])
@pytest.mark.parametrize("statistic", ["two_point", "lineal_path"])
def test_counts_are_the_definition_at_word_borders(statistic, periodic, shape):
    rng = np.random.default_rng(sum(shape))
    # Long runs as well as noise: thresholded random walks along the last axis.
    labels = (np.cumsum(rng.normal(size=shape), axis=-1) > 0).astype(np.uint8)
    max_lag = min(max(shape) - 1, 80)
    for phase in (0, 1):
        assert_counts_are_the_definition(
            labels, statistic, phase, periodic=periodic, max_lag=max_lag
        )


@pytest.mark.parametrize("shape", [(130, 70), (9, 66, 70), (70, 65, 3)])
@pytest.mark.parametrize("periodic", [False, True])
@pytest.mark.parametrize("statistic", ["two_point", "lineal_path"])
def test_counts_along_diagonals_are_the_definition_at_word_borders(statistic, periodic, shape):
    rng = np.random.default_rng(sum(shape))
    labels = (np.cumsum(rng.normal(size=shape), axis=-1) > 0).astype(np.uint8)
    mask = rng.random(shape) < 0.999
    for family in FAMILIES[1 : labels.ndim]:
        for window in (None, mask):
            assert_counts_are_the_definition(
                labels, statistic, 1, periodic=periodic, max_lag=min(shape) - 1,
                directions=family, mask=window,
            )  # fmt: skip


@pytest.mark.parametrize("statistic", ["two_point", "lineal_path"])
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


@given(labels=structures(side_2d=70, side_3d=12), periodic=st.booleans(), masked=st.booleans())
def test_neighbours_that_differ_are_pairs_neither_within_the_phase_nor_without(
    labels, periodic, masked
):
    mask = np.random.default_rng(labels.size).random(labels.shape) < 0.9 if masked else None
    window = None if mask is None else mask.view(np.uint8)
    for family in FAMILIES[: labels.ndim]:
        steps = family_vectors(family, labels.ndim)
        hits, trials = _core.interfaces(labels, window, 1, steps, periodic, 2)
        for step, differing, pairs in zip(steps, hits.tolist(), trials.tolist(), strict=True):
            count = (step, 1, periodic, mask)
            within, every = naive.two_point(labels, 1, *count)
            without, _ = naive.two_point((labels != 1).astype(np.uint8), 1, *count)
            assert (differing, pairs) == (every[1] - within[1] - without[1], every[1])


@given(labels=structures(), masked=st.booleans(), threads=st.sampled_from([1, 2, 7]))
def test_every_voxel_is_counted_under_its_label(labels, masked, threads):
    mask = np.random.default_rng(labels.size).random(labels.shape) < 0.5 if masked else None
    counts = _core.label_counts(labels, None if mask is None else mask.view(np.uint8), threads)
    inside = labels if mask is None else labels[mask]
    assert np.array_equal(counts, np.bincount(inside.ravel(), minlength=256))
