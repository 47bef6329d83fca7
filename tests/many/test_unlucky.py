"""What happens beside the work: odd names, files that are replaced, stores with parts missing."""

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress

import numpy as np
import pandas as pd
import pytest

import microtwin as mt
from many import measures
from microtwin.errors import InputError, MicrotwinError
from microtwin.images import save_image
from microtwin.scale import _work, cluster, mapping, store
from microtwin.scale._journal import rows_in
from microtwin.scale.items import FileItem, items_of


@pytest.fixture
def elsewhere(two_workers, files, tmp_path, monkeypatch):
    """This process in the folder above the images; workers stay in their own."""
    assert all(folder != str(tmp_path) for folder in two_workers.run(os.getcwd).values())
    monkeypatch.chdir(tmp_path)
    return two_workers


def test_workers_in_another_folder_find_relative_paths(elsewhere, tmp_path):
    np.save("volume.npy", np.indices((8, 8, 8)).sum(axis=0).astype(np.uint8) % 2)
    np.save("stack.npy", np.ones((2, 4, 4, 4), np.uint8))
    (tmp_path / "images" / "bad.png").write_bytes(b"rubbish")
    found = mt.map_many(measures.noted, ["images", "stack.npy"], store="store", cluster=elsewhere)
    assert list(found.failed) == ["images/bad.png"]
    assert found.failed["images/bad.png"].startswith("images/bad.png is not")
    assert found.items[-1] == "stack.npy[1]"
    whole = mt.describe_volume("volume.npy", store="counts", max_lag=3, cluster=elsewhere)
    assert whole.porosity == 0.5


@pytest.mark.parametrize(
    "name",
    ["a\nb", "ünï 漢 😀", "x" * 240, os.fsdecode(b"no unicode \xff\xfe"), 'quote"d, [0]'],
    ids=["newline", "unicode", "long", "bytes", "quoted"],
)
def test_files_may_be_called_anything(two_workers, structures, tmp_path, name):
    folder = tmp_path / "images"
    folder.mkdir()
    try:
        (folder / f"{name} b.png").write_bytes(b"rubbish")
    except OSError:
        pytest.skip("this file system does not take the name")
    save_image(folder / "a.png", structures[0])
    (folder / "a.png").rename(folder / f"{name}.png")
    call = {"store": tmp_path / "store", "cluster": two_workers}
    found = mt.map_many(measures.noted, folder, **call)
    assert len(found.items) == 2
    assert len(found.failed) == 1
    assert found.to_dataframe()["sum"].max() == structures[0].sum()
    assert found.to_dataframe()["item"].str.encode("utf-8").notna().all()
    assert mt.map_many(measures.noted, folder, **call).skipped == 1


def test_a_stack_that_was_replaced_is_read_anew(two_workers, tmp_path):
    call = {"store": tmp_path / "store", "cluster": two_workers}
    for value in (1, 2):
        np.save(tmp_path / "new.npy", np.full((2, 4, 4, 4), value, np.uint8))
        (tmp_path / "new.npy").replace(tmp_path / "stack.npy")
        found = mt.map_many(measures.noted, tmp_path / "stack.npy", **call)
        assert found.skipped == 0
        assert set(found.to_dataframe()["sum"]) == {64 * value}


def test_a_volume_that_was_replaced_is_counted_anew(two_workers, tmp_path):
    labels = (np.indices((12, 12, 12)).sum(axis=0) % 2).astype(np.uint8)
    call = {"store": tmp_path / "s", "cluster": two_workers, "max_lag": 3}
    for porosity in (0.5, 0.25):
        np.save(tmp_path / "new.npy", labels)
        (tmp_path / "new.npy").replace(tmp_path / "v.npy")
        assert mt.describe_volume(tmp_path / "v.npy", **call).porosity == porosity
        labels[:6] = 0


