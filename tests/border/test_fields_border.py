"""What pore sizes, thickness and Minkowski functionals say of arguments they cannot use."""

import json

import numpy as np
import pytest

import microtwin as mt
from microtwin import _core
from microtwin.errors import InputError
from microtwin.statistics import Minkowski

BOARD = np.indices((8, 8)).sum(axis=0) % 2
FROM_DISTANCES = [mt.pore_size, mt.local_thickness]


@pytest.mark.parametrize("measure", [*FROM_DISTANCES, mt.local_thickness_map])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"phase": -1}, "phase must be between 0 and 255, not -1"),
        ({"mask": np.ones((8, 7), bool)}, r"mask must have the shape of labels, \(8, 8\)"),
        ({"mask": BOARD == 1}, "phase must leave voxels of another phase in the mask"),
        ({"threads": 0}, "threads must be between 1 and 1024, not 0"),
    ],
)
def test_arguments_that_do_not_fit(measure, arguments, message):
    with pytest.raises(InputError, match=message):
        measure(BOARD, **{"phase": 1} | arguments)


@pytest.mark.parametrize("measure", FROM_DISTANCES)
def test_distances_need_another_phase_and_cubes(measure):
    with pytest.raises(InputError, match="another phase in labels: all are phase 1"):
        measure(np.ones((4, 4)), phase=1)
    with pytest.raises(InputError, match="spacing must be the same along all axes"):
        measure(BOARD, phase=1, spacing=(1.0, 2.0))
    with pytest.raises(InputError, match="max_radius must be at least 0, not -1"):
        measure(BOARD, phase=1, max_radius=-1)


@pytest.mark.parametrize("measure", FROM_DISTANCES)
def test_where_nothing_can_be_judged_there_is_no_number(measure):
    assert np.isnan(measure(BOARD, phase=7).values).all()
    f = measure(BOARD, phase=1, max_radius=6)
    assert f.trials[0][-1] == 0
    assert np.isnan(f.mean[-1])
    assert np.isfinite(f.mean[0])


def test_the_mean_pore_size_of_an_absent_phase_is_no_number():
    assert np.isnan(mt.mean_pore_size(mt.pore_size(BOARD, phase=7)))


@pytest.mark.parametrize("helper", [mt.pore_size_density, mt.mean_pore_size])
def test_pore_sizes_are_not_read_from_another_curve(helper):
    with pytest.raises(InputError, match="f must come from pore_size, not from two_point"):
        helper(mt.two_point(BOARD, phase=1))
    with pytest.raises(InputError, match="f must come from pore_size, not from ndarray"):
        helper(BOARD)


@pytest.mark.parametrize(
    ("radii", "message"),
    [
        ([], "radii must be one or more numbers above 0"),
        ([2, 0], "radii must be one or more numbers above 0"),
        ([np.nan], "each of radii must be finite"),
        (3, "radii must be numbers in voxels, not 3"),
    ],
)
def test_radii_that_are_none(radii, message):
    with pytest.raises(InputError, match=message):
        mt.local_thickness_map(BOARD, phase=1, radii=radii)


def test_curves_from_distances_know_their_units(tmp_path):
    f = mt.pore_size(BOARD, phase=1, spacing=2e-9, max_radius=2)
    assert f.directions == "none"
    assert f.step == 0.5
    assert f.distances == pytest.approx(np.arange(5)[None] * 1e-9)
    again = mt.CorrelationFunction.from_json(f.to_json(tmp_path / "f.json"))
    assert np.array_equal(again.hits, f.hits)
    assert (again.step, again.directions) == (0.5, "none")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"connectivity": "edge"}, "connectivity must be one of face, corner; not 'edge'"),
        ({"edges": "mirror"}, "edges must be one of inside, background; not 'mirror'"),
        ({"edges": "background", "periodic": True}, 'edges must be "inside" where labels are'),
        ({"mask": np.full((8, 8), 2)}, "mask must hold true and false only"),
        ({"spacing": (1.0, -2.0)}, "spacing must be positive"),
        ({"phase": 256}, "phase must be between 0 and 255, not 256"),
    ],
)
def test_minkowski_arguments_that_do_not_fit(arguments, message):
    with pytest.raises(InputError, match=message):
        mt.minkowski(BOARD, **{"phase": 1} | arguments)


def test_a_method_that_is_none_is_named():
    with pytest.raises(InputError, match="method must be one of crofton, axes, faces, mesh"):
        mt.specific_surface(BOARD, phase=1, method="guess")


def test_images_and_volumes_do_not_merge():
    flat = mt.minkowski(BOARD, phase=1)
    with pytest.raises(InputError, match="same ndim: 2 and 3"):
        flat + mt.minkowski(np.stack([BOARD, BOARD]), phase=1)
    with pytest.raises(InputError, match="same connectivity"):
        flat + mt.minkowski(BOARD, phase=1, connectivity="corner")


def test_without_a_neighbourhood_there_is_no_number():
    result = mt.minkowski(np.ones((1, 5)), phase=1)
    assert result.voxels == 0
    assert all(np.isnan(value) for value in result.numbers.values())
    again = Minkowski.from_record(json.loads(json.dumps(result.to_record())))
    assert np.isnan(again.table).all()


@pytest.mark.parametrize("record", [{}, {"table": [[0.0]], "spacing": 3, "counts": "x"}])
def test_a_record_of_something_else_is_refused(record):
    with pytest.raises(InputError, match="record must be one of Minkowski functionals"):
        Minkowski.from_record(record)


def test_the_core_checks_again():
    labels = np.zeros((4, 4), np.uint8)
    with pytest.raises(ValueError, match="every voxel is of the phase"):
        _core.squared_distances(labels, 0, False, 1)
    with pytest.raises(ValueError, match="threads must be at least 1"):
        _core.squared_distances(labels, 1, False, 0)
    with pytest.raises(ValueError, match="limit must be at least 1"):
        _core.squared_distances(labels, 1, False, 1, limit=0)
    with pytest.raises(ValueError, match="too large for distances"):
        _core.squared_distances(np.zeros((1, 40_000), np.uint8), 1, False, 1)
    with pytest.raises(ValueError, match="mask must have the shape"):
        _core.configurations(labels, labels[:3], 1, False, 1)
    with pytest.raises(ValueError, match="threads must be at least 1"):
        _core.configurations(labels, None, 1, False, 0)
