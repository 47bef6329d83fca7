"""Pore sizes: how far the points of a phase are from its interface."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from microtwin import _core
from microtwin.errors import InputError
from microtwin.statistics._fields import Field, radius_limit
from microtwin.statistics.function import CorrelationFunction, Floats, make_function

_STEPS = 2  # of the distance, in a voxel


def pore_size(
    labels: npt.ArrayLike,
    *,
    phase: int,
    max_radius: int | None = None,
    periodic: bool = False,
    mask: npt.ArrayLike | None = None,
    spacing: float | Sequence[float] | None = None,
    threads: int | None = None,
) -> CorrelationFunction:
    """Cumulative pore-size function: the chance to be further from the interface than a distance.

    F(δ) = P[distance of a random point of the phase to the nearest interface > δ]. F(0) = 1, and
    -dF/dδ is the pore-size density P(δ) (`pore_size_density`). "Pore" is the phase asked for.

    The distance of a voxel is that between its centre and the nearest centre of another phase, less
    half a voxel: the interface lies between the two. Of all constant offsets this is the one with
    the least bias for flat interfaces along the grid, and close to it for spheres. Distances are
    exact (no chamfer), δ goes in steps of half a voxel.

    Not periodic, a point can be judged at δ only if it is further than δ from the faces and from
    the border of the mask; only such points are trials (minus-sampling). Without that, points near
    a face would seem to be in larger pores than they are.

    Parameters
    ----------
    labels : array_like of int, shape (y, x) or (z, y, x)
        Phase labels 0 .. 255.
    phase : int
        The label of the phase whose points are taken.
    max_radius : int, optional
        Largest distance δ in voxels; by default half the shortest side.
    periodic : bool
        Wrap at the faces.
    mask : array_like of bool, optional
        Only what lies where it is true is known.
    spacing : float or sequence of float, optional
        Voxel edge in metres, the same along all axes.
    threads : int, optional
        Threads to count with; by default one for each core. The counts do not depend on it.

    Returns
    -------
    CorrelationFunction
        One curve, without direction; `abscissa` is δ in voxels, `step` is 0.5. NaN where no point
        could be judged.

    Raises
    ------
    InputError
        If an argument is not as described, if there is no voxel of another phase, or if voxels are
        no cubes.

    References
    ----------
    S. Torquato, Random Heterogeneous Materials (Springer, 2002), section 2.6.

    Examples
    --------
    Layers of four voxels: half of them are 1/2 from the interface, half are 3/2.

    >>> import numpy as np
    >>> stripes = np.tile([1, 1, 1, 1, 0, 0], (6, 2))
    >>> pore_size(stripes, phase=1, periodic=True, max_radius=2).values
    array([[1. , 0.5, 0.5, 0. , 0. ]])
    """
    field = Field.measured(
        labels, phase=phase, periodic=periodic, mask=mask, spacing=spacing, threads=threads
    )
    reach = radius_limit(max_radius, min(field.inside.shape) // 2)
    hits, trials = _core.pore_size(
        field.labels, field.phase, field.squared, field.to_mask, not field.periodic,
        _STEPS * reach, field.threads,
    )  # fmt: skip
    return make_function(
        "pore_size",
        phase=field.phase,
        hits=hits,
        trials=trials,
        directions="none",
        periodic=field.periodic,
        spacing=field.spacing,
        step=1 / _STEPS,
        masked=field.masked,
    )


def pore_size_density(f: CorrelationFunction) -> tuple[Floats, Floats]:
    """Pore-size density P(δ) = -dF/dδ, the derivative of `pore_size`.

    Parameters
    ----------
    f : CorrelationFunction
        From `pore_size`.

    Returns
    -------
    distances : ndarray of float64, shape (n - 1,)
        δ in voxels, halfway between the points of f.
    density : ndarray of float64, shape (n - 1,)
        Per voxel; its sum times `f.step` is 1 where f falls to 0. Not periodic it may dip below 0
        by noise, because fewer points are judged at larger distances.

    Examples
    --------
    >>> import numpy as np
    >>> stripes = np.tile([1, 1, 1, 1, 0, 0], (6, 2))
    >>> f = pore_size(stripes, phase=1, periodic=True, max_radius=2)
    >>> distances, density = pore_size_density(f)
    >>> distances, density
    (array([0.25, 0.75, 1.25, 1.75]), array([1., 0., 1., 0.]))
    """
    values = _checked(f).mean
    return f.abscissa[:-1] + f.step / 2, (values[:-1] - values[1:]) / f.step


def mean_pore_size(f: CorrelationFunction) -> float:
    """Mean distance to the interface in voxels, the integral of `pore_size` over δ.

    The sum of f times its step, up to where points could be judged: exact between flat interfaces
    along the grid, where distances are whole steps, and up to a quarter of a voxel too large
    elsewhere, which makes good for the distances that the grid makes too small (see the closed
    forms in the tests). If f has not fallen to 0, measure with a larger `max_radius`.

    Parameters
    ----------
    f : CorrelationFunction
        From `pore_size`.

    Returns
    -------
    float
        NaN if no point could be judged.

    Examples
    --------
    >>> import numpy as np
    >>> stripes = np.tile([1, 1, 1, 1, 0, 0], (6, 2))
    >>> mean_pore_size(pore_size(stripes, phase=1, periodic=True, max_radius=2))
    1.0
    """
    values = _checked(f).mean
    known = values[np.isfinite(values)]
    if known.size == 0:
        return float("nan")
    return float(known.sum() * f.step)


def _checked(f: CorrelationFunction) -> CorrelationFunction:
    if not isinstance(f, CorrelationFunction) or f.statistic != "pore_size":
        what = getattr(f, "statistic", type(f).__name__)
        raise InputError(f"f must come from pore_size, not from {what}")
    return f
