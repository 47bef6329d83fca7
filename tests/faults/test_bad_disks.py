"""A full or read-only disk: a clear message, and what was there before is there as it was."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("bad_disk.py")


@pytest.fixture(scope="module", params=["full", "readonly"])
def said(request, tmp_path_factory):
    """What all writers say of a bad disk."""
    pytest.importorskip("distributed", reason="dask is not installed")
    pytest.importorskip("zarr", reason="zarr is not installed")
    alone = ["unshare", "-rm"]
    try:
        allowed = subprocess.run([*alone, "true"], capture_output=True).returncode == 0
    except FileNotFoundError:
        allowed = False
    if not allowed:
        pytest.skip("no file system of one's own can be mounted here")
    folder = tmp_path_factory.mktemp("faults") / "disk"
    folder.mkdir()
    done = subprocess.run(
        [*alone, sys.executable, str(SCRIPT), str(folder), request.param],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
    )
    if "mount" in done.stderr and not done.stdout:
        pytest.skip("no file system of one's own can be mounted here")
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    reason = {"full": "No space left on device", "readonly": "Read-only file system"}
    return json.loads(done.stdout.splitlines()[-1]), reason[request.param], done.stderr


def test_every_writer_says_what_is_wrong_and_where(said):
    answers, reason, on_stderr = said
    assert len(answers["found"]) >= 13
    for name, answer in answers["found"].items():
        if answer["said"] == "OSError: told by the command":
            assert any(name.split(".")[0] in line and reason in line
                       for line in on_stderr.splitlines()), name  # fmt: skip
        else:
            assert answer["said"].startswith(("InputError", "CheckpointError")), answer
            assert name.split(".")[0] in answer["said"]
            assert reason in answer["said"], answer


def test_what_was_there_before_is_there_as_it_was(said):
    answers, _, _ = said
    for name, answer in answers["found"].items():
        if "." in name and not name.endswith(".zarr"):
            assert answer["kept"] == "before", name


def test_nothing_half_written_is_left(said):
    answers, _, _ = said
    assert set(answers["left"]) <= {"run", "store"}  # their folders, to be gone on in
