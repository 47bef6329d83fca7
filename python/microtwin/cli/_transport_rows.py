"""The table of `microtwin transport`: one row for each structure and axis, as they finish."""

import csv
import io
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from microtwin import _files
from microtwin.errors import InputError

FORMAT = "microtwin-transport-1"
Row = dict[str, Any]


class Table:
    """A CSV file that grows by whole rows, under one comment line that holds the settings.

    What an interrupted command leaves is a table of what was done; a last line that was cut off is
    dropped when it goes on. What is under the name before stays until there is a first row.

    Parameters
    ----------
    path : Path or None
        The file; None keeps the rows in memory alone.
    columns : sequence of str
        Names of the columns; the first two say of what a row is: file and axis.
    settings : mapping
        By what the rows were measured; rows of other settings are not gone on with.
    resume : bool
        Keep the rows that are there.
    """

    def __init__(
        self,
        path: Path | None,
        columns: Sequence[str],
        settings: Mapping[str, Any],
        *,
        resume: bool,
    ) -> None:
        self.rows: list[Row] = []
        self.stuck = False  # whether the last row could not be written
        self._done: dict[str, set[str]] = {}
        self._columns = list(columns)
        self._path = path
        self._begun = False
        head = f"# {json.dumps({'format': FORMAT, **settings})}"
        self._head = head
        if path is not None and resume and path.exists():
            for row in _read(path, head, self._columns):
                self._note(row)

    def has(self, name: str, axis: str) -> bool:
        """Return whether the row of a structure and axis is there."""
        return axis in self._done.get(name, ())

    def ndim(self, name: str) -> int | None:
        """Return the dimension of a structure that there is a row of, or None."""
        shapes = (str(row["shape"]) for row in self.rows if row["file"] == name)
        return len(next(shapes).split()) if name in self._done else None

    def add(self, row: Row) -> None:
        """Write a row, and see that it is on the disk."""
        self._note(row)
        if self._path is None:
            return
        self.stuck = True
        if not self._begun:
            _files.write_text(self._path, self._head + "\n" + self._lines(None, *self.rows))
            self._begun = True
        else:
            with open(self._path, "a", encoding="utf-8", newline="") as file:
                file.write(self._lines(row))
                file.flush()
                os.fsync(file.fileno())
        self.stuck = False

    def _note(self, row: Row) -> None:
        self.rows.append(row)
        self._done.setdefault(row["file"], set()).add(row["axis"])

    def _lines(self, *rows: Row | None) -> str:
        """Return rows as text; None is the line of names."""
        text = io.StringIO()
        writer = csv.DictWriter(text, self._columns, lineterminator="\n", extrasaction="ignore")
        for row in rows:
            if row is None:
                writer.writeheader()
            else:
                writer.writerow(row)
        return text.getvalue()


def _read(path: Path, head: str, columns: list[str]) -> list[Row]:
    """Return the rows of an earlier run, numbers as numbers."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is no table of microtwin transport") from error
    first, _, rest = text.partition("\n")
    if FORMAT not in first:
        raise InputError(f"{path} is no table of microtwin transport")
    if first != head:
        raise InputError(
            f"{path} was written with other settings: leave out --resume to write it anew, or "
            "choose another file"
        )
    whole = rest[: rest.rfind("\n") + 1]
    return [
        {name: value if name in ("file", "axis") else _value(value) for name, value in row.items()}
        for row in csv.DictReader(io.StringIO(whole))
        if list(row) == columns and None not in row.values()
    ]


def _value(text: str) -> Any:
    if text in ("True", "False"):
        return text == "True"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return text or None
