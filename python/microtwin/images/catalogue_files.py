"""Tables of images on disk: read, written whole, one writer at a time."""

import csv
import io
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from microtwin import _files
from microtwin.errors import InputError

PathLike = str | os.PathLike[str]

COLUMNS = ("id", "label", "path", "split", "score", "by")
PATIENCE = 60.0  # seconds to wait for another writer, who needs a fraction of one


@contextmanager
def locked(path: PathLike) -> Iterator[None]:
    """Keep other writers of a table out; the lock goes with its process, however that ends.

    Raises
    ------
    InputError
        If somebody holds it for a minute, or no lock can be made there.
    """
    from filelock import FileLock, Timeout

    target = Path(path)
    if not target.absolute().parent.is_dir():
        raise InputError(f"{target} must be in an existing folder; {target.parent} is none")
    lock = FileLock(target.with_name(f".{target.name}.lock"), timeout=PATIENCE, poll_interval=0.005)
    try:
        lock.acquire()
    except Timeout:
        raise InputError(f"{target} has been locked by another process for a minute") from None
    except OSError as error:
        raise InputError(f"{target} cannot be changed: {error.strerror or error}") from error
    try:
        yield
    finally:
        lock.release()


def read_table(
    path: PathLike, columns: Mapping[str, str], *, needed: Sequence[str] = ("label", "path")
) -> list[dict[str, Any]]:
    """Return the rows of a table by name of their columns, those in `columns` by our names.

    Raises
    ------
    InputError
        If it is no table, lacks a column that is needed, or has no rows.
    """
    file = Path(path)
    unknown = sorted(set(columns) - set(COLUMNS))
    if unknown:
        raise InputError(f"columns must name {', '.join(COLUMNS)}; not {', '.join(unknown)}")
    try:
        text = file.read_text(encoding="utf-8-sig")  # spreadsheets write a byte-order mark
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{file} is not a readable CSV file: {error}") from error
    first = text.partition("\n")[0]
    delimiter = ";" if ";" in first and "," not in first else ","
    ours = {theirs: name for name, theirs in columns.items()}
    table = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        names = [ours.get(name.strip(), name.strip()) for name in table.fieldnames or ()]
        table.fieldnames = names
        rows = list(table)
    except csv.Error as error:
        raise InputError(f"{file} is not a readable CSV file: {error}") from error
    if not rows or not set(needed) <= set(names):
        *some, last = (columns.get(name, name) for name in dict.fromkeys(("id", *needed)))
        raise InputError(f"{file} must be a table with the columns {', '.join(some)} and {last}")
    if any(None in row for row in rows):
        number = next(i for i, row in enumerate(rows) if None in row)
        raise InputError(f"{file} has more cells than columns in row {number + 1}")
    return rows


def write_table(path: PathLike, rows: Iterable[tuple[Sequence[Any], Mapping[str, str]]]) -> Path:
    """Write rows of our columns and others, under the lock; it is on disk when this returns.

    Raises
    ------
    InputError
        If it cannot be written; what was there stays.
    """
    target = Path(path)
    home = target.absolute().parent.resolve()
    held = list(rows)
    others = list(dict.fromkeys(name for _, extra in held for name in extra))
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\n")
    table.writerow((*COLUMNS, *others))
    shown: dict[str, str] = {}  # each folder as it is written: resolving one asks the disk
    for (number, label, file, split, score, by), extra in held:
        folder, name = os.path.split(file)
        if folder not in shown:
            where = Path(folder).resolve()
            where = where.relative_to(home) if where.is_relative_to(home) else where
            shown[folder] = "" if where == Path() else f"{where.as_posix()}/"
        known = "" if score is None else repr(score)
        table.writerow(
            (number, label, shown[folder] + name, split, known, by, *map(extra.get, others))
        )
    _clear(target)
    try:
        with _files.replacing(target) as temporary, temporary.open("w", encoding="utf-8") as out:
            out.write(text.getvalue())
            out.flush()
            os.fsync(out.fileno())
    except UnicodeEncodeError as error:
        raise InputError(f"{target} cannot name a file that is not UTF-8: {error}") from error
    return target


def _clear(target: Path) -> None:
    """Remove what writers left that were killed; under the lock nobody else is writing."""
    for left in target.parent.glob(f".{target.stem}.*.partial{target.suffix}"):
        with suppress(OSError):
            left.unlink()
