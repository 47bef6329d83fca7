"""Two-point probability and lineal path along directions of a grid."""

from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from microtwin import _backend, _core, _validate
from microtwin.errors import InputError
from microtwin.statistics.directions import (
    FAMILIES,
    Vector,
    axis_vector,
    checked_families,
    family_vectors,
    lag_bound,
)
from microtwin.statistics.function import CorrelationFunction, make_function


def two_point(
    labels: npt.ArrayLike,
    *,
    phase: int | tuple[int, int],
    max_lag: int | None = None,
    axes: Sequence[int] | int | None = None,
    directions: str = "axes",
    periodic: bool = False,
    mask: npt.ArrayLike | None = None,
    spacing: float | Sequence[float] | None = None,
    threads: int | None = None,
    device: str = "auto",
) -> CorrelationFunction:
    """Two-point probability: both ends of a lag lie in the phase.

    S2(r) = P[I(x) = 1 and I(x + r e) = 1] along each direction e. S2(0) is the volume fraction, and
    where nothing is correlated any more S2 is its square.

    Parameters
    ----------
    labels : array_like of int, shape (y, x) or (z, y, x)
        Phase labels 0 .. 255.
    phase : int or (int, int)
        The label to look for; or two of them, the one at x and the one at x + r e: their
        cross-correlation.
    max_lag : int, optional
        Largest lag in steps; by default half the shortest of the sides measured along.
    axes : sequence of int, optional
        Array axes to measure along; all by default.
    directions : {"axes", "face_diagonals", "body_diagonals", "radial"}
        Which directions e: along the axes; along the diagonals of the faces or of the body of a
        voxel, whose lags are √2 and √3 voxels apart; or the average over every displacement of a
        length, to the nearest voxel (by the full map, see `two_point_map`).
    periodic : bool
        Wrap at the faces; otherwise only pairs inside are counted, and divided by their number.
    mask : array_like of bool, optional
        Count only what lies wholly where it is true. Same shape as `labels`.
    spacing : float or sequence of float, optional
        Voxel edge in metres, one for all or one for each array axis.
    threads : int, optional
        Threads to count with; by default one for each core. The counts do not depend on it.
    device : {"auto", "cpu", "cuda"}
        Where to count. The counts do not depend on it.

    Returns
    -------
    CorrelationFunction

    Raises
    ------
    InputError
        If an argument is not as described, or the lag does not fit the labels.
    DeviceError
        If "cuda" is asked for and not available.

    References
    ----------
    S. Torquato, Random Heterogeneous Materials (Springer, 2002), section 2.2.

    Examples
    --------
    >>> import numpy as np
    >>> stripes = np.tile([1, 1, 0, 0], (8, 4))
    >>> two_point(stripes, phase=1, max_lag=4, axes=1, periodic=True).mean
    array([0.5 , 0.25, 0.  , 0.25, 0.5 ])
    >>> two_point(stripes, phase=(1, 0), max_lag=4, axes=1, periodic=True).mean
    array([0.  , 0.25, 0.5 , 0.25, 0.  ])
    """
    if directions == "radial":
        from microtwin.statistics.correlation_map import two_point_radial

        if axes is not None:
            raise InputError("axes must not be given for radial directions")
        return two_point_radial(
            labels, phase=phase, max_lag=max_lag, periodic=periodic, mask=mask, spacing=spacing,
            threads=threads,
        )  # fmt: skip
    _validate.choice(directions, FAMILIES, name="directions")
    task = Task.checked(
        labels, max_lag=max_lag, axes=axes, directions=directions, periodic=periodic, mask=mask,
        spacing=spacing, threads=threads, device=device,
    )  # fmt: skip
    first, second = checked_pair(phase)
    counts = task.module.two_point(task.labels, task.window, first, second, *task.counting)
    return task.function("two_point", first, counts, None if second == first else second)


