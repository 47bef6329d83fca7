"""Augmentations: what they change, what they leave, and that gradients know it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from microtwin.learning import diffaugment
from microtwin.learning.diffaugment import WAYS

augmented = jax.jit(diffaugment.augmented, static_argnames="ways")
brightened, translated, holed = (jax.jit(WAYS[way]) for way in WAYS)

IMAGES, VOLUMES = (64, 16, 24, 2), (32, 8, 16, 8, 1)
SHAPES = pytest.mark.parametrize("shape", [IMAGES, VOLUMES])


def bright(shape, seed=0):
    """Nothing in it is 0."""
    return 1 + jax.random.uniform(jax.random.key(seed), shape)


@SHAPES
def test_a_translated_image_is_the_image_elsewhere_and_zero_where_nothing_is_known(shape):
    images = np.asarray(bright(shape))
    found = np.asarray(translated(images, jax.random.key(1)))
    sides = shape[1:-1]
    shifts = set()
    for before, after in zip(images, found, strict=True):
        inside = [
            np.flatnonzero(after[..., 0].any(_others(axis, sides))) for axis in range(len(sides))
        ]
        begin, end = [i[0] for i in inside], [i[-1] + 1 for i in inside]
        shift = tuple(b if b else e - side for b, e, side in zip(begin, end, sides, strict=True))
        wanted = np.roll(before, shift, range(len(sides)))
        box = tuple(slice(b, e) for b, e in zip(begin, end, strict=True))
        np.testing.assert_array_equal(after[box], wanted[box])
        assert (after != 0).sum() == after[box].size
        shifts.add(shift)
    for axis, side in enumerate(sides):
        each = {shift[axis] for shift in shifts}
        assert each == set(range(-side // 8, side // 8 + 1))


def _others(axis, sides):
    return tuple(k for k in range(len(sides)) if k != axis)


@SHAPES
def test_cutout_takes_a_box_of_half_the_sides_and_leaves_the_rest(shape):
    images = np.asarray(bright(shape))
    found = np.asarray(holed(images, jax.random.key(1)))
    sides = shape[1:-1]
    gone = found[..., 0] == 0
    np.testing.assert_array_equal(found[~gone], images[~gone])
    assert (found[gone] == 0).all()
    whole = 0
    for hole in gone:
        widths = []
        for axis, side in enumerate(sides):
            along = np.flatnonzero(hole.any(_others(axis, sides)))
            widths.append(along[-1] - along[0] + 1)
            assert widths[-1] <= side // 2
            # A narrower one is cut off by the border.
            assert widths[-1] == side // 2 or {0, side - 1} & {along[0], along[-1]}
        assert hole.sum() == np.prod(widths)
        whole += widths == [side // 2 for side in sides]
    assert whole > 0
    for axis in range(len(sides)):
        assert gone.any((0, *(k + 1 for k in _others(axis, sides)))).all()  # nowhere is safe


@SHAPES
def test_brightness_is_a_line_from_grey_level_to_grey_level(shape):
    images = np.asarray(bright(shape, 3)) - 1
    found = np.asarray(brightened(images, jax.random.key(1)))
    slopes = []
    for before, after in zip(images, found, strict=True):
        slope, _ = np.polyfit(before.ravel(), after.ravel(), 1)
        np.testing.assert_allclose(
            after - after.mean(), slope * (before - before.mean()), atol=1e-5
        )
        assert abs(after.mean() - before.mean()) <= 0.5
        slopes.append(slope)
    assert 0.5 <= min(slopes) < 0.7
    assert 1.3 < max(slopes) <= 1.5


@SHAPES
@pytest.mark.parametrize("way", WAYS)
def test_gradients_pass_through_to_the_places_that_are_seen(way, shape):
    """All are affine: by the gradient of <A x, y> one can tell A x - A 0."""
    key = jax.random.key(2)
    x, y = bright(shape), bright(shape, 1)

    def change(images):
        return augmented(images, key, ways=(way,))

    back = jax.grad(lambda x: (change(x) * y).sum())(x)
    moved = (change(x) - change(jnp.zeros(shape))) * y
    np.testing.assert_allclose((back * x).sum(), moved.sum(), rtol=1e-4)
    if way == "cutout":
        np.testing.assert_array_equal(back == 0, change(x) == 0)


def test_a_key_decides_and_images_are_changed_apart():
    images = jnp.broadcast_to(bright((1, *IMAGES[1:])), IMAGES)
    for way in WAYS:
        first, again, other = (augmented(images, jax.random.key(k), ways=(way,)) for k in (0, 0, 1))
        np.testing.assert_array_equal(first, again)
        assert (first != other).any()
        assert (first[0] != first[1:]).any()


def test_ways_are_applied_one_after_the_other_each_with_chances_of_its_own():
    images, key = bright(IMAGES), jax.random.key(5)
    found = augmented(images, key, ways=("brightness", "cutout"))
    wanted = brightened(images, jax.random.fold_in(key, 0))
    np.testing.assert_array_equal(found, holed(wanted, jax.random.fold_in(key, 1)))
    np.testing.assert_array_equal(augmented(images, key, ways=()), images)
