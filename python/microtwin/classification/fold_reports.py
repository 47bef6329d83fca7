"""Cross-validation: one report a fold, and what they have in common."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from microtwin import _files, _result_files
from microtwin._html import decimals
from microtwin.classification._report_text import grid
from microtwin.classification.report import Report
from microtwin.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

SHOWN = ("accuracy", "macro_f1", "auc", "average_precision", "brier")


@dataclass(frozen=True, slots=True, eq=False)
class FoldReports:
    """What classifiers reach that were each trained without a part, on that part.

    Attributes
    ----------
    reports : tuple of Report
        One a fold.
    """

    form: ClassVar[str] = "microtwin-fold-reports-1"

    reports: tuple[Report, ...]

    def __post_init__(self) -> None:
        if not self.reports:
            raise InputError("reports must be at least one")
        if len({report.classes for report in self.reports}) > 1:
            raise InputError("reports must all be of the same classes")

    def __len__(self) -> int:
        return len(self.reports)

    @property
    def confusion(self) -> npt.NDArray[np.int64]:
        """Confusion matrix over all folds: each image counts once."""
        return np.asarray(np.sum([report.confusion for report in self.reports], axis=0))

    @property
    def accuracy(self) -> float:
        """Fraction right over all folds."""
        return float(np.trace(self.confusion) / self.confusion.sum())

    def to_dataframe(self) -> "pd.DataFrame":
        """Return a table: a row for each fold, their mean and their standard deviation.

        The standard deviation is that between folds (n - 1); NaN of a single one.
        """
        import pandas as pd

        table = pd.DataFrame([report.summary for report in self.reports], dtype=float)
        table.index = pd.Index([f"fold {i + 1}" for i in range(len(self))], name="fold")
        below = pd.DataFrame({"mean": table.mean(), "standard deviation": table.std()}).T
        below.index.name = "fold"
        return pd.concat([table, below])

    def __str__(self) -> str:
        """Return the table as plain text, with the numbers that tell most."""
        table = self.to_dataframe()
        rows = [
            [str(name), *map(decimals, row)]
            for name, row in zip(table.index, table[list(SHOWN)].to_numpy(), strict=True)
        ]
        lines = grid(("", *(name.replace("_", " ") for name in SHOWN)), rows)
        total = int(self.confusion.sum())
        lines.insert(1 + len(self), "")
        return "\n".join([*lines, "", f"over all {total} images: accuracy {self.accuracy:.4f}"])

    def to_csv(self, path: str | os.PathLike[str]) -> Path:
        """Write the table of `to_dataframe` as CSV."""
        return _files.write_with(path, lambda file: self.to_dataframe().to_csv(file))

    def to_record(self) -> dict[str, Any]:
        """Return a JSON-ready object that `from_record` reads back exactly."""
        return {"format": self.form, "reports": [report.to_record() for report in self.reports]}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """Return what `to_record` made an object of."""
        return cls(tuple(map(Report.from_record, record["reports"])))

    def to_json(self, path: str | os.PathLike[str]) -> Path:
        """Write a JSON file that `from_json` reads back exactly."""
        return _files.write_json(path, self.to_record())

    @classmethod
    def from_json(cls, path: str | os.PathLike[str]) -> Self:
        """Read what `to_json` wrote.

        Raises
        ------
        InputError
            If it cannot be read or is something else.
        """
        return _result_files.read_json(path, cls.form, cls.from_record)
