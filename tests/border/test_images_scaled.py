"""Spacing that is kept where it is true and dropped where it is not."""

import copy
import pickle

import numpy as np
import pytest

from microtwin.errors import InputError
from microtwin.images import ScaledImage, downscale

VOLUME = ScaledImage(np.arange(60.0).reshape(3, 4, 5), spacing=(3.0, 2.0, 1.0), source="here")
CUBE = ScaledImage(np.arange(64.0).reshape(4, 4, 4), spacing=(3.0, 2.0, 1.0))


@pytest.mark.parametrize(
    ("cut", "spacing"),
    [
        (np.s_[1:], (3.0, 2.0, 1.0)),
        (np.s_[..., 2:4], (3.0, 2.0, 1.0)),
        (np.s_[1], (2.0, 1.0)),
        (np.s_[:, -1], (3.0, 1.0)),
        (np.s_[..., 0], (3.0, 2.0)),
        (np.s_[0, :, np.int64(1)], (2.0,)),
        (np.s_[::2], None),
        (np.s_[:, ::-1], (3.0, 2.0, 1.0)),
        (np.s_[:, ::-2], None),
        (np.s_[None], None),
        (np.s_[[0, 1]], None),
        (np.s_[np.ones((3, 4, 5), bool)], None),
    ],
)
def test_cutting_keeps_the_spacing_of_the_axes_left(cut, spacing):
    assert VOLUME[cut].spacing == spacing


def test_values_may_change_without_the_spacing():
    for same in (VOLUME + 1, VOLUME > 3, np.sqrt(VOLUME), VOLUME.astype(np.uint8), VOLUME.copy()):
        assert same.spacing == (3.0, 2.0, 1.0)
        assert same.source == "here"


@pytest.mark.parametrize("array", [VOLUME, CUBE])
def test_spacing_goes_with_its_axis(array):
    for reversed_ in (array.T, np.transpose(array), array.swapaxes(0, 2), array.transpose(2, 1, 0)):
        assert reversed_.spacing == (1.0, 2.0, 3.0)
    assert np.moveaxis(array, 0, -1).spacing == (2.0, 1.0, 3.0)
    assert array.transpose((1, 0, 2)).spacing == (2.0, 3.0, 1.0)
    assert np.rot90(array).spacing == (2.0, 3.0, 1.0)
    assert np.flip(array, 1).spacing == (3.0, 2.0, 1.0)


@pytest.mark.parametrize("array", [VOLUME, CUBE])
def test_spacing_is_dropped_where_the_shape_changes(array):
    for other in (array.reshape(4, -1), array.ravel(), array.repeat(2, 0), np.tile(array, 2)):
        assert getattr(other, "spacing", None) is None


def test_sums_and_means_are_plain_numbers():
    for number in (VOLUME.mean(), VOLUME.sum(), VOLUME.max(), (VOLUME > 3).mean(), VOLUME[0, 0, 0]):
        assert not isinstance(number, ScaledImage)
        assert np.ndim(number) == 0
    assert VOLUME.mean(axis=0).spacing is None


def test_pickles_and_copies_remember_everything():
    for again in (pickle.loads(pickle.dumps(VOLUME)), copy.deepcopy(VOLUME), copy.copy(VOLUME)):
        assert isinstance(again, ScaledImage)
        assert again.spacing == VOLUME.spacing
        assert again.source == "here"
        assert (again == VOLUME).all()


def test_spacing_grows_when_the_image_shrinks():
    assert downscale(VOLUME[1], 2).spacing == (4.0, 2.0)
    image = ScaledImage(np.zeros((350, 350)), spacing=1e-9)
    small = downscale(image, 350 / 320)
    assert small.shape == (320, 320)
    assert small.spacing == pytest.approx((350 / 320 * 1e-9,) * 2)


@pytest.mark.parametrize("spacing", [0, -1, np.nan, "wide", (1, 2), [1, 2, 3, 4]])
def test_impossible_spacings_are_refused(spacing):
    with pytest.raises(InputError, match="spacing"):
        ScaledImage(np.zeros((3, 4, 5)), spacing=spacing)
