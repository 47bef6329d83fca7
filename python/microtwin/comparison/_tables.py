"""Comparisons as one long table of numbers."""

import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from microtwin import _files
from microtwin.comparison.difference import inside_band
from microtwin.comparison.result import Comparison, Member

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    "method", "quantity", "phase", "lag", "distance_m",
    "value", "spread", "reference", "reference_spread", "inside_band", "samples",
)  # fmt: skip
_DIFFERENCES = (
    "rms", "largest", "rms_in_spreads", "largest_in_spreads", "rms_in_errors", "inside",
)  # fmt: skip

_NOVELTY = (
    "median", "threshold", "memorised", "chance", "copies", "variety", "duplicates",
)  # fmt: skip

Row = dict[str, Any]


def to_dataframe(comparison: Comparison) -> "pd.DataFrame":
    """Return one row for each number; see `Comparison.to_dataframe`."""
    import pandas as pd

    rows = [row for member in comparison.members for row in _rows(comparison, member)]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def rows_to_dataframe(comparison: Comparison) -> "pd.DataFrame":
    """Return how near each method comes in each quantity, a row for each pair of them."""
    import pandas as pd

    return pd.DataFrame(
        [
            {"quantity": row.quantity, "phase": row.phase, **asdict(place)}
            for row in comparison.rows
            for place in row.places
        ]
    )


def structures_to_dataframe(comparison: Comparison) -> "pd.DataFrame":
    """Return the numbers of every structure, where methods were ranked."""
    import pandas as pd

    return pd.concat(
        [
            pd.DataFrame(dict(member.numbers)).assign(method=member.name)
            for member in comparison.members
        ]
    )


def write_csv(path: str | os.PathLike[str], comparison: Comparison) -> Path:
    """Write the long table as CSV."""
    table = to_dataframe(comparison)
    return _files.write_with(path, lambda file: table.to_csv(file, index=False))


def _rows(comparison: Comparison, member: Member) -> Iterator[Row]:
    about = {"method": member.name, "samples": member.samples}
    for row in (
        *_scalars(comparison, member),
        *_curves(comparison.reference, member),
        *_differences(member),
        *_novelty(member),
        *_conducting(comparison.reference, member),
    ):
        yield {**about, **row}


def _scalars(comparison: Comparison, member: Member) -> Iterator[Row]:
    mine, real = member.description, comparison.reference.description
    for phase in real.phases:
        yield {
            "quantity": "volume_fraction",
            "phase": phase,
            "value": mine.fraction(phase),
            "spread": mine.fraction_spread(phase),
            "reference": real.fraction(phase),
            "reference_spread": real.fraction_spread(phase),
        }
    yield {
        "quantity": "specific_surface",
        "phase": real.phase,
        "value": comparison.surface(member),
        "spread": comparison.surface_spread(member),
        "reference": comparison.surface(comparison.reference),
        "reference_spread": comparison.surface_spread(comparison.reference),
    }


def _curves(reference: Member, member: Member) -> Iterator[Row]:
    for real in reference.description.functions:
        mine = member.description.counterpart(real)
        inside = inside_band(mine.mean[: len(real.mean)], real)
        distances = real.distances
        for lag in range(min(len(mine.lags), len(real.lags))):
            yield {
                "quantity": real.statistic,
                "phase": real.phase,
                "lag": lag,
                "distance_m": None if distances is None else float(np.mean(distances[:, lag])),
                "value": mine.mean[lag],
                "spread": None if mine.spread is None else mine.spread[lag],
                "reference": real.mean[lag],
                "reference_spread": None if real.spread is None else real.spread[lag],
                "inside_band": None if inside is None else bool(inside[lag]),
            }


def _differences(member: Member) -> Iterator[Row]:
    for difference in member.differences:
        for name in _DIFFERENCES:
            yield {
                "quantity": f"{difference.statistic}.{name}",
                "phase": difference.phase,
                "value": getattr(difference, name),
            }


def _novelty(member: Member) -> Iterator[Row]:
    if member.novelty is None:
        return
    numbers = member.novelty.summary()
    references = {"median": numbers["real_median"], "duplicates": numbers["real_duplicates"]}
    for name in _NOVELTY:
        yield {
            "quantity": f"novelty.{name}",
            "phase": member.novelty.phase,
            "value": numbers[name],
            "reference": references.get(name),
        }


def _conducting(reference: Member, member: Member) -> Iterator[Row]:
    mine, real = member.conducting, reference.conducting
    if mine is None:
        return
    for i, axis in enumerate(mine.axes):
        row = {
            "quantity": f"relative_conductivity.{axis}",
            "value": mine.mean[i],
            "spread": None if mine.spread is None else mine.spread[i],
        }
        if real is not None and real.axes == mine.axes:
            row["reference"] = real.mean[i]
            row["reference_spread"] = None if real.spread is None else real.spread[i]
        yield row
