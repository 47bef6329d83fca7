"""Functions that tests send to workers."""

import errno
import os
import signal
import time
from pathlib import Path

import numpy as np


def noted(image, log=None, seconds=0.0):
    """Measure an image, slowly, and note in a file that it was begun."""
    if log is not None:
        with open(log, "a", encoding="utf-8") as file:
            file.write(f"{int(np.sum(image))}\n")
    time.sleep(seconds)
    return {"sum": int(np.sum(image)), "rows": np.sum(image, axis=1)}


def deadly(image, flag, total):
    """Take the process down at one of the images, for as long as there is a flag."""
    if int(np.sum(image)) == total and Path(flag).exists():
        Path(flag).unlink()
        os.kill(os.getpid(), signal.SIGKILL)
    return noted(image)


def always_deadly(image, total):
    """Take the process down at one of the images, whatever is tried."""
    if int(np.sum(image)) == total:
        os.kill(os.getpid(), signal.SIGKILL)
    return noted(image)


def picky(image):
    """Refuse half of the images, in two ways."""
    if np.sum(image) % 2:
        raise ZeroDivisionError("an odd one")
    return noted(image)


def two_rows(image):
    return [{"half": 0, "sum": int(image[:24].sum())}, {"half": 1, "sum": int(image[24:].sum())}]


def mixed(image):
    return {"value": "text" if np.sum(image) % 2 else 1.5}


def full(image, total):
    """Find the disk full at one of the images."""
    if int(np.sum(image)) == total:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/store/part")
    return noted(image)
