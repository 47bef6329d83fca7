"""What a worker on this machine does first: Dask calls it in each process."""

import signal
from typing import Any


def dask_setup(worker: Any) -> None:
    """Leave Ctrl-C to the process that asked for the work, which ends this one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
