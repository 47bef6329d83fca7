"""Waiting for work without anybody else having to wait: in a thread, or in another process."""

from collections.abc import Callable
from typing import Any

from nicegui import run

from microtwin.studio import previews

Outcome = tuple[Any, str]  # what was made, or None and what is wrong
_ENDING: Outcome = (None, "the studio is being stopped")


async def read(function: Callable[..., Any], *arguments: Any, **options: Any) -> Outcome:
    """Do what mostly waits for the disk in a thread."""
    found = await run.io_bound(previews.safely, function, *arguments, **options)
    return _ENDING if found is None else found


async def compute(function: Callable[..., Any], *arguments: Any, **options: Any) -> Outcome:
    """Do what keeps a processor busy in a process."""
    found = await run.cpu_bound(previews.safely, function, *arguments, **options)
    return _ENDING if found is None else found
