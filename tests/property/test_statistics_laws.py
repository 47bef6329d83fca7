"""Identities that hold for every structure."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import microtwin as mt

two_phases = hnp.arrays(
    np.uint8,
    hnp.array_shapes(min_dims=2, max_dims=3, min_side=2, max_side=16),
    elements=st.integers(0, 1),
)


@given(two_phases)
def test_lag_zero_is_the_volume_fraction(labels):
    for measure in (mt.two_point, mt.lineal_path):
        f = measure(labels, phase=1)
        assert np.array_equal(f.hits[:, 0], np.full(labels.ndim, labels.sum()))


@given(two_phases, st.booleans())
def test_lineal_path_never_exceeds_two_point_and_equals_it_at_lag_one(labels, periodic):
    s2 = mt.two_point(labels, phase=1, periodic=periodic)
    path = mt.lineal_path(labels, phase=1, periodic=periodic)
    assert np.all(path.hits <= s2.hits)
    assert np.array_equal(path.hits[:, :2], s2.hits[:, :2])
    assert np.all(np.diff(path.hits, axis=1) <= 0)


@given(two_phases)
def test_two_point_of_the_other_phase_is_one_minus_two_phi_plus_s2(labels):
    one = mt.two_point(labels, phase=1, periodic=True)
    other = mt.two_point(labels, phase=0, periodic=True)
    assert np.array_equal(other.hits, labels.size - 2 * int(labels.sum()) + one.hits)


@given(two_phases, st.booleans())
def test_counts_turn_with_the_structure(labels, periodic):
    max_lag = min(labels.shape) - 1
    f = mt.lineal_path(labels, phase=1, periodic=periodic, max_lag=max_lag)
    turned = mt.lineal_path(labels.T.copy(), phase=1, periodic=periodic, max_lag=max_lag)
    assert np.array_equal(turned.hits, f.hits[::-1])


@given(two_phases, st.integers(0, 15), st.data())
def test_a_periodic_structure_has_no_origin(labels, shift, data):
    axis = data.draw(st.integers(0, labels.ndim - 1))
    moved = np.roll(labels, shift, axis)
    for measure in (mt.two_point, mt.lineal_path):
        a = measure(labels, phase=1, periodic=True).hits
        assert np.array_equal(a, measure(moved, phase=1, periodic=True).hits)


@given(st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=6))
def test_descriptions_of_samples_merge_to_the_description_of_all(seeds):
    samples = [np.random.default_rng(seed).integers(0, 2, (24, 30)) for seed in seeds]
    whole = mt.describe(samples, max_lag=12)
    parts = [mt.describe(sample, max_lag=12) for sample in samples]
    merged = sum(parts[1:], parts[0])
    for a, b in zip(whole.functions, merged.functions, strict=True):
        assert np.array_equal(a.hits, b.hits)
        assert np.array_equal(a.trials, b.trials)
    assert whole.porosity == merged.porosity
    assert whole.specific_surface == merged.specific_surface
    assert np.allclose(whole.porosities, merged.porosities)
    curves = np.array([part.two_point.mean for part in parts])
    if len(seeds) > 1:
        expected = curves.std(axis=0, ddof=1)
        assert merged.two_point.spread == pytest.approx(expected, abs=1e-7)
    else:
        assert merged.two_point.spread is None


def test_counts_of_tiles_along_a_line_add_up_across_samples_of_any_shape():
    rng = np.random.default_rng(3)
    samples = [rng.integers(0, 2, (20 + k, 40 - k)) for k in range(4)]
    total = sum(mt.two_point(s, phase=1, max_lag=9).hits for s in samples)
    assert np.array_equal(mt.describe(samples, phase=1, max_lag=9).two_point.hits, total)


@pytest.mark.parametrize("kind", ["csv", "json"])
@given(labels=two_phases, periodic=st.booleans(), spacing=st.sampled_from([None, 2.5e-8]))
def test_files_read_back_exactly(tmp_path_factory, kind, labels, periodic, spacing):
    if len(np.unique(labels)) < 2:
        labels.flat[0] = 1 - labels.flat[0]
    path = tmp_path_factory.mktemp("tables") / f"real.{kind}"
    long = max(labels.shape) - 1  # NaN where a shorter side has no trial
    written = mt.describe([labels, labels], max_lag=long, periodic=periodic, spacing=spacing)
    getattr(written, f"to_{kind}")(path)
    read = getattr(mt.Description, f"from_{kind}")(path)
    assert (read.phase, read.phases, read.shape) == (written.phase, written.phases, written.shape)
    assert read.voxels == written.voxels
    assert np.array_equal(read.porosities, written.porosities)
    for a, b in zip(read.functions, written.functions, strict=True):
        assert (a.statistic, a.phase, a.axes, a.periodic) == (
            b.statistic,
            b.phase,
            b.axes,
            b.periodic,
        )
        assert (a.spacing, a.samples, a.version) == (b.spacing, b.samples, b.version)
        assert np.array_equal(a.hits, b.hits)
        assert np.array_equal(a.trials, b.trials)
        assert np.array_equal(a.sums, b.sums, equal_nan=True)
        assert np.array_equal(a.squares, b.squares, equal_nan=True)


@given(two_phases, st.booleans())
def test_specific_surface_does_not_depend_on_how_far_lags_go(labels, periodic):
    labels.flat[:2] = (0, 1)
    surfaces = {
        mt.describe(labels, phase=1, max_lag=lag, periodic=periodic).specific_surface
        for lag in (0, 1, max(labels.shape) - 1)
    }
    assert len(surfaces) == 1
