"""Saving an annealing run so that it goes on exactly where it stopped."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from microtwin import _core, _files
from microtwin.errors import CheckpointError

FORMAT = "microtwin-annealing-3"


@dataclass(frozen=True, slots=True)
class State:
    """Where a run is, beside the structure itself.

    Attributes
    ----------
    stage : str
        Which of the run's stages is under way; none has begun yet if it is empty.
    proposed, accepted : int
        Exchanges in the stages before this one.
    noted : int
        Proposals, or sweeps, of this stage up to its last row.
    noted_accepted : int
        Exchanges made up to there.
    level : float, or None
        Temperature, threshold or height of water; None before the stage has begun.
    objective : float
        Weighted energy after the last sweep.
    small_gains : int
        Sweeps in a row that gained little.
    heats : tuple of float
        Levels still to come of a re-heat.
    reheats : int
        How many re-heats there were.
    quenched : int
        Row from which on the energy is watched for a stall.
    rows : tuple of tuple
        See `History`.
    """

    stage: str = ""
    proposed: int = 0
    accepted: int = 0
    noted: int = 0
    noted_accepted: int = 0
    level: float | None = None
    objective: float = float("inf")
    small_gains: int = 0
    heats: tuple[float, ...] = ()
    reheats: int = 0
    quenched: int = 0
    seconds: float = 0.0
    rows: tuple[tuple[float, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Saved:
    """What a checkpoint holds beside the state."""

    labels: npt.NDArray[np.uint8]
    best: npt.NDArray[np.uint8] | None
    proposed: int
    accepted: int
    arrays: Mapping[str, Any]


def save(
    path: str | os.PathLike[str],
    annealer: _core.Annealer | _core.BlockAnnealer,
    best: npt.NDArray[np.uint8] | None,
    state: State,
    settings: str,
) -> None:
    """Write a checkpoint, all or nothing."""
    arrays: dict[str, Any] = {"labels": annealer.labels()}
    if best is not None:
        arrays["best"] = best
    if isinstance(annealer, _core.Annealer):
        sites, in_order, random, *_ = annealer.snapshot()
        arrays |= {f"sites_{label}": places for label, places in sites.items()}
        arrays["sorted"] = np.bool_(in_order)
        arrays["random"] = np.array(random, dtype=np.uint64)
    arrays["made"] = np.array([annealer.proposed, annealer.accepted], dtype=np.int64)
    about = {"format": FORMAT, "settings": settings, "state": asdict(state)}
    arrays["about"] = np.array(json.dumps(about))

    def write(temporary: Path) -> None:
        with temporary.open("wb") as file:
            np.savez(file, allow_pickle=False, **arrays)

    _files.write_with(path, write)


def load(path: str | os.PathLike[str], settings: str) -> tuple[Saved, State]:
    """Read a checkpoint: its arrays, and where the run was.

    Raises
    ------
    CheckpointError
        If it is missing, damaged, or of a run with other settings.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        about = json.loads(str(arrays.pop("about")))
        if about["format"] == FORMAT:
            values = {one.name: about["state"][one.name] for one in fields(State)}
            values["rows"] = tuple(map(tuple, values["rows"]))
            values["heats"] = tuple(values["heats"])
            state = State(**values)
        proposed, accepted = map(int, arrays["made"])
        saved = Saved(arrays["labels"], arrays.get("best"), proposed, accepted, arrays)
    except OSError as error:
        raise CheckpointError(f"cannot read the checkpoint {path}: {error.strerror}") from error
    except Exception as error:  # zip files, NumPy and JSON raise almost anything when damaged
        raise CheckpointError(f"{path} is damaged or is no annealing checkpoint") from error
    if about["format"] != FORMAT or about["settings"] != settings:
        raise CheckpointError(
            f"{path} belongs to an annealing run with other settings (target, shape, seed, ...)"
        )
    return saved, state


def restore(annealer: _core.Annealer, saved: Saved) -> None:
    """Bring an annealer, made from the checkpoint's labels, to where the run was."""
    sites = {
        int(name.removeprefix("sites_")): places
        for name, places in saved.arrays.items()
        if name.startswith("sites_")
    }
    random = [int(word) for word in saved.arrays["random"]]
    in_order = bool(saved.arrays["sorted"])
    annealer.restore(sites, in_order, random, saved.proposed, saved.accepted)
