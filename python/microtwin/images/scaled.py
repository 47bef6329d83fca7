"""An array that remembers the size of its voxels and the file it came from."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from microtwin import _validate


class ScaledImage(np.ndarray[Any, Any]):
    """An image (y, x) or volume (z, y, x) with its voxel size and its origin.

    It is a NumPy array in every respect. Cutting with slices of step one, mirroring, reordering
    the axes, arithmetic and copies keep `spacing` right; whatever would make it wrong (another
    step, a new shape) sets it to None.

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
        if self.shape == getattr(origin, "shape", None):
            self.spacing = spacing

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
        # The mean of an image is a number, not an image of no dimension.
        return array[()] if array.ndim == 0 else super().__array_wrap__(array, context)

    def __getitem__(self, key: Any) -> Any:
        result = super().__getitem__(key)
        if isinstance(result, ScaledImage):
            result.spacing = self._spacing_of(key)
        return result

    @property
    def T(self) -> ScaledImage:
        """The array with its axes in reverse order."""
        return self.transpose()

    def transpose(self, *axes: Any) -> ScaledImage:
        """Return a view with its axes in another order, as `numpy.ndarray.transpose` does."""
        result: ScaledImage = super().transpose(*axes)
        order: Any = axes[0] if len(axes) == 1 else axes or None
        reverse = range(self.ndim)[::-1]
        result.spacing = self._reordered(reverse if order is None else np.atleast_1d(order))
        return result

    def swapaxes(self, axis1: Any, axis2: Any, /) -> ScaledImage:
        """Return a view with two axes exchanged, as `numpy.ndarray.swapaxes` does."""
        result: ScaledImage = super().swapaxes(axis1, axis2)
        order = list(range(self.ndim))
        order[axis1], order[axis2] = order[axis2], order[axis1]
        result.spacing = self._reordered(order)
        return result

    def _reordered(self, order: Any) -> tuple[float, ...] | None:
        return None if self.spacing is None else tuple(self.spacing[axis] for axis in order)

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
        return part.step in (None, 1, -1)
    return part is Ellipsis or (isinstance(part, int | np.integer) and not isinstance(part, bool))
