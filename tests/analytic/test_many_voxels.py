"""More voxels than 32 bits can count."""

import numpy as np
import pytest

import microtwin as mt


@pytest.mark.slow
def test_more_than_two_to_the_31_voxels_are_counted_right():
    """All but one plane is of the phase: nearly every pair is a hit, 2.2e9 of them at a lag."""
    side = 1296
    labels = np.ones((side, side, side), np.uint8)
    labels[side // 2] = 0
    plane = side**2
    assert labels.size > 2**31
    s2 = mt.two_point(labels, phase=1, max_lag=3, device="cpu")
    path = mt.lineal_path(labels, phase=1, max_lag=3, device="cpu")
    for lag in range(4):
        across, along = (side - 1) * side * (side - lag), side - lag
        assert s2.hits[1:, lag].tolist() == path.hits[1:, lag].tolist() == [across, across]
        assert s2.hits[0, lag] == plane * (along - (2 if lag else 1))
        assert path.hits[0, lag] == plane * (along - (lag + 1))
    chords = mt.chord_length(labels, phase=0, axes=0, max_lag=2, device="cpu")
    assert chords.hits[0].tolist() == [0, plane, 0]
    wrapped = mt.two_point(labels, phase=1, max_lag=1, periodic=True, device="cpu")
    assert wrapped.hits[:, 1].tolist() == [plane * (side - 2), *[plane * (side - 1)] * 2]
    assert mt.describe(labels, phase=1, max_lag=1).voxels == {0: plane, 1: labels.size - plane}
