"""The reference media have the correlation functions that their docstrings promise.

Random media are judged by the scatter of many independent samples: the mean of a function at every
lag must agree with the closed form within its standard error.
"""

import numpy as np
import pytest

from microtwin.errors import InputError
from microtwin.images import closed_forms as forms
from microtwin.images import synthetic

LAGS = np.arange(13)


def two_point(mask, axis, periodic):
    """S2 along one axis by shifting the whole array."""
    if periodic:
        return np.array([(mask & np.roll(mask, -r, axis)).mean() for r in LAGS])
    lines = np.moveaxis(mask, axis, 0)
    return np.array([(lines[: len(lines) - r] & lines[r:]).mean() for r in LAGS])


def lineal_path(mask, axis, periodic):
    """L along one axis by anding shifted arrays."""
    lines = np.moveaxis(mask, axis, 0)
    alive, curve = lines.copy(), []
    for r in LAGS:
        if r:
            alive = alive & np.roll(lines, -r, 0) if periodic else alive[:-1] & lines[r:]
        curve.append(alive.mean())
    return np.array(curve)


def assert_mean_is(samples, expected, *, limit=4.5):
    """Compare curves (samples, lags) with `expected` in units of the standard error of their mean.

    A curve has about a dozen correlated lags; 4.5 standard errors at the worst of them come by
    chance in less than one case of ten thousand, and the seeds are fixed.
    """
    samples = np.asarray(samples)
    error = samples.std(axis=0, ddof=1) / np.sqrt(len(samples))
    deviation = np.abs(samples.mean(axis=0) - expected)
    assert (deviation <= limit * error + 1e-12).all(), deviation / error
    # The error bars must be small enough for the comparison to mean something.
    assert error.max() < 0.02


def curves(make, phase, *, function, count, periodic=True):
    """Return one curve a sample, averaged over the axes."""
    result = []
    for seed in range(count):
        mask = make(seed) == phase
        result.append(np.mean([function(mask, a, periodic) for a in range(mask.ndim)], axis=0))
    return result


BOOLEAN = [((96, 96), 4.3), ((40, 40, 40), 4.3)]


@pytest.mark.parametrize("periodic", [True, False])
@pytest.mark.parametrize(("shape", "radius"), BOOLEAN)
def test_void_between_overlapping_spheres_has_the_boolean_models_s2_and_l(shape, radius, periodic):
    options = {"radius": radius, "porosity": 0.45}

    def make(seed):
        return synthetic.overlapping_spheres(shape, seed=seed, periodic=periodic, **options)

    known = {**options, "ndim": len(shape)}
    for function, form in [
        (two_point, forms.overlapping_spheres_two_point),
        (lineal_path, forms.overlapping_spheres_lineal_path),
    ]:
        got = curves(make, 0, function=function, count=60, periodic=periodic)
        assert_mean_is(got, form(LAGS, **known))


@pytest.mark.parametrize("periodic", [True, False])
@pytest.mark.parametrize("fraction", [0.5, 0.2])
@pytest.mark.parametrize(("shape", "length"), [((96, 96), 5.0), ((36, 36, 36), 4.0)])
def test_cut_gaussian_field_has_berks_s2(shape, length, fraction, periodic):
    options = {"correlation_length": length, "fraction": fraction}

    def make(seed):
        return synthetic.gaussian_field(shape, seed=seed, periodic=periodic, **options)

    got = curves(make, 1, function=two_point, count=60, periodic=periodic)
    assert_mean_is(got, forms.gaussian_field_two_point(LAGS, **options))


def test_gaussian_field_at_one_half_is_the_arcsine_law():
    correlation = np.exp(-((LAGS / 5.0) ** 2))
    got = forms.gaussian_field_two_point(LAGS, correlation_length=5.0, fraction=0.5)
    assert got == pytest.approx(0.25 + np.arcsin(correlation) / (2 * np.pi), abs=1e-12)
    for fraction in (0.01, 0.3, 0.9):
        curve = forms.gaussian_field_two_point([0, 1e6], correlation_length=5.0, fraction=fraction)
        assert curve == pytest.approx([fraction, fraction**2], abs=1e-9)


def test_discrete_lineal_path_tends_to_the_continuum_for_large_grains():
    lags, radius, porosity = np.arange(0, 400, 50), 400.0, 0.6
    for ndim, section in ((2, 2 * radius), (3, np.pi * radius**2)):
        got = forms.overlapping_spheres_lineal_path(
            lags, radius=radius, porosity=porosity, ndim=ndim
        )
        density = -np.log(porosity) / forms.ball_volume(radius, ndim=ndim)
        volume = forms.ball_volume(radius, ndim=ndim)
        assert got == pytest.approx(np.exp(-density * (volume + lags * section)), rel=2e-3)


