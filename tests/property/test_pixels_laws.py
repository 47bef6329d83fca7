"""Phases by training: exact where phases can be told apart, and the same whatever the way."""

import functools
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import microtwin as mt
from microtwin.images.synthetic import gaussian_field, stripes, voronoi
from microtwin.phases import blocks
from microtwin.phases.filters import Filters, Levels
from microtwin.phases.forest import Forest
from microtwin.phases.support_vectors import SupportVectors

METHODS = ("forest", "svm")
TRUTH = gaussian_field((90, 110), correlation_length=8, seed=3)


def grey_of(truth, *, levels, deviations, seed=0):
    """Grey levels around one of `levels` in each phase."""
    noise = np.random.default_rng(seed).standard_normal(truth.shape)
    grey = np.asarray(levels, float)[truth] + np.asarray(deviations, float)[truth] * noise
    return np.clip(np.rint(grey), 0, 255).astype(np.uint8)


def some_of(truth, share=0.03, seed=0):
    """Marks on a few pixels that are chosen at random."""
    kept = np.random.default_rng(seed).random(truth.shape) < share
    return np.where(kept, truth.astype(int), -1)


@functools.cache
def learned(method, ndim=2, seed=0):
    truth = TRUTH if ndim == 2 else gaussian_field((22, 26, 30), correlation_length=5, seed=1)
    grey = grey_of(truth, levels=(90, 130), deviations=(20, 20))
    return mt.train_pixels(grey, some_of(truth), method=method, seed=seed), grey


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("phases", [2, 3, 5])
def test_phases_of_different_brightness_are_found_exactly(method, phases):
    truth = voronoi((90, 110), cells=12, phases=phases, seed=5)
    grey = (truth * 40 + 30).astype(np.uint8)
    classifier = mt.train_pixels(grey, some_of(truth, 0.1), method=method, scales=(1,))
    assert (classifier.segment(grey) == truth).mean() > (0.999 if method == "forest" else 0.98)


@pytest.mark.parametrize("method", METHODS)
def test_textures_of_one_brightness_are_told_apart_where_no_threshold_can(method):
    grey = grey_of(TRUTH, levels=(120, 120), deviations=(5, 30))
    classifier = mt.train_pixels(grey, some_of(TRUTH), method=method)
    truth = gaussian_field((90, 110), correlation_length=8, seed=8)
    other = grey_of(truth, levels=(120, 120), deviations=(5, 30), seed=1)
    assert (classifier.segment(other) == truth).mean() > 0.9
    assert (mt.segment(other, smooth=2) == truth).mean() < 0.7


@pytest.mark.parametrize("method", METHODS)
def test_volumes_are_learned_from_strokes_in_one_of_their_planes(method):
    truth = gaussian_field((30, 36, 42), correlation_length=6, seed=2)
    grey = grey_of(truth, levels=(80, 150), deviations=(25, 25))
    marks = np.full(truth.shape, -1)
    marks[15] = some_of(truth[15], 0.2)
    classifier = mt.train_pixels(grey, marks, method=method)
    assert classifier.filters.ndim == 3
    assert (classifier.segment(grey) == truth).mean() > 0.97


@pytest.mark.parametrize("method", METHODS)
def test_what_is_learned_on_one_brightness_and_contrast_serves_on_another(method):
    grey = grey_of(TRUTH, levels=(90, 130), deviations=(6, 6))
    classifier = mt.train_pixels(grey, some_of(TRUTH), method=method)
    plain = mt.train_pixels(grey, some_of(TRUTH), method=method, levels="as_is")
    darker = (grey * 0.5 + 3).astype(np.float32)
    assert (classifier.segment(darker) == TRUTH).mean() > 0.97
    assert (plain.segment(darker) == TRUTH).mean() < 0.8


