"""False-alarm rates that hold."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from microtwin._conformal import conformal_threshold, fewest, p_values
from microtwin.errors import InputError


@given(
    rate=st.sampled_from([0.01, 0.02, 0.05, 0.1, 1 / 3, 0.5]),
    more=st.integers(0, 60),
    seed=st.integers(0, 1000),
)
def test_no_more_of_n_plus_one_exchangeable_images_than_stated_lie_above_a_threshold(
    rate, more, seed
):
    """Each of n + 1 images in turn is the new one, the others its validation set."""
    count = fewest(rate) + more
    scores = np.random.default_rng(seed).normal(size=count + 1)
    above = [
        conformal_threshold(np.delete(scores, i), false_alarms=rate) < scores[i]
        for i in range(count + 1)
    ]
    assert np.mean(above) <= rate + 1e-12
    assert np.mean(above) > rate - 1 / (count + 1) - 1e-12  # and no fewer than can be had


@pytest.mark.parametrize("draw", ["lognormal", "standard_cauchy", "random"])
def test_the_rate_is_kept_whatever_the_distribution_while_a_plain_quantile_is_not(draw):
    rng, rate, count = np.random.default_rng(0), 0.1, 14
    scores = getattr(rng, draw)(size=(4000, count + 1))
    alarms = [s[-1] > conformal_threshold(s[:-1], false_alarms=rate) for s in scores]
    plain = [s[-1] > np.quantile(s[:-1], 1 - rate) for s in scores]
    spread = np.sqrt(rate * (1 - rate) / len(scores))
    assert np.mean(alarms) == pytest.approx(1 / (count + 1), abs=3 * spread)
    assert np.mean(plain) > rate + 3 * spread


def test_the_fewest_images_suffice_and_one_less_do_not():
    for rate in (0.3, 0.1, 0.07, 0.05, 0.01):
        scores = np.arange(fewest(rate), dtype=float)
        assert conformal_threshold(scores, false_alarms=rate) == scores[-1]
        with pytest.raises(InputError, match=f"needs at least {len(scores)} normal images"):
            conformal_threshold(scores[1:], false_alarms=rate)


def test_a_p_value_below_the_rate_means_above_the_threshold():
    rng = np.random.default_rng(3)
    normal, scores = rng.normal(size=57), rng.normal(1, 2, 500)
    for rate in (0.02, 0.05, 0.2):
        above = scores > conformal_threshold(normal, false_alarms=rate)
        np.testing.assert_array_equal(p_values(scores, normal) <= rate, above)


@pytest.mark.parametrize(
    ("scores", "rate", "message"),
    [
        ([], 0.5, "at least one"),
        ([[1.0]], 0.5, "row of numbers"),
        ([np.nan, 1], 0.5, "finite"),
        ([1.0, 2.0], 0, "above 0 and below 1"),
        ([1.0, 2.0], 1, "above 0 and below 1"),
        ([1.0, 2.0], "few", "must be a number"),
    ],
)
def test_what_gives_no_threshold_is_refused(scores, rate, message):
    with pytest.raises(InputError, match=message):
        conformal_threshold(scores, false_alarms=rate)
