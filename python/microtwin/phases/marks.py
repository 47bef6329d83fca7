"""Marks: which pixels of an image a person has given a phase, as an array or painted in a file."""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from microtwin import _validate
from microtwin.errors import InputError

Marks = npt.NDArray[np.int16]

UNMARKED = -1
COLOURS = ("red", "green", "blue", "yellow", "cyan", "magenta")
FIRST_COLOUR = _validate.MAX_PHASES  # so that red is not taken for the value 0
VALUES = FIRST_COLOUR + len(COLOURS)
_HUES = np.array([0, 120, 240, 60, 180, 300])  # degrees, of COLOURS
_TOLERANCE = 20  # degrees: programs do not agree on what red is
_VIVID = 80 / 255  # spread of the channels from which a pixel is a colour and not a grey level
_OPAQUE = 0.5
_STRAY = 0.1  # share of the coloured pixels that may be of no known hue: rims of a soft brush


def read_marks(path: str | os.PathLike[str], *, full: bool = False) -> Marks:
    """Read strokes, or a mask, from a file.

    Strokes may be painted in colour, over the image itself or on a transparent layer: whatever is
    vividly red, green, blue, yellow, cyan or magenta is marked. In a file of plain values 0 is not
    marked, nor is anything negative.

    Parameters
    ----------
    path : path
        Any file that `read_image` reads.
    full : bool
        Whether the file of plain values is a mask, in which 0 is a phase as the others are.

    Returns
    -------
    ndarray of int16, shape (y, x) or (z, y, x)
        Values, or for colours 256, 257, ... in the order above; -1 where nothing is marked.

    Raises
    ------
    InputError
        If the file cannot be read, nothing is marked in it, or by colours that are none of these.
    """
    from microtwin.images.reading import decode

    decoded = decode(path)
    array, name = decoded.array, str(path)
    if decoded.colour and array.shape[-1] >= 3:
        coloured = _by_colour(array, name)
        if (coloured != UNMARKED).any():
            return coloured
        if np.ptp(array[..., :3], axis=-1).any():
            raise InputError(f"{name} has no marks: nothing in it is {', '.join(COLOURS)}")
        array = array[..., 0]
    elif decoded.colour:
        array = array[..., 0]
    marks = _whole(array, name)
    if not full:
        marks = np.where(marks > 0, marks, np.int16(UNMARKED))
    if (marks < 0).all():
        raise InputError(f"{name} has no marks: all its values are 0")
    return marks


def checked(marks: npt.ArrayLike, shape: tuple[int, ...], *, unmarked: int, name: str) -> Marks:
    """Return marks of an image of that shape as int16, -1 where there are none.

    Raises
    ------
    InputError
        If they are of another shape, hold no marks, or values that are no labels.
    """
    array = np.asarray(marks)
    if array.shape != shape:
        raise InputError(f"{name} must have the shape of their image, {shape}, not {array.shape}")
    result = _whole(array, name)
    result = np.where((result == unmarked) | (result < 0), np.int16(UNMARKED), result)
    if (result == UNMARKED).all():
        raise InputError(f"{name} must mark something: all values are {unmarked} or negative")
    return result


def chosen(phases: Sequence[int | str] | None, found: Sequence[int]) -> tuple[int, ...]:
    """Return the values of the marks of each phase, in the order of the labels.

    Raises
    ------
    InputError
        If they are fewer than two or not the ones found.
    """
    if phases is None:
        wanted = sorted(found)
    else:
        given = [phases] if isinstance(phases, str | int) else list(phases)
        wanted = [_value(phase) for phase in given]
        if len(set(wanted)) != len(wanted):
            raise InputError(f"phases must be different marks, not {given}")
        there = ", ".join(str(name_of(value)) for value in sorted(found))
        for value in wanted:
            if value not in found:
                raise InputError(f"phases must be among the marks, {there}; not {name_of(value)}")
        spare = [name_of(value) for value in sorted(set(found) - set(wanted))]
        if spare:
            raise InputError(f"phases must name all marks; {spare[0]} is marked as well")
    if len(wanted) < 2:
        all_are = f": all are {name_of(wanted[0])}" if wanted else ""
        raise InputError(f"marks must be of at least two phases, not of {len(wanted)}{all_are}")
    return tuple(wanted)


def name_of(value: int) -> int | str:
    """Return the name of a colour, or the value itself."""
    return value if value < FIRST_COLOUR else COLOURS[value - FIRST_COLOUR]


def _value(phase: Any) -> int:
    if isinstance(phase, str):
        _validate.choice(phase, COLOURS, name="each colour in phases")
        return FIRST_COLOUR + COLOURS.index(phase)
    return _validate.integer(phase, name="each of phases", minimum=0, maximum=FIRST_COLOUR - 1)


def _whole(array: npt.NDArray[Any], name: str) -> Marks:
    if array.dtype.kind not in "biuf":
        raise InputError(f"{name} must hold whole numbers, not {array.dtype}")
    if array.ndim not in (2, 3) or array.size == 0:
        raise InputError(f"{name} must be marks of an image or a volume, not of {array.shape}")
    low, high = array.min(), array.max()
    if not (np.iinfo(np.int16).min <= low and high < VALUES):
        raise InputError(f"{name} must lie in -1..{FIRST_COLOUR - 1}, not {low}..{high}")
    result = array.astype(np.int16)
    if array.dtype.kind == "f" and not (result == array).all():
        raise InputError(f"{name} must be whole numbers: is it the image and not its marks?")
    return np.asarray(result)


def _by_colour(array: npt.NDArray[Any], name: str) -> Marks:
    """Return the number of the colour of each pixel that is vividly one of `COLOURS`."""
    full = np.iinfo(array.dtype).max if array.dtype.kind in "iu" else 1
    channels = np.moveaxis(array, -1, 0).astype(np.float32) / full
    red, green, blue = channels[:3]
    most, least = channels[:3].max(axis=0), channels[:3].min(axis=0)
    vivid = most - least > _VIVID
    if len(channels) == 4:
        vivid &= channels[3] > _OPAQUE
    hue = np.degrees(np.arctan2(np.sqrt(3) * (green - blue), 2 * red - green - blue))
    marks = np.full(vivid.shape, UNMARKED, np.int16)
    for number, angle in enumerate(_HUES):
        apart = np.abs((hue - angle + 180) % 360 - 180)
        marks[vivid & (apart <= _TOLERANCE)] = FIRST_COLOUR + number
    stray = vivid & (marks == UNMARKED)
    if stray.sum() > _STRAY * vivid.sum():
        values, counts = np.unique(array[stray], axis=0, return_counts=True)
        colour = ", ".join(str(part) for part in values[counts.argmax()][:3])
        raise InputError(
            f"{name} has {stray.sum()} pixels of a colour that is none of {', '.join(COLOURS)}: "
            f"({colour})"
        )
    return marks
