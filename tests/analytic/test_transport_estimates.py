"""Bounds, estimates and shapes where the formulas are known."""

import numpy as np
import pytest

import microtwin as mt
from microtwin.images import synthetic


@pytest.mark.parametrize("d", [2, 3])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.8])
def test_bounds_of_two_phases_are_the_textbook_ones(d, share):
    k1, k2, f1, f2 = 1.0, 7.0, 1 - share, share
    fractions, k = {3: f1, 5: f2}, {3: k1, 5: k2}
    low, high = mt.hashin_shtrikman_bounds(fractions, k, dimension=d)
    assert low == pytest.approx(k1 + f2 / (1 / (k2 - k1) + f1 / (d * k1)))
    assert high == pytest.approx(k2 + f1 / (1 / (k1 - k2) + f2 / (d * k2)))
    assert mt.wiener_bounds(fractions, k) == pytest.approx((1 / (f1 + f2 / k2), f1 + f2 * k2))
    # Maxwell's spheres in either phase are the two bounds.
    assert mt.maxwell_estimate(fractions, k, matrix=3, dimension=d) == pytest.approx(low)
    assert mt.maxwell_estimate(fractions, k, matrix=5, dimension=d) == pytest.approx(high)


def test_a_phase_that_is_not_there_does_not_widen_bounds():
    k = {0: 0.0, 1: 2.0, 2: 5.0}
    assert mt.wiener_bounds({0: 0.0, 1: 1.0}, k) == (2.0, 2.0)
    low, high = mt.hashin_shtrikman_bounds({0: 0.0, 1: 0.5, 2: 0.5}, k)
    assert (low, high) == pytest.approx(mt.hashin_shtrikman_bounds({1: 0.5, 2: 0.5}, k))


@pytest.mark.parametrize("contrast", [1.0, 10.0, 1e6, 1e12])
def test_the_effective_medium_is_self_dual_in_the_plane(contrast):
    found = mt.bruggeman_estimate({0: 0.5, 1: 0.5}, {0: 1.0, 1: contrast}, dimension=2)
    assert found == pytest.approx(np.sqrt(contrast), rel=1e-9)


@pytest.mark.parametrize("d", [2, 3])
def test_the_effective_medium_percolates_at_one_over_d(d):
    for share in (0.3, 0.45, 0.7, 1.0):
        k = mt.bruggeman_estimate({0: 1 - share, 1: share}, {0: 0.0, 1: 2.0}, dimension=d)
        assert k == pytest.approx(2 * max(0, (d * share - 1) / (d - 1)), abs=1e-12)


def test_the_power_law_is_for_one_conductor():
    assert mt.power_law_estimate({0: 0.4, 1: 0.6}, {0: 0.0, 1: 3.0}) == pytest.approx(3 * 0.6**1.5)
    assert mt.power_law_estimate({0: 0.4, 1: 0.6}, {0: 0.0, 1: 3.0}, exponent=2) == pytest.approx(
        3 * 0.36
    )
    assert np.isnan(mt.power_law_estimate({0: 0.4, 1: 0.6}, {0: 1.0, 1: 3.0}))
    assert mt.power_law_estimate({0: 1.0}, {0: 0.0}) == 0


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_paths_through_all_are_straight_and_through_a_channel_too(axis):
    cube = np.ones((6, 7, 8), np.uint8)
    made = mt.geodesic_tortuosity(cube, phase=1, axis=axis)
    assert made.mean == made.minimum == 1
    assert made.spread == 0
    assert made.values.shape == tuple(n for b, n in enumerate(cube.shape) if b != axis)


def test_paths_around_a_wall_are_as_long_as_they_look():
    labels = np.ones((11, 12), np.uint8)
    labels[5, :-1] = 0  # a wall with a gap at its end
    made = mt.geodesic_tortuosity(labels, phase=1)
    assert made.values[11] == pytest.approx(1)
    # To the far corner: 5 straight down, then 11 across, 5 of them on diagonals.
    assert made.values[0] == pytest.approx((5 + 5 * np.sqrt(2) + 6) / 10)
    city = mt.geodesic_tortuosity(labels, phase=1, steps="face")
    assert city.values[0] == pytest.approx((10 + 11) / 10)
    assert city.mean > made.mean > 1


def test_a_slanted_channel_is_as_long_as_its_diagonal():
    n = 30
    rows, columns = np.indices((n, n + 3))
    labels = (np.abs(columns - rows - 1) <= 1).astype(np.uint8)
    made = mt.geodesic_tortuosity(labels, phase=1)
    assert made.minimum == pytest.approx(np.sqrt(2), rel=0.05)
    assert mt.effective_diffusivity(labels, phase=1).tortuosity_factor > 1.9  # τ = (L/H)², about


def test_voxels_that_share_a_corner_only_are_no_way():
    labels = np.eye(6, dtype=np.uint8)
    made = mt.geodesic_tortuosity(labels, phase=1)
    assert not made.percolates
    assert made.mean == made.minimum == np.inf
    assert np.isnan(made.values).all()
    assert "no path leads through" in str(made)


def test_parallel_slits_have_the_permeability_of_the_formula():
    """Slits of width w in a solid: φ w² / 12 by Poiseuille is Kozeny's with c = 3."""
    width, period, spacing = 8, 20, 1e-6
    labels = np.zeros((period, 40, 40), np.uint8)
    labels[:width] = 1
    made = mt.permeability_estimate(
        labels, phase=1, constant=3, surface="faces", periodic=True, spacing=spacing
    )
    assert made.value == pytest.approx(width / period * (width * spacing) ** 2 / 12, rel=1e-9)
    assert made.specific_surface == pytest.approx(2 / (period * spacing))
    text = str(made)
    assert "estimate" in text
    assert "c = 3" in text
    assert "faces surface" in text


def test_the_fraction_that_percolates_is_that_of_connectivity():
    labels = synthetic.gaussian_field((20, 20, 20), correlation_length=2, fraction=0.4, seed=0)
    known = mt.connectivity(labels, phase=1).percolating_fraction
    found = [mt.percolating_fraction(labels, phase=1, axis=axis) for axis in range(3)]
    np.testing.assert_array_equal(found, known)


def test_results_say_what_they_are():
    labels = synthetic.gaussian_field((24, 24), correlation_length=2, fraction=0.8, seed=1)
    made = mt.effective_diffusivity(labels, phase=1, axis=1, boundary="centre", sides="periodic")
    text = str(made)
    assert text.startswith("D_eff = ")
    assert "along x (axis 1), certified within [" in text
    assert "fixed in the centres of the first and last planes, sides periodic" in text
    low, high = text.split("[")[1].split("]")[0].split(", ")
    assert float(low) <= made.lower
    assert float(high) >= made.upper
    assert "tortuosity factor" in text
    assert "tortuosity" not in str(mt.effective_conductivity(labels, {0: 0.1, 1: 1.0}))
    tensor = mt.effective_tensor(labels, {0: 0.1, 1: 1.0})
    assert "principal values" in str(tensor)
    assert "asymmetry" in str(tensor)
    assert tensor.plot().figure is not None
    assert made.plot_estimates().figure is not None
    assert mt.geodesic_tortuosity(labels, phase=1).plot().figure is not None
    first, second = made.tortuosity_factor_bounds
    assert first <= made.tortuosity_factor <= second
