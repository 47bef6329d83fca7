"""`microtwin classify`: evaluate and explain, and what they refuse."""

import pytest

import microtwin as mt


def test_evaluate_prints_a_table_of_classes_and_the_accuracy(microtwin, runs, pictures):
    ended = microtwin("classify", "evaluate", pictures, "-m", runs / "cnn")
    assert ended.code == 0
    lines = ended.out.splitlines()
    assert [line.split()[0] for line in lines[1:3]] == ["left", "right"]
    report = mt.load_classifier(runs / "cnn").evaluate(pictures)
    assert f"{report.correct} of 12 right: accuracy {report.accuracy:.4f}" in ended.out


def test_evaluate_leaves_a_page_and_tables(microtwin, runs, pictures, tmp_path):
    out = tmp_path / "out"
    ended = microtwin("classify", "evaluate", pictures, "-m", runs / "cnn", "-o", out, "--json")
    assert ended.json["images"] == 12
    assert sorted(path.name for path in out.iterdir()) == [
        "classes.csv", "predictions.csv", "report.html", "report.json",
    ]  # fmt: skip
    assert "microtwin classify evaluate" in (out / "report.html").read_text("utf-8")


def test_explain_leaves_a_sheet_for_each_image(microtwin, runs, pictures, tmp_path):
    out = tmp_path / "why"
    ended = microtwin("classify", "explain", pictures, "-m", runs / "cnn", "-o", out, "--most", 2)
    assert ended.code == 0
    assert "2 sheets" in ended.out
    assert len(list((out / "sheets").glob("*.png"))) == 2


@pytest.mark.parametrize(
    ("command", "model", "options", "complaint"),
    [
        ("explain", "dense", [], "network must be a convolutional one to be explained"),
        ("explain", "cnn", ["--class", "up"], "target must be among left, right; not 'up'"),
        ("explain", "cnn", ["--most", "0"], "most must be at least 1"),
        ("evaluate", "none", [], "is not the folder of a trained classifier"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    microtwin, runs, pictures, tmp_path, command, model, options, complaint
):
    ended = microtwin(
        "classify", command, pictures, "-m", runs / model, "-o", tmp_path / "out", *options
    )
    assert complaint in ended.complaint


def test_evaluate_needs_labels(microtwin, runs, pictures):
    ended = microtwin("classify", "evaluate", pictures / "left" / "00.png", "-m", runs / "cnn")
    assert "labels must be given, or images be in folders" in ended.complaint
