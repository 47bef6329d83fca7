"""What a job made, read from its store."""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from microtwin.errors import InputError
from microtwin.scale.store import needs_arrow, read_about, read_rows

if TYPE_CHECKING:
    import pandas as pd

    from microtwin.statistics import Description


@dataclass(frozen=True, slots=True)
class Results:
    """The store of a job, to be read.

    Attributes
    ----------
    path : Path
        The folder; ``table.parquet`` in it is read by pandas, Polars, DuckDB and others as well.
    job : str
        What was done.
    settings : mapping
        And how.
    items : tuple of str
        Names of the items asked for, in their order; all in the store where nothing was asked.
    skipped : int
        How many of them had been done before.
    """

    path: Path
    job: str
    settings: dict[str, Any]
    items: tuple[str, ...]
    skipped: int = 0

    def to_dataframe(self) -> "pd.DataFrame":
        """Return a row for each item (or several), in the order of the items."""
        import pandas as pd

        table = read_rows(self.path)
        if table is None:
            return pd.DataFrame({"item": [], "reason": []})
        frame: pd.DataFrame = table.to_pandas()
        for name in table.column_names:  # whole numbers stay such beside items that failed
            if table[name].null_count and str(table[name].type) == "int64":
                frame[name] = table[name].to_pandas(types_mapper=lambda _: pd.Int64Dtype())
        order = {name: i for i, name in enumerate(self.items)}
        frame = frame[frame["item"].isin(order)]
        sorted_ = frame.sort_values("item", key=lambda names: names.map(order), kind="stable")
        return sorted_.reset_index(drop=True)

    @property
    def failed(self) -> dict[str, str]:
        """Reason why, by the name of each item that failed."""
        frame = self.to_dataframe()
        bad = frame[frame["reason"].notna()]
        return dict(zip(bad["item"], bad["reason"], strict=True))

    @property
    def labels(self) -> Any:
        """The Zarr array of structures (n, ...), each at its `index` in the table; or None.

        Structures of items that failed, or are yet to be made, are all 0.
        """
        from microtwin.images.zarr_files import open_zarr

        folder = self.path / "labels.zarr"
        return open_zarr(folder) if folder.exists() else None

    def descriptions(self) -> "Iterator[tuple[str, Description]]":
        """Yield the name and the description of each item that was described, exact to the count.

        Descriptions of one material merge by addition: ``sum`` of them is that of all.
        """
        from microtwin.scale.describing import restored

        if self.job != "describe":
            raise InputError(f"store must be of describe_many to hold descriptions, not {self.job}")
        frame = self.to_dataframe()
        for row in frame[frame["reason"].isna()].to_dict("records"):
            yield str(row["item"]), restored({str(k): v for k, v in row.items()})


def open_store(path: str | os.PathLike[str]) -> Results:
    """Open the store that a job over many items left, or fills just now.

    Parameters
    ----------
    path : path
        Its folder.

    Returns
    -------
    Results

    Raises
    ------
    InputError
        If there is none.
    """
    needs_arrow()
    about = read_about(Path(path))
    if about is None:
        raise InputError(f"{path} is no store of a job over many items")
    table = read_rows(Path(path))
    names = [] if table is None else dict.fromkeys(table["item"].to_pylist())
    return Results(Path(path), about["task"], about["settings"], tuple(sorted(names, key=_natural)))


def results_of(path: Path, items: Sequence[str], *, skipped: int) -> Results:
    """Return what a store holds of some items."""
    about = read_about(path)
    assert about is not None
    return Results(path, about["task"], about["settings"], tuple(items), skipped)


def _natural(name: str) -> list[tuple[int, int, str]]:
    """Return a key that sorts a10 behind a9."""
    return [
        (0, int(part), "") if part.isdigit() else (1, 0, part)
        for part in re.split(r"(\d+)", name)
        if part
    ]
