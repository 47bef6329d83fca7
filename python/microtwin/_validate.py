"""Checks at the border: every public function passes its arguments through here first."""

import operator
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from microtwin.errors import InputError

Labels = npt.NDArray[np.uint8]

MAX_PHASES = 256


def labels(value: npt.ArrayLike, *, name: str = "labels") -> Labels:
    """Return `value` as a C-contiguous uint8 label array, 2-D (y, x) or 3-D (z, y, x).

    Integers and booleans are taken as they are; floats only where they are whole numbers. Nothing
    is copied that is already uint8 and contiguous.

    Raises
    ------
    InputError
        If it has the wrong dimension, is empty, or holds values that are no labels.
    """
    try:
        array = np.asarray(value)
    except (ValueError, TypeError) as error:
        raise InputError(f"{name} must be an array of phase labels: {error}") from error
    if array.ndim not in (2, 3):
        hint = " (a colour image? take one channel)" if array.ndim == 4 else ""
        raise InputError(f"{name} must be 2-D or 3-D, not {array.ndim}-D{hint}")
    if array.size == 0:
        raise InputError(f"{name} must not be empty; its shape is {array.shape}")
    if array.dtype == np.uint8 or array.dtype == np.bool_:
        return np.ascontiguousarray(array).view(np.uint8)
    if array.dtype.kind not in "iuf":
        raise InputError(f"{name} must hold integers 0..255, not {array.dtype}")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise InputError(f"{name} must be finite: it holds NaN or infinite values")
    low, high = array.min(), array.max()
    if low < 0 or high >= MAX_PHASES:
        raise InputError(f"{name} must lie in 0..{MAX_PHASES - 1}, not {low}..{high}")
    result = np.ascontiguousarray(array.astype(np.uint8))
    if array.dtype.kind == "f" and not (result == array).all():
        raise InputError(f"{name} must be whole numbers (phases): segment grey levels first")
    return result


def mask(
    value: npt.ArrayLike | None, *, shape: tuple[int, ...], name: str = "mask"
) -> Labels | None:
    """Return `value` as a C-contiguous array of 0 and 1 of a shape; None stays None.

    Raises
    ------
    InputError
        If it has another shape, or holds anything but true and false.
    """
    if value is None:
        return None
    array = np.asarray(value)
    if array.shape != shape:
        raise InputError(f"{name} must have the shape of labels, {shape}, not {array.shape}")
    if array.dtype != np.bool_:
        if array.dtype.kind not in "iu" or not np.isin(array, (0, 1)).all():
            raise InputError(f"{name} must hold true and false only")
        array = array.astype(np.bool_)
    return np.ascontiguousarray(array).view(np.uint8)


def image(value: npt.ArrayLike, *, name: str = "image") -> npt.NDArray[Any]:
    """Return `value` as a real-valued array of grey levels, 2-D (y, x) or 3-D (z, y, x).

    The type is kept (bool, integer or float, in the byte order of this machine).

    Raises
    ------
    InputError
        If it has the wrong dimension, is empty, is not real, or holds NaN or infinite values.
    """
    try:
        array = np.asarray(value)
    except (ValueError, TypeError) as error:
        raise InputError(f"{name} must be an array of grey levels: {error}") from error
    if array.dtype.kind not in "biuf":
        raise InputError(f"{name} must hold real numbers, not {array.dtype}")
    if array.ndim not in (2, 3):
        raise InputError(f"{name} must be 2-D or 3-D, not {array.ndim}-D")
    if array.size == 0:
        raise InputError(f"{name} must not be empty; its shape is {array.shape}")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise InputError(f"{name} must be finite: it holds NaN or infinite values")
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def one_or_many(value: Any) -> Iterable[Any]:
    """Return `value` if it is a list or other iterable of arrays, else a list of just `value`.

    An array is one image or one volume, never a list of images.
    """
    several = isinstance(value, Iterable) and not hasattr(value, "__array__")
    return value if several else [value]


def integer(
    value: Any, *, name: str, minimum: int | None = None, maximum: int | None = None
) -> int:
    """Return `value` as an int between `minimum` and `maximum`, both included."""
    try:
        number = operator.index(value)
    except TypeError:
        raise InputError(f"{name} must be an integer, not {value!r}") from None
    if (minimum is not None and number < minimum) or (maximum is not None and number > maximum):
        raise InputError(f"{name} must be {_range(minimum, maximum)}, not {number}")
    return number


def real(
    value: Any, *, name: str, minimum: float | None = None, maximum: float | None = None
) -> float:
    """Return `value` as a finite float between `minimum` and `maximum`, both included."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise InputError(f"{name} must be a number, not {value!r}") from None
    if not np.isfinite(number):
        raise InputError(f"{name} must be finite, not {number}")
    if (minimum is not None and number < minimum) or (maximum is not None and number > maximum):
        raise InputError(f"{name} must be {_range(minimum, maximum)}, not {number:g}")
    return number


def choice(value: Any, options: Iterable[str], *, name: str) -> str:
    """Return `value` if it is one of `options`."""
    known = list(options)
    if value not in known:
        raise InputError(f"{name} must be one of {', '.join(known)}; not {value!r}")
    return str(value)


def shape(value: Any, *, name: str = "shape") -> tuple[int, ...]:
    """Return `value` as a tuple of two or three positive integers."""
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise InputError(f"{name} must be two or three integers, not {value!r}")
    sizes = tuple(integer(size, name=f"each side in {name}", minimum=1) for size in value)
    if len(sizes) not in (2, 3):
        raise InputError(f"{name} must have two or three sides, not {len(sizes)}")
    return sizes


def axes(value: Sequence[int] | int | None, *, ndim: int, name: str = "axes") -> tuple[int, ...]:
    """Return `value` as distinct axes of an `ndim`-dimensional array; None means all of them."""
    if value is None:
        return tuple(range(ndim))
    given = [value] if not isinstance(value, Iterable) else list(value)
    result = tuple(
        integer(a, name=f"each of {name}", minimum=-ndim, maximum=ndim - 1) % ndim for a in given
    )
    if not result or len(set(result)) != len(result):
        raise InputError(f"{name} must be distinct axes of a {ndim}-D array, not {value!r}")
    return result


def spacing(value: Any, *, ndim: int, name: str = "spacing") -> tuple[float, ...] | None:
    """Return the voxel edge in metres per axis, or None if it is not known."""
    if value is None:
        return None
    edges = (
        list(value)
        if isinstance(value, Iterable) and not isinstance(value, str)
        else [value] * ndim
    )
    if len(edges) != ndim:
        raise InputError(f"{name} must be one number or {ndim} numbers, not {len(edges)}")
    result = tuple(real(edge, name=name) for edge in edges)
    if min(result) <= 0:
        raise InputError(f"{name} must be positive (metres), not {min(result):g}")
    return result


def seed(value: Any, *, name: str = "seed") -> int:
    """Return `value` as a seed: an integer from 0 to 2**63 - 1."""
    return integer(value, name=name, minimum=0, maximum=2**63 - 1)


def threads(value: Any, *, name: str = "threads") -> int:
    """Return the number of threads; None means one per core this process may use."""
    if value is None:
        from microtwin._backend import available_cores

        return available_cores()
    return integer(value, name=name, minimum=1, maximum=1024)


def _range(minimum: float | None, maximum: float | None) -> str:
    if maximum is None:
        return f"at least {minimum:g}"
    if minimum is None:
        return f"at most {maximum:g}"
    return f"between {minimum:g} and {maximum:g}"
