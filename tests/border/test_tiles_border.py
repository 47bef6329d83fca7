"""What describe_tiles says of arguments that it cannot use."""

import numpy as np
import pytest

import microtwin as mt
from microtwin.errors import InputError

BOARD = np.indices((8, 8)).sum(axis=0) % 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"directions": "radial"}, "directions must not be radial"),
        ({"directions": "body_diagonals"}, "2-D ones have no body_diagonals"),
        ({"directions": "face_diagonals", "axes": 0}, "axes can be chosen only where"),
        ({"statistics": "wood"}, "each of statistics must be one of"),
        ({"max_lag": 8}, "max_lag must be less than the longest side"),
        ({"phase": 3}, r"phase must be one of the labels present \(0, 1\), not 3"),
        ({"phase": (1, 1)}, "phase must be one label or distinct labels"),
        ({"tile": 0}, "tile must be at least 1"),
        ({"memory": 0}, "memory must be at least 1"),
        ({"mask": np.ones((8, 9), bool)}, r"mask must have the shape of volume, \(8, 8\)"),
        ({"mask": [[True]]}, "mask must be sliceable and have a shape"),
        ({"mask": np.zeros((8, 8), bool)}, "mask must be true somewhere"),
        ({"mask": np.full((8, 8), 2)}, "mask must hold true and false only"),
    ],
)
def test_arguments_that_do_not_fit(arguments, message):
    with pytest.raises(InputError, match=message):
        mt.describe_tiles(BOARD, **arguments)


@pytest.mark.parametrize(
    ("volume", "message"),
    [
        ([[0, 1], [1, 0]], "volume must be sliceable .* not list"),
        (np.zeros(5), "volume must be 2-D or 3-D, not 1-D"),
        (np.zeros((0, 3)), "volume must not be empty"),
        (np.ones((5, 5)), "at least two phases; every voxel has the label 1"),
        (np.full((4, 4), 300), r"volume must lie in 0\.\.255, not 300\.\.300"),
        (np.full((4, 4), 0.5), "volume must be whole numbers"),
    ],
)
def test_volumes_that_are_none(volume, message):
    with pytest.raises(InputError, match=message):
        mt.describe_tiles(volume)


def test_what_is_no_sum_over_lines_is_refused_with_the_reason(monkeypatch):
    from microtwin.statistics import tiles

    monkeypatch.setattr(tiles, "STATISTICS", (*tiles.STATISTICS, "pore_size"))
    with pytest.raises(
        InputError, match="pore_size needs the whole volume in memory: use describe"
    ):
        mt.describe_tiles(BOARD, statistics=("two_point", "pore_size"))


def test_all_means_all_that_are_sums_over_lines():
    real = mt.describe_tiles(BOARD, statistics="all", directions="all")
    assert real.statistics == ("two_point", "lineal_path", "chord_length")
    assert {f.directions for f in real.functions} == {"axes", "face_diagonals"}


def test_an_empty_mask_is_named_by_describe_too():
    with pytest.raises(InputError, match="mask must be true somewhere"):
        mt.describe(BOARD, mask=np.zeros((8, 8), bool))
