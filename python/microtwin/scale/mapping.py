"""One function over many items: the loop that every job goes through."""

import inspect
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import CancelledError
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
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
            batches = _batches(left, job.single, workers)
            with client_of(workers=workers, cluster=cluster, most=len(batches)) as client:
                _loop(client, kept, job, batches, places, done, len(items), tell)
            kept.finish()
        return results_of(kept.path, [item.name for item in items], skipped=done)


def _work_checked(workers: int | None) -> None:
    from microtwin.scale.cluster import _checked

    _checked(workers)


def _left(store: Store, items: Sequence[Item]) -> list[Item]:
    """Return the items that are to be done; those known by another name get their rows."""
    known = {row["item"]: row for row in store.known() if row["reason"] is None}
    contents = {row["digest"]: row["item"] for row in known.values()}
    left, renamed = [], {}
    for item in items:
        mine = known.get(item.name)
        stamp = item.stamp()
        if mine is not None and stamp is not None and stamp == mine["stamp"]:
            continue
        digest = None
        if contents:
            with suppress(OSError, MicrotwinError):  # a worker meets it again, and says so
                digest = item.digest()
        if digest is None or digest not in contents:
            left.append(item)
        elif mine is None or mine["digest"] != digest:
            renamed[item.name] = contents[digest]
    if renamed:
        store.rename(renamed)
    return left


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


def _batches(items: Sequence[Item], single: bool, workers: int | None) -> list[list[Item]]:
    """Cut the work into batches, smaller towards the end: one task of the scheduler each."""
    from microtwin import _backend

    shares = SHARES * (workers or _backend.available_cores())
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
    from distributed.scheduler import KilledWorker

    # A task of its own: Dask makes it again where the worker that held it has died.
    shared = None if job.shared is None else client.submit(_same, job.shared, pure=False)
    arrays = None if job.shape is None else str(store.arrays.absolute())
    waiting: dict[str, tuple[Sequence[Item], int]] = {}

    def submit(batch: Sequence[Item], name: str, before: int = 0) -> Any:
        key = f"microtwin-{name}-{os.urandom(4).hex()}"
        waiting[key] = (batch, before)
        return client.submit(
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

    # Workers of an earlier run may be at its journals still: these have other names.
    turn = os.urandom(4).hex()
    futures = [submit(batch, f"{turn}.{number:06d}") for number, batch in enumerate(batches)]
    finished = as_completed(futures, with_results=True, raise_errors=False)
    rows: list[Row] = []
    journals: list[Any] = []
    failed, flushed = 0, monotonic()
    for future, result in finished:
        batch, before = waiting.pop(future.key)
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
        failed += sum(found[0]["reason"] is not None for found in made.values())
        rows += [row for found in made.values() for row in found]
        journals.append(store.journal(name))
        done += len(batch)
        if monotonic() - flushed > FLUSH[0] or len(rows) > FLUSH[1]:
            store.add(rows, journals)
            rows, journals, flushed = [], [], monotonic()
        tell(done, total, {"failed": failed})
    if rows:
        store.add(rows, journals)


def _raise(error: BaseException) -> None:
    """Raise what ended a whole batch, in words that tell what to do."""
    if isinstance(error, ModuleNotFoundError):
        raise InputError(
            f"cluster must have workers that can import what is called: {error}"
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
    deadline = monotonic() + LATE
    while True:
        data = journal.read_bytes() if journal.exists() else b""
        if len(data) >= length:
            return data
        if monotonic() > deadline:
            raise InputError(
                f"cluster must have workers that see the store under the same path: {journal} is "
                "not what they wrote"
            )
        sleep(0.1)


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def _same(value: Any) -> Any:
    return value


def numbered(origin: str, name: str, numbers: Iterable[int], *, weight: int) -> list[Item]:
    """Return items that are made of one thing, one a number."""
    from microtwin.scale.items import NumberItem

    return [NumberItem(f"{name}-{number:05d}", number, origin, weight) for number in numbers]


__all__ = ["Job", "PartItem", "map_many", "numbered", "run", "text_digest"]
