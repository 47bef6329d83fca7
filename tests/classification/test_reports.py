"""Reports of classifiers: closed forms, scikit-learn's numbers, files and pages."""

import json

import numpy as np
import pytest
import sklearn.metrics as peer
from hypothesis import given
from hypothesis import strategies as st

from microtwin.classification._report_plots import mean_roc
from microtwin.classification.calibration import Calibration
from microtwin.classification.predictions import Predictions
from microtwin.classification.ranking import Ranking
from microtwin.classification.report import Report, Timing
from microtwin.errors import InputError
from pages import assert_stands_alone

NAMES = ("sandal", "shirt", "bag")


@st.composite
def judged(draw, least_classes=2):
    """Probabilities in steps of a tenth, so that there are ties, and labels."""
    k = draw(st.integers(least_classes, 4))
    n = draw(st.integers(1, 30))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    values = rng.integers(0, 4, (n, k)) + rng.integers(0, 2, (n, 1))
    values[values.sum(axis=1) == 0] = 1
    return values / values.sum(axis=1, keepdims=True), rng.integers(0, k, n)


def blurred(n=300, k=3, *, seed=0, strength=2.0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, k, n)
    logits = rng.normal(size=(n, k))
    logits[np.arange(n), labels] += strength
    return Predictions.of_logits(logits).probabilities, labels


def same(a, b):
    """Whether two reports are equal to the last bit."""
    return json.dumps(a.to_record()) == json.dumps(b.to_record()) and all(
        np.array_equal(getattr(x, name), getattr(y, name))
        and getattr(x, name).dtype == getattr(y, name).dtype
        for x, y in zip((*a.rankings, a.calibration), (*b.rankings, b.calibration), strict=True)
        for name in x.__slots__
    )


def test_a_perfect_predictor_has_all_numbers_perfect():
    labels = np.repeat(range(3), 5)
    report = Report.of(np.eye(3)[labels], labels, classes=NAMES)
    assert report.confusion.tolist() == np.diag([5, 5, 5]).tolist()
    for each in (report.precision, report.recall, report.f1, report.aucs):
        assert each.tolist() == [1, 1, 1]
    assert report.accuracy == report.auc == report.average_precision == 1
    assert report.brier == report.log_loss == report.expected_calibration_error == 0
    assert report.mistakes == []


def test_a_predictor_that_knows_nothing_has_an_auc_of_one_half():
    labels = np.repeat([0, 1], [30, 70])
    report = Report.of(np.full(100, 0.7), labels)
    assert report.auc == 0.5
    assert report.average_precision == pytest.approx(0.7)
    assert report.accuracy == 0.7
    assert report.expected_calibration_error == pytest.approx(0, abs=1e-12)
    assert report.brier == pytest.approx(0.7 * 0.3)


def test_random_probabilities_have_an_auc_near_one_half():
    rng = np.random.default_rng(1)
    report = Report.of(rng.random(20_000), rng.integers(0, 2, 20_000))
    assert report.auc == pytest.approx(0.5, abs=0.015)
    assert report.accuracy == pytest.approx(0.5, abs=0.015)


def test_a_confusion_matrix_counted_by_hand():
    # Of 4 good ones 3 are found and one is taken for bad; of 6 bad ones 2 for good.
    truth = np.repeat([0, 1], [4, 6])
    said = np.array([0.1, 0.2, 0.3, 0.9, 0.4, 0.1, 0.8, 0.7, 0.9, 0.6])
    report = Report.of(said, truth, classes=("good", "bad"))
    assert report.confusion.tolist() == [[3, 1], [2, 4]]
    assert report.precision.tolist() == [3 / 5, 4 / 5]
    assert report.recall.tolist() == [3 / 4, 4 / 6]
    assert report.f1 == pytest.approx([2 / 3, 8 / 11])
    assert report.support.tolist() == [4, 6]
    assert report.averages(report.recall) == pytest.approx(((3 / 4 + 4 / 6) / 2, 7 / 10))
    # Pairs (good, bad) with the bad one above, and half of each tie.
    assert report.auc == pytest.approx((3 + 0.5 + 3 + 3 + 3.5 + 3) / 24)
    assert [tuple(m) for m in report.mistakes] == [("bad", "good", 2), ("good", "bad", 1)]


