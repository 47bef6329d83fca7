"""Reference media: random structures whose statistics are known, in 2-D and 3-D.

Each function returns uint8 labels of the given `shape`; the same seed gives the same structure.
`microtwin.images.closed_forms` holds the correlation functions named in the docstrings.
"""

import numpy as np
import numpy.typing as npt

from microtwin import _validate
from microtwin.errors import InputError
from microtwin.images import aggregates
from microtwin.images.closed_forms import ball_volume
from microtwin.images.grains import MAX_GRAINS, check_number, first_cover

Labels = npt.NDArray[np.uint8]


def overlapping_spheres(
    shape: tuple[int, ...], *, radius: float, porosity: float, seed: int = 0, periodic: bool = True
) -> Labels:
    """Return overlapping spheres (2-D: discs) at random places, the Boolean model.

    The number of grains is a Poisson variable and their centres are real numbers, so that the
    statistics hold exactly at all lags: for the void, S2(r) = exp(-ρ [2 V - A(r)]) and
    L(r) = exp(-ρ [V + r (V - A(1))]) with V the volume of a grain, A(r) the overlap of two and
    ρ = -ln(porosity) / V (`overlapping_spheres_two_point`, `overlapping_spheres_lineal_path`).

    Parameters
    ----------
    shape : tuple of int
        (y, x) or (z, y, x).
    radius : float
        Radius of the grains in voxels, at least 0.5.
    porosity : float
        Expected fraction of phase 0, between 0 and 1, both excluded. One sample scatters around
        it.
    seed : int
        Seed of the random numbers.
    periodic : bool
        Whether the structure goes on at the opposite side.

    Returns
    -------
    ndarray of uint8
        0 void, 1 solid.
    """
    sides = _validate.shape(shape)
    size = _validate.real(radius, name="radius", minimum=0.5)
    void = _fraction(porosity, name="porosity")
    rng = np.random.default_rng(_validate.seed(seed))
    # Grains centred outside reach in when nothing is periodic.
    margin = 0.0 if periodic else size
    low = np.full(len(sides), -margin)
    high = np.asarray(sides) - 1.0 + margin + (1.0 if periodic else 0.0)
    mean = -np.log(void) / ball_volume(size, ndim=len(sides)) * float((high - low).prod())
    check_number(mean, sides)
    centres = rng.uniform(low, high, (rng.poisson(mean), len(sides)))
    cover = first_cover(sides, centres, size, periodic=periodic)
    return (cover < len(centres)).astype(np.uint8)


def gaussian_field(
    shape: tuple[int, ...],
    *,
    correlation_length: float,
    fraction: float = 0.5,
    seed: int = 0,
    periodic: bool = True,
) -> Labels:
    """Return a Gaussian random field cut at a level: a bicontinuous structure.

    The field has the correlation g(r) = exp(-(r / correlation_length)²) and is cut at the level
    that `fraction` of a normal variable exceeds. S2(r) = φ² + 1/(2π) ∫ exp(-t²/(1+s)) / sqrt(1-s²)
    ds from 0 to g(r), for φ = 1/2 simply 1/4 + arcsin(g)/(2π) (`gaussian_field_two_point`). L has
    no closed form.

    Parameters
    ----------
    shape : tuple of int
        (y, x) or (z, y, x).
    correlation_length : float
        Distance in voxels at which the correlation of the field is 1/e.
    fraction : float
        Expected fraction of phase 1.
    seed : int
        Seed of the random numbers.
    periodic : bool
        Whether the structure goes on at the opposite side. The closed form then needs sides of
        several correlation lengths.

    Returns
    -------
    ndarray of uint8
        Phases 0 and 1.
    """
    from scipy.special import ndtri

    sides = _validate.shape(shape)
    length = _validate.real(correlation_length, name="correlation_length", minimum=0.1)
    share = _fraction(fraction, name="fraction")
    field = gaussian_values(sides, length, np.random.default_rng(_validate.seed(seed)), periodic)
    return np.asarray(field < ndtri(share), dtype=np.uint8)


def gaussian_values(
    sides: tuple[int, ...], length: float, rng: np.random.Generator, periodic: bool
) -> npt.NDArray[np.float64]:
    """Return a Gaussian field of variance 1 with correlation exp(-(r / length)²)."""
    from scipy import fft

    # A torus four lengths wider: what wraps around it is correlated by exp(-16) only.
    torus = sides if periodic else tuple(fft.next_fast_len(n + int(4 * length) + 1) for n in sides)
    values = rng.standard_normal(torus)
    for axis, side in enumerate(torus):
        lags = np.arange(side)
        wraps = np.arange(-1 - int(4 * length / side), 2 + int(4 * length / side))
        distances = lags[:, None] + side * wraps
        correlation = np.exp(-((distances / length) ** 2)).sum(axis=1)
        spectrum = np.maximum(fft.fft(correlation / correlation[0]).real, 0)
        gain = np.sqrt(spectrum).reshape([-1 if a == axis else 1 for a in range(len(torus))])
        values = fft.ifft(fft.fft(values, axis=axis) * gain, axis=axis).real
    return values[tuple(slice(n) for n in sides)]