@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=10)
@given(side=st.integers(20, 120), threads=st.integers(1, 3))
def test_blocks_give_the_whole_to_the_last_bit(method, side, threads):
    classifier, grey = learned(method)
    whole = classifier.probabilities(grey, threads=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(blocks.SIDES, 2, side)
        assert (classifier.probabilities(grey, threads=threads) == whole).all()
        assert (classifier.segment(grey, threads=threads) == whole.argmax(axis=-1)).all()


@pytest.mark.parametrize("method", METHODS)
def test_blocks_of_a_volume_give_the_whole_to_the_last_bit(method):
    classifier, grey = learned(method, ndim=3)
    whole = classifier.probabilities(grey)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(blocks.SIDES, 3, 13)
        assert (classifier.probabilities(grey, threads=2) == whole).all()


@pytest.mark.parametrize("method", METHODS)
def test_the_same_seed_gives_the_same_classifier_whatever_the_threads(method):
    grey = grey_of(TRUTH, levels=(90, 110), deviations=(20, 20))
    marks = some_of(TRUTH, 0.1 if method == "forest" else 0.3)  # of the latter 1000 are drawn
    a, b, other = (
        mt.train_pixels(grey, marks, method=method, seed=seed, threads=threads)
        for seed, threads in ((4, 1), (4, 3), (5, 1))
    )
    seen = a.probabilities(grey)
    assert (b.probabilities(grey) == seen).all()
    assert (other.probabilities(grey) != seen).any()


def test_of_a_mask_no_more_is_learned_than_is_needed():
    grey = grey_of(TRUTH, levels=(90, 110), deviations=(20, 20))
    classifier = mt.train_pixels(grey, TRUTH, method="svm")
    assert classifier.learned == (1000, 1000)
    assert classifier.marked == tuple(np.bincount(TRUTH.ravel()))


@pytest.mark.parametrize("method", METHODS)
def test_probabilities_are_those_and_add_up_to_one(method):
    classifier, grey = learned(method)
    found = classifier.probabilities(grey)
    assert found.shape == (*grey.shape, 2)
    assert found.dtype == np.float32
    assert found.min() >= 0
    np.testing.assert_allclose(found.sum(axis=-1), 1, atol=1e-6)
    # Where it is sure it is right: four pixels of five at least where it says nine of ten.
    sure = found[..., 1] > 0.9
    assert TRUTH[sure].mean() > 0.8


def test_rare_phases_stay_rare_where_marks_are_weighed_as_they_are():
    truth = (np.random.default_rng(0).random((120, 120)) < 0.05).astype(np.uint8)
    grey = grey_of(truth, levels=(100, 120), deviations=(20, 20))
    shares = [
        mt.train_pixels(grey, truth, method="svm", weights=weights, scales=(1,)).segment(
            grey_of(truth, levels=(100, 120), deviations=(20, 20), seed=1)
        ).mean()
        for weights in ("equally", "marked")
    ]  # fmt: skip
    assert shares[0] > 3 * truth.mean()
    assert shares[1] < truth.mean()


@pytest.mark.parametrize("method", METHODS)
def test_a_classifier_comes_back_from_its_file_to_the_last_bit(method, tmp_path):
    classifier, grey = learned(method)
    path = classifier.save(tmp_path / "pixels.npz")
    again = mt.load_pixels(path)
    assert (again.probabilities(grey) == classifier.probabilities(grey)).all()
    for name in ("method", "phases", "marked", "learned", "images", "levels", "seed", "version"):
        assert getattr(again, name) == getattr(classifier, name)
    assert again.filters == classifier.filters
    again.save(tmp_path / "again.npz")
    with np.load(path) as first, np.load(tmp_path / "again.npz") as second:
        assert first.files == second.files
        assert all((first[name] == second[name]).all() for name in first.files)


def test_features_do_not_depend_on_how_the_structure_lies():
    filters = Filters(2, (1.0, 2.5))
    grey = grey_of(TRUTH, levels=(90, 130), deviations=(20, 20))
    whole = (slice(0, 90), slice(0, 110))
    straight = filters.features(grey, whole, Levels(0, 255)).reshape(-1, 90, 110)
    turned = filters.features(np.rot90(grey).copy(), whole[::-1], Levels(0, 255))
    turned = np.rot90(turned.reshape(-1, 110, 90), -1, axes=(1, 2))
    np.testing.assert_allclose(straight, turned, atol=1e-5)
    assert len(straight) == len(filters.names)


@pytest.mark.parametrize("ndim", [2, 3])
def test_features_of_a_ramp_and_of_layers_are_those_of_a_calculation(ndim):
    shape = (40, 44, 48)[:ndim]
    block = tuple(slice(0, side) for side in shape)
    filters = Filters(ndim, (1.0,))
    ramp = np.broadcast_to(np.arange(shape[-1]) * 0.1, shape)
    middle = tuple(side // 2 for side in shape)

    def at_middle(grey):
        found = filters.features(grey, block, Levels(0, 1)).reshape(-1, *shape)
        return dict(zip(filters.names, found[(slice(None), *middle)], strict=True))

    found = at_middle(ramp)
    expected = {"grey level": 0.1 * middle[-1], "gradient 1": 0.1, "edges 1": 0.1, "excess 1": 0}
    # Variance 1 of a Gaussian filter, times the slope squared; a filter cut at 3 has a bit less.
    assert found["deviation 1"] == pytest.approx(0.1, rel=0.03)
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, abs=1e-5), name
    # The structure tensor has one eigenvalue: the rest's norm is sqrt(1 - 1/d) of it.
    assert found["direction 1"] == pytest.approx(0.01 * np.sqrt(1 - 1 / ndim), rel=1e-3)
    bowl = 0.01 * sum(
        np.square(np.arange(side) - mid).reshape([-1 if a == axis else 1 for a in range(ndim)])
        for axis, (side, mid) in enumerate(zip(shape, middle, strict=True))
    )
    found = at_middle(bowl)
    assert found["laplacian 1"] == pytest.approx(0.02 * ndim, rel=1e-3)
    assert found["curvature 1"] == pytest.approx(0, abs=1e-5)
    layers = stripes(shape, width=4, axis=0).astype(float)
    found = at_middle(layers)
    assert found["direction 1"] / found["edges 1"] ** 2 == pytest.approx(
        np.sqrt(1 - 1 / ndim), rel=1e-3
    )


@given(st.data())
def test_nothing_beyond_reach_matters_and_something_within_does(data):
    filters = Filters(2, (data.draw(st.sampled_from([0.5, 1.0, 2.3])),))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    grey = rng.random((40, 40))
    block = (slice(18, 22), slice(18, 22))
    near = filters.features(grey, block, Levels(0, 1))
    around = slice(18 - filters.reach, 22 + filters.reach)
    other = rng.random((40, 40))
    other[around, around] = grey[around, around]
    assert (filters.features(other, block, Levels(0, 1)) == near).all()
    inside = slice(19 - filters.reach, 21 + filters.reach)
    other = rng.random((40, 40))
    other[inside, inside] = grey[inside, inside]
    assert (filters.features(other, block, Levels(0, 1)) != near).any()


def test_the_forest_is_that_of_scikit_learn():
    from sklearn.ensemble import RandomForestClassifier

    rng = np.random.default_rng(0)
    seen = rng.normal(size=(300, 7)).astype(np.float32)
    labels = (seen[:, 0] + seen[:, 1] ** 2 > 1).astype(int) + (seen[:, 2] > 1)
    weights = rng.uniform(0.5, 2, 300)
    own = Forest.fit(seen, labels, weights, seed=3, threads=1)
    peer = RandomForestClassifier(100, min_samples_leaf=2, random_state=3)
    peer.fit(seen, labels, sample_weight=weights)
    other = rng.normal(size=(500, 7)).astype(np.float32)
    np.testing.assert_allclose(own.probabilities(other), peer.predict_proba(other), atol=1e-6)


@pytest.mark.parametrize("phases", [2, 3, 4])
def test_the_decisions_of_the_support_vectors_are_those_of_scikit_learn(phases):
    from sklearn.svm import SVC

    rng = np.random.default_rng(0)
    labels = rng.integers(0, phases, 400)
    seen = (rng.normal(size=(400, 6)) + labels[:, None] * [3, 0, 0, 2, 0, 0]).astype(np.float32)
    weights = rng.uniform(0.5, 2, 400)
    own = SupportVectors.fit(seen, labels, weights, seed=0, threads=1)
    scaled = (seen - seen.mean(axis=0)) / seen.std(axis=0)
    peer = SVC(C=1, gamma=1 / 6, decision_function_shape="ovo").fit(scaled, labels, weights)
    expected = peer.decision_function(scaled).reshape(400, -1)
    rows = (seen - own.centre) / own.spread
    np.testing.assert_allclose(own._decisions(rows.astype(float)), expected, atol=2e-3)
    agree = own.probabilities(seen).argmax(axis=1) == peer.predict(scaled)
    assert agree.mean() > 0.9


def test_progress_counts_voxels_and_images():
    told = []
    grey = grey_of(TRUTH, levels=(90, 130), deviations=(6, 6))
    classifier = mt.train_pixels(
        [grey, grey], [some_of(TRUTH)] * 2, progress=lambda *values: told.append(values)
    )
    assert told == [(1, 2, {}), (2, 2, {})]
    told.clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(blocks.SIDES, 2, 60)
        classifier.segment(grey, progress=lambda *values: told.append(values[:2]))
    assert len(told) == 4
    assert told[-1] == (grey.size, grey.size)


@pytest.mark.parametrize("method", METHODS)
def test_memory_does_not_grow_with_the_image_but_by_its_labels(method, monkeypatch):
    grey = grey_of(TRUTH, levels=(90, 130), deviations=(6, 6))
    classifier = mt.train_pixels(grey, some_of(TRUTH, 0.01), method=method, scales=(1,))
    monkeypatch.setitem(blocks.SIDES, 2, 100)

    def peak_of(repeats):
        image = np.tile(grey, (repeats, repeats))
        tracemalloc.start()
        labels = classifier.segment(image, threads=2)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak - 2 * labels.nbytes  # and as much for the grey levels that are sampled

    assert peak_of(9) < 1.3 * peak_of(4)
