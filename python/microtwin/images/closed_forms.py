"""Correlation functions of reference media that are known without measuring.

Lags `r` are in voxels, along any axis unless said otherwise. Everything is exact for the media of
`microtwin.images.synthetic` on their voxel grid, not only in the limit of fine voxels, because a
voxel has the phase of its centre. Source: S. Torquato, Random Heterogeneous Materials (2002).
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from microtwin import _validate

Curve = npt.NDArray[np.float64]


def ball_volume(radius: float, *, ndim: int) -> float:
    """Return the area of a disc (`ndim` = 2) or the volume of a ball (3)."""
    return float(np.pi * radius**2 if ndim == 2 else 4 / 3 * np.pi * radius**3)


def ball_overlap(lags: npt.ArrayLike, *, radius: float, ndim: int) -> Curve:
    """Return the area or volume that two discs or balls share, their centres `lags` apart."""
    x = np.minimum(np.asarray(lags, float) / (2 * radius), 1)
    if ndim == 2:
        lens = 2 / np.pi * (np.arccos(x) - x * np.sqrt(1 - x**2))
    else:
        lens = 1 - 1.5 * x + 0.5 * x**3
    return np.asarray(ball_volume(radius, ndim=ndim) * lens)


def overlapping_spheres_two_point(
    lags: npt.ArrayLike, *, radius: float, porosity: float, ndim: int
) -> Curve:
    """Return S2 of the void (phase 0) between overlapping discs or spheres (Torquato, eq. 5.14).

    S2(r) = exp(-ρ [2 V - A(r)]), where A(r) is the overlap of two grains and porosity = exp(-ρ V).
    """
    overlap = ball_overlap(lags, radius=radius, ndim=ndim) / ball_volume(radius, ndim=ndim)
    return np.asarray(porosity ** (2 - overlap))


def overlapping_spheres_lineal_path(
    lags: npt.ArrayLike, *, radius: float, porosity: float, ndim: int
) -> Curve:
    """Return L of the void (phase 0) between overlapping discs or spheres, along an axis.

    All r + 1 voxel centres are in the void if no grain centre lies in the union of r + 1 balls one
    voxel apart. Balls are convex, so each adds V - A(1) to the union: L(r) = exp(-ρ [V + r (V -
    A(1))]), which for a large radius is the continuum's exp(-ρ [V + r π R²]) (2-D: 2 R).
    """
    step = ball_overlap(1, radius=radius, ndim=ndim) / ball_volume(radius, ndim=ndim)
    return np.asarray(porosity ** (1 + np.asarray(lags, float) * (1 - step)))


def overlapping_spheres_pore_size(
    distances: npt.ArrayLike, *, radius: float, porosity: float, ndim: int
) -> Curve:
    """Return F(δ) of the void (phase 0) between overlapping discs or spheres of the continuum.

    A void point is further than δ from all grains if no centre lies in a ball of radius R + δ:
    F(δ) = exp(-ρ [V(R + δ) - V(R)]) (Torquato, section 5.2.3). Its derivative gives the discs'
    pore-size density, 2πρ (δ + R) exp(-πρ (δ² + 2 R δ)).
    """
    grown = (1 + np.asarray(distances, float) / radius) ** ndim
    return np.asarray(porosity ** (grown - 1))


def overlapping_spheres_minkowski(*, radius: float, porosity: float, ndim: int) -> dict[str, float]:
    """Return the densities of the solid (phase 1) made of overlapping discs or spheres.

    Per unit volume of the continuum, by the names of `microtwin.minkowski` (Miles 1976; Stoyan,
    Kendall and Mecke, Stochastic Geometry and its Applications, section 3.2).
    """
    density = -np.log(porosity) / ball_volume(radius, ndim=ndim)
    if ndim == 2:
        perimeter = 2 * np.pi * radius
        return {
            "area_fraction": 1 - porosity,
            "perimeter_density": porosity * density * perimeter,
            "euler_density": porosity * density * (1 - density * perimeter**2 / (4 * np.pi)),
        }
    surface, curvature = 4 * np.pi * radius**2 * density, 4 * np.pi * radius * density
    mean = porosity * (curvature - np.pi**2 * surface**2 / 32)
    total = density - curvature * surface / (4 * np.pi) + np.pi * surface**3 / 384
    return {
        "volume_fraction": 1 - porosity,
        "specific_surface": porosity * surface,
        "mean_breadth_density": mean / (2 * np.pi),
        "euler_density": porosity * total,
    }


def gaussian_field_two_point(
    lags: npt.ArrayLike, *, correlation_length: float, fraction: float
) -> Curve:
    """Return S2 of phase 1 of a cut Gaussian field with correlation g = exp(-(r / length)²).

    S2(r) = φ² + 1/(2π) ∫ exp(-t²/(1+s)) / sqrt(1-s²) ds from 0 to g(r), where t is the threshold;
    for φ = 1/2 that is 1/4 + arcsin(g)/(2π) (Berk, Phys. Rev. A 44, 5069, 1991).
    """
    from scipy.special import ndtri

    correlation = np.exp(-((np.asarray(lags, float) / correlation_length) ** 2))
    threshold = ndtri(fraction)
    # With s = sin(a) the integrand is smooth up to g = 1 and a Gauss rule is exact to rounding.
    nodes, weights = np.polynomial.legendre.leggauss(64)
    half = np.arcsin(correlation)[..., None] / 2
    angles = half * (nodes + 1)
    integral = (half * weights * np.exp(-(threshold**2) / (1 + np.sin(angles)))).sum(axis=-1)
    return np.asarray(fraction**2 + integral / (2 * np.pi))


def gaussian_field_minkowski(
    *, correlation_length: float, fraction: float, ndim: int
) -> dict[str, float]:
    """Return the densities of phase 1 of a cut Gaussian field, by the names of `mt.minkowski`.

    With the second spectral moment λ = 2 / length² and the level t that phase 1 exceeds (R. Adler,
    The Geometry of Random Fields, 1981; H. Tomita, Prog. Theor. Phys. 76, 952, 1986).
    """
    from scipy.special import ndtri

    level, moment = -ndtri(fraction), 2 / correlation_length**2
    peak = np.exp(-(level**2) / 2)
    section = moment / (2 * np.pi) ** 1.5 * level * peak  # Euler density of a plane
    if ndim == 2:
        return {
            "area_fraction": fraction,
            "perimeter_density": np.sqrt(moment) / 2 * peak,
            "euler_density": section,
        }
    return {
        "volume_fraction": fraction,
        "specific_surface": 2 / np.pi * np.sqrt(moment) * peak,
        "mean_breadth_density": section,
        "euler_density": moment**1.5 / (2 * np.pi) ** 2 * (level**2 - 1) * peak,
    }


def bernoulli_two_point(lags: npt.ArrayLike, *, fraction: float) -> Curve:
    """Return S2 of uncorrelated voxels: φ at lag 0, φ² beyond."""
    return np.where(np.asarray(lags) == 0, fraction, fraction**2)


def bernoulli_lineal_path(lags: npt.ArrayLike, *, fraction: float) -> Curve:
    """Return L of uncorrelated voxels, φ^(r+1)."""
    return np.asarray(fraction ** (np.asarray(lags, float) + 1))


def checkerboard_two_point(lags: npt.ArrayLike, *, cell: int) -> Curve:
    """Return S2 of either phase of a checkerboard along an axis, a triangle wave of period 2 c."""
    _validate.integer(cell, name="cell", minimum=1)
    return np.asarray(np.abs(1 - np.asarray(lags, float) % (2 * cell) / cell) / 2)


def checkerboard_lineal_path(lags: npt.ArrayLike, *, cell: int) -> Curve:
    """Return L of either phase of a checkerboard along an axis, (c - r) / (2 c) up to r = c."""
    _validate.integer(cell, name="cell", minimum=1)
    return np.asarray(np.maximum(cell - np.asarray(lags, float), 0) / (2 * cell))


def voronoi_two_point(same_cell: npt.ArrayLike, *, fraction: float) -> Curve:
    """Return S2 of a phase given to random cells, from the chance that both ends share a cell.

    S2 = φ w + φ² (1 - w), whatever the cells are.
    """
    weight: Any = np.asarray(same_cell, float)
    return np.asarray(fraction * weight + fraction**2 * (1 - weight))
