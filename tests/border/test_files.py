"""Nothing half-written is left, and what cannot be written is named."""

import pytest

from microtwin import _files
from microtwin.errors import InputError


def test_a_writer_that_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    path = _files.write_text(tmp_path / "a.txt", "old")

    def fail(temporary):
        temporary.write_text("half")
        raise RuntimeError("the power went")

    with pytest.raises(RuntimeError, match="power"):
        _files.write_with(path, fail)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_named(tmp_path):
    def fill(temporary):
        temporary.write_text("half")
        raise OSError(28, "No space left on device")

    with pytest.raises(InputError, match=r"a\.txt cannot be written: No space left on device"):
        _files.write_with(tmp_path / "a.txt", fill)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(InputError, match=r"a\.txt cannot be written: No such file or directory"):
        _files.write_text(tmp_path / "none" / "a.txt", "text")


def test_a_file_is_no_output_folder(tmp_path):
    file = _files.write_text(tmp_path / "file", "text")
    with pytest.raises(InputError, match="output must be a writable folder"):
        _files.output_folder(file)
    assert _files.output_folder(tmp_path / "new" / "folder").is_dir()
