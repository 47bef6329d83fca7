"""What is logged in training: CSV files that survive crashes and resuming, and TensorBoard's."""

import csv
import logging
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from microtwin import _files
from microtwin.errors import CheckpointError
from microtwin.learning.devices import is_first

logger = logging.getLogger(__name__)


class CsvLog:
    """Append rows to a CSV file; the first column is ``step``.

    Parameters
    ----------
    path : path
        The file; its header is written with the first row.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)

    def keep_until(self, step: int) -> None:
        """Drop the rows after `step`, and a last row that a crash cut short.

        Raises
        ------
        CheckpointError
            If it is damaged.
        """
        if not self.path.exists():
            return
        try:
            lines = self.path.read_text(encoding="utf-8").splitlines(keepends=True)
            whole = [line for line in lines if line.endswith("\n")]
            kept = whole[:1] + [row for row in whole[1:] if int(row.split(",", 1)[0]) <= step]
        except ValueError as error:
            raise self._damaged() from error
        _files.write_text(self.path, "".join(kept))

    def append(self, step: int, values: Mapping[str, float]) -> None:
        """Write one row and hand it to the operating system at once.

        Raises
        ------
        CheckpointError
            If the disk refuses.
        """
        try:
            new = not self.path.exists() or self.path.stat().st_size == 0
            with self.path.open("a", encoding="utf-8", newline="") as file:
                writer = csv.writer(file, lineterminator="\n")
                if new:
                    writer.writerow(["step", *values])
                writer.writerow([step, *(f"{value:.9g}" for value in values.values())])
        except OSError as error:
            raise CheckpointError(
                f"{self.path} cannot be written: {error.strerror or error}"
            ) from error

    def last(self, column: str) -> float | None:
        """Return the value of `column` in the last row, or None if there is no row."""
        if not self.path.exists():
            return None
        try:
            with self.path.open(encoding="utf-8", newline="") as file:
                rows = list(csv.DictReader(file))
            return float(rows[-1][column]) if rows else None
        except (KeyError, TypeError, ValueError, csv.Error) as error:
            raise self._damaged() from error

    def rows(self) -> list[dict[str, float]]:
        """Return all rows."""
        if not self.path.exists():
            return []
        with self.path.open(encoding="utf-8", newline="") as file:
            try:
                return [
                    {name: float(value) for name, value in row.items()}
                    for row in csv.DictReader(file)
                ]
            except (TypeError, ValueError, csv.Error) as error:
                raise self._damaged() from error

    def _damaged(self) -> CheckpointError:
        return CheckpointError(f"{self.path} is not the log of a training run, or is damaged")


class TensorBoard:
    """The same numbers and pictures for TensorBoard, if tensorboardX is installed.

    Where several processes train together, the first one writes.

    Parameters
    ----------
    folder : path
        Where its event files go.
    first : int
        Step from which on what is there already is superseded.
    """

    def __init__(self, folder: str | os.PathLike[str], *, first: int = 0) -> None:
        self._writer: Any = None
        if not is_first():
            return
        try:
            from tensorboardX import SummaryWriter
        except ImportError:
            return
        # Files are named by the second: two writers of one second must not share one.
        self._writer = SummaryWriter(
            str(folder),
            purge_step=first + 1 if first else None,
            filename_suffix=f".from-{first}",
        )

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Add numbers by their names."""
        if self._lives():
            for name, value in values.items():
                self._writer.add_scalar(name, value, step)

    def picture(self, step: int, name: str, picture: Any) -> None:
        """Add a grey picture (y, x) of uint8."""
        if self._lives():
            self._writer.add_image(name, picture, step, dataformats="HW")

    def close(self) -> None:
        """Write all that is left."""
        if self._lives():
            with suppress(OSError):  # what counts is in the CSV files
                self._writer.close()

    def _lives(self) -> bool:
        """Whether events are taken: a full disk ends the writer's thread, and its queue blocks."""
        if self._writer is None:
            return False
        if self._writer.file_writer.event_writer._worker.is_alive():
            return True
        logger.warning("TensorBoard's events can no longer be written")
        self._writer = None
        return False
