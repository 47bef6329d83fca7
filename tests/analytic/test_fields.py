"""Pore sizes, thickness and Minkowski functionals of media whose answer is known on paper."""

import itertools

import numpy as np
import pytest

import microtwin as mt
from microtwin.images import closed_forms, synthetic
from microtwin.statistics import _lattice

BOOLEAN = [((256, 256), 8.0), ((64, 64, 64), 7.0)]


def agree(samples, expected, tolerance=4.5):
    """The mean over seeds lies within a few of its own standard errors."""
    samples = np.asarray(samples)
    error = samples.std(axis=0, ddof=1) / np.sqrt(len(samples))
    return np.all(np.abs(samples.mean(axis=0) - expected) <= tolerance * error + 1e-12)


def boolean_media(shape, radius, seeds, porosity=0.6):
    for seed in range(seeds):
        yield synthetic.overlapping_spheres(shape, radius=radius, porosity=porosity, seed=seed)


def ball(radius, ndim, centre=0.0, margin=3):
    side = int(2 * radius) + 2 * margin
    offsets = np.indices((side,) * ndim) - (side / 2 - 0.5 + centre)
    return ((offsets**2).sum(axis=0) <= radius**2).astype(np.uint8)


def voids_of_a_ball(reach, radius, ndim, porosity):
    """P[all voxel centres up to `reach` from one are void], exact but for the sum over a grid."""
    steps = range(-int(reach), int(reach) + 1)
    centres = [c for c in itertools.product(steps, repeat=ndim) if np.dot(c, c) <= reach**2]
    cell = 0.05 if ndim == 2 else 0.2
    ticks = np.arange(-radius - reach - 0.5, radius + reach + 0.5, cell)
    grids = np.meshgrid(*[ticks] * ndim, indexing="ij", sparse=True)
    covered = np.zeros((ticks.size,) * ndim, bool)
    for centre in centres:
        covered |= sum((g - c) ** 2 for g, c in zip(grids, centre, strict=True)) <= radius**2
    volume = covered.sum() * cell**ndim
    return porosity ** (volume / closed_forms.ball_volume(radius, ndim=ndim))


@pytest.mark.parametrize(("shape", "radius"), BOOLEAN)
def test_pore_size_between_discs_and_spheres_is_exact_on_the_grid(shape, radius):
    # A centre is further than d from all solid centres if all centres within d of it are void.
    void = [
        mt.pore_size(m, phase=0, max_radius=2, periodic=True).hits[0] / m.size
        for m in boolean_media(shape, radius, 24)
    ]
    expected = [voids_of_a_ball(delta + 0.5, radius, len(shape), 0.6) for delta in np.arange(5) / 2]
    assert agree(void, expected)


@pytest.mark.parametrize(("shape", "radius"), [((512, 512), 12.0), ((80, 80, 80), 9.0)])
def test_pore_size_between_discs_and_spheres_is_near_that_of_the_continuum(shape, radius):
    f = None
    for medium in boolean_media(shape, radius, 6):
        one = mt.pore_size(medium, phase=0, max_radius=30, periodic=True)
        f = one if f is None else f + one
    closed_form = closed_forms.overlapping_spheres_pore_size(
        np.arange(3001) / 100, radius=radius, porosity=0.6, ndim=len(shape)
    )
    assert np.abs(f.mean - closed_form[::50])[2:].max() < 0.06
    assert mt.mean_pore_size(f) == pytest.approx(closed_form.sum() / 100, abs=0.2)
    distances, density = mt.pore_size_density(f)
    assert density.sum() * f.step == pytest.approx(1 - f.mean[-1], abs=1e-12)
    missing = f.mean[-1] * (f.abscissa[-1] + f.step)
    mean = ((distances + f.step / 2) * density).sum() * f.step + missing
    assert mean == pytest.approx(mt.mean_pore_size(f), abs=1e-12)


@pytest.mark.parametrize("measure", [mt.pore_size, mt.local_thickness])
@pytest.mark.parametrize(("shape", "window"), [((160, 160), 60), ((48, 48, 48), 32)])
def test_faces_and_masks_do_not_change_what_is_measured(measure, shape, window):
    # Crops see the periodic medium through windows; minus-sampling removes what these cut.
    radius = 8 if len(shape) == 2 else 4
    differences = []
    mask = ball(window / 2 - 1, len(shape), margin=1).astype(bool)
    for medium in boolean_media(shape, 5.0, 40 if len(shape) == 2 else 16):
        whole = measure(medium, phase=0, max_radius=radius, periodic=True)
        crop = medium[tuple(slice(0, n) for n in mask.shape)]
        cut = measure(crop, phase=0, max_radius=radius)
        round_ = measure(crop, phase=0, max_radius=radius, mask=mask)
        both = np.array([cut.hits[0], round_.hits[0]])
        expected = whole.mean * np.array([cut.trials[0], round_.trials[0]])
        differences.append(both - expected)
    trusted = slice(2, 9 if measure is mt.pore_size else 5)
    assert agree(np.array(differences)[:, :, trusted], 0.0)


