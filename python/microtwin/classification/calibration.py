"""Whether a classifier is right as often as it says."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

BINS = 15


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """Predictions counted by their confidence, the probability of the predicted class.

    Attributes
    ----------
    edges : ndarray of float64, shape (b + 1,)
        Edges of the bins of confidence, from 0 to 1.
    counts, correct : ndarray of int64, shape (b,)
        Predictions in each bin, and how many of them were right.
    confidences : ndarray of float64, shape (b,)
        Sum of the confidences in each bin.
    """

    edges: Floats
    counts: Integers
    correct: Integers
    confidences: Floats

    @classmethod
    def of(cls, probabilities: Floats, labels: Integers, *, bins: int = BINS) -> Self:
        """Count predictions; a confidence on an edge belongs to the bin above, 1 to the last.

        Parameters
        ----------
        probabilities : ndarray, shape (n, k)
            Of each class.
        labels : ndarray of int, shape (n,)
            Which class is the right one.
        bins : int
            Bins of equal width.
        """
        confidence = np.minimum(probabilities.max(axis=1), 1.0)
        right = probabilities.argmax(axis=1) == labels
        edges = np.linspace(0, 1, bins + 1)
        counts, correct = (np.histogram(c, edges)[0] for c in (confidence, confidence[right]))
        sums = np.histogram(confidence, edges, weights=confidence)[0]
        return cls(edges, counts.astype(np.int64), correct.astype(np.int64), sums)

    @property
    def confidence(self) -> Floats:
        """Mean confidence in each bin; NaN in an empty one."""
        return self._per_prediction(self.confidences)

    @property
    def accuracy(self) -> Floats:
        """Fraction that is right in each bin; NaN in an empty one."""
        return self._per_prediction(self.correct)

    @property
    def expected_error(self) -> float:
        """Expected calibration error: mean distance of accuracy from confidence, by predictions.

        References
        ----------
        C. Guo et al., On calibration of modern neural networks, ICML (2017), eq. 3.
        """
        return float(np.abs(self.correct - self.confidences).sum() / self.counts.sum())

    def _per_prediction(self, sums: npt.NDArray[Any]) -> Floats:
        nothing = np.full(len(sums), np.nan)
        return np.asarray(np.divide(sums, self.counts, out=nothing, where=self.counts > 0))

    def to_record(self) -> dict[str, Any]:
        """Return a JSON-ready object."""
        names = ("edges", "counts", "correct", "confidences")
        return {name: getattr(self, name).tolist() for name in names}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """Return what `to_record` made an object of."""
        return cls(
            np.array(record["edges"], np.float64),
            np.array(record["counts"], np.int64),
            np.array(record["correct"], np.int64),
            np.array(record["confidences"], np.float64),
        )
