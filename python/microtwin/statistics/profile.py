"""Volume fraction slice by slice: where a structure is not the same all along."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from microtwin import _validate
from microtwin.statistics.correlation import checked_phase
from microtwin.statistics.directions import axis_vector
from microtwin.statistics.function import CorrelationFunction, make_function


def profile(
    labels: npt.ArrayLike,
    *,
    phase: int,
    axis: int = 0,
    mask: npt.ArrayLike | None = None,
    spacing: float | Sequence[float] | None = None,
) -> CorrelationFunction:
    """Volume fraction of a phase in every slice across an axis.

    A graded electrode, a sedimented packing or a scan with a drift shows here, and no correlation
    function means much of such a structure.

    Parameters
    ----------
    labels : array_like of int, shape (y, x) or (z, y, x)
        Phase labels 0 .. 255.
    phase : int
        The label to look for.
    axis : int
        Array axis to walk along.
    mask : array_like of bool, optional
        Count only where it is true; NaN in a slice that it leaves nothing of.
    spacing : float or sequence of float, optional
        Voxel edge in metres, one for all or one for each array axis.

    Returns
    -------
    CorrelationFunction
        Of one curve: voxels of the phase (`hits`) of the voxels (`trials`) in slice 0, 1, ...

    Raises
    ------
    InputError
        If an argument is not as described.

    Notes
    -----
    It is no part of a `Description`, which speaks of a material wherever it is looked at: a profile
    belongs to one piece, and to the place where that begins.

    Examples
    --------
    >>> import numpy as np
    >>> layers = np.repeat([[0], [1], [1], [0]], 5, axis=1)
    >>> profile(layers, phase=1).values
    array([[0., 1., 1., 0.]])
    """
    if spacing is None:
        spacing = getattr(labels, "spacing", None)
    structure = _validate.labels(labels)
    ndim = structure.ndim
    (along,) = _validate.axes(axis, ndim=ndim, name="axis")
    window = _validate.mask(mask, shape=structure.shape)
    across = tuple(k for k in range(ndim) if k != along)
    mine = structure == checked_phase(phase)
    if window is None:
        trials = np.full(structure.shape[along], structure.size // structure.shape[along])
    else:
        inside = window.view(np.bool_)
        mine &= inside
        trials = np.count_nonzero(inside, axis=across)
    return make_function(
        "profile",
        phase=int(phase),
        hits=np.count_nonzero(mine, axis=across)[None].astype(np.int64),
        trials=trials[None],
        vectors=(axis_vector(along, ndim),),
        periodic=False,
        spacing=_validate.spacing(spacing, ndim=ndim),
        masked=window is not None,
    )
