"""The question that every annealer gets, and the recount that every answer must pass."""

from dataclasses import dataclass

import numpy as np

import microtwin as mt
import peer_definitions as definitions
from structures import blobs

DEFINITIONS = {"two_point": definitions.two_point, "lineal_path": definitions.lineal_path}
LETTERS = {"two_point": "S2", "lineal_path": "L"}


@dataclass(frozen=True)
class Problem:
    """Curves of one phase along every axis, periodic, to be given to noise of equal fraction."""

    real: np.ndarray  # whose curves they are
    start: np.ndarray
    target: mt.Description
    lags: int
    energy: float  # total squared error over lags from 1 that is asked for
    budget: float  # seconds

    @property
    def shape(self):
        return self.real.shape

    @property
    def statistics(self):
        return tuple(function.statistic for function in self.target.functions)

    @property
    def title(self):
        sides = " x ".join(map(str, self.shape))
        letters = " + ".join(LETTERS[name] for name in self.statistics)
        return f"{sides}, {letters} along the axes, {self.lags} lags"

    def curves(self):
        """Return the target values at lags 1 and on, shape (statistics, axes, lags)."""
        return np.stack([function.values[:, 1:] for function in self.target.functions])


def make(shape, statistics, energy, budget):
    real = blobs(shape, sigma=2.0, fraction=0.4)
    lags = min(32, (min(shape) - 1) // 2)
    target = mt.describe(real, phase=1, statistics=statistics, max_lag=lags, periodic=True)
    start = np.random.default_rng(1).permutation(real.ravel()).reshape(shape)
    return Problem(real, start, target, lags, energy, budget)


def recount(problem, labels):
    """Return the energy of a structure from microtwin's describe and the plain definition alike."""
    if labels.shape != problem.shape or not np.isin(labels, (0, 1)).all():
        raise RuntimeError(f"not a structure of two phases of shape {problem.shape}")
    inside = labels == 1
    found = mt.describe(
        inside.astype(np.uint8),
        phase=1,
        statistics=problem.statistics,
        max_lag=problem.lags,
        periodic=True,
    )
    curves = np.stack([function.values for function in found.functions])
    plain = np.stack([DEFINITIONS[name](inside, problem.lags) for name in problem.statistics])
    if not np.allclose(curves, plain, rtol=0, atol=1e-12):
        raise RuntimeError("microtwin's describe and the plain definition disagree")
    return float(np.sum((curves[..., 1:] - problem.curves()) ** 2))