@given(judged())
def test_auc_is_how_often_an_image_of_the_class_is_above_another(case):
    probabilities, labels = case
    for k, ranking in enumerate(Report.of(probabilities, labels).rankings):
        own, other = probabilities[labels == k, k], probabilities[labels != k, k]
        if not len(own) or not len(other):
            assert np.isnan(ranking.auc)
            continue
        above = (own[:, None] > other).mean() + (own[:, None] == other).mean() / 2
        assert ranking.auc == pytest.approx(above)


@given(judged())
def test_numbers_are_those_of_scikit_learn(case):
    probabilities, labels = case
    k = probabilities.shape[1]
    report = Report.of(probabilities, labels)
    said, there = probabilities.argmax(axis=1), np.unique(labels)
    assert report.accuracy == peer.accuracy_score(labels, said)
    assert np.array_equal(report.confusion, peer.confusion_matrix(labels, said, labels=range(k)))
    for i, average in enumerate(("macro", "weighted")):
        options = {"labels": there, "average": average, "zero_division": 0}
        theirs = peer.precision_recall_fscore_support(labels, said, **options)
        mine = [report.averages(each)[i] for each in (report.precision, report.recall, report.f1)]
        assert mine == pytest.approx(theirs[:3])
    for i in range(k):
        if 0 < (labels == i).sum() < len(labels):
            own = labels == i
            assert report.aucs[i] == pytest.approx(peer.roc_auc_score(own, probabilities[:, i]))
            theirs = peer.average_precision_score(own, probabilities[:, i])
            assert report.average_precisions[i] == pytest.approx(theirs)
    squares = ((probabilities - np.eye(k)[labels]) ** 2).sum(axis=1).mean()
    assert report.brier == pytest.approx(squares / (2 if k == 2 else 1))


def test_the_log_loss_is_that_of_scikit_learn():
    probabilities, labels = blurred()
    assert Report.of(probabilities, labels).log_loss == pytest.approx(
        peer.log_loss(labels, probabilities)
    )


@given(judged())
def test_the_curves_that_are_kept_lose_nothing(case):
    probabilities, labels = case
    for k, ranking in enumerate(Report.of(probabilities, labels).rankings):
        if not len(ranking.thresholds):
            continue
        fpr, tpr, _ = peer.roc_curve(labels == k, probabilities[:, k], drop_intermediate=False)
        mine = set(zip(*(np.round(axis, 9) for axis in ranking.roc), strict=True))
        assert mine <= set(zip(np.round(fpr, 9), np.round(tpr, 9), strict=True))
        for x, y in zip(fpr, tpr, strict=True):  # what is left out lies on straight lines
            flat = np.isclose(ranking.roc[1], y)
            assert ranking.roc[0][flat].min() - 1e-9 <= x <= ranking.roc[0][flat].max() + 1e-9


@given(judged(least_classes=3))
def test_the_area_under_the_mean_curve_is_the_mean_of_the_areas(case):
    probabilities, labels = case
    report = Report.of(probabilities, labels)
    rates, mean = mean_roc(report)
    if len(rates):
        assert np.trapezoid(mean, rates) == pytest.approx(np.nanmean(report.aucs))


@given(judged())
def test_a_binary_network_says_the_same_with_one_output_as_with_two(case):
    probabilities, labels = case
    two = np.stack([1 - probabilities[:, 0], probabilities[:, 0]], axis=1)
    labels = np.minimum(labels, 1)
    both = Report.of(two, labels)
    for one in (two[:, 1], two[:, 1:]):
        assert same(Report.of(one, labels), both)
    assert both.aucs[0] == pytest.approx(both.aucs[1], nan_ok=True)


def test_a_class_that_does_not_occur_is_not_a_number_and_in_no_average():
    probabilities, labels = blurred(k=3)
    there = labels < 2
    report = Report.of(probabilities[there], labels[there], classes=NAMES)
    assert np.isnan([report.recall[2], report.aucs[2], report.average_precisions[2]]).all()
    assert report.averages(report.recall)[0] == pytest.approx(report.recall[:2].mean())
    assert report.auc == pytest.approx(report.aucs[:2].mean())
    assert "–" in str(report).splitlines()[3]


def test_a_class_that_occurs_and_is_never_predicted_has_precision_zero():
    report = Report.of([0.1, 0.2, 0.3], [0, 0, 1])
    assert report.precision.tolist() == [2 / 3, 0]
    assert report.f1[1] == 0


