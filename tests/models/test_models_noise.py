"""White noise by place: the same number at a place whoever asks for it, and no two alike."""

import jax
import numpy as np
import pytest

from microtwin.models.noise import Window, white


def field(origin, sides, *, seed=0, stream=1, channels=2, period=None):
    keys = jax.random.split(jax.random.key(seed), 2)
    (numbers,) = white(keys, [Window(stream, origin, sides, channels, period)])
    return np.asarray(numbers)


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_windows_agree_where_they_overlap(axes):
    whole = field((0,) * axes, (12,) * axes)
    part = field((3,) * axes, (6,) * axes)
    np.testing.assert_array_equal(part, whole[(slice(None), *[slice(3, 9)] * axes)])


def test_windows_drawn_together_are_those_drawn_alone():
    keys = jax.random.split(jax.random.key(0), 2)
    windows = [Window(0, (), (), 5), Window(1, (4, 2), (3, 7), 2), Window(2, (0, 0), (2, 2), 1)]
    together = white(keys, windows)
    for window, numbers in zip(windows, together, strict=True):
        np.testing.assert_array_equal(numbers, white(keys, [window])[0])
    assert [numbers.shape for numbers in together] == [(2, 5), (2, 3, 7, 2), (2, 2, 2, 1)]


def test_keys_streams_channels_and_places_are_independent():
    base = field((0, 0), (96, 96), channels=3)
    others = [
        field((0, 0), (96, 96), channels=3, seed=1),
        field((0, 0), (96, 96), channels=3, stream=2),
        np.roll(base, 1, axis=0),
        np.roll(base, 1, axis=3),
        base.swapaxes(1, 2),
        np.roll(base, 1, axis=2),
    ]
    off_diagonal = ~np.eye(96, dtype=bool)[None, :, :, None] & np.ones(base.shape, bool)
    for other in others:
        found = np.corrcoef(base[off_diagonal], other[off_diagonal])[0, 1]
        assert abs(found) < 5 / np.sqrt(off_diagonal.sum() / 2)


def test_no_number_comes_twice_up_to_the_largest_places():
    corners = [(0, 0, 0), (131_064, 0, 0), (0, 131_064, 0), (0, 0, 131_064), (0, 0, 32_764)]
    drawn = np.concatenate([field(corner, (8, 8, 8)).ravel() for corner in corners])
    # Of 2^23 values some coincide by chance: n^2 / 2 / 2^23 pairs.
    repeated = len(drawn) - len(np.unique(drawn))
    chance = len(drawn) ** 2 / 2 / 2**23
    assert repeated < chance + 6 * np.sqrt(chance)


def test_a_period_repeats_and_changes_nothing_within():
    plain = field((0, 0), (8, 6))
    tiled = field((0, 0), (16, 12), period=(8, 6))
    np.testing.assert_array_equal(tiled, np.tile(plain, (1, 2, 2, 1)))
    shifted = field((-3, 5), (8, 6), period=(8, 6))
    np.testing.assert_array_equal(shifted, np.roll(plain, (3, -5), (1, 2)))


def test_numbers_follow_the_normal_law():
    numbers = field((0, 0), (512, 256), channels=4).ravel().astype(float)
    n = len(numbers)
    assert np.isfinite(numbers).all()
    # Moments of a normal law, each within five of its standard errors.
    for power, moment, variance in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):
        assert (numbers**power).mean() == pytest.approx(moment, abs=5 * np.sqrt(variance / n))
    assert (numbers < 0).mean() == pytest.approx(0.5, abs=5 * 0.5 / np.sqrt(n))
    assert (np.abs(numbers) > 3).mean() == pytest.approx(0.0027, rel=0.1)


def test_a_traced_origin_gives_the_same_numbers():
    keys = jax.random.split(jax.random.key(0), 2)
    traced = jax.jit(lambda o: white(keys, [Window(1, (o, o), (4, 4), 2)])[0])(3)
    np.testing.assert_array_equal(traced, field((3, 3), (4, 4)))
