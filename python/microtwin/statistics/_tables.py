"""Correlation functions to tables and files, and exactly back."""

import csv
import io
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from microtwin import _files
from microtwin.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from microtwin.statistics.correlation import CorrelationFunction

FORMAT = "microtwin-statistics-1"
COLUMNS = ("statistic", "phase", "axis", "lag", "distance_m", "hits", "trials", "value")
_ABOUT = ("statistic", "phase", "periodic", "samples", "device", "version")

Record = dict[str, Any]


def to_dataframe(functions: "Sequence[CorrelationFunction]") -> "pd.DataFrame":
    """Return one row for each function, axis and lag."""
    import pandas as pd

    return pd.DataFrame(list(_rows(functions)), columns=list(COLUMNS))


def write_csv(
    path: str | os.PathLike[str], functions: "Sequence[CorrelationFunction]", about: Record
) -> Path:
    """Write a CSV table with one comment line above it that holds what the table does not."""
    header = {"format": FORMAT, **about, "functions": [_about(f) for f in functions]}
    text = io.StringIO()
    text.write(f"# {json.dumps(header)}\n")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(_rows(functions))
    return _files.write_text(path, text.getvalue())


def read_csv(path: str | os.PathLike[str]) -> tuple[list[Record], Record]:
    """Read what `write_csv` wrote: the fields of each function, and the rest of the header."""
    lines = _read(path).splitlines()
    header = _parse(lines[0].removeprefix("#") if lines else "", path)
    rows = list(csv.DictReader(lines[1:]))
    records = header.pop("functions")
    try:
        cells = [(int(row["hits"]), int(row["trials"])) for row in rows]
        for record in records:
            shape = (len(record["axes"]), len(record["sums"]))
            mine, cells = cells[: shape[0] * shape[1]], cells[shape[0] * shape[1] :]
            table = np.array(mine, dtype=np.int64).reshape(*shape, 2)
            record["hits"], record["trials"] = table[..., 0].copy(), table[..., 1].copy()
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path} is damaged: its table does not fit its header") from error
    return [_restored(record) for record in records], header


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
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path} is damaged: a function in it is incomplete") from error


def _rows(functions: "Sequence[CorrelationFunction]") -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = []
    for f in functions:
        values, distances = f.values, f.distances
        for i, axis in enumerate(f.axes):
            for lag in range(f.max_lag + 1):
                distance = None if distances is None else float(distances[i, lag])
                counts = (int(f.hits[i, lag]), int(f.trials[i, lag]), float(values[i, lag]))
                rows.append((f.statistic, f.phase, axis, lag, distance, *counts))
    return rows


def _about(f: "CorrelationFunction") -> Record:
    return {
        **{name: getattr(f, name) for name in _ABOUT},
        "axes": list(f.axes),
        "spacing": None if f.spacing is None else list(f.spacing),
        "sums": _json_floats(f.sums),
        "squares": _json_floats(f.squares),
    }


def _restored(record: Record) -> Record:
    floats = {
        name: np.array([np.nan if v is None else v for v in record[name]], dtype=np.float64)
        for name in ("sums", "squares")
    }
    counts = {name: np.asarray(record[name], dtype=np.int64) for name in ("hits", "trials")}
    spacing = None if record["spacing"] is None else tuple(record["spacing"])
    about = {name: record[name] for name in _ABOUT}
    return {**about, **floats, **counts, "axes": tuple(record["axes"]), "spacing": spacing}


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
    except json.JSONDecodeError:
        header = None
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise InputError(f"{path} is not a statistics file of microtwin ({FORMAT})")
    return header
