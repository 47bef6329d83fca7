"""The journal of a batch: what a worker has finished of it, should the worker or all else die.

A file of frames. Each is a letter, the length of what follows, its checksum, and that: the name of
an item that is begun, or the rows of one that is done. A frame that was cut off ends the file as
far as readers see.
"""

import os
import struct
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from microtwin.errors import InputError

BEGUN, DONE = b"B", b"D"
_HEAD = struct.Struct("<cQI")
Row = dict[str, Any]


def frame(kind: bytes, content: bytes) -> bytes:
    """Return a frame."""
    return _HEAD.pack(kind, len(content), zlib.crc32(content)) + content


def frames(data: bytes) -> Iterator[tuple[bytes, bytes, int]]:
    """Yield kind, content and end of every whole frame."""
    at = 0
    while at + _HEAD.size <= len(data):
        kind, length, checksum = _HEAD.unpack_from(data, at)
        begin, at = at + _HEAD.size, at + _HEAD.size + length
        content = data[begin:at]
        if len(content) < length or zlib.crc32(content) != checksum:
            return
        yield kind, content, at


def rows_in(data: bytes) -> dict[str, list[Row]]:
    """Return the rows of all items that are done, by their names."""
    done = (decoded(content) for kind, content, _ in frames(data) if kind == DONE)
    return {rows[0]["item"]: rows for rows in done}


def encoded(rows: Sequence[Row]) -> bytes:
    """Return the rows of an item as bytes: numbers, texts, arrays of numbers, None.

    Raises
    ------
    InputError
        If a value is something else.
    """
    import msgpack

    try:
        return bytes(msgpack.packb([dict(row) for row in rows], default=_packed))
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"rows must hold numbers, texts and arrays of numbers: {error}") from error


def decoded(content: bytes) -> list[Row]:
    """Return the rows that `encoded` was given; lists have become arrays."""
    import msgpack

    rows: list[Row] = msgpack.unpackb(content, ext_hook=_unpacked, strict_map_key=False)
    return rows


def _packed(value: Any) -> Any:
    import msgpack

    if isinstance(value, np.generic):
        return value.item()
    array = np.asarray(value)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"not {type(value).__name__}")
    little = array.astype(array.dtype.newbyteorder("<"), copy=False)
    return msgpack.ExtType(1, little.dtype.str.encode().ljust(8) + little.tobytes())


def _unpacked(code: int, data: bytes) -> Any:
    return np.frombuffer(data, _dtype(data[:8]), offset=8)


@lru_cache
def _dtype(name: bytes) -> np.dtype[Any]:
    return np.dtype(name.decode().strip())


class Journal:
    """A journal that is written on, behind what an earlier worker wrote.

    Attributes
    ----------
    done : dict of str to bytes
        What earlier workers finished, by the name of the item.
    begun : dict of str to int
        How often each item was begun.
    length : int
        Bytes of the file.
    """

    def __init__(self, path: Path) -> None:
        self.done: dict[str, bytes] = {}
        self.begun: dict[str, int] = {}
        last, end = "", 0
        known = path.read_bytes() if path.exists() else b""
        for kind, content, end in frames(known):  # noqa: B007 the last end is where to go on
            if kind == BEGUN:
                last = content.decode()
                self.begun[last] = self.begun.get(last, 0) + 1
            else:
                self.done[last] = content
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        os.ftruncate(self._file, end)
        os.lseek(self._file, end, os.SEEK_SET)
        self.length = end

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
        self.length += len(data)
        while data:
            data = data[os.write(self._file, data) :]
