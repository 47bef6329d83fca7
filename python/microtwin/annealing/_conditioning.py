"""Gaussian fields that go on from voxels whose phase is known, as kriging has it.

A field that knows nothing of the fixed voxels would stop at them: what is known is pasted in, and
no energy tells of it, because a slice is a small part of a volume.
"""

import numpy as np
import numpy.typing as npt
from scipy import fft
from scipy.sparse.linalg import LinearOperator, cg
from scipy.special import ndtr

Floats = npt.NDArray[np.floating]

# Variance of what is taken for measured beside that of the field, 1: a cut tells on which side of
# the level a value is and little of its size. On sandstone, neighbours of a fixed slice agreed with
# it in 89 % of their voxels at the start, without conditioning in 72 %, in the rock in 96 %; values
# that keep the field's own distance from the level instead of the mean did worse.
_NUGGET = 0.1
_TOLERANCE, _MOST_STEPS = 0.02, 100


def conditioned(
    field: Floats,
    power: Floats,
    level: float,
    inside: npt.NDArray[np.bool_],
    known: npt.NDArray[np.bool_],
    threads: int,
) -> Floats:
    """Return a field that is above a level where known voxels are inside and below where not.

    It is taken to be there what values on the right side of the level are on average; what is
    missing is spread by the covariance (simple kriging of the residual).

    Parameters
    ----------
    field : ndarray
        Gaussian, of variance one.
    power : ndarray
        Fourier transform of its covariance, as of rfftn.
    level : float
        Where it is cut.
    inside, known : ndarray of bool
        Which voxels are in the phase, and of which that is known.
    """
    places = np.flatnonzero(known)
    values = field.flat[places]
    density, below = np.exp(-(level**2) / 2) / np.sqrt(2 * np.pi), float(ndtr(level))
    means = np.where(inside.flat[places], density / (1 - below), -density / below)
    missing = means - values

    def spread(weights: Floats) -> Floats:
        grid = np.zeros(field.shape)
        grid.flat[places] = weights
        return np.asarray(
            fft.irfftn(power * fft.rfftn(grid, workers=threads), s=field.shape, workers=threads)
        )

    def between(weights: Floats) -> Floats:
        return np.asarray(spread(weights).flat[places] + _NUGGET * weights)

    operator = LinearOperator((len(places),) * 2, matvec=between, dtype=np.float64)
    weights, _ = cg(operator, missing, rtol=_TOLERANCE, maxiter=_MOST_STEPS)
    return np.asarray(field + spread(weights))
