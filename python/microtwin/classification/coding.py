"""What a frozen base makes of images, computed once instead of in every epoch."""

from dataclasses import replace

import jax
import numpy as np

from microtwin import _memory
from microtwin._progress import ProgressCallback, silent
from microtwin.classification.data import LabelledImages
from microtwin.classification.networks import Applied
from microtwin.classification.presets import FROZEN, Recipe
from microtwin.learning.network import Network
from microtwin.learning.supervised import as_float

METHOD = "from_codes"  # of `microtwin.models.backbone.BackboneClassifier`


def is_enough(network: Network, recipe: Recipe, data: LabelledImages) -> bool:
    """Whether a network can learn from codes: nothing changes them, and they fit into memory."""
    if recipe.frozen != FROZEN or recipe.augmentation is not None:
        return False
    code, _ = jax.eval_shape(
        lambda weights, images: network(weights, as_float(images), train=False, method="codes"),
        network.initial,
        data.batch(np.arange(1)),
    )
    return not _memory.is_large(4 * code.size * len(data))


def coded(
    network: Network, data: LabelledImages, *, progress: ProgressCallback | None = None
) -> LabelledImages:
    """Return a set with the codes (n, d) of its images in their place."""
    codes = Applied(network, "codes")(
        network.initial, data.batch, len(data), progress=progress or silent
    )
    return replace(data, pixels=codes)
