"""Where a convolutional classifier looks: gradient-weighted class activation maps (Grad-CAM)."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from flax import nnx
from jax import Array

from microtwin import _validate
from microtwin._progress import ProgressCallback, silent
from microtwin.classification.explanation import Explanation
from microtwin.classification.predictions import Predictions
from microtwin.classification.report import indices
from microtwin.classification.sheets import Batches
from microtwin.errors import InputError
from microtwin.learning.devices import compiler_options
from microtwin.learning.supervised import as_float

AT_ONCE = 32  # images
PREDICTED = -1


def grad_cam(
    network: nnx.Module,
    images: Any,
    target: Any = None,
    *,
    classes: Sequence[str] | None = None,
    sources: Sequence[str] | None = None,
    at_once: int = AT_ONCE,
    progress: ProgressCallback = silent,
) -> Explanation:
    """Return which parts of images speak for a class, by the maps of the last convolution.

    Each map is weighted by the mean over its pixels of the gradient of the class's logit; what is
    positive in their sum is brought to the size of the image and scaled so that its maximum is 1.
    Where nothing speaks for the class, it is 0 everywhere.

    Parameters
    ----------
    network : nnx.Module
        With ``features(x) -> maps`` and ``head(maps) -> logits``, as all convolutional classifiers
        of `microtwin.models` have them.
    images : array_like
        (n, y, x) or (n, y, x, channels), scaled as the network takes them (bytes become 0..1); or
        whatever has ``.batch(indices)``, such as `LabelledImages`.
    target : int, str or sequence of them, optional
        The class, of all images or of each; by default the one that each is taken for. Of a network
        with one logit there are two, and what speaks for the first is what lowers the logit.
    classes : sequence of str, optional
        Names of the classes; their indices by default.
    sources : sequence of str, optional
        Where each image comes from; its index by default.
    at_once : int
        Images in one step.
    progress : ProgressCallback, optional
        Told after every step.

    Returns
    -------
    Explanation

    Raises
    ------
    InputError
        If the network has no maps to look at (dense and recurrent ones have none), or an argument
        does not fit.

    References
    ----------
    R. R. Selvaraju et al., Grad-CAM: visual explanations from deep networks via gradient-based
    localization, ICCV (2017), eqs. 1 and 2.
    """
    require_maps(network)
    data = Batches.of(images)
    at_once = min(_validate.integer(at_once, name="at_once", minimum=1), len(data))
    graph, state = nnx.split(network)
    outputs = _outputs(graph, state, data.batch([0]))
    wanted = _targets(target, classes, outputs=outputs, count=len(data))
    explain = _compiled(tuple(compiler_options().items()))
    kept: tuple[list[Any], ...] = ([], [], [])
    for first in range(0, len(data), at_once):
        batch = np.arange(first, min(first + at_once, len(data)))
        padded = np.resize(batch, at_once)  # one shape, compiled once
        parts = explain(graph, state, data.batch(padded), wanted[padded])
        for chunks, part in zip(kept, parts, strict=True):
            chunks.append(np.asarray(part)[: len(batch)])
        progress(first + len(batch), len(data), {})
    heat, logits, targets = map(np.concatenate, kept)
    return Explanation(
        heat,
        data.pictures(range(len(data))),
        targets.astype(np.int64),
        Predictions.of_logits(logits, classes=classes, sources=sources),
    )


def explainable(network: nnx.Module) -> bool:
    """Whether a network has maps of features that lie on the image."""
    return hasattr(network, "features") and hasattr(network, "head")


def require_maps(network: nnx.Module) -> None:
    """Raise InputError unless a network is `explainable`."""
    if not explainable(network):
        raise InputError(
            f"network must be a convolutional one to be explained by Grad-CAM: "
            f"{type(network).__name__} has no maps of features that lie on the image"
        )


@cache
def _compiled(options: tuple[tuple[str, str], ...]) -> Any:
    return jax.jit(_explain, static_argnums=0, compiler_options=dict(options))


def _explain(graph: Any, state: Any, x: Any, wanted: Array) -> tuple[Array, Array, Array]:
    """Return the scaled maps (n, y, x), the logits, and which class they speak for."""
    images = as_float(x)
    network = nnx.merge(graph, state)
    maps = network.features(images, train=False)

    def score(maps: Array) -> tuple[Array, tuple[Array, Array]]:
        logits = network.head(maps, train=False)
        both = jnp.concatenate([-logits, logits], axis=1) if logits.shape[1] == 1 else logits
        target = jnp.where(wanted == PREDICTED, both.argmax(axis=1), wanted)
        chosen = jnp.take_along_axis(both, target[:, None], axis=1)
        return chosen.sum(), (logits, target)  # images do not touch each other

    gradient, (logits, target) = jax.grad(score, has_aux=True)(maps)
    weights = gradient.mean(axis=(1, 2))
    heat = jax.nn.relu(jnp.einsum("nyxc,nc->nyx", maps, weights))
    heat = jax.image.resize(heat, images.shape[:3], "linear")
    largest = heat.max(axis=(1, 2), keepdims=True)
    return heat / jnp.where(largest > 0, largest, 1), logits, target


def _outputs(graph: Any, state: Any, image: npt.NDArray[Any]) -> int:
    """Return how many logits there are, and raise InputError if such images do not fit."""

    def shapes(state: Any, x: Any) -> tuple[Array, Array]:
        network = nnx.merge(graph, state)
        maps = network.features(as_float(x), train=False)
        return maps, network.head(maps, train=False)

    try:
        maps, logits = jax.eval_shape(shapes, state, image)
    except (TypeError, ValueError) as error:
        reason = str(error).split("\n")[0]
        raise InputError(
            f"images must fit the network; those of shape {image.shape[1:]} do not: {reason}"
        ) from error
    if maps.ndim != 4 or logits.ndim != 2:
        raise InputError(
            "network must make maps (n, h, w, channels) and logits (n, classes), not shapes "
            f"{maps.shape} and {logits.shape}"
        )
    return int(logits.shape[1])


def _targets(
    target: Any, classes: Sequence[str] | None, *, outputs: int, count: int
) -> npt.NDArray[np.int32]:
    k = max(outputs, 2)
    names = tuple(map(str, range(k) if classes is None else classes))
    if len(names) != k:
        raise InputError(f"classes must be the {k} of the network, not {len(names)} names")
    if target is None:
        return np.full(count, PREDICTED, np.int32)
    each = np.asarray(target)
    if each.ndim == 0:
        each = np.repeat(each, count)
    return indices(each, names, count=count, name="target").astype(np.int32)
