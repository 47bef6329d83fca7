"""From a recipe to a network, and networks applied to many images."""

import os
from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import jax
import numpy as np
import numpy.typing as npt
from flax import nnx

from microtwin._progress import ProgressCallback, silent
from microtwin.classification.presets import Recipe
from microtwin.errors import InputError
from microtwin.learning import supervised
from microtwin.learning.devices import compiler_options
from microtwin.learning.network import Network, Weights
from microtwin.models import registry
from microtwin.models.weights import load_pretrained

AT_ONCE = 128  # images,
PIXELS = AT_ONCE * 128**2  # and no more than these: of deep networks, every layer is kept


def network(
    recipe: Recipe,
    *,
    classes: int,
    size: Sequence[int],
    channels: int,
    seed: int | None,
    pretrained: str | os.PathLike[str] | None = None,
) -> Network:
    """Make the network of a recipe; without a seed only the shapes of its weights.

    `pretrained` as in `microtwin.models.weights.load_pretrained`.
    """
    outputs = 1 if classes == 2 and recipe.one_logit else classes
    options: dict[str, Any] = {"classes": outputs, **recipe.options}
    native = registry.ARCHITECTURES[recipe.architecture].takes
    if native != (*size, channels):
        if size[0] != size[1]:
            raise InputError(f"size must be that of a square for this network, not {tuple(size)}")
        options |= {"size": size[0], "channels": channels}

    def build(rngs: nnx.Rngs) -> nnx.Module:
        return registry.build(recipe.architecture, rngs=rngs, **options)

    if seed is None:
        return Network(nnx.eval_shape(lambda: build(nnx.Rngs(0))))
    module = build(nnx.Rngs(seed))
    if pretrained is not None:
        load_pretrained(module, pretrained)
    return Network(module)


class Applied:
    """A network without randomness, compiled for one number of images at once.

    Parameters
    ----------
    network : Network
        What is applied.
    method : str
        Which method of it.
    """

    def __init__(self, network: Network, method: str = "__call__") -> None:
        def apply(weights: Weights, images: Any) -> Any:
            return network(weights, supervised.as_float(images), train=False, method=method)[0]

        self._apply = jax.jit(apply, compiler_options=compiler_options())

    def __call__(
        self,
        weights: Weights,
        batch: Callable[[Any], npt.NDArray[Any]],
        count: int,
        *,
        at_once: int = AT_ONCE,
        progress: ProgressCallback = silent,
    ) -> npt.NDArray[np.float32]:
        """Return the outputs for images 0 to `count`, which ``batch(indices)`` returns."""
        sides = batch(np.arange(min(count, 1))).shape[1:3]
        at_once = min(at_once, count, max(PIXELS // prod(sides), 1))
        parts = []
        for first in range(0, count, max(at_once, 1)):
            images = batch(np.arange(first, min(first + at_once, count)))
            missing = at_once - len(images)  # one shape, compiled once
            padded = np.concatenate([images, np.repeat(images[:1], missing, axis=0)])
            parts.append(np.asarray(self._apply(weights, padded))[: len(images)])
            progress(first + len(images), count, {})
        return np.concatenate(parts)
