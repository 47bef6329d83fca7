"""Writing files so that nothing half-written is ever left under its final name."""

import json
import os
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from microtwin.errors import InputError


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` if the block succeeds.

    The temporary name keeps the suffix of `path`, because many writers choose the format by it.

    Raises
    ------
    InputError
        If the file cannot be written there.
    """
    target = Path(path)
    temporary = target.with_name(f".{target.stem}.{os.getpid()}.partial{target.suffix}")
    try:
        yield temporary
        os.replace(temporary, target)
    except OSError as error:
        raise InputError(f"{target} cannot be written: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_text(path: str | os.PathLike[str], text: str) -> Path:
    """Write `text` to `path` in UTF-8, all or nothing, and return the path."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return Path(path)


def write_json(path: str | os.PathLike[str], value: Any) -> Path:
    """Write `value` as indented JSON to `path`, all or nothing."""
    return write_text(path, json.dumps(value, indent=2, allow_nan=True) + "\n")


def write_with(path: str | os.PathLike[str], writer: Callable[[Path], object]) -> Path:
    """Let `writer` write a file under a temporary name, then rename it to `path`."""
    with replacing(path) as temporary:
        writer(temporary)
    return Path(path)


def output_folder(path: str | os.PathLike[str], *, name: str = "output") -> Path:
    """Create the folder `path` if needed and check that files can be written in it.

    Raises
    ------
    InputError
        If it is a file, or cannot be created or written.
    """
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".microtwin-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"{name} must be a writable folder; {folder}: {reason}") from error
    return folder


@contextmanager
def sole_use(folder: Path, *, name: str) -> Iterator[None]:
    """Keep a folder to this process for as long as the block runs.

    The system lets go of the lock when the process ends, however it ends.

    Raises
    ------
    InputError
        If another process has the folder.
    """
    with _locked(folder / ".lock", folder, name=name):
        yield


@contextmanager
def sole_use_of_file(path: str | os.PathLike[str], *, name: str) -> Iterator[None]:
    """Keep a file, there or yet to be written, to this process for as long as the block runs.

    Raises
    ------
    InputError
        If another process has it.
    """
    target = Path(path)
    lock = target.with_name(f".{target.name}.lock")
    with _locked(lock, target, name=name):
        try:
            yield
        finally:
            with suppress(OSError):  # where an open file cannot be removed, it stays
                lock.unlink(missing_ok=True)


@contextmanager
def _locked(file: Path, what: Path, *, name: str) -> Iterator[None]:
    from filelock import FileLock, Timeout

    owner = file.with_suffix(".owner") if file.suffix else file.with_name(".owner")
    lock = FileLock(file, blocking=False)
    try:
        lock.acquire()
    except Timeout:
        raise InputError(
            f"{name} must be used by one run at a time: {_owner(owner)} works in {what}; wait for "
            "it, or choose another"
        ) from None
    except OSError as error:
        raise InputError(f"{what} cannot be written: {error.strerror or error}") from error
    try:
        with suppress(OSError):
            owner.write_text(f"process {os.getpid()} on {platform.node()}", encoding="utf-8")
        yield
    finally:
        with suppress(OSError):
            owner.unlink(missing_ok=True)
        lock.release()


def _owner(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8") or "another process"
    except OSError:
        return "another process"