@pytest.mark.parametrize("more", [0, 5], ids=["written to", "grown"])
def test_a_volume_that_changes_meanwhile_is_refused(two_workers, tmp_path, more):
    path = tmp_path / "v.raw"
    labels = (np.indices((12, 12, 12)).sum(axis=0) % 2).astype(np.uint8)
    labels.tofile(path)

    def change(done, total, values):
        with path.open("r+b") as file:
            file.write(bytes(12**3 + more))

    with pytest.raises(InputError, match=r"v\.raw must not change while it is measured"):
        mt.describe_volume(path, shape=(12, 12, 12), store=tmp_path / "s", max_lag=3,
                           memory=2000, cluster=two_workers, progress=change)  # fmt: skip
    assert not (tmp_path / "s" / "description.json").exists()


def test_an_item_that_changes_while_it_is_read_is_not_believed_next_time(tmp_path):
    class Changing:
        name, version = "changing", 0

        def stamp(self):
            return str(self.version)

        def digest(self):
            self.version += 1  # as somebody writes to it
            return "digest"

    item = Changing()
    _work.work([(item, None)], lambda item: {"value": 1}, {}, None, str(tmp_path / "j"), None)
    (row,) = rows_in((tmp_path / "j").read_bytes())["changing"]
    assert row["stamp"] != item.stamp()


def test_a_damaged_part_of_the_table_is_named(two_workers, files, tmp_path):
    call = {"store": tmp_path / "store", "cluster": two_workers}
    mt.map_many(measures.noted, files, **call)
    part = next((tmp_path / "store" / "table.parquet").glob("part-*"))
    part.write_bytes(part.read_bytes()[:-99])
    with pytest.raises(InputError, match=rf"{part.name} is damaged: remove it"):
        mt.map_many(measures.noted, files, **call)
    part.unlink()
    assert mt.map_many(measures.noted, files, **call).skipped == 0


def test_a_flipped_bit_in_a_table_is_noticed(tmp_path):
    values = np.random.default_rng(0).random(200)
    with store.Store.opened(tmp_path / "store", "test", {}) as opened:
        opened.add([{"item": str(i), "value": value} for i, value in enumerate(values)])
        (part,) = opened.parts()
        good, data = store.read_rows(opened.path), part.read_bytes()
        said = []
        for at in range(4, len(data) // 2, 9):
            part.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
            try:
                assert store.read_rows(opened.path).equals(good)
            except InputError as error:
                said.append(str(error))
        assert len(said) > 50
        assert all(f"{part.name} is damaged: remove it" in one for one in said)


def test_others_read_each_item_once_also_after_parts_were_put_together_by_half(
    two_workers, files, tmp_path
):
    call = {"store": tmp_path / "store", "cluster": two_workers}
    mt.map_many(measures.noted, files, **call)
    table = tmp_path / "store" / "table.parquet"
    # Killed behind the new part, before the old one was removed.
    shutil.copy(next(table.glob("part-*")), table / "part-000009.parquet")
    assert mt.map_many(measures.noted, files, **call).skipped == 12
    assert sorted(pd.read_parquet(table)["item"]) == sorted(map(str, files.iterdir()))


def test_a_table_is_read_while_its_parts_are_put_together(tmp_path, monkeypatch):
    with store.Store.opened(tmp_path / "store", "test", {}) as opened:
        for name in "abc":
            row = {"item": name, "digest": name, "stamp": None, "reason": None}
            opened.add([{**row, "value": 1} if name == "a" else row])
        read, turns = store._read, []

        def meanwhile(part, columns=None):
            if not turns:
                turns.append(part)
                opened.finish()
            return read(part, columns)

        monkeypatch.setattr(store, "_read", meanwhile)
        assert store.read_rows(opened.path)["item"].to_pylist() == ["a", "b", "c"]


def test_new_files_are_not_read_for_what_they_may_have_been_called(tmp_path, monkeypatch):
    for i in range(3):
        np.save(tmp_path / f"{i}.npy", np.full((4, 4), i, np.uint8))
    items = items_of(sorted(tmp_path.glob("*.npy")))
    with store.Store.opened(tmp_path / "store", "test", {}) as opened:
        opened.add(
            [{"item": items[0].name, "digest": items[0].digest(), "stamp": items[0].stamp(),
              "reason": None}]
        )  # fmt: skip
        read = []
        digest = FileItem.digest
        monkeypatch.setattr(FileItem, "digest", lambda self: read.append(self) or digest(self))
        assert mapping._left(opened, items) == items[1:]
        assert not read
        # With the first away, each of the others, as large as it was, may be what it was.
        assert mapping._left(opened, items[1:]) == items[1:]
        assert read == items[1:]


def test_structures_that_were_removed_are_made_again(two_workers, structures, tmp_path):
    def many(count):
        return mt.anneal_many(
            mt.describe(structures[0]), store=tmp_path / "store", shape=(16, 16), replicas=count,
            max_proposals=500, cluster=two_workers,
        )  # fmt: skip

    before = many(2)
    kept = before.labels[:]
    shutil.rmtree(tmp_path / "store" / "labels.zarr")
    again = many(2)
    assert again.skipped == 0
    np.testing.assert_array_equal(again.labels[:], kept)


def test_a_damaged_checkpoint_of_a_twin_is_begun_anew(two_workers, structures, tmp_path):
    def many(where):
        return mt.anneal_many(
            mt.describe(structures[0]), store=where, shape=(16, 16), replicas=1,
            max_proposals=500, cluster=two_workers,
        )  # fmt: skip

    left = tmp_path / "store" / ".job" / "seed-00000.npz"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"PK rubbish")
    found = many(tmp_path / "store")
    assert not found.failed
    assert not left.exists()
    np.testing.assert_array_equal(found.labels[:], many(tmp_path / "other").labels[:])


