"""How well the probability of one class sets its images apart: counts at every threshold."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """Images found at each threshold of the probability of a class, one class against the rest.

    Attributes
    ----------
    thresholds : ndarray of float64, shape (m,)
        Falling probabilities; those between which the curves are straight are left out. None where
        there are no images of the class, or no others: then its numbers are NaN.
    found, alarms : ndarray of int64, shape (m,)
        Images of the class, and others, that are at least that probable.
    """

    thresholds: Floats
    found: Integers
    alarms: Integers

    @classmethod
    def of(cls, is_class: npt.NDArray[np.bool_], probability: Floats) -> Self:
        """Count at all thresholds.

        Parameters
        ----------
        is_class : ndarray of bool, shape (n,)
            Which images are of the class.
        probability : ndarray of float, shape (n,)
            How probable the classifier says that is.

        Examples
        --------
        >>> ranking = Ranking.of(np.array([True, True, False]), np.array([0.9, 0.4, 0.6]))
        >>> ranking.found.tolist(), ranking.alarms.tolist(), ranking.auc
        ([1, 1, 2], [0, 1, 1], 0.5)
        """
        from sklearn.metrics import roc_curve

        positives = int(is_class.sum())
        negatives = len(is_class) - positives
        if not positives or not negatives:
            nothing = np.zeros(0, np.int64)
            return cls(np.zeros(0), nothing, nothing)
        fpr, tpr, thresholds = roc_curve(is_class, probability, drop_intermediate=False)
        found = np.rint(tpr * positives).astype(np.int64)[1:]  # the first point is (0, 0)
        alarms = np.rint(fpr * negatives).astype(np.int64)[1:]
        # Where only others are found, the ends of the run tell all, of both curves.
        before, after = np.diff(found, prepend=0), np.diff(found, append=-1)
        kept = (before != 0) | (after != 0)
        return cls(thresholds[1:][kept], found[kept], alarms[kept])

    @property
    def roc(self) -> tuple[Floats, Floats]:
        """False-positive rate and true-positive rate, from (0, 0) to (1, 1)."""
        if not len(self.thresholds):
            return np.zeros(0), np.zeros(0)
        return tuple(np.insert(count / count[-1], 0, 0.0) for count in (self.alarms, self.found))  # type: ignore[return-value]

    @property
    def precision_recall(self) -> tuple[Floats, Floats]:
        """Recall and precision at falling thresholds."""
        if not len(self.thresholds):
            return np.zeros(0), np.zeros(0)
        return self.found / self.found[-1], self.found / (self.found + self.alarms)

    @property
    def auc(self) -> float:
        """Area under the ROC curve: how often an image of the class gets more than another."""
        from sklearn.metrics import auc

        return float(auc(*self.roc)) if len(self.thresholds) else float("nan")

    @property
    def average_precision(self) -> float:
        """Mean of the precision at every image of the class, scikit-learn's average precision."""
        if not len(self.thresholds):
            return float("nan")
        recall, precision = self.precision_recall
        return float(np.diff(recall, prepend=0.0) @ precision)

    def to_record(self) -> dict[str, Any]:
        """Return a JSON-ready object."""
        names = ("thresholds", "found", "alarms")
        return {name: getattr(self, name).tolist() for name in names}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """Return what `to_record` made an object of."""
        return cls(
            np.array(record["thresholds"], np.float64),
            np.array(record["found"], np.int64),
            np.array(record["alarms"], np.int64),
        )
