"""Where the work is done: processes on this machine, or the workers of a scheduler that runs."""

import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing import resource_tracker
from typing import Any

from microtwin import _backend, _validate
from microtwin.errors import InputError

PATIENCE = 10.0  # seconds to wait for a scheduler, or for workers, before giving up

# One thread a process, for the items are what runs side by side. JAX takes all cores unless told.
_ALONE = {
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
    "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
}

# Dask has workers give freed memory back at once, and they spend up to a third of their time on
# asking for it anew. Besides, it looks ten times as often as is of use at what a worker does.
_TUNED = {
    "distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": 128 << 20,
    "distributed.nanny.pre-spawn-environ.MALLOC_MMAP_THRESHOLD_": 32 << 20,
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.interval": "200ms",
}


@contextmanager
def client_of(*, workers: int | None, cluster: Any, most: int) -> Iterator[Any]:
    """Yield a Dask client.

    Parameters
    ----------
    workers : int, optional
        Processes to begin on this machine; one a core unless given, and no more than `most`.
    cluster : str or Client, optional
        Address of a scheduler (tcp://host:8786), or a client that is connected to one; it is left
        running.
    most : int
        How many pieces of work there are.

    Raises
    ------
    InputError
        If nothing answers at the address, or it has no workers; or Dask is not installed.
    """
    try:
        from dask import config
        from distributed import Client, LocalCluster
    except ImportError:
        raise InputError(
            "workers need dask, which is not installed: pip install 'microtwin[scale]'"
        ) from None
    if cluster is not None and workers is not None:
        raise InputError("workers must not be given beside cluster, which has its own")
    if isinstance(cluster, Client):
        yield cluster
    elif cluster is not None:
        with _quiet(), _connected(str(cluster), Client) as client:
            yield client
    else:
        count = min(_checked(workers), max(most, 1))
        with ExitStack() as running:
            running.enter_context(_quiet())
            running.enter_context(config.set(_TUNED))
            with _deaf():
                local = running.enter_context(
                    LocalCluster(
                        n_workers=count,
                        threads_per_worker=1,
                        dashboard_address=":0",
                        env=_ALONE | {k: v for k, v in os.environ.items() if k in _ALONE},
                        silence_logs=logging.CRITICAL,
                        preload=["microtwin.scale._worker_setup"],
                    )
                )
            client = running.enter_context(Client(local))
            try:
                yield client
            finally:
                with _in_peace():
                    running.close()


@contextmanager
def _connected(address: str, client_class: Any) -> Iterator[Any]:
    try:
        client = client_class(address, timeout=PATIENCE)
    except (OSError, TimeoutError, ValueError) as error:
        raise InputError(
            "cluster must be the address of a Dask scheduler that runs, such as tcp://host:8786; "
            f"nothing answers at {address!r}"
        ) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=PATIENCE)
        except TimeoutError:
            raise InputError(f"cluster must have workers; that at {address!r} has none") from None
        yield client


@contextmanager
def _deaf() -> Iterator[None]:
    """Put off Ctrl-C until processes are begun, which are never to hear it: it is for this one."""
    # Begun by itself it would have this thread hear again.
    resource_tracker.ensure_running()
    before, here = signal.getsignal(signal.SIGINT), _in_main_thread()
    heard: list[int] = []
    if here:
        signal.signal(signal.SIGINT, lambda number, _: heard.append(number))
    masked = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, masked)
        if here:
            signal.signal(signal.SIGINT, before)
    if heard:
        raise KeyboardInterrupt


@contextmanager
def _in_peace() -> Iterator[None]:
    """Let one Ctrl-C pass while what was interrupted, or is done, is being ended."""
    before = signal.getsignal(signal.SIGINT)
    if not _in_main_thread():
        yield
        return
    signal.signal(signal.SIGINT, lambda *_: signal.signal(signal.SIGINT, before))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _in_main_thread() -> bool:
    """Whether signals can be caught here, and are not caught by something other than Python."""
    known = signal.getsignal(signal.SIGINT) is not None
    return known and threading.current_thread() is threading.main_thread()


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep to itself what Dask logs of workers that come and go: the table tells what failed."""
    loud = ("distributed", "distributed.client", "tornado.application")
    loggers = [logging.getLogger(name) for name in loud]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


def _checked(workers: int | None) -> int:
    if workers is None:
        return _backend.available_cores()
    return _validate.integer(workers, name="workers", minimum=1, maximum=1024)