def test_layers_have_their_own_pore_size_and_thickness():
    for width in (3, 4, 7):
        layers = np.zeros((12, 2 * width + 3), np.uint8)
        layers[:, :width] = 1
        f = mt.pore_size(layers, phase=1, max_radius=5, periodic=True)
        distances = np.minimum(np.arange(width), np.arange(width)[::-1]) + 0.5
        expected = [(distances > delta).mean() for delta in f.abscissa]
        assert f.mean == pytest.approx(expected, abs=1e-15)
        assert mt.mean_pore_size(f) == pytest.approx(distances.mean(), abs=1e-12)
        largest = (width + 1) // 2
        g = mt.local_thickness(layers, phase=1, max_radius=5, periodic=True)
        assert g.mean.tolist() == [float(radius <= largest) for radius in range(6)]


@pytest.mark.parametrize("ndim", [2, 3])
def test_a_ball_is_as_thick_as_its_radius(ndim):
    grain = ball(12.0, ndim, centre=0.5)
    thickness = mt.local_thickness_map(grain, phase=1)
    inside = grain == 1
    assert thickness.max() == 12
    # What the largest ball leaves over is a rim of single voxels.
    assert (thickness[inside] == 12).mean() > (0.95 if ndim == 2 else 0.9)
    assert (thickness[~inside] == 0).all()


def test_crofton_weights_are_those_of_legland():
    steps = np.array(_lattice.directions(3), float)
    shares = _lattice.voronoi_shares(steps)
    published = {1: 0.04577789120476, 2: 0.03698062787608, 3: 0.03519563978232}
    for step, share in zip(steps, shares, strict=True):
        assert share / 2 == pytest.approx(published[int(np.abs(step).sum())], abs=1e-12)
    flat = np.array(_lattice.directions(2)) * (1.0, 3.0)
    assert _lattice.voronoi_shares(flat).sum() == pytest.approx(1, abs=1e-15)


@pytest.mark.parametrize("radius", [10.0, 20.0])
def test_discs_and_balls_have_their_perimeter_surface_and_breadth(radius):
    for ndim, expected in (
        (2, {"area_fraction": np.pi * radius**2, "perimeter_density": 2 * np.pi * radius}),
        (3, {
            "volume_fraction": 4 / 3 * np.pi * radius**3,
            "specific_surface": 4 * np.pi * radius**2,
            "mean_breadth_density": 2 * radius,
        }),
    ):  # fmt: skip
        grain = ball(radius, ndim, centre=0.31)
        result = mt.minkowski(grain, phase=1, edges="background")
        for name, value in expected.items():
            assert result.numbers[name] * grain.size == pytest.approx(value, rel=0.012), name
        assert result.euler_number == 1
        surface = value if ndim == 2 else expected["specific_surface"]
        assert result.surface("axes") * grain.size == pytest.approx(surface, rel=0.015)
        excess = 4 / np.pi if ndim == 2 else 1.5
        assert result.surface("faces") * grain.size == pytest.approx(excess * surface, rel=0.015)
        excess = 1.055 if ndim == 2 else 1.087
        assert result.surface("mesh") * grain.size == pytest.approx(excess * surface, rel=0.015)


@pytest.mark.parametrize("spacing", [(2.0, 1.0, 1.0), (1.0, 1.5, 2.0)])
def test_a_ball_of_flat_voxels_is_the_same_ball(spacing):
    radius = 20.0
    shape = [int(2 * radius / edge) + 5 for edge in spacing]
    offsets = np.moveaxis(np.indices(shape), 0, -1) - (np.array(shape) / 2 - 0.3)
    grain = (((offsets * spacing) ** 2).sum(axis=-1) <= radius**2).astype(np.uint8)
    result = mt.minkowski(grain, phase=1, edges="background", spacing=spacing)
    volume = grain.size * np.prod(spacing)
    expected = [4 / 3 * np.pi * radius**3, 4 * np.pi * radius**2, 2 * radius, 1]
    for value, wanted in zip(result.numbers.values(), expected, strict=True):
        assert value * volume == pytest.approx(wanted, rel=0.01)


