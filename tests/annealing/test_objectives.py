"""What can be annealed to: every function, along every direction, of any number of phases."""

import numpy as np
import pytest

import microtwin as mt
from microtwin.errors import InputError
from microtwin.images import synthetic

QUICK = {"map_radius": 0, "reheats": 0}


def blobs(shape=(96, 96), length=3, seed=0):
    return synthetic.gaussian_field(shape, correlation_length=length, fraction=0.4, seed=seed)


def off(twin, target, statistic, directions="axes"):
    """The largest deviation of a function of the twin, measured by its public function."""
    wanted = target.function(statistic, directions=directions)
    lags = min(wanted.max_lag, min(twin.labels.shape) // 2)
    measure = {"cluster": mt.cluster_function}.get(statistic, getattr(mt, statistic, None))
    found = measure(
        twin.labels, phase=target.phase, max_lag=lags, directions=directions, periodic=True
    )
    return float(np.nanmax(np.abs(found.values - wanted.values[:, : lags + 1])[:, 1:]))


@pytest.mark.parametrize(
    ("statistic", "directions"),
    [
        ("chord_length", "axes"),
        ("cluster", "axes"),
        ("two_point", "face_diagonals"),
        ("lineal_path", "face_diagonals"),
        ("two_point", "radial"),
    ],
)
def test_what_is_constrained_agrees_and_what_is_not_does_not(statistic, directions):
    free, bound = [], []
    for seed in range(3):
        real = blobs(seed=seed)
        target = mt.describe(
            real,
            phase=1,
            statistics=["two_point", statistic],
            directions=["axes", directions],
            max_lag=16,
            periodic=True,
        )
        run = {"shape": real.shape, "start": "noise", "seed": seed, "tolerance": 1e-6}
        axes = mt.describe(real, phase=1, statistics="two_point", max_lag=16, periodic=True)
        free.append(off(mt.anneal(axes, **run, **QUICK), target, statistic, directions))
        bound.append(off(mt.anneal(target, **run, **QUICK), target, statistic, directions))
    assert np.median(bound) < 1e-3
    assert np.median(bound) < 0.15 * np.median(free)


def test_surface_functions_are_constrained_by_name_only():
    real = blobs()
    target = mt.describe(
        real, phase=1, statistics=["two_point", "surface_void"], max_lag=16, periodic=True
    )
    run = {"shape": real.shape, "start": "noise", "seed": 0, **QUICK}
    free = mt.anneal(target, **run)
    bound = mt.anneal(target, functions=["two_point", "surface_void"], **run)

    def faces(labels):
        """F_sv of the faces of voxels: half a face belongs to either of its voxels."""
        phase = labels == 1
        near = sum(np.roll(phase, by, axis) != phase for axis in (0, 1) for by in (-1, 1)) / 2
        return np.array(
            [(near * (np.roll(phase, r, 1) + 0.0 + np.roll(phase, -r, 1))).mean() / 2
             for r in range(1, 17)]
        )  # fmt: skip

    wanted = faces(np.asarray(real))
    loose, tight = (np.abs(faces(twin.labels) - wanted).max() for twin in (free, bound))
    assert tight < min(2e-3, 0.25 * loose)
    assert bound.energy > free.energy  # of more functions
    forgetful = mt.describe(
        real, phase=1, statistics=["two_point", "surface_void"], max_lag=16, remember=False
    )
    with pytest.raises(InputError, match="only where target remembers the structures"):
        mt.anneal(forgetful, shape=(96, 96), functions="surface_void")


def test_the_map_is_annealed_where_it_is_known():
    """Not only of media that Gaussian fields resemble, and of images that do not wrap."""
    discs = synthetic.overlapping_spheres((192, 160), radius=6.0, porosity=0.6, seed=0)
    for real, shape in ((discs, (128, 128)), (blobs((40, 44, 48)), (36, 40, 32))):
        target = mt.describe(real, phase=1, max_lag=12)
        with_map = mt.anneal(target, shape=shape, reheats=0)
        curves_alone = mt.anneal(target, shape=shape, start="noise", **QUICK)
        assert with_map.map_error(radius=12) < 2e-3
        assert with_map.map_error(radius=12) < 0.2 * curves_alone.map_error(radius=12)
        assert with_map.map_error(radius=12) == with_map.map_error(real, radius=12)


def test_an_isotropic_volume_follows_the_map_of_an_image():
    real = blobs((160, 160))
    target = mt.describe(real, phase=1, max_lag=12, periodic=True)
    twin = mt.anneal(target, shape=(40, 40, 40), seed=0, tolerance=1e-6)
    radial = mt.two_point_radial(twin.labels, phase=1, max_lag=12, periodic=True).mean
    wanted = mt.two_point_radial(real, phase=1, max_lag=12, periodic=True).mean
    # At short lags the voxels of a shell differ in two and three dimensions.
    assert np.abs(radial - wanted)[3:].max() < 3e-3


def test_a_map_that_is_not_known_cannot_be_asked_for():
    target = mt.describe(blobs(), phase=1, max_lag=8, remember=False)
    assert mt.anneal(target, shape=(32, 32), max_proposals=10).proposals == 10
    with pytest.raises(InputError, match="map_radius must be 0 where S2"):
        mt.anneal(target, shape=(32, 32), map_radius=8)


@pytest.mark.parametrize("start", ["noise", "labels"])
def test_a_map_that_nothing_asks_for_is_not_measured(monkeypatch, start):
    target = mt.describe(blobs(), phase=1, max_lag=8)
    measured = []
    monkeypatch.setattr(
        mt.Description, "two_point_map", lambda *_, **given: measured.append(given) or None
    )
    given = blobs((32, 32), seed=1) if start == "labels" else start
    mt.anneal(target, shape=(32, 32), start=given, max_proposals=10, map_radius=0)
    assert not measured
    mt.anneal(target, shape=(32, 32), start=given, max_proposals=10)
    assert len(measured) == 1


def test_many_images_are_one_target():
    images = [blobs((64, 64), seed=seed) for seed in range(4)]
    target = mt.describe(images, phase=1, max_lag=16, periodic=True)
    twin = mt.anneal(target, shape=(64, 64), seed=1)
    mean = np.mean([mt.two_point(i, phase=1, max_lag=16, periodic=True).values for i in images], 0)
    found = mt.two_point(twin.labels, phase=1, max_lag=16, periodic=True).values
    assert np.abs(found - mean)[:, 1:].max() < 2e-3


def test_three_phases_have_each_its_chords():
    grains = synthetic.voronoi((64, 64), cells=60, phases=3, seed=0)
    target = mt.describe(grains, statistics=["two_point", "chord_length"], periodic=True)
    twin = mt.anneal(target, shape=(64, 64), max_lag=12, seed=0)
    noise = mt.anneal(target, shape=(64, 64), max_lag=12, start="noise", max_proposals=0)
    assert twin.energy < 1e-3 * noise.energy
    assert np.array_equal(np.bincount(twin.labels.ravel()), np.bincount(grains.ravel()))


def test_known_voxels_stay_and_the_rest_follows():
    real = blobs((48, 48, 48))
    target = mt.describe(real, phase=1, max_lag=12, periodic=True)
    fixed = np.full(real.shape, -1)
    fixed[10], fixed[:, 30] = real[10], real[:, 30]
    for start in ("auto", "noise", "phase_retrieval"):
        twin = mt.anneal(target, shape=real.shape, fixed=fixed, start=start, tolerance=1e-5)
        assert np.array_equal(twin.labels[fixed >= 0], real[fixed >= 0])
        assert twin.stop_reason == "energy"
        assert twin.labels.sum() == real.sum()
        assert (twin.labels != real)[fixed < 0].mean() > 0.05


@pytest.mark.parametrize(
    ("fixed", "message"),
    [
        (np.zeros((8, 8)), r"fixed must have the shape \(32, 32\)"),
        (np.full((32, 32), 300), "fixed must be labels 0 .. 255 and -1"),
        (np.full((32, 32), 0.5), "fixed must be labels, and -1"),
        (np.ones((32, 32)), "fixed must hold at most"),
        (np.full((32, 32), 7), "labels of fixed must be among"),
    ],
)
def test_known_voxels_that_do_not_fit(fixed, message):
    target = mt.describe(blobs((64, 64)), phase=1, max_lag=8)
    with pytest.raises(InputError, match=message):
        mt.anneal(target, shape=(32, 32), fixed=fixed)
