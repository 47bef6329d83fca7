"""Results as JSON and as CSV, and exactly back."""

import json
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from microtwin import _files, _result_files
from microtwin.errors import InputError

Record = dict[str, Any]


def write_json(path: str | os.PathLike[str], record: Record) -> Path:
    """Write a record as JSON."""
    return _files.write_json(path, plain(record))


def write_csv(
    path: str | os.PathLike[str], record: Record, rows: Sequence[Mapping[str, Any]]
) -> Path:
    """Write a table under one comment line that holds the whole record."""
    table = _result_files.table(list(rows[0]), (row.values() for row in rows))
    return _result_files.write_csv(path, plain(record), table)


def read(path: str | os.PathLike[str], form: str, *, table: bool) -> Record:
    """Read the record that `write_json` or, for a `table`, `write_csv` wrote.

    Raises
    ------
    InputError
        If it cannot be read, or is something else.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
        if table:
            first = text.split("\n", 1)[0]
            text = first.removeprefix("#") if first.startswith("#") else ""
        record = json.loads(text)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise InputError(f"{path} is not a {form} file of microtwin") from error
    if not isinstance(record, dict) or record.get("format") != form:
        raise InputError(f"{path} is not a {form} file of microtwin")
    return record


def plain(value: Any) -> Any:
    """Return a value with None for what is not a number, and text for infinity: JSON has neither.

    Examples
    --------
    >>> plain({1: (float("inf"), float("nan"))})
    {'1': ['inf', None]}
    """
    if isinstance(value, Mapping):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else ("inf" if value > 0 else "-inf")
    return value