def voronoi(
    shape: tuple[int, ...],
    *,
    cells: int,
    phases: int = 2,
    seed: int = 0,
    periodic: bool = True,
) -> Labels:
    """Return Voronoi cells of random points, each given one of `phases` at random: a polycrystal.

    For every phase S2 = φ w + φ² (1 - w), where w(r) is the chance that two points a distance r
    apart lie in one cell and φ = 1 / phases (`voronoi_two_point`): all phases have one curve.

    Parameters
    ----------
    shape : tuple of int
        (y, x) or (z, y, x).
    cells : int
        Number of cells.
    phases : int
        Number of phases, equally likely.
    seed : int
        Seed of the random numbers.
    periodic : bool
        Whether the structure goes on at the opposite side.

    Returns
    -------
    ndarray of uint8
        Phases 0 .. phases-1.
    """
    sides = _validate.shape(shape)
    number = _validate.integer(cells, name="cells", minimum=1, maximum=MAX_GRAINS)
    kinds = _validate.integer(phases, name="phases", minimum=1, maximum=_validate.MAX_PHASES)
    rng = np.random.default_rng(_validate.seed(seed))
    cell = voronoi_cells(sides, number, rng, periodic)
    return rng.integers(0, kinds, number, dtype=np.uint8)[cell]


def voronoi_cells(
    sides: tuple[int, ...], cells: int, rng: np.random.Generator, periodic: bool
) -> npt.NDArray[np.int64]:
    """Return for each voxel the index of the nearest of `cells` uniform random points."""
    from scipy.spatial import cKDTree

    points = rng.random((cells, len(sides))) * sides
    tree = cKDTree(points, boxsize=sides if periodic else None)
    # Plane by plane, so that the coordinates of a large volume never exist all at once.
    plane = np.stack(np.meshgrid(*map(np.arange, sides[1:]), indexing="ij"), -1)
    plane = plane.reshape(-1, len(sides) - 1)
    result = np.empty(sides, np.int64)
    for i in range(sides[0]):
        first = np.full((len(plane), 1), i)
        result[i] = tree.query(np.hstack([first, plane]))[1].reshape(sides[1:])
    return result


def agglomerate(
    shape: tuple[int, ...],
    *,
    particle_radius: float = 5.0,
    porosity: float = 0.55,
    pore_radius: float = 14.0,
    aggregate_size: int = 30,
    seed: int = 0,
    periodic: bool = True,
) -> Labels:
    """Return a structure like the carbon black of a fuel-cell catalyst layer.

    Small spheres stick together, slightly fused, in branched aggregates; the aggregates leave
    narrow primary pores within and wide secondary pores between them. A 2-D shape gives a plane
    section of the 3-D structure, not discs. No closed form is known.

    Parameters
    ----------
    shape : tuple of int
        (y, x) or (z, y, x).
    particle_radius : float
        Radius of the primary particles in voxels, at least 1.
    porosity : float
        Fraction of phase 0, met to within one particle.
    pore_radius : float
        Radius of the secondary pores in voxels; 0 for none.
    aggregate_size : int
        Number of particles in an aggregate.
    seed : int
        Seed of the random numbers.
    periodic : bool
        Whether the structure goes on at the opposite side.

    Returns
    -------
    ndarray of uint8
        0 pore, 1 carbon.

    Raises
    ------
    InputError
        If the secondary pores leave too little room for the carbon asked for.
    """
    sides = _validate.shape(shape)
    recipe = aggregates.Recipe(
        particle_radius=_validate.real(particle_radius, name="particle_radius", minimum=1),
        porosity=_fraction(porosity, name="porosity"),
        pore_radius=_validate.real(pore_radius, name="pore_radius", minimum=0),
        aggregate_size=_validate.integer(
            aggregate_size, name="aggregate_size", minimum=1, maximum=10_000
        ),
    )
    rng = np.random.default_rng(_validate.seed(seed))
    return aggregates.labels(sides, recipe, rng, periodic=periodic)


def checkerboard(shape: tuple[int, ...], *, cell: int) -> Labels:
    """Return a checkerboard of square (cubic) cells of `cell` voxels, phase 0 in the corner.

    Along an axis, periodic, with sides that are multiples of 2 c: S2(r) = |1 - (r mod 2c) / c| / 2
    and L(r) = max(c - r, 0) / (2 c) for both phases.
    """
    sides = _validate.shape(shape)
    width = _validate.integer(cell, name="cell", minimum=1)
    steps = np.ix_(*[np.arange(side) // width for side in sides])
    return np.asarray(sum(steps) % 2, dtype=np.uint8)


def stripes(shape: tuple[int, ...], *, width: int, axis: int = 0) -> Labels:
    """Return layers of `width` voxels that alternate along `axis`, phase 0 first.

    Along `axis` S2 and L are those of a checkerboard of cells of that width; along the others both
    are 1/2 at all lags.
    """
    sides = _validate.shape(shape)
    thickness = _validate.integer(width, name="width", minimum=1)
    (along,) = _validate.axes(axis, ndim=len(sides), name="axis")
    layers = (np.arange(sides[along]) // thickness % 2).astype(np.uint8)
    layers = layers.reshape([-1 if a == along else 1 for a in range(len(sides))])
    return np.ascontiguousarray(np.broadcast_to(layers, sides))


def bernoulli(shape: tuple[int, ...], *, fraction: float, seed: int = 0) -> Labels:
    """Return voxels that are phase 1 with probability `fraction`, each by itself.

    S2(r) = φ² for r > 0 and L(r) = φ^(r+1).
    """
    sides = _validate.shape(shape)
    share = _validate.real(fraction, name="fraction", minimum=0, maximum=1)
    rng = np.random.default_rng(_validate.seed(seed))
    return (rng.random(sides) < share).astype(np.uint8)


def _fraction(value: float, *, name: str) -> float:
    number = _validate.real(value, name=name)
    if not 0 < number < 1:
        raise InputError(f"{name} must be between 0 and 1, both excluded, not {number:g}")
    return number
