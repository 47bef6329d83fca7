"""Active learning played through: whom it asks, and how labels saved are counted."""

import numpy as np
import pytest

from microtwin.classification import LabelledImages, Predictions
from microtwin.errors import InputError
from microtwin.selection import Simulation, simulate

CLASSES = ("NO", "YES")


def brightness(count, seed):
    """Flat images, fit where they are brighter than 0.37."""
    levels = np.random.default_rng(seed).random(count).astype(np.float32)
    pixels = np.broadcast_to(levels[:, None, None, None], (count, 16, 16, 1)).copy()
    numbers = (levels > 0.37).astype(np.int64)
    return LabelledImages(pixels, numbers, CLASSES, tuple(map(str, range(count))))


class Threshold:
    """A classifier that knows one level, in the middle between the nearest of both classes."""

    def __init__(self, level):
        self.level = level

    def predict(self, images):
        chances = 1 / (1 + np.exp(-30 * (self.embed(images)[:, 0] - self.level)))
        return Predictions(np.stack([1 - chances, chances], axis=1), CLASSES, images.sources)

    def embed(self, images):
        return images.pixels[:, 0, 0, :]


def learn(training, validation, seed, previous):
    levels, numbers = training.pixels[:, 0, 0, 0], training.labels
    return Threshold((levels[numbers == 0].max() + levels[numbers == 1].min()) / 2)


@pytest.fixture(scope="module")
def played():
    return simulate(
        brightness(400, 1),
        brightness(2000, 2),
        strategies=("random", "margin", "margin+none", "badge"),
        labels=(12, 18, 24, 36, 48),
        seeds=3,
        learn=learn,
    )


def test_of_one_level_active_learning_needs_far_fewer_labels(played):
    for name in ("margin", "margin+none"):
        last = played.saved(name)[-1]
        assert last.labels == 48
        assert last.needed < 30
        assert last.saved == 48 - last.needed
        assert last.low <= last.needed <= last.high
    random = played.accuracy[0].mean(axis=0)
    assert (played.accuracy[2].mean(axis=0)[1:] >= random[1:]).all()


def test_a_strategy_needs_as_many_labels_as_itself(played):
    for saved in played.saved("random"):
        assert saved.needed <= saved.labels
    strict = np.linspace(0.5, 0.9, 5)[None, None] + np.zeros((2, 3, 1))
    even = Simulation(("random", "margin"), (1, 2, 4, 8, 16), strict)
    assert [saved.needed for saved in even.saved("margin")] == [1, 2, 4, 8, 16]


def test_labels_saved_are_read_off_the_mean_curves():
    accuracy = np.array([[[0.5, 0.6, 0.7, 0.8]], [[0.5, 0.7, 0.8, 0.8]]])
    one = Simulation(("random", "margin"), (10, 20, 40, 80), accuracy)
    assert [saved.needed for saved in one.saved("margin")] == pytest.approx([10, 15, 20, 40])
    back = one.saved("random", against="margin")
    assert [saved.needed for saved in back] == pytest.approx([10, 40, 80, 80])
    better = Simulation(("random", "margin"), (10, 20), np.array([[[0.5, 0.9]], [[0.5, 0.6]]]))
    assert better.saved("margin")[-1].needed == np.inf
    with pytest.raises(InputError, match="strategy must be one of random, margin"):
        one.saved("badge")


def test_the_table_and_the_picture_hold_every_training(played, tmp_path):
    table = played.to_dataframe()
    assert len(table) == 4 * 3 * 5
    assert set(table["strategy"]) == set(played.strategies)
    lines = played.to_csv(tmp_path / "curves.csv").read_text().splitlines()
    assert len(lines) == 61
    axes = played.plot()
    assert len(axes.get_lines()) == 4


def test_the_same_seeds_give_the_same_numbers(played):
    again = simulate(
        brightness(400, 1),
        brightness(2000, 2),
        strategies=("random", "margin"),
        labels=(12, 18, 24, 36, 48),
        seeds=3,
        learn=learn,
    )
    assert (again.accuracy == played.accuracy[:2]).all()


def test_labels_of_one_class_alone_teach_nothing():
    pool = brightness(60, 1)
    alike = LabelledImages(pool.pixels, np.ones(60, np.int64), CLASSES, pool.sources)
    test = brightness(100, 2)
    one = simulate(alike, test, strategies=("margin",), labels=(12, 24), seeds=1, learn=learn)
    assert (one.accuracy == (test.labels == 1).mean()).all()


def test_simulations_that_cannot_be_are_errors():
    pool, test = brightness(60, 1), brightness(30, 2)
    for options, message in [
        ({"labels": (12, 12)}, "labels rising"),
        ({"labels": (100,)}, "at most the 60"),
        ({"strategies": ("guess",)}, "each of strategies must be one of"),
        ({"strategies": ()}, "at least one"),
        ({"seeds": 0}, "seeds must be at least 1"),
    ]:
        with pytest.raises(InputError, match=message):
            simulate(pool, test, **{"labels": (12,), "learn": learn, **options})
    other = LabelledImages(test.pixels, test.labels, ("A", "B"), test.sources)
    with pytest.raises(InputError, match="same classes"):
        simulate(pool, other, labels=(12,), learn=learn)
