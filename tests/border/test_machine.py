"""What is held in memory, and what is read when it is needed."""

import os

import pytest

from microtwin import _memory


@pytest.mark.skipif(not hasattr(os, "sysconf"), reason="this system does not tell its memory")
def test_large_is_more_than_a_quarter_of_the_memory():
    quarter = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 4
    assert not _memory.is_large(quarter)
    assert _memory.is_large(quarter + 1)


def test_nothing_is_large_where_the_system_does_not_tell(monkeypatch):
    monkeypatch.delattr(os, "sysconf", raising=False)
    assert not _memory.is_large(1 << 60)
