"""Classifiers across sets, and folds of a cross-validation."""

import numpy as np
import pandas as pd
import pytest

from microtwin.classification.cross import CrossEvaluation, cross_evaluate
from microtwin.classification.fold_reports import FoldReports
from microtwin.classification.predictions import Predictions
from microtwin.classification.report import Report
from microtwin.errors import InputError
from pages import assert_stands_alone


class Threshold:
    """Says "bright" of images above a level."""

    classes = ("dark", "bright")

    def __init__(self, level):
        self.level = level

    def predict(self, images):
        pixels = images.pixels if hasattr(images, "pixels") else images
        means = pixels.mean(axis=(1, 2))
        return Predictions.of(1 / (1 + np.exp(-20 * (means - self.level))), classes=self.classes)


class Labelled:
    """A set that names its classes in another order."""

    classes = ("bright", "dark")

    def __init__(self, pixels, labels):
        self.pixels, self.labels = pixels, labels

    def __len__(self):
        return len(self.pixels)


def made(offset, seed, n=60):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, n)
    levels = offset + 0.3 * labels + rng.normal(0, 0.08, n)
    return np.broadcast_to(levels[:, None, None], (n, 4, 4)), labels


SETS = {"lab A": made(0.3, 0), "lab B": made(0.5, 1)}
CLASSIFIERS = {"for A": Threshold(0.45), "for B": Threshold(0.65)}
HOME = {"for A": "lab A", "for B": "lab B"}


@pytest.fixture(scope="module")
def cross():
    return cross_evaluate(CLASSIFIERS, SETS, trained_on=HOME)


def test_every_classifier_is_held_against_every_set(cross):
    assert (cross.classifiers, cross.sets) == (("for A", "for B"), ("lab A", "lab B"))
    for name, classifier in CLASSIFIERS.items():
        for of, (images, labels) in SETS.items():
            right = (classifier.predict(images).predicted == labels).mean()
            assert cross.matrix().loc[name, of] == right
    own = np.diag(cross.matrix())
    assert (own > 0.9).all()
    assert (own > cross.matrix().to_numpy()[[0, 1], [1, 0]] + 0.1).all()
    assert cross.matrix("auc").to_numpy().min() > 0.95  # the order does not depend on the level


def test_the_long_table_tells_the_change_from_the_own_set(cross, tmp_path):
    table = cross.to_dataframe().set_index(["classifier", "set"])
    assert table.loc[("for A", "lab A"), "change"] == 0
    assert table["own"].tolist() == [True, False, False, True]
    matrix = cross.matrix()
    change = table.loc[("for A", "lab B"), "change"]
    assert change == matrix.loc["for A", "lab B"] - matrix.loc["for A", "lab A"]
    read = pd.read_csv(cross.to_csv(tmp_path / "c.csv"))
    assert read["accuracy"].tolist() == table["accuracy"].tolist()


def test_classes_are_matched_by_name():
    images, labels = SETS["lab A"]
    swapped = {"lab A": Labelled(images, 1 - labels)}
    again = cross_evaluate({"for A": CLASSIFIERS["for A"]}, swapped)
    mine = cross_evaluate({"for A": CLASSIFIERS["for A"]}, {"lab A": (images, labels)})
    assert again.matrix().equals(mine.matrix())


def test_a_cross_evaluation_comes_back_from_json(cross, tmp_path):
    back = CrossEvaluation.from_json(cross.to_json(tmp_path / "c.json"))
    assert back.to_record() == cross.to_record()
    pd.testing.assert_frame_equal(back.to_dataframe(), cross.to_dataframe())
    assert str(back) == str(cross)


def test_text_and_page_mark_the_own_set(cross, tmp_path):
    first = str(cross).splitlines()[1]
    assert first.split()[2].endswith("*")
    assert not first.split()[3].endswith("*")
    page = assert_stands_alone(cross.to_html(tmp_path / "c.html").read_text("utf-8"))
    assert len(page.all("img")) == 3
    assert all(len(image["alt"]) > 15 for image in page.all("img"))
    for told in ("for A", "lab B", "lab A*"):
        assert told in page.text
    ax = cross.plot(measure="macro_f1")
    assert sum(text.get_text().endswith("*") for text in ax.texts) == 2
    assert len(ax.patches) == 2


def test_progress_is_told_after_every_pair():
    told = []
    cross_evaluate(CLASSIFIERS, SETS, progress=lambda done, total, _: told.append((done, total)))
    assert told == [(i, 4) for i in (1, 2, 3, 4)]


@pytest.mark.parametrize(
    ("classifiers", "sets", "options", "message"),
    [
        ({}, SETS, {}, "classifiers must be a mapping of at least one"),
        (CLASSIFIERS, [], {}, "sets must be a mapping of at least one"),
        (CLASSIFIERS, SETS, {"trained_on": {"for C": "lab A"}}, "there is no 'for C'"),
        (CLASSIFIERS, SETS, {"trained_on": {"for A": "lab C"}}, "there is no 'lab C'"),
        (CLASSIFIERS, {"s": SETS["lab A"][0]}, {}, r"set 's' .*must be \(images, labels\)"),
        (
            CLASSIFIERS,
            {"s": (np.zeros((1, 2, 2)), ["grey"])},
            {},
            "set 's' for classifier 'for A': labels must be among dark, bright; not 'grey'",
        ),
    ],
)
def test_what_does_not_fit_is_refused(classifiers, sets, options, message):
    with pytest.raises(InputError, match=message):
        cross_evaluate(classifiers, sets, **options)


def test_a_measure_must_be_known(cross):
    with pytest.raises(InputError, match="measure must be one of accuracy"):
        cross.matrix("speed")


def folds():
    reports = []
    for seed in range(4):
        images, labels = made(0.3, seed, n=20 + seed)
        reports.append(Report.of(CLASSIFIERS["for A"].predict(images), labels))
    return FoldReports(tuple(reports))


def test_folds_have_a_mean_and_a_deviation_and_count_each_image_once(tmp_path):
    each = folds()
    table = each.to_dataframe()
    accuracies = [report.accuracy for report in each.reports]
    assert table["accuracy"].tolist()[:4] == accuracies
    assert table.loc["mean", "accuracy"] == pytest.approx(np.mean(accuracies))
    assert table.loc["standard deviation", "accuracy"] == pytest.approx(np.std(accuracies, ddof=1))
    assert each.confusion.sum() == 20 + 21 + 22 + 23
    right = sum(report.correct for report in each.reports)
    assert each.accuracy == right / 86
    assert "over all 86 images" in str(each)
    read = pd.read_csv(each.to_csv(tmp_path / "f.csv"), index_col="fold")
    assert read["auc"].tolist() == table["auc"].tolist()
    back = FoldReports.from_json(each.to_json(tmp_path / "f.json"))
    assert back.to_record() == each.to_record()


def test_folds_must_be_of_the_same_classes():
    one = Report.of([0.5], [1], classes=("a", "b"))
    other = Report.of([0.5], [1], classes=("a", "c"))
    with pytest.raises(InputError, match="reports must all be of the same classes"):
        FoldReports((one, other))
    with pytest.raises(InputError, match="reports must be at least one"):
        FoldReports(())
