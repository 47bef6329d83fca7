"""Changes of images that gradients pass through, for critics that would learn few images by heart.

A critic that sees reals and fakes only after the same random changes cannot win by knowing the
reals: it never sees one twice. What it tells the generator is still about the images themselves, as
gradients pass through the changes.

Source: Zhao, Liu, Lin, Zhu and Han, "Differentiable augmentation for data-efficient GAN training",
NeurIPS 2020, arXiv:2006.10738.
"""

from collections.abc import Callable, Mapping, Sequence

import jax
import jax.numpy as jnp
from jax import Array

Images = Array

SHIFT = 1 / 8  # of the sides, as in the source
HOLE = 1 / 2
BRIGHTNESS, CONTRAST = 0.5, 0.5


def augmented(images: Images, key: Array, *, ways: Sequence[str]) -> Images:
    """Change each image at random.

    Parameters
    ----------
    images : Array, shape (n, *sides, channels)
        Images or volumes, in [-1, 1].
    key : Array
        Of all that is drawn; the same key changes the same places of other images of that shape.
    ways : sequence of str
        Some of `WAYS`, applied in this order.

    Returns
    -------
    Array
        The same shape.
    """
    for i, way in enumerate(ways):
        images = WAYS[way](images, jax.random.fold_in(key, i))
    return images


def translated(images: Images, key: Array) -> Images:
    """Shift each image by up to an eighth of its sides; what is not known there is 0."""
    n, *sides, channels = images.shape
    most = jnp.array([round(SHIFT * side) for side in sides])
    wide = jnp.pad(images, ((0, 0), *[(round(SHIFT * side),) * 2 for side in sides], (0, 0)))
    corners = jax.random.randint(key, (n, len(sides)), 0, 2 * most + 1)

    def cut(image: Array, corner: Array) -> Array:
        return jax.lax.dynamic_slice(image, (*corner, 0), (*sides, channels))

    moved: Images = jax.vmap(cut)(wide, corners)
    return moved


def holed(images: Images, key: Array) -> Images:
    """Make each image 0 in a square (or cube) of half its sides, whose centre is anywhere."""
    n, *sides, _ = images.shape
    hole = jnp.ones((n, *[1] * (len(sides) + 1)), bool)
    for axis, side in enumerate(sides):
        width = round(HOLE * side)
        first = jax.random.randint(jax.random.fold_in(key, axis), (n, 1), 0, side) - width // 2
        along = jnp.arange(side) - first
        inside = (along >= 0) & (along < width)
        hole &= inside.reshape(n, *[1] * axis, side, *[1] * (len(sides) - axis))
    kept: Images = jnp.where(hole, 0, images)
    return kept


def brightened(images: Images, key: Array) -> Images:
    """Add up to half of 1, or take it off, and multiply what differs from the mean by 0.5 to 1.5.

    For grey levels: phases have no brightness.
    """
    one = (len(images), *[1] * (images.ndim - 1))
    add, times = jax.random.uniform(key, (2, *one), minval=-1, maxval=1)
    mean = images.mean(range(1, images.ndim), keepdims=True)
    changed: Images = (images - mean) * (1 + CONTRAST * times) + mean + BRIGHTNESS * add
    return changed


WAYS: Mapping[str, Callable[[Images, Array], Images]] = {
    "brightness": brightened,
    "translation": translated,
    "cutout": holed,
}
