"""Cross-validation holds each image out once."""

import numpy as np
import pytest

import microtwin as mt
from microtwin.errors import InputError


def two_greys(count, seed=0):
    rng = np.random.default_rng(seed)
    bright = np.arange(count) % 2
    images = rng.normal(80 + 90 * bright[:, None, None], 20, (count, 28, 28))
    return images.clip(0, 255).astype(np.uint8), bright


def test_every_image_is_held_out_once_and_the_numbers_are_those_of_the_folds(tmp_path):
    images, labels = two_greys(60)
    seen = []
    found = mt.cross_validate(
        images,
        labels,
        workdir=tmp_path,
        folds=3,
        preset="symbols-dense",
        epochs=4,
        progress=lambda done, total, values: seen.append(done / total),
    )
    assert [fold["held_out"] for fold in found.folds] == [20, 20, 20]
    assert [fold["images"] for fold in found.folds] == [40, 40, 40]
    assert seen == sorted(seen)
    assert seen[-1] == 1
    accuracies = found.to_dataframe()["val_accuracy"]
    assert found.mean() == pytest.approx(accuracies.mean())
    assert found.spread() == pytest.approx(accuracies.std())
    for k in (1, 2, 3):
        classifier = mt.load_classifier(tmp_path / f"fold-{k}")
        assert classifier.metrics["val_accuracy"] == found.folds[k - 1]["val_accuracy"]
        report = found.reports.reports[k - 1]
        assert report.count == 20
        assert report.accuracy == pytest.approx(classifier.metrics["val_accuracy"])
    assert found.to_csv(tmp_path / "folds.csv").read_text().count("\n") == 4


def test_more_folds_than_images_of_a_class_are_refused(tmp_path):
    images, labels = two_greys(9)
    with pytest.raises(InputError, match="smallest class, 4; not 5"):
        mt.cross_validate(images, labels, workdir=tmp_path, folds=5, preset="symbols-dense")
