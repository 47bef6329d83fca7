"""One function over many items: the loop that every job goes through."""

import inspect
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import CancelledError
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from microtwin._progress import ProgressCallback, silent
from microtwin.errors import InputError, MicrotwinError
from microtwin.scale import _work
from microtwin.scale._journal import Row, rows_in
from microtwin.scale.cluster import client_of
from microtwin.scale.items import Item, PartItem, items_of, text_digest
from microtwin.scale.results import Results, results_of
from microtwin.scale.store import Store

FLUSH = 5.0, 1024  # seconds between parts of the table, and rows of a part, at most
LATE = 30.0  # seconds that a file system may take to show what a worker has written
AT_ONCE = 256, 8 << 20  # items and bytes in a batch, at most: about a second of work
_LACKING = "ModuleNotFoundError", "ImportError", "AttributeError"
SHARES = 4  # of what is left, a batch is what one in so many of each worker would be


@dataclass(frozen=True, slots=True)
class Job:
    """What is done with every item.

    Attributes
    ----------
    name : str
        As the store remembers it.
    task : callable
        Called as ``task(item, **settings)`` by a worker; returns a row or rows for the table.
    settings : mapping
        What JSON can hold; results of other settings are other results.
    shared : object, optional
        What every item needs besides, handed to the task as ``shared``; a digest of it belongs into
        the settings.
    shape : tuple of int, optional
        Of the labels that each first row holds as ``labels``; None where there are none.
    spacing : tuple of float, optional
        Of these labels.
    single : bool
        Whether each item is a batch of its own, because it takes long.
    scratch : bool
        Whether the task is handed a folder, as ``scratch``, for what is under way.
    """

    name: str
    task: _work.Task
    settings: Mapping[str, Any]
    shared: Any = None
    shape: tuple[int, ...] | None = None
    spacing: tuple[float, ...] | None = None
    single: bool = False
    scratch: bool = False


def map_many(
    function: Callable[..., Mapping[str, Any] | Sequence[Mapping[str, Any]]],
    files: Any,
    *,
    store: str | os.PathLike[str],
    settings: Mapping[str, Any] | None = None,
    spacing: Any = None,
    workers: int | None = None,
    cluster: Any = None,
    progress: ProgressCallback | None = None,
) -> Results:
    """Call a function with each of many images or volumes, in many processes.

    What an item gave is kept as soon as it is there: a worker that is killed, or this process,
    loses the items in work and no other. Calling again goes on, and does only what is new, has
    changed or has failed; an unchanged file is told by its size and time, or else by its content,
    wherever it is. An item that fails is told of in the table, with its reason.

    Parameters
    ----------
    function : callable
        Called as ``function(image, **settings)`` and returns what becomes a row of the table (or
        several rows): a mapping of names to numbers, texts or arrays of numbers. It must be found
        by its name in a module that workers can import.
    files : path, array, or list of them
        Files, folders of them, arrays of many structures on disk (.zarr; .npy of four axes), or
        images and volumes in memory.
    store : path
        Folder for the results; a new one, or that of an earlier run with the same settings.
    settings : mapping, optional
        Keyword arguments of the function, of what JSON can hold.
    spacing : float or sequence of float, optional
        Voxel edge in metres; by default what the files say.
    workers : int, optional
        Processes on this machine, one a core unless given.
    cluster : str or distributed.Client, optional
        Address of a Dask scheduler to use instead, such as "tcp://host:8786". Its workers must see
        the files and the store under the same paths.
    progress : ProgressCallback, optional
        Told in items, over the whole job.

    Returns
    -------
    Results

    Raises
    ------
    InputError
        If an argument is not as described, the store is of something else or in use by another
        process, or the disk is full.
    """
    where = f"{getattr(function, '__module__', '?')}.{getattr(function, '__qualname__', '?')}"
    if not callable(function) or "<" in where:
        raise InputError(f"function must be found by its name in a module, unlike {where}")
    parameters = inspect.signature(function).parameters
    if {"shared", "function"} & set(parameters):
        raise InputError("function must not have an argument called shared or function")
    job = Job(
        name=f"map {where}",
        task=_Called(function),
        settings={"reading": {"spacing": spacing}, "options": dict(settings or {})},
    )
    return run(job, items_of(files), store, workers=workers, cluster=cluster, progress=progress)


@dataclass(frozen=True, slots=True)
class _Called:
    """A user's function as a task."""

    function: Callable[..., Any]

    def __call__(
        self, item: Any, *, reading: Mapping[str, Any], options: Mapping[str, Any]
    ) -> _work.Row | list[_work.Row]:
        found = self.function(item.read(**reading), **options)
        several = not isinstance(found, Mapping)
        rows = [dict(row) for row in (found if several else [found])]
        if not rows or any(set(row) & set(_work.ABOUT) for row in rows):
            taken = ", ".join(_work.ABOUT)
            raise InputError(f"function must return at least one row, with no column of {taken}")
        return rows


