"""A table that several processes change at once, some of which are killed on the way."""

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from microtwin.errors import InputError
from microtwin.images import Catalogue, Entry, catalogue_files

LABELLER = Path(__file__).with_name("killed_labeller.py")


@pytest.fixture
def table(tmp_path):
    entries = tuple(Entry(i, "", tmp_path / f"{i}.png") for i in range(400))
    return Catalogue(entries).to_csv(tmp_path / "table.csv")


def labeller(table, who, first, last):
    command = [sys.executable, str(LABELLER), str(table), who, str(first), str(last)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    return process


def test_two_processes_that_label_at_once_lose_nothing(table):
    people = [labeller(table, "Ana", 0, 30), labeller(table, "Ben", 30, 60)]
    assert [person.wait() for person in people] == [0, 0]
    for person in people:
        person.stdout.close()
    after = Catalogue.from_csv(table)
    assert len(after) == 400
    assert [e.label for e in after][:60] == [f"{'Ana' if i < 30 else 'Ben'} {i}" for i in range(60)]
    assert not any(entry.label for entry in list(after)[60:])


@pytest.mark.parametrize("moment", [0.0, 0.02, 0.05, 0.09])
def test_a_labeller_killed_at_any_moment_leaves_a_whole_table_and_no_lock(table, moment):
    killed = labeller(table, "Ana", 0, 200)
    other = labeller(table, "Ben", 200, 215)
    assert killed.stdout.readline() == "0\n"
    time.sleep(moment)
    killed.send_signal(signal.SIGKILL)
    done = [0, *map(int, killed.stdout.read().split())]
    killed.wait()
    killed.stdout.close()
    assert other.wait() == 0
    other.stdout.close()
    after = Catalogue.update(table, {399: "last"}, by="Ben")
    assert len(after) == 400
    labelled = [entry.id for entry in after if entry.by == "Ana"]
    # What was said to be written is; at most the one label that was under way comes on top.
    assert labelled[: len(done)] == done
    assert len(labelled) - len(done) in (0, 1)
    assert [e.label for e in after if e.by == "Ben"] == [f"Ben {i}" for i in range(200, 215)] + [
        "last"
    ]
    left = {path.name for path in table.parent.iterdir()}
    assert left <= {"table.csv", ".table.csv.lock"}


def test_threads_that_label_at_once_lose_nothing(table):
    def label(first):
        for number in range(first, first + 10):
            Catalogue.update(table, {number: "YES"}, by="Ana")

    threads = [threading.Thread(target=label, args=(10 * i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(entry.label == "YES" for entry in Catalogue.from_csv(table)) == 40


def test_a_table_locked_for_too_long_is_an_error(table, monkeypatch):
    monkeypatch.setattr(catalogue_files, "PATIENCE", 0.05)
    with (
        catalogue_files.locked(table),
        pytest.raises(InputError, match="locked by another process"),
    ):
        Catalogue.update(table, {0: "YES"})


def test_a_change_that_fails_writes_nothing_and_frees_the_table(table):
    before = table.read_bytes()

    def fails(catalogue):
        raise RuntimeError("on the way")

    with pytest.raises(RuntimeError):
        Catalogue.edit(table, fails)
    assert table.read_bytes() == before
    Catalogue.update(table, {0: "YES"})
