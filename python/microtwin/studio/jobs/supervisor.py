"""The small process beside each job: it runs the command, notes how it ends, starts the next.

``python -m microtwin.studio.jobs.supervisor PROJECT NUMBER AT_ONCE PROGRAM...``
"""

import os
import shlex
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from time import time

from microtwin.studio.jobs import job as jobs
from microtwin.studio.jobs.job import Job
from microtwin.studio.jobs.queue import Queue

INTERRUPTED = 130
PROMPT = "$ microtwin "  # before the command in the log
KIND = 5  # by how much jobs stand back behind the page


def main(root: str, number: str, at_once: str, *program: str) -> None:
    """Run one job to its end."""
    from filelock import FileLock

    # A shell that starts servers in the background has them ignore Ctrl-C, and so all they start.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    with suppress(OSError, AttributeError):
        os.nice(KIND)
    queue = Queue(Path(root), at_once=int(at_once), program=program)
    one = int(number)
    with FileLock(queue.folder_of(one) / ".alive"):
        _run(queue, one, program)
    queue.advance()


def _run(queue: Queue, number: int, program: tuple[str, ...]) -> None:
    folder = queue.folder_of(number)
    one = queue.get(number)
    if one.state != jobs.STARTING:  # stopped before it began
        queue.change(number, lambda job: replace(job, state=jobs.STOPPED, ended=time()))
        return
    environment = {
        **os.environ,
        "MICROTWIN_PROGRESS": str(folder / "progress.jsonl"),
        "PYTHONUNBUFFERED": "1",
    }
    with (folder / "log.txt").open("ab") as log, (folder / "result.json").open("wb") as result:
        log.write(f"{PROMPT}{shlex.join(one.command)}\n".encode())
        log.flush()
        child = subprocess.Popen(
            [*program, *one.command],
            cwd=queue.root,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=result,
            stderr=log,
        )

    def running(job: Job) -> Job:
        if job.state == jobs.STOPPING:  # while it started
            child.send_signal(signal.SIGINT)
            return replace(job, pid=child.pid)
        return replace(job, state=jobs.RUNNING, pid=child.pid)

    queue.change(number, running)
    code = child.wait()
    queue.change(number, lambda job: ended(job, code, jobs.tail(folder / "log.txt")))


def ended(job: Job, code: int, said: str) -> Job:
    """Return a job as it is after its command has ended."""
    _, begun, said = said.rpartition(PROMPT)  # of this run
    if begun:
        said = said.partition("\n")[2]  # after the command itself
    fell = "Traceback (most recent call last)" in said  # with code 1, too
    if code in (0, 1) and not fell:
        state = jobs.DONE
    elif job.state == jobs.STOPPING or code == INTERRUPTED:
        state = jobs.STOPPED
    else:
        state = jobs.FAILED
    lines = [line for line in said.splitlines() if line.strip()]
    message = ""
    if state == jobs.FAILED:
        message = lines[-1].removeprefix("microtwin: ") if lines else ""
        if code < 0 or not message:  # a signal comes unannounced, as where memory runs out
            message = f"ended with code {code}" + (f"; it said last: {message}" if message else "")
    elif code == 1:
        found = [line for line in lines if line.startswith("microtwin: ")]
        message = found[-1].removeprefix("microtwin: ") if found else ""
    return replace(job, state=state, code=code, pid=None, ended=time(), message=message)


if __name__ == "__main__":
    main(*sys.argv[1:])
