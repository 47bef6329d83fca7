"""Structures to begin from."""

import numpy as np
import pytest

import microtwin as mt
from microtwin.annealing import _starts
from microtwin.annealing._targets import voxel_counts
from microtwin.annealing._wanted import wanted_map
from microtwin.errors import InputError
from microtwin.images import synthetic


def blobs(shape=(128, 128), seed=0, fraction=0.35):
    return synthetic.gaussian_field(shape, correlation_length=5, fraction=fraction, seed=seed)


def started(make, real, shape=None, *, known="map", seed=0, **options):
    """Start from all that is known of a structure: the map, or the curves along the axes."""
    shape = real.shape if shape is None else shape
    target = mt.describe(real, phase=1, periodic=True)
    s2 = mt.two_point_map(real, phase=1, periodic=True) if known == "map" else None
    counts = voxel_counts(target, int(np.prod(shape)))
    return make(target, s2, shape, counts, seed, 2, **options), counts


def curves(labels, max_lag=20):
    s2 = mt.two_point_map(labels, phase=1, max_lag=max_lag, periodic=True)
    diagonal = s2.along((1,) * labels.ndim)
    return [s2.along(np.eye(labels.ndim, dtype=int)[0]), diagonal, s2.radial().mean]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("known", "near"), [("map", 0.02), ("curves", 0.03)])
def test_a_cut_gaussian_field_has_the_two_point_probability_all_around(seed, known, near):
    real = blobs(seed=seed)
    labels, counts = started(_starts.gaussian_field, real, known=known, seed=seed)
    assert dict(enumerate(np.bincount(labels.ravel()))) == counts
    for mine, theirs in zip(curves(labels), curves(real), strict=True):
        assert np.abs(mine - theirs).max() < near


def test_a_gaussian_start_of_discs_is_a_volume_too():
    real = synthetic.overlapping_spheres((48,) * 3, radius=5, porosity=0.5, seed=1)
    labels, counts = started(_starts.gaussian_field, real)
    assert labels.sum() == counts[1]
    for mine, theirs in zip(curves(labels, 16), curves(real, 16), strict=True):
        assert np.abs(mine - theirs).max() < 0.02


@pytest.mark.parametrize("fraction", [0.02, 0.5, 0.97])
def test_the_covariance_belongs_to_the_two_point_probability(fraction):
    from microtwin.images.closed_forms import gaussian_field_two_point

    lags = np.arange(30.0)
    s2 = gaussian_field_two_point(lags, correlation_length=6, fraction=fraction)
    assert np.allclose(_starts._covariance(s2, fraction), np.exp(-((lags / 6) ** 2)), atol=2e-4)


def test_a_gaussian_start_follows_its_seed():
    first, again, other = (started(_starts.gaussian_field, blobs(), seed=s)[0] for s in (3, 3, 4))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_gaussian_start_is_for_two_phases():
    grains = synthetic.voronoi((64, 64), cells=60, phases=3, seed=0)
    with pytest.raises(InputError, match="gaussian for two phases only; target has 3"):
        started(_starts.gaussian_field, grains)


@pytest.mark.parametrize("make", [_starts.gaussian_field, _starts.retrieve])
def test_the_map_of_an_image_makes_an_isotropic_volume(make):
    image = blobs((256, 256), fraction=0.4)
    volume, counts = started(make, image, (48, 48, 48))
    assert volume.sum() == counts[1]
    wanted = mt.two_point_map(image, phase=1, max_lag=16, periodic=True).radial().mean
    for mine in (*curves(volume, 16)[::2], mt.two_point(volume, phase=1, axes=2).mean[:17]):
        assert np.abs(mine - wanted).max() < 0.025


def test_a_map_that_ends_early_is_uncorrelated_beyond():
    image = blobs((64, 64))
    target = mt.describe(image, phase=1, periodic=True)
    s2 = mt.two_point_map(image, phase=1, max_lag=4, periodic=True)
    wanted = wanted_map(target, s2, 1, (24, 24, 24))
    assert wanted.flat[0] == pytest.approx(target.porosity)
    assert wanted[0, 3, 0] == wanted[3, 0, 0] == pytest.approx(s2.radial().mean[3])
    assert wanted[12, 12, 12] == wanted[0, 0, 5] == pytest.approx(target.porosity**2)


