"""What clusters say of arguments that they cannot use, and of phases that are not there."""

import numpy as np
import pytest

import microtwin as mt
from microtwin import _core
from microtwin.errors import InputError

BOARD = np.indices((8, 8)).sum(axis=0) % 2


@pytest.mark.parametrize("measure", [mt.clusters, mt.cluster_function, mt.connectivity])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"phase": 256}, "phase must be between 0 and 255, not 256"),
        ({"phase": (0, 1)}, r"phase must be an integer, not \(0, 1\)"),
        ({"connectivity": "six"}, "connectivity must be one of face, edge, corner; not 'six'"),
        ({"mask": np.ones((8, 7))}, r"mask must have the shape of labels, \(8, 8\), not \(8, 7\)"),
        ({"mask": np.full((8, 8), 0.5)}, "mask must hold true and false only"),
        ({"threads": 0}, "threads must be between 1 and 1024, not 0"),
    ],
)
def test_arguments_that_do_not_fit(measure, arguments, message):
    with pytest.raises(InputError, match=message):
        measure(BOARD, **{"phase": 1, **arguments})
    with pytest.raises(InputError, match="labels must be 2-D or 3-D, not 1-D"):
        measure(BOARD[0], phase=1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"max_lag": 8}, "max_lag must be less than the longest side"),
        ({"axes": 2}, "each of axes must be between -2 and 1, not 2"),
        ({"directions": "radial"}, "directions must be one of axes, face_diagonals"),
        ({"directions": "body_diagonals"}, "2-D ones have no body_diagonals"),
        ({"spacing": -1.0}, "spacing must be positive"),
    ],
)
def test_directions_that_do_not_fit(arguments, message):
    with pytest.raises(InputError, match=message):
        mt.cluster_function(BOARD, phase=1, **arguments)


@pytest.mark.parametrize("periodic", [False, True])
def test_a_phase_that_is_absent_has_no_clusters_and_no_fractions(periodic):
    assert not mt.clusters(BOARD, phase=2, periodic=periodic).any()
    assert not mt.cluster_function(BOARD, phase=2, periodic=periodic).hits.any()
    found = mt.connectivity(BOARD, phase=2, periodic=periodic)
    assert found.count == found.voxels == 0
    numbers = found.numbers
    assert numbers.pop("clusters") == 0.0
    assert np.isnan(list(numbers.values())).all()


def test_a_mask_without_voxels_leaves_no_trial():
    nothing = np.zeros((8, 8), bool)
    c2 = mt.cluster_function(BOARD, phase=1, mask=nothing)
    assert not c2.trials.any()
    assert np.isnan(c2.mean).all()
    assert mt.connectivity(BOARD, phase=1, mask=nothing).count == 0


def test_a_mask_cuts_what_it_covers():
    bar = np.ones((3, 9))
    mask = np.ones((3, 9), bool)
    mask[:, 4] = False
    found = mt.connectivity(bar, phase=1, mask=mask)
    assert (found.sizes.tolist(), found.counts.tolist(), found.masked) == ([12], [2], True)
    assert found.percolating_fraction.tolist() == [1.0, 0.0]


def test_results_of_different_kinds_do_not_merge():
    a = mt.connectivity(BOARD, phase=1)
    for other, name in [
        (mt.connectivity(BOARD, phase=0), "phase"),
        (mt.connectivity(BOARD, phase=1, connectivity="edge"), "connectivity"),
        (mt.connectivity(BOARD, phase=1, periodic=True), "periodic"),
        (mt.connectivity(BOARD, phase=1, spacing=1e-9), "spacing"),
        (mt.connectivity(BOARD, phase=1, mask=np.ones((8, 8), bool)), "masked"),
        (mt.connectivity(np.stack([BOARD, BOARD]), phase=1), "ndim"),
    ]:
        with pytest.raises(InputError, match=f"results to merge must have the same {name}"):
            a + other
    with pytest.raises(TypeError):
        a + 1


def test_a_record_of_something_else_is_named():
    record = mt.connectivity(BOARD, phase=1).to_record()
    with pytest.raises(InputError, match="record must be of connectivity, not 'minkowski'"):
        mt.Connectivity.from_record({**record, "statistic": "minkowski"})
    del record["sizes"]
    with pytest.raises(InputError, match="record of connectivity is damaged: 'sizes'"):
        mt.Connectivity.from_record(record)


def test_the_core_refuses_what_it_cannot_count():
    labels = BOARD.astype(np.uint8)
    with pytest.raises(ValueError, match="neighbours must be 1, 2 or 3"):
        _core.clusters(labels, 1, 0, False, 1)
    image, _, _ = _core.clusters(labels, 1, 1, False, 1)
    with pytest.raises(ValueError, match="one component for each axis"):
        _core.cluster_pairs(image, [[0, 0, 1]], 2, False, 1)
    with pytest.raises(ValueError, match="clusters are negative"):
        _core.cluster_pairs(-image, [[0, 1]], 2, False, 1)
    with pytest.raises(TypeError):
        _core.cluster_pairs(image.astype(np.int64), [[0, 1]], 2, False, 1)


def test_the_spacing_of_an_image_is_kept():
    image = mt.ScaledImage(BOARD.astype(np.uint8), spacing=3e-9)
    assert mt.connectivity(image, phase=1).spacing == (3e-9, 3e-9)
    assert mt.cluster_function(image, phase=1).spacing == (3e-9, 3e-9)
