"""What a generator makes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

from microtwin.generation.cutting import Grey, Labels
from microtwin.images import ScaledImage


@dataclass(frozen=True, slots=True)
class Sample:
    """One generated image or volume.

    Attributes
    ----------
    image : ScaledImage of float32, shape (y, x) or (z, y, x)
        Grey levels, on the scale of the training images. Of three phases or more, their
        probabilities, with one axis more: an ndarray.
    labels : ScaledImage of uint8, shape (y, x) or (z, y, x)
        Phases.
    """

    image: ScaledImage | Grey
    labels: ScaledImage


@dataclass(frozen=True, slots=True, eq=False)
class Samples(Sequence[Sample]):
    """A batch of generated images or volumes.

    Attributes
    ----------
    images : ndarray of float32, shape (n, y, x) or (n, z, y, x)
        Grey levels in [0, 1], on the scale of the training images; of three phases or more, their
        probabilities along one axis more.
    labels : ndarray of uint8, shape (n, y, x) or (n, z, y, x)
        Phases 0..k-1, darkest first.
    thresholds : tuple of float
        The grey levels between the phases; or the weights by which the probabilities were
        multiplied, one a phase.
    seed : int
        The seed they were drawn with.
    numbers : range
        Which ones of the samples of this seed.
    spacing : tuple of float or None
        Voxel edges in metres.
    """

    images: Grey
    labels: Labels
    thresholds: tuple[float, ...]
    seed: int
    numbers: range
    spacing: tuple[float, ...] | None = None

    @property
    def porosity(self) -> float:
        """Fraction of phase 0 in all samples together."""
        return float((self.labels == 0).mean())

    def __len__(self) -> int:
        return len(self.images)

    @overload
    def __getitem__(self, index: int) -> Sample: ...
    @overload
    def __getitem__(self, index: slice) -> "Samples": ...
    def __getitem__(self, index: int | slice) -> "Sample | Samples":
        if isinstance(index, slice):
            images, labels, numbers = self.images[index], self.labels[index], self.numbers[index]
            return Samples(images, labels, self.thresholds, self.seed, numbers, self.spacing)
        source = f"sample {self.numbers[index]} of seed {self.seed}"
        image, labels = self.images[index], self.labels[index]
        seen: ScaledImage | Grey = image
        if image.ndim == labels.ndim:
            seen = ScaledImage(image, spacing=self.spacing, source=source)
        return Sample(seen, ScaledImage(labels, spacing=self.spacing, source=source))
