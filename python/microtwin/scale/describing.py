"""Descriptions of many structures, each by itself."""

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from microtwin import _validate
from microtwin._progress import ProgressCallback
from microtwin.scale._work import Row, read_labels
from microtwin.scale.items import items_of
from microtwin.scale.mapping import Job, run
from microtwin.scale.results import Results
from microtwin.statistics import Description, describe
from microtwin.statistics._registry import NUMBERS, OF_INTERFACE
from microtwin.statistics.describing import DEFAULT
from microtwin.statistics.function import make_function

_CURVE = ("statistic", "phase", "step", "directions", "vectors", "partner")


def describe_many(
    files: Any,
    *,
    store: str | os.PathLike[str],
    phase: int | Sequence[int] | None = None,
    statistics: str | Sequence[str] = DEFAULT,
    max_lag: int | None = None,
    directions: str | Sequence[str] = "axes",
    periodic: bool = False,
    spacing: Any = None,
    threshold: float | None = None,
    reading: Mapping[str, Any] | None = None,
    workers: int | None = None,
    cluster: Any = None,
    progress: ProgressCallback | None = None,
) -> Results:
    """Measure each of many images or volumes by itself, in many processes.

    The table gets a row for each: volume fractions, specific surface, what `describe` measures in
    numbers, and of every curve its mean over the directions and the exact counts. `Results`
    turns rows into descriptions again, which merge by addition.

    Parameters
    ----------
    files : path, array, or list of them
        As in `map_many`. Labels are taken as they are; grey levels are cut in two.
    store : path
        Folder for the results, see `map_many`.
    phase, statistics, max_lag, directions, periodic, spacing
        As in `describe`.
    threshold : float, optional
        Where grey levels are cut; each image at its own level, by Otsu, unless given.
    reading : mapping, optional
        Further arguments of `read_image`: crop_info_bar, channel, shape and dtype of raw files.
    workers, cluster, progress
        As in `map_many`.

    Returns
    -------
    Results

    Raises
    ------
    InputError
        As in `map_many`.

    Examples
    --------
    >>> import tempfile
    >>> noise = [np.random.default_rng(i).random((32, 32)) < 0.3 for i in range(3)]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     found = describe_many(noise, store=folder + "/noise", workers=1)
    ...     merged = sum(found.descriptions(), start=None)  # doctest: +SKIP
    ...     len(found.to_dataframe())
    3
    """
    measuring: dict[str, Any] = {
        "phase": None if phase is None else listed(phase),
        "statistics": listed(statistics),
        "max_lag": max_lag,
        "directions": listed(directions),
        "periodic": bool(periodic),
    }
    # What is wrong with these is wrong with every item: told at once.
    for ndim in (2, 3):
        check = np.indices((8,) * ndim).sum(axis=0) % 2
        tried = {**measuring, "phase": None, "max_lag": None}
        describe(check, remember=False, threads=1, **tried)
    how = reading_of(spacing, threshold, reading)
    job = Job("describe", described, {"reading": how, "measuring": measuring})
    return run(job, items_of(files), store, workers=workers, cluster=cluster, progress=progress)


