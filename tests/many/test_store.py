"""The store and its journals, whatever was cut off."""

import numpy as np
import pytest

from microtwin.errors import InputError
from microtwin.scale import _journal
from microtwin.scale._journal import DONE, Journal, encoded
from microtwin.scale.store import Store, read_rows


def rows(*names, reason=None, value=1):
    about = {"stamp": None, "reason": reason, "value": value}
    return [{"item": name, "digest": name, **about} for name in names]


@pytest.fixture
def store(tmp_path):
    with Store.opened(tmp_path / "store", "test", {}) as opened:
        yield opened


def test_a_journal_that_was_cut_off_anywhere_holds_all_frames_before(tmp_path):
    path = tmp_path / "a.journal"
    book = Journal(path)
    for name in "abc":
        book.begin(name)
        book.finish(encoded([{"item": name, "value": 1.5}]))
    book.close()
    whole = path.read_bytes()
    ends = [end for kind, _, end in _journal.frames(path.read_bytes()) if kind == DONE]
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        again = Journal(path)
        assert list(again.done) == list("abc")[: sum(end <= length for end in ends)]
        again.close()
    # And goes on behind the last whole frame.
    path.write_bytes(whole[: ends[1] + 5])
    book = Journal(path)
    book.begin("d")
    book.finish(encoded([{"item": "d"}]))
    book.close()
    assert list(Journal(path).done) == ["a", "b", "d"]


def test_a_journal_with_a_flipped_bit_ends_there(tmp_path):
    path = tmp_path / "a.journal"
    book = Journal(path)
    for name in "abc":
        book.begin(name)
        book.finish(encoded([{"item": name}]))
    book.close()
    data = bytearray(path.read_bytes())
    ends = [end for kind, _, end in _journal.frames(path.read_bytes()) if kind == DONE]
    data[ends[1] - 3] ^= 16
    path.write_bytes(data)
    assert list(Journal(path).done) == ["a"]


def test_of_several_rows_of_an_item_the_newest_counts(store):
    store.add(rows("a", "b", reason="bad"))
    store.add(rows("b", "c", value=2))
    store.add(rows("c", value=3))
    table = read_rows(store.path).to_pandas().set_index("item")
    assert dict(table["value"]) == {"a": 1, "b": 2, "c": 3}
    store.finish()
    assert len(store.parts()) == 1
    assert read_rows(store.path).to_pandas().set_index("item").equals(table)


def test_what_lies_in_journals_is_taken_in(store):
    store.add(rows("a"))
    book = Journal(store.journal("000007"))
    book.begin("b")
    book.finish(encoded([{"item": "b", "reason": None, "value": 2.5}]))
    book.begin("c")
    book.close()
    store.recover()
    assert not store.journal("000007").exists()
    assert {row["item"] for row in store.known()} == {"a", "b"}
    assert read_rows(store.path)["value"].to_pylist() == [1, 2.5]


def test_many_small_parts_become_few(store):
    for i in range(200):
        store.add(rows(f"{i}"))
    assert len(store.parts()) < 60
    assert len(read_rows(store.path)) == 200


def test_arrays_of_numbers_are_columns(store):
    store.add(_journal.decoded(encoded([{"item": "a", "curve": np.arange(3.0), "n": np.int64(4)}])))
    store.add(rows("b", reason="bad"))
    store.add([*rows("c"), {**rows("d")[0], "curve": np.arange(2.0)}])
    assert read_rows(store.path)["curve"].to_pylist() == [[0, 1, 2], None, None, [0, 1]]


@pytest.mark.parametrize("value", [object(), {1, 2}, np.array(["a"]), 1j])
def test_values_that_a_table_cannot_hold_are_refused(value):
    with pytest.raises(InputError, match="rows must hold numbers, texts and arrays"):
        encoded([{"item": "a", "value": value}])


def test_a_store_is_for_one_process_at_a_time(store):
    with (
        pytest.raises(InputError, match="store must be used by one run at a time: process"),
        Store.opened(store.path, "test", {}),
    ):
        pass


def test_a_damaged_part_is_named(store):
    store.add(rows("a"))
    store.parts()[0].write_bytes(b"PAR1 no more")
    with pytest.raises(InputError, match=r"part-000001.parquet is damaged"):
        read_rows(store.path)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": "other"}'])
def test_a_damaged_job_file_is_named(store, text):
    (store.path / "job.json").write_text(text)
    with pytest.raises(InputError, match=r"job.json is"), Store.opened(store.path, "test", {}):
        pass
