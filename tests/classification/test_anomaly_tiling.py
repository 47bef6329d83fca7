"""Images in tiles and back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from microtwin.classification.anomaly.tiling import Tiling
from microtwin.errors import InputError

SIDES = st.integers(8, 40)


@given(SIDES, SIDES, st.integers(1, 8))
def test_tiles_cover_every_pixel_lie_within_and_blend_to_the_image(height, width, stride):
    tiling = Tiling(size=8, stride=stride)
    image = np.random.default_rng(0).random((height, width)).astype(np.float32)
    corners = tiling.corners(image.shape)
    assert corners.min() == 0
    assert (corners.max(0) == np.array(image.shape) - 8).all()
    assert len(np.unique(corners, axis=0)) == len(corners)
    tiles = tiling.cut(image, corners)
    np.testing.assert_allclose(tiling.blend(tiles, corners, image.shape), image, atol=1e-6)


def test_an_image_of_the_size_of_a_tile_is_one_tile():
    assert Tiling(8, 4).corners((8, 8)).tolist() == [[0, 0]]


def test_a_number_a_tile_becomes_an_image_largest_where_that_tile_is():
    tiling = Tiling(8, 8)
    corners = tiling.corners((16, 24))
    values = np.zeros(len(corners))
    values[corners.tolist().index([8, 16])] = 1
    painted = tiling.blend(values, corners, (16, 24))
    assert (painted[8:, 16:] == 1).all()
    assert painted.sum() == 64


@pytest.mark.parametrize("shape", [(7, 8), (8, 7), (8, 8, 8)])
def test_images_smaller_than_a_tile_are_refused(shape):
    with pytest.raises(InputError, match=r"picture must be \(y, x\), at least 8 x 8"):
        Tiling(8, 4).check(shape, name="picture")
