"""Training and sampling from the command line, with networks that train in a blink."""

import csv
import json
import os
import subprocess
import sys

import numpy as np
import pytest

from generation.tiny import TINY, TINY_SLICES, grey_images, install_tiny_preset
from microtwin.cli import app
from microtwin.images import save_image


@pytest.fixture(autouse=True)
def tiny_preset(monkeypatch):
    install_tiny_preset(monkeypatch.setitem)


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    folder = tmp_path_factory.mktemp("images")
    for i, image in enumerate(grey_images()):
        save_image(folder / f"{i}.png", image)
    return folder


@pytest.fixture(scope="module")
def run(images, tmp_path_factory):
    """The folder of a run of two steps."""
    folder = tmp_path_factory.mktemp("run") / "gan"
    with pytest.MonkeyPatch.context() as patch:
        install_tiny_preset(patch.setitem)
        with pytest.raises(SystemExit) as end:
            app(["train", str(images), "--preset", TINY, "--steps", "2", "-o", str(folder)])
    assert not end.value.code
    return folder


def test_train_says_what_it_did_and_goes_on_with_resume(microtwin, images, run, tmp_path):
    words = ("train", images, "--preset", TINY, "-o", tmp_path / "gan", "--json")
    assert microtwin(*words, "--steps", 1).json["images"] == 2
    assert "already holds a run" in microtwin(*words, "--steps", 2).complaint
    ended = microtwin(*words, "--steps", 2, "--resume", "--stream")
    assert {"two_point", "lineal_path", "distance", "seconds"} <= ended.json.keys()
    losses = []
    for folder in (tmp_path / "gan", run):
        with (folder / "log.csv").open() as file:
            losses.append([row["d_loss"] for row in csv.DictReader(file)])
    assert losses[0] == losses[1]
    assert len(losses[0]) == 2


def test_sample_writes_zarr_and_says_its_manifest(microtwin, run, tmp_path):
    zarr = pytest.importorskip("zarr")
    target = tmp_path / "s.zarr"
    ended = microtwin("sample", run, "-n", 3, "--shape", "20,32", "-o", target, "--json")
    array = zarr.open_array(target, mode="r")
    assert array.shape == (3, 20, 32)
    assert ended.json["output"] == str(target)
    assert ended.json["porosity"] == pytest.approx(float((array[:] == 0).mean()))
    assert array.attrs["thresholds"] == ended.json["thresholds"]
    again = microtwin(
        "sample", run, "-n", 1, "--first", 2, "--shape", "20,32", "--json",
        "--threshold", ended.json["thresholds"][0], "-o", tmp_path / "one.npy",
    )  # fmt: skip
    assert again.code == 0
    assert (np.load(tmp_path / "one.npy")[0] == array[2]).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--periodic", "--shape", "21,32"), "multiples of 2 where periodic"),
        (("--shape", "8,8,8"), "2 sides (y, x)"),
        (("--porosity", "0.3"), "condition='porosity'"),
        (("--porosity", "much"), "porosity must be"),
        (("--threshold", "2"), "threshold must be between 0 and 1"),
        (("--threshold", "otsu"), "threshold must be one of porosity, training"),
        (("--first", "-1"), "first must be at least 0"),
        (("-n", "0"), "n must be at least 1"),
        (("-o", "s.jpg"), "must be a folder or end in"),
        (("-o", "file/s.npy"), "output must be a writable folder"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_samples_that_cannot_be_are_refused_in_one_line(
    microtwin, run, tmp_path, monkeypatch, arguments, message
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    assert message in microtwin("sample", run, *arguments).complaint


def test_porosity_is_asked_of_a_network_that_was_taught_it(microtwin, images, tmp_path):
    folder = tmp_path / "gan"
    words = ("train", images, "--preset", TINY, "--steps", 1, "-o", folder)
    assert microtwin(*words, "--condition", "porosity").code == 0
    asked = ("sample", folder, "-n", 3, "-o", tmp_path / "s.npy", "--porosity")
    assert microtwin(*asked, "0.2,0.3,0.4", "--json").json["asked_porosity"] == [0.2, 0.3, 0.4]
    assert "one number or 3" in microtwin(*asked, "0.2,0.3").complaint
    assert "porosity must be between 0 and 1" in microtwin(*asked, "1.5").complaint


def test_images_normal_to_other_axes_make_three_directions(microtwin, images, tmp_path):
    ended = microtwin(
        "train", images / "0.png", "--normal-x", images / "1.png", "--preset", TINY_SLICES,
        "--steps", 1, "-o", tmp_path / "gan", "--json",
    )  # fmt: skip
    assert ended.code == 0
    settings = json.loads((tmp_path / "gan" / "settings.json").read_text())
    assert settings["directions"] == 3


def test_a_full_disk_ends_training_in_one_line(images, tmp_path):
    """Of one megabyte, which checkpoints and pictures soon fill."""
    code = (
        "import subprocess, sys; from generation import tiny; from microtwin.cli import main\n"
        "tiny.install_tiny_preset(lambda table, name, value: table.update({name: value}))\n"
        "from microtwin.generation import training; training.CHECKPOINT_EVERY = 1\n"
        "subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=300k', 'none', sys.argv[1]],"
        " check=True)\n"
        "sys.argv = ['microtwin', 'train', sys.argv[2], '--preset', tiny.TINY, '--steps', '50',"
        " '-o', sys.argv[1] + '/gan']\n"
        "main()"
    )
    try:
        allowed = subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode == 0
    except FileNotFoundError:
        allowed = False
    if not allowed:
        pytest.skip("no file system of one's own can be mounted here")
    (tmp_path / "disk").mkdir()
    done = subprocess.run(
        ["unshare", "-rm", sys.executable, "-c", code, str(tmp_path / "disk"), str(images)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
    )
    if "mount" in done.stderr and "microtwin:" not in done.stderr:
        pytest.skip("no file system of one's own can be mounted here")
    assert done.returncode == 2, done.stderr
    # What writes the arrays may complain as well, from threads of its own, on the same line too.
    assert done.stderr.count("microtwin: ") == 1, done.stderr
    assert "cannot be written" in done.stderr.partition("microtwin: ")[2].splitlines()[0]
