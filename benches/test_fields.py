"""Distances beside scipy's, and neighbourhoods beside a plain sum over the same bytes.

pytest benches/test_fields.py --benchmark-group-by=param:structure
"""

import numpy as np
import pytest
from scipy import ndimage

import microtwin as mt
from microtwin import _core
from structures import THREADS


@pytest.fixture(scope="module")
def by_scipy(structure):
    """Squared distances as scipy finds them: slow, so once for each structure."""
    return np.rint(ndimage.distance_transform_edt(structure) ** 2).astype(np.int32)


@pytest.mark.parametrize("threads", [1, THREADS])
def test_squared_distances(benchmark, structure, by_scipy, threads):
    assert np.array_equal(_core.squared_distances(structure, 1, False, threads), by_scipy)
    benchmark(_core.squared_distances, structure, 1, False, threads)


def test_squared_distances_in_one_large_pore(benchmark, structure):
    """One voxel in a corner: as far as distances go."""
    labels = np.ones_like(structure)
    labels[(0,) * labels.ndim] = 0
    found = benchmark(_core.squared_distances, labels, 1, False, THREADS)
    steps = np.ix_(*[np.arange(n) ** 2 for n in labels.shape])
    assert np.array_equal(found, sum(steps))


def test_distances_by_scipy(benchmark, structure):
    benchmark.pedantic(ndimage.distance_transform_edt, (structure,), rounds=2)


def test_pore_size(benchmark, structure, by_scipy):
    f = benchmark(mt.pore_size, structure, phase=1, periodic=False, threads=THREADS)
    inside = structure == 1
    assert f.trials[0, 0] == inside.sum()
    assert f.hits[0, 1] <= (by_scipy[inside] > 1).sum()


def test_local_thickness(benchmark, structure):
    options = {"phase": 1, "periodic": True, "threads": THREADS, "max_radius": 12}
    g = benchmark.pedantic(mt.local_thickness, (structure,), options, rounds=2)
    assert g.hits[0, 1] == g.trials[0, 0] == (structure == 1).sum()
    assert (np.diff(g.hits[0]) <= 0).all()


@pytest.mark.parametrize("threads", [1, THREADS])
def test_minkowski(benchmark, structure, threads):
    result = benchmark(mt.minkowski, structure, phase=1, threads=threads)
    assert result.counts.sum() == np.prod(np.array(structure.shape) - 1)
    faces = sum(
        np.count_nonzero(np.diff(structure.astype(np.int8), axis=a)) for a in range(structure.ndim)
    )
    # Pairs on the faces of the image lie in fewer neighbourhoods: not the same to the last digit.
    assert result.surface("faces") == pytest.approx(faces / structure.size, rel=0.01)


def test_numpy_sum_of_the_bytes(benchmark, structure):
    assert structure.sum() == pytest.approx(structure.size / 2, rel=1e-3)
    benchmark(structure.sum)
