"""Laws that pore sizes, thickness and Minkowski functionals obey whatever the structure is."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import microtwin as mt
from microtwin.images import synthetic
from microtwin.statistics import Minkowski

THREADS = (1, 2, 7)


@st.composite
def media(draw):
    """Two phases in random blobs."""
    shape = draw(st.sampled_from([(24, 31), (40, 8), (9, 12, 14), (16, 5, 7)]))
    length = draw(st.floats(1.0, 5.0))
    seed = draw(st.integers(0, 2**32 - 1))
    labels = synthetic.gaussian_field(shape, correlation_length=length, seed=seed)
    labels.flat[:2] = 0, 1
    return labels


@given(labels=media(), periodic=st.booleans())
def test_results_do_not_depend_on_threads(labels, periodic):
    options = {"phase": 1, "periodic": periodic}
    for measure in (mt.pore_size, mt.local_thickness):
        one, *others = [measure(labels, threads=n, max_radius=3, **options) for n in THREADS]
        for other in others:
            assert np.array_equal(one.hits, other.hits)
            assert np.array_equal(one.trials, other.trials)
    one, *others = [mt.minkowski(labels, threads=n, **options).counts for n in THREADS]
    assert all(np.array_equal(one, other) for other in others)


@given(labels=media())
def test_pore_size_falls_from_one_to_zero(labels):
    f = mt.pore_size(labels, phase=1, periodic=True, max_radius=40)
    assert f.mean[0] == 1
    assert f.mean[-1] == 0
    assert (np.diff(f.hits[0]) <= 0).all()
    assert (f.trials == (labels == 1).sum()).all()


@given(labels=media())
def test_a_voxel_is_at_least_as_thick_as_its_own_ball(labels):
    thickness = mt.local_thickness_map(labels, phase=1, periodic=True)
    curve = mt.local_thickness(labels, phase=1, periodic=True, max_radius=6)
    assert ((thickness > 0) == (labels == 1)).all()
    at_least = [(thickness >= radius).sum() for radius in range(1, 7)]
    assert (curve.hits[0][1:] <= at_least).all()
    own = mt.pore_size(labels, phase=1, periodic=True, max_radius=6)
    # The centre of a ball of radius R is R - 1/2 from the interface, or further.
    assert (own.hits[0][1::2] <= curve.hits[0][1:]).all()


@given(labels=media(), axes=st.permutations([0, 1, 2]))
def test_numbers_turn_with_the_structure(labels, axes):
    order = [a for a in axes if a < labels.ndim]
    edges = (1.0, 1.5, 0.5)[: labels.ndim]
    a = mt.minkowski(labels, phase=1, spacing=edges)
    b = mt.minkowski(
        np.transpose(labels, order)[::-1], phase=1, spacing=[edges[axis] for axis in order]
    )
    for name, value in a.numbers.items():
        assert b.numbers[name] == pytest.approx(value, rel=1e-9, abs=1e-12), name
    for method in ("axes", "faces"):
        assert a.surface(method) == pytest.approx(b.surface(method), rel=1e-12)


@given(labels=media())
def test_the_other_phase_has_the_same_surface_and_opposite_curvature(labels):
    one = mt.minkowski(labels, phase=1, periodic=True)
    other = mt.minkowski(labels, phase=0, periodic=True, connectivity="corner")
    surface, fraction = (1, 0)
    a, b = list(one.numbers.values()), list(other.numbers.values())
    assert a[fraction] + b[fraction] == pytest.approx(1, abs=1e-12)
    assert a[surface] == pytest.approx(b[surface], rel=1e-12)
    if labels.ndim == 3:
        assert a[2] == pytest.approx(-b[2], abs=1e-12)
        assert one.euler_number == other.euler_number
    else:
        assert one.euler_number == -other.euler_number
    for method in ("axes", "faces"):
        assert one.surface(method) == pytest.approx(other.surface(method), rel=1e-12)


@given(labels=media(), edge=st.sampled_from([1e-9, 0.5, 3.0]))
def test_numbers_are_in_powers_of_the_spacing(labels, edge):
    plain = mt.minkowski(labels, phase=1).numbers
    scaled = mt.minkowski(labels, phase=1, spacing=edge).numbers
    powers = (0, 1, 2, 3) if labels.ndim == 3 else (0, 1, 2)
    for power, (name, value) in zip(powers, plain.items(), strict=True):
        assert scaled[name] * edge**power == pytest.approx(value, rel=1e-9, abs=1e-12)


@given(labels=media())
def test_tiles_of_a_periodic_structure_measure_the_same(labels):
    tiled = np.tile(labels, (2,) * labels.ndim)
    for measure in (mt.pore_size, mt.local_thickness):
        one = measure(labels, phase=1, periodic=True, max_radius=4)
        many = measure(tiled, phase=1, periodic=True, max_radius=4)
        assert np.array_equal(2**labels.ndim * one.hits, many.hits)
    one = mt.minkowski(labels, phase=1, periodic=True)
    many = mt.minkowski(tiled, phase=1, periodic=True)
    assert np.array_equal(2**labels.ndim * one.counts, many.counts)


@given(a=media(), b=media())
def test_samples_merge_by_addition(a, b):
    for measure in (mt.pore_size, mt.local_thickness):
        f, g = (measure(x, phase=1, max_radius=3) for x in (a, b))
        both = f + g
        assert np.array_equal(both.hits, f.hits + g.hits)
        assert both.samples == 2
    if a.ndim != b.ndim:
        return
    one, other = (mt.minkowski(x, phase=1) for x in (a, b))
    both = one + other
    weights = np.array([one.voxels, other.voxels]) / both.voxels
    for name, value in both.numbers.items():
        parts = np.array([one.numbers[name], other.numbers[name]])
        assert value == pytest.approx(weights @ parts, rel=1e-9, abs=1e-12)
        assert both.spread[name] == pytest.approx(parts.std(ddof=1), rel=1e-9, abs=1e-15)
    again = Minkowski.from_record(both.to_record())
    assert again.to_record() == both.to_record()
    assert again.numbers == both.numbers
