"""Anomaly detection from the command line, with an autoencoder that trains in a blink."""

import numpy as np
import pytest

from classification.anomaly_images import TINY, install_tiny_autoencoder, smooth_images, with_spot
from microtwin.classification import AnomalyScores, Evaluation
from microtwin.cli import app
from microtwin.images import read_image, save_image


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    install_tiny_autoencoder(monkeypatch.setitem)


@pytest.fixture(scope="module")
def material(tmp_path_factory):
    """Folders of normal images to learn from, further ones, and some with a spot."""
    folder = tmp_path_factory.mktemp("material")
    sets = {
        "normal": smooth_images(60),
        "further": smooth_images(8, seed=1),
        "spotted": with_spot(smooth_images(8, seed=2))[0],
        "wide": with_spot(smooth_images(2, side=32, seed=3))[0],
    }
    for name, images in sets.items():
        (folder / name).mkdir()
        for i, image in enumerate(images):
            save_image(folder / name / f"{i:02d}.png", image)
    return folder


@pytest.fixture(scope="module")
def run(material, tmp_path_factory):
    """The folder of a detector."""
    folder = tmp_path_factory.mktemp("run") / "detector"
    words = ["anomaly", "train", str(material / "normal"), "-o", str(folder)]
    with pytest.MonkeyPatch.context() as patch:
        install_tiny_autoencoder(patch.setitem)
        with pytest.raises(SystemExit) as end:
            app([*words, "--architecture", TINY, "--false-alarms", "0.05"])
    assert not end.value.code
    return folder


def test_train_says_what_was_learned_and_goes_on_with_resume(microtwin, material, run):
    words = ("anomaly", "train", material / "normal", "-o", run, "--architecture", TINY, "--json")
    assert "already holds a run" in microtwin(*words).complaint
    said = microtwin(*words, "--resume").json
    assert said["images"] == {"learned": 37, "watched": 4, "kept": 19}
    assert (said["method"], said["false_alarms"], said["size"]) == ("autoencoder", 0.05, 16)
    assert "of seed 0, not 1" in microtwin(*words, "--resume", "--seed", 1).complaint


def test_score_writes_a_table_and_maps_that_show_where(microtwin, material, run, tmp_path):
    table, maps = tmp_path / "scores.csv", tmp_path / "maps"
    words = ("anomaly", "score", material / "wide", "-m", run, "-o", table, "--maps", maps)
    ended = microtwin(*words, "--map-kind", "error")
    assert ended.code == 0
    scores = AnomalyScores.from_csv(table)
    assert scores.sources == tuple(str(material / "wide" / f"0{i}.png") for i in range(2))
    found = read_image(maps / "0-00.tif")
    spot = read_image(material / "wide" / "00.png") == 225
    assert found.shape == (32, 32)
    assert found[spot].mean() > 10 * found[~spot].mean()
    assert read_image(maps / "1-01.png").dtype == np.uint8


def test_fail_ends_with_one_where_something_is_anomalous(microtwin, material, run):
    words = ("anomaly", "score", "--model", run, "--fail", "--json")
    bad = microtwin(*words, material / "spotted")
    assert bad.code == 1
    assert bad.json["anomalous"] == sum(row["anomalous"] for row in bad.json["images"]) > 0
    loud = max(row["score"] for row in bad.json["images"])
    assert loud > bad.json["threshold"]
    calm = microtwin(*words, material / "further" / "00.png", "--false-alarms", "0.05")
    assert calm.code == 0
    assert "0 of 1 images are anomalous" in microtwin(*words[:-1], material / "further/00.png").out


def test_evaluate_says_how_well_they_are_told_apart(microtwin, material, run, tmp_path):
    words = ("anomaly", "evaluate", material / "further", "-a", material / "spotted", "-m", run)
    said = microtwin(*words, "--json", "-o", tmp_path / "e.json").json
    assert said["AUC"] > 0.8
    assert Evaluation.from_json(tmp_path / "e.json").auc == said["AUC"]
    assert "8 normal and 8 anomalous images" in microtwin(*words).out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("train", "nowhere"), "nowhere does not exist"),
        (("train", "further"), "takes at least 19 normal images for validation; there are 4"),
        (("train", "normal", "--method", "magic"), "method must be one of"),
        (("train", "normal", "--method", "mlp"), "anomalies must be given"),
        (("train", "normal", "--method", "mlp", "--anomalies", "nowhere"), "does not exist"),
        (("train", "normal", "--false-alarms", "0"), "above 0 and below 1"),
        (("train", "normal", "--false-alarms", "0.01"), "at least 99 normal images"),
        (("train", "normal", "--validation", "some"), "validation must be a share"),
        (("train", "normal"), "at least 64 x 64 for this network, not 16 x 16"),
        (("score", "further", "-m", "nowhere"), "is not the folder of a trained anomaly detector"),
        (("score", "nowhere", "-m", "run"), "nowhere does not exist"),
        (("score", "further", "-m", "run", "-o", "s.txt"), "output must end in .csv"),
        (("score", "further", "-m", "run", "--false-alarms", "0.01"), "at least 99"),
        (("score", "further", "-m", "run", "--maps", "file"), "maps must be a writable folder"),
        (
            ("score", "further", "-m", "run", "--maps", "m", "--map-kind", "x"),
            "maps must be one of",
        ),
        (("evaluate", "further", "-a", "nowhere", "-m", "run"), "nowhere does not exist"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_bad_input_is_refused_in_one_line(
    microtwin, material, run, tmp_path, monkeypatch, arguments, message
):
    monkeypatch.chdir(material)
    (material / "file").touch()
    words = [run if word == "run" else word for word in arguments]
    if words[0] == "train":
        words += ["-o", tmp_path / "run"]
    assert message in microtwin("anomaly", *words).complaint
