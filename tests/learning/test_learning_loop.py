"""Runs can be stopped in any way and go on as if nothing had happened."""

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from learning import toy_run as toy
from microtwin.errors import CheckpointError, TrainingError
from microtwin.learning.checkpoints import Checkpoints
from microtwin.learning.log import CsvLog
from microtwin.learning.loop import Hook

TOY = Path(toy.__file__)


def rows(folder):
    """Read the log without the column of times."""
    with (folder / "log.csv").open() as file:
        return [(int(row["step"]), row["loss"]) for row in csv.DictReader(file)]


def assert_equal_to_the_last_bit(a, b):
    for left, right in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        np.testing.assert_array_equal(np.asarray(left), np.asarray(right))


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    return toy.run(folder, last=20), rows(folder)


def test_two_halves_equal_the_whole_to_the_last_bit(tmp_path, uninterrupted):
    toy.run(tmp_path, last=10)
    state = toy.run(tmp_path, last=20)
    assert_equal_to_the_last_bit(state, uninterrupted[0])
    assert rows(tmp_path) == uninterrupted[1]


def test_a_run_killed_between_checkpoints_goes_on_from_the_last_one(tmp_path, uninterrupted):
    """Killed with a signal that no handler sees; steps after the checkpoint are taken again."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, str(TOY), str(tmp_path), "20", "0.2"]
    process = subprocess.Popen(command, env=environment)
    deadline = time.monotonic() + 120
    while not (tmp_path / "log.csv").exists() or len(rows(tmp_path)) < 8:
        assert process.poll() is None, "the run ended by itself"
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert 8 <= len(rows(tmp_path)) < 20
    state = toy.run(tmp_path, last=20)
    assert_equal_to_the_last_bit(state, uninterrupted[0])
    assert rows(tmp_path) == uninterrupted[1]


def test_ctrl_c_finishes_the_step_writes_its_checkpoint_and_raises(tmp_path, uninterrupted):
    def press(done, state):
        if done == 7:
            os.kill(os.getpid(), signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        toy.run(tmp_path, last=20, hooks=[Hook(1, press)])
    assert signal.getsignal(signal.SIGINT) is before
    assert max(step for step, _ in rows(tmp_path)) == 7
    with Checkpoints(tmp_path / "checkpoints", identity=toy.IDENTITY) as checkpoints:
        assert checkpoints.latest() == 7
    assert_equal_to_the_last_bit(toy.run(tmp_path, last=20), uninterrupted[0])
    assert rows(tmp_path) == uninterrupted[1]


def test_a_finished_run_is_left_as_it_is(tmp_path, uninterrupted):
    toy.run(tmp_path, last=20)
    assert_equal_to_the_last_bit(toy.run(tmp_path, last=20), uninterrupted[0])
    assert rows(tmp_path) == uninterrupted[1]


def test_only_the_last_checkpoints_are_kept(tmp_path):
    toy.run(tmp_path, last=11, checkpoint_every=2)
    kept = {int(path.name) for path in (tmp_path / "checkpoints").iterdir()}
    assert kept == {8, 10, 11}


def test_a_loss_that_is_no_number_stops_the_run_and_keeps_the_checkpoint_before(tmp_path):
    def poisoned(i):
        return np.full(5, np.nan, np.float32) if i == 7 else toy.batches(i)

    with pytest.raises(TrainingError, match="loss is nan at step 8"):
        toy.run(tmp_path, last=20, batches=poisoned)
    assert Checkpoints(tmp_path / "checkpoints", identity=toy.IDENTITY).latest() == 5


def test_weights_that_are_no_numbers_never_reach_a_checkpoint(tmp_path):
    def silently_broken(state, batch, key):
        state, metrics = toy.step(state, batch, key)
        state["memory"] = (jnp.where(state["step"] == 10, jnp.inf, 0) + state["memory"][0],)
        return state, metrics

    with pytest.raises(TrainingError, match=r"weights .* step 10"):
        toy.run(tmp_path, last=20, step=silently_broken)
    assert Checkpoints(tmp_path / "checkpoints", identity=toy.IDENTITY).latest() == 5


def test_a_checkpoint_of_something_else_is_refused_in_one_line(tmp_path):
    toy.run(tmp_path, last=5)
    other = Checkpoints(tmp_path / "checkpoints", identity={"preset": "other", "seed": "0"})
    with pytest.raises(CheckpointError, match="of preset toy, not other") as refusal:
        other.restore(toy.initial())
    assert "\n" not in str(refusal.value)


def test_a_state_of_another_form_is_refused(tmp_path):
    toy.run(tmp_path, last=5)
    checkpoints = Checkpoints(tmp_path / "checkpoints", identity=toy.IDENTITY)
    for other in ({**toy.initial(), "more": jnp.zeros(2)}, {**toy.initial(), "w": jnp.zeros(6)}):
        with pytest.raises(CheckpointError, match="does not fit"):
            checkpoints.restore(other)


def test_a_damaged_checkpoint_is_refused(tmp_path):
    toy.run(tmp_path, last=5)
    for file in (tmp_path / "checkpoints" / "5" / "state").rglob("*"):
        if file.is_file():
            file.write_bytes(b"")
    with pytest.raises(CheckpointError, match="damaged"):
        Checkpoints(tmp_path / "checkpoints", identity=toy.IDENTITY).restore(toy.initial())


def test_no_checkpoint_is_an_error_that_says_where(tmp_path):
    with pytest.raises(CheckpointError, match="no checkpoint in"):
        Checkpoints(tmp_path / "none", identity=toy.IDENTITY).restore(toy.initial())


def test_log_drops_later_rows_and_one_that_was_cut_short(tmp_path):
    log = CsvLog(tmp_path / "log.csv")
    for step in (1, 2, 3):
        log.append(step, {"loss": 0.5 * step, "seconds": step})
    with log.path.open("a") as file:
        file.write("4,2.")
    log.keep_until(2)
    assert log.path.read_text() == "step,loss,seconds\n1,0.5,1\n2,1,2\n"
    assert log.last("seconds") == 2
    assert log.last("loss") == 1


def test_seconds_in_the_log_go_on_where_they_stopped(tmp_path):
    toy.run(tmp_path, last=5)
    before = CsvLog(tmp_path / "log.csv").last("seconds")
    toy.run(tmp_path, last=6)
    assert CsvLog(tmp_path / "log.csv").last("seconds") > before


def test_a_log_without_a_whole_line_is_begun_anew(tmp_path):
    """As a crash, or a full disk, can leave it."""
    log = CsvLog(tmp_path / "log.csv")
    for left in ("", "step,lo"):
        log.path.write_text(left)
        log.keep_until(0)
        log.append(1, {"loss": 2.0})
        assert log.rows() == [{"step": 1, "loss": 2}]


def test_a_run_killed_in_a_hook_calls_it_again(tmp_path):
    """A checkpoint says that its hooks have been called: what they keep is complete."""
    called = []

    def broken(step, state):
        called.append(step)
        if called == [5]:
            raise RuntimeError("the power fails")

    with pytest.raises(RuntimeError):
        toy.run(tmp_path, last=10, hooks=[Hook(5, broken)])
    toy.run(tmp_path, last=10, hooks=[Hook(5, broken)])
    assert called == [5, 5, 10]
