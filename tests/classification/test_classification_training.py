"""Classifiers learn, stop, go on, and say what is wrong."""

import json
import re

import jax
import numpy as np
import pytest

import microtwin as mt
from microtwin.classification import PRESETS, networks
from microtwin.errors import CheckpointError, InputError
from microtwin.models import ARCHITECTURES

DENSE = {"preset": "symbols-dense", "epochs": 3, "seed": 0}


def stripes(count, seed=0):
    """Images with stripes along one axis or the other."""
    rng = np.random.default_rng(seed)
    across = np.arange(count) % 2
    phase = rng.uniform(0, 6, count)
    wave = 0.5 + 0.4 * np.sin(phase[:, None] + np.arange(28)[None] * 0.8)
    images = np.where(across[:, None, None] == 1, wave[:, :, None], wave[:, None, :])
    noisy = images + rng.normal(0, 0.05, (count, 28, 28))
    return (255 * noisy.clip(0, 1)).astype(np.uint8), np.array(["along", "across"])[across]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dense")
    images, labels = stripes(400)
    return mt.train_classifier(images, labels, workdir=folder, **{**DENSE, "epochs": 12}), folder


def test_what_is_different_is_told_apart(trained):
    classifier, _ = trained
    images, labels = stripes(100, seed=1)
    found = classifier.predict(images)
    assert (np.array(found.labels) == labels).mean() > 0.9
    assert found.classes == ("across", "along")
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1, atol=1e-12)


def test_a_classifier_is_opened_as_it_was_left(trained):
    classifier, folder = trained
    images, _ = stripes(5, seed=2)
    again = mt.load_classifier(folder)
    np.testing.assert_array_equal(
        again.predict(images).probabilities, classifier.predict(images).probabilities
    )
    assert again.metrics == classifier.metrics
    assert again.history == classifier.history
    assert again.embed(images).shape == (5, 50)


def test_one_image_is_a_list_of_one(trained):
    classifier, _ = trained
    images, _ = stripes(3, seed=2)
    alone = classifier.predict(images[1]).probabilities
    np.testing.assert_allclose(alone, classifier.predict(images).probabilities[1:2], atol=1e-6)


def test_predictions_do_not_depend_on_how_many_there_are_at_once(trained):
    classifier, _ = trained
    images, _ = stripes(150, seed=3)  # more than are taken at once
    whole = classifier.predict(images).probabilities
    np.testing.assert_allclose(
        classifier.predict(images[140:]).probabilities, whole[140:], atol=1e-6
    )


def test_an_interrupted_run_goes_on_to_the_same_weights(tmp_path):
    images, labels = stripes(64)

    class Interrupted(Exception):
        pass

    def stop(done, total, values):
        if done == 3:
            raise Interrupted

    with pytest.raises(Interrupted):
        mt.train_classifier(images, labels, workdir=tmp_path / "a", progress=stop, **DENSE)
    parts = mt.train_classifier(images, labels, workdir=tmp_path / "a", resume=True, **DENSE)
    whole = mt.train_classifier(images, labels, workdir=tmp_path / "b", **DENSE)
    np.testing.assert_array_equal(
        parts.predict(images).probabilities, whole.predict(images).probabilities
    )


def test_more_epochs_can_be_asked_for_later(tmp_path):
    images, labels = stripes(64)
    mt.train_classifier(images, labels, workdir=tmp_path / "a", **{**DENSE, "epochs": 1})
    longer = mt.train_classifier(images, labels, workdir=tmp_path / "a", resume=True, **DENSE)
    whole = mt.train_classifier(images, labels, workdir=tmp_path / "b", **DENSE)
    assert [row["val_loss"] for row in longer.history] == [r["val_loss"] for r in whole.history]


def test_images_of_a_rarer_class_count_more_where_balanced(tmp_path):
    images, labels = stripes(200)
    rare = np.flatnonzero(labels == "along")[:10]
    keep = np.sort(np.concatenate([np.flatnonzero(labels == "across"), rare]))
    options = {**DENSE, "epochs": 8}
    test = stripes(100, seed=4)
    recall = []
    for name, weights in (("plain", None), ("balanced", "balanced")):
        classifier = mt.train_classifier(
            images[keep], labels[keep], workdir=tmp_path / name, class_weights=weights, **options
        )
        found = np.array(classifier.predict(test[0]).labels)
        recall.append((found[test[1] == "along"] == "along").mean())
    assert recall[1] > recall[0] + 0.2
    settings = json.loads((tmp_path / "balanced" / "settings.json").read_text())
    assert settings["class_weights"] == pytest.approx([88 / 160, 88 / 16], rel=0.02)


def test_a_validation_set_of_its_own_is_used_as_it_is(tmp_path):
    images, labels = stripes(64)
    other = stripes(30, seed=5)
    classifier = mt.train_classifier(images, labels, workdir=tmp_path, validation=other, **DENSE)
    assert (classifier.settings.images, classifier.settings.validation) == (64, 30)


def test_images_without_a_label_are_left_out(tmp_path):
    images, labels = stripes(64)
    some = [label if i % 4 else "" for i, label in enumerate(labels)]
    classifier = mt.train_classifier(images, some, workdir=tmp_path, **DENSE)
    assert classifier.settings.images + classifier.settings.validation == 48