def test_work_for_many_workers_is_cut_for_all_of_them(files):
    items = [FileItem(str(i), str(i)) for i in range(1000)]
    for workers in (2, 100):
        batches = mapping._batches(items, False, workers)
        assert [item for batch in batches for item in batch] == items
        assert len(batches) >= 4 * workers
    assert max(map(len, batches)) <= 1000 / 400 + 1


def test_what_is_given_up_is_not_worked_on_any_longer(two_workers, files, tmp_path):
    class Stop(Exception):
        pass

    def stop(done, total, values):
        if done:
            raise Stop

    log = tmp_path / "log"
    with pytest.raises(Stop) as kept:  # the traceback keeps all that the call knew
        mt.map_many(measures.noted, files, store=tmp_path / "store", cluster=two_workers,
                    settings={"log": str(log), "seconds": 0.3}, progress=stop)  # fmt: skip
    deadline = time.monotonic() + 30
    while any(two_workers.processing().values()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert len(log.read_text().split()) < 12
    assert kept


def test_rows_that_another_worker_has_written_over_are_made_again(
    two_workers, files, tmp_path, monkeypatch
):
    damaged = []

    def rows_in(data):
        rows = store.rows_in(data)
        if not damaged:
            damaged.append(rows.popitem())
        return rows

    monkeypatch.setattr(mapping, "rows_in", rows_in)
    told = []
    found = mt.map_many(
        measures.noted, files, store=tmp_path / "store", cluster=two_workers,
        progress=lambda done, total, _: told.append(done),
    )  # fmt: skip
    assert damaged
    assert told[-1] == 12
    assert len(found.to_dataframe()) == 12
    monkeypatch.setattr(mapping, "rows_in", lambda data: {})
    with pytest.raises(MicrotwinError, match="was damaged again and again"):
        mt.map_many(measures.noted, files, store=tmp_path / "other", cluster=two_workers)


def test_a_disk_that_fills_up_ends_the_work_and_keeps_what_was_finished(
    two_workers, files, tmp_path
):
    total = int(mt.read_image(files / "06.png").sum())
    call = {"store": tmp_path / "store", "cluster": two_workers, "settings": {"total": total}}
    with pytest.raises(InputError, match=r"store cannot be written: /store/part: No space left"):
        mt.map_many(measures.full, files, **call)
    left = [file for file in files.iterdir() if file.name != "06.png"]
    assert mt.map_many(measures.full, left, **call).skipped > 0


@contextmanager
def long_job(files, *more):
    """A shell's command that makes two large twins, from when it is at work."""
    store = files.parent / "twins"
    job = subprocess.Popen(
        [sys.executable, "-m", "microtwin", "batch", "anneal", str(files / "00.png"), "-o",
         str(store), "--shape", "64,64,64", "-n", "2", "--tolerance", "0", *more],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stderr=subprocess.PIPE, text=True, start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # jobs in the background
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 100
        while not list(store.glob(".job/*.journal")):
            assert job.poll() is None, job.stderr.read()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        yield job
        assert list(store.glob(".job/*.journal"))
    finally:
        with suppress(ProcessLookupError):
            os.killpg(job.pid, signal.SIGKILL)
        job.wait()


def test_a_killed_scheduler_is_told_of_in_one_line(files):
    code = (
        "import time\nfrom distributed import LocalCluster\n"
        "here = LocalCluster(n_workers=1, threads_per_worker=1, processes=False, "
        "dashboard_address=':0', protocol='tcp://')\n"
        "print(here.scheduler_address, flush=True)\ntime.sleep(600)\n"
    )
    scheduler = subprocess.Popen(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        address = scheduler.stdout.readline().strip()
        with long_job(files, "--cluster", address) as job:
            scheduler.kill()
            said = job.communicate(timeout=60)[1]
    finally:
        scheduler.kill()
        scheduler.wait()
    assert job.returncode == 2
    assert "Traceback" not in said
    assert said.endswith(
        "microtwin: the scheduler has gone; what was finished is kept, and the same call goes on\n"
    )


def test_ctrl_c_twice_leaves_journals_and_no_traceback(files):
    """Pressed in a shell, workers and all else get it."""
    with long_job(files, "-j", "2") as job:
        for _ in range(2):
            os.killpg(job.pid, signal.SIGINT)
            time.sleep(0.1)
        said = job.communicate(timeout=60)[1]
    assert job.returncode == 130
    assert "Traceback" not in said
    assert "closed" not in said
    assert "interrupted; what was finished is kept, and the same command goes on" in said


def test_ctrl_c_while_workers_are_begun_is_heard_when_they_are():
    before = signal.getsignal(signal.SIGINT)
    told = []

    def begin():
        with cluster._deaf():
            os.kill(os.getpid(), signal.SIGINT)
            # What is begun now does not hear it at all.
            code = "import signal; print(signal.pthread_sigmask(signal.SIG_BLOCK, []))"
            told.append(subprocess.check_output([sys.executable, "-c", code], text=True))

    with pytest.raises(KeyboardInterrupt):
        begin()
    assert "SIGINT" in told[0]
    assert signal.getsignal(signal.SIGINT) is before
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])


LACKING = """
import asyncio, sys
from distributed import Worker

class Lacking:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "microtwin":
            raise ModuleNotFoundError("No module named 'microtwin'")

async def work():
    async with Worker(sys.argv[1], nthreads=1) as worker:
        print("here", flush=True)
        await worker.finished()

sys.meta_path.insert(0, Lacking())
asyncio.run(work())
"""


def test_workers_without_microtwin_are_told_of(files, tmp_path):
    from distributed import LocalCluster

    with LocalCluster(n_workers=0, processes=False, dashboard_address=":0", protocol="tcp://") as c:
        worker = subprocess.Popen(
            [sys.executable, "-c", LACKING, c.scheduler_address], stdout=subprocess.PIPE, text=True
        )
        try:
            assert worker.stdout.readline() == "here\n"
            with pytest.raises(InputError, match=r"cluster must have .* import.*'microtwin'"):
                mt.map_many(
                    measures.noted, files, store=tmp_path / "s", cluster=c.scheduler_address
                )
        finally:
            worker.kill()
            worker.wait()


def test_a_scheduler_without_microtwin_is_told_of():
    of_scheduler = RuntimeError("Error during deserialization of the task graph")
    of_scheduler.__cause__ = ModuleNotFoundError("No module named 'microtwin'")
    with pytest.raises(InputError, match=r"cluster must have .* that can import.*'microtwin'"):
        mapping._raise(of_scheduler)
    with pytest.raises(RuntimeError):
        mapping._raise(RuntimeError("a bug"))
