"""Kill -9 at any moment, and clocks that jump: results are whole, and the same."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import microtwin as mt
from microtwin.images import save_image
from microtwin.images.synthetic import gaussian_field

ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
SETTINGS = {
    "shape": (24, 24, 24),
    "seed": 1,
    "schedule": "geometric",
    "cooling": 0.97,
    "max_proposals": 3_000_000,
    "tolerance": 0.0,
    "threads": 1,
}


def target():
    return mt.describe(gaussian_field((64, 64), correlation_length=3, fraction=0.4, seed=0))


def test_annealing_killed_without_warning_goes_on_to_the_same_twin(tmp_path):
    checkpoint = tmp_path / "twin.npz"
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("killed_annealing.py")), str(checkpoint)],
        env=ENVIRONMENT,
    )
    deadline = time.monotonic() + 120
    while not checkpoint.exists():
        assert process.poll() is None, "it ended by itself"
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    resumed = mt.anneal(target(), checkpoint=checkpoint, resume=True, **SETTINGS)
    alone = mt.anneal(target(), **SETTINGS)
    np.testing.assert_array_equal(resumed.labels, alone.labels)
    assert (resumed.energy, resumed.proposals) == (alone.energy, alone.proposals)


@pytest.mark.parametrize("wait", [0.0, 0.3, 0.6])
def test_describing_killed_without_warning_leaves_the_old_table_or_the_new(tmp_path, wait):
    source, table = tmp_path / "a.png", tmp_path / "out.json"
    labels = np.asarray(gaussian_field((256, 256), correlation_length=3, fraction=0.4, seed=0))
    save_image(source, labels)
    table.write_text("before")
    command = [sys.executable, "-m", "microtwin", "describe", str(source), "-o", str(table)]
    process = subprocess.Popen(
        [*command, "--statistics", "all"], env=ENVIRONMENT, stdout=subprocess.DEVNULL
    )
    time.sleep(wait)
    process.send_signal(signal.SIGKILL)
    process.wait()
    if table.read_text() != "before":
        assert mt.Description.from_json(table).shape == (256, 256)
    visible = {p.name for p in tmp_path.iterdir() if not p.name.startswith(".")}
    assert visible == {"a.png", "out.json"}


@pytest.fixture
def jumping(monkeypatch):
    """A wall clock that goes back and forth by years between any two looks."""
    looks = iter(range(10**9))
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + (-1) ** next(looks) * 1e8)


def test_annealing_does_not_look_at_the_wall_clock(jumping, monkeypatch):
    settings = {**SETTINGS, "max_proposals": 200_000, "max_seconds": 300}
    told = []
    jumped = mt.anneal(target(), progress=lambda d, t, v: told.append(d), **settings)
    monkeypatch.undo()
    steady = mt.anneal(target(), **settings)
    np.testing.assert_array_equal(jumped.labels, steady.labels)
    assert jumped.stop_reason == steady.stop_reason
    assert 0 <= jumped.seconds < 300


def test_what_a_worker_wrote_is_waited_for_whatever_the_clock_says(monkeypatch, tmp_path):
    """On a file system that shows it late, while the clock goes on by years."""
    looks, real = iter(range(10**9)), time.time
    monkeypatch.setattr(time, "time", lambda: real() + next(looks) * 1e8)
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    from microtwin.scale.mapping import _whole

    journal = tmp_path / "a.journal"
    late = threading.Timer(0.5, lambda: journal.write_bytes(b"rows"))
    late.start()
    assert _whole(journal, 4) == b"rows"
    late.join()


def test_files_from_the_future_and_the_past_are_known_again(jumping, tmp_path):
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    from microtwin.scale.items import items_of
    from microtwin.scale.mapping import _left
    from microtwin.scale.store import Store

    for i, when in enumerate((0, 1e9, 4e9)):
        file = tmp_path / f"{i}.npy"
        np.save(file, np.full((4, 4), i, np.uint8))
        os.utime(file, (when, when))
    items = items_of(sorted(tmp_path.glob("*.npy")))
    with Store.opened(tmp_path / "store", "test", {}) as store:
        store.add(
            [
                {"item": one.name, "digest": one.digest(), "stamp": one.stamp(), "reason": None}
                for one in items[:2]
            ]
        )
        assert _left(store, items) == items[2:]
        # The clock was set back, and a file was written with an older time than it had.
        np.save(tmp_path / "1.npy", np.full((4, 4), 9, np.uint8))
        os.utime(tmp_path / "1.npy", (5e8, 5e8))
        assert _left(store, items) == items[1:]