def test_euler_numbers_of_a_cube_a_torus_a_hollow_and_two_that_touch():
    box = np.zeros((9, 9, 9), np.uint8)
    box[2:7, 2:7, 2:7] = 1
    torus, hollow, two = box.copy(), box.copy(), np.zeros_like(box)
    torus[:, 4, 4] = 0
    hollow[4, 4, 4] = 0
    two[2:4, 2:4, 2:4] = two[4:6, 4:6, 4:6] = 1
    for shape, face, corner in ((box, 1, 1), (torus, 0, 0), (hollow, 2, 2), (two, 2, 1)):
        for connectivity, expected in (("face", face), ("corner", corner)):
            options = {"phase": 1, "connectivity": connectivity}
            assert mt.minkowski(shape, periodic=True, **options).euler_number == expected
            assert mt.minkowski(shape, edges="background", **options).euler_number == expected


@pytest.mark.parametrize("fraction", [0.2, 0.5, 0.7])
def test_euler_density_of_uncorrelated_voxels(fraction):
    for shape in ((200, 200), (40, 40, 40)):
        p, q = fraction, 1 - fraction
        if len(shape) == 2:
            expected = {"face": p - 2 * p**2 + p**4, "corner": -(q - 2 * q**2 + q**4)}
        else:
            face = [x - 3 * x**2 + 3 * x**4 - x**8 for x in (p, q)]
            expected = {"face": face[0], "corner": face[1]}
        for connectivity, value in expected.items():
            densities = [
                mt.minkowski(
                    synthetic.bernoulli(shape, fraction=p, seed=seed),
                    phase=1, connectivity=connectivity,
                ).numbers["euler_density"]
                for seed in range(12)
            ]  # fmt: skip
            assert agree(densities, value)


@pytest.mark.parametrize("periodic", [False, True])
@pytest.mark.parametrize(("shape", "radius"), BOOLEAN)
def test_surface_of_overlapping_spheres_is_exact_on_the_grid(shape, radius, periodic):
    # A line meets the interface between voxels e apart with probability 2 (φ - S2(|e|)).
    ndim = len(shape)
    steps = np.array(_lattice.directions(ndim), float)
    lengths = np.linalg.norm(steps, axis=1)
    two_point = closed_forms.overlapping_spheres_two_point(
        lengths, radius=radius, porosity=0.6, ndim=ndim
    )
    meetings = (_lattice.voronoi_shares(steps) * 2 * (0.6 - two_point) / lengths).sum()
    expected = meetings * (np.pi / 2 if ndim == 2 else 2)
    surfaces = [
        mt.specific_surface(m, phase=0, periodic=periodic) for m in boolean_media(shape, radius, 16)
    ]
    assert agree(surfaces, expected)
    continuum = closed_forms.overlapping_spheres_minkowski(radius=radius, porosity=0.6, ndim=ndim)
    assert list(continuum.values())[1] == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize(
    ("shape", "radius", "porosity"), [((512, 512), 12.0, 0.4), ((96, 96, 96), 9.0, 0.9)]
)
def test_minkowski_functionals_of_overlapping_spheres(shape, radius, porosity):
    media = boolean_media(shape, radius, 10, porosity)
    expected = closed_forms.overlapping_spheres_minkowski(
        radius=radius, porosity=porosity, ndim=len(shape)
    )
    # The grid closes what is narrower than a voxel, where grains meet at a sharp angle: the finer
    # the functional, the more it minds.
    bias = {"euler_density": 0.1, "mean_breadth_density": 0.05}
    assert_densities(media, expected, bias)


@pytest.mark.parametrize("fraction", [0.3, 0.5])
@pytest.mark.parametrize(("shape", "length"), [((300, 300), 10.0), ((80, 80, 80), 8.0)])
def test_minkowski_functionals_of_a_cut_gaussian_field(shape, length, fraction):
    media = (
        synthetic.gaussian_field(shape, correlation_length=length, fraction=fraction, seed=seed)
        for seed in range(10)
    )
    expected = closed_forms.gaussian_field_minkowski(
        correlation_length=length, fraction=fraction, ndim=len(shape)
    )
    assert_densities(media, expected, {"euler_density": 0.03})


def assert_densities(media, expected, bias):
    total = None
    for medium in media:
        one = mt.minkowski(medium, phase=1, periodic=True)
        total = one if total is None else total + one
    assert list(total.numbers) == list(expected)
    for name, value in expected.items():
        error = total.spread[name] / np.sqrt(total.samples)
        allowed = 4.5 * error + bias.get(name, 0.01) * abs(value)
        assert abs(total.numbers[name] - value) < allowed, name
