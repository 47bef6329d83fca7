"""Curves from tables that people and other programs write."""

import csv
import os
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from microtwin.annealing._targets import LIKE_EVENTS
from microtwin.errors import InputError

Floats = npt.NDArray[np.float64]


def read_curves(path: str | os.PathLike[str]) -> dict[str, Floats]:
    """Read correlation functions from a plain CSV file with a header.

    The header names the columns: ``lag`` (in voxels), and ``two_point`` or ``lineal_path`` or both;
    or one column an axis, ``two_point_0,two_point_1``. Commas, semicolons or tabs separate them.
    Lines that begin with ``#`` are comments. Lags that are missing, and cells that are empty, are
    interpolated where there are values on both sides.

    Parameters
    ----------
    path : path
        File to read.

    Returns
    -------
    dict of str to ndarray of float64
        Of each statistic the values at lag 0, 1, 2, ..., shape (n,) or (axes, n), for
        `target_from_curves`.

    Raises
    ------
    InputError
        If the file cannot be read or is no such table; it says where.
    """
    header, rows = _table(path)
    columns = [_column(name, path) for name in header]
    at = [k for k, (statistic, _) in enumerate(columns) if statistic == "lag"]
    if len(at) != 1 or len(set(columns)) != len(columns) or len(columns) < 2:
        raise InputError(
            f"{path} must have one column lag and others such as two_point, each once, not "
            f"{', '.join(header)}"
        )
    lags = _numbers(rows, at[0], "lag", path)
    if not (np.diff(lags) > 0).all() or np.isnan(lags).any() or lags[0] != 0:
        raise InputError(f"{path} must have lags that begin at 0 and rise from row to row")
    found: dict[str, dict[int | None, Floats]] = {}
    for k, (statistic, axis) in enumerate(columns):
        if statistic != "lag":
            values = _numbers(rows, k, header[k], path)
            found.setdefault(statistic, {})[axis] = _filled(lags, values, header[k], path)
    return {name: _stacked(name, curves, path) for name, curves in found.items()}


def _table(path: str | os.PathLike[str]) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Return the header, and the rows with the numbers of their lines."""
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} must be a CSV file; it is no text") from error
    lines = [
        (number, line)
        for number, line in enumerate(text.splitlines(), 1)
        if line.strip() and not line.lstrip().startswith("#")
    ]
    if len(lines) < 2:
        raise InputError(f"{path} must hold a header and at least one row of numbers")
    separator = next((mark for mark in ";\t" if mark in lines[0][1]), ",")
    try:
        parsed = list(csv.reader([line for _, line in lines], delimiter=separator, strict=True))
    except csv.Error as error:
        raise InputError(f"{path} must be a CSV file: {error}") from error
    if len(parsed) != len(lines):
        raise InputError(
            f"{path} must have a row on each line; a quoted cell is open in one of them"
        )
    cells = [
        (number, [cell.strip() for cell in row])
        for (number, _), row in zip(lines, parsed, strict=True)
    ]
    header = cells[0][1]
    if "statistic" in header:
        raise InputError(f"{path} is a table of microtwin: read it with Description.from_csv")
    for number, row in cells[1:]:
        if len(row) != len(header):
            raise InputError(
                f"line {number} of {path} must have {len(header)} cells, not {len(row)}"
            )
    return header, cells[1:]


def _column(name: str, path: str | os.PathLike[str]) -> tuple[str, int | None]:
    """Return the statistic and the axis that a column is of."""
    found = re.fullmatch(rf"(lag|{'|'.join(LIKE_EVENTS)})(?:_(\d))?", name)
    if not found or (found[1] == "lag" and found[2]):
        raise InputError(
            f"each column of {path} must be lag, {', '.join(LIKE_EVENTS)}, or one of an axis such "
            f"as two_point_0; not {name!r}"
        )
    return found[1], int(found[2]) if found[2] else None


def _numbers(
    rows: Sequence[tuple[int, list[str]]], k: int, name: str, path: str | os.PathLike[str]
) -> Floats:
    """Return a column, NaN where a cell is empty."""
    values = []
    for number, row in rows:
        try:
            values.append(float(row[k] or "nan"))
        except ValueError:
            raise InputError(
                f"{name} on line {number} of {path} must be a number, not {row[k]!r}"
            ) from None
    return np.array(values)


def _filled(lags: Floats, values: Floats, name: str, path: str | os.PathLike[str]) -> Floats:
    """Return a curve at each whole lag, up to the last one that it has."""
    known = np.isfinite(values)
    if not known[0]:
        raise InputError(f"{name} of {path} must have a value at lag 0: there it is the fraction")
    whole = np.arange(int(lags[known][-1]) + 1)
    return np.interp(whole, lags[known], values[known])


def _stacked(name: str, curves: dict[int | None, Floats], path: str | os.PathLike[str]) -> Floats:
    """Return the one curve of a statistic, or those of all axes as far as each goes."""
    if None in curves and len(curves) == 1:
        return curves[None]
    axes = [axis for axis in curves if axis is not None]
    if None in curves or sorted(axes) not in ([0, 1], [0, 1, 2]):
        raise InputError(f"{path} must have {name} alone, or {name}_0, {name}_1 (and {name}_2)")
    shortest = min(map(len, curves.values()))
    return np.stack([curves[axis][:shortest] for axis in sorted(axes)])
