"""Distances, balls and neighbourhoods against their definitions, to the last integer."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage
from skimage import measure

import microtwin as mt
from microtwin import _core
from microtwin.images import synthetic
from reference import naive_fields

THREADS = (1, 2, 7)


@st.composite
def cases(draw, sides=(22, 8)):
    """Labels of up to three phases, a mask or none, and whether they are periodic."""
    ndim = draw(st.integers(2, 3))
    shape = draw(hnp.array_shapes(min_dims=ndim, max_dims=ndim, max_side=sides[ndim - 2]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shares = draw(st.sampled_from([(0.5, 0.5), (0.05, 0.95), (0.95, 0.05), (0.3, 0.3, 0.4)]))
    labels = rng.choice(len(shares), size=shape, p=shares).astype(np.uint8)
    mask = rng.random(shape) < 0.8 if draw(st.booleans()) else None
    return labels, mask, draw(st.booleans())


def known(mask, labels):
    return np.ones(labels.shape, bool) if mask is None else mask


@given(case=cases(), phase=st.integers(0, 2), threads=st.sampled_from(THREADS))
def test_distances_are_those_to_the_nearest_voxel_of_all(case, phase, threads):
    labels, _, periodic = case
    if (labels == phase).all():
        with pytest.raises(ValueError, match="every voxel is of the phase"):
            _core.squared_distances(labels, phase, periodic, threads)
        return
    found = _core.squared_distances(labels, phase, periodic, threads)
    assert found.dtype == np.int32
    assert np.array_equal(found, naive_fields.squared_distances(labels != phase, periodic))


# Sides around the 16 lanes of a block and the panels of 128 columns, and narrow ones.
@pytest.mark.parametrize(
    "shape", [(1, 300), (300, 1), (129, 257), (2, 17, 131), (40, 33, 15), (70, 1, 16), (34, 33, 35)]
)
@pytest.mark.parametrize("structure", ["blobs", "noise", "one voxel", "one in a corner"])
@pytest.mark.parametrize("periodic", [False, True])
def test_distances_are_those_of_scipy(shape, structure, periodic):
    rng = np.random.default_rng(sum(shape))
    free = np.ones(shape, bool)
    if structure == "blobs":
        free = ndimage.gaussian_filter(rng.standard_normal(shape), 3) > -0.02
    elif structure == "noise":
        free = rng.random(shape) < 0.7
    free.flat[0 if structure == "one in a corner" else free.size // 3] = False
    labels = free.astype(np.uint8)
    tiles = np.tile(free, (3,) * free.ndim) if periodic else free
    expected = np.rint(ndimage.distance_transform_edt(tiles) ** 2).astype(np.int64)
    if periodic:
        expected = expected[tuple(slice(n, 2 * n) for n in shape)]
    for threads in THREADS:
        found = _core.squared_distances(labels, 1, periodic, threads)
        assert np.array_equal(found, expected)
    limit = 5
    near = _core.squared_distances(labels, 1, periodic, 2, limit=limit)
    within = expected <= limit**2
    assert np.array_equal(near[within], expected[within])
    assert (near[~within] > limit**2).all()


def test_distances_within_large_pores_are_those_of_scipy():
    # So wide that the envelope of parabolas takes over from the trial of near neighbours.
    free = np.ones((700, 900), bool)
    free[::350, ::431] = False
    free[300:420, 77] = False
    expected = np.rint(ndimage.distance_transform_edt(free) ** 2).astype(np.int64)
    found = _core.squared_distances(free.astype(np.uint8), 1, False, 2)
    assert np.array_equal(found, expected)


@given(case=cases(), phase=st.integers(0, 2), threads=st.sampled_from(THREADS))
def test_neighbourhoods_are_counted_as_defined(case, phase, threads):
    labels, mask, periodic = case
    expected = naive_fields.configurations(labels, known(mask, labels), phase, periodic)
    window = None if mask is None else mask.view(np.uint8)
    found = _core.configurations(labels, window, phase, periodic, threads)
    assert np.array_equal(found, expected)


@pytest.mark.parametrize("shape", [(3, 400), (70, 301), (5, 9, 290)])
@pytest.mark.parametrize("masked", [False, True])
def test_neighbourhoods_of_long_rows_are_counted_as_defined(shape, masked):
    labels = synthetic.gaussian_field(shape, correlation_length=3.0)
    mask = synthetic.gaussian_field(shape, correlation_length=9.0, fraction=0.7, seed=1)
    window = mask if masked else None
    for periodic in (False, True):
        expected = naive_fields.configurations(
            labels, known(window, labels).astype(bool), 1, periodic
        )
        for threads in THREADS:
            found = _core.configurations(labels, window, 1, periodic, threads)
            assert np.array_equal(found, expected)


@pytest.mark.parametrize("measure_", ["pore_size", "local_thickness"])
@given(case=cases(), phase=st.integers(0, 2), threads=st.sampled_from(THREADS))
def test_curves_from_distances_are_the_definition(measure_, case, phase, threads):
    labels, mask, periodic = case
    region = known(mask, labels)
    if not ((labels != phase) & region).any():
        return
    f = getattr(mt, measure_)(
        labels, phase=phase, max_radius=3, periodic=periodic, mask=mask, threads=threads
    )
    hits, trials = getattr(naive_fields, measure_)(labels, phase, 3, periodic, region)
    assert f.hits.tolist() == [hits]
    assert f.trials.tolist() == [trials]


@given(case=cases(), data=st.data())
def test_thickness_maps_are_openings(case, data):
    labels, _, periodic = case
    if labels.min() == labels.max():
        return
    phase = int(labels.flat[0])
    radii = data.draw(st.lists(st.sampled_from([0.5, 1.0, 1.5, 2.0, 2.2, 3.0]), min_size=1))
    found = mt.local_thickness_map(labels, phase=phase, radii=radii, periodic=periodic)
    expected = np.zeros(labels.shape)
    for radius in sorted(radii):
        covered = naive_fields.opening(labels == phase, max(radius, 1.0), periodic)
        expected[covered] = radius
    assert np.array_equal(found, expected)


def test_thickness_maps_are_those_of_openings_by_footprint():
    labels = synthetic.gaussian_field((90, 80), correlation_length=8.0)
    padded = np.pad(labels, 24, mode="wrap")
    expected = np.zeros(labels.shape)
    for radius in range(1, 12):
        offsets = np.indices((2 * radius - 1,) * 2) - (radius - 1)
        ball = (offsets**2).sum(axis=0) < radius**2
        opened = ndimage.binary_opening(padded, ball)[24:-24, 24:-24]
        expected[opened] = radius
    found = mt.local_thickness_map(labels, phase=1, radii=range(1, 12), periodic=True)
    assert found.max() > 4
    assert np.array_equal(found, expected)


@pytest.mark.parametrize("shape", [(40, 31), (11, 12, 13)])
@pytest.mark.parametrize("fraction", [0.15, 0.5, 0.85])
def test_euler_numbers_and_meshes_are_those_of_scikit_image(shape, fraction):
    labels = synthetic.bernoulli(shape, fraction=fraction, seed=sum(shape))
    edges = (1.0, 2.0, 0.7)[: len(shape)]
    for connectivity, neighbours in (("face", 1), ("corner", len(shape))):
        result = mt.minkowski(
            labels, phase=1, connectivity=connectivity, edges="background", spacing=edges
        )
        assert result.euler_number == measure.euler_number(labels, neighbours)
    padded = np.pad(labels, 1).astype(float)
    if len(shape) == 3:
        vertices, triangles, *_ = measure.marching_cubes(padded, 0.5, spacing=edges)
        mesh = measure.mesh_surface_area(vertices, triangles)
    else:
        contours = measure.find_contours(padded, 0.5)
        mesh = sum(np.linalg.norm(np.diff(c * edges, axis=0), axis=1).sum() for c in contours)
    volume = labels.size * np.prod(edges)
    assert result.surface("mesh") * volume == pytest.approx(mesh, rel=1e-6)


@pytest.mark.parametrize("mask", [False, True])
def test_volume_faces_and_axes_are_plain_counts(mask):
    labels = synthetic.gaussian_field((30, 20, 25), correlation_length=4.0, fraction=0.4)
    known_ = synthetic.gaussian_field(labels.shape, correlation_length=9.0, seed=3).astype(bool)
    solid = np.where(known_, labels, 0) if mask else labels
    result = mt.minkowski(
        labels, phase=1, edges="background", mask=known_ if mask else None, spacing=(1.0, 2.0, 3.0)
    )
    voxels = int(known_.sum()) if mask else labels.size
    assert result.numbers["volume_fraction"] == pytest.approx(solid.sum() / voxels, rel=1e-13)
    padded = np.pad(solid, 1).astype(int)
    meetings = [np.abs(np.diff(padded, axis=axis)).sum() for axis in range(3)]
    volume = 6.0 * voxels
    faces = (6 * meetings[0] + 3 * meetings[1] + 2 * meetings[2]) / volume
    assert result.surface("faces") == pytest.approx(faces, rel=1e-13)
    rates = np.array(meetings) / voxels / (1.0, 2.0, 3.0)
    assert result.surface("axes") == pytest.approx(2 * rates.mean(), rel=1e-13)
