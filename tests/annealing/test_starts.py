"""Structures to begin from."""

import numpy as np
import pytest

import microtwin as mt
from microtwin.annealing import _starts
from microtwin.annealing._targets import voxel_counts
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
