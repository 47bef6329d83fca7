"""The store of a job: one Parquet table, and one Zarr array where the job makes structures.

A folder: ``table.parquet/`` holds the rows in parts, which any reader of Parquet takes as one
table; ``labels.zarr`` the structures; ``job.json`` what was done and how; ``.job/`` the journals of
batches under way. Parts are written under another name and renamed, and of several that tell of one
item the newest counts, so that whatever is interrupted leaves a store that holds all that was done.
"""

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from microtwin import _files
from microtwin._version import __version__
from microtwin.errors import InputError
from microtwin.scale._journal import Row, rows_in

FORMAT = "microtwin-store-1"
SMALL = 64 << 20  # bytes of a part above which it is not merged with others on the way
MANY = 48  # small parts that are kept before they are merged
_TYPES = {"item": "string", "digest": "string", "stamp": "string", "reason": "string"}


class Store:
    """The folder of a job, in the hands of the one process that may write to it.

    Made by `opened`.

    Attributes
    ----------
    path : Path
        The folder.
    task, settings : str, mapping
        What is done with the items, and how.
    """

    def __init__(self, path: Path, task: str, settings: Mapping[str, Any]) -> None:
        self.path, self.task, self.settings = path, task, dict(settings)
        self._table, self._work = path / "table.parquet", path / ".job"

    @classmethod
    @contextmanager
    def opened(
        cls, path: str | os.PathLike[str], task: str, settings: Mapping[str, Any]
    ) -> "Iterator[Store]":
        """Open or begin a store, for this process alone.

        Raises
        ------
        InputError
            If the folder cannot be written, is no store, is that of another job or of other
            settings, or another process works in it.
        """
        check_store(path)
        needs_arrow()
        folder = _files.output_folder(path, name="store")
        store = cls(folder, task, settings)
        with _files.sole_use(_files.output_folder(store._work, name="store"), name="store"):
            store._begin()
            yield store

    def _begin(self) -> None:
        about = read_about(self.path)
        mine = json.loads(json.dumps(self.settings))
        if about is None:
            record = {"format": FORMAT, "task": self.task, "settings": mine, "version": __version__}
            _files.write_json(self.path / "job.json", record)
        elif about["task"] != self.task:
            raise InputError(
                f"store must be new or of the same job: {self.path} holds what "
                f"{about['task']!r} made, not {self.task!r}"
            )
        elif about["settings"] != mine:
            new, old = _flat(mine), _flat(about["settings"])
            other = [name for name in {**old, **new} if new.get(name) != old.get(name)]
            shown = "; ".join(f"{n} was {old.get(n)!r}, now {new.get(n)!r}" for n in other)
            raise InputError(
                f"store must be new or of the same settings: {self.path} was made with others "
                f"({shown}); choose another folder"
            )
        self._table.mkdir(exist_ok=True)

    def journal(self, batch: str) -> Path:
        """Return the journal of a batch."""
        return self._work / f"{batch}.journal"

    def scratch(self, name: str) -> Path:
        """Return a file for what is under way."""
        return self._work / name

    @property
    def arrays(self) -> Path:
        """The structures that the job makes."""
        return self.path / "labels.zarr"

    def recover(self) -> None:
        """Take in what an earlier run left in journals."""
        left = sorted(self._work.glob("*.journal"), key=lambda file: file.stat().st_mtime_ns)
        found: dict[str, list[Row]] = {}
        for file in left:
            found |= rows_in(file.read_bytes())
        if found:
            self.add([row for rows in found.values() for row in rows], left)
        for file in left:
            file.unlink(missing_ok=True)
        for file in self._work.glob("*.partial*"):
            file.unlink(missing_ok=True)

    def add(self, rows: Sequence[Row], journals: Iterable[Path] = ()) -> None:
        """Write a further part, each item once; the journals that hold the same are removed."""
        self._add(_table(rows))
        for file in journals:
            file.unlink(missing_ok=True)

    def _add(self, table: Any) -> None:
        self._write(table, self._next())
        small = [part for part in self.parts() if part.stat().st_size < SMALL]
        if len(small) > MANY:
            self._merge(self.parts()[-len(small) :])

    def parts(self) -> list[Path]:
        """Return the parts of the table, the newest last."""
        return sorted(self._table.glob("part-*.parquet"))

    def finish(self) -> None:
        """Make one table of the parts where others would not read them as one.

        That is where parts tell of the same item, or have other columns than each other.
        """
        parts = self.parts()
        if len(parts) > 1 and not _are_one(parts):
            self._merge(parts)

    def known(self) -> "Iterator[dict[str, Any]]":
        """Yield item, digest, stamp, reason and index of what is in the table, each item once."""
        found: dict[str, dict[str, Any]] = {}
        for part in self.parts():
            names = _schema(part).names
            wanted = [n for n in ("item", "digest", "stamp", "reason", "index") if n in names]
            for row in reversed(_read(part, wanted).to_pylist()):
                found[row["item"]] = row
        yield from found.values()

    def rename(self, names: Mapping[str, str]) -> None:
        """Add the rows of items again under new names, given as old by new."""
        import pyarrow as pa

        table = read_rows(self.path)
        at: dict[str, list[int]] = {}
        for i, item in enumerate(table["item"].to_pylist()):
            at.setdefault(item, []).append(i)
        rows = [(new, i) for new, old in names.items() for i in at[old]]
        copied = table.take([i for _, i in rows])
        place = copied.schema.get_field_index("item")
        self._add(copied.set_column(place, "item", pa.array([new for new, _ in rows])))

    def _merge(self, parts: Sequence[Path]) -> None:
        self._write(_newest([_read(part) for part in parts]), self._next())
        for part in parts:
            part.unlink(missing_ok=True)

    def _next(self) -> int:
        parts = self.parts()
        return int(parts[-1].stem.removeprefix("part-")) + 1 if parts else 1

    def _write(self, table: Any, number: int) -> None:
        import pyarrow.parquet as pq

        # Outside of the table, whose readers would take a part that is half there for one of it.
        temporary = self._work / f"{number:06d}.partial.parquet"
        target = self._table / f"part-{number:06d}.parquet"
        try:
            pq.write_table(table, temporary, compression="zstd", write_page_checksum=True)
            os.replace(temporary, target)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise InputError(f"{target} cannot be written: {error.strerror or error}") from error


