"""The folder of a study: what it holds, with which settings, how long each stage took."""

import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from microtwin import _files
from microtwin.errors import InputError

FORMAT = "microtwin-study-1"


class StudyFolder:
    """The folder of one study.

    Parameters
    ----------
    path : path
        Where; made if it is not there.
    settings : mapping
        All that the results depend on, JSON-ready.
    resume : bool
        Whether a study with the same settings may be here already.

    Raises
    ------
    InputError
        If the folder cannot be written, holds a study and `resume` is False, or holds one with
        other settings.
    """

    def __init__(
        self, path: str | os.PathLike[str], settings: Mapping[str, Any], *, resume: bool
    ) -> None:
        self.path = _files.output_folder(path)
        self._manifest = self.path / "study.json"
        self._settings = json.loads(json.dumps(dict(settings)))  # as it will be read back
        self.seconds: dict[str, float] = {}
        if self._manifest.exists():
            if not resume:
                raise InputError(
                    f"output {self.path} already holds a study: go on with it by --resume "
                    "(resume=True), or choose another folder"
                )
            self.seconds = self._continued()
        self._write()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Note how long a stage took, the first time it is finished."""
        started = time.perf_counter()
        with _files.sole_use(self.path, name="output"):
            yield
        self.seconds.setdefault(name, round(time.perf_counter() - started, 2))
        self._write()

    def sub(self, name: str) -> Path:
        """Return a folder inside, made if it is not there."""
        folder = self.path / name
        folder.mkdir(exist_ok=True)
        return folder

    def _continued(self) -> dict[str, float]:
        try:
            record = json.loads(self._manifest.read_text(encoding="utf-8"))
            found, seconds = record["settings"], record["seconds"]
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"{self._manifest} is damaged: use another folder") from error
        names = {*found, *self._settings}
        other = sorted(n for n in names if found.get(n) != self._settings.get(n))
        if other:
            raise InputError(
                f"output {self.path} holds a study with another {', another '.join(other)}: "
                "use the same settings or another folder"
            )
        return dict(seconds)

    def _write(self) -> None:
        record = {"format": FORMAT, "settings": self._settings, "seconds": self.seconds}
        _files.write_json(self._manifest, record)
