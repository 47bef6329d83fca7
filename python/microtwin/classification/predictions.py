"""What a classifier says of images."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from microtwin import _files, _result_files

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """How likely each class is for each image.

    Attributes
    ----------
    probabilities : ndarray, shape (n, k)
        Rows sum to one.
    classes : tuple of str
        Names of the k classes.
    sources : tuple of str
        Where each image comes from.
    """

    probabilities: npt.NDArray[np.float64]
    classes: tuple[str, ...]
    sources: tuple[str, ...]

    @property
    def predicted(self) -> npt.NDArray[np.int64]:
        """Index of the likeliest class, (n,)."""
        return np.asarray(self.probabilities.argmax(axis=1), np.int64)

    @property
    def labels(self) -> list[str]:
        """Name of the likeliest class of each image."""
        return [self.classes[i] for i in self.predicted]

    def __len__(self) -> int:
        return len(self.probabilities)

    def to_dataframe(self) -> "pd.DataFrame":
        """Return a table: the image, the likeliest class, and how likely each is."""
        import pandas as pd

        table = pd.DataFrame({"image": self.sources, "predicted": self.labels})
        return table.assign(
            **{name: self.probabilities[:, i] for i, name in enumerate(self.classes)}
        )

    def to_csv(self, path: str | os.PathLike[str]) -> Path:
        """Write the table as CSV."""
        columns: Sequence[Any] = ("image", "predicted", *self.classes)
        rows = zip(self.sources, self.labels, self.probabilities.tolist(), strict=True)
        return _files.write_text(
            path, _result_files.table(columns, ((i, p, *each) for i, p, each in rows))
        )
