"""Everything that writes, on a bad disk: ``unshare -rm python bad_disk.py FOLDER full|readonly``.

The folder gets a file system of its own, of a few megabytes, that nobody else sees: full to the
brim, or read-only. Prints one line of JSON: for each writer what it said, what became of the
file that was there before, and what else it has left.
"""

import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np

import microtwin as mt
from microtwin.cli import app
from microtwin.images import save_zarr
from microtwin.images.synthetic import gaussian_field

LABELS = np.array(gaussian_field((64, 64), correlation_length=3, fraction=0.4, seed=0))
DESCRIPTION = mt.describe(LABELS)
CONDUCTION = mt.effective_conductivity(LABELS, {0: 1, 1: 0.5}, axis=0)


def command(*arguments):
    def call(path):
        code = 0
        try:
            app([str(a) for a in arguments] + [str(path)], prog_name="microtwin")
        except SystemExit as end:
            code = end.code
        assert code == 2, code
        raise OSError("told by the command")

    return call


def writers(source):
    """Return what writes a file or folder at a path."""
    shots = [LABELS, np.rot90(LABELS)]
    return {
        "a.png": lambda path: mt.save_image(path, np.tile(LABELS, (8, 8))),
        "a.tif": lambda path: mt.save_image(path, LABELS),
        "a.npy": lambda path: mt.save_image(path, LABELS),
        "a.zarr": lambda path: save_zarr(path, np.random.default_rng(0).random((8, 64, 64))),
        "description.json": DESCRIPTION.to_json,
        "description.csv": DESCRIPTION.to_csv,
        "conduction.json": CONDUCTION.to_json,
        "twin.npz": lambda path: mt.anneal(DESCRIPTION, shape=(64, 64), checkpoint=path),
        "report.html": lambda path: mt.compare({"turned": shots}, reference=LABELS).to_html(path),
        "store": lambda path: mt.describe_many(shots, store=path, workers=1),
        "rows.csv": command("transport", source, "--phase", "1", "-o"),
        "plot.png": command("describe", source, "--plot"),
        "twin.tif": command("anneal", source, "--shape", "64,64", "-o"),
        "run": command("train", source, "--preset", "dcgan-2d", "--steps", "1", "-o"),
    }


def fill(file):
    """Take all the room that there is."""
    with file.open("wb", buffering=0) as hole, suppress(OSError):
        while True:
            hole.write(b"0" * 4096)


def names(folder):
    return sorted(p.name for p in folder.iterdir() if p.name != "filler")


def main(folder, how):
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", str(folder)], check=True)
    os.chdir("/")
    source = folder.parent / "source.npy"
    np.save(source, LABELS)
    found = {}
    calls = writers(source)
    if how == "full":
        del calls["run"]  # tests/learning has it, with a network that is there sooner
    for name in calls:
        if "." in name and not name.endswith(".zarr"):
            (folder / name).write_text("before")
    before = names(folder)
    if how == "full":
        fill(folder / "filler")
    else:
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
    for name, call in calls.items():
        path = folder / name
        try:
            call(path)
            said = None
        except (mt.errors.MicrotwinError, OSError) as error:
            said = f"{type(error).__name__}: {error}"
        except Exception as error:
            said = f"a bug: {type(error).__name__}: {error}"
        kept = path.read_text(encoding="utf-8") if path.is_file() else None
        found[name] = {"said": said, "kept": kept}
    left = [n for n in names(folder) if n not in before]
    print(json.dumps({"found": found, "left": left}), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
    os._exit(0)
