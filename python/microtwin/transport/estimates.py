"""What effective conductivities can be, and are often taken to be, by volume fractions alone.

All functions take the volume fractions and the conductivities of the phases as mappings from label
to number, and are in the unit of the conductivities.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from microtwin import _validate
from microtwin.errors import InputError

Floats = npt.NDArray[np.float64]
Numbers = Mapping[int, float]

_SUM = 1e-6  # by how much fractions may miss one


@dataclass(frozen=True, slots=True)
class Estimates:
    """Bounds and estimates for one set of volume fractions and conductivities.

    Attributes
    ----------
    wiener : (float, float)
        Lower and upper bound for any structure; see `wiener_bounds`.
    hashin_shtrikman : (float, float)
        Lower and upper bound for isotropic structures; see `hashin_shtrikman_bounds`.
    bruggeman : float
        Self-consistent effective medium; see `bruggeman_estimate`.
    power_law : float
        k φ^1.5 of a conductor in an insulator, NaN elsewhere; see `power_law_estimate`.
    maxwell : mapping of int to float
        With each phase as the matrix of the others; see `maxwell_estimate`.
    """

    wiener: tuple[float, float]
    hashin_shtrikman: tuple[float, float]
    bruggeman: float
    power_law: float
    maxwell: Mapping[int, float]

    def __str__(self) -> str:
        """Return one line for each bound and estimate."""
        return "\n".join(f"{name}: {value:.6g}" for name, value in self.numbers.items())

    @property
    def numbers(self) -> dict[str, float]:
        """Each bound and estimate by its name."""
        return {
            "wiener_lower": self.wiener[0],
            "wiener_upper": self.wiener[1],
            "hashin_shtrikman_lower": self.hashin_shtrikman[0],
            "hashin_shtrikman_upper": self.hashin_shtrikman[1],
            "bruggeman": self.bruggeman,
            "power_law": self.power_law,
            **{f"maxwell_matrix_{label}": value for label, value in self.maxwell.items()},
        }


def conductivity_estimates(
    fractions: Numbers, conductivities: Numbers, *, dimension: int = 3
) -> Estimates:
    """Return every bound and estimate of this module.

    Parameters
    ----------
    fractions : mapping of int to float
        Volume fraction of each phase by its label; they add up to one.
    conductivities : mapping of int to float
        Conductivity of each of these labels, 0 for an insulator.
    dimension : {3, 2}
        Of space.

    Returns
    -------
    Estimates

    Raises
    ------
    InputError
        If fractions do not add up to one, or a conductivity is missing or negative.

    Examples
    --------
    >>> print(conductivity_estimates({0: 0.6, 1: 0.4}, {0: 0.0, 1: 1.0}))
    wiener_lower: 0
    wiener_upper: 0.4
    hashin_shtrikman_lower: 0
    hashin_shtrikman_upper: 0.307692
    bruggeman: 0.1
    power_law: 0.252982
    maxwell_matrix_0: 0
    maxwell_matrix_1: 0.307692
    """
    return Estimates(
        wiener=wiener_bounds(fractions, conductivities),
        hashin_shtrikman=hashin_shtrikman_bounds(fractions, conductivities, dimension=dimension),
        bruggeman=bruggeman_estimate(fractions, conductivities, dimension=dimension),
        power_law=power_law_estimate(fractions, conductivities),
        maxwell={
            label: maxwell_estimate(fractions, conductivities, matrix=label, dimension=dimension)
            for label in sorted(int(label) for label in fractions)
        },
    )


def wiener_bounds(fractions: Numbers, conductivities: Numbers) -> tuple[float, float]:
    """Bounds for any structure: all phases in series, and all in parallel.

    Parameters
    ----------
    fractions, conductivities
        As in `conductivity_estimates`.

    Returns
    -------
    lower, upper : float

    References
    ----------
    O. Wiener, Abh. Math.-Phys. Kl. Königl. Sächs. Ges. 32, 509 (1912).

    Examples
    --------
    >>> wiener_bounds({0: 0.5, 1: 0.5}, {0: 1.0, 1: 4.0})
    (1.6, 2.5)
    """
    share, k = _checked(fractions, conductivities)
    return _harmonic(share, k), float(share @ k)


def hashin_shtrikman_bounds(
    fractions: Numbers, conductivities: Numbers, *, dimension: int = 3
) -> tuple[float, float]:
    """Best bounds for isotropic structures of which no more is known than the fractions.

    With k* the least (greatest) conductivity and d the dimension, the lower (upper) bound is
    1 / Σ φ_i / (k_i + (d-1) k*) - (d-1) k*, for any number of phases.

    A finite sample is never quite isotropic, and may lie a little outside.

    Parameters
    ----------
    fractions, conductivities, dimension
        As in `conductivity_estimates`.

    Returns
    -------
    lower, upper : float

    References
    ----------
    Z. Hashin and S. Shtrikman, J. Appl. Phys. 33, 3125 (1962); S. Torquato, Random Heterogeneous
    Materials (2002), section 21.1.2.

    Examples
    --------
    >>> low, high = hashin_shtrikman_bounds({0: 0.5, 1: 0.5}, {0: 1.0, 1: 4.0})
    >>> round(low, 6), round(high, 6)
    (2.0, 2.285714)
    """
    share, k = _checked(fractions, conductivities)
    others = _dimension(dimension) - 1
    there = k[share > 0]
    low, high = (
        _harmonic(share, k + others * limit) - others * limit
        for limit in (there.min(), there.max())
    )
    return max(float(low), 0.0), float(high)


def bruggeman_estimate(fractions: Numbers, conductivities: Numbers, *, dimension: int = 3) -> float:
    """Self-consistent effective medium, where all phases are treated alike.

    The K for which Σ φ_i (k_i - K) / (k_i + (d-1) K) = 0. A conductor in an insulator percolates at
    a fraction of 1/d there. This is not the power law φ^1.5 that often goes by the same name; see
    `power_law_estimate`.

    Parameters
    ----------
    fractions, conductivities, dimension
        As in `conductivity_estimates`.

    Returns
    -------
    float

    References
    ----------
    D. A. G. Bruggeman, Ann. Phys. (Leipzig) 416, 636 (1935); R. Landauer, J. Appl. Phys. 23, 779
    (1952).

    Examples
    --------
    >>> round(bruggeman_estimate({0: 0.5, 1: 0.5}, {0: 0.0, 1: 1.0}), 6)
    0.25
    >>> bruggeman_estimate({0: 0.7, 1: 0.3}, {0: 0.0, 1: 1.0})
    0.0
    """
    from scipy.optimize import brentq

    share, k = _checked(fractions, conductivities)
    d = _dimension(dimension)
    greatest = float(k.max())
    if greatest == 0:
        return 0.0
    scaled = k / greatest

    # The balance times K, over d: Σ φ_i d K / (k_i + (d-1) K) = 1, which rises with K.
    def excess(logarithm: float) -> float:
        K = np.exp(logarithm)
        return float(share @ (d * K / (scaled + (d - 1) * K))) - 1.0

    lowest = -700.0  # exp of it is the smallest there is
    if excess(lowest) >= 0:
        return 0.0
    if excess(0.0) <= 0:
        return greatest
    return float(greatest * np.exp(brentq(excess, lowest, 0.0, xtol=1e-14, rtol=1e-14)))


def power_law_estimate(
    fractions: Numbers, conductivities: Numbers, *, exponent: float = 1.5
) -> float:
    """Archie's law with Bruggeman's exponent: k φ^1.5 of a conductor among insulators.

    Bruggeman's differential effective medium for spheres that do not conduct, of all sizes, and
    the habit of battery models.

    Parameters
    ----------
    fractions, conductivities
        As in `conductivity_estimates`.
    exponent : float
        1.5 for spheres; sands 1.3, sandstones 1.8 to 2.

    Returns
    -------
    float
        NaN where phases of different conductivities conduct.

    References
    ----------
    D. A. G. Bruggeman, Ann. Phys. (Leipzig) 416, 636 (1935); G. E. Archie, Trans. AIME 146, 54
    (1942).

    Examples
    --------
    >>> power_law_estimate({0: 0.75, 1: 0.25}, {0: 0.0, 1: 2.0})
    0.25
    """
    share, k = _checked(fractions, conductivities)
    power = _validate.real(exponent, name="exponent", minimum=0)
    conducting = k[k > 0]
    if conducting.size == 0:
        return 0.0
    if (conducting != conducting[0]).any():
        return float("nan")
    return float(conducting[0] * share[k > 0].sum() ** power)


def maxwell_estimate(
    fractions: Numbers, conductivities: Numbers, *, matrix: int, dimension: int = 3
) -> float:
    """Maxwell's estimate: spheres (2-D: discs) far apart in a matrix.

    K / k_m = (1 + (d-1) Σ β_i φ_i) / (1 - Σ β_i φ_i) with β_i = (k_i - k_m) / (k_i + (d-1) k_m).

    Parameters
    ----------
    fractions, conductivities, dimension
        As in `conductivity_estimates`.
    matrix : int
        Label of the phase around the spheres.

    Returns
    -------
    float

    References
    ----------
    J. C. Maxwell, A Treatise on Electricity and Magnetism (1873), article 314.

    Examples
    --------
    Holes in a conductor:

    >>> round(maxwell_estimate({0: 0.1, 1: 0.9}, {0: 0.0, 1: 1.0}, matrix=1), 6)
    0.857143
    """
    share, k = _checked(fractions, conductivities)
    others = _dimension(dimension) - 1
    labels = sorted(int(label) for label in fractions)
    if matrix not in labels:
        raise InputError(f"matrix must be one of {', '.join(map(str, labels))}; not {matrix!r}")
    around = k[labels.index(matrix)]
    if around == 0:
        return 0.0
    field = float(share @ ((k - around) / (k + others * around)))
    return float(around * (1 + others * field) / (1 - field))


def _harmonic(share: Floats, k: Floats) -> float:
    """Return the harmonic mean of conductivities weighted by fractions."""
    there = share > 0
    if (k[there] == 0).any():
        return 0.0
    return float(1.0 / (share[there] @ (1.0 / k[there])))


def _dimension(value: int) -> int:
    return _validate.integer(value, name="dimension", minimum=2, maximum=3)


def _checked(fractions: Numbers, conductivities: Numbers) -> tuple[Floats, Floats]:
    """Return fractions and conductivities in the order of the labels."""
    for name, value in (("fractions", fractions), ("conductivities", conductivities)):
        if not isinstance(value, Mapping) or not value:
            raise InputError(f"{name} must map labels to numbers, such as {{0: 0.5, 1: 0.5}}")
    labels = sorted(fractions)
    missing = [str(label) for label in labels if label not in conductivities]
    if missing:
        raise InputError(f"conductivities must name every label; missing: {', '.join(missing)}")
    share = np.array(
        [_validate.real(fractions[n], name=f"fractions[{n}]", minimum=0) for n in labels]
    )
    k = np.array(
        [_validate.real(conductivities[n], name=f"conductivities[{n}]", minimum=0) for n in labels]
    )
    if abs(share.sum() - 1) > _SUM:
        raise InputError(f"fractions must add up to 1, not {share.sum():g}")
    return share, k
