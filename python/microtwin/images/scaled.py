"""An array that remembers the size of its voxels and the file it came from."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from microtwin import _validate


class ScaledImage(np.ndarray[Any, Any]):
    """An image (y, x) or volume (z, y, x) with its voxel size and its origin.

    It is a NumPy array in every respect. Cutting with slices of step one, arithmetic and copies
    keep `spacing`; whatever would make it wrong (another step, a reordering of unequal axes, a new
    shape) sets it to None.

    Parameters
    ----------
    array : array_like
        Grey levels or labels.
    spacing : float or sequence of float, optional
        Voxel edge in metres, one for all axes or one per axis.
    source : str
        Where the image came from, usually a file name.

    Attributes
    ----------
    spacing : tuple of float or None
        Voxel edge in metres per axis.
    source : str
        Where the image came from.

    Examples
    --------
    >>> image = ScaledImage(np.zeros((4, 6), np.uint8), spacing=20e-9)
    >>> image[1:3].spacing
    (2e-08, 2e-08)
    >>> image[::2].spacing is None
    True
    """

    spacing: tuple[float, ...] | None
    source: str

    def __new__(cls, array: npt.ArrayLike, *, spacing: Any = None, source: str = "") -> ScaledImage:
        """View `array` as a ScaledImage; nothing is copied."""
        result = np.asarray(array).view(cls)
        result.spacing = _validate.spacing(spacing, ndim=result.ndim)
        result.source = source
        return result

    def __array_finalize__(self, origin: Any) -> None:
        self.spacing = None
        self.source = getattr(origin, "source", "")
        spacing = getattr(origin, "spacing", None)
        if spacing is not None and self.shape == origin.shape:
            same_order = len(set(spacing)) == 1 or _axis_order(self) == _axis_order(origin)
            self.spacing = spacing if same_order else None

    def __getitem__(self, key: Any) -> Any:
        result = super().__getitem__(key)
        if isinstance(result, ScaledImage):
            result.spacing = self._spacing_of(key)
        return result

    def _spacing_of(self, key: Any) -> tuple[float, ...] | None:
        """Return the spacing that is left after indexing with `key`, or None if unclear."""
        parts = list(key) if isinstance(key, tuple) else [key]
        if self.spacing is None or not all(_keeps_spacing(part) for part in parts):
            return None
        if not any(part is Ellipsis for part in parts):
            parts.append(Ellipsis)
        gap = next(i for i, part in enumerate(parts) if part is Ellipsis)
        parts[gap : gap + 1] = [slice(None)] * (self.ndim - len(parts) + 1)
        kept = zip(parts, self.spacing, strict=True)
        return tuple(edge for part, edge in kept if isinstance(part, slice))

    def __reduce__(self) -> Any:
        pickled: Any = super().__reduce__()
        build, arguments, state = pickled
        return build, arguments, (state, self.spacing, self.source)

    def __setstate__(self, state: Any) -> None:
        array_state, self.spacing, self.source = state
        super().__setstate__(array_state)


def scaled_like(array: npt.ArrayLike, original: Any) -> ScaledImage:
    """Return `array` with the spacing and source of `original`, if that has any."""
    return ScaledImage(
        array,
        spacing=getattr(original, "spacing", None),
        source=getattr(original, "source", ""),
    )


def _keeps_spacing(part: Any) -> bool:
    if isinstance(part, slice):
        return part.step in (None, 1)
    return part is Ellipsis or (isinstance(part, int | np.integer) and not isinstance(part, bool))


def _axis_order(array: npt.NDArray[Any]) -> tuple[int, ...]:
    return tuple(np.argsort(np.abs(array.strides), kind="stable").tolist())
