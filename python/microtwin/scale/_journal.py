"""The journal of a batch: what a worker has finished of it, should the worker or all else die.

A file of frames. Each is a letter, the length of what follows, its checksum, and that: the name of
an item that is begun, or the rows of one that is done, as an Arrow stream. A frame that was cut off
ends the file as far as readers see.
"""

import os
import struct
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

BEGUN, DONE = b"B", b"D"
_HEAD = struct.Struct("<cQI")
Row = dict[str, Any]


def frame(kind: bytes, content: bytes) -> bytes:
    """Return a frame."""
    return _HEAD.pack(kind, len(content), zlib.crc32(content)) + content


def frames(path: Path) -> Iterator[tuple[bytes, bytes, int]]:
    """Yield kind, content and end of every whole frame of a journal; nothing of one not there."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return
    at = 0
    while at + _HEAD.size <= len(data):
        kind, length, checksum = _HEAD.unpack_from(data, at)
        begin, at = at + _HEAD.size, at + _HEAD.size + length
        content = data[begin:at]
        if len(content) < length or zlib.crc32(content) != checksum:
            return
        yield kind, content, at


def encoded(rows: list[Row]) -> bytes:
    """Return rows as an Arrow stream; values are numbers, texts, arrays of numbers or None."""
    import pyarrow as pa

    table = pa.Table.from_pylist(rows)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return bytes(sink.getvalue())


def decoded(content: bytes) -> Any:
    """Return the Arrow table of rows that `encoded` wrote."""
    import pyarrow as pa

    with pa.ipc.open_stream(pa.BufferReader(content)) as stream:
        return stream.read_all()


class Journal:
    """A journal that is written on, behind what an earlier worker wrote.

    Attributes
    ----------
    done : dict of str to bytes
        What earlier workers finished, by the name of the item.
    begun : dict of str to int
        How often each item was begun.
    """

    def __init__(self, path: Path) -> None:
        self.done: dict[str, bytes] = {}
        self.begun: dict[str, int] = {}
        last, end = "", 0
        for kind, content, end in frames(path):  # noqa: B007 the last end is where to go on
            if kind == BEGUN:
                last = content.decode()
                self.begun[last] = self.begun.get(last, 0) + 1
            else:
                self.done[last] = content
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        os.ftruncate(self._file, end)
        os.lseek(self._file, end, os.SEEK_SET)

    def begin(self, name: str) -> None:
        """Note that an item is begun."""
        self._write(frame(BEGUN, name.encode()))

    def finish(self, content: bytes) -> None:
        """Note the rows of the item that was begun last."""
        self._write(frame(DONE, content))

    def close(self) -> None:
        """Close the file."""
        with suppress(OSError):
            os.close(self._file)

    def _write(self, data: bytes) -> None:
        while data:
            data = data[os.write(self._file, data) :]
