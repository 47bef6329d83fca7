"""Conduction where the answer is known: laminates, channels, duality, dilute inclusions."""

import numpy as np
import pytest

import microtwin as mt
from microtwin.images import synthetic
from reference.transport_dual import dual_conductance

BOUNDARIES = ("face", "centre", "periodic")


def layers(axis, ndim):
    """Three phases in layers across an axis, 12 planes of them."""
    line = np.repeat([0, 1, 2, 1], 3).astype(np.uint8)
    shape = [5] * ndim
    shape[axis] = 12
    return np.broadcast_to(line.reshape([-1 if b == axis else 1 for b in range(ndim)]), shape)


@pytest.mark.parametrize("contrast", [3.0, 30.0, 1e3])
@pytest.mark.parametrize("boundary", ["face", "periodic"])
@pytest.mark.parametrize("ndim", [2, 3])
def test_laminates_conduct_by_the_harmonic_and_the_arithmetic_mean(ndim, boundary, contrast):
    k = {0: 1.0, 1: contrast, 2: contrast**2}
    for across in range(ndim):
        labels = layers(across, ndim)
        for axis in range(ndim):
            result = mt.effective_conductivity(labels, k, axis=axis, boundary=boundary, tol=1e-6)
            low, high = mt.wiener_bounds(result.fractions, k)
            wanted = low if axis == across else high
            assert result.effective == pytest.approx(wanted, rel=1e-6)
            assert result.lower * (1 - 1e-9) <= wanted <= result.upper * (1 + 1e-9)


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_a_straight_channel_is_not_tortuous(boundary):
    labels = np.zeros((6, 7, 20), np.uint8)
    labels[2:4, 3, :] = 1
    result = mt.effective_diffusivity(labels, phase=1, axis=2, boundary=boundary, tol=1e-6)
    assert result.tortuosity_factor == pytest.approx(1, abs=1e-6)
    assert result.tortuosity_factor_connected == pytest.approx(1, abs=1e-6)
    assert result.relative == pytest.approx(2 / 42, rel=1e-6)
    assert result.formation_factor == result.macmullin_number == pytest.approx(21, rel=1e-6)
    assert result.flux_error < 1e-6


def test_dead_ends_and_islands_count_in_one_tortuosity_factor_and_not_in_the_other():
    labels = np.zeros((9, 8), np.uint8)
    labels[:, 2] = 1  # the channel
    labels[4, 3] = 1  # a dead end
    labels[3:6, 6] = 1  # an island
    result = mt.effective_diffusivity(labels, phase=1, tol=1e-6)
    assert result.relative == pytest.approx(1 / 8, rel=1e-6)
    assert result.porosity == 13 / 72
    assert result.connected == 10 / 72
    assert result.tortuosity_factor == pytest.approx(13 / 9, rel=1e-6)
    assert result.tortuosity_factor_connected == pytest.approx(10 / 9, rel=1e-6)


def test_a_staircase_of_single_voxels_conducts_by_its_length():
    n = 10
    labels = np.eye(n, dtype=np.uint8) | np.roll(np.eye(n, dtype=np.uint8), 1, axis=1)
    tensor = mt.effective_tensor(labels, {0: 0.0, 1: 1.0}, tol=1e-6)
    # 2 n steps for n planes, one way through n columns; what goes down goes to the right as well.
    np.testing.assert_allclose(tensor.tensor, np.full((2, 2), 1 / (2 * n)), rtol=1e-6)
    np.testing.assert_allclose(tensor.principal_values, [1 / n, 0], atol=1e-6)
    # Insulated at the sides, two steps in a corner are missing.
    ended = mt.effective_diffusivity(labels[:, 1:-1], phase=1, boundary="centre", tol=1e-6)
    assert not ended.percolates


@pytest.mark.parametrize("contrast", [10.0, 1e4])
def test_two_phases_and_their_exchange_are_dual_to_each_other(contrast):
    """Keller: k_eff of the voxels, times that of the dual network with 1/k across, is one."""
    k = {0: 1.0, 1: contrast}
    labels = synthetic.gaussian_field((18, 24), correlation_length=2.5, fraction=0.5, seed=3)
    for axis in (0, 1):
        made = mt.effective_conductivity(labels, k, axis=axis, tol=1e-6)
        assert made.effective * dual_conductance(labels, k, axis) == pytest.approx(1, rel=1e-6)
    # Periodic, the tensor of the dual network is the inverse, turned by a right angle (Mendelson).
    inverse = np.linalg.inv(mt.effective_tensor(labels, k, tol=1e-6).tensor)
    for axis in (0, 1):
        dual = dual_conductance(labels, k, axis, periodic=True)
        assert inverse[axis, axis] == pytest.approx(dual, rel=1e-4)


def test_a_checkerboard_tends_to_the_geometric_mean():
    """Contrast 10; convergence is slow at the corners, and extrapolated by the observed order."""
    found = []
    for cell in (8, 16, 32, 64):
        board = synthetic.checkerboard((2 * cell, 2 * cell), cell=cell)
        k = {0: 1.0, 1: 0.1}
        made = mt.effective_conductivity(board, k, boundary="periodic", tol=1e-6).effective
        found.append(made)
    steps = np.diff(found)
    assert (steps > 0).all()
    ratio = steps[-1] / steps[-2]
    assert 0.4 < ratio < 0.65  # h^(8/π arctan √0.1) is 0.58
    limit = found[-1] + steps[-1] * ratio / (1 - ratio)
    assert limit == pytest.approx(np.sqrt(0.1), rel=5e-3)


