"""Maps and surface functions of media whose answer is known on paper."""

import numpy as np
import pytest

import microtwin as mt
from microtwin.images import closed_forms, synthetic


def lengths(reach):
    return np.sqrt(sum(np.square(lag) for lag in np.ix_(*[np.arange(-m, m + 1) for m in reach])))


def shells(form, ndim, last):
    """Average a function of the distance over the displacements of each shell."""
    r = lengths((last,) * ndim)
    bins = np.rint(r).astype(int)
    with np.errstate(all="ignore"):
        values = form(r)
    return np.array([values[bins == k].mean() for k in range(1, last + 1)])


@pytest.mark.parametrize(("shape", "radius"), [((200, 180), 7.0), ((48, 44, 40), 6.0)])
@pytest.mark.parametrize("periodic", [False, True])
def test_map_of_overlapping_spheres_depends_on_the_distance_alone(shape, radius, periodic):
    medium = {"radius": radius, "porosity": 0.6, "ndim": len(shape)}
    media = [
        synthetic.overlapping_spheres(shape, radius=radius, porosity=0.6, seed=seed)
        for seed in range(12)
    ]
    maps = [mt.two_point_map(m, phase=0, max_lag=12, periodic=periodic) for m in media]
    expected = closed_forms.overlapping_spheres_two_point(lengths(maps[0].max_lag), **medium)
    # The fraction of a sample scatters, and all lags with it.
    values = np.array([m.values - m.values[(12,) * len(shape)] for m in maps])
    error = values.std(axis=0, ddof=1) / np.sqrt(len(maps)) + 1e-12
    assert np.abs((values.mean(axis=0) - (expected - 0.6)) / error).mean() < 2
    radial = sum(maps[1:], maps[0]).radial()
    form = shells(lambda r: closed_forms.overlapping_spheres_two_point(r, **medium), len(shape), 12)
    fraction = radial.mean[0]
    assert np.abs((radial.mean[1:] - fraction) - (form - 0.6)).max() < 0.02


@pytest.mark.parametrize("ndim", [2, 3])
def test_map_of_a_checkerboard_of_single_cells_is_a_checkerboard(ndim):
    shape = (6, 8, 4)[:ndim]
    board = np.indices(shape).sum(axis=0) % 2
    map_ = mt.two_point_map(board, phase=1, periodic=True)
    expected = (1 - sum(np.ix_(*[lag % 2 for lag in map_.lags])) % 2) / 2
    assert np.array_equal(map_.values, expected)
    other = mt.two_point_map(board, phase=(1, 0), periodic=True)
    assert np.array_equal(other.values, 0.5 - expected)


def test_map_of_stripes_is_a_triangle_wave_across_and_constant_along():
    stripes = synthetic.stripes((24, 30), width=4, axis=0)
    map_ = mt.two_point_map(stripes, phase=1, periodic=True)
    wave = np.abs(1 - np.abs(map_.lags[0]) % 8 / 4) / 2
    assert np.array_equal(map_.values, np.broadcast_to(wave[:, None], map_.shape))


@pytest.mark.parametrize("shape", [(30, 21), (8, 9, 10)])
def test_periodic_map_summed_over_a_period_is_the_square_of_the_number_of_voxels(shape):
    labels = np.random.default_rng(0).integers(0, 3, shape)
    lags = tuple(n - 1 for n in shape)
    period = tuple(slice(m, None) for m in lags)
    number = [int((labels == p).sum()) for p in range(3)]
    for phase, partner in ((1, 1), (1, 2), (0, 1)):
        map_ = mt.two_point_map(labels, phase=(phase, partner), max_lag=lags, periodic=True)
        assert map_.hits[period].sum() == number[phase] * number[partner]


@pytest.mark.parametrize("shape", [(30, 21), (8, 9, 10)])
def test_map_to_the_ends_of_a_structure_holds_every_pair_once(shape):
    labels = np.random.default_rng(1).integers(0, 2, shape)
    map_ = mt.two_point_map(labels, phase=1, max_lag=[n - 1 for n in shape])
    assert map_.hits.sum() == labels.sum() ** 2
    assert map_.trials.sum() == labels.size**2