def _flat(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings, and those within them, by their names."""
    found: dict[str, Any] = {}
    for name, value in settings.items():
        found |= _flat(value) if isinstance(value, dict) else {name: value}
    return found


def check_store(path: str | os.PathLike[str]) -> None:
    """Raise InputError unless a path is new, an empty folder or a store."""
    folder = Path(path)
    if not folder.exists() or read_about(folder) is not None:
        return
    others = [file.name for file in folder.iterdir()] if folder.is_dir() else [folder.name]
    if [name for name in others if name != ".job"]:
        raise InputError(f"store must be a new folder or one of an earlier run; {folder} is other")


def needs_arrow() -> None:
    """Raise InputError unless Arrow is installed."""
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError:
        raise InputError(
            "store needs pyarrow, which is not installed: pip install 'microtwin[scale]'"
        ) from None


def read_about(path: Path) -> dict[str, Any] | None:
    """Return what a store says of itself; None if there is none.

    Raises
    ------
    InputError
        If what is there is damaged.
    """
    file = path / "job.json"
    if not file.is_file():
        return None
    try:
        about = json.loads(file.read_text(encoding="utf-8"))
        if about["format"] == FORMAT and {"task", "settings"} <= set(about):
            return dict(about)
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{file} is damaged: it is no {FORMAT} file") from error
    raise InputError(f"{file} is of another format; expected {FORMAT}")


def read_rows(path: Path) -> Any:
    """Return the Arrow table of a store, each item once, as it was told of last.

    Raises
    ------
    InputError
        If a part is damaged.
    """
    parts: list[Path] = []
    while True:
        before, parts = parts, sorted((path / "table.parquet").glob("part-*.parquet"))
        try:
            return _newest([_read(part) for part in parts]) if parts else None
        except FileNotFoundError:
            if parts == before:
                raise
            # A run that is under way has just put parts together.


def _read(part: Path, columns: list[str] | None = None) -> Any:
    """Return a part of a table, or say that it is damaged; checksums tell."""
    import pyarrow.parquet as pq

    with _told(part):
        return pq.read_table(part, columns=columns, page_checksum_verification=True)


def _schema(part: Path) -> Any:
    import pyarrow.parquet as pq

    with _told(part):
        return pq.read_schema(part)


@contextmanager
def _told(part: Path) -> Iterator[None]:
    import pyarrow as pa

    try:
        yield
    except FileNotFoundError:
        raise
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{part} is damaged: remove it, and run again") from error


def _table(rows: Sequence[Row]) -> Any:
    """Return rows as an Arrow table; a name that some lack is empty there."""
    import pyarrow as pa

    names = dict.fromkeys(name for row in rows for name in row)
    columns = {}
    for name in names:
        values = [row.get(name) for row in rows]
        try:
            # Of one type in every part, also where all are empty: others read parts as one table.
            known = _TYPES.get(name)
            columns[name] = _column(values) if known is None else pa.array(values, known)
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
            raise InputError(f"rows must have columns of one type; {name!r}: {error}") from error
    return pa.table(columns)


def _column(values: list[Any]) -> Any:
    """Return values as an Arrow array; many arrays of numbers in one piece, which is quicker."""
    import numpy as np
    import pyarrow as pa

    known = [value for value in values if value is not None]
    if not known or not all(isinstance(value, np.ndarray) and value.ndim == 1 for value in known):
        return pa.array(values)
    if len({value.dtype.kind for value in known}) > 1:
        raise pa.ArrowTypeError("arrays of several kinds of numbers")
    ends = np.cumsum([0, *(0 if value is None else len(value) for value in values)])
    begins = pa.array(ends, mask=np.array([value is None for value in values] + [False]))
    return pa.LargeListArray.from_arrays(begins, pa.array(np.concatenate(known)))


def _are_one(parts: Sequence[Path]) -> bool:
    """Whether parts have the same columns, and no item in common."""
    seen: set[str] = set()
    schema = _schema(parts[0])
    for part in parts:
        items = set(_read(part, ["item"])["item"].to_pylist())
        if not seen.isdisjoint(items) or not _schema(part).equals(schema):
            return False
        seen |= items
    return True


def _newest(tables: Sequence[Any]) -> Any:
    """Return one table of several, without the rows of items that a later one tells of again."""
    import pyarrow as pa

    seen: set[str] = set()
    kept = []
    for table in reversed(tables):
        names = table["item"].to_pylist()
        here = [name not in seen for name in names]
        kept.append(table if all(here) else table.filter(here))
        seen.update(names)
    try:
        return pa.concat_tables(kept[::-1], promote_options="permissive").combine_chunks()
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
        raise InputError(f"rows must have columns of one type each: {error}") from error