def test_overlap_of_balls_is_that_of_counted_points():
    rng = np.random.default_rng(0)
    for ndim in (2, 3):
        points = rng.uniform(-1, 1, (400_000, ndim))
        for lag in (0.0, 0.5, 1.3, 2.0):
            inside = (points**2).sum(1) <= 1
            inside &= ((points - np.eye(ndim)[0] * lag) ** 2).sum(1) <= 1
            counted = inside.mean() * 2**ndim
            error = 2**ndim * np.sqrt(inside.mean() / len(points))
            known = forms.ball_overlap(lag, radius=1.0, ndim=ndim)
            assert counted == pytest.approx(known, abs=4 * error + 1e-12)


@pytest.mark.parametrize(("shape", "cells"), [((96, 96), 150), ((28, 28, 28), 100)])
def test_all_phases_of_random_cells_share_the_chance_of_one_cell(shape, cells):
    phases, deviations = 3, []
    for seed in range(60):
        ids = synthetic.voronoi_cells(shape, cells, np.random.default_rng(seed), True)
        same = np.array([(ids == np.roll(ids, -r, 0)).mean() for r in LAGS])
        labels = synthetic.voronoi(shape, cells=cells, phases=phases, seed=seed)
        expected = forms.voronoi_two_point(same, fraction=1 / phases)
        deviations.append([two_point(labels == k, 0, True) - expected for k in range(phases)])
    assert_mean_is(np.mean(deviations, axis=1), np.zeros(len(LAGS)))
    for phase in range(phases):
        assert_mean_is(np.array(deviations)[:, phase], np.zeros(len(LAGS)))


def test_voronoi_voxels_belong_to_the_nearest_point_around_the_torus():
    rng = np.random.default_rng(4)
    points = np.random.default_rng(4).random((20, 2)) * (30, 40)
    ids = synthetic.voronoi_cells((30, 40), 20, rng, True)
    y, x = np.indices((30, 40))
    gaps = np.abs(np.stack([y, x], -1)[:, :, None] - points)
    nearest = (np.minimum(gaps, np.array([30, 40]) - gaps) ** 2).sum(-1).argmin(-1)
    assert (ids == nearest).all()


@pytest.mark.parametrize("shape", [(128, 128), (32, 32, 32)])
def test_uncorrelated_voxels_have_phi_squared_and_phi_to_the_r_plus_one(shape):
    def make(seed):
        return synthetic.bernoulli(shape, fraction=0.6, seed=seed)

    for function, form in [
        (two_point, forms.bernoulli_two_point),
        (lineal_path, forms.bernoulli_lineal_path),
    ]:
        got = curves(make, 1, function=function, count=40)
        assert_mean_is(got, form(LAGS, fraction=0.6))


@pytest.mark.parametrize("phase", [0, 1])
@pytest.mark.parametrize("cell", [1, 2, 5])
@pytest.mark.parametrize("ndim", [2, 3])
def test_checkerboard_is_exact(ndim, cell, phase):
    mask = synthetic.checkerboard((4 * cell,) * ndim, cell=cell) == phase
    for axis in range(ndim):
        s2 = two_point(mask, axis, True)
        assert s2 == pytest.approx(forms.checkerboard_two_point(LAGS, cell=cell), abs=1e-15)
        path = lineal_path(mask, axis, True)
        assert path == pytest.approx(forms.checkerboard_lineal_path(LAGS, cell=cell), abs=1e-15)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_stripes_alternate_along_one_axis_only(axis):
    mask = synthetic.stripes((24, 24, 24), width=3, axis=axis) == 1
    for other in range(3):
        if other == axis:
            s2, path = forms.checkerboard_two_point(LAGS, cell=3), forms.checkerboard_lineal_path
            assert two_point(mask, other, True) == pytest.approx(s2, abs=1e-15)
            assert lineal_path(mask, other, True) == pytest.approx(path(LAGS, cell=3), abs=1e-15)
        else:
            assert (two_point(mask, other, True) == 0.5).all()
            assert (lineal_path(mask, other, True) == 0.5).all()
    assert not mask[0, 0, 0]


@pytest.mark.parametrize("shape", [(200, 160), (60, 64, 68)])
@pytest.mark.parametrize("periodic", [True, False])
@pytest.mark.parametrize("porosity", [0.4, 0.7])
def test_agglomerates_have_the_porosity_asked_for(shape, periodic, porosity):
    labels = synthetic.agglomerate(shape, porosity=porosity, seed=1, periodic=periodic)
    assert labels.shape == shape
    particle = np.pi * 5**2 if len(shape) == 2 else 4 / 3 * np.pi * 5**3
    assert abs((labels == 0).mean() - porosity) < particle / labels.size


