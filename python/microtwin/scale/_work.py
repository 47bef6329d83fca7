"""What a worker does with a batch of items."""

import errno
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from microtwin.errors import InputError, MicrotwinError
from microtwin.scale._journal import Journal, encoded
from microtwin.scale.items import Item, readable

Row = dict[str, Any]
Task = Callable[..., Row | list[Row]]

# What no further item would be spared: the store cannot take any more.
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
MOST_DEATHS = 2  # of workers at one item, before it is left alone

# The columns of every table, before those of the task.
ABOUT = ("item", "digest", "stamp", "reason", "seconds")


def work(
    batch: Sequence[tuple[Item, int | None]],
    task: Task,
    settings: Mapping[str, Any],
    shared: Any,
    journal: str,
    arrays: str | None,
    scratch: str | None = None,
) -> int:
    """Do every item of a batch that the journal does not hold yet; return how long it is then.

    Who asked reads the rows there: they need not travel through the scheduler. An item that fails
    is told of in a row. One that workers died at is not begun again.
    """
    given = dict(settings)
    given |= {} if shared is None else {"shared": shared}
    given |= {} if scratch is None else {"scratch": scratch}
    book = Journal(Path(journal))
    structures = None if arrays is None else _opened(arrays)
    try:
        for item, place in batch:
            if item.name in book.done:
                continue
            deaths = book.begun.get(item.name, 0)
            if deaths >= MOST_DEATHS:
                reason = (
                    f"the process died {deaths} times at this item (too little memory? fewer "
                    "workers have more each)"
                )
                content = encoded([_about(item, reason, 0.0)])
            else:
                book.begin(item.name)
                content = _done(item, place, task, given, structures)
            book.finish(content)
        return book.length
    finally:
        book.close()


def _done(
    item: Item,
    place: int | None,
    task: Task,
    given: Mapping[str, Any],
    structures: Any,
) -> bytes:
    begin = perf_counter()
    # The stamp before the digest: an item that changes meanwhile is then read again, not believed.
    stamp = item.stamp()
    try:
        digest = item.digest()
        found = task(item, **given)
        rows = [found] if isinstance(found, dict) else list(found)
        if structures is not None:
            structures[place] = rows[0].pop("labels")
            rows[0] = {"index": place, **rows[0]}
        seconds = round(perf_counter() - begin, 6)
        about = {"item": item.name, "digest": digest, "stamp": stamp, "reason": None}
        return encoded([{**about, "seconds": seconds, **row} for row in rows])
    except Exception as error:  # whatever it is, the other items go on
        if isinstance(error, OSError) and error.errno in _NO_ROOM:
            raise
        return encoded([_about(item, _reason(error, item), round(perf_counter() - begin, 6))])


def _about(item: Item, reason: str | None, seconds: float) -> Row:
    return dict(zip(ABOUT, (item.name, None, None, reason, seconds), strict=True))


def _reason(error: Exception, item: Item) -> str:
    """Return one line; of an error that nobody foresaw also where it came from."""
    # The path as it was given, not that by which a worker found it.
    where = readable(getattr(item, "path", item.name))
    text = " ".join(readable(str(error)).replace(where, item.name).split())
    if isinstance(error, MicrotwinError):
        return text
    if isinstance(error, MemoryError):
        return f"not enough memory. {text}".rstrip()
    if isinstance(error, OSError):
        return text
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {text} ({Path(last.filename).name}, line {last.lineno})"


def _opened(path: str) -> Any:
    import zarr

    return zarr.open_array(path, mode="r+")


def read_labels(item: Any, *, threshold: float | None = None, **reading: Any) -> Any:
    """Return labels of an item: as they are, or grey levels cut at a threshold or by Otsu's.

    Returns
    -------
    ScaledImage, and the level where it was cut or None
    """
    from microtwin.comparison.labelled import as_labels
    from microtwin.images.scaled import scaled_like
    from microtwin.phases import threshold_of

    image = item.read(**reading)
    labels = as_labels(image)
    if labels is not None:
        return labels, None
    level = float(threshold_of(image)) if threshold is None else threshold
    cut = np.asarray(image > level).astype(np.uint8)
    if cut.min() == cut.max():
        raise InputError(f"{item.name} is one phase when cut at {level:.4g}")
    return scaled_like(cut, image), level
