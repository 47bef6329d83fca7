"""Directions of a voxel grid: the axes, the diagonals of faces and of the body."""

from collections.abc import Sequence

from microtwin import _validate
from microtwin.errors import InputError

Vector = tuple[int, ...]

# "radial" is the average over all directions, "none" a statistic that knows no direction.
FAMILIES = ("axes", "face_diagonals", "body_diagonals", "radial")


def family_vectors(family: str, ndim: int) -> tuple[Vector, ...]:
    """Return the steps of a family of directions, one for each pair of opposite directions.

    Examples
    --------
    >>> family_vectors("face_diagonals", 2)
    ((1, 1), (1, -1))
    """
    _validate.choice(family, FAMILIES[:3], name="directions")
    reach = FAMILIES.index(family) + 1
    if reach > ndim:
        raise InputError(f"directions must suit the labels: {ndim}-D ones have no {family}")
    steps: list[Vector] = [()]
    for _ in range(ndim):
        steps = [(*step, one) for step in steps for one in (0, 1, -1)]
    # Of two opposite steps, the one whose first component that is not zero is positive.
    return tuple(
        step
        for step in steps
        if sum(map(abs, step)) == reach and next(one for one in step if one) > 0
    )


def axis_vector(axis: int, ndim: int) -> Vector:
    """Return the unit step along an axis."""
    return tuple(int(k == axis) for k in range(ndim))


def axis_of(vector: Vector) -> int | None:
    """Return the axis that a step lies along, or None for a diagonal."""
    along = [axis for axis, one in enumerate(vector) if one]
    return along[0] if len(along) == 1 else None


def lag_bound(vector: Vector, shape: Sequence[int]) -> int:
    """Return how many lags 0, 1, ... fit a structure of a shape along a step."""
    return min(side for side, one in zip(shape, vector, strict=True) if one)


def checked_families(value: str | Sequence[str], ndim: int) -> tuple[str, ...]:
    """Return the families that `value` names, the axes first; "all" is every one that there is."""
    existing = [name for i, name in enumerate(FAMILIES) if i < ndim or name == "radial"]
    given = [value] if isinstance(value, str) else list(value)
    if "all" in given:
        return tuple(existing)
    for name in given:
        _validate.choice(name, [*FAMILIES, "all"], name="each of directions")
        if name not in existing:
            raise InputError(f"directions must suit the labels: {ndim}-D ones have no {name}")
    if not given:
        raise InputError("directions must name at least one family, not none")
    return tuple(name for name in FAMILIES if name in given)


def spacing_in(spacing: tuple[float, ...] | None, ndim: int) -> tuple[float, ...] | None:
    """Return a spacing for structures of another dimension, where that is clear, or None.

    Examples
    --------
    >>> spacing_in((2e-9, 2e-9), 3), spacing_in((2e-9, 4e-9), 3)
    ((2e-09, 2e-09, 2e-09), None)
    """
    if spacing is None or len(spacing) == ndim:
        return spacing
    return (spacing[0],) * ndim if len(set(spacing)) == 1 else None
