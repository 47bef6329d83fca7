"""`microtwin segment` by training: strokes in, phases of a folder out, and what is refused."""

import numpy as np
import pytest
from PIL import Image

import microtwin as mt
from microtwin.images import find_images, read_image, save_image


@pytest.fixture
def work(tmp_path, monkeypatch, micrographs):
    """A folder to work in: three images in scans/, strokes, a mask, odd files."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scans").mkdir()
    (tmp_path / "marks").mkdir()
    for i in range(3):
        grey = read_image(micrographs / "grey" / f"{i}.tif")
        save_image(tmp_path / "scans" / f"s{i}.tif", grey)
    truth = np.asarray(read_image(micrographs / "phases" / "0.tif"))
    strokes = np.zeros_like(truth)
    strokes[40:44] = truth[40:44] + 1
    save_image("marks/s0_marks.png", strokes)
    save_image("s0_mask.png", truth * 255)
    save_image("one.png", np.where(strokes == 2, 2, 0).astype(np.uint8))
    save_image("small.png", strokes[:50])
    save_image("other.png", strokes)
    grey = np.stack([np.asarray(read_image("scans/s0.tif"))] * 3, axis=-1)
    for name, colours in [("s0_red", ((255, 0, 0), (0, 0, 255))), ("odd", ((255, 128, 0),) * 2)]:
        picture = grey.copy()
        for value, colour in enumerate(colours, start=1):
            picture[strokes == value] = colour
        Image.fromarray(picture).save(f"{name}.png")
    return tmp_path


def agreement(folder, micrographs):
    return [
        (read_image(f"{folder}/s{i}.tif") == read_image(micrographs / "phases" / f"{i}.tif")).mean()
        for i in range(3)
    ]


@pytest.mark.parametrize("method", ["forest", "svm"])
def test_strokes_in_one_image_label_a_folder(microtwin, work, micrographs, method):
    ended = microtwin(
        "segment", "scans", "--train", "marks", "--method", method, "--save-model", "m.npz",
        "--seed", 3, "-o", "out", "--json",
    )  # fmt: skip
    assert ended.code == 0, ended.err
    assert min(agreement("out", micrographs)) > 0.97
    assert "learned phase 0 from" in ended.err
    assert "marked 2) of 1 image" in ended.err
    assert [row["fractions"][1] for row in ended.json] == [
        pytest.approx(read_image(row["phases"]).mean()) for row in ended.json
    ]
    grey = read_image("scans/s0.tif")
    marks = mt.read_marks("marks/s0_marks.png")
    own = mt.train_pixels(grey, marks, method=method, seed=3)
    assert (read_image("out/s0.tif") == own.segment(grey)).all()
    assert read_image("out/s0.tif").spacing == pytest.approx((2e-9, 2e-9))
    microtwin("segment", "scans", "--model", "m.npz", "-o", "again")
    for path in find_images("out"):
        assert (read_image(path) == read_image(work / "again" / path.name)).all()


def test_masks_and_colours_serve_as_well(microtwin, work, micrographs):
    assert microtwin("segment", "scans", "--train", "s0_mask.png", "--masks", "-o", "a").code == 0
    ended = microtwin(
        "segment", "scans", "--train", "s0_red.png", "--phases", "red,blue", "-o", "b"
    )
    assert "phase 0 from" in ended.err
    assert "(red)" in ended.err
    assert min(*agreement("a", micrographs), *agreement("b", micrographs)) > 0.97
    microtwin("segment", "scans", "--train", "s0_red.png", "--phases", "blue,red", "-o", "c")
    assert max(agreement("c", micrographs)) < 0.03


def test_one_image_takes_marks_of_any_name_and_its_bar_may_be_cut_off(microtwin, work, micrographs):
    grey = np.asarray(read_image("scans/s0.tif"))
    save_image("barred.png", np.vstack([grey, np.zeros((10, 96), np.uint8)]))
    strokes = np.asarray(read_image("other.png"))
    save_image("tall.png", np.vstack([strokes, np.zeros((10, 96), np.uint8)]))
    for marks in ("other.png", "tall.png"):
        ended = microtwin(
            "segment", "barred.png", "--train", marks, "--crop-info-bar", 10, "-o", "p.npy"
        )
        assert ended.code == 0, ended.err
        truth = read_image(micrographs / "phases" / "0.tif")
        assert (np.load("p.npy") == truth).mean() > 0.97


TRAIN = ("segment", "scans", "--train")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((*TRAIN, "small.png"), "small.png is of none of them"),
        (("segment", "scans/s0.tif", "--train", "small.png"), "must be as large as scans/s0.tif"),
        (("segment", "scans/s0.tif", "--train", "one.png"), "at least two phases, not of 1"),
        (("segment", "scans/s0.tif", "--train", "s0_mask.png"), "need --masks"),
        (("segment", "scans/s0.tif", "--train", "odd.png"), "colour that is none of red"),
        (("segment", "scans/s0.tif", "--train", "scans/s1.tif"), "at least 10 pixels"),
        ((*TRAIN, "other.png"), "other.png is of none of them"),
        ((*TRAIN, "none.png"), "none.png does not exist"),
        ((*TRAIN, "empty"), "empty has none"),
        ((*TRAIN, "marks", "--train", "s0_red.png"), "one file of marks for an image"),
        ((*TRAIN, "s0_red.png", "--phases", "red,pink"), "must be one of red"),
        ((*TRAIN, "s0_red.png", "--phases", "red"), "blue is marked as well"),
        ((*TRAIN, "marks", "--phases", "1,2,3"), "among the marks, 1, 2; not 3"),
        ((*TRAIN, "marks", "--method", "otsu"), "method must be forest or svm with --train"),
        ((*TRAIN, "marks", "--scales", "wide"), "scales must be a number"),
        ((*TRAIN, "marks", "--scales", "0"), "each of scales must be between"),
        ((*TRAIN, "marks", "--threshold", "9"), "--threshold is of thresholds"),
        ((*TRAIN, "marks", "--model", "m.npz"), "two ways to the same"),
        ((*TRAIN, "marks", "--save-model", "m.pkl"), "save-model must end in .npz"),
        ((*TRAIN, "marks", "--save-model", "no/m.npz"), "existing folder"),
        (("segment", "scans", "--method", "svm"), "needs --train"),
        (("segment", "scans", "--masks"), "--masks needs --train"),
        (("segment", "scans", "--save-model", "m.npz"), "--save-model needs --train"),
        (("segment", "scans", "--model", "none.npz"), "cannot be read: No such file"),
        (("segment", "scans", "--model", "one.png"), "no microtwin pixel classifier"),
        (("segment", "scans", "--model", "m.npz", "--method", "svm"), "leave it out"),
    ],
    ids=lambda value: " ".join(value[2:]) if isinstance(value, tuple) else "",
)
def test_what_does_not_go_together_is_refused_in_one_line(microtwin, work, arguments, message):
    (work / "empty").mkdir()
    assert message in microtwin(*arguments, "-o", "out").complaint
    assert not list(work.glob("out/*"))
