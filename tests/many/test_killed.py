"""What is left when workers, or everything, are killed: all but the items in work."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

import microtwin as mt
from many import measures
from many.test_many_structures import numbers
from microtwin.errors import InputError
from microtwin.images import save_image

TESTS = Path(__file__).parents[1]


def test_a_worker_killed_on_the_way_changes_nothing_in_the_table(two_workers, files, tmp_path):
    plain = mt.map_many(measures.noted, files, store=tmp_path / "plain", cluster=two_workers)
    log = tmp_path / "log"
    victims = list(two_workers.run(os.getpid).values())[:1]

    def kill(done, total, values):
        if done and victims:
            os.kill(victims.pop(), signal.SIGKILL)

    found = mt.map_many(
        measures.noted,
        files,
        store=tmp_path / "killed",
        settings={"log": str(log), "seconds": 0.1},
        cluster=two_workers,
        progress=kill,
    )
    assert not victims
    pd.testing.assert_frame_equal(numbers(plain), numbers(found))
    assert len(log.read_text().split()) <= 13  # the item in work was begun again, and no other


def test_a_worker_that_dies_at_an_item_goes_on_after_it(two_workers, files, tmp_path):
    total = int(mt.read_image(files / "06.png").sum())
    flag = tmp_path / "flag"
    flag.touch()
    found = mt.map_many(
        measures.deadly,
        files,
        store=tmp_path / "store",
        settings={"flag": str(flag), "total": total},
        cluster=two_workers,
    )
    assert not flag.exists()
    assert not found.failed
    assert found.to_dataframe()["sum"].notna().all()


def test_an_item_that_workers_always_die_at_is_left_alone(two_workers, files, tmp_path):
    total = int(mt.read_image(files / "06.png").sum())
    found = mt.map_many(
        measures.always_deadly,
        files,
        store=tmp_path / "store",
        settings={"total": total},
        cluster=two_workers,
    )
    assert list(found.failed) == [str(files / "06.png")]
    assert "the process died 2 times at this item" in found.failed[str(files / "06.png")]
    assert found.to_dataframe()["sum"].notna().sum() == 11


def test_a_killed_client_loses_the_items_in_work_and_no_other(two_workers, files, tmp_path):
    for i in range(12, 24):
        save_image(files / f"{i}.png", mt.read_image(files / f"{i - 12:02d}.png")[::-1] * 1)
    store, log = tmp_path / "store", tmp_path / "log"
    environment = {**os.environ, "PYTHONPATH": f"{os.environ.get('PYTHONPATH', '')}:{TESTS}"}
    client = subprocess.Popen(
        [sys.executable, TESTS / "many" / "killed_client.py", files, store, log],
        env=environment,
    )
    deadline = time.monotonic() + 60
    while len(log.read_text().split() if log.exists() else []) < 9:
        assert client.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    # Somebody else who comes now is told so.
    with pytest.raises(InputError, match=rf"one run at a time: process {client.pid} on"):
        mt.map_many(measures.noted, files, store=store, settings={"log": str(log), "seconds": 0.25})
    client.kill()
    client.wait()
    time.sleep(1)  # its workers see that it is gone
    begun = len(log.read_text().split())
    assert begun < 20
    found = mt.map_many(
        measures.noted,
        files,
        store=store,
        settings={"log": str(log), "seconds": 0.25},
        cluster=two_workers,
    )
    assert len(log.read_text().split()) <= 24 + 2  # one for each of two workers was in work
    assert found.skipped >= begun - 2
    table = found.to_dataframe()
    assert len(table) == 24
    assert table["sum"].to_list() == [int(mt.read_image(f).sum()) for f in table["item"]]


@pytest.mark.slow
def test_a_killed_worker_of_its_own_cluster_comes_back(files, tmp_path):
    """By default, with workers that the job has begun itself."""
    total = int(mt.read_image(files / "06.png").sum())
    environment = {**os.environ, "PYTHONPATH": f"{os.environ.get('PYTHONPATH', '')}:{TESTS}"}
    code = (
        "import microtwin as mt\nfrom many import measures\n"
        "if __name__ == '__main__':\n"
        f"    found = mt.map_many(measures.always_deadly, {str(files)!r}, "
        f"store={str(tmp_path / 'store')!r}, settings={{'total': {total}}}, workers=2)\n"
        "    print(len(found.failed), len(found.to_dataframe()))\n"
    )
    script = tmp_path / "script.py"
    script.write_text(code)
    ended = subprocess.run(
        [sys.executable, script], env=environment, capture_output=True, text=True, check=True
    )
    assert ended.stdout.split() == ["1", "12"]
    assert ended.stderr == ""
