"""The main job from the command line: all of it, once, very small."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from microtwin.cli import app
from microtwin.images import read_image

QUICK = ("--quick", "--steps", "2", "--twins", "1", "--samples", "2", "--volume", "12")


@pytest.fixture(scope="module")
def study(micrographs, tmp_path_factory):
    """The folder of a finished study."""
    folder = tmp_path_factory.mktemp("study") / "out"
    with pytest.raises(SystemExit) as end:
        app(["run", str(micrographs / "grey"), "-o", str(folder), *QUICK])
    assert not end.value.code
    return folder


def test_run_leaves_report_tables_pictures_twins_and_network(study):
    for name in (
        "report.html", "report.json", "report.csv", "overview.png", "catalogue.csv", "study.json",
        "real.json", "real.tif", "generated.tif", "generated-grey.tif", "twins/twin-0.tif",
        "twins/twin-3d.tif", "figures/two_point-1.png", "figures/lineal_path-0.png",
        "gan/settings.json", "gan/log.csv",
    ):  # fmt: skip
        assert (study / name).stat().st_size > 0, name
    assert read_image(study / "twins" / "twin-3d.tif").shape == (12, 12, 12)
    assert read_image(study / "generated.tif").shape == (2, 64, 64)
    with (study / "catalogue.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 8


def test_the_report_of_a_study_holds_real_annealed_and_generated(study):
    record = json.loads((study / "report.json").read_text())
    assert [m["name"] for m in record["methods"]] == [
        "annealed", "GAN", "annealed 3-D", "real, training part",
    ]  # fmt: skip
    assert record["settings"]["command"].startswith("microtwin run ")
    spacing = record["reference"]["description"]["functions"][0]["spacing"]
    assert spacing == pytest.approx([2e-9, 2e-9])
    page = (study / "report.html").read_text()
    assert "every third of 8 files" in page


def test_run_again_needs_resume_or_another_folder(microtwin, micrographs, study):
    complaint = microtwin("run", micrographs / "grey", "-o", study, *QUICK).complaint
    assert "--resume" in complaint
    assert "another folder" in complaint


def test_resume_with_other_settings_is_refused(microtwin, micrographs, study):
    arguments = ("run", micrographs / "grey", "-o", study, *QUICK, "--resume")
    assert "another seed" in microtwin(*arguments, "--seed", 3).complaint
    assert "another patch" in microtwin(*arguments, "--patch", 32).complaint


def test_resume_of_a_finished_study_gives_the_same_twins(microtwin, micrographs, study, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(study, copy)
    for name in ("report.html", "generated.tif", "twins/twin-0.tif"):
        (copy / name).unlink()
    ended = microtwin("run", micrographs / "grey", "-o", copy, *QUICK, "--resume", "--json")
    assert ended.json["report"] == str(copy / "report.html")
    for name in ("generated.tif", "twins/twin-0.tif", "twins/twin-3d.tif"):
        assert (read_image(copy / name) == read_image(study / name)).all(), name


def test_sample_writes_a_folder_or_a_file(microtwin, study, tmp_path):
    ended = microtwin("sample", study / "gan", "-n", 3, "-o", tmp_path / "s", "--json")
    assert ended.json["count"] == 3
    names = [sorted(p.name for p in (tmp_path / "s" / k).iterdir()) for k in ("grey", "phases")]
    assert names == [["00000.png", "00001.png", "00002.png"]] * 2
    microtwin("sample", study / "gan", "-n", 3, "-o", tmp_path / "s.npy")
    stack = np.load(tmp_path / "s.npy")
    assert (stack.shape, stack.dtype) == ((3, 64, 64), np.uint8)
    microtwin("sample", study / "gan", "-n", 3, "--grey", "-o", tmp_path / "g.npy")
    assert np.load(tmp_path / "g.npy").dtype == np.float32


def test_samples_of_a_seed_are_the_same_and_compare_with_the_real(
    microtwin, micrographs, study, tmp_path
):
    files = [tmp_path / "a.tif", tmp_path / "b.tif"]
    for file in files:
        microtwin("sample", study / "gan", "-n", 2, "--seed", 9, "-o", file)
    assert (read_image(files[0]) == read_image(files[1])).all()
    ended = microtwin(
        "compare", micrographs / "phases", "--with", f"gan={files[0]}", "--stack",
        "-o", tmp_path / "r.html",
    )  # fmt: skip
    assert ended.code == 0
    assert "gan: " in ended.out


def test_a_checkpoint_of_another_model_is_refused_in_one_line(
    microtwin, micrographs, study, tmp_path
):
    copy = tmp_path / "gan"
    shutil.copytree(study / "gan", copy)
    settings = json.loads((copy / "settings.json").read_text())
    (copy / "settings.json").write_text(json.dumps(settings | {"preset": "thesis-64"}))
    complaint = microtwin("sample", copy, "-o", tmp_path / "s").complaint
    assert "does not fit this model" in complaint
    arguments = ("train", micrographs / "grey", "-o", study / "gan", "--steps", 3)
    complaint = microtwin(*arguments, "--resume", "--preset", "thesis-64").complaint
    assert "dcgan-2d, not thesis-64" in complaint
    assert "already holds a run" in microtwin(*arguments).complaint


def test_a_damaged_study_is_refused_in_one_line(microtwin, micrographs, study, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(study, copy)
    (copy / "twins" / "twin-0.npz").write_bytes(b"no checkpoint")
    arguments = ("run", micrographs / "grey", "-o", copy, *QUICK, "--resume")
    assert "twin-0.npz" in microtwin(*arguments).complaint
    (copy / "study.json").write_text("{")
    assert "study.json is damaged" in microtwin(*arguments).complaint


@pytest.mark.slow
def test_ctrl_c_in_training_ends_in_one_line_and_resume_goes_on(micrographs, tmp_path):
    out = tmp_path / "out"
    words = [
        sys.executable, "-m", "microtwin", "run", str(micrographs / "grey"), "-o", str(out),
        "--quick", "--twins", "1", "--samples", "2", "--volume", "0", "--steps",
    ]  # fmt: skip
    process = subprocess.Popen([*words, "100000"], stderr=subprocess.PIPE, text=True)
    log = out / "gan" / "log.csv"
    wait_for(lambda: log.exists() and len(log.read_text().splitlines()) > 2, process)
    os.kill(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130
    assert err.splitlines()[-1] == "microtwin: interrupted; go on with --resume"
    assert "Traceback" not in err
    steps = int(log.read_text().splitlines()[-1].split(",")[0])
    process = subprocess.Popen([*words, "100000", "--resume"], stderr=subprocess.PIPE, text=True)
    wait_for(lambda: int(log.read_text().splitlines()[-1].split(",")[0]) > steps, process)
    process.kill()
    process.communicate()


def wait_for(condition, process, seconds=300):
    end = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < end
        time.sleep(0.1)


def test_a_study_of_real_micrographs_starts(microtwin, shared_data, tmp_path):
    from microtwin.comparison import _inputs, _real
    from microtwin.generation import DEFAULT, PRESETS

    for name in ("superalloy_sem", "powder_sem", "nanocomposite_sem"):
        inputs = _inputs.read(
            shared_data / name, spacing=None, crop_info_bar=True, channel=None, phase=None,
            match=True, flatten=False,
        )  # fmt: skip
        real = _real.prepare(
            inputs, recipe=PRESETS[DEFAULT], smooth="auto", scale="auto", patch=None
        )
        assert not any(Path(p).stem.endswith("_mask") for p in inputs.paths)
        assert len(real.held_out) >= 8
        assert real.patch / real.length > 6
        assert all(0.02 < np.mean(group) < 0.98 for group in (real.training, real.held_out))
