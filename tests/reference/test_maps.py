"""Maps by FFT against the definition, to the last integer."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import microtwin as mt
from microtwin.statistics import _fft, _interface
from reference import naive_maps

SHAPES = st.one_of(
    hnp.array_shapes(min_dims=2, max_dims=2, max_side=12),
    hnp.array_shapes(min_dims=3, max_dims=3, max_side=6),
)


@st.composite
def cases(draw):
    shape = draw(SHAPES)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    labels = rng.integers(0, draw(st.integers(1, 3)), shape, np.uint8)
    mask = rng.random(shape) < 0.7 if draw(st.booleans()) else None
    if mask is not None:
        mask.flat[0] = True
    reach = tuple(draw(st.integers(0, n - 1)) for n in shape)
    return labels, mask, reach


@pytest.fixture(params=["as chosen", "single precision"])
def precision(request, monkeypatch):
    """Small maps are counted in double precision: make the other way count them too."""
    if request.param == "single precision":
        monkeypatch.setattr(_fft, "_FEW", 0)


@pytest.mark.usefixtures("precision")
@pytest.mark.parametrize("periodic", [False, True])
@pytest.mark.parametrize("partner", [1, 0])
@given(case=cases())
def test_map_counts_are_the_definition(periodic, partner, case):
    labels, mask, reach = case
    map_ = mt.two_point_map(
        labels, phase=(1, partner), max_lag=reach, periodic=periodic, mask=mask, threads=2
    )
    hits, trials = naive_maps.two_point_map(labels, 1, partner, reach, periodic, mask)
    assert np.array_equal(map_.hits, hits)
    assert np.array_equal(map_.trials, trials)
    assert map_.hits.dtype == map_.trials.dtype == np.int64


@pytest.mark.parametrize("periodic", [False, True])
@pytest.mark.parametrize("partner", [1, 0])
@given(case=cases())
def test_radial_counts_are_sums_over_shells(periodic, partner, case):
    labels, mask, reach = case
    map_ = mt.two_point_map(labels, phase=(1, partner), max_lag=reach, periodic=periodic, mask=mask)
    radial = map_.radial()
    shells = radial.max_lag + 1
    assert radial.hits[0].tolist() == naive_maps.radial(map_.hits, reach, shells)
    assert radial.trials[0].tolist() == naive_maps.radial(map_.trials, reach, shells)


@pytest.mark.parametrize("periodic", [False, True])
@given(shape=SHAPES, seed=st.integers(0, 2**32 - 1), data=st.data())
def test_sums_of_real_fields_are_the_definition(periodic, shape, seed, data):
    first, second = np.random.default_rng(seed).normal(size=(2, *shape))
    reach = tuple(data.draw(st.integers(0, n - 1)) for n in shape)
    options = {"reach": reach, "periodic": periodic}
    expected = naive_maps.pair_sums(first, second, **options)
    measured = _fft.pair_sums(first, second, threads=2, **options)
    assert measured == pytest.approx(expected, abs=1e-9 * first.size)
    expected = naive_maps.pair_sums(first, first, **options)[reach[0] :]
    measured = _fft.pair_sums(first, threads=2, **options)
    assert measured == pytest.approx(expected, abs=1e-9 * first.size)


@pytest.mark.parametrize("periodic", [False, True])
@pytest.mark.parametrize("shape", [(130, 257), (33, 40, 47), (5, 3, 301)])
def test_map_along_every_direction_is_the_function_counted_on_bits(shape, periodic):
    rng = np.random.default_rng(sum(shape))
    labels = (np.cumsum(rng.normal(size=shape), axis=-1) > 0).astype(np.uint8)
    mask = rng.random(shape) < 0.9
    for family in ("axes", "face_diagonals"):
        for phase in (1, (1, 0)):
            options = {"phase": phase, "periodic": periodic, "mask": mask}
            options["max_lag"] = min(shape[:2]) - 1
            map_ = mt.two_point_map(labels, **options)
            counted = mt.two_point(labels, directions=family, device="cpu", **options)
            for row, vector in enumerate(counted.vectors):
                hits, trials = map_.counts_along(vector)
                assert hits.size == counted.hits.shape[1]
                assert np.array_equal(hits, counted.hits[row])
                assert np.array_equal(trials, counted.trials[row])


@pytest.mark.parametrize("fraction", [0.02, 0.5, 0.98])
@pytest.mark.parametrize("correlated", [False, True])
def test_single_precision_is_exact_at_any_fraction(fraction, correlated):
    shape = (96, 100, 90)
    field = np.random.default_rng(3).normal(size=shape)
    if correlated:
        field = sum(np.cumsum(field, axis=axis) for axis in range(3))
    labels = field < np.quantile(field, fraction)
    options = {"reach": (48, 50, 45), "periodic": False, "threads": 2}
    exact, *quick = (
        _fft._try_counts(labels, None, *options.values(), precision)
        for precision in (_fft._DOUBLE, _fft._SINGLE, _fft._MIXED)
    )
    for counts in quick:
        assert np.array_equal(counts, exact)


def test_a_result_that_single_precision_cannot_give_is_counted_again(monkeypatch):
    labels = np.random.default_rng(0).random((40, 40)) < 0.5
    options = {"reach": (20, 20), "periodic": True, "threads": 1}
    expected = _fft.pair_counts(labels, **options)
    tried = []
    honest = _fft._try_counts

    def spoiled(*args):
        tried.append(args[-1])
        if args[-1] is _fft._DOUBLE:
            return honest(*args)
        with monkeypatch.context() as patch:
            read = _fft._Planes.read
            patch.setattr(_fft._Planes, "read", lambda *args: np.add(read(*args), 0.3, out=args[2]))
            return honest(*args)

    monkeypatch.setattr(_fft, "_try_counts", spoiled)
    assert np.array_equal(_fft.pair_counts(labels, **options), expected)
    assert tried == [_fft._SINGLE, _fft._MIXED, _fft._DOUBLE]


@pytest.mark.parametrize("shape", [(64, 70), (20, 24, 28)])
def test_maps_do_not_depend_on_threads(shape):
    labels = np.random.default_rng(1).integers(0, 3, shape)
    for phase, periodic in itertools.product((1, (1, 2)), (False, True)):
        one, three = (
            mt.two_point_map(labels, phase=phase, periodic=periodic, threads=n) for n in (1, 3)
        )
        assert np.array_equal(one.hits, three.hits)


@pytest.mark.parametrize("periodic", [False, True])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("shape", [(17, 22), (11, 10, 12)])
@pytest.mark.parametrize("family", ["axes", "face_diagonals", "radial"])
def test_surface_functions_are_sums_over_pairs_of_known_voxels(shape, masked, periodic, family):
    rng = np.random.default_rng(5)
    labels = rng.integers(0, 3, shape)
    mask = np.ones(shape, bool)
    if masked:
        mask[tuple(rng.integers(0, n) for n in shape)] = False
    options = {"phase": 1, "max_lag": 5, "directions": family, "periodic": periodic}
    measured = {f: f(labels, mask=mask if masked else None, **options)
                for f in (mt.surface_surface, mt.surface_void)}  # fmt: skip
    known = _interface.known_interface(shape, mask if masked else None, periodic=periodic)
    surface = _interface.interface_density(labels == 1, known, periodic=periodic) * known
    phase = (known & (labels == 1)).astype(float)
    reach = (5,) * len(shape)
    trials = naive_maps.pair_sums(known.astype(int), known.astype(int), reach, periodic)
    turn = (slice(None, None, -1),) * len(shape)
    for measure, second in ((mt.surface_surface, surface), (mt.surface_void, phase)):
        f = measured[measure]
        hits = naive_maps.pair_sums(surface, second, reach, periodic)
        hits, expected = (hits + hits[turn]) / 2, trials
        if family == "radial":
            bins = np.rint(np.sqrt(sum(np.square(np.ogrid[(slice(-5, 6),) * len(shape)][a])
                                       for a in range(len(shape))))).astype(int)  # fmt: skip
            hits, expected = (
                np.bincount(bins.ravel(), counts.ravel())[None, : f.max_lag + 1]
                for counts in (hits, expected)
            )
        else:
            hits, expected = (
                np.array(
                    [[c[tuple(5 + k * one for one in v)] for k in range(6)] for v in f.vectors]
                )
                for c in (hits, expected)
            )
        ways = 2 if measure is mt.surface_void else 1
        assert np.array_equal(f.trials, ways * expected)
        assert f.hits == pytest.approx(ways * hits, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("ndim", [2, 3])
def test_interface_of_a_flat_plane_counts_what_its_orientation_makes_it(ndim):
    """The area of a plane within a ball, at any tilt, to three percent (its rim is coarse)."""
    side = 64 if ndim == 2 else 40
    x = np.stack(np.indices((side,) * ndim)) - side / 2 + 0.27
    for seed in range(8):
        normal = np.random.default_rng(seed).normal(size=ndim)
        normal /= np.linalg.norm(normal)
        height = np.tensordot(normal, x, 1)
        inside = height > 0.4
        middle = np.sqrt(np.square(x).sum(axis=0)) < side / 2 - 6
        density = _interface.interface_density(inside, middle, periodic=False)
        radius = np.sqrt((side / 2 - 6) ** 2 - 0.4**2)
        area = 2 * radius if ndim == 2 else np.pi * radius**2
        assert density[middle].sum() == pytest.approx(area, rel=0.03)
