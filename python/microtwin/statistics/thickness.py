"""Local thickness: the largest digital ball of a phase that covers a voxel."""

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from microtwin import _core, _validate
from microtwin.errors import InputError
from microtwin.statistics._fields import Field, radius_limit
from microtwin.statistics.function import CorrelationFunction, Floats, make_function


def local_thickness(
    labels: npt.ArrayLike,
    *,
    phase: int,
    max_radius: int | None = None,
    periodic: bool = False,
    mask: npt.ArrayLike | None = None,
    spacing: float | Sequence[float] | None = None,
    threads: int | None = None,
) -> CorrelationFunction:
    """Granulometry: the share of a phase that balls of a radius can cover without leaving it.

    G(R) is the volume of the opening of the phase by the digital ball of radius R, over the volume
    of the phase. The ball is open, all voxels whose centres are nearer than R to its own: it fits
    where the nearest voxel of another phase is at least R away, and R = 1 is a single voxel, so
    that G(0) = G(1) = 1. This is PoreSpy's convention; the radius of the ball that touches the
    interface, halfway between two centres, is about R - 1/2. -dG/dR is the distribution of sizes
    by volume.

    Not periodic, a voxel can be judged at R only if everything nearer than 2 R to it is known: only
    such voxels are trials (minus-sampling).

    Parameters
    ----------
    labels, phase, periodic, mask, spacing, threads
        As in `pore_size`.
    max_radius : int, optional
        Largest R in voxels; by default a quarter of the shortest side.

    Returns
    -------
    CorrelationFunction
        One curve, without direction, at R = 0, 1, ... voxels. NaN where nothing could be judged.

    Raises
    ------
    InputError
        If an argument is not as described, if there is no voxel of another phase, or if voxels are
        no cubes.

    References
    ----------
    G. Matheron, Random Sets and Integral Geometry (1975); T. Hildebrand and P. Rüegsegger,
    J. Microsc. 185, 67 (1997).

    Examples
    --------
    Layers of one and of three voxels:

    >>> import numpy as np
    >>> layers = np.tile([1, 0, 1, 1, 1, 0], (6, 2))
    >>> local_thickness(layers, phase=1, periodic=True, max_radius=3).values
    array([[1.  , 1.  , 0.75, 0.  ]])
    """
    field = Field.measured(
        labels, phase=phase, periodic=periodic, mask=mask, spacing=spacing, threads=threads
    )
    reach = radius_limit(max_radius, min(field.inside.shape) // 4)
    hits = np.zeros(reach + 1, dtype=np.int64)
    trials = np.zeros(reach + 1, dtype=np.int64)
    largest = int(field.squared.max())
    for radius in range(reach + 1):
        box, judged = field.judged(2 * radius)
        trials[radius] = np.count_nonzero(judged)
        fits = trials[radius] > 0 and radius**2 <= largest
        covered = _opening(field, float(radius)) if fits else None
        if covered is not None:
            hits[radius] = np.count_nonzero(judged & covered[box])
    return make_function(
        "local_thickness",
        phase=field.phase,
        hits=hits[None],
        trials=trials[None],
        directions="none",
        periodic=field.periodic,
        spacing=field.spacing,
        step=1.0,
        masked=field.masked,
    )


def local_thickness_map(
    labels: npt.ArrayLike,
    *,
    phase: int,
    radii: Iterable[float] | None = None,
    periodic: bool = False,
    mask: npt.ArrayLike | None = None,
    threads: int | None = None,
) -> Floats:
    """Largest radius of a ball within the phase that covers each voxel.

    Balls as in `local_thickness`. Beyond the faces and outside the mask nothing stops a ball.

    Parameters
    ----------
    labels, phase, periodic, mask, threads
        As in `pore_size`.
    radii : iterable of float, optional
        Radii to try, in voxels, each more than 0; by default 1, 2, ... up to the largest ball.

    Returns
    -------
    ndarray of float64, shape of labels
        The largest of `radii` whose ball covers the voxel; 0 outside the phase (and the mask), and
        where no ball of `radii` fits.

    Raises
    ------
    InputError
        If an argument is not as described, or if there is no voxel of another phase.

    Examples
    --------
    >>> import numpy as np
    >>> local_thickness_map([[1, 0, 1, 1, 1, 0]] * 6, phase=1, periodic=True)[0]
    array([1., 0., 2., 2., 2., 0.])
    """
    field = Field.measured(
        labels, phase=phase, periodic=periodic, mask=mask, spacing=None, threads=threads
    )
    largest = np.sqrt(field.squared.max())
    tried = np.arange(1, int(largest) + 1) if radii is None else _checked_radii(radii)
    result = np.zeros(field.inside.shape)
    for radius in sorted({float(r) for r in tried}):
        covered = _opening(field, radius)
        if covered is None:
            break
        result[covered & field.inside] = radius
    return result


def _opening(field: Field, radius: float) -> npt.NDArray[np.bool_] | None:
    """Return what open balls of a radius cover, beyond the phase what is unknown; None: nothing."""
    if radius <= 1:  # a ball of one voxel
        return field.inside
    seeds = field.squared >= radius**2
    if not seeds.any():
        return None
    if seeds.all():
        return seeds
    to_seeds = _core.squared_distances(
        seeds.view(np.uint8), 0, field.periodic, field.threads, limit=int(radius) + 1
    )
    return np.asarray(to_seeds < radius**2)


def _checked_radii(radii: Iterable[float]) -> list[float]:
    if not isinstance(radii, Iterable):
        raise InputError(f"radii must be numbers in voxels, not {radii!r}")
    checked = [_validate.real(radius, name="each of radii") for radius in radii]
    if not checked or min(checked) <= 0:
        raise InputError(f"radii must be one or more numbers above 0, not {checked}")
    return checked