@pytest.mark.parametrize("periodic", [False, True])
def test_maps_of_all_pairs_of_phases_add_up_to_the_trials(periodic):
    labels = np.random.default_rng(2).integers(0, 3, (20, 24))
    mask = np.random.default_rng(3).random((20, 24)) < 0.8
    options = {"periodic": periodic, "mask": mask}
    maps = {
        (i, j): mt.two_point_map(labels, phase=(i, j), **options)
        for i in range(3)
        for j in range(3)
    }
    assert np.array_equal(sum(m.hits for m in maps.values()), maps[0, 0].trials)
    assert np.array_equal(maps[1, 2].hits, maps[2, 1].hits[::-1, ::-1])
    assert np.array_equal(maps[1, 1].hits, maps[1, 1].hits[::-1, ::-1])


def test_map_is_what_scipy_correlates(shared_data):
    from scipy import signal

    archive = np.load(shared_data / "berea400" / "berea_400_uint8.npz")
    crop = archive[archive.files[0]][100:150, 200:260, 40:85]
    pore = (crop == crop.min()).astype(np.int64)
    map_ = mt.two_point_map(pore, phase=1, max_lag=[n - 1 for n in pore.shape])
    # correlate's first lag is that of its first argument ahead of the second.
    expected = signal.correlate(pore.astype(float), pore.astype(float), method="fft")
    assert np.array_equal(map_.hits, np.rint(expected))
    ones = np.ones(pore.shape)
    assert np.array_equal(map_.trials, np.rint(signal.correlate(ones, ones, method="fft")))


def test_periodic_map_of_micrographs_is_the_inverse_of_the_power_spectrum(shared_data):
    from scipy import fft

    archive = np.load(shared_data / "mcrpy_2d" / "mcrpy_2d.npz")
    for name in archive.files[:3]:
        labels = np.squeeze(archive[name])[:250, :243]
        phase = int(labels.max())
        one = (labels == phase).astype(float)
        power = np.square(np.abs(fft.rfftn(one)))
        reach = tuple(n - 1 for n in one.shape)
        map_ = mt.two_point_map(labels, phase=phase, max_lag=reach, periodic=True)
        expected = np.rint(fft.irfftn(power, one.shape))
        assert np.array_equal(map_.hits[reach[0] :, reach[1] :], expected)


def grain(ndim, side, radius, seed):
    centre = side / 2 + np.random.default_rng(seed).uniform(-0.5, 0.5, ndim)
    offsets = np.indices((side,) * ndim) - centre.reshape(-1, *[1] * ndim)
    return (np.square(offsets).sum(axis=0) < radius**2).astype(np.uint8)


@pytest.mark.parametrize(("ndim", "side", "radius", "last"), [(2, 64, 20.0, 16), (3, 32, 9.0, 10)])
@pytest.mark.parametrize("periodic", [False, True])
def test_surface_functions_of_one_disc_and_one_ball(ndim, side, radius, last, periodic):
    """F_ss V = 2πR²/r and F_sv V = 2πR² - πRr inside a ball; a disc's follow from its chords."""
    options = {"phase": 1, "max_lag": last, "directions": "radial", "periodic": periodic}
    grains = [grain(ndim, side, radius, seed) for seed in range(4)]
    two_sides = 4 * radius**2
    forms = {
        mt.surface_surface: {
            2: lambda r: two_sides / (r * np.sqrt(two_sides - r**2)),
            3: lambda r: 2 * np.pi * radius**2 / r,
        },
        mt.surface_void: {
            2: lambda r: 2 * radius * np.arccos(r / (2 * radius)),
            3: lambda r: 2 * np.pi * radius**2 - np.pi * radius * r,
        },
    }
    for measure, form in forms.items():
        expected = shells(form[ndim], ndim, last)
        functions = [measure(g, **options) for g in grains]
        mean = sum(functions[1:], functions[0])
        # Where pairs must be inside, those of the grain are all still there: count, don't divide.
        ways = 1 if measure is mt.surface_surface else 2
        pairs = np.bincount(np.rint(lengths((last,) * ndim)).astype(int).ravel())[1 : last + 1]
        measured = mean.hits[0, 1:] / (ways * len(grains) * pairs)
        tolerance = 0.05 if measure is mt.surface_surface else 0.01
        assert measured[1:] == pytest.approx(expected[1:], rel=tolerance)


