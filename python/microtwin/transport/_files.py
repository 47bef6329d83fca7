"""Results as JSON and as CSV, and exactly back."""

import math
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from microtwin import _files, _result_files

Record = _result_files.Record
Result = TypeVar("Result")


def write_json(path: str | os.PathLike[str], record: Record) -> Path:
    """Write a record as JSON."""
    return _files.write_json(path, plain(record))


def write_csv(
    path: str | os.PathLike[str], record: Record, rows: Sequence[Mapping[str, Any]]
) -> Path:
    """Write a table under one comment line that holds the whole record."""
    table = _result_files.table(list(rows[0]), (row.values() for row in rows))
    return _result_files.write_csv(path, plain(record), table)


def read(
    path: str | os.PathLike[str], form: str, restored: Callable[[Record], Result], *, table: bool
) -> Result:
    """Read what `write_json` or, for a `table`, `write_csv` wrote; see `_result_files.read_csv`."""

    def whole(record: Record, _: object = None) -> Result:
        return restored({"format": form, **record})

    if table:
        return _result_files.read_csv(path, form, whole)
    return _result_files.read_json(path, form, whole)


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