def run(
    job: Job,
    items: Sequence[Item],
    store: str | os.PathLike[str],
    *,
    workers: int | None,
    cluster: Any,
    progress: ProgressCallback | None,
) -> Results:
    """Do a job: what the store does not hold yet of the items, and return what it holds then."""
    if cluster is None:
        _work_checked(workers)
    tell = progress or silent
    with Store.opened(store, job.name, job.settings) as kept:
        kept.recover()
        left = _left(kept, items)
        done = len(items) - len(left)
        tell(done, len(items), {})
        if left:
            places = _places(kept, job, items)
            with client_of(workers=workers, cluster=cluster, most=len(left)) as client:
                _meet(client, job.task)
                batches = _batches(left, job.single, sum(client.nthreads().values()))
                _loop(client, kept, job, batches, places, done, len(items), tell)
        kept.finish()
        return results_of(kept.path, [item.name for item in items], skipped=done)


def _work_checked(workers: int | None) -> None:
    from microtwin.scale.cluster import _checked

    _checked(workers)


def _left(store: Store, items: Sequence[Item]) -> list[Item]:
    """Return the items that are to be done; those known by another name get their rows."""
    known = {row["item"]: row for row in store.known() if row["reason"] is None}
    if not store.arrays.exists():  # what was made is gone, whatever the table tells of it
        known = {name: row for name, row in known.items() if row.get("index") is None}
    asked = {item.name for item in items}
    # What may be known by another name: what was measured, and is not there as it was. Nothing
    # else is read for it, for that takes as long as to measure some things.
    elsewhere = {row["digest"]: name for name, row in known.items() if name not in asked}
    digests: dict[str, str | None] = {}
    news = []
    for item in items:
        mine, stamp = known.get(item.name), item.stamp()
        if mine is None:
            news.append(item)
        elif stamp is None or stamp != mine["stamp"]:
            digests[item.name] = _digest(item)
            if digests[item.name] != mine["digest"]:
                elsewhere[mine["digest"]] = item.name
                news.append(item)
    sizes = {_size_in(known[name]["stamp"]) for name in elsewhere.values()}
    left, renamed = [], {}
    for item in news:
        if item.name not in digests and _size_in(item.stamp()) in sizes:
            digests[item.name] = _digest(item)
        digest = digests.get(item.name)
        if digest is None or digest not in elsewhere:
            left.append(item)
        else:
            renamed[item.name] = elsewhere[digest]
    if renamed:
        store.rename(renamed)
    return left


def _digest(item: Item) -> str | None:
    with suppress(OSError, MicrotwinError, ValueError):  # a worker meets it again, and says so
        return item.digest()
    return None


def _size_in(stamp: str | None) -> str | None:
    """Return what of a stamp alike files have in common; arrays have none, and are all compared."""
    return None if stamp is None else stamp.partition(":")[0]


def _places(store: Store, job: Job, items: Sequence[Item]) -> dict[str, int | None]:
    """Return where in the array the labels of each item go; make the array, or make it longer."""
    if job.shape is None:
        return {}
    import zarr

    taken: dict[str, int | None] = {
        row["item"]: row["index"] for row in store.known() if row.get("index") is not None
    }
    free = max((int(place or 0) + 1 for place in taken.values()), default=0)
    for item in items:
        if item.name not in taken:
            taken[item.name] = free
            free += 1
    shape = (free, *job.shape)
    if not store.arrays.exists():
        chunks = (1, *(min(side, 128) for side in job.shape))
        array: Any = zarr.create_array(store.arrays, shape=shape, dtype="uint8", chunks=chunks)
        array.attrs.update({"spacing": None if job.spacing is None else list(job.spacing)})
    else:
        array = zarr.open_array(store.arrays, mode="r+")
        if array.shape[0] < free:
            array.resize(shape)
    return taken