def test_images_of_one_class_only_leave_areas_open_and_break_nothing(tmp_path):
    report = Report.of([0.1, 0.6, 0.3], [0, 0, 0], classes=("good", "bad"))
    assert np.isnan([report.auc, report.average_precision]).all()
    assert report.accuracy == pytest.approx(2 / 3)
    report.plot()
    assert_stands_alone(report.to_html(tmp_path / "r.html").read_text("utf-8"))
    assert np.isnan(Report.from_json(report.to_json(tmp_path / "r.json")).auc)


@pytest.mark.parametrize(("right", "n"), [(0, 10), (7, 10), (932, 1000), (10, 10)])
def test_the_interval_of_the_accuracy_is_wilsons(right, n):
    report = Report.of(np.repeat([1.0, 0.0], [right, n - right]), np.ones(n, int))
    z, p = 1.959963984540054, right / n
    middle = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    assert report.accuracy_interval == pytest.approx((middle - half, middle + half), abs=1e-9)


def test_the_calibration_error_is_the_distance_of_accuracy_from_confidence():
    sure = np.tile([1.0, 0.0], (10, 1))
    assert Calibration.of(sure, np.repeat([0, 1], 5)).expected_error == 0.5
    honest = np.tile([0.8, 0.2], (10, 1))
    assert Calibration.of(honest, np.repeat([0, 1], [8, 2])).expected_error == pytest.approx(0)
    both = Calibration.of(np.vstack([sure, honest]), np.repeat([0, 1, 0, 1], [5, 5, 8, 2]))
    assert both.expected_error == pytest.approx(0.25)
    assert both.counts.sum() == 20
    assert both.accuracy[both.counts > 0] == pytest.approx([0.8, 0.5])


@given(judged())
def test_every_prediction_is_in_one_bin_of_confidence(case):
    probabilities, labels = case
    bins = Calibration.of(probabilities, labels)
    assert bins.counts.sum() == len(labels)
    assert bins.correct.sum() == (probabilities.argmax(axis=1) == labels).sum()
    seen = bins.counts > 0
    assert (bins.confidence[seen] >= bins.edges[:-1][seen] - 1e-12).all()
    assert (bins.confidence[seen] <= bins.edges[1:][seen] + 1e-12).all()


@given(judged())
def test_a_report_comes_back_from_json_to_the_last_bit(tmp_path_factory, case):
    path = tmp_path_factory.mktemp("report") / "r.json"
    timing = Timing(training_seconds=12.25, epochs=3, parameters=306_906)
    report = Report.of(*case, timing=timing, settings={"seed": 3, "network": "fashion-cnn"})
    back = Report.from_json(report.to_json(path))
    assert back.timing == timing
    assert same(back, report)
    assert str(back) == str(report)
    json.loads(path.read_text(), parse_constant=pytest.fail)  # there is no NaN in JSON


def test_classes_may_be_given_by_name_in_any_kind_of_sequence():
    pd = pytest.importorskip("pandas")
    probabilities, labels = blurred()
    by_number = Report.of(probabilities, labels, classes=NAMES)
    named = [NAMES[i] for i in labels]
    for given_ in (named, np.array(named), np.array(named, object), pd.Series(named)):
        assert same(Report.of(probabilities, given_, classes=NAMES), by_number)


def test_predictions_bring_their_classes():
    probabilities, labels = blurred()
    predictions = Predictions.of(probabilities, classes=NAMES)
    assert Report.of(predictions, labels).classes == NAMES
    with pytest.raises(InputError, match="classes must be those of the predictions, sandal"):
        Report.of(predictions, labels, classes=("a", "b", "c"))


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, 1], r"labels must be one an image, 3 in all, not of shape \(2,\)"),
        ([0, 1, 3], r"labels must lie in 0\.\.2, not 0\.\.3"),
        ([0, -1, 1], r"labels must lie in 0\.\.2, not -1\.\.1"),
        ([0, 1, 0.5], "labels must be names or whole numbers"),
        ([0, 1, np.nan], "labels must be names or whole numbers"),
        (["bag", "shirt", "shoe"], "labels must be among sandal, shirt, bag; not 'shoe'"),
    ],
)
def test_labels_that_are_none_are_refused(labels, message):
    with pytest.raises(InputError, match=message):
        Report.of(np.eye(3), labels, classes=NAMES)


