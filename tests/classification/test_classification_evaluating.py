"""Trained classifiers are judged and explained, and what comes of it goes into a folder."""

import numpy as np
import pytest

import microtwin as mt
from microtwin.classification import Predictions, write_evaluation, write_explanations
from microtwin.errors import InputError
from pages import assert_stands_alone
from squares import squares


def test_evaluating_counts_what_predicting_says(runs):
    classifier = mt.load_classifier(runs / "cnn")
    images, labels = squares(50, seed=1)
    report = classifier.evaluate(images, labels)
    right = (np.array(classifier.predict(images).labels) == labels).sum()
    assert (report.correct, report.count) == (right, 50)
    assert report.accuracy > 0.9
    assert report.timing.prediction_ms > 0
    assert report.timing.training_seconds == classifier.seconds
    assert report.timing.epochs == len(classifier.history)
    assert report.timing.parameters == report.timing.trainable > 1000
    assert report.timing.device == "cpu"
    assert report.settings["network"] == "preclassifier"


def test_labels_of_folders_serve_and_images_without_are_refused(runs, pictures):
    classifier = mt.load_classifier(runs / "cnn")
    assert classifier.evaluate(pictures).support.tolist() == [6, 6]
    with pytest.raises(InputError, match="labels must be given, or images be in folders"):
        classifier.evaluate(squares(4)[0])
    with pytest.raises(InputError, match="labels must be among the classes left, right"):
        classifier.evaluate(squares(2)[0], ["left", "up"])


def test_explaining_shows_the_evidence(runs):
    classifier = mt.load_classifier(runs / "cnn")
    images, labels = squares(40, seed=2)
    explained = classifier.explain(images, labels)
    assert explained.heat.shape == (40, 40, 40)
    assert explained.predictions.classes == ("left", "right")
    same = classifier.predict(images).probabilities
    assert explained.predictions.probabilities == pytest.approx(same, abs=1e-4)


def test_dense_networks_cannot_be_explained_and_say_so(runs, tmp_path):
    dense = mt.load_classifier(runs / "dense")
    assert not dense.explainable
    with pytest.raises(InputError, match="SymbolsDense has no maps"):
        dense.explain(squares(2)[0])
    with pytest.raises(InputError, match="SymbolsDense has no maps"):
        write_explanations(dense, squares(2)[0], output=tmp_path / "out")
    images, labels = squares(6)
    write_evaluation(dense, images, labels, output=tmp_path)  # without explanations
    page = assert_stands_alone((tmp_path / "report.html").read_text("utf-8"))
    assert not any("Grad-CAM" in image["alt"] for image in page.all("img"))


def test_the_folder_of_an_evaluation_holds_page_numbers_and_predictions(runs, pictures, tmp_path):
    classifier = mt.load_classifier(runs / "cnn")
    report = write_evaluation(classifier, pictures, output=tmp_path, source="left and right")
    page = assert_stands_alone((tmp_path / "report.html").read_text("utf-8"))
    assert "left and right" in page.text
    assert any("Grad-CAM" in image["alt"] for image in page.all("img"))
    back = mt.Report.from_json(tmp_path / "report.json")
    assert back.to_record() == report.to_record()
    said = Predictions.from_csv(tmp_path / "predictions.csv")
    assert np.array_equal(said.probabilities, classifier.predict(pictures).probabilities)
    assert (tmp_path / "classes.csv").read_text().startswith("class,precision,recall,f1")


def test_the_folder_of_explanations_holds_a_sheet_for_each_image(runs, pictures, tmp_path):
    told = []
    explained = write_explanations(
        mt.load_classifier(runs / "cnn"),
        pictures,
        output=tmp_path,
        most=3,
        target="right",
        progress=lambda done, total, _: told.append(done / total),
    )
    assert explained.target.tolist() == [1, 1, 1]
    assert len(list((tmp_path / "sheets").glob("*.png"))) == 3
    assert (tmp_path / "overview.png").exists()
    assert (tmp_path / "explanations.csv").read_text().count("\n") == 4
    shown = [source.split("/")[-2] for source in explained.predictions.sources]
    assert set(shown) == {"left", "right"}  # and not only the first folder
    assert told == sorted(told)
    assert told[-1] == 1