def lineal_path(
    labels: npt.ArrayLike,
    *,
    phase: int,
    max_lag: int | None = None,
    axes: Sequence[int] | int | None = None,
    directions: str = "axes",
    periodic: bool = False,
    mask: npt.ArrayLike | None = None,
    spacing: float | Sequence[float] | None = None,
    threads: int | None = None,
    device: str = "auto",
) -> CorrelationFunction:
    """Lineal-path function: a whole segment lies in the phase.

    L(r) = P[all r + 1 voxels from x to x + r e are in the phase] along each direction e. L(0) is
    the volume fraction, L(1) = S2(1), and L never exceeds S2.

    Parameters
    ----------
    phase : int
        The label to look for.
    directions : {"axes", "face_diagonals", "body_diagonals"}
        As in `two_point`, but that there is no radial average.
    labels, max_lag, axes, periodic, mask, spacing, threads, device
        As in `two_point`.

    Returns
    -------
    CorrelationFunction

    Raises
    ------
    InputError, DeviceError
        As in `two_point`.

    References
    ----------
    B. Lu and S. Torquato, Phys. Rev. A 45, 922 (1992).

    Examples
    --------
    >>> import numpy as np
    >>> stripes = np.tile([1, 1, 0, 0], (8, 4))
    >>> lineal_path(stripes, phase=1, max_lag=3, axes=1, periodic=True).mean
    array([0.5 , 0.25, 0.  , 0.  ])
    """
    task = Task.checked(
        labels, max_lag=max_lag, axes=axes, directions=directions, periodic=periodic, mask=mask,
        spacing=spacing, threads=threads, device=device,
    )  # fmt: skip
    label = checked_phase(phase)
    counts = task.module.lineal_path(task.labels, task.window, label, *task.counting)
    return task.function("lineal_path", label, counts)


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be counted along directions, checked."""

    labels: npt.NDArray[np.uint8]
    window: npt.NDArray[np.uint8] | None
    directions: str
    vectors: tuple[Vector, ...]
    max_lag: int
    periodic: bool
    spacing: tuple[float, ...] | None
    threads: int
    device: str

    @classmethod
    def checked(
        cls,
        labels: npt.ArrayLike,
        *,
        max_lag: int | None,
        axes: Sequence[int] | int | None,
        directions: str,
        periodic: bool,
        mask: npt.ArrayLike | None,
        spacing: float | Sequence[float] | None,
        threads: int | None,
        device: str,
    ) -> "Task":
        """Check the arguments that `two_point` and its kin share."""
        if spacing is None:
            spacing = getattr(labels, "spacing", None)
        structure = _validate.labels(labels)
        vectors = directed(directions, axes, structure.ndim)
        return cls(
            labels=structure,
            window=_validate.mask(mask, shape=structure.shape),
            directions=directions,
            vectors=vectors,
            max_lag=lag_limit(max_lag, [structure.shape], vectors),
            periodic=bool(periodic),
            spacing=_validate.spacing(spacing, ndim=structure.ndim),
            threads=_validate.threads(threads),
            device=_backend.resolve(device),
        )

    @property
    def module(self) -> ModuleType | Any:
        """The extension module that counts."""
        return _core if self.device == "cpu" else _backend.cuda_module()

    @property
    def counting(self) -> tuple[tuple[Vector, ...], int, bool, int]:
        """The last arguments of every counting function."""
        return self.vectors, self.max_lag, self.periodic, self.threads

    def function(
        self,
        statistic: str,
        phase: int,
        counts: tuple[npt.NDArray[Any], npt.NDArray[Any]],
        partner: int | None = None,
    ) -> CorrelationFunction:
        """Wrap (hits, trials)."""
        return make_function(
            statistic,
            phase=phase,
            hits=counts[0],
            trials=counts[1],
            directions=self.directions,
            vectors=self.vectors,
            periodic=self.periodic,
            spacing=self.spacing,
            partner=partner,
            masked=self.window is not None,
            device=self.device,
        )


def checked_phase(value: Any) -> int:
    """Return a phase label."""
    return _validate.integer(value, name="phase", minimum=0, maximum=_validate.MAX_PHASES - 1)


def checked_pair(value: Any) -> tuple[int, int]:
    """Return the phases at the two ends of a lag."""
    if not isinstance(value, tuple | list):
        return checked_phase(value), checked_phase(value)
    if len(value) != 2:
        raise InputError(f"phase must be one label or two, not {value!r}")
    return checked_phase(value[0]), checked_phase(value[1])


def directed(family: str, axes: Sequence[int] | int | None, ndim: int) -> tuple[Vector, ...]:
    """Return the steps of a family; `axes` chooses among the axes."""
    _validate.choice(family, FAMILIES[:3], name="directions")
    checked_families(family, ndim)
    if family != "axes":
        if axes is not None:
            raise InputError(f"axes must not be given for {family}")
        return family_vectors(family, ndim)
    return tuple(axis_vector(axis, ndim) for axis in _validate.axes(axes, ndim=ndim))


def lag_limit(
    max_lag: int | None, shapes: Sequence[tuple[int, ...]], vectors: Sequence[Vector]
) -> int:
    """Return the largest lag to measure in structures of the given shapes."""
    if max_lag is None:
        return min(lag_bound(vector, shape) for vector in vectors for shape in shapes) // 2
    reach = _validate.integer(max_lag, name="max_lag", minimum=0)
    longest = longest_lag(shapes, vectors)
    if reach > longest:
        raise InputError(
            f"max_lag must be less than the longest side measured along ({longest + 1} voxels), "
            f"not {reach}"
        )
    return reach


def longest_lag(shapes: Sequence[tuple[int, ...]], vectors: Sequence[Vector]) -> int:
    """Return the largest lag that every shape has a pair of, along one step at least."""
    return min(max(lag_bound(vector, shape) for vector in vectors) for shape in shapes) - 1