def test_predictions_go_to_a_table(trained, tmp_path):
    classifier, _ = trained
    images, _ = stripes(3, seed=2)
    found = classifier.predict(images)
    lines = found.to_csv(tmp_path / "p.csv").read_text().splitlines()
    assert lines[1] == "image,predicted,confidence,p(across),p(along)"
    assert [float(value) for value in lines[2].split(",")[3:]] == found.probabilities[0].tolist()
    assert found.to_dataframe()["predicted"].tolist() == found.labels


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"preset": "preclassifier", "size": (40, 50)},
            r"size must be that of a square .*\(40, 50",
        ),
        ({"preset": "preclassifier", "size": 20}, "size must be at least 38 pixels"),
        ({"preset": "resnet"}, "preset must be one of preclassifier"),
        ({"epochs": 0}, "epochs must be at least 1"),
        ({"validation": 1.5}, "validation must be a share between 0 and 1"),
        ({"validation": (np.zeros((2, 28, 28)), ["along", "up"])}, "labels must be among"),
        ({"class_weights": "even"}, "class_weights must be one of balanced"),
        ({"class_weights": {"up": 2.0}}, "class_weights must name the classes across, along"),
        ({"labels": ["along"] * 20}, "at least two classes, not 1"),
        ({"size": 4}, "size must be at least 8"),
    ],
)
def test_bad_arguments_are_refused_by_name(tmp_path, change, message):
    images, labels = stripes(20)
    options = {**DENSE, "labels": labels, "workdir": tmp_path, **change}
    with pytest.raises(InputError, match=message):
        mt.train_classifier(images, **options)


def test_a_folder_with_a_run_is_not_trained_over(trained):
    _, folder = trained
    images, labels = stripes(20)
    with pytest.raises(InputError, match="already holds a run"):
        mt.train_classifier(images, labels, workdir=folder, **DENSE)
    with pytest.raises(CheckpointError, match="of images"):
        mt.train_classifier(images, labels, workdir=folder, resume=True, **DENSE)


def test_training_images_are_changed_as_asked(trained, tmp_path):
    """Turned by up to a right angle, stripes along one axis and the other are the same."""
    images, labels = stripes(400)
    turned = mt.Augmentation(rotation=90)
    options = {**DENSE, "workdir": tmp_path, "epochs": 12}
    classifier = mt.train_classifier(images, labels, augmentation=turned, **options)
    plain = trained[0].metrics["val_accuracy"]
    assert classifier.metrics["val_accuracy"] < plain - 0.1
    assert "rotation=90" in classifier.settings.augmentation
    with pytest.raises(CheckpointError, match="augmentation"):
        mt.train_classifier(images, labels, resume=True, **options)


def test_what_is_no_run_is_refused(tmp_path, trained):
    with pytest.raises(InputError, match="not the folder of a trained classifier"):
        mt.load_classifier(tmp_path)
    (tmp_path / "settings.json").write_text('{"preset": "dcgan-2d"}')
    with pytest.raises(InputError, match="not the folder of a trained classifier"):
        mt.load_classifier(tmp_path)
    (tmp_path / "settings.json").write_text('{"kind": "classifier"')
    with pytest.raises(CheckpointError, match="damaged"):
        mt.load_classifier(tmp_path)


@pytest.mark.parametrize("recipe", PRESETS.values(), ids=lambda recipe: recipe.name)
def test_every_recipe_fits_its_network(recipe):
    """Its options are taken, and its patterns name parameters that there are."""
    y, x, channels = ARCHITECTURES[recipe.architecture].takes
    network = networks.network(recipe, classes=2, size=(y, x), channels=channels, seed=None)
    paths = [
        jax.tree_util.keystr(path, simple=True, separator=".").removesuffix(".value")
        for path, _ in jax.tree_util.tree_leaves_with_path(network.initial.params)
    ]
    patterns = [rule.pattern for rule in recipe.rules] + [recipe.frozen] * bool(recipe.frozen)
    for pattern in patterns:
        matching = [path for path in paths if re.fullmatch(pattern, path)]
        assert 0 < len(matching) < len(paths)


def test_a_run_may_begin_from_what_another_has_learned(trained, tmp_path):
    first, folder = trained
    images, labels = stripes(100, seed=5)
    more = {"preset": "symbols-dense", "epochs": 1, "rate": 1e-9}
    kept = mt.train_classifier(images, labels, workdir=tmp_path / "kept", start=first, **more)
    test, _ = stripes(50, seed=6)
    np.testing.assert_allclose(
        kept.predict(test).probabilities, first.predict(test).probabilities, atol=1e-4
    )
    assert kept.settings.start == first.digest == mt.load_classifier(folder).digest
    with pytest.raises(CheckpointError, match="start"):  # another run than the one that is there
        mt.train_classifier(images, labels, workdir=tmp_path / "kept", resume=True, **more)
    with pytest.raises(InputError, match=r"^start must be a classifier of the same classes"):
        mt.train_classifier(images, labels == "along", workdir=tmp_path / "b", start=first, **more)


def test_means_over_mirror_images_do_not_change_with_the_side(trained):
    classifier, _ = trained
    images, _ = stripes(6, seed=7)
    both = classifier.predict(images, mirrored=True).probabilities
    there, back = (classifier.predict(i).probabilities for i in (images, images[:, :, ::-1]))
    np.testing.assert_allclose(both, (there + back) / 2, atol=1e-6)
    np.testing.assert_allclose(
        classifier.predict(images[:, :, ::-1], mirrored=True).probabilities, both, atol=1e-6
    )