@pytest.mark.parametrize(
    ("shape", "radius", "seeds"), [((400, 400), 8.0, 8), ((80, 80, 80), 6.0, 3)]
)
def test_surface_functions_of_overlapping_spheres(shape, radius, seeds):
    """F_sv = ρ v' S2 and F_ss = (ρ² v'² + ρ v'') S2, v' and v'' how their union grows."""
    ndim, last = len(shape), int(3 * radius)
    r = np.arange(1.0, last + 1)
    x = np.minimum(r / (2 * radius), 1)
    near = r < 2 * radius
    if ndim == 3:
        grows = np.where(near, 2 * np.pi * radius**2 + np.pi * radius * r, 4 * np.pi * radius**2)
        both = np.where(near, 2 * np.pi * radius**2 / r, 0)
    else:
        grows = 2 * np.pi * radius - 2 * radius * np.arccos(x)
        both = np.where(near, 2 * radius / (r * np.sqrt(np.maximum(1 - x**2, 1e-9))), 0)
    ratios = {mt.surface_surface: [], mt.surface_void: []}
    for seed in range(seeds):
        medium = synthetic.overlapping_spheres(shape, radius=radius, porosity=0.5, seed=seed)
        options = {"phase": 0, "max_lag": last, "directions": "radial", "periodic": True}
        s2 = mt.two_point(medium, **options).mean
        density = -np.log(s2[0]) / closed_forms.ball_volume(radius, ndim=ndim)
        expected = {
            mt.surface_void: density * grows * s2[1:],
            mt.surface_surface: (density**2 * grows**2 + density * both) * s2[1:],
        }
        for measure, curve in expected.items():
            ratios[measure].append(measure(medium, **options).mean[1:] / curve - 1)
    # Where two grains just touch, the closed form of discs has a pole.
    lags = (r >= 3) & (np.abs(r - 2 * radius) > 1.5)
    for errors in ratios.values():
        error = np.mean(errors, axis=0)
        assert np.abs(error[lags]).max() < 0.06
        assert np.abs(error[r > 2 * radius + 2]).max() < 0.03


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_surface_functions_of_layers_are_exact(axis):
    layers = synthetic.stripes((32, 32, 32), width=8, axis=axis)
    options = {"phase": 1, "max_lag": 16, "periodic": True}
    ss = mt.surface_surface(layers, **options)
    along = [a for a in range(3) if a != axis]
    # Along the layers: interface of density 1/8, half of it in each of the two voxels beside it.
    assert ss.values[along] == pytest.approx(1 / 16, rel=1e-6)
    assert ss.values[axis, :8].mean() == pytest.approx(1 / 64, rel=1e-6)
    sv = mt.surface_void(layers, **options)
    assert sv.values == pytest.approx(1 / 16, rel=1e-6)


@pytest.mark.parametrize("shape", [(150, 150), (40, 40, 40)])
@pytest.mark.parametrize("periodic", [False, True])
def test_the_two_sides_of_an_interface_add_up_to_its_density(shape, periodic):
    labels = synthetic.gaussian_field(shape, correlation_length=6.0, fraction=0.35, seed=4)
    options = {"max_lag": 12, "periodic": periodic, "directions": "face_diagonals"}
    sides = [mt.surface_void(labels, phase=p, **options) for p in (0, 1)]
    total = sides[0].hits + sides[1].hits
    density = total / sides[0].trials
    if periodic:
        assert density == pytest.approx(density[0, 0], rel=1e-6)
        other = mt.surface_surface(labels, phase=0, **options).values
        assert mt.surface_surface(labels, phase=1, **options).values == pytest.approx(
            other, rel=1e-5
        )
        # s by the slope of S2 is another way to the same number.
        slope = mt.describe(labels, phase=1, max_lag=2, periodic=True).specific_surface
        assert density[:, 0].mean() == pytest.approx(slope, rel=0.04)
    else:
        assert density == pytest.approx(density[0, 0], rel=0.1)
