"""How a study looks at its images: scale, held-out part, patches, noise."""

import numpy as np
import pytest

from microtwin.comparison import _inputs, _real, _sampling
from microtwin.comparison.labelled import as_labels
from microtwin.errors import InputError
from microtwin.images import ScaledImage
from microtwin.images.synthetic import bernoulli, gaussian_field, stripes


def blank(*shape):
    return ScaledImage(np.zeros(shape, np.uint8))


def test_the_correlation_length_of_stripes_is_where_their_triangle_falls_to_1_over_e():
    # Across stripes of width w the correlation is 1 - 2 r / w, along them 1: their mean 1 - r / w.
    image = stripes((240, 240), width=20, axis=1)
    assert _sampling.correlation_length([image]) == pytest.approx(20 * (1 - 1 / np.e), rel=0.1)


def test_images_that_differ_in_their_fraction_alone_have_no_longer_correlation():
    images = [bernoulli((64, 64), fraction=f, seed=i) for i, f in enumerate((0.2, 0.8))]
    assert _sampling.correlation_length(images) < 1


def test_images_are_shrunk_until_a_patch_holds_enough_but_not_until_there_are_no_patches():
    images = [blank(512, 512)] * 12
    factor = _sampling.working_factor
    assert factor(images, length=8, size=64, patch=64) == 1
    assert factor(images, length=24, size=64, patch=64) == 3
    assert factor(images, length=200, size=64, patch=64) == 4
    assert factor(images[:1], length=200, size=64, patch=64) == 1


def test_single_pixels_of_noise_are_told_from_a_smooth_interface_and_taken_out():
    smooth = gaussian_field((256, 256), correlation_length=8, fraction=0.5, seed=0)
    rng = np.random.default_rng(0)
    grey = 0.3 + 0.4 * smooth + rng.normal(0, 0.2, smooth.shape)
    noisy = ScaledImage(np.clip(grey, 0, 1).astype(np.float32))
    assert _sampling.roughness([smooth]) < _real.ROUGH
    assert _sampling.roughness([(noisy > 0.5).astype(np.uint8)]) > 2 * _real.ROUGH
    sigma, level = _real._phases([noisy], "auto")
    assert 0 < sigma < 2
    assert (_real._cut([noisy], sigma, level)[0] == smooth).mean() > 0.95


@pytest.mark.parametrize(
    ("files", "training", "held_out", "how"),
    [
        ([[blank(64, 64)]] * 9, 6, 3, "every third of 9 files"),
        ([[blank(64, 192)]], 1, 1, "the last part of each image or volume"),
        ([[blank(64, 64)]] * 3, 2, 1, "the last file"),
        ([[blank(64, 64)] * 9], 6, 3, "the last part of each image or volume"),
        ([[blank(64, 64)]], 1, 1, ""),
    ],
)
def test_a_part_is_held_out_by_file_or_in_space(files, training, held_out, how):
    split = _sampling.split(files, patch=64)
    assert (len(split.training), len(split.held_out), split.how) == (training, held_out, how)


def test_the_parts_of_one_image_do_not_overlap():
    image = ScaledImage(np.arange(100 * 200).reshape(100, 200))
    split = _sampling.split([[image]], patch=64)
    assert not np.intersect1d(split.training[0], split.held_out[0]).size
    assert split.held_out[0].shape == (100, 66)


def test_an_image_smaller_than_a_patch_is_refused():
    with pytest.raises(InputError, match="at least 64 x 64 pixels"):
        _sampling.split([[blank(64, 60)]], patch=64)


def test_patches_lie_inside_and_do_not_overlap_where_there_are_enough():
    image = blank(200, 330)
    cover = np.zeros(image.shape, int)
    for _, y, x in _sampling.tiles([image], patch=64, most=100):
        cover[y, x] += 1
    assert cover.max() == 1
    assert cover.sum() == 3 * 5 * 64**2


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ([0, 255], [0, 1]),
        ([0.0, 1.0], [0, 1]),
        ([False, True], [0, 1]),
        ([3, 5], [3, 5]),
        ([7, 7], [7, 7]),
        ([0.0, 0.5], None),
        ([-1, 1], None),
        (list(range(9)), None),
    ],
)
def test_labels_are_told_from_grey_levels_by_their_few_whole_values(values, labels):
    found = as_labels(np.array([values]))
    assert (None if found is None else found[0].tolist()) == labels


def read(source, **options):
    defaults = {
        "spacing": None, "crop_info_bar": False, "channel": None, "phase": None, "match": True,
        "flatten": False,
    }  # fmt: skip
    return _inputs.read(source, **(defaults | options))


def test_slices_of_a_volume_are_images_of_one_file():
    inputs = read(np.random.default_rng(0).random((60, 20, 20)))
    assert len(inputs.files) == 1
    assert len(inputs.images) == _inputs.SLICES
    assert not inputs.labelled


def test_of_many_phases_one_is_chosen_against_the_rest():
    labels = np.arange(3).repeat(12).reshape(6, 6).astype(np.uint8)
    assert (read(labels, phase=1).images[0] == (labels == 1)).all()
    with pytest.raises(InputError, match="choose one as phase"):
        read(labels)
    with pytest.raises(InputError, match="must be one of 0, 1, 2"):
        read(labels, phase=5)


def test_images_of_another_brightness_come_to_one_grey_scale():
    scene = gaussian_field((64, 64), correlation_length=4, fraction=0.5, seed=0)
    dark, bright = (40 + 60 * scene).astype(float), (120 + 120 * scene).astype(float)
    rng = np.random.default_rng(0)
    images = [a + rng.normal(0, 2, a.shape) for a in (dark, bright)]
    one, other = read(images).images
    assert np.abs(np.median(one[scene == 1]) - np.median(other[scene == 1])) < 0.03
