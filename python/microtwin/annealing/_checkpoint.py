"""Saving an annealing run so that it goes on exactly where it stopped."""

import hashlib
import json
import os
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from microtwin import _core, _files
from microtwin._validate import Labels
from microtwin.annealing._schedule import Schedule
from microtwin.annealing._targets import Target
from microtwin.errors import CheckpointError

FORMAT = "microtwin-annealing-3"


@dataclass(slots=True)
class State:
    """Where a run is, beside the structure itself."""

    temperature: float
    seconds: float = 0.0
    accepted: int = 0
    accepted_before_step: int = 0
    rows: list[tuple[float, ...]] = field(default_factory=list)  # see History


def fingerprint(
    curves: Sequence[Target], start: Labels, periodic: bool, seed: int, schedule: Schedule
) -> str:
    """Return a hash of all that the course of a run depends on."""
    course = [schedule.start_acceptance, schedule.cooling, schedule.moves, schedule.balanced]
    digest = hashlib.sha256(json.dumps([curves, start.shape, periodic, seed, course]).encode())
    digest.update(start.tobytes())
    return digest.hexdigest()


def save(
    path: str | os.PathLike[str], annealer: _core.Annealer, state: State, settings: str
) -> None:
    """Write a checkpoint, all or nothing."""
    sites, in_order, random, proposed = annealer.snapshot()
    arrays: dict[str, Any] = {f"sites_{label}": places for label, places in sites.items()}
    arrays["labels"] = annealer.labels()
    arrays["sorted"] = np.bool_(in_order)
    arrays["random"] = np.array(random, dtype=np.uint64)
    arrays["proposed"] = np.int64(proposed)
    arrays["rows"] = np.array(state.rows, dtype=np.float64).reshape(-1, 5)
    arrays["state"] = np.array(
        [state.temperature, state.seconds, state.accepted, state.accepted_before_step]
    )
    arrays["about"] = np.array(json.dumps({"format": FORMAT, "settings": settings}))

    def write(temporary: Path) -> None:
        with temporary.open("wb") as file:
            np.savez(file, allow_pickle=False, **arrays)

    _files.write_with(path, write)


def load(path: str | os.PathLike[str], settings: str) -> tuple[dict[str, Any], State]:
    """Read a checkpoint: its arrays, and where the run was.

    Raises
    ------
    CheckpointError
        If it is missing, damaged, or of a run with other settings.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        about = json.loads(str(arrays["about"]))
        temperature, seconds, *accepted = arrays["state"].tolist()
        rows = [tuple(row) for row in arrays["rows"].tolist()]
    except OSError as error:
        raise CheckpointError(f"cannot read the checkpoint {path}: {error.strerror}") from error
    except (KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise CheckpointError(f"{path} is damaged or is no annealing checkpoint") from error
    if about.get("format") != FORMAT or about.get("settings") != settings:
        raise CheckpointError(
            f"{path} belongs to an annealing run with other settings (target, shape, seed, ...)"
        )
    return arrays, State(temperature, seconds, int(accepted[0]), int(accepted[1]), rows)


def restore(annealer: _core.Annealer, arrays: Mapping[str, Any]) -> None:
    """Bring an annealer, made from the checkpoint's labels, to where the run was."""
    sites = {
        int(name.removeprefix("sites_")): places
        for name, places in arrays.items()
        if name.startswith("sites_")
    }
    random = [int(word) for word in arrays["random"]]
    annealer.restore(sites, bool(arrays["sorted"]), random, int(arrays["proposed"]))
