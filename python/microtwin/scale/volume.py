"""One volume larger than memory, measured in blocks by many processes."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from microtwin import _files
from microtwin._progress import ProgressCallback
from microtwin.errors import InputError
from microtwin.images import open_volume
from microtwin.scale._work import Row
from microtwin.scale.describing import listed
from microtwin.scale.items import text_digest
from microtwin.scale.mapping import Job, run
from microtwin.statistics import Description
from microtwin.statistics._slabs import available_memory
from microtwin.statistics.tiles import DEFAULT, Plan, planned

SHARE = 4  # of the free memory, for the blocks that are counted at a time
MOST = 1 << 30  # bytes of a block


@dataclass(frozen=True, slots=True)
class BlockItem:
    """A block of a volume: the pass it belongs to, and its number there."""

    name: str
    way: int
    at: int
    weight: int
    origin: str

    def stamp(self) -> str | None:
        """Return what the digest is made of."""
        return self.digest()

    def digest(self) -> str:
        """Return a digest of the volume's size and time of change, and the place of the block."""
        return text_digest(f"{self.origin} {self.name}")


def describe_volume(
    path: str | os.PathLike[str],
    *,
    store: str | os.PathLike[str],
    phase: int | Sequence[int] | None = None,
    statistics: str | Sequence[str] = DEFAULT,
    max_lag: int | None = None,
    directions: str | Sequence[str] = "axes",
    periodic: bool = False,
    mask: str | os.PathLike[str] | None = None,
    spacing: float | Sequence[float] | None = None,
    shape: tuple[int, ...] | None = None,
    dtype: str | None = None,
    key: str | None = None,
    memory: int | None = None,
    workers: int | None = None,
    cluster: Any = None,
    progress: ProgressCallback | None = None,
) -> Description:
    """Measure one volume larger than memory, block by block, in many processes.

    The description is that of `describe_tiles` and of `describe`, equal in every count: blocks hold
    whole lines, and their counts add up. The counts of each block are kept as soon as they are
    there, and calling again goes on. A volume is known again by its size and time of change.

    Parameters
    ----------
    path, shape, dtype, key : path, tuple of int, str, str
        As in `open_volume`.
    store : path
        Folder for the counts, and for the description in the end (``description.json``).
    mask : path, optional
        A file of true and false (or 1 and 0), as `path`; one array, whatever `key` says.
    memory : int, optional
        Bytes that a block may take while it is counted; by default such that the blocks of all
        workers take a quarter of what this machine has free, and 1 GiB at most.
    phase, statistics, max_lag, directions, periodic, spacing
        As in `describe_tiles`.
    workers, cluster, progress
        As in `map_many`; progress is told in blocks.

    Returns
    -------
    Description

    Raises
    ------
    InputError
        As in `map_many` and `describe_tiles`; or a block could not be read.
    """
    from microtwin import _backend

    if memory is None:
        side_by_side = workers or _backend.available_cores()
        memory = min(available_memory() // SHARE // max(side_by_side, 1), MOST)
    opening = {"shape": None if shape is None else list(shape), "dtype": dtype, "key": key}
    # Absolute, for workers may run in another folder.
    files = {
        "volume": str(Path(path).absolute()),
        "mask": None if mask is None else str(Path(mask).absolute()),
    }
    counting: dict[str, Any] = {
        "phase": None if phase is None else listed(phase),
        "statistics": listed(statistics) if statistics != "all" else "all",
        "max_lag": max_lag,
        "directions": listed(directions) if directions != "all" else "all",
        "periodic": bool(periodic),
        "spacing": None if spacing is None else np.asarray(spacing).tolist(),
    }
    settings = {"files": files, "opening": opening, "counting": counting}
    known = _known_memory(store, settings, memory)
    origin = _origin(files)
    plan = _plan(json.dumps({**settings, "memory": known}), origin)
    items = [
        BlockItem(
            f"pass {way} of {len(plan.ways)}, {start}..{stop} of axis {one.cut}",
            way,
            at,
            known,
            origin,
        )
        for way, one in enumerate(plan.ways)
        for at, (start, stop) in enumerate(one.ranges)
    ]
    job = Job("describe volume", counted, {**settings, "memory": known}, single=True)
    found = run(job, items, store, workers=workers, cluster=cluster, progress=progress)
    if _origin(files) != origin:
        raise InputError(f"{path} must not change while it is measured; it did: run again")
    if found.failed:
        name, why = next(iter(found.failed.items()))
        raise InputError(f"{path} could not be measured: {name}: {why}")
    tally = plan.tally()
    for row in found.to_dataframe().to_dict("records"):
        record = {str(k): v for k, v in row.items() if hasattr(v, "__len__")}
        tally.add_record(record, first=row["way"] == 0)
    description = plan.description(tally)
    _files.write_json(Path(store) / "description.json", description.to_record())
    return description


def counted(
    item: Any,
    *,
    files: Mapping[str, Any],
    opening: Mapping[str, Any],
    counting: Mapping[str, Any],
    memory: int,
) -> Row:
    """Count one block."""
    settings = {"files": files, "opening": opening, "counting": counting, "memory": memory}
    plan = _plan(json.dumps(settings), item.origin)
    return {"way": item.way, **plan.counted(item.way, item.at).to_record()}


@lru_cache(maxsize=1)
def _plan(settings: str, _: str) -> Plan:
    """Open the volume, and plan its blocks: the same wherever it is done.

    Once for a volume as it is: another one in its place is another origin.
    """
    given = json.loads(settings)
    opening: dict[str, Any] = {
        k: tuple(v) if isinstance(v, list) else v for k, v in given["opening"].items()
    }
    mask = given["files"]["mask"]
    return planned(
        open_volume(given["files"]["volume"], **opening),
        mask=None if mask is None else open_volume(mask, **opening | {"key": None}),
        memory=given["memory"],
        threads=1,
        **given["counting"],
    )


def _known_memory(store: str | os.PathLike[str], settings: Mapping[str, Any], memory: int) -> int:
    """Return the memory that a store was begun with: blocks must be the same when it goes on."""
    from microtwin.scale.store import read_about

    about = read_about(Path(store))
    if about is None or about["task"] != "describe volume":
        return memory
    before = dict(about["settings"])
    kept = before.pop("memory", memory)
    return int(kept) if before == json.loads(json.dumps(settings)) else memory


def _origin(files: Mapping[str, str | None]) -> str:
    return " ".join(_stamp(Path(file)) for file in files.values() if file is not None)


def _stamp(file: Path) -> str:
    """Return size and time of change of a file, or what tells those of all files of a folder."""
    try:
        if file.is_file():
            return _size_and_time(file)
        # Each by itself: the newest of all would hide one that a clock set back has dated.
        inside = sorted(one for one in file.rglob("*") if one.is_file())
        return text_digest(" ".join(f"{one.name} {_size_and_time(one)}" for one in inside))
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror}") from error


def _size_and_time(file: Path) -> str:
    known = file.stat()
    return f"{known.st_size}:{known.st_mtime_ns}"
