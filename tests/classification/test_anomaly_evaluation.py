"""Areas under curves, rates, and how sure they are."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from microtwin.classification.anomaly import AnomalyScores, Evaluation
from microtwin.classification.anomaly.evaluation import area_under_roc, rate_interval
from microtwin.errors import InputError

LEVELS = st.lists(st.integers(0, 6), min_size=2, max_size=15)


@given(LEVELS, LEVELS)
def test_the_area_is_the_part_of_pairs_in_order_with_ties_counted_half(normal, anomalous):
    pairs = np.subtract.outer(anomalous, normal)
    expected = ((pairs > 0) + 0.5 * (pairs == 0)).mean()
    auc, (low, high) = area_under_roc(np.array(normal, float), np.array(anomalous, float))
    assert auc == pytest.approx(expected)
    assert 0 <= low <= auc <= high <= 1


def test_the_interval_holds_the_true_area_in_95_of_100_cases():
    """Normal scores one standard deviation apart have an area of Phi(1 / sqrt 2)."""
    rng, true = np.random.default_rng(0), 0.76024993890652
    draws = [area_under_roc(rng.normal(size=60), rng.normal(1, 1, 40))[1] for _ in range(1000)]
    covered = np.mean([low <= true <= high for low, high in draws])
    assert 0.93 <= covered <= 0.97


def test_the_interval_of_a_rate_is_that_of_the_tables():
    assert rate_interval(10, 100) == pytest.approx((0.04900, 0.17622), abs=1e-5)
    assert rate_interval(3, 3) == pytest.approx((0.29240, 1.0), abs=1e-5)


def test_rates_are_counted_above_the_threshold():
    found = Evaluation.of([1, 2, 3, 4], [3, 4, 5, 6, 7], threshold=4, stated=0.1)
    assert (found.false_alarms, found.detection) == (0, 0.6)
    assert found.auc == pytest.approx(18 / 20)
    assert found.false_alarm_rates[0] == 0
    assert found.detection_rates[-1] == 1


def test_an_evaluation_comes_back_from_its_file(tmp_path):
    found = Evaluation.of([1, 2, 3.5], [3, 4], threshold=2.5, stated=0.25)
    again = Evaluation.from_json(found.to_json(tmp_path / "e.json"))
    for name in Evaluation.__slots__:
        np.testing.assert_array_equal(getattr(again, name), getattr(found, name))
    (tmp_path / "e.json").write_text("{}")
    with pytest.raises(InputError, match="not a microtwin anomaly evaluation"):
        Evaluation.from_json(tmp_path / "e.json")


def test_scores_come_back_from_their_table_and_are_drawn(tmp_path):
    scores = AnomalyScores(
        scores=np.array([0.1, 1 / 3, 7.0]),
        threshold=1.25,
        p_values=np.array([1.0, 0.5, 0.05]),
        sources=("a.png", "b, c.png", "2"),
        false_alarms=0.05,
        calibrated_on=19,
        method="flow",
    )
    again = AnomalyScores.from_csv(scores.to_csv(tmp_path / "scores.csv"))
    for name in AnomalyScores.__slots__:
        np.testing.assert_array_equal(getattr(again, name), getattr(scores, name))
    assert again.to_dataframe()["anomalous"].tolist() == [False, False, True]
    labels = [text.get_text() for text in scores.plot().get_legend().get_texts()]
    assert labels == ["normal: 2", "anomalous: 1", "threshold for 5 % false alarms"]


def test_no_images_are_no_evaluation():
    with pytest.raises(InputError, match="anomalous must be a row of numbers, at least one"):
        Evaluation.of([1.0], [], threshold=0, stated=0.1)