@pytest.mark.parametrize("make", [_starts.gaussian_field, _starts.retrieve])
@pytest.mark.parametrize("seed", [0, 1])
def test_fixed_voxels_keep_their_labels_and_the_counts_stay_exact(make, seed):
    real = blobs((96, 96), seed=seed)
    mask = np.zeros(real.shape, bool)
    mask[10:30, 40:90] = True
    labels, counts = started(make, real, seed=seed, fixed=(mask, real))
    assert np.array_equal(labels[mask], real[mask])
    assert labels.sum() == counts[1]
    assert (labels != real)[~mask].mean() > 0.1
    assert np.abs(curves(labels)[2] - curves(real)[2]).max() < 0.05


def test_phase_retrieval_goes_on_from_what_is_fixed():
    """Next to a fixed voxel its neighbour mostly is of its phase; in a cut field by chance only."""
    real = blobs((96, 96), seed=3)
    mask = np.zeros(real.shape, bool)
    mask[::8] = True
    labels, _ = started(_starts.retrieve, real, fixed=(mask, real))
    beside = np.roll(mask, 1, 0)
    assert (labels == np.roll(labels, 1, 0))[beside].mean() > 0.8


def test_noise_of_three_phases_has_the_counts_and_keeps_what_is_fixed():
    counts = {0: 500, 3: 300, 7: 224}
    free = _starts.noise((32, 32), counts, 5)
    assert dict(zip(*map(np.ndarray.tolist, np.unique(free, return_counts=True)), strict=True)) == (
        counts
    )
    assert np.array_equal(free, _starts.noise((32, 32), counts, 5))
    mask = np.arange(1024).reshape(32, 32) % 5 == 0
    given = np.full((32, 32), 7)
    some = _starts.noise((32, 32), counts, 5, (mask, given))
    assert (some[mask] == 7).all()
    assert np.array_equal(np.bincount(some.ravel()), np.bincount(free.ravel()))
    s2 = mt.two_point(some[~mask].reshape(-1, 1), phase=0, max_lag=1, axes=0).mean
    assert s2[1] == pytest.approx(s2[0] ** 2, abs=0.05)


@pytest.mark.parametrize(
    ("mask", "labels", "message"),
    [
        (np.ones((4, 5)), np.ones((4, 4)), r"the mask of fixed must have the shape .* \(4, 4\)"),
        (np.ones((4, 4), int), np.ones((4, 5)), r"labels of fixed must have the shape \(4, 4\)"),
        (
            np.eye(4, dtype=int),
            np.full((4, 4), 2),
            r"labels of fixed must be among \[0, 1\], not 2",
        ),
        (np.ones((4, 4), int), np.ones((4, 4)), "at most 6 voxels of phase 1, .* not 16"),
    ],
)
def test_what_cannot_be_fixed_is_refused(mask, labels, message):
    with pytest.raises(InputError, match=message):
        _starts.noise((4, 4), {0: 10, 1: 6}, 0, (mask, labels))


@pytest.mark.parametrize("make", [_starts.gaussian_field, _starts.retrieve])
def test_long_lags_of_a_structure_that_does_not_wrap_do_no_harm(make):
    real = synthetic.gaussian_field((200, 200), correlation_length=5, fraction=0.4, periodic=False)
    target = mt.describe(real, phase=1)
    counts = voxel_counts(target, real.size)
    far, near = (
        make(target, target.two_point_map(max_lag), real.shape, counts, 0, 2)
        for max_lag in (None, 33)
    )
    assert np.array_equal(far, near)
    wanted = mt.two_point_map(real, phase=1, max_lag=16).values
    found = mt.two_point_map(far, phase=1, max_lag=16, periodic=True).values
    assert np.sqrt(np.mean((found - wanted) ** 2)) < 0.006
