"""Ctrl-C between two steps rather than in the middle of one."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interrupts:
    """Whether Ctrl-C was pressed."""

    requested = False


@contextmanager
def deferred() -> Iterator[Interrupts]:
    """Note Ctrl-C instead of raising, so that a step with donated buffers can finish.

    A second Ctrl-C raises at once. Outside the main thread, where Python allows no signal handlers,
    nothing is changed.
    """
    interrupts = Interrupts()
    if threading.current_thread() is not threading.main_thread():
        yield interrupts
        return

    def note(signum: int, frame: FrameType | None) -> None:
        if interrupts.requested:
            raise KeyboardInterrupt
        interrupts.requested = True

    previous = signal.signal(signal.SIGINT, note)
    try:
        yield interrupts
    finally:
        signal.signal(signal.SIGINT, previous)
