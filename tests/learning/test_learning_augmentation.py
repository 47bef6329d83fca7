"""Changed images still show what they showed."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from microtwin.errors import InputError
from microtwin.learning.augmentation import Augmentation

KEY = jax.random.key(3)


@pytest.fixture(scope="module")
def images():
    rng = np.random.default_rng(0)
    return jnp.asarray(rng.random((8, 12, 12, 2)), jnp.float32)


def test_nothing_asked_for_changes_nothing(images):
    np.testing.assert_array_equal(Augmentation()(images, KEY), images)


def test_the_same_key_gives_the_same_images_and_another_others(images):
    change = Augmentation(rotation=20, shift=0.1, shear=10, zoom=(0.8, 1.2), flip="both")
    first = change(images, KEY)
    np.testing.assert_array_equal(first, change(images, KEY))
    assert not np.array_equal(first, change(images, jax.random.key(4)))


def test_flips_are_the_image_or_its_mirror_image_and_both_occur(images):
    flipped = np.asarray(Augmentation(flip="horizontal")(images, KEY))
    as_it_was = [np.array_equal(a, b) for a, b in zip(flipped, images, strict=True)]
    mirrored = [np.array_equal(a, b[:, ::-1]) for a, b in zip(flipped, images, strict=True)]
    assert all(np.logical_xor(as_it_was, mirrored))
    assert any(as_it_was)
    assert any(mirrored)


def test_a_rotation_keeps_what_is_round_and_in_the_middle():
    y, x = np.mgrid[-10:11, -10:11]
    disc = jnp.asarray(np.exp(-(x**2 + y**2) / 18)[None, ..., None], jnp.float32)
    turned = Augmentation(rotation=180)(disc, KEY)
    assert float(jnp.abs(turned - disc).max()) < 0.02


def test_a_shift_moves_by_no_more_than_its_fraction():
    image = np.zeros((16, 21, 21, 1), np.float32)
    image[:, 10, 10] = 1
    moved = np.asarray(Augmentation(shift=0.2)(jnp.asarray(image), KEY))[..., 0]
    y, x = np.mgrid[:21, :21]
    mass = moved.sum((1, 2))
    away = np.stack([(moved * y).sum((1, 2)) / mass, (moved * x).sum((1, 2)) / mass]) - 10
    np.testing.assert_allclose(mass, 1, atol=1e-4)
    assert np.abs(away).max() <= 0.2 * 21 + 1e-3
    assert np.abs(away).max() > 2


def test_a_zoom_below_one_enlarges():
    image = np.zeros((4, 33, 33, 1), np.float32)
    image[:, 12:21, 12:21] = 1
    larger = np.asarray(Augmentation(zoom=(0.5, 0.5))(jnp.asarray(image), KEY))
    np.testing.assert_allclose(larger.sum((1, 2, 3)), 4 * 81, rtol=0.1)


def test_brightness_stays_between_black_and_white(images):
    brighter = Augmentation(brightness=(3.0, 3.0))(images, KEY)
    np.testing.assert_allclose(brighter, np.minimum(3 * images, 1), rtol=1e-6)


def test_noise_has_the_deviation_asked_for():
    flat = jnp.full((4, 64, 64, 1), 0.5)
    noisy = Augmentation(noise=0.1)(flat, KEY)
    assert float(noisy.std()) == pytest.approx(0.1, rel=0.05)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"flip": "sideways"}, "flip must be one of"),
        ({"rotation": -1}, "rotation must be at least 0"),
        ({"zoom": (1.2, 0.8)}, "zoom must be two ascending factors"),
        ({"brightness": (0.0, 1.0)}, "brightness must be two ascending factors"),
    ],
)
def test_changes_that_make_no_sense_are_refused(wrong, message):
    with pytest.raises(InputError, match=message):
        Augmentation(**wrong)


def test_an_augmentation_is_read_from_text():
    read = Augmentation.from_text
    assert read("none") == Augmentation()
    expected = Augmentation(rotation=20, zoom=(0.8, 1.2), flip="both", noise=0.05)
    assert read("rotation=20, zoom=0.8:1.2,flip=both,noise=.05") == expected


@pytest.mark.parametrize("text", ["", "turn=3", "rotation", "rotation=x", "zoom=2", "zoom=1:2:3"])
def test_a_text_that_is_no_augmentation_is_refused(text):
    with pytest.raises(InputError, match="augmentation must be like rotation=20"):
        Augmentation.from_text(text)
