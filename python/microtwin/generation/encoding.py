"""Between grey levels or phases and what the networks see."""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from microtwin.generation.cutting import porosities
from microtwin.learning.adversarial import Batch

SMOOTHING = 0.05  # a generator cannot be wholly certain of a phase, and its critic would see that


@dataclass(frozen=True, slots=True)
class Encoding:
    """How patches become channels in [-1, 1], and back.

    Grey levels, and labels of two phases as 0 and 1, are one channel; labels of more phases are one
    channel a phase.

    Attributes
    ----------
    phases : int
        How many there are.
    labelled : bool
        Whether the images are labels.
    low, high : float
        Grey levels that are -1 and 1.
    thresholds : tuple of float
        Grey levels between the phases; empty where each phase has a channel.
    condition : (float, float) or None
        Mean and standard deviation of the porosity of patches, where it can be asked for.
    """

    phases: int
    labelled: bool
    low: float
    high: float
    thresholds: tuple[float, ...]
    condition: tuple[float, float] | None = None

    @property
    def channels(self) -> int:
        """Channels of an image."""
        return 1 if self.thresholds else self.phases

    @property
    def conditions(self) -> int:
        """Numbers that can be asked for."""
        return 0 if self.condition is None else 1

    def encode(self, patches: jax.Array) -> Batch:
        """Return patches (n, *sides) of grey levels or labels as the networks see them."""
        asked = None
        if self.condition is not None:
            asked = self.scaled(porosities(patches, self.thresholds).astype(jnp.float32))[:, None]
        if self.thresholds:
            images = (patches[..., None] - self.low) * (2 / (self.high - self.low)) - 1
        else:
            rest = SMOOTHING / (self.phases - 1)
            certain = jax.nn.one_hot(patches, self.phases) * (1 - SMOOTHING - rest) + rest
            images = 2 * certain - 1
        return Batch(images.astype(jnp.float32), asked)

    def measured(self, images: jax.Array) -> jax.Array:
        """Return what images (n, *sides, channels) show of what can be asked for, (n, conditions).

        It is the porosity of the phases as they are cut, exactly. That has no gradient; it is given
        the one of the mean of the first channel, which is the same at all voxels. A smooth
        threshold would pull most at voxels that are near it, and with that make generators fall
        into a grey field between the phases.
        """
        if self.thresholds:
            level = (self.thresholds[0] - self.low) * (2 / (self.high - self.low)) - 1
            inside, darkness = images[..., 0] <= level, -images[..., 0] / 2
        else:
            inside, darkness = images.argmax(-1) == 0, images[..., 0] / 2
        share = darkness + jax.lax.stop_gradient(inside - darkness)
        return jnp.asarray(self.scaled(share.mean(range(1, share.ndim))))[:, None]

    def scaled(self, porosity: Any) -> Any:
        """Return porosities as the networks are asked for them."""
        assert self.condition is not None
        mean, spread = self.condition
        return (porosity - mean) / spread

    def decode(self, images: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return (n, *sides) grey levels in [0, 1], or (n, *sides, phases) probabilities."""
        if not self.thresholds:
            return np.clip((images + 1) / 2, 0, 1).astype(np.float32)
        levels = (images[..., 0] + 1) * ((self.high - self.low) / 2) + self.low
        return np.asarray(np.clip(levels, 0, 1), np.float32)
