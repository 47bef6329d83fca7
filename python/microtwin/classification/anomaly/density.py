"""How likely a signature or a code is among normal ones."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.float32]

COMPONENTS = 6
ROWS_EACH = 100  # rows that a component is worth
RIDGE = 1e-3  # of the variance, so that measures that never vary do not decide alone


@dataclass(frozen=True, slots=True, eq=False)
class Scale:
    """Mean and standard deviation of normal rows.

    Attributes
    ----------
    mean, deviation : ndarray of float32, shape (d,)
        By which rows are brought to mean 0 and variance 1.
    """

    mean: npt.NDArray[np.float32]
    deviation: npt.NDArray[np.float32]

    @classmethod
    def of(cls, rows: Rows) -> "Scale":
        """Measure normal rows (n, d)."""
        deviation = rows.std(0)
        return cls(rows.mean(0), np.where(deviation > 1e-6, deviation, 1).astype(np.float32))

    def __call__(self, rows: Rows) -> Rows:
        """Return rows (n, d) as multiples of the standard deviation."""
        return np.asarray((rows - self.mean) / self.deviation, np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Density:
    """A mixture of normal distributions.

    Attributes
    ----------
    scale : Scale
        Of the rows that it describes.
    weights, means, precisions : ndarray of float64, shapes (k,), (k, d), (k, d, d)
        Of its components; the Cholesky factors of the precisions, as scikit-learn has them.
    """

    scale: Scale
    weights: npt.NDArray[np.float64]
    means: npt.NDArray[np.float64]
    precisions: npt.NDArray[np.float64]

    @classmethod
    def of(cls, rows: Rows, *, seed: int, components: int = COMPONENTS) -> "Density":
        """Fit normal rows (n, d); fewer than `ROWS_EACH` a component make fewer components."""
        from sklearn.mixture import GaussianMixture

        scale = Scale.of(rows)
        count = max(1, min(components, len(rows) // ROWS_EACH))
        mixture = GaussianMixture(count, reg_covar=RIDGE, random_state=seed % 2**32)
        mixture.fit(scale(rows).astype(np.float64))
        return cls(scale, mixture.weights_, mixture.means_, mixture.precisions_cholesky_)

    def surprise(self, rows: Rows) -> npt.NDArray[np.float64]:
        """Return minus the logarithm of the density at rows (n, d), (n,)."""
        from sklearn.mixture import GaussianMixture

        mixture: Any = GaussianMixture(len(self.weights))
        mixture.weights_, mixture.means_ = self.weights, self.means
        mixture.precisions_cholesky_ = self.precisions
        return np.asarray(-mixture.score_samples(self.scale(rows).astype(np.float64)))

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return all numbers by name; see `restored`."""
        scale = {"mean": self.scale.mean, "deviation": self.scale.deviation}
        parts = {"weights": self.weights, "means": self.means, "precisions": self.precisions}
        return {**scale, **parts}

    @classmethod
    def restored(cls, arrays: Any) -> "Density":
        """Return the density whose `arrays` these were."""
        scale = Scale(arrays["mean"], arrays["deviation"])
        return cls(scale, arrays["weights"], arrays["means"], arrays["precisions"])
