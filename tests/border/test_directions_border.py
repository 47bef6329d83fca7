"""What directed counts say of directions, masks and partners that they cannot use."""

import numpy as np
import pytest

import microtwin as mt
from microtwin.errors import InputError

BOARD = np.indices((8, 8)).sum(axis=0) % 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"directions": "body_diagonals"}, "2-D ones have no body_diagonals"),
        ({"directions": "upwards"}, "directions must be one of"),
        ({"directions": "face_diagonals", "axes": 0}, "axes must not be given for face_diagonals"),
        ({"mask": np.ones((8, 7), bool)}, r"mask must have the shape of labels, \(8, 8\)"),
        ({"mask": np.full((8, 8), 2)}, "mask must hold true and false only"),
        ({"phase": (1, 2, 3)}, "phase must be one label or two"),
        ({"phase": (1, -2)}, "phase must be between 0 and 255, not -2"),
    ],
)
def test_arguments_that_do_not_fit(arguments, message):
    with pytest.raises(InputError, match=message):
        mt.two_point(BOARD, **{"phase": 1} | arguments)


@pytest.mark.parametrize("measure", [mt.lineal_path, mt.chord_length])
def test_runs_have_no_radial_average(measure):
    with pytest.raises(InputError, match="directions must be one of axes, face_diagonals"):
        measure(BOARD, phase=1, directions="radial")


def test_the_core_checks_again():
    from microtwin import _core

    labels = np.zeros((4, 4), np.uint8)
    with pytest.raises(ValueError, match="one component for each axis"):
        _core.lineal_path(labels, None, 1, [(0, 0, 1)], 1, False, 1)
    with pytest.raises(ValueError, match="first that is not 0 being 1"):
        _core.lineal_path(labels, None, 1, [(-1, 0)], 1, False, 1)
    with pytest.raises(ValueError, match="window must have the shape"):
        _core.two_point(labels, labels[:2], 1, 1, [(0, 1)], 1, False, 1)


def test_masks_of_samples_are_one_or_one_each():
    with pytest.raises(InputError, match="mask must be one or one for each of 2 samples"):
        mt.describe([BOARD, BOARD], mask=[np.ones((8, 8), bool)] * 3)


def test_a_curve_that_was_not_measured_is_named():
    real = mt.describe(BOARD)
    with pytest.raises(InputError, match="chord_length of phase 1 was not measured"):
        _ = real.chord_length
    with pytest.raises(InputError, match="two_point of phase 1 along face_diagonals was not"):
        real.function("two_point", directions="face_diagonals")
    with pytest.raises(InputError, match=r"was measured along .* not along 5"):
        real.two_point.along(5)
