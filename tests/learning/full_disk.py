"""Train on a disk that fills up: ``unshare -rm python full_disk.py FOLDER``.

The folder gets a file system of its own, of a few megabytes, that nobody else sees. Prints one line
of JSON.
"""

import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np

from learning import toy_run as toy
from microtwin.errors import MicrotwinError
from microtwin.learning.checkpoints import Checkpoints
from microtwin.learning.log import CsvLog
from microtwin.learning.loop import Hook


def fill(file):
    """Take all the room that there is."""
    with file.open("wb", buffering=0) as hole, suppress(OSError):
        while True:
            hole.write(b"0" * 4096)


def complaint(call):
    try:
        call()
    except MicrotwinError as error:
        return f"{type(error).__name__}: {error}"
    return None


def main(folder):
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "none", str(folder)], check=True)
    run, filler = folder / "run", folder / "filler"
    toy.run(run, last=5)
    full = Hook(7, lambda step, state: fill(filler))
    found = {"checkpoint": complaint(lambda: toy.run(run, last=10, hooks=[full]))}
    found["left"] = sorted(path.name for path in (run / "checkpoints").iterdir())
    with Checkpoints(run / "checkpoints", identity=toy.IDENTITY) as checkpoints:
        found["latest"] = checkpoints.latest()
    log = CsvLog(folder / "log.csv")
    found["log"] = complaint(lambda: [log.append(i, {"loss": 1.0}) for i in range(1000)])
    found["rewritten"] = complaint(lambda: CsvLog(run / "log.csv").keep_until(3))
    found["rows"] = len(CsvLog(run / "log.csv").rows())
    os.truncate(filler, filler.stat().st_size - 300_000)  # room for the names, not for the numbers
    weights = {"w": np.random.default_rng(0).random(200_000)}
    with Checkpoints(folder / "large", identity=toy.IDENTITY) as checkpoints:
        found["large"] = complaint(lambda: checkpoints.save(1, weights))
        found["none"] = checkpoints.latest()
    filler.unlink()
    state = toy.run(run, last=10)
    found["w"] = [float(w).hex() for w in state["w"]]
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
    os._exit(0)
