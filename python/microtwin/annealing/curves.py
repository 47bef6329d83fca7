"""Targets that were never measured: curves from theory, from a table or from a formula."""

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from microtwin import _validate
from microtwin.annealing._curve_files import read_curves
from microtwin.annealing._formulas import evaluate
from microtwin.annealing._targets import LIKE_EVENTS
from microtwin.errors import InputError
from microtwin.statistics import Description
from microtwin.statistics.directions import axis_vector
from microtwin.statistics.function import make_function

Floats = npt.NDArray[np.float64]
Curve = str | Callable[[Floats], npt.ArrayLike] | npt.ArrayLike

_VOXELS = 10**15  # a description counts voxels: so many that its fraction is the one asked for
_ROUNDING = 1e-9
_SAME_FRACTION = 1e-3  # people round what they write into tables


def target_from_curves(
    curves: Mapping[str, Curve | Sequence[Curve]] | str | os.PathLike[str],
    *,
    fraction: float | None = None,
    ndim: int | None = None,
    max_lag: int | None = None,
    periodic: bool = True,
    phase: int = 1,
    spacing: float | Sequence[float] | None = None,
) -> Description:
    """Make a target for `anneal` from curves that were not measured.

    Parameters
    ----------
    curves : mapping of str to curve, or path
        For "two_point", "lineal_path" or both: one curve for all directions, or a sequence with
        one for each axis. A curve is a function of the array of lags, or its values at lag 0, 1,
        ..., or a formula such as ``"f**2 + f*(1-f)*exp(-r/5)"`` of the lag r in voxels and the
        fraction f, with pi, exp, log, sqrt, cos, sin, minimum, maximum and where. Or a CSV file for
        `read_curves`.
    fraction : float, optional
        Volume fraction of the phase; by default the value at lag 0. Where it is given, curves
        need not be defined at lag 0.
    ndim : int, optional
        2 or 3; by default as many as there are curves of one statistic, else 2. Curves that are the
        same for all axes anneal images and volumes alike.
    max_lag : int, optional
        Largest lag in voxels. Needed for formulas and functions; by default all that every list
        of values has.
    periodic : bool
        Whether the twin's lags wrap at its faces.
    phase : int
        Label of the phase; the other one is 0 (or 1, if this is 0).
    spacing : float or sequence of float, optional
        Voxel edge in metres.

    Returns
    -------
    Description
        With values in the place of counts.

    Raises
    ------
    InputError
        If an argument is not as described, or the curves are none of any structure: S2 and L lie
        between 0 and the fraction φ which they begin at, S2 above 2 φ - 1, L never rises and is
        nowhere above S2.

    Notes
    -----
    Curves that pass need not be those of a structure; annealing finds the nearest that there is.

    Examples
    --------
    A Debye random medium (Yeong and Torquato 1998):

    >>> debye = target_from_curves(
    ...     {"two_point": "f**2 + f*(1-f)*exp(-r/5)"}, fraction=0.4, max_lag=32
    ... )
    >>> debye.porosity, debye.two_point.mean[:2].round(4)
    (0.4, array([0.4   , 0.3565]))
    """
    given = read_curves(curves) if isinstance(curves, str | os.PathLike) else curves
    if not isinstance(given, Mapping) or not given:
        raise InputError(
            f"curves must be a mapping such as {{'two_point': ...}} or a file, not {given!r}"
        )
    for statistic in given:
        _validate.choice(statistic, LIKE_EVENTS, name="each of curves")
    label = _validate.integer(phase, name="phase", minimum=0, maximum=255)
    if fraction is not None:
        fraction = _validate.real(fraction, name="fraction", minimum=0.0, maximum=1.0)
    rows = {statistic: _rows(value) for statistic, value in given.items()}
    dimension = _dimension(ndim, rows)
    reach = _reach(max_lag, rows)
    tables = {
        statistic: np.array([_values(one, statistic, fraction, reach) for one in ones])
        for statistic, ones in rows.items()
    }
    part = float(next(iter(tables.values()))[0, 0]) if fraction is None else fraction
    if not 0 < part < 1:
        raise InputError(f"fraction must be between 0 and 1, both excluded, not {part:g}")
    _check(tables, part)
    return _described(tables, part, dimension, label, bool(periodic), spacing)


def _rows(value: Any) -> list[Any]:
    """Return one curve, or those of each axis."""
    if isinstance(value, str) or callable(value):
        return [value]
    several = isinstance(value, Sequence | np.ndarray) and len(value) > 0
    if several and (isinstance(value[0], str) or callable(value[0]) or np.ndim(value[0]) > 0):
        return list(value)
    return [value]


def _dimension(ndim: int | None, rows: Mapping[str, list[Any]]) -> int:
    several = {len(ones) for ones in rows.values()} - {1}
    found = ndim if ndim is not None else max(several, default=2)
    dimension = _validate.integer(found, name="ndim", minimum=2, maximum=3)
    if several - {dimension}:
        raise InputError(
            f"curves must be one for all axes or {dimension}, one for each, not {min(several)}"
        )
    return dimension