def _batches(items: Sequence[Item], single: bool, workers: int) -> list[list[Item]]:
    """Cut the work into batches, smaller towards the end: one task of the scheduler each."""
    shares = SHARES * max(workers, 1)
    batches: list[list[Item]] = []
    most = weight = 0
    for number, item in enumerate(items):
        if not batches or len(batches[-1]) >= most or weight + item.weight > AT_ONCE[1]:
            most = 1 if single else min(AT_ONCE[0], -(-(len(items) - number) // shares))
            batches.append([])
            weight = 0
        batches[-1].append(item)
        weight += item.weight
    return batches


def _meet(client: Any, task: _work.Task) -> None:
    """Have every worker import what it will call: one that cannot would die of its first batch."""
    for answer in client.run(_same, task, on_error="return").values():
        # The scheduler hands some errors on as a text within another.
        if isinstance(answer, Exception) and any(one in repr(answer) for one in _LACKING):
            _raise(ImportError(str(answer)))


def _loop(
    client: Any,
    store: Store,
    job: Job,
    batches: Sequence[Sequence[Item]],
    places: Mapping[str, int | None],
    done: int,
    total: int,
    tell: ProgressCallback,
) -> None:
    from distributed import as_completed

    # A task of its own: Dask makes it again where the worker that held it has died.
    shared = None if job.shared is None else client.submit(_same, job.shared, pure=False)
    arrays = None if job.shape is None else str(store.arrays.absolute())
    waiting: dict[str, tuple[Sequence[Item], int, Any]] = {}

    def submit(batch: Sequence[Item], name: str, before: int = 0) -> Any:
        key = f"microtwin-{name}-{os.urandom(4).hex()}"
        future = client.submit(
            _work.work,
            [(item, places.get(item.name)) for item in batch],
            job.task,
            dict(job.settings),
            shared,
            str(store.journal(name).absolute()),
            arrays,
            str(store.scratch("").absolute()) if job.scratch else None,
            key=key,
            retries=0,
        )
        waiting[key] = (batch, before, future)
        return future

    # Workers of an earlier run may be at its journals still: these have other names.
    turn = os.urandom(4).hex()
    futures = [submit(batch, f"{turn}.{number:06d}") for number, batch in enumerate(batches)]
    finished = as_completed(futures, with_results=True, raise_errors=False)
    try:
        _taken_in(finished, store, waiting, submit, done, total, tell)
    finally:
        # A client of the caller's own lives on: what was asked for of it must not.
        with suppress(Exception):
            client.cancel([future for *_, future in waiting.values()])


def _taken_in(
    finished: Any,
    store: Store,
    waiting: dict[str, tuple[Sequence[Item], int, Any]],
    submit: Callable[..., Any],
    done: int,
    total: int,
    tell: ProgressCallback,
) -> None:
    """Put what batches gave into the store as they finish, until all have."""
    from distributed.scheduler import KilledWorker

    rows: list[Row] = []
    journals: list[Any] = []
    failed, flushed = 0, time.monotonic()
    for future, result in finished:
        batch, before, _ = waiting.pop(future.key)
        name = future.key.split("-")[1]
        if future.status == "error":
            error = result[1] if isinstance(result, tuple) else result
            if isinstance(error, KilledWorker):
                # Dask gave the batch up. Every death but two of an item leaves it further on.
                written = _size(store.journal(name))
                if written > before:
                    finished.add(submit(batch, name, written))
                    continue
                raise MicrotwinError(
                    "the workers died again and again before they had begun; what was finished "
                    "is kept"
                ) from error
            _raise(error)
        if future.status == "cancelled":
            raise MicrotwinError(
                "the scheduler has gone; what was finished is kept, and the same call goes on"
            )
        future.release()
        made = rows_in(_whole(store.journal(name), result))
        lost = [item for item in batch if item.name not in made]
        if lost:
            # Two workers wrote at a time: one that the scheduler had taken for dead went on.
            if name.count("+") >= _work.MOST_DEATHS:
                raise MicrotwinError(f"{store.journal(name)} was damaged again and again")
            finished.add(submit(lost, f"{name}+"))
        failed += sum(found[0]["reason"] is not None for found in made.values())
        rows += [row for found in made.values() for row in found]
        journals.append(store.journal(name))
        done += len(batch) - len(lost)
        if time.monotonic() - flushed > FLUSH[0] or len(rows) > FLUSH[1]:
            store.add(rows, journals)
            rows, journals, flushed = [], [], time.monotonic()
        tell(done, total, {"failed": failed})
    if rows:
        store.add(rows, journals)


def _raise(error: BaseException) -> None:
    """Raise what ended a whole batch, in words that tell what to do."""
    # A scheduler that lacks a module tells of it by way of an error of its own.
    missing = error.__cause__ if isinstance(error, RuntimeError) else error
    if isinstance(missing, ImportError | AttributeError):
        raise InputError(
            "cluster must have a scheduler and workers that can import what is called, in the same "
            f"version: {missing}"
        ) from error
    if isinstance(error, FileNotFoundError | PermissionError):
        raise InputError(
            f"cluster must have workers that see the store under the same path: {error}"
        ) from error
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        raise InputError(
            f"store cannot be written: {where}{error.strerror or error}; what was finished is kept"
        ) from error
    if isinstance(error, CancelledError):
        raise MicrotwinError("the scheduler has gone; what was finished is kept") from error
    raise error


def _whole(journal: Path, length: int) -> bytes:
    """Read a journal that a worker has closed; a shared file system may show it with delay."""
    deadline = time.monotonic() + LATE
    while True:
        data = journal.read_bytes() if journal.exists() else b""
        if len(data) >= length:
            return data
        if time.monotonic() > deadline:
            raise InputError(
                f"cluster must have workers that see the store under the same path: {journal} is "
                "not what they wrote"
            )
        time.sleep(0.1)


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def _same(value: Any) -> Any:
    return value


def numbered(origin: str, name: str, numbers: Iterable[int], *, weight: int) -> list[Item]:
    """Return items that are made of one thing, one a number."""
    from microtwin.scale.items import NumberItem

    return [NumberItem(f"{name}-{number:05d}", number, origin, weight) for number in numbers]


__all__ = ["Job", "PartItem", "map_many", "numbered", "run", "text_digest"]
