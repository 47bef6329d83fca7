"""One volume in blocks that workers share: equal to the whole in every count."""

import json
import os
import signal

import numpy as np
import pytest

import microtwin as mt
from microtwin.errors import InputError
from microtwin.images import save_image
from microtwin.images.synthetic import gaussian_field
from microtwin.statistics import Description
from microtwin.statistics.tiles import DEFAULT

EVERY = {"directions": ("axes", "face_diagonals", "body_diagonals"), "max_lag": 15}


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    labels = np.array(gaussian_field((40, 44, 48), correlation_length=3, fraction=0.4, seed=0))
    labels[:3] = 2  # a phase that most blocks lack
    path = tmp_path_factory.mktemp("volume") / "volume.npy"
    np.save(path, labels)
    return path


@pytest.mark.parametrize("periodic", [False, True])
def test_blocks_counted_by_workers_add_up_to_the_whole(two_workers, file, tmp_path, periodic):
    options = {**EVERY, "periodic": periodic, "statistics": "all"}
    found = mt.describe_volume(
        file, store=tmp_path / "store", memory=200_000, cluster=two_workers, **options
    )
    whole = mt.describe_tiles(np.load(file), **options)
    assert found.to_record() == whole.to_record()
    assert len(mt.open_store(tmp_path / "store").items) > 12
    kept = Description.from_json(tmp_path / "store" / "description.json")
    assert kept.to_record() == whole.to_record()


@pytest.mark.parametrize("kind", ["raw", "big-endian", "tif", "zarr", "h5", "fortran"])
def test_files_of_every_kind_give_the_counts_of_describe_however_they_are_cut(
    two_workers, file, tmp_path, kind
):
    labels, options = np.load(file), {}
    mask = np.random.default_rng(0).random(labels.shape) < 0.9
    np.save(tmp_path / "mask.npy", mask)
    path = tmp_path / f"volume.{kind}"
    if kind == "tif":
        save_image(path, labels)
    elif kind == "zarr":
        zarr = pytest.importorskip("zarr", reason="zarr is not installed")
        array = zarr.create_array(path, shape=labels.shape, dtype="uint8", chunks=(13, 7, 11))
        array[...] = labels
    elif kind == "h5":
        h5py = pytest.importorskip("h5py", reason="h5py is not installed")
        with h5py.File(path, "w") as opened:
            opened.create_dataset("labels", data=labels, chunks=(9, 20, 7), compression="gzip")
    elif kind == "fortran":
        path = path.with_suffix(".npy")
        np.save(path, np.asfortranarray(labels))
    else:
        path = path.with_suffix(".raw")
        dtype = "uint8" if kind == "raw" else ">u2"
        labels.astype(dtype).tofile(path)
        options = {"shape": labels.shape, "dtype": dtype}
    options["mask"] = tmp_path / "mask.npy"
    found = mt.describe_volume(
        path, store=tmp_path / "s", memory=170_001, cluster=two_workers, **EVERY, **options
    )
    whole = mt.describe(labels, mask=mask, **EVERY, statistics=DEFAULT)
    assert found.to_record() == whole.to_record()


def test_a_worker_killed_between_blocks_changes_no_count(two_workers, file, tmp_path):
    victims = list(two_workers.run(os.getpid).values())[:1]

    def kill(done, total, values):
        if done and victims:
            os.kill(victims.pop(), signal.SIGKILL)

    found = mt.describe_volume(
        file, store=tmp_path / "s", memory=100_000, cluster=two_workers, progress=kill, **EVERY
    )
    assert not victims
    assert found.to_record() == mt.describe_tiles(np.load(file), **EVERY).to_record()


def test_blocks_that_were_counted_are_not_counted_again(two_workers, file, tmp_path):
    class Stop(Exception):
        pass

    def stop(done, total, values):
        if done >= 4:
            raise Stop

    options = {"store": tmp_path / "s", "cluster": two_workers, **EVERY}
    with pytest.raises(Stop):
        mt.describe_volume(file, memory=100_000, progress=stop, **options)
    told = []
    # With other memory, blocks would be others: they stay as they were begun.
    found = mt.describe_volume(
        file, memory=10**9, progress=lambda done, total, _: told.append(done), **options
    )
    assert told[0] >= 4
    assert found.to_record() == mt.describe_tiles(np.load(file), **EVERY).to_record()


def test_a_volume_that_has_changed_is_counted_anew(two_workers, tmp_path):
    labels = np.indices((12, 12, 12)).sum(axis=0) % 2
    path = tmp_path / "v.npy"
    np.save(path, labels.astype(np.uint8))
    call = {"store": tmp_path / "s", "cluster": two_workers, "max_lag": 3}
    assert mt.describe_volume(path, **call).porosity == 0.5
    labels[:6] = 0
    np.save(path, labels.astype(np.uint8))
    assert mt.describe_volume(path, **call).porosity == 0.25


def test_what_cannot_be_counted_in_blocks_is_told(file, tmp_path):
    with pytest.raises(InputError, match="statistics must be sums over lines"):
        mt.describe_volume(file, store=tmp_path / "s", statistics="cluster")
    with pytest.raises(InputError, match="does not exist"):
        mt.describe_volume(tmp_path / "none.npy", store=tmp_path / "s")


def test_the_command_writes_the_description(two_workers, file, tmp_path, capsys):
    from microtwin.cli import app

    address = two_workers.scheduler.address
    with pytest.raises(SystemExit) as end:
        app(["batch", "volume", str(file), "-o", str(tmp_path / "s"), "--cluster", address,
             "--max-lag", "9", "--json"])  # fmt: skip
    assert not end.value.code
    assert json.loads(capsys.readouterr().out)["shape"] == [40, 44, 48]