def _reach(max_lag: int | None, rows: Mapping[str, list[Any]]) -> int:
    """Return the largest lag that every curve has."""
    if max_lag is not None:
        return _validate.integer(max_lag, name="max_lag", minimum=1)
    lists = [
        np.size(one) - 1
        for ones in rows.values()
        for one in ones
        if not (isinstance(one, str) or callable(one))
    ]
    if not lists:
        raise InputError("max_lag must be given for formulas and functions, not None")
    if min(lists) < 1:
        raise InputError("curves must have values at lag 0 and 1 at least")
    return min(lists)


def _values(curve: Any, statistic: str, fraction: float | None, reach: int) -> Floats:
    """Return the values of a curve at lag 0, 1, ..., the largest."""
    lags = np.arange(reach + 1.0)
    name = f"{statistic} of curves"
    if isinstance(curve, str):
        names: dict[str, Any] = {"r": lags}
        if fraction is not None:
            names["f"] = np.float64(fraction)
        curve = np.broadcast_to(evaluate(curve, names, name=name), lags.shape)
    elif callable(curve):
        curve = curve(lags)
    try:
        values = np.array(curve, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{name} must be numbers, not {curve!r}") from None
    if values.ndim != 1 or len(values) <= reach:
        raise InputError(
            f"{name} must have {reach + 1} values, from lag 0 to {reach}, not the shape "
            f"{values.shape}"
        )
    values = values[: reach + 1]
    if fraction is not None and not np.isfinite(values[0]):
        values[0] = fraction  # sin(r) / r and the like
    if not np.isfinite(values).all():
        lag = int(np.flatnonzero(~np.isfinite(values))[0])
        hint = "; give fraction" if lag == 0 else ""
        raise InputError(f"{name} must be finite; at lag {lag} it is {values[lag]}{hint}")
    return values


def _check(tables: Mapping[str, Floats], fraction: float) -> None:
    """Raise InputError where no structure has such curves, whatever the rest of it is like."""
    s2, path = tables.get("two_point"), tables.get("lineal_path")
    for statistic, values in tables.items():
        start = values[:, 0]
        if np.abs(start - fraction).max() > _SAME_FRACTION:
            raise InputError(
                f"{statistic} of curves must be the fraction {fraction:g} at lag 0, not "
                f"{start[np.argmax(np.abs(start - fraction))]:g}"
            )
        highest = max(fraction, float(start.max()))
        _within(values, 0.0, highest, statistic, "between 0 and its value at lag 0")
    if s2 is not None:
        # Two ends that are in the phase with probability φ each are both with 2 φ - 1 at least.
        lowest = 2 * min(fraction, float(s2[:, 0].min())) - 1
        _within(s2, lowest, 1.0, "two_point", "at least 2 φ - 1")
    if path is not None:
        _within(-np.diff(path, axis=1), 0.0, 1.0, "lineal_path", "never rising", first=1)
    if s2 is not None and path is not None:
        below = s2 - path  # of one curve for all axes and of one for each, too
        _within(below[:, 1:], 0.0, 1.0, "lineal_path", "nowhere above two_point", first=1)


def _within(
    values: Floats, low: float, high: float, statistic: str, what: str, *, first: int = 0
) -> None:
    bad = np.argwhere((values < low - _ROUNDING) | (values > high + _ROUNDING))
    if len(bad):
        raise InputError(
            f"{statistic} of curves must be {what}; at lag {bad[0, 1] + first} it is not"
        )


def _described(
    tables: Mapping[str, Floats],
    fraction: float,
    ndim: int,
    phase: int,
    periodic: bool,
    spacing: float | Sequence[float] | None,
) -> Description:
    vectors = tuple(axis_vector(axis, ndim) for axis in range(ndim))
    edges = _validate.spacing(spacing, ndim=ndim)
    whole = {
        statistic: np.clip(np.broadcast_to(values, (ndim, values.shape[1])), 0.0, 1.0)
        for statistic, values in tables.items()
    }
    reach = next(iter(whole.values())).shape[1] - 1
    voxels = round(fraction * _VOXELS)
    other = 0 if phase else 1
    # Each pair of neighbours that differ has one end in the phase: P = 2 (S2(0) - S2(1)).
    slopes = (
        2 * (whole["two_point"][:, 0] - whole["two_point"][:, 1]) if "two_point" in whole else 0
    )
    pairs = np.full((ndim, 2), _VOXELS)
    pairs[:, 0] = np.rint(slopes * np.float64(_VOXELS))
    return Description(
        phase=phase,
        functions=tuple(
            make_function(
                statistic,
                phase=phase,
                hits=values,
                trials=np.ones(values.shape, np.int64),
                vectors=vectors,
                periodic=periodic,
                spacing=edges,
            )
            for statistic, values in whole.items()
        ),
        voxels=dict(sorted({other: _VOXELS - voxels, phase: voxels}.items())),
        porosities=np.array([[fraction, 1 - fraction] if other else [1 - fraction, fraction]]),
        interfaces={phase: pairs},
        shape=(2 * reach,) * ndim,
    )
