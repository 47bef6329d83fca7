"""Volume fraction along an axis."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import microtwin as mt
from microtwin.errors import InputError

structures = hnp.arrays(
    np.uint8,
    hnp.array_shapes(min_dims=2, max_dims=3, min_side=1, max_side=8),
    elements=st.integers(0, 2),
)


@given(structures, st.integers(-2, 1), st.booleans())
def test_each_slice_has_its_own_volume_fraction(labels, axis, masked):
    mask = np.random.default_rng(labels.size).random(labels.shape) < 0.6 if masked else None
    f = mt.profile(labels, phase=1, axis=axis, mask=mask)
    inside = np.ones(labels.shape, bool) if mask is None else mask
    for k in range(labels.shape[axis]):
        here, seen = np.take(labels, k, axis), np.take(inside, k, axis)
        assert f.hits[0, k] == sum(a == 1 and b for a, b in zip(here.flat, seen.flat, strict=True))
        assert f.trials[0, k] == seen.sum()
    assert f.axes == (axis % labels.ndim,)


@given(structures)
def test_the_mean_of_a_profile_is_the_volume_fraction(labels):
    for axis in range(labels.ndim):
        f = mt.profile(labels, phase=1, axis=axis)
        assert f.values.mean() == pytest.approx((labels == 1).mean(), abs=1e-14)


def test_a_gradient_is_seen_along_its_axis_only():
    y, x = np.indices((40, 50))
    labels = x < y
    assert np.allclose(mt.profile(labels, phase=1, axis=0).mean, np.arange(40) / 50)
    assert mt.profile(labels, phase=1, axis=1).mean[-10:].max() == 0


def test_a_slice_outside_the_mask_has_no_fraction():
    mask = np.ones((6, 5), bool)
    mask[2] = False
    f = mt.profile(np.ones((6, 5), int), phase=1, mask=mask)
    assert np.isnan(f.mean[2])
    assert (f.mean[[0, 1, 3, 4, 5]] == 1).all()


def test_a_profile_reads_back_and_is_drawn_over_the_position_in_metres(tmp_path):
    layers = np.repeat([0, 1, 1, 0], 25).reshape(4, 25)
    f = mt.profile(layers, phase=1, spacing=(2e-6, 1e-6))
    back = mt.CorrelationFunction.from_csv(f.to_csv(tmp_path / "profile.csv"))
    assert np.array_equal(back.hits, f.hits)
    assert np.array_equal(back.distances, [[0, 2e-6, 4e-6, 6e-6]])
    assert f.plot().get_xlabel() == "position (µm)"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"phase": 1, "axis": 2}, "each of axis must be between -2 and 1, not 2"),
        ({"phase": -1}, "phase must be between 0 and 255"),
        ({"phase": 1, "mask": np.ones((3, 3), bool)}, "mask must have the shape of labels"),
        ({"phase": 1, "spacing": -1}, "spacing must be positive"),
    ],
)
def test_arguments_that_do_not_fit(arguments, message):
    with pytest.raises(InputError, match=message):
        mt.profile(np.eye(5), **arguments)


def test_the_plot_of_a_profile_goes_to_the_last_slice_even_where_that_is_empty():
    layers = np.repeat([[1], [1], [0], [0], [0], [0]], 5, axis=1)
    (line,) = mt.profile(layers, phase=1).plot().lines
    assert len(line.get_xdata()) == 6