def test_the_text_tells_classes_accuracy_mistakes_and_cost():
    probabilities, labels = blurred()
    timing = Timing(training_seconds=640.0, epochs=8, prediction_ms=0.31, parameters=306_906)
    report = Report.of(probabilities, labels, classes=NAMES, timing=timing)
    lines = str(report).splitlines()
    assert lines[0].split() == ["precision", "recall", "F1", "AUC", "support"]
    assert [line.split()[0] for line in lines[1:4]] == list(NAMES)
    assert len({len(line) for line in lines[:4]}) == 1
    assert f"{report.correct} of 300 right: accuracy {report.accuracy:.4f}" in str(report)
    first = report.mistakes[0]
    assert f"{first.truth} taken for {first.taken_for} ({first.images})" in str(report)
    assert "training 10 min 40 s, epochs 8, per epoch 80 s" in str(report)
    assert "0.31 ms an image, parameters 306,906" in str(report)


def test_the_table_has_a_row_for_each_class_and_average(tmp_path):
    import pandas as pd

    probabilities, labels = blurred()
    report = Report.of(probabilities, labels, classes=NAMES)
    table = report.to_dataframe()
    assert list(table.index) == [*NAMES, "macro average", "weighted average"]
    read = pd.read_csv(report.to_csv(tmp_path / "r.csv"), index_col="class")
    pd.testing.assert_frame_equal(read, table, check_exact=False)
    assert report.confusion_table().loc["shirt", "bag"] == report.confusion[1, 2]


def test_the_page_stands_alone_and_says_what_its_pictures_show(tmp_path):
    probabilities, labels = blurred()
    history = {"epoch": [1, 2], "loss": [1.0, 0.5], "val_loss": [1.1, 0.7]}
    report = Report.of(
        probabilities,
        labels,
        classes=("<b>&", "shirt", "bag"),
        timing=Timing(training_seconds=9.0),
        settings={"source": "made up", "command": "microtwin classify evaluate", "notes": ["A."]},
    )

    def written(name):
        pictures = {"Overview": report.plot()}
        path = report.to_html(tmp_path / name, history=history, pictures=pictures)
        return path.read_text("utf-8")

    text = written("r.html")
    page = assert_stands_alone(text)
    texts = [image["alt"] for image in page.all("img")]
    assert len(texts) == 4 + 1 + 1
    assert all(len(alt) > 15 for alt in texts)
    for told in ("<b>&", "made up", "microtwin classify evaluate", "A.", "9.0 s"):
        assert told in page.text
    assert written("again.html") == text


@pytest.mark.parametrize("k", [2, 3, 10, 30])
def test_figures_of_few_and_of_many_classes_are_drawn(k):
    report = Report.of(*blurred(k=k))
    matrix, roc, precision, calibration = report.plot().axes[:4]
    assert len(matrix.texts) == (k * k if k <= 25 else 0)
    # The diagonal, the classes (of two one), their mean.
    assert len(roc.lines) == {2: 2}.get(k, k + 2)
    assert len(precision.lines) == {2: 2}.get(k, k + 1)
    assert len(calibration.containers) == 2
    dashes = [line.get_linestyle() + str(line._dash_pattern) for line in roc.lines[1:-1]]
    named = [d for d, line in zip(dashes, roc.lines[1:-1], strict=True) if line.get_linewidth() > 1]
    assert len(set(named)) == len(named)


@pytest.mark.parametrize("text", ["", "{}", '{"format": "microtwin-classification-1"}', "[1]"])
def test_what_is_no_report_is_refused(tmp_path, text):
    path = tmp_path / "r.json"
    path.write_text(text)
    with pytest.raises(InputError, match="is not a microtwin-classification-1 file"):
        Report.from_json(path)


def test_a_ranking_counts_at_every_threshold():
    ranking = Ranking.of(np.array([1, 0, 1, 0, 0], bool), np.array([0.9, 0.8, 0.8, 0.3, 0.1]))
    assert ranking.thresholds.tolist() == [0.9, 0.8, 0.1]
    assert ranking.found.tolist() == [1, 2, 2]
    assert ranking.alarms.tolist() == [0, 1, 3]
    assert ranking.auc == pytest.approx((3 + 2.5) / 6)
