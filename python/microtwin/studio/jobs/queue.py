"""The jobs of a project: put in line, started in order, stopped, taken up again."""

import logging
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from time import time

from microtwin import _validate
from microtwin.errors import InputError
from microtwin.studio.jobs import job as jobs
from microtwin.studio.jobs.job import Job

log = logging.getLogger(__name__)

PATIENCE = 30.0  # seconds for a process to start, and to wait for another one's lock
PROGRAM = (sys.executable, "-P", "-m", "microtwin")  # -P: nothing is imported from the project
SUPERVISOR = (sys.executable, "-P", "-m", "microtwin.studio.jobs.supervisor")


class Queue:
    """The jobs of one project; any number of pages and servers may use it at once.

    Parameters
    ----------
    root : Path
        The folder of the project, in which commands run.
    at_once : int
        How many run at the same time.
    program : sequence of str
        What a command line begins with.
    """

    def __init__(self, root: Path, *, at_once: int = 1, program: Sequence[str] = PROGRAM) -> None:
        self.root = root
        self.folder = root / "jobs"
        self.at_once = _validate.integer(at_once, name="at_once", minimum=1, maximum=64)
        self._program = tuple(program)
        self._started: list[subprocess.Popen[bytes]] = []

    def folder_of(self, number: int) -> Path:
        """Return the folder of a job."""
        return self.folder / f"{number:04d}"

    def all(self) -> list[Job]:
        """Return all jobs, the newest first."""
        return sorted(self._jobs(), key=lambda job: -job.number)

    def get(self, number: int) -> Job:
        """Return one job.

        Raises
        ------
        InputError
            If there is none.
        """
        return jobs.read(self.folder_of(number))

    def submit(self, command: Sequence[str], *, title: str, output: str = "") -> Job:
        """Put a command in line and start it when it is its turn."""
        with self._locked():
            number = max((job.number for job in self._jobs()), default=0) + 1
            folder = self.folder_of(number)
            folder.mkdir(parents=True)
            new = Job(
                number=number, command=tuple(command), title=title, output=output, created=time()
            )
            jobs.write(folder, new)
        self.advance()
        return self.get(number)

    def advance(self) -> None:
        """Start what waits while there is room, and find out what has lost its processes."""
        with self._locked():
            self._started = [one for one in self._started if one.poll() is None]
            found = sorted(self._jobs(), key=lambda job: job.number)
            running = 0
            for one in found:
                if one.state in jobs.ACTIVE:
                    if self._lives(one):
                        running += 1
                    else:
                        self._note(one, state=jobs.LOST, ended=time(), pid=None)
            for one in found:
                if one.state == jobs.QUEUED and running < self.at_once:
                    self._start(one)
                    running += 1

    def stop(self, number: int) -> Job:
        """Ask a job to stop, as Ctrl-C does: what is done is kept. A second time it is killed.

        Raises
        ------
        InputError
            If there is none.
        """
        with self._locked():
            one = self.get(number)
            if one.state == jobs.QUEUED:
                return self._note(one, state=jobs.STOPPED, ended=time())
            if one.state in jobs.ACTIVE:
                again = one.state == jobs.STOPPING
                one = self._note(one, state=jobs.STOPPING)
                if one.pid is not None and self._lives(one):  # else the pid may be another's
                    self._signal(one.pid, again)
            return one

    def resume(self, number: int) -> Job:
        """Put a job that stopped or failed in line again, to go on from where it was.

        Raises
        ------
        InputError
            If there is none, or it is not over, or its command cannot be resumed.
        """
        with self._locked():
            one = self.get(number)
            if not one.resumable:
                raise InputError(f"job {number} must have stopped halfway; it is {one.state}")
            words = one.command
            if one.runs and "--resume" not in words:
                words = (*words, "--resume")
            self._note(
                one, command=words, state=jobs.QUEUED, ended=None, code=None, message=""
            )  # fmt: skip
        self.advance()
        return self.get(number)

    def remove(self, number: int) -> None:
        """Forget a job that is over; what it wrote into the project stays.

        Raises
        ------
        InputError
            If there is none, or it is not over.
        """
        with self._locked():
            one = self.get(number)
            if not one.over:
                raise InputError(f"job {number} must be over to be removed; it is {one.state}")
            shutil.rmtree(self.folder_of(number))

    def change(self, number: int, how: Callable[[Job], Job]) -> Job:
        """Change the record of a job with nobody between."""
        with self._locked():
            after = how(self.get(number))
            jobs.write(self.folder_of(number), after)
            return after

    def _jobs(self) -> Iterator[Job]:
        for folder in self.folder.glob("[0-9][0-9][0-9][0-9]*"):
            with suppress(InputError):
                yield jobs.read(folder)

    def _lives(self, one: Job) -> bool:
        from filelock import FileLock, Timeout

        if one.state == jobs.STARTING and time() - (one.started or 0.0) < PATIENCE:
            return True
        try:
            with FileLock(self.folder_of(one.number) / ".alive", timeout=0):
                return False
        except Timeout:
            return True

    def _start(self, one: Job) -> None:
        self._note(one, state=jobs.STARTING, started=time(), runs=one.runs + 1)
        folder = self.folder_of(one.number)
        with (folder / "log.txt").open("ab") as log_file:
            process = subprocess.Popen(
                [*SUPERVISOR, str(self.root), str(one.number), str(self.at_once), *self._program],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log_file,
                cwd=self.root,
                start_new_session=True,  # Ctrl-C at the server is not for it
            )
        self._started.append(process)

    def _note(self, one: Job, **changes: object) -> Job:
        after = replace(one, **changes)  # type: ignore[arg-type]
        jobs.write(self.folder_of(one.number), after)
        return after

    def _signal(self, pid: int, again: bool) -> None:
        hard = getattr(signal, "SIGKILL", signal.SIGTERM)
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, hard if again else signal.SIGINT)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        from filelock import FileLock, Timeout

        try:
            with FileLock(self.folder / ".lock", timeout=PATIENCE, poll_interval=0.01):
                yield
        except Timeout:
            raise InputError(f"{self.folder} has been locked by another process") from None
