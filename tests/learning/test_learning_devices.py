"""Steps taken together, on several devices, in several processes: the same run."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from learning import toy_run as toy
from microtwin.errors import TrainingError
from microtwin.learning.log import CsvLog, TensorBoard
from microtwin.learning.loop import Hook

SCRIPT = Path(__file__).with_name("toy_devices.py")
PATH = os.pathsep.join(sys.path)


def finished(process):
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return json.loads(out.splitlines()[-1])


def start(folder, last, *, devices=1, **environment):
    flags = f"--xla_force_host_platform_device_count={devices}"
    return subprocess.Popen(
        [sys.executable, str(SCRIPT), str(folder), str(last)],
        env={**os.environ, "PYTHONPATH": PATH, "XLA_FLAGS": flags, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_steps_taken_together_are_those_taken_one_by_one(tmp_path):
    seen = {}
    for together in (1, 4):
        hits = seen[together] = []
        hook = Hook(3, lambda step, state, hits=hits: hits.append((step, int(state["step"]))))
        state = toy.run(
            tmp_path / str(together), last=20, checkpoint_every=7, hooks=[hook], together=together
        )
        seen[together, "w"] = np.asarray(state["w"])
    assert seen[1] == seen[4] == [(i, i) for i in (3, 6, 9, 12, 15, 18, 20)]
    np.testing.assert_allclose(seen[4, "w"], seen[1, "w"], rtol=1e-5, atol=1e-6)
    kept = [{int(p.name) for p in (tmp_path / n / "checkpoints").iterdir()} for n in ("1", "4")]
    assert kept == [{7, 14, 20}] * 2
    one, four = (CsvLog(tmp_path / n / "log.csv").rows() for n in ("1", "4"))
    assert [row["step"] for row in four] == list(range(1, 21))
    losses = [[row["loss"] for row in rows] for rows in (one, four)]
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-4)


def test_a_loss_that_is_no_number_among_steps_taken_together_stops_the_run(tmp_path):
    def poisoned(i):
        return np.full(5, np.nan, np.float32) if i == 6 else toy.batches(i)

    with pytest.raises(TrainingError, match="loss is nan at step 7"):
        toy.run(tmp_path, last=20, batches=poisoned, together=5)


def test_two_devices_take_the_steps_of_one_and_open_its_checkpoints(tmp_path):
    runs = [start(tmp_path / str(n), 6, devices=n) for n in (1, 2)]
    one, two = map(finished, runs)
    assert (one["devices"], two["devices"]) == (1, 2)
    np.testing.assert_allclose(two["weights"], one["weights"], rtol=1e-4, atol=1e-5)
    # Each goes on where the other one stopped.
    runs = [start(tmp_path / str(n), 8, devices=3 - n) for n in (1, 2)]
    one, two = map(finished, runs)
    assert (one["first"], two["first"]) == (6, 6)
    np.testing.assert_allclose(two["weights"], one["weights"], rtol=1e-4, atol=1e-5)


def test_two_processes_train_together(tmp_path):
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    distributed = {
        "JAX_COORDINATOR_ADDRESS": f"localhost:{port}",
        "JAX_NUM_PROCESSES": "2",
        "JAX_CPU_COLLECTIVES_IMPLEMENTATION": "gloo",
    }
    both = [
        start(tmp_path / "both", 6, **distributed, JAX_PROCESS_ID=str(i)) for i in range(2)
    ]  # fmt: skip
    alone = finished(start(tmp_path / "alone", 6))
    found = [finished(process) for process in both]
    assert [each["devices"] for each in found] == [2, 2]
    assert found[0]["weights"] == found[1]["weights"]
    np.testing.assert_allclose(found[0]["weights"], alone["weights"], rtol=1e-4, atol=1e-5)
    rows = CsvLog(tmp_path / "both" / "log.csv").rows()
    assert [row["step"] for row in rows] == [1, 2, 3, 4, 5, 6]  # written by one of them only


def test_curves_for_tensorboard_read_back_as_the_log(tmp_path):
    pytest.importorskip("tensorboardX")
    from learning.events import scalars

    for last in (4, 7):
        first = 0 if last == 4 else 4
        board = TensorBoard(tmp_path / "board", first=first)
        toy.run(tmp_path, last=last, board=board)
        board.picture(last, "grey", np.zeros((4, 4), np.uint8))
        board.close()
    rows = CsvLog(tmp_path / "log.csv").rows()
    found = scalars(tmp_path / "board", "loss")
    assert found == pytest.approx({int(row["step"]): row["loss"] for row in rows}, rel=1e-6)
    assert len(found) == 7


def test_a_writer_of_events_that_died_does_not_hold_up_the_run(tmp_path):
    """As on a full disk: nobody empties its queue of ten then."""
    pytest.importorskip("tensorboardX")
    board = TensorBoard(tmp_path / "board")
    board._writer.file_writer.event_writer._worker.stop()
    for step in range(50):
        board.scalars(step, {"loss": 1.0})
    board.close()


def test_without_tensorboardx_there_are_no_event_files(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    board = TensorBoard(tmp_path / "board")
    board.scalars(1, {"loss": 1.0})
    board.close()
    assert not (tmp_path / "board").exists()


def test_a_full_disk_ends_in_a_clear_error_and_leaves_the_last_checkpoint(tmp_path):
    script = Path(__file__).with_name("full_disk.py")
    alone = ["unshare", "-rm"]
    try:
        allowed = subprocess.run([*alone, "true"], capture_output=True).returncode == 0
    except FileNotFoundError:
        allowed = False
    if not allowed:
        pytest.skip("no file system of one's own can be mounted here")
    (tmp_path / "disk").mkdir()
    done = subprocess.run(
        [*alone, sys.executable, str(script), str(tmp_path / "disk")],
        env={**os.environ, "PYTHONPATH": PATH},
        capture_output=True,
        text=True,
    )
    if "mount" in done.stderr and not done.stdout:
        pytest.skip("no file system of one's own can be mounted here")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["checkpoint"].startswith("CheckpointError: checkpoint of step 10 cannot be")
    assert "5" in found["left"]
    assert found["latest"] == 5
    assert "No space left" in found["log"]
    assert found["log"].startswith("CheckpointError")
    assert "No space left" in found["rewritten"]
    assert found["rows"] == 10  # all or nothing: the log is as it was
    assert found["large"].startswith("CheckpointError: checkpoint of step 1 cannot be written")
    assert found["none"] is None
    whole = toy.run(tmp_path / "whole", last=10)
    assert found["w"] == [float(w).hex() for w in whole["w"]]