@pytest.mark.parametrize("inside", [10.0, 0.1, 0.0])
def test_a_dilute_sphere_is_as_maxwell_says(inside):
    errors = []
    for radius in (10.5, 21):
        size = round(4 * radius)
        z, y, x = np.indices((size,) * 3) - (size - 1) / 2
        labels = (z**2 + y**2 + x**2 < radius**2).astype(np.uint8)
        k = {0: 1.0, 1: inside}
        made = mt.effective_conductivity(labels, k, boundary="periodic", tol=1e-5)
        wanted = mt.maxwell_estimate(made.fractions, k, matrix=0)
        errors.append(abs((made.effective - 1) / (wanted - 1) - 1))
    assert errors[0] < 0.07
    assert errors[1] < max(errors[0], 0.005)


@pytest.mark.parametrize("inside", [10.0, 0.0])
def test_a_dilute_disc_is_as_maxwell_says(inside):
    size, radius = 96, 16.5
    y, x = np.indices((size, size)) - (size - 1) / 2
    labels = (y**2 + x**2 < radius**2).astype(np.uint8)
    k = {0: 1.0, 1: inside}
    made = mt.effective_conductivity(labels, k, boundary="periodic", tol=1e-6)
    wanted = mt.maxwell_estimate(made.fractions, k, matrix=0, dimension=2)
    assert made.effective - 1 == pytest.approx(wanted - 1, rel=0.03)


@pytest.mark.parametrize("insulator", [0.0, 0.1])
@pytest.mark.parametrize("seed", range(3))
def test_isotropic_media_keep_the_hashin_shtrikman_bounds(seed, insulator):
    labels = synthetic.gaussian_field((32, 32, 32), correlation_length=2.5, fraction=0.5, seed=seed)
    k = {0: insulator, 1: 1.0}
    tensor = mt.effective_tensor(labels, k, tol=1e-4)
    low, high = tensor.solutions[0].estimates.hashin_shtrikman
    assert low < tensor.diagonal.mean() < high
    assert tensor.principal_values[-1] > low
    assert tensor.principal_values[0] < high
    assert tensor.asymmetry < 1e-3


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_mirrors_and_turns_change_nothing(boundary):
    labels = synthetic.gaussian_field((10, 12, 14), correlation_length=2, fraction=0.6, seed=1)
    k = {0: 0.01, 1: 1.0}

    def solve(array, axis):
        options = {"axis": axis, "boundary": boundary, "sides": "periodic", "tol": 1e-6}
        return mt.effective_conductivity(np.ascontiguousarray(array), k, **options).effective

    for axis in range(3):
        wanted = solve(labels, axis)
        for mirrored in range(3):
            assert solve(np.flip(labels, mirrored), axis) == pytest.approx(wanted, rel=2e-6)
        assert solve(np.moveaxis(labels, axis, 0), 0) == pytest.approx(wanted, rel=2e-6)
        assert solve(np.moveaxis(labels, axis, 2), 2) == pytest.approx(wanted, rel=2e-6)


def test_the_tensor_turns_with_the_structure():
    stairs = np.fromfunction(lambda y, x: (y + x) // 4 % 2, (16, 16)).astype(np.uint8)
    k = {0: 1.0, 1: 20.0}
    tensor = mt.effective_tensor(stairs, k, tol=1e-6)
    mirrored = mt.effective_tensor(stairs[::-1], k, tol=1e-6)
    np.testing.assert_allclose(tensor.tensor[0, 1], -mirrored.tensor[0, 1], rtol=1e-3)
    # Layers at 45 degrees: the good direction lies along them.
    np.testing.assert_allclose(abs(tensor.principal_directions[0]), np.sqrt([0.5, 0.5]), atol=1e-3)
    good = tensor.principal_directions[0]
    assert good[0] * good[1] < 0
    assert tensor.anisotropy > 2
    assert tensor.asymmetry < 1e-3


def test_finer_voxels_converge_at_the_order_that_corners_allow():
    """A square inclusion; each halving of the voxels brings the answer nearer."""
    coarse = np.zeros((4, 4), np.uint8)
    coarse[1:3, 1:3] = 1
    found = []
    for times in (4, 8, 16, 32, 64):
        labels = np.kron(coarse, np.ones((times, times), np.uint8))
        k = {0: 1.0, 1: 10.0}
        result = mt.effective_conductivity(labels, k, boundary="periodic", tol=1e-6)
        found.append(result.effective)
    steps = np.abs(np.diff(found))
    orders = np.log2(steps[:-1] / steps[1:])
    assert (orders > 1.1).all(), orders
    assert (orders < 2.1).all(), orders


@pytest.mark.parametrize("ndim", [2, 3])
def test_conventions_of_the_boundary_tend_to_each_other(ndim):
    differences = []
    for n in (12, 48):
        shape = (n, *[8] * (ndim - 1))
        labels = np.random.default_rng(0).integers(0, 2, shape, np.uint8)
        k = {0: 1.0, 1: 5.0}
        face, centre = (
            mt.effective_conductivity(labels, k, boundary=b, tol=1e-6).effective
            for b in ("face", "centre")
        )
        differences.append(abs(face / centre - 1))
    assert differences[1] < differences[0] < 0.2
