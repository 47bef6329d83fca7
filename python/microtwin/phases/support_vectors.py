"""A support vector machine as plain arrays: learned by scikit-learn, kept without pickles."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float32]

COST = 1.0  # C: how dear a pixel on the wrong side of the margin is
FOLDS = 3
ROWS = 1024  # pixels at a time: their kernels stay in the cache
# Libraries of linear algebra add up in an order that depends on where in a matrix a row lies. A
# pixel comes out the same to the last bit in whatever block because all sums are exact: factors are
# rounded such that double precision, 53 bits, loses nothing of them.
FURTHEST = 32.0  # standard deviations: 5 bits; what lies further is as far as that
STEP = 2.0**-16  # of features: products of 42 bits, the sum of a hundred of 49
KERNEL_STEP = 2.0**-18
WEIGHT_BITS = 20  # with the kernel 38 bits, the sum of 2^13 of 51


@dataclass(frozen=True, slots=True, eq=False)
class SupportVectors:
    """Gaussian kernels at some of the marked pixels (Cortes, Vapnik, Machine Learning 20, 273).

    One machine decides between each pair of phases (1995); the probabilities come from their
    decisions by a logistic regression, as Platt's do, learned on pixels they had not seen.

    Parameters
    ----------
    centre, spread : ndarray of float32, shape (features,)
        Mean and standard deviation of the features.
    vectors : ndarray of float64, shape (n, features)
        The support vectors, less the centre and over the spread.
    width : ndarray of float64, shape ()
        The kernel is exp(-width |x - vector|²).
    weights : ndarray of float64, shape (n, pairs)
        Of the kernels in each decision.
    offsets : ndarray of float64, shape (pairs,)
        Of each decision.
    slopes, intercepts : ndarray of float64, shapes (pairs, phases) and (phases,)
        The logistic regression.
    """

    centre: Floats
    spread: Floats
    vectors: Array
    width: Array
    weights: Array
    offsets: Array
    slopes: Array
    intercepts: Array

    @classmethod
    def fit(
        cls, features: Floats, labels: Array, weights: Array, *, seed: int, threads: int
    ) -> "SupportVectors":
        """Learn from features (n, features), labels 0..k-1 and weights (n,)."""
        from sklearn.linear_model import LogisticRegression
        from sklearn.model_selection import StratifiedKFold
        from sklearn.svm import SVC

        centre, spread = features.mean(axis=0), features.std(axis=0)
        spread[spread == 0] = 1
        seen = _rounded((features - centre) / spread)
        width = 1 / features.shape[1]
        machine = SVC(C=COST, gamma=width, decision_function_shape="ovo", cache_size=500)
        decisions = np.empty((len(labels), _pairs(len(np.unique(labels)))))
        folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed % 2**32)
        for rest, part in folds.split(seen, labels):
            machine.fit(seen[rest], labels[rest], sample_weight=weights[rest])
            decisions[part] = machine.decision_function(seen[part]).reshape(len(part), -1)
        machine.fit(seen, labels, sample_weight=weights)
        regression = LogisticRegression(max_iter=1000)
        regression.fit(decisions, labels, sample_weight=weights)
        slopes, intercepts = regression.coef_.T, regression.intercept_
        if slopes.shape[1] == 1:  # of two phases only the second has its own
            slopes = np.hstack([-slopes / 2, slopes / 2])
            intercepts = np.concatenate([-intercepts / 2, intercepts / 2])
        of_pairs = _weights_of_pairs(machine)
        step = 2.0 ** (np.ceil(np.log2(np.abs(of_pairs).max())) - WEIGHT_BITS)
        return cls(
            centre=centre,
            spread=spread,
            vectors=_rounded(machine.support_vectors_),
            width=np.array(width),
            weights=np.rint(of_pairs / step) * step,
            offsets=machine.intercept_,
            slopes=slopes,
            intercepts=intercepts,
        )

    @classmethod
    def of(cls, arrays: Mapping[str, Array], *, features: int, phases: int) -> "SupportVectors":
        """Take the arrays of a file.

        Raises
        ------
        ValueError
            If they do not fit together.
        """
        pairs, count = _pairs(phases), len(arrays["vectors"])
        shapes = {
            "centre": (features,),
            "spread": (features,),
            "vectors": (count, features),
            "width": (),
            "weights": (count, pairs),
            "offsets": (pairs,),
            "slopes": (pairs, phases),
            "intercepts": (phases,),
        }
        for name, shape in shapes.items():
            if arrays[name].shape != shape or not np.isfinite(arrays[name]).all():
                raise ValueError("no support vectors")
        return cls(**{name: arrays[name] for name in shapes})

    def arrays(self) -> dict[str, Array]:
        """Return what `of` takes."""
        return {name: getattr(self, name) for name in self.__slots__}

    def probabilities(self, features: Floats) -> Floats:
        """Return the probabilities of the phases for features (n, features), (n, phases)."""
        parts = [
            self._of_rows(_rounded((features[i : i + ROWS] - self.centre) / self.spread))
            for i in range(0, len(features), ROWS)
        ]
        return np.concatenate(parts)

    def _of_rows(self, rows: Array) -> Floats:
        logits = self._decisions(rows)[:, :, None] * self.slopes
        odds = logits.sum(axis=1) + self.intercepts
        odds = np.exp(odds - odds.max(axis=1, keepdims=True))
        return np.asarray(odds / odds.sum(axis=1, keepdims=True), np.float32)

    def _decisions(self, rows: Array) -> Array:
        squares = rows @ self.vectors.T
        squares *= -2
        squares += (rows * rows).sum(axis=1, keepdims=True)
        squares += (self.vectors * self.vectors).sum(axis=1)
        kernels = np.exp((squares * -self.width).astype(np.float32))
        kernels = np.rint(kernels / np.float32(KERNEL_STEP)).astype(np.float64)
        return np.asarray((kernels @ self.weights) * KERNEL_STEP + self.offsets)


def _rounded(seen: Array) -> Array:
    wide = np.clip(seen.astype(np.float64), -FURTHEST, FURTHEST)
    return np.asarray(np.rint(wide / STEP) * STEP)


def _pairs(phases: int) -> int:
    return phases * (phases - 1) // 2


def _weights_of_pairs(machine: Any) -> Array:
    """Return the weight of each support vector in each decision, shape (n, pairs).

    The vectors come phase by phase; of phase i, row j of `dual_coef_` (j - 1 for j > i) is against
    phase j.
    """
    phases = len(machine.classes_)
    if phases == 2:
        return np.asarray(machine.dual_coef_.T)
    bounds = np.cumsum([0, *machine.n_support_])
    weights = np.zeros((bounds[-1], _pairs(phases)))
    pair = 0
    for i in range(phases):
        for j in range(i + 1, phases):
            for own, other in ((i, j), (j, i)):
                part = slice(bounds[own], bounds[own + 1])
                weights[part, pair] = machine.dual_coef_[other - (other > own), part]
            pair += 1
    return weights