def test_a_section_of_agglomerates_is_like_a_plane_of_the_volume():
    options = {"particle_radius": 3.0, "pore_radius": 7.0, "porosity": 0.55}
    flat = curves(
        lambda seed: synthetic.agglomerate((140, 140), seed=seed, **options),
        1,
        function=two_point,
        count=30,
    )
    solid = curves(
        lambda seed: synthetic.agglomerate((52, 52, 52), seed=seed, **options),
        1,
        function=two_point,
        count=15,
    )
    error = np.hypot(*[np.std(s, axis=0, ddof=1) / np.sqrt(len(s)) for s in (flat, solid)])
    difference = np.abs(np.mean(flat, axis=0) - np.mean(solid, axis=0))
    # Porosity is held fixed by choosing how many particles come, so that a small box is not quite
    # the same ensemble as a large one: allow a hundredth beside the scatter.
    assert (difference < 4.5 * error + 0.01).all()


def test_secondary_pores_are_as_wide_as_asked_for():
    from scipy.ndimage import distance_transform_edt

    widths = {}
    for radius in (6.0, 14.0, 28.0):
        pores = [
            synthetic.agglomerate((256, 256), pore_radius=radius, seed=seed) == 0
            for seed in range(4)
        ]
        widths[radius] = np.mean([distance_transform_edt(pore)[pore].mean() for pore in pores])
    assert 1.2 * widths[6.0] < widths[14.0] < widths[28.0] / 1.2


MAKERS = {
    "overlapping_spheres": {"radius": 4.0, "porosity": 0.5},
    "gaussian_field": {"correlation_length": 5.0},
    "voronoi": {"cells": 20},
    "agglomerate": {"pore_radius": 6.0},
}


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("shape", [(33, 47), (21, 34, 28)])
@pytest.mark.parametrize("periodic", [True, False])
def test_same_seed_gives_the_same_structure_and_another_seed_another(name, shape, periodic):
    def make(seed):
        return getattr(synthetic, name)(shape, seed=seed, periodic=periodic, **MAKERS[name])

    labels = make(1)
    assert labels.shape == shape
    assert labels.dtype == np.uint8
    assert (labels == make(1)).all()
    assert (labels != make(2)).any()


@pytest.mark.parametrize("name", MAKERS)
def test_periodic_media_go_on_at_the_opposite_side(name):
    """Across the seam neighbours differ as often as anywhere; without periodicity more often."""
    seams, inner = {}, {}
    for periodic in (True, False):
        changes = []
        for seed in range(40):
            make = getattr(synthetic, name)
            labels = make((48, 48), seed=seed, periodic=periodic, **MAKERS[name])
            changes.append((labels != np.roll(labels, -1, 0)).mean(axis=1))
        changes = np.array(changes)
        seams[periodic], inner[periodic] = changes[:, -1].mean(), changes[:, :-1].mean()
    assert seams[True] < 1.3 * inner[True]
    assert seams[False] > 1.7 * inner[False]


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("overlapping_spheres", {"radius": 0.1, "porosity": 0.5}, "radius"),
        ("overlapping_spheres", {"radius": 3, "porosity": 0.0}, "porosity must be between 0 and 1"),
        ("overlapping_spheres", {"radius": 3, "porosity": 1.0}, "porosity must be between 0 and 1"),
        ("overlapping_spheres", {"radius": 3, "porosity": 0.5, "seed": -1}, "seed"),
        ("gaussian_field", {"correlation_length": -2}, "correlation_length"),
        ("gaussian_field", {"correlation_length": 3, "fraction": 2}, "fraction"),
        ("voronoi", {"cells": 0}, "cells"),
        ("voronoi", {"cells": 5, "phases": 300}, "phases"),
        ("agglomerate", {"pore_radius": 1e7}, "grains"),
        ("agglomerate", {"particle_radius": 0.2}, "particle_radius"),
        ("checkerboard", {"cell": 0}, "cell"),
        ("stripes", {"width": 2, "axis": 5}, "axis"),
        ("bernoulli", {"fraction": 1.5}, "fraction"),
    ],
)
def test_impossible_media_are_refused(name, options, message):
    with pytest.raises(InputError, match=message):
        getattr(synthetic, name)((40, 40), **options)


def test_pores_larger_than_the_structure_may_leave_no_room():
    options = {"pore_radius": 100, "porosity": 0.9}
    with pytest.raises(InputError, match="pore_radius 100 leaves too little room"):
        [synthetic.agglomerate((8, 8), seed=seed, **options) for seed in range(20)]


def test_too_many_grains_are_refused_before_the_memory_is_gone():
    with pytest.raises(InputError, match="grains"):
        synthetic.overlapping_spheres((4000, 4000, 4000), radius=0.5, porosity=0.5)
    with pytest.raises(InputError, match="shape"):
        synthetic.checkerboard((3, 3, 3, 3), cell=1)
