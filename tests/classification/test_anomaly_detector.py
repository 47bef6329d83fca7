"""Detectors, from normal images to what is not."""

import json
import os
import shutil
import signal

import numpy as np
import pytest

import microtwin as mt
from classification.anomaly_images import (
    SIZE,
    TINY,
    install_tiny_autoencoder,
    smooth_images,
    with_spot,
)
from microtwin.classification.anomaly import spoiling
from microtwin.classification.anomaly.tiles import RandomTiles
from microtwin.classification.anomaly.tiling import Tiling
from microtwin.errors import CheckpointError, InputError
from microtwin.images import save_image

METHODS = ("autoencoder", "mlp", "flow")


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    install_tiny_autoencoder(monkeypatch.setitem)


def detector(folder, method="autoencoder", images=None, **options):
    if method != "autoencoder":
        options.setdefault("anomalies", "synthetic")
    images = smooth_images(120) if images is None else images
    options = {"architecture": TINY, "seed": 3} | options
    return mt.train_detector(images, workdir=folder, method=method, **options)


def judged(found):
    return found.evaluate(smooth_images(40, seed=7), with_spot(smooth_images(40, seed=8))[0]).auc


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A detector for each method, on one autoencoder."""
    with pytest.MonkeyPatch.context() as patch:
        install_tiny_autoencoder(patch.setitem)
        folder = tmp_path_factory.mktemp("runs")
        first = detector(folder / "autoencoder")
        others = {m: detector(folder / m, m, autoencoder=first) for m in ("mlp", "flow")}
        return {"autoencoder": first, **others}


@pytest.mark.parametrize("method", METHODS)
def test_planted_spots_are_told_from_normal_images(trained, method):
    normal = smooth_images(100, seed=50)
    found = trained[method].evaluate(normal, with_spot(smooth_images(60, seed=51))[0])
    assert found.auc > 0.95
    assert found.detection > 0.7
    low, _ = found.false_alarm_interval
    assert low <= found.stated == 0.05


def test_the_map_of_a_large_image_points_at_what_was_planted(trained):
    images, places = with_spot(smooth_images(6, side=72, seed=9))
    for kind, off in (("error", 2), ("score", SIZE)):
        maps = trained["autoencoder"].maps(images, kind=kind)
        for found, place in zip(maps, places, strict=True):
            assert found.shape == (72, 72)
            worst = np.unravel_index(found.argmax(), found.shape)
            assert np.abs(worst - place).max() <= off
    scores = trained["autoencoder"].score(images, maps="error")
    np.testing.assert_array_equal(scores.maps[0], trained["autoencoder"].maps(images[0])[0])


@pytest.mark.parametrize("method", METHODS)
def test_a_detector_is_the_same_when_opened_again(trained, method):
    again = mt.load_detector(trained[method].path)
    images = smooth_images(20, seed=77)
    a, b = trained[method].score(images), again.score(images)
    np.testing.assert_array_equal(a.scores, b.scores)
    assert a.threshold == b.threshold
    assert a.method == method
    assert a.calibrated_on == 24


def test_the_score_of_an_image_is_its_own(trained):
    """It does not depend on what else is scored, nor on how it is given."""
    images = smooth_images(5, side=40, seed=4)
    for method in METHODS:
        together = trained[method].score(images).scores
        alone = [trained[method].score(image).scores[0] for image in images]
        np.testing.assert_allclose(together, alone, rtol=1e-4, atol=1e-4)
        as_floats = trained[method].score(list(images / np.float32(255))).scores
        np.testing.assert_allclose(as_floats, together, rtol=1e-4, atol=1e-4)


def test_files_and_folders_give_what_arrays_give(trained, tmp_path):
    images = smooth_images(3, seed=5)
    for i, image in enumerate(images):
        save_image(tmp_path / f"{i}.png", image)
    scores = trained["flow"].score(tmp_path)
    np.testing.assert_array_equal(scores.scores, trained["flow"].score(images).scores)
    assert scores.sources == tuple(str(tmp_path / f"{i}.png") for i in range(3))
    assert trained["flow"].score(images).sources == ("0", "1", "2")


def test_another_rate_of_false_alarms_can_be_asked_for_later(trained):
    images = smooth_images(2, seed=5)
    strict, loose = (trained["flow"].score(images, false_alarms=r) for r in (0.04, 0.5))
    assert strict.threshold > loose.threshold
    with pytest.raises(InputError, match="needs at least 99 normal images"):
        trained["flow"].score(images, false_alarms=0.01)


class Ctrl:
    """A progress callback that presses C once."""

    def __init__(self, after):
        self.left = after

    def __call__(self, done, total, values):
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize(
    ("method", "steps"),
    [("autoencoder", 7), pytest.param("flow", 60, marks=pytest.mark.slow)],
)
def test_an_interrupted_run_goes_on_to_the_same_detector(tmp_path, trained, method, steps):
    """After 7 steps the autoencoder is learning, after 60 the flow is."""
    with pytest.raises(KeyboardInterrupt):
        detector(tmp_path, method, progress=Ctrl(steps))
    assert (tmp_path / "judge" / "log.csv").exists() == (method == "flow")
    with pytest.raises(CheckpointError, match="has not ended"):
        mt.load_detector(tmp_path)
    images = smooth_images(20, seed=8)
    resumed = detector(tmp_path, method, resume=True).score(images)
    np.testing.assert_array_equal(resumed.scores, trained[method].score(images).scores)
    assert resumed.threshold == trained[method].threshold


def test_a_run_is_not_gone_on_with_as_another(tmp_path):
    detector(tmp_path, epochs=1)
    with pytest.raises(InputError, match="already holds a run"):
        detector(tmp_path, epochs=1)
    with pytest.raises(CheckpointError, match="of seed 3, not 4"):
        detector(tmp_path, epochs=1, seed=4, resume=True)
    with pytest.raises(CheckpointError, match="of normal"):
        detector(tmp_path, epochs=1, images=smooth_images(120, seed=1), resume=True)


@pytest.mark.parametrize("score", ["mse", "worst", "code"])
def test_the_autoencoder_scores_by_what_is_asked_for(tmp_path, trained, score):
    shutil.copytree(trained["autoencoder"].path, tmp_path / "run")
    settings = tmp_path / "run" / "settings.json"
    settings.write_text(settings.read_text().replace('"signature"', f'"{score}"', 1))
    found = mt.load_detector(tmp_path / "run")
    assert found.settings.score == score
    images = smooth_images(3, seed=6)
    if score == "mse":
        errors = [m.mean() for m in found.maps(images)]
        np.testing.assert_allclose(found.score(images).scores, errors, rtol=1e-4)
    assert judged(found) > 0.6


@pytest.mark.slow
def test_given_anomalies_and_a_given_validation_set_are_used(tmp_path):
    bad, _ = with_spot(smooth_images(30, seed=20))
    found = detector(
        tmp_path, "mlp", anomalies=bad, validation=smooth_images(50, seed=21), inputs="both"
    )
    assert len(found.calibration) == 50
    assert found.settings.counts == {"learned": 108, "watched": 12, "kept": 50}
    again, _ = with_spot(smooth_images(40, seed=22), seed=5)
    assert found.evaluate(smooth_images(40, seed=23), again).auc > 0.9


def test_an_autoencoder_of_another_training_is_refused(tmp_path, trained):
    with pytest.raises(InputError, match="autoencoder must be of this training: it is of seed 3"):
        detector(tmp_path, "mlp", autoencoder=trained["autoencoder"], seed=4)


@pytest.mark.slow
def test_a_flow_needs_no_anomalies(tmp_path):
    found = detector(tmp_path, "flow", anomalies=None)
    assert (
        found.evaluate(smooth_images(40, seed=7), with_spot(smooth_images(40, seed=8))[0]).auc > 0.8
    )


@pytest.mark.slow
def test_images_are_made_smaller_alike_in_training_and_scoring(tmp_path):
    big = np.kron(smooth_images(60), np.ones((2, 2), np.uint8))
    found = detector(tmp_path, images=big, downscale=2, false_alarms=0.1)
    plain = detector(tmp_path / "small", images=smooth_images(60), false_alarms=0.1)
    np.testing.assert_allclose(
        found.score(big).scores, plain.score(smooth_images(60)).scores, rtol=1e-3
    )


def test_tiles_of_a_step_depend_on_its_number_alone():
    images, tiling = list(smooth_images(3, side=50)), Tiling(SIZE, 8)
    one, other = (RandomTiles(images, tiling=tiling, batch=4, seed=1) for _ in range(2))
    assert one.steps == 6
    forwards = [one(i) for i in range(14)]
    for i in reversed(range(14)):
        np.testing.assert_array_equal(other(i), forwards[i])
    assert not np.array_equal(forwards[0], forwards[6])


def test_drawn_anomalies_are_of_all_kinds_and_differ_from_their_originals():
    tiles = smooth_images(40, seed=2)
    drawn = spoiling.spoilt(tiles, seed=0)
    assert (drawn != tiles).any((1, 2)).mean() > 0.9
    np.testing.assert_array_equal(drawn, spoiling.spoilt(tiles, seed=0))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "magic"}, "method must be one of autoencoder, mlp, flow"),
        ({"architecture": "fashion-cnn"}, "architecture must be one of"),
        ({"score": "x"}, "score must be one of signature"),
        ({"inputs": "x"}, "inputs must be one of signature"),
        ({"stride": 17}, "stride must be between 1 and 16"),
        ({"epochs": 0}, "epochs must be at least 1"),
        ({"false_alarms": 0}, "above 0 and below 1"),
        ({"false_alarms": 0.01}, "at least 99 normal images for validation; there are 60"),
        ({"validation": 0.01}, "there are 1.*false_alarms=0.5 or more"),
        ({"validation": 1.5}, "validation must be between 0 and 0.9"),
        ({"downscale": 0.5}, "downscale must be at least 1"),
        ({"downscale": 2}, "normal image .* at least 16 x 16"),
        ({"anomalies": smooth_images(3)}, "anomalies must be None for the method autoencoder"),
        ({"method": "mlp", "anomalies": None}, "anomalies must be given for the method mlp"),
        ({"method": "mlp", "anomalies": smooth_images(1)}, "anomalies must be at least 2 images"),
        ({"method": "flow", "anomalies": smooth_images(2, 8)}, "anomalous image .* at least 16"),
        ({"images": smooth_images(2), "false_alarms": 0.5}, "at least 2 to learn from"),
        ({"images": []}, "images must not be empty"),
        ({"images": np.zeros((4, 16, 16, 3))}, "images must be 2-D or 3-D"),
        ({"images": "nowhere"}, "nowhere does not exist"),
        ({"validation": smooth_images(30, 8)}, "validation image 0 must be"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else "",
)
def test_what_cannot_be_learned_is_refused(tmp_path, options, message):
    with pytest.raises(InputError, match=message):
        detector(tmp_path, **options)


def test_what_is_no_detector_is_not_opened(tmp_path, trained):
    with pytest.raises(InputError, match="is not the folder of a trained anomaly detector"):
        mt.load_detector(tmp_path)
    (tmp_path / "settings.json").write_text(json.dumps({"preset": "dcgan-2d"}))
    with pytest.raises(InputError, match="is not the folder of a trained anomaly detector"):
        mt.load_detector(tmp_path)
    settings = (trained["mlp"].path / "settings.json").read_text()
    (tmp_path / "settings.json").write_text(settings.replace('"method"', '"way"'))
    with pytest.raises(CheckpointError, match="is damaged"):
        mt.load_detector(tmp_path)
    (tmp_path / "settings.json").write_text(settings)
    (tmp_path / "detector.npz").write_bytes(b"PK" + bytes(40))
    with pytest.raises(CheckpointError, match="is damaged"):
        mt.load_detector(tmp_path)


def test_images_to_be_scored_are_checked(trained):
    with pytest.raises(InputError, match=r"image 0 must be \(y, x\), at least 16 x 16"):
        trained["mlp"].score(np.zeros((8, 20)))
    with pytest.raises(InputError, match="kind must be one of error, score"):
        trained["mlp"].maps(np.zeros((20, 20)), kind="x")
