"""The built-in sample: made-up micrographs of a fuel-cell catalyst layer, with their true phases.

One looks down on a porous layer of carbon black. Primary particles of about 40 nm stick together
in aggregates, with secondary pores between them through which deeper layers glimmer.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from microtwin import _validate
from microtwin.errors import InputError
from microtwin.images.aggregates import Recipe, depth_for, grains_for, scatter
from microtwin.images.grains import first_cover, highest_surface
from microtwin.images.rendering import render_sem
from microtwin.images.scaled import ScaledImage

SPACING = 4e-9  # metres a pixel
RECIPE = Recipe(particle_radius=5.0, porosity=0.45, pore_radius=10.0, aggregate_size=30)
LAYER = 10.0  # pixels: particles centred within this depth count as the surface
DEEP = 40.0  # pixels: how far down one sees


def sample_micrographs(
    count: int = 24, *, shape: tuple[int, int] = (256, 256), seed: int = 0
) -> list[ScaledImage]:
    """Return made-up SEM images of a carbon-black catalyst layer, for trying things out.

    Primary particles are about 10 pixels (40 nm) wide, secondary pores 20 to 40.

    Parameters
    ----------
    count : int
        Number of images.
    shape : (int, int)
        Shape of each (y, x), at least 32 x 32.
    seed : int
        Seed; image i is the same whatever `count` is.

    Returns
    -------
    list of ScaledImage
        uint8 grey levels, spacing 4 nm.

    Examples
    --------
    >>> images = sample_micrographs(2, shape=(64, 64))
    >>> len(images), images[0].shape, images[0].spacing
    (2, (64, 64), (4e-09, 4e-09))
    """
    return [
        render_sem(labels, relief=relief, seed=render_seed)
        for labels, relief, render_seed in _scenes(count, shape, seed)
    ]


def sample_labels(
    count: int = 24, *, shape: tuple[int, int] = (256, 256), seed: int = 0
) -> list[ScaledImage]:
    """Return the true phases, 0 pore and 1 carbon, of what `sample_micrographs` shows.

    Parameters
    ----------
    count, shape, seed
        As in `sample_micrographs`.

    Returns
    -------
    list of ScaledImage
        uint8 labels, spacing 4 nm.
    """
    return [labels for labels, _, _ in _scenes(count, shape, seed)]


def _scenes(
    count: int, shape: tuple[int, int], seed: int
) -> list[tuple[ScaledImage, npt.NDArray[np.float64], int]]:
    number = _validate.integer(count, name="count", minimum=1)
    sides = _validate.shape(shape)
    if len(sides) != 2 or min(sides) < 32:
        raise InputError(f"shape must be (y, x), at least 32 x 32, not {sides}")
    start = _validate.seed(seed)
    return [_scene(sides, np.random.default_rng((start, i)), i) for i in range(number)]


def _scene(sides: Any, rng: np.random.Generator, index: int) -> Any:
    """Return the phases of the surface seen from above, its relief, and a seed to draw it with."""
    box = (depth_for(RECIPE), *sides)
    enough = None
    surplus = 2.0
    while enough is None:
        particles = scatter(box, RECIPE, rng, surplus=surplus)
        depth = particles.centres[:, 0]
        top = depth < LAYER
        cover = first_cover(sides, particles.centres[top, 1:], particles.radii[top], periodic=False)
        enough = grains_for(cover, int(top.sum()), 1 - RECIPE.porosity)
        surplus *= 2
    phases = (cover < enough).astype(np.uint8)
    last = np.flatnonzero(top)[enough - 1]
    seen = (np.arange(len(depth)) <= last) & (depth < DEEP)
    centres = particles.centres[seen]
    centres[:, 0] *= -1  # depth below the surface becomes height
    relief = highest_surface(sides, centres, particles.radii[seen], floor=-DEEP, periodic=False)
    labels = ScaledImage(phases, spacing=SPACING, source=f"built-in sample {index}")
    return labels, relief, int(rng.integers(2**31))
