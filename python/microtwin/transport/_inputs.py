"""What the functions of this room share at their border."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from microtwin import _core, _validate
from microtwin.errors import InputError

Labels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]

BOUNDARIES = ("face", "centre", "periodic")
SIDES = ("insulated", "periodic")
PRECISIONS = ("auto", "float32", "float64")
MOST_CONTRAST = 1e12  # the core has the same limits
MOST_CONDUCTIVITIES = 254


def checked_conductivities(value: Any, structure: Labels) -> dict[int, float]:
    """Return conductivities by label, in the order of the labels; what is not named insulates."""
    example = "such as {0: 0.0, 1: 1.0}"
    if not isinstance(value, Mapping):
        raise InputError(f"conductivities must map labels to numbers, {example}, not {value!r}")
    named = {
        _validate.integer(
            label, name="each label in conductivities", minimum=0, maximum=_validate.MAX_PHASES - 1
        ): _validate.real(k, name=f"conductivities[{label!r}]", minimum=0)
        for label, k in value.items()
    }
    if not named:
        raise InputError(f"conductivities must name a label, {example}, not none")
    named = dict.fromkeys(label_counts(structure), 0.0) | named
    if max(named.values()) == 0:
        raise InputError("conductivities must hold one number above 0, not zeros only")
    different = {k for k in named.values() if k > 0}
    if max(different) > MOST_CONTRAST * min(different):
        raise InputError(
            f"conductivities above 0 must lie within a factor of {MOST_CONTRAST:g}, not between "
            f"{min(different):g} and {max(different):g}: take 0 for what hardly conducts"
        )
    if len(different) > MOST_CONDUCTIVITIES:
        raise InputError(
            f"conductivities must be {MOST_CONDUCTIVITIES} different numbers above 0 or fewer, "
            f"not {len(different)}"
        )
    return dict(sorted(named.items()))


def label_counts(structure: Labels) -> dict[int, int]:
    """Return how many voxels of each label there are; labels ascend."""
    counts = _core.label_counts(structure, None, _validate.threads(None))
    return {label: int(count) for label, count in enumerate(counts) if count}


def conductors(phase: int | Iterable[int], structure: Labels, k: float) -> dict[int, float]:
    """Return k for each label of `phase`, 0 for every other label there is."""
    several = phase if isinstance(phase, Iterable) else [phase]
    mine = [
        _validate.integer(label, name="phase", minimum=0, maximum=_validate.MAX_PHASES - 1)
        for label in several
    ]
    if not mine:
        raise InputError("phase must be one label or more, not none")
    return dict.fromkeys(label_counts(structure), 0.0) | dict.fromkeys(mine, k)


def checked_axis(value: Any, ndim: int) -> int:
    """Return an axis counted from the front."""
    return _validate.integer(value, name="axis", minimum=-ndim, maximum=ndim - 1) % ndim


def cube_edge(
    value: float | Sequence[float] | None, labels: Any, ndim: int
) -> tuple[float, ...] | None:
    """Return the spacing of voxels that are cubes, taken from the labels where it is not given."""
    given = getattr(labels, "spacing", None) if value is None else value
    spacing = _validate.spacing(given, ndim=ndim)
    if spacing is not None and max(spacing) > min(spacing) * (1 + 1e-6):
        raise InputError(f"voxels must be cubes: spacing must be the same along all, not {spacing}")
    return spacing


def axis_name(axis: int, ndim: int) -> str:
    """Return "z", "y" or "x"."""
    return "zyx"[-ndim:][axis]
