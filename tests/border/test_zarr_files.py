"""Zarr folders: all or nothing, and what cannot be written is named."""

import sys
from pathlib import Path

import numpy as np
import pytest

import microtwin as mt
from microtwin.errors import InputError
from microtwin.images import save_zarr
from microtwin.images.zarr_files import check_zarr

OLD, NEW = (np.full((2, 5, 6, 7), label, np.uint8) for label in (1, 2))


@pytest.fixture(autouse=True)
def _zarr():
    pytest.importorskip("zarr")


@pytest.mark.parametrize("name", ["twins.zarr", "TWINS.ZARR"])
def test_what_was_written_is_read_and_replaced(tmp_path, name):
    path = tmp_path / name
    for array in (OLD, NEW):
        assert check_zarr(path) == path
        assert save_zarr(path, array, attributes={"seeds": [0, 1]}) == path
        stored = mt.open_volume(path)
        assert np.array_equal(stored[...], array)
        assert stored.attrs["seeds"] == [0, 1]
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("failing", ["twins.zarr", "array"])
def test_a_folder_that_cannot_be_replaced_stays(tmp_path, monkeypatch, failing):
    path = save_zarr(tmp_path / "twins.zarr", OLD)
    rename = Path.rename

    def fail(self, target):
        if self.name == failing:
            raise OSError("the disk is gone")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(InputError, match=r"twins\.zarr cannot be written: the disk is gone"):
        save_zarr(path, NEW)
    assert np.array_equal(mt.open_volume(path)[...], OLD)
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be_put_back_is_kept_beside(tmp_path, monkeypatch):
    path = save_zarr(tmp_path / "twins.zarr", OLD)
    rename = Path.rename

    def fail(self, target):
        if self.name in ("array", "old"):
            raise OSError("the disk is gone")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(OSError, match="the disk is gone"):
        save_zarr(path, NEW)
    (kept,) = tmp_path.glob(".twins.zarr.*/old")
    kept.replace(path)
    assert np.array_equal(mt.open_volume(path)[...], OLD)


@pytest.mark.parametrize("ask", [check_zarr, lambda path: save_zarr(path, NEW)])
def test_what_cannot_be_a_zarr_folder_is_refused(tmp_path, monkeypatch, ask):
    with pytest.raises(InputError, match=r"path must end in \.zarr, not 'twins\.tif'"):
        ask(tmp_path / "twins.tif")
    (tmp_path / "file.zarr").touch()
    (tmp_path / "folder.zarr").mkdir()
    for name in ("file.zarr", "folder.zarr"):
        with pytest.raises(InputError, match="path must be new or a Zarr folder"):
            ask(tmp_path / name)
    monkeypatch.setitem(sys.modules, "zarr", None)
    with pytest.raises(InputError, match="unless zarr is installed"):
        ask(tmp_path / "new.zarr")
    assert not (tmp_path / "new.zarr").exists()
