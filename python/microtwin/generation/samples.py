"""What a generator makes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
import numpy.typing as npt

from microtwin import _validate
from microtwin.errors import InputError
from microtwin.images import ScaledImage

Grey = npt.NDArray[np.float32]
Labels = npt.NDArray[np.uint8]

THRESHOLDS = ("porosity", "training")


@dataclass(frozen=True, slots=True)
class Sample:
    """One generated image.

    Attributes
    ----------
    image : ScaledImage of float32, shape (y, x)
        Grey levels, on the scale of the training images.
    labels : ScaledImage of uint8, shape (y, x)
        Phases.
    """

    image: ScaledImage
    labels: ScaledImage


@dataclass(frozen=True, slots=True, eq=False)
class Samples(Sequence[Sample]):
    """A batch of generated images.

    Attributes
    ----------
    images : ndarray of float32, shape (n, y, x)
        Grey levels in [0, 1], on the scale of the training images.
    labels : ndarray of uint8, shape (n, y, x)
        Phases 0..k-1, darkest first.
    thresholds : tuple of float
        The grey levels between the phases.
    seed : int
        The seed they were drawn with.
    spacing : tuple of float or None
        Pixel edges in metres.
    """

    images: Grey
    labels: Labels
    thresholds: tuple[float, ...]
    seed: int
    spacing: tuple[float, ...] | None = None

    @property
    def porosity(self) -> float:
        """Fraction of phase 0 in all images together."""
        return float((self.labels == 0).mean())

    def __len__(self) -> int:
        return len(self.images)

    @overload
    def __getitem__(self, index: int) -> Sample: ...
    @overload
    def __getitem__(self, index: slice) -> "Samples": ...
    def __getitem__(self, index: int | slice) -> "Sample | Samples":
        if isinstance(index, slice):
            return Samples(
                self.images[index], self.labels[index], self.thresholds, self.seed, self.spacing
            )
        source = f"sample {range(len(self))[index]} of seed {self.seed}"
        return Sample(
            ScaledImage(self.images[index], spacing=self.spacing, source=source),
            ScaledImage(self.labels[index], spacing=self.spacing, source=source),
        )


def thresholds_for(
    images: Grey, rule: str | float, *, trained: Sequence[float], fractions: Sequence[float]
) -> tuple[float, ...]:
    """Return the grey levels between the phases.

    Parameters
    ----------
    images : ndarray, shape (n, y, x)
        Generated grey levels.
    rule : str or float
        "porosity": such that the whole batch has the phase fractions of the training images, one
        common threshold for all images; "training": those of the training images; or a grey level.
    trained, fractions : sequence of float
        Thresholds and phase fractions of the training images.
    """
    if isinstance(rule, str):
        _validate.choice(rule, THRESHOLDS, name="threshold")
        if rule == "training":
            return tuple(trained)
        levels = np.quantile(images, np.cumsum(fractions)[:-1])
        return tuple(float(level) for level in levels)
    if len(trained) > 1:
        raise InputError(
            f"threshold must be one of {', '.join(THRESHOLDS)} where there are "
            f"{len(fractions)} phases; not {rule!r}"
        )
    return (_validate.real(rule, name="threshold", minimum=0, maximum=1),)
