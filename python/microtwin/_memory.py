"""How much memory is free, refusing in advance what needs more, and how much something took."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from microtwin.errors import NotEnoughMemoryError

IN_ITS_FILE = "open_volume leaves it in its file, and describe_tiles (--in-place) measures it there"
SMALL = 256 << 20  # bytes that are asked for without looking
_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_MEMINFO = Path("/proc/meminfo")
_CGROUPS = Path("/proc/self/cgroup")
_MOUNTED = Path("/sys/fs/cgroup")
_UNLIMITED = 1 << 60  # what the first version of control groups says where there is no limit


def available() -> int | None:
    """Return how many bytes are free for use, or None where the system does not tell.

    What the machine has free, or less where a control group (a container, a batch job) has a limit.
    """
    found = [free for free in (_of_machine(), *_of_groups()) if free is not None]
    return min(found, default=None)


def is_large(needed: float) -> bool:
    """Whether so many bytes are more than a quarter of the machine's memory; not if it is unknown.

    What is not large is held in memory, the rest read when it is needed. Whether memory is free
    just now does not matter, so that the same run does the same again.
    """
    if not hasattr(os, "sysconf"):
        return False
    return needed > os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 4


def check(needed: float, *, what: str, instead: str) -> None:
    """Refuse work that needs more memory than is free.

    Parameters
    ----------
    needed : float
        Bytes, an estimate that is rather too low than too high.
    what : str
        What needs them: "describing a volume of (1024, 1024, 1024)".
    instead : str
        What can be done about it.

    Raises
    ------
    NotEnoughMemoryError
        If fewer are free.
    """
    if needed < SMALL:
        return
    free = available()
    if free is not None and needed > free:
        raise NotEnoughMemoryError(
            f"{what} needs about {_text(needed)} of memory, and {_text(free)} are free; {instead}"
        )


@contextmanager
def watched() -> Iterator[Callable[[], int | None]]:
    """Watch how many bytes this process holds at most; what is yielded tells it.

    Or None where the system does not tell: Linux does.
    """
    try:
        _CLEAR.write_text("5", encoding="ascii")  # the peak is from now on
        known = True
    except OSError:
        known = False
    yield lambda: _status("VmHWM") if known else None


def _status(name: str) -> int | None:
    try:
        with _STATUS.open(encoding="ascii", errors="replace") as lines:
            return next(int(line.split()[1]) << 10 for line in lines if line.startswith(name))
    except (OSError, StopIteration, ValueError, IndexError):
        return None


def _of_machine() -> int | None:
    try:
        with _MEMINFO.open(encoding="ascii") as lines:
            return next(int(line.split()[1]) << 10 for line in lines if "MemAvailable" in line)
    except (OSError, StopIteration, ValueError, IndexError):
        return None


def _of_groups() -> Iterator[int | None]:
    """Yield what is left in each control group that this process is in, and those above it."""
    try:
        lines = _CGROUPS.read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":  # the second version
            root, limit, used, cached = _MOUNTED, "memory.max", "memory.current", "inactive_file"
        elif "memory" in controllers.split(","):
            root, limit = _MOUNTED / "memory", "memory.limit_in_bytes"
            used, cached = "memory.usage_in_bytes", "total_inactive_file"
        else:
            continue
        # In a container the path is that of the host, and its own group is mounted at the root.
        place = root / path.lstrip("/")
        for group in [place, *place.parents]:
            yield _left_in(group, limit, used, cached)
            if group == root:
                break


def _left_in(group: Path, limit: str, used: str, cached: str) -> int | None:
    try:
        most = int((group / limit).read_text())
        if most >= _UNLIMITED:
            return None
        taken = int((group / used).read_text())
        rows = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        # Pages of files that were read are given back when memory is asked for.
        return max(most - taken + int(rows.get(cached, 0)), 0)
    except (OSError, ValueError):
        return None


def _text(size: float) -> str:
    return f"{size / 1e9:.0f} GB" if size >= 1e10 else f"{size / 1e9:.1f} GB"
