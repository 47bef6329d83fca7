"""The files of a result: JSON, or a CSV table below a comment line that holds all else."""

import csv
import io
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from microtwin import _files
from microtwin.errors import OF_DAMAGE, InputError

Result = TypeVar("Result")
Record = dict[str, Any]


def table(columns: Sequence[str], rows: Iterable[Iterable[Any]]) -> str:
    """Return a CSV table; floats are written such that they are read back exactly."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()


def write_csv(path: str | os.PathLike[str], about: Mapping[str, Any], table: str) -> Path:
    """Write a CSV table with one comment line above it that holds what the table does not."""
    return _files.write_text(path, f"# {json.dumps(about)}\n{table}")


def split_csv(text: str) -> tuple[str, list[dict[str, str]]]:
    """Return the comment line and the rows of what `write_csv` wrote."""
    first, _, table = text.partition("\n")
    return first.removeprefix("#"), list(csv.DictReader(io.StringIO(table, newline="")))


def read_csv(
    path: str | os.PathLike[str],
    format_: str,
    restored: Callable[[Record, list[dict[str, str]]], Result],
) -> Result:
    """Read what `write_csv` wrote; `restored` makes the result of the comment and the rows.

    Raises
    ------
    InputError
        If the file cannot be read, is of another format, or `restored` finds something missing.
    """

    def parsed(text: str) -> Result:
        head, rows = split_csv(text)
        return restored(_of_format(head, format_), rows)

    return _read(path, format_, parsed)


def read_json(
    path: str | os.PathLike[str], format_: str, restored: Callable[[Record], Result]
) -> Result:
    """Read a JSON object; see `read_csv`."""
    return _read(path, format_, lambda text: restored(_of_format(text, format_)))


def _of_format(text: str, format_: str) -> Record:
    record: Record = json.loads(text)
    if record.pop("format") != format_:
        raise ValueError("another format")
    return record


def _read(path: str | os.PathLike[str], format_: str, parsed: Callable[[str], Result]) -> Result:
    try:
        return parsed(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    except OF_DAMAGE as error:
        raise InputError(f"{path} is not a {format_} file, or is damaged") from error
