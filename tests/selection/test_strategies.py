"""Whom to ask: the doubtful, but not the same thing twice."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from microtwin.errors import InputError
from microtwin.images import sample_micrographs
from microtwin.images.defects import DEFECTS
from microtwin.selection import ask, doubt, simple_features
from microtwin.selection.strategies import DIVERSITIES, STRATEGIES


@pytest.fixture(scope="module")
def pool():
    """Ninety images: three clumps, of which one is all doubtful and made of near copies."""
    rng = np.random.default_rng(0)
    places = np.repeat([[0.0, 0.0], [9.0, 0.0], [0.0, 9.0]], 30, axis=0)
    places[:30] += rng.normal(0, 0.01, (30, 2))
    places[30:] += rng.normal(0, 1, (60, 2))
    chances = np.concatenate([rng.uniform(0.49, 0.51, 30), rng.uniform(0.6, 0.8, 60)])
    return chances, places


def ways():
    for strategy in STRATEGIES:
        for diversity in DIVERSITIES:
            if (strategy, diversity) != ("coverage", "none"):
                yield strategy, diversity


@pytest.mark.parametrize(("strategy", "diversity"), ways())
def test_as_many_different_images_as_asked_for_and_the_same_for_a_seed(pool, strategy, diversity):
    chances, places = pool
    options = {"strategy": strategy, "diversity": diversity, "embeddings": places}
    first = ask(12, probabilities=chances, seed=1, **options)
    again = ask(12, probabilities=chances, seed=1, **options)
    assert len(set(first.indices.tolist())) == len(first) == 12
    assert (first.indices == again.indices).all()
    assert first.doubts == pytest.approx(doubt(chances, strategy)[first.indices])
    every = ask(len(chances), probabilities=chances, seed=1, **options)
    assert sorted(every.indices) == list(range(len(chances)))


@given(chances=st.lists(st.floats(0, 1), min_size=3, max_size=50), n=st.integers(1, 3))
def test_of_two_classes_uncertainty_margin_and_entropy_ask_for_those_nearest_to_a_half(chances, n):
    far = np.abs(np.array(chances) - 0.5)
    for strategy in ("uncertainty", "margin"):
        asked = ask(n, probabilities=chances, strategy=strategy)
        assert np.sort(far)[:n] == pytest.approx(np.sort(far[asked.indices]), abs=1e-12)
    asked = ask(n, probabilities=chances, strategy="entropy")  # flat near a half
    assert np.sort(far)[:n] == pytest.approx(np.sort(far[asked.indices]), abs=1e-6)


def test_of_three_classes_they_differ():
    chances = [[0.5, 0.5, 0.0], [0.4, 0.3, 0.3], [0.36, 0.0, 0.64]]
    least, margin, entropy = (
        ask(1, probabilities=chances, strategy=s).indices[0]
        for s in ("uncertainty", "margin", "entropy")
    )
    assert (least, margin, entropy) == (1, 0, 1)


@pytest.mark.parametrize("strategy", ["uncertainty", "margin", "entropy"])
def test_doubt_is_none_where_certain_and_one_where_all_are_alike(strategy):
    chances = [[1, 0, 0], [1 / 3, 1 / 3, 1 / 3]]
    assert doubt(chances, strategy) == pytest.approx([0, 1])


def test_copies_are_asked_for_once_where_diversity_counts(pool):
    chances, places = pool
    for strategy, diversity in [("margin", "k-means"), ("margin", "k-centre"), ("badge", None)]:
        asked = ask(
            6,
            probabilities=chances,
            embeddings=places,
            strategy=strategy,
            diversity=diversity,
            shortlist=15,
        )
        assert (asked.indices < 30).sum() <= 3, (strategy, diversity)
    plain = ask(6, probabilities=chances, embeddings=places, diversity="none")
    assert (plain.indices < 30).all()


@pytest.mark.parametrize("diversity", ["k-means", "k-centre"])
def test_without_a_model_every_clump_is_asked_about(pool, diversity):
    _, places = pool
    asked = ask(3, embeddings=places, diversity=diversity)
    assert sorted(asked.indices // 30) == [0, 1, 2]
    assert np.isnan(asked.doubts).all()


def test_k_centre_keeps_away_from_what_is_known(pool):
    _, places = pool
    asked = ask(1, embeddings=places, diversity="k-centre", known=places[:60])
    assert asked.indices[0] >= 60


@pytest.mark.parametrize("diversity", ["k-means", "k-centre"])
def test_images_that_are_all_alike_can_be_asked_about(diversity):
    for chances in (None, np.full(20, 0.5)):
        asked = ask(5, probabilities=chances, embeddings=np.ones((20, 3)), diversity=diversity)
        assert len(set(asked.indices.tolist())) == 5
    alike = ask(5, probabilities=np.full(20, 0.5), embeddings=np.ones((20, 3)), strategy="badge")
    assert len(set(alike.indices.tolist())) == 5


def test_random_does_not_look_at_the_model(pool):
    chances, _ = pool
    often = [ask(20, probabilities=chances, strategy="random", seed=s).indices for s in range(30)]
    assert 0.25 < (np.concatenate(often) < 30).mean() < 0.42


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "needs probabilities of a model, or embeddings"),
        ({"probabilities": [0.1, 0.2]}, "n must be at most the number of images, 2, not 3"),
        ({"probabilities": [0.1, 0.2, 1.2]}, "between 0 and 1"),
        ({"probabilities": [0.1, 0.2, np.nan]}, "between 0 and 1"),
        ({"probabilities": np.full((3, 4), 0.5)}, "add up to 1"),
        ({"probabilities": np.zeros((3, 2, 2))}, "not \\(3, 2, 2\\)"),
        ({"probabilities": [0.1] * 3, "embeddings": np.ones((4, 2))}, "same images"),
        ({"embeddings": np.full((3, 2), np.nan)}, "finite"),
        ({"embeddings": np.ones((3, 2)), "strategy": "margin"}, "margin needs probabilities"),
        ({"embeddings": np.ones((3, 2)), "strategy": "guess"}, "strategy must be one of"),
        ({"embeddings": np.ones((3, 2)), "diversity": "some"}, "diversity must be one of"),
        ({"embeddings": np.ones((3, 2)), "diversity": "none"}, "coverage needs"),
        ({"probabilities": [0.1] * 3, "strategy": "badge"}, "badge needs embeddings"),
        ({"probabilities": [0.1] * 3, "diversity": "k-means"}, "k-means needs embeddings"),
        (
            {"embeddings": np.ones((3, 2)), "known": np.ones((3, 5)), "diversity": "k-centre"},
            "as many columns",
        ),
    ],
)
def test_questions_that_cannot_be_asked_are_errors(options, message):
    with pytest.raises(InputError, match=message):
        ask(3, **options)


def test_simple_features_set_spoilt_images_apart():
    good = sample_micrographs(10, shape=(96, 96), seed=1)
    for name, spoil in DEFECTS.items():
        if name in ("drift", "particles"):  # a little of the image, and few statistics of it
            continue
        spoilt = [spoil(image, strength=1.5, seed=i) for i, image in enumerate(good)]
        places = simple_features([*good, *spoilt])
        assert places.shape == (20, 24)
        middle = places[:10].mean(axis=0)
        far = np.linalg.norm(places - middle, axis=1)
        assert np.median(far[10:]) > 1.25 * np.median(far[:10]), name


def test_simple_features_of_odd_images():
    flat = simple_features([np.zeros((20, 30), np.uint8)] * 3)
    assert np.isfinite(flat).all()
    with pytest.raises(InputError, match="must not be empty"):
        simple_features([])
    with pytest.raises(InputError, match="image 1 must be"):
        simple_features([np.zeros((20, 20)), np.zeros((8, 20))])
