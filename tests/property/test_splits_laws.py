"""Which images are for training and which for validation: shares, and what stays together."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microtwin.errors import InputError
from microtwin.images import Catalogue, Entry
from microtwin.images.catalogue import MODEL


def catalogue(labels, first=0):
    rows = enumerate(labels, first)
    return Catalogue(tuple(Entry(i, label, Path(f"/images/{i}.png")) for i, label in rows))


def counts(table):
    return Counter((entry.label, entry.split) for entry in table)


@given(
    numbers=st.lists(st.integers(1, 60), min_size=1, max_size=4),
    share=st.floats(0.05, 0.95),
    seed=st.integers(0, 2**20),
)
def test_each_label_is_split_by_its_share_to_within_one(numbers, share, seed):
    labels = [f"class {k}" for k, number in enumerate(numbers) for _ in range(number)]
    table = catalogue(labels).with_splits({"train": 1 - share, "validation": share}, seed=seed)
    found = counts(table)
    for k, number in enumerate(numbers):
        assert abs(found[f"class {k}", "validation"] - share * number) <= 1
        assert found[f"class {k}", "train"] + found[f"class {k}", "validation"] == number


@given(first=st.lists(st.sampled_from("AB"), max_size=40), more=st.lists(st.sampled_from("AB")))
def test_images_added_later_move_nobody(first, more):
    before = catalogue(first).with_splits(seed=1)
    grown = Catalogue(before.entries + catalogue(more, len(first)).entries)
    after = grown.with_splits(seed=1)
    assert after.entries[: len(first)] == before.entries
    found = counts(after)
    for label in "AB":
        number = (first + more).count(label)
        assert abs(found[label, "validation"] - number / 6) <= 1


def test_the_seed_decides_and_the_order_of_rows_does_not():
    table = catalogue("AB" * 30)
    shuffled = Catalogue(tuple(sorted(table.entries, key=lambda e: (e.id * 7) % 60)))
    first = {e.id: e.split for e in table.with_splits(seed=3)}
    assert first == {e.id: e.split for e in shuffled.with_splits(seed=3)}
    assert first != {e.id: e.split for e in table.with_splits(seed=4)}


@given(sizes=st.lists(st.integers(1, 9), min_size=1, max_size=30), seed=st.integers(0, 99))
def test_groups_stay_together(sizes, seed):
    owner = [k for k, size in enumerate(sizes) for _ in range(size)]
    table = catalogue(["AB"[k % 2] for k in owner])
    split = table.with_splits(seed=seed, group=lambda entry: str(owner[entry.id]))
    of = {}
    for entry in split:
        assert of.setdefault(owner[entry.id], entry.split) == entry.split
    late = Catalogue((*split.entries, Entry(10_000, "A", Path("/images/late.png"))))
    again = late.with_splits(seed=seed, group=lambda e: str(owner[e.id] if e.id < 1000 else 0))
    assert again[10_000].split == of[0]


def test_only_what_persons_labelled_is_split_and_other_splits_stay():
    rows = list(catalogue("AAAAAAAAAA"))
    rows[0] = replace(rows[0], label="")
    rows[1] = replace(rows[1], by=MODEL)
    rows[2] = replace(rows[2], split="test")
    after = Catalogue(tuple(rows)).with_splits()
    assert [after[i].split for i in (0, 1, 2)] == ["", "", "test"]
    assert {after[i].split for i in range(3, 10)} == {"train", "validation"}
    assert len(after.with_split("test")) == 1
    with pytest.raises(InputError, match="no image has the split 'holdout'; the splits are"):
        after.with_split("holdout")


@pytest.mark.parametrize(
    "fractions", [{}, {"train": 1.2, "b": -0.2}, {"train": 0.5}, {"": 1.0}, {"a": "b"}, [0.5]]
)
def test_fractions_that_are_none_are_errors(fractions):
    with pytest.raises(InputError, match="fraction"):
        catalogue("AB").with_splits(fractions)
