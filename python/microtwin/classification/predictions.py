"""What a classifier says of images."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from microtwin import _result_files
from microtwin._version import __version__
from microtwin.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]

ROUNDING = 1e-3  # by how much a row may miss one


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """How likely each class is for each image.

    Attributes
    ----------
    probabilities : ndarray of float64, shape (n, k)
        Rows sum to one.
    classes : tuple of str
        Names of the k classes.
    sources : tuple of str
        Where each image comes from.
    version : str
        Of microtwin.
    """

    form: ClassVar[str] = "microtwin-predictions-1"

    probabilities: Floats
    classes: tuple[str, ...]
    sources: tuple[str, ...]
    version: str = __version__

    @classmethod
    def of(
        cls,
        probabilities: npt.ArrayLike,
        *,
        classes: Sequence[str] | None = None,
        sources: Sequence[str] | None = None,
    ) -> Self:
        """Return checked predictions.

        Parameters
        ----------
        probabilities : array_like
            (n, k), rows that sum to one; or (n,) or (n, 1), of the second of two classes.
        classes : sequence of str, optional
            Names of the classes; their indices by default.
        sources : sequence of str, optional
            Where each image comes from; its index by default.

        Raises
        ------
        InputError
            If these are no probabilities, or names are missing or said twice.

        Examples
        --------
        >>> Predictions.of([0.25, 0.875], classes=("good", "bad")).predicted
        array([0, 1])
        """
        values = _two_sided(np.asarray(probabilities, np.float64))
        if not len(values):
            raise InputError("probabilities must be of at least one image")
        off = ~np.isfinite(values) | (values < -ROUNDING) | (values > 1 + ROUNDING)
        wrong = np.flatnonzero(off.any(axis=1) | ~(abs(values.sum(axis=1) - 1) < ROUNDING))
        if len(wrong):
            row = np.array2string(values[wrong[0]], precision=3, threshold=6)
            raise InputError(
                "probabilities must lie between 0 and 1, and their rows sum to 1 (of logits take "
                f"softmax or sigmoid first); row {wrong[0]} is {row}"
            )
        n, k = values.shape
        names = tuple(map(str, range(k) if classes is None else classes))
        if len(names) != k or len(set(names)) < k:
            raise InputError(f"classes must be {k} different names, not {names}")
        origins = tuple(map(str, range(n) if sources is None else sources))
        if len(origins) != n:
            raise InputError(f"sources must be one an image: {len(origins)} for {n} images")
        return cls(values, names, origins)

    @classmethod
    def of_logits(
        cls,
        logits: npt.ArrayLike,
        *,
        classes: Sequence[str] | None = None,
        sources: Sequence[str] | None = None,
    ) -> Self:
        """Return predictions from what a network puts out.

        Parameters
        ----------
        logits : array_like
            (n, k), whose softmax is taken; or (n, 1), of the second of two classes, whose sigmoid.
        classes, sources : sequence of str, optional
            As in `of`.
        """
        from scipy.special import softmax

        values = np.asarray(logits, np.float64)
        if values.ndim == 2 and values.shape[1] == 1:
            values = np.hstack([np.zeros_like(values), values])
        return cls.of(softmax(values, axis=-1), classes=classes, sources=sources)

    def __len__(self) -> int:
        return len(self.probabilities)

    @property
    def predicted(self) -> npt.NDArray[np.int64]:
        """Index of the likeliest class, (n,); of equally likely ones the first."""
        return np.asarray(self.probabilities.argmax(axis=1))

    @property
    def labels(self) -> list[str]:
        """Name of the likeliest class of each image."""
        return [self.classes[i] for i in self.predicted]

    @property
    def confidence(self) -> Floats:
        """Probability of the likeliest class, (n,)."""
        return np.asarray(self.probabilities.max(axis=1))

    def part(self, indices: Any) -> "Predictions":
        """Return those of a part of the images, in the order of the indices."""
        chosen = np.arange(len(self))[indices]
        sources = tuple(self.sources[i] for i in chosen)
        return Predictions(self.probabilities[chosen], self.classes, sources, self.version)

    def to_dataframe(self) -> "pd.DataFrame":
        """Return a table: image, likeliest class, its probability, and those of all classes."""
        import pandas as pd

        return pd.DataFrame(self._rows(), columns=list(self._columns))

    def to_csv(self, path: str | os.PathLike[str]) -> Path:
        """Write a CSV file that `from_csv` reads back exactly."""
        about = {"format": self.form, "classes": self.classes, "version": self.version}
        return _result_files.write_csv(
            path, about, _result_files.table(self._columns, self._rows())
        )

    @classmethod
    def from_csv(cls, path: str | os.PathLike[str]) -> Self:
        """Read what `to_csv` wrote.

        Raises
        ------
        InputError
            If it cannot be read or is something else.
        """
        return _result_files.read_csv(path, cls.form, cls._restored)

    @classmethod
    def _restored(cls, about: dict[str, Any], rows: list[dict[str, str]]) -> Self:
        classes = tuple(about["classes"])
        values = [[float(row[f"p({name})"]) for name in classes] for row in rows]
        sources = tuple(row["image"] for row in rows)
        return cls(np.array(values), classes, sources, about["version"])

    @property
    def _columns(self) -> tuple[str, ...]:
        return ("image", "predicted", "confidence", *(f"p({name})" for name in self.classes))

    def _rows(self) -> list[list[Any]]:
        told = zip(self.sources, self.labels, self.confidence.tolist(), strict=True)
        return [
            [*about, *row] for about, row in zip(told, self.probabilities.tolist(), strict=True)
        ]


def _two_sided(values: Floats) -> Floats:
    """Return probabilities (n, k); those of the second of two classes alone become (n, 2)."""
    if values.ndim == 1:
        values = values[:, None]
    if values.ndim != 2 or values.shape[1] == 0:
        raise InputError(f"probabilities must be of shape (n, classes), not {values.shape}")
    return np.hstack([1 - values, values]) if values.shape[1] == 1 else values
