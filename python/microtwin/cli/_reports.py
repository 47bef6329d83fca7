"""Progress for other programs: the bar's numbers as lines of JSON in a file, where one is named."""

import json
import math
import os
from collections.abc import Mapping
from contextlib import suppress
from time import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from microtwin._progress import ProgressCallback

FILE = "MICROTWIN_PROGRESS"  # the environment variable that names it
SECONDS = 0.5  # between two lines at first,
SHARE = 0.01  # and never less than this part of the time since the start: a long run writes few


def to_file(stage: str) -> "ProgressCallback":
    """Return what appends the progress of one stage to the file that the environment names.

    Each line has the time, the stage, how much is done of how much, and what is worth watching.
    Without a file nothing is done; a file that cannot be written is let be.
    """
    path = os.environ.get(FILE)
    began = time()
    last = -math.inf

    def report(done: float, total: float, values: Mapping[str, float]) -> None:
        nonlocal last
        now = time()
        if not path or (now - last < max(SECONDS, SHARE * (now - began)) and done < total):
            return
        last = now
        seen = {name: float(value) for name, value in values.items() if math.isfinite(value)}
        row = {"time": now, "stage": stage, "done": done, "total": total, "values": seen}
        with suppress(OSError), open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")

    return report
