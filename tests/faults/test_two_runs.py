"""Two runs in one place: the second one is told who is there, and changes nothing."""

import os
import re
import subprocess
import sys
import time
from contextlib import contextmanager

import numpy as np
import pytest

import microtwin as mt
from generation.tiny import TINY, grey_images, install_tiny_preset
from microtwin import _files
from microtwin.errors import InputError
from microtwin.images.synthetic import gaussian_field

HOLD = """
import sys, time
from pathlib import Path
from microtwin import _files
with getattr(_files, sys.argv[1])(Path(sys.argv[2]), name="output"):
    print("here", flush=True)
    time.sleep(600)
"""


@contextmanager
def another(kind, path):
    """Another process that works there, to be killed without warning."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, kind, str(path)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout.readline() == "here\n"
        yield process
    finally:
        process.kill()
        process.wait()


def contents(folder):
    return {
        path.relative_to(folder): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    }


def test_the_message_names_who_is_there(tmp_path):
    with (
        another("sole_use", tmp_path) as process,
        pytest.raises(InputError) as caught,
        _files.sole_use(tmp_path, name="workdir"),
    ):
        pass
    assert re.fullmatch(
        rf"workdir must be used by one run at a time: process {process.pid} on \S+ works in "
        rf"{re.escape(str(tmp_path))}; wait for it, or choose another",
        str(caught.value),
    )
    with _files.sole_use(tmp_path, name="workdir"):  # the lock of a killed process is free
        pass


def test_a_training_run_is_not_joined_by_another(tmp_path, monkeypatch):
    install_tiny_preset(monkeypatch.setitem)
    run = tmp_path / "run"
    run.mkdir()
    for name in ("log.csv", "validation.csv"):  # as the other one has begun them
        (run / name).write_text("step,loss\n1,0.5\n2,0.25\n")
    before = contents(run)
    with (
        another("sole_use", run),
        pytest.raises(InputError, match="workdir must be used by one run at a time"),
    ):
        mt.train_gan(grey_images(), preset=TINY, workdir=run, seed=5, steps=6, resume=True)
    assert {name: contents(run)[name] for name in before} == before


def test_a_checkpoint_of_annealing_is_not_written_by_two(tmp_path):
    target = mt.describe(gaussian_field((32, 32), correlation_length=2, fraction=0.4, seed=0))
    checkpoint = tmp_path / "twin.npz"
    with (
        another("sole_use_of_file", checkpoint),
        pytest.raises(InputError, match="checkpoint must be used by one run at a time"),
    ):
        mt.anneal(target, shape=(32, 32), checkpoint=checkpoint)
    mt.anneal(target, shape=(32, 32), max_proposals=100, checkpoint=checkpoint)
    assert [p.name for p in tmp_path.iterdir() if "owner" not in p.name] in (
        ["twin.npz"],
        [".twin.npz.lock", "twin.npz"],
        ["twin.npz", ".twin.npz.lock"],
    )


def test_samples_are_not_written_over_by_another_run(tmp_path, monkeypatch):
    install_tiny_preset(monkeypatch.setitem)
    generator = mt.train_gan(grey_images(), preset=TINY, workdir=tmp_path / "run", steps=2)
    output = tmp_path / "samples.npy"
    with (
        another("sole_use_of_file", output),
        pytest.raises(InputError, match="output must be used by one run at a time"),
    ):
        generator.sample_to(output, 3)
    generator.sample_to(output, 3)
    assert np.load(output).shape[0] == 3


def test_a_study_is_not_joined_by_another(tmp_path):
    labels = gaussian_field((96, 96), correlation_length=3, fraction=0.4, seed=0)
    begin = time.monotonic()
    (tmp_path / "out").mkdir()
    with (
        another("sole_use", tmp_path / "out"),
        pytest.raises(InputError, match="output must be used by one run at a time"),
    ):
        mt.run([np.asarray(labels)], output=tmp_path / "out")
    assert time.monotonic() - begin < 60
