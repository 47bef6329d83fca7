"""Waiting for work without anybody else having to wait: in a thread, or in another process."""

from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from nicegui import run

from microtwin.errors import InputError
from microtwin.studio import previews

Outcome = tuple[Any, str]  # what was made, or None and what is wrong
_ENDING: Outcome = (None, "the studio is being stopped")


async def read(function: Callable[..., Any], *arguments: Any, **options: Any) -> Outcome:
    """Do what mostly waits for the disk in a thread."""
    found = await run.io_bound(previews.safely, function, *arguments, **options)
    return _ENDING if found is None else found


async def read_or_raise(function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """Do the same; what is wrong is raised.

    Raises
    ------
    InputError
        If something is.
    """
    found, wrong = await read(function, *arguments, **options)
    if wrong:
        raise InputError(wrong)
    return found


async def compute(function: Callable[..., Any], *arguments: Any, **options: Any) -> Outcome:
    """Do what keeps a processor busy in a process."""
    try:
        found = await run.cpu_bound(previews.safely, function, *arguments, **options)
    except BrokenProcessPool:  # mostly killed for want of memory; the next one gets a new process
        return None, "the process that computed this has died; it may need too much memory"
    return _ENDING if found is None else found
