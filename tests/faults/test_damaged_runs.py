"""The folder of a training run with damaged files: told of, or gone on with; nothing else."""

import json
import shutil

import numpy as np
import pytest

import microtwin as mt
from faults.damaged import damages
from faults.test_damaged_files import refusal
from generation.tiny import TINY, install_tiny_preset
from learning import toy_run
from microtwin.errors import CheckpointError
from microtwin.generation.run_folder import RunFolder, Settings
from microtwin.learning.checkpoints import Checkpoints
from microtwin.learning.log import CsvLog

SETTINGS = Settings(
    preset=TINY, seed=5, images=2, directions=1, digest="abc", phases=2, labelled=False, low=0.1,
    high=0.9, thresholds=(0.5,), fractions=(0.4, 0.6), condition=None, porosities=(0.3, 0.5),
    rotations=True, mirrors=True, precision="float32", validation="held out", spacing=None,
    versions={"microtwin": "0"},
)  # fmt: skip


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run of ten steps with two checkpoints."""
    folder = tmp_path_factory.mktemp("run") / "whole"
    toy_run.run(folder, last=10)
    return folder


def restored(folder):
    with Checkpoints(folder / "checkpoints", identity=toy_run.IDENTITY) as checkpoints:
        return checkpoints.restore(toy_run.initial())


def test_a_damaged_checkpoint_is_refused_or_the_same(whole, tmp_path):
    good = restored(whole)
    rng = np.random.default_rng(0)
    refused = 0
    parts = [p.relative_to(whole) for p in (whole / "checkpoints").rglob("*") if p.is_file()]
    for part in parts:
        for data in list(damages((whole / part).read_bytes(), rng, flips=2))[:12:3]:
            folder = tmp_path / "run"
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(whole, folder)
            (folder / part).write_bytes(data)
            found = []
            said = refusal(lambda path, found=found: found.append(restored(path)), folder)
            refused += said is not None
            assert said is None or str(folder) in said
            if found:
                np.testing.assert_array_equal(found[0]["w"], good["w"])
    assert refused >= 5


def test_a_checkpoint_that_lost_a_file_is_refused_or_the_one_before_is_taken(whole, tmp_path):
    for part in [p.relative_to(whole) for p in (whole / "checkpoints").rglob("*") if p.is_file()]:
        folder = tmp_path / "run"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(whole, folder)
        (folder / part).unlink()
        try:
            found = restored(folder)
        except CheckpointError:
            continue
        assert int(found["step"]) in (5, 10)


def test_a_damaged_log_is_told_of_or_kept_as_far_as_it_is_whole(whole, tmp_path):
    log = tmp_path / "log.csv"
    for data in damages((whole / "log.csv").read_bytes(), np.random.default_rng(0), flips=60):
        log.write_bytes(data)
        if refusal(lambda path: CsvLog(path).keep_until(7), log) is None:
            refusal(lambda path: CsvLog(path).rows(), log)
            refusal(lambda path: CsvLog(path).last("loss"), log)


def test_damaged_settings_are_told_of(tmp_path, monkeypatch):
    install_tiny_preset(monkeypatch.setitem)
    folder = RunFolder(tmp_path)
    folder.write_settings(SETTINGS)
    assert folder.settings() == SETTINGS
    good = folder.settings_file.read_bytes()
    refused = 0
    for data in damages(good, np.random.default_rng(0), flips=100):
        folder.settings_file.write_bytes(data)
        refused += refusal(mt.load_generator, tmp_path) is not None
    assert refused > 100  # all: there are no weights in this folder


@pytest.mark.parametrize(
    ("entry", "value"),
    [("phases", "two"), ("thresholds", 0.5), ("fractions", None), ("directions", 1.5),
     ("low", "dark"), ("preset", 7), ("condition", [1])],
)  # fmt: skip
def test_settings_of_other_types_are_told_of(tmp_path, monkeypatch, entry, value):
    install_tiny_preset(monkeypatch.setitem)
    folder = RunFolder(tmp_path)
    folder.write_settings(SETTINGS)
    entries = json.loads(folder.settings_file.read_text())
    folder.settings_file.write_text(json.dumps({**entries, entry: value}))
    with pytest.raises(CheckpointError, match=r"settings.json|weights"):
        mt.load_generator(tmp_path)
