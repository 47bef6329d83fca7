"""Branched aggregates of small spheres, with wide pores between them: carbon black in a layer."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from microtwin.errors import InputError
from microtwin.images.grains import check_number, first_cover

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.uint8]

SPREAD = 0.12  # standard deviation of the particle radius, of its mean
FUSED = 0.85  # distance of neighbours in an aggregate, of the sum of their radii
TWIGS = 6  # a new particle sticks to one of the latest few: chains that branch now and then
SECONDARY = 0.6  # share of the porosity that secondary pores are given
ATTEMPTS = 4


@dataclass(frozen=True, slots=True)
class Recipe:
    """What an agglomerated medium is made of; lengths in voxels."""

    particle_radius: float
    porosity: float
    pore_radius: float
    aggregate_size: int


@dataclass(frozen=True, slots=True)
class Particles:
    """Spheres in a periodic box: centres (n, 3) as (z, y, x) and radii (n,), in voxels."""

    centres: Floats
    radii: Floats


def labels(
    sides: tuple[int, ...], recipe: Recipe, rng: np.random.Generator, *, periodic: bool
) -> Labels:
    """Return phases 0 (pore) and 1 (carbon) of a volume, or of a plane section if `sides` is 2-D.

    Raises
    ------
    InputError
        If the porosity cannot be reached.
    """
    # What is not to be periodic is cut out of something larger that is.
    margin = 0 if periodic else int(2 * (recipe.pore_radius + recipe.particle_radius))
    wide = tuple(side + margin for side in sides)
    window = tuple(slice(side) for side in sides)
    flat = len(sides) == 2
    box = (depth_for(recipe), *wide) if flat else wide
    for attempt in range(ATTEMPTS):
        particles = scatter(box, recipe, rng, surplus=2.0 ** (attempt + 1))
        centres, radii = particles.centres, particles.radii
        if flat:
            centres, radii = _section(particles, box[0])
        cover = first_cover(wide, centres, radii, periodic=True)[window]
        enough = grains_for(cover, len(centres), 1 - recipe.porosity)
        if enough is not None:
            return (cover < enough).astype(np.uint8)
    raise InputError(
        f"pore_radius {recipe.pore_radius:g} leaves too little room in shape {sides} for the "
        f"carbon that porosity {recipe.porosity:g} asks for; make it smaller (0 for none)"
    )


def depth_for(recipe: Recipe) -> int:
    """Return how deep a box must be for a section or a view of it to look three-dimensional."""
    return int(4 * recipe.pore_radius + 8 * recipe.particle_radius)


def scatter(
    box: tuple[int, ...], recipe: Recipe, rng: np.random.Generator, *, surplus: float
) -> Particles:
    """Scatter aggregates in a periodic box and carve the secondary pores out of them.

    The particles come aggregate by aggregate, so that the first n of them are a thinner structure
    of the same kind; `surplus` says how many more come than the porosity should need.
    """
    volume = float(np.prod(box, dtype=float))
    wide = SECONDARY * recipe.porosity if recipe.pore_radius > 0 else 0.0
    dense = min((1 - recipe.porosity) / (1 - wide), 0.95)
    needed = -np.log(1 - dense) * volume / (4 / 3 * np.pi * recipe.particle_radius**3)
    check_number(surplus * needed, box)
    number = max(1, int(np.ceil(surplus * needed / recipe.aggregate_size)))
    centres, radii = _grow(number, box, recipe, rng)
    if recipe.pore_radius > 0:
        ball = 4 / 3 * np.pi * recipe.pore_radius**3
        pores = rng.random((rng.poisson(-np.log(1 - wide) * volume / ball), 3)) * box
        kept = _outside(centres, pores, recipe.pore_radius + recipe.particle_radius / 2, box)
        centres, radii = centres[kept], radii[kept]
    return Particles(centres, radii)


def grains_for(cover: npt.NDArray[np.int64], grains: int, solid: float) -> int | None:
    """Return how many of the first `grains` cover the share `solid` of the voxels best, or None.

    `cover` is what `first_cover` gives.
    """
    covered = np.cumsum(np.bincount(cover.ravel(), minlength=grains + 1)[:grains])
    if len(covered) == 0 or covered[-1] < solid * cover.size:
        return None
    return int(np.abs(covered - solid * cover.size).argmin()) + 1


def _grow(
    number: int, box: tuple[int, ...], recipe: Recipe, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Grow `number` aggregates particle by particle, all at the same time."""
    size = recipe.aggregate_size
    radii = recipe.particle_radius * np.clip(
        rng.normal(1, SPREAD, (number, size)), 1 - 3 * SPREAD, 1 + 3 * SPREAD
    )
    centres = np.empty((number, size, 3))
    centres[:, 0] = rng.random((number, 3)) * box
    every = np.arange(number)
    for i in range(1, size):
        parent = rng.integers(max(0, i - TWIGS), i, number)
        direction = rng.standard_normal((number, 3))
        direction /= np.linalg.norm(direction, axis=1, keepdims=True)
        distance = FUSED * (radii[every, parent] + radii[:, i])
        centres[:, i] = centres[every, parent] + direction * distance[:, None]
    return centres.reshape(-1, 3) % box, radii.ravel()


def _outside(centres: Floats, pores: Floats, radius: float, box: tuple[int, ...]) -> Labels:
    """Tell which centres are farther than `radius` from all pores, around the periodic box."""
    from scipy.spatial import cKDTree

    if len(pores) == 0:
        return np.ones(len(centres), bool)
    sides = np.asarray(box, float)
    tree = cKDTree(pores % sides, boxsize=sides)
    distance, _ = tree.query(np.minimum(centres, np.nextafter(sides, 0)))
    return np.asarray(distance > radius)


def _section(particles: Particles, depth: int) -> tuple[Floats, Floats]:
    """Return the discs that the plane z = 0 cuts out of the spheres."""
    height = (particles.centres[:, 0] + depth / 2) % depth - depth / 2
    cut = np.abs(height) < particles.radii
    return particles.centres[cut, 1:], np.sqrt(particles.radii[cut] ** 2 - height[cut] ** 2)
