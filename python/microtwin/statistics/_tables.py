"""Correlation functions to tables and files, and exactly back."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from microtwin import _files, _result_files
from microtwin.errors import OF_DAMAGE, InputError

if TYPE_CHECKING:
    import pandas as pd

    from microtwin.statistics._registry import Numbers
    from microtwin.statistics.function import CorrelationFunction

FORMAT = "microtwin-statistics-2"
COLUMNS = (
    "statistic", "phase", "partner", "direction", "lag", "distance", "distance_m", "hits", "trials",
    "value",
)  # fmt: skip
_ABOUT = (
    "statistic", "phase", "partner", "directions", "periodic", "masked", "step", "samples",
    "device", "version",
)  # fmt: skip

Record = dict[str, Any]


def to_dataframe(
    functions: "Sequence[CorrelationFunction]", numbers: "Sequence[Numbers]" = ()
) -> "pd.DataFrame":
    """Return one row for each curve and lag, and for each number."""
    import pandas as pd

    return pd.DataFrame([*_rows(functions), *_number_rows(numbers)], columns=list(COLUMNS))


def write_csv(
    path: str | os.PathLike[str],
    functions: "Sequence[CorrelationFunction]",
    about: Record,
    numbers: "Sequence[Numbers]" = (),
) -> Path:
    """Write a CSV table with one comment line above it that holds what the table does not.

    The numbers are in the table for those who read it; `about` has to hold them exactly.
    """
    header = {"format": FORMAT, **about, "functions": [_about(f) for f in functions]}
    table = _result_files.table(COLUMNS, [*_rows(functions), *_number_rows(numbers)])
    return _result_files.write_csv(path, header, table)


def read_csv(path: str | os.PathLike[str]) -> tuple[list[Record], Record]:
    """Read what `write_csv` wrote: the fields of each function, and the rest of the header."""
    head, rows = _result_files.split_csv(_read(path))
    header = _parse(head, path)
    try:
        records = header.pop("functions")
        for record in records:
            shape = (max(len(record["vectors"]), 1), len(record["sums"]))
            mine, rows = rows[: shape[0] * shape[1]], rows[shape[0] * shape[1] :]
            number = int if record["exact"] else float
            record["hits"] = np.reshape([number(row["hits"]) for row in mine], shape)
            record["trials"] = np.reshape([int(row["trials"]) for row in mine], shape)
            if record["exact"] and (record["hits"] > record["trials"]).any():
                raise ValueError("more hits than trials")
        return [_restored(record) for record in records], header
    except OF_DAMAGE as error:
        raise InputError(f"{path} is damaged: its table does not fit its header") from error


def write_json(
    path: str | os.PathLike[str], functions: "Sequence[CorrelationFunction]", about: Record
) -> Path:
    """Write functions as one JSON object."""
    return _files.write_json(path, as_record(functions, about))


def as_record(functions: "Sequence[CorrelationFunction]", about: Record) -> Record:
    """Return functions as a JSON-ready object; `values` is there for readers, not for us."""
    return {
        "format": FORMAT,
        **about,
        "functions": [
            {
                **_about(f),
                "hits": f.hits.tolist(),
                "trials": f.trials.tolist(),
                "values": _json_floats(f.values),
                "mean": _json_floats(f.mean),
            }
            for f in functions
        ],
    }


def read_json(path: str | os.PathLike[str]) -> tuple[list[Record], Record]:
    """Read what `write_json` wrote."""
    return from_record(_parse(_read(path), path), path)


def from_record(header: Record, path: str | os.PathLike[str]) -> tuple[list[Record], Record]:
    """Take apart what `as_record` made; `path` is where it came from."""
    header = dict(header)
    try:
        return [_restored(record) for record in header.pop("functions")], header
    except OF_DAMAGE as error:
        raise InputError(f"{path} is damaged: a function in it is incomplete") from error


def direction_name(vector: Sequence[int]) -> str:
    """Return a step as text, such as "0 1 -1"."""
    return " ".join(map(str, vector))


def _rows(functions: "Sequence[CorrelationFunction]") -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = []
    for f in functions:
        names = [direction_name(vector) for vector in f.vectors] or [f.directions]
        values, voxels, metres = f.values, f.abscissa, f.distances
        for i, name in enumerate(names):
            for lag in range(f.max_lag + 1):
                metre = None if metres is None else float(metres[i, lag])
                where = (name, lag, float(voxels[lag]), metre)
                counts = (f.hits[i, lag].item(), int(f.trials[i, lag]), float(values[i, lag]))
                rows.append((f.statistic, f.phase, f.partner, *where, *counts))
    return rows


def _number_rows(numbers: "Sequence[Numbers]") -> list[tuple[Any, ...]]:
    nothing = (None,) * 5
    return [
        (one.statistic, one.phase, None, name, *nothing, value)
        for one in numbers
        for name, value in one.numbers.items()
    ]


def _about(f: "CorrelationFunction") -> Record:
    return {
        **{name: getattr(f, name) for name in _ABOUT},
        "vectors": [list(vector) for vector in f.vectors],
        "spacing": None if f.spacing is None else list(f.spacing),
        "exact": f.hits.dtype.kind == "i",
        "sums": _json_floats(f.sums),
        "squares": _json_floats(f.squares),
    }


def _restored(record: Record) -> Record:
    floats = {
        name: np.array([np.nan if v is None else v for v in record[name]], dtype=np.float64)
        for name in ("sums", "squares")
    }
    counts = {
        "hits": np.asarray(record["hits"], dtype=np.int64 if record["exact"] else np.float64),
        "trials": np.asarray(record["trials"], dtype=np.int64),
    }
    vectors = tuple(tuple(vector) for vector in record["vectors"])
    spacing = None if record["spacing"] is None else tuple(record["spacing"])
    about = {name: record[name] for name in _ABOUT}
    return {**about, **floats, **counts, "vectors": vectors, "spacing": spacing}


def _json_floats(values: Any) -> Any:
    """Nest floats in lists, with None for NaN: JSON has no NaN."""
    if np.ndim(values) > 1:
        return [_json_floats(row) for row in values]
    return [float(v) if np.isfinite(v) else None for v in values]


def _read(path: str | os.PathLike[str]) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not a statistics file of microtwin: it is no text") from error


def _parse(text: str, path: str | os.PathLike[str]) -> Record:
    try:
        header = json.loads(text)
    except (ValueError, RecursionError):
        header = None
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise InputError(f"{path} is not a statistics file of microtwin ({FORMAT})")
    return header
