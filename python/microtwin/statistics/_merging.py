"""What results that merge have in common."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from microtwin.errors import InputError

Floats = npt.NDArray[np.float64]


def check_same(
    mine: object, theirs: object, names: Iterable[str], *, what: str = "results"
) -> None:
    """Raise InputError unless two results agree in everything that merging takes for granted."""
    for name in names:
        one, other = getattr(mine, name), getattr(theirs, name)
        if one != other:
            raise InputError(f"{what} to merge must have the same {name}: {one} and {other}")


def spread_of(names: Iterable[str], table: Floats) -> dict[str, float] | None:
    """Return the standard deviation of numbers, one a column, between samples; None for one."""
    if len(table) < 2:
        return None
    return dict(zip(names, table.std(axis=0, ddof=1).tolist(), strict=True))


def table_record(table: Floats) -> list[list[float | None]]:
    """Return a table as nested lists, with None for NaN: JSON has no NaN."""
    return [[None if np.isnan(value) else float(value) for value in row] for row in table]


def table_from(record: Iterable[Iterable[Any]]) -> Floats:
    """Return the table that `table_record` made lists of."""
    return np.array([[np.nan if v is None else v for v in row] for row in record], dtype=np.float64)
