"""One job as its folder tells it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from microtwin import _files
from microtwin.errors import InputError

QUEUED, STARTING, RUNNING, STOPPING = "queued", "starting", "running", "stopping"
DONE, STOPPED, FAILED, LOST = "done", "stopped", "failed", "lost"
ACTIVE = (STARTING, RUNNING, STOPPING)  # it has a process
WAITING = (QUEUED, *ACTIVE)  # it is not over
RESUMED = ("anneal", "train", "sample", "transport", "select train", "select predict")
BAD_INPUT = 2  # the code of commands that could not begin
TAIL = 16_384  # bytes at the end of a file that are looked at


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A command line, and how it stands.

    Attributes
    ----------
    number : int
        By which it is known.
    command : tuple of str
        What follows ``microtwin``; files are relative to the project.
    title : str
        What it is for.
    output : str
        What it writes, relative to the project.
    state : str
        "queued", "starting", "running", "stopping"; or over: "done", "stopped" (by a person),
        "failed", or "lost" (its processes are gone and nobody knows how it ended).
    created, started, ended : float or None
        Seconds since 1970.
    code : int or None
        With which it ended: 0 done, 1 the answer is no, 2 bad input.
    pid : int or None
        Of the command, while it runs.
    message : str
        The last thing it said, where it failed.
    runs : int
        How often it was started.
    """

    number: int
    command: tuple[str, ...]
    title: str
    output: str = ""
    state: str = QUEUED
    created: float = 0.0
    started: float | None = None
    ended: float | None = None
    code: int | None = None
    pid: int | None = None
    message: str = ""
    runs: int = 0

    @property
    def kind(self) -> str:
        """Which command it is, such as "train" or "select train"."""
        words = self.command[:2] if self.command[0] in ("select", "classify") else self.command[:1]
        return " ".join(words)

    @property
    def over(self) -> bool:
        """Whether it has ended, in whatever way."""
        return self.state not in WAITING

    @property
    def resumable(self) -> bool:
        """Whether it can go on from where it stopped."""
        halfway = self.state in (STOPPED, LOST) or (self.state == FAILED and self.code != BAD_INPUT)
        return halfway and self.kind in RESUMED

    @property
    def answer_is_no(self) -> bool:
        """Whether it did its work and found nothing, or nothing good enough."""
        return self.state == DONE and self.code == 1


@dataclass(frozen=True, slots=True)
class Step:
    """A line of a job's progress."""

    time: float
    stage: str
    done: float
    total: float
    values: Mapping[str, float]

    @property
    def share(self) -> float:
        """How much of the stage is done, 0 to 1."""
        return min(max(self.done / self.total, 0.0), 1.0) if self.total else 0.0


def read(folder: Path) -> Job:
    """Read the job of a folder.

    Raises
    ------
    InputError
        If there is none.
    """
    try:
        record = json.loads((folder / "job.json").read_text(encoding="utf-8"))
        return Job(**{**record, "command": tuple(record["command"])})
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise InputError(f"{folder} holds no job: {error}") from error


def write(folder: Path, job: Job) -> None:
    """Write the job of a folder, all or nothing."""
    _files.write_json(folder / "job.json", asdict(job))


def steps(folder: Path) -> list[Step]:
    """Return a job's progress, the first line first."""
    try:
        lines = (folder / "progress.jsonl").read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return []
    return [step for line in lines if (step := _step(line)) is not None]


def last_step(folder: Path) -> Step | None:
    """Return the last line of a job's progress, if there is one."""
    lines = tail(folder / "progress.jsonl").splitlines()
    return next((step for line in reversed(lines) if (step := _step(line)) is not None), None)


def tail(path: Path, size: int = TAIL) -> str:
    """Return the end of a text file; nothing if it cannot be read."""
    try:
        with path.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(file.tell() - size, 0))
            return file.read().decode("utf-8", errors="replace")
    except OSError:
        return ""


def result(folder: Path) -> Any:
    """Return what the command wrote to stdout as JSON, None if nothing whole is there."""
    try:
        return json.loads((folder / "result.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _step(line: str) -> Step | None:
    try:
        return Step(**json.loads(line))
    except (ValueError, TypeError):
        return None  # half a line, which the command is writing
