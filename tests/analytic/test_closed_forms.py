"""Correlation functions of media whose answer is known on paper."""

import numpy as np
import pytest

import microtwin as mt
from microtwin.images import closed_forms, synthetic

LAGS = np.arange(33)


def seeds_agree(curves, expected, tolerance=4.5):
    """The mean over seeds lies within a few of its own standard errors at every lag."""
    curves = np.asarray(curves)
    error = curves.std(axis=0, ddof=1) / np.sqrt(len(curves))
    return np.all(np.abs(curves.mean(axis=0) - expected) <= tolerance * error + 1e-12)


@pytest.mark.parametrize("shape", [(256, 256), (48, 48, 48)])
@pytest.mark.parametrize("periodic", [False, True])
def test_two_point_of_uncorrelated_voxels_is_phi_squared(shape, periodic):
    curves = [
        mt.two_point(
            np.random.default_rng(seed).random(shape) < 0.3, phase=1, max_lag=20, periodic=periodic
        ).mean
        for seed in range(20)
    ]
    assert seeds_agree(np.array(curves)[:, 1:], 0.09)


def test_lineal_path_of_uncorrelated_voxels_is_phi_to_the_r_plus_one():
    curves = [
        mt.lineal_path(
            np.random.default_rng(seed).random((256, 256)) < 0.7, phase=1, max_lag=10
        ).mean
        for seed in range(20)
    ]
    assert seeds_agree(curves, 0.7 ** (np.arange(11) + 1))


@pytest.mark.parametrize("width", [1, 3, 8])
def test_stripes_across_give_a_triangle_wave_and_along_give_phi(width):
    n = 8 * width
    labels = np.tile(np.repeat([1, 0], width), (n, n // (2 * width)))
    lags = np.arange(n // 2 + 1)
    across = np.abs(lags / width % 2 - 1) * 0.5
    two_point = mt.two_point(labels, phase=1, periodic=True)
    assert two_point.values[1] == pytest.approx(across, abs=1e-15)
    assert np.array_equal(two_point.values[0], np.full(lags.size, 0.5))
    path = mt.lineal_path(labels, phase=1, periodic=True)
    expected = np.maximum(width - lags, 0) / (2 * width)
    assert path.values[1] == pytest.approx(expected, abs=1e-15)
    assert np.array_equal(path.values[0], np.full(lags.size, 0.5))


@pytest.mark.parametrize("ndim", [2, 3])
def test_checkerboard_of_cell_two(ndim):
    labels = (np.indices((16,) * ndim) // 2).sum(axis=0) % 2
    for axis in range(ndim):
        options = {"phase": 1, "max_lag": 4, "axes": axis, "periodic": True}
        assert mt.two_point(labels, **options).mean.tolist() == [0.5, 0.25, 0.0, 0.25, 0.5]
        assert mt.lineal_path(labels, **options).mean.tolist() == [0.5, 0.25, 0.0, 0.0, 0.0]


@pytest.mark.parametrize(("shape", "radius"), [((256, 256), 8.0), ((64, 64, 64), 7.0)])
def test_overlapping_discs_and_spheres(shape, radius):
    ndim = len(shape)
    media = [
        synthetic.overlapping_spheres(shape, radius=radius, porosity=0.6, seed=seed)
        for seed in range(24)
    ]
    medium = {"radius": radius, "porosity": 0.6, "ndim": ndim}
    for measure, closed_form in (
        (mt.two_point, closed_forms.overlapping_spheres_two_point),
        (mt.lineal_path, closed_forms.overlapping_spheres_lineal_path),
    ):
        curves = [measure(m, phase=0, max_lag=24, periodic=True).mean for m in media]
        assert seeds_agree(curves, closed_form(np.arange(25), **medium))


def test_two_point_of_one_disc_is_the_area_of_two_overlapping_discs():
    radius, side = 40.0, 200
    y, x = np.indices((side, side)) - (side - 1) / 2
    disc = (x**2 + y**2 <= radius**2).astype(np.uint8)
    r = np.arange(81.0)
    lens = 2 * radius**2 * np.arccos(r / (2 * radius)) - r / 2 * np.sqrt(4 * radius**2 - r**2)
    measured = mt.two_point(disc, phase=1, max_lag=80, periodic=True).mean * side**2
    # A disc of pixels misses the true area by its rim: here by less than half a percent.
    assert np.abs(measured - lens).max() < 0.005 * lens[0]


def test_specific_surface_of_discs_and_balls_is_perimeter_and_area():
    radius, side = 40.0, 200
    for ndim, expected in ((2, 2 * np.pi * radius), (3, 4 * np.pi * radius**2)):
        n = side if ndim == 2 else 100
        offsets = np.indices((n,) * ndim) - (n - 1) / 2
        grain = ((offsets**2).sum(axis=0) <= radius**2).astype(np.uint8)
        surface = mt.describe(grain, phase=1, max_lag=4, spacing=0.5).specific_surface
        assert surface * (0.5 * n) ** ndim == pytest.approx(expected * 0.5 ** (ndim - 1), rel=0.01)


def test_published_curve_of_berea_sandstone(shared_data):
    import csv

    folder = shared_data / "berea400"
    archive = np.load(folder / "berea_400_uint8.npz")
    voxels = archive[archive.files[0]]
    with (folder / "S2_pore_published.csv").open() as file:
        rows = list(csv.DictReader(file))
    pore = 0 if abs((voxels == 0).mean() - 0.1965) < 0.01 else 255
    measured = mt.two_point(voxels, phase=pore, max_lag=39)
    for column, axis in (("x", 0), ("y", 2), ("z", 1)):
        published = np.array([float(row[column]) for row in rows])[:40]
        assert np.abs(measured.values[axis] - published).max() < 1e-12