def reading_of(
    spacing: Any, threshold: float | None, more: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Return how items are read, as settings of a job; None where files say it themselves."""
    if threshold is not None:
        _validate.real(threshold, name="threshold")
    known = ("crop_info_bar", "channel", "shape", "dtype", "key")
    for name in more or {}:
        _validate.choice(name, known, name="each of reading")
    edges = None
    if spacing is not None:
        given_edges = _validate.spacing(spacing, ndim=max(np.size(spacing), 1))
        edges = list(given_edges or ()) if np.ndim(spacing) else float(spacing)
    given = {k: list(v) if isinstance(v, tuple) else v for k, v in (more or {}).items()}
    return {"spacing": edges, "threshold": threshold, **given}


def listed(value: Any) -> list[Any]:
    """Return one value or several as a list, so that settings alike are written alike."""
    return [value] if isinstance(value, str | int) else list(value)


def described(item: Any, *, reading: Mapping[str, Any], measuring: Mapping[str, Any]) -> Row:
    """Measure one item."""
    labels, level = read_labels(item, **reading)
    description = describe(labels, threads=1, device="cpu", remember=False, **measuring)
    row: Row = {
        "shape": " ".join(map(str, description.shape)),
        "spacing": None if description.spacing is None else float(description.spacing[0]),
        "threshold": level,
        "phase": description.phase,
        "porosity": description.porosity,
        "specific_surface": description.specific_surface,
        **{f"fraction_{label}": description.fraction(label) for label in description.voxels},
    }
    for one in description.numbers:
        row |= {f"{name}_{one.phase}": float(value) for name, value in one.numbers.items()}
    curves: list[dict[str, Any]] = []
    counts: list[Any] = []
    found: list[Any] = []
    for f in description.functions:
        column = f"{f.statistic}_{f.phase}"
        if f.directions not in ("axes", "none"):
            column += f"_{f.directions}"
        row[column] = f.sums  # of one sample its mean curve
        trials = f.trials.ravel()
        # Phases have their trials in common: these are kept once.
        same = next((i for i, known in enumerate(found) if np.array_equal(known, trials)), None)
        counts += [f.hits.ravel()] if same is not None else [f.hits.ravel(), trials]
        found += [] if same is not None else [trials]
        curves.append(
            {
                **{name: getattr(f, name) for name in _CURVE},
                "points": f.hits.shape[1],
                "trials": same,
            }
        )
    about = {
        "phase": description.phase,
        "shape": description.shape,
        "spacing": description.spacing,
        "periodic": description.periodic,
        "voxels": dict(description.voxels),
        "interfaces": {p: pairs.tolist() for p, pairs in description.interfaces.items()},
        "numbers": [one.to_record() for one in description.numbers],
        "curves": curves,
    }
    return {**row, "counts": _narrow(np.concatenate(counts)), "about": json.dumps(about)}


def _narrow(counts: np.ndarray) -> np.ndarray:
    """Return whole numbers in half the bytes where they fit."""
    whole = counts.dtype.kind == "i" and counts.max(initial=0) <= np.iinfo(np.int32).max
    return counts.astype(np.int32) if whole else counts


def restored(row: Mapping[str, Any]) -> Description:
    """Return the description that a row was made of."""
    about = json.loads(row["about"])
    spacing = None if about["spacing"] is None else tuple(about["spacing"])
    functions, found = [], []
    left = np.array(row["counts"])
    for curve in about["curves"]:
        vectors = tuple(tuple(vector) for vector in curve.pop("vectors"))
        shape = (max(len(vectors), 1), curve.pop("points"))
        hits, left = left[: np.prod(shape)].reshape(shape), left[np.prod(shape) :]
        if curve["statistic"] not in OF_INTERFACE:
            hits = hits.astype(np.int64)
        same = curve.pop("trials")
        if same is None:
            found.append(left[: np.prod(shape)].astype(np.int64))
            left = left[np.prod(shape) :]
        trials = found[-1 if same is None else same].reshape(shape)
        functions.append(
            make_function(
                **curve,
                vectors=vectors,
                hits=hits,
                trials=trials,
                periodic=about["periodic"],
                spacing=spacing,
            )
        )
    voxels = {int(label): count for label, count in about["voxels"].items()}
    total = sum(voxels.values())
    return Description(
        phase=about["phase"],
        functions=tuple(functions),
        voxels=voxels,
        porosities=np.array([[count / total for count in voxels.values()]]),
        interfaces={int(p): np.array(pairs) for p, pairs in about["interfaces"].items()},
        shape=tuple(about["shape"]),
        numbers=tuple(NUMBERS[one["statistic"]].restore(one) for one in about["numbers"]),
    )
