"""Structures to begin from that already have the target's two-point probability, all around.

Annealing to curves along the axes alone leaves S2 between the axes wrong. Phase retrieval starts
from the whole map instead: the power spectrum of a structure is the Fourier transform of its S2, so
what is sought is an array that has this spectrum and holds two values in the right proportion. A
Gaussian field cut at a level costs three transforms. It comes about as near, and nearer where only
the curves along the axes are known: to spheres as to blobs, but it has no other likeness to them.
"""

import math

import numpy as np
import numpy.typing as npt
from scipy import fft
from scipy.special import ndtri

from microtwin.annealing._conditioning import conditioned
from microtwin.annealing._fixed import Fixed, Places
from microtwin.annealing._wanted import wanted_map
from microtwin.errors import InputError
from microtwin.statistics import CorrelationMap, Description

Floats = npt.NDArray[np.floating]

STARTS = ("noise", "phase_retrieval", "gaussian")

# Relaxed averaged alternating reflections: how much of the reflections is kept. 0.9 came nearest to
# the map on blobs (0.7: twice as far; plain alternating projections stall six times as far away).
_RELAXATION = 0.9
_MOST_ITERATIONS, _FEWEST_ITERATIONS = 200, 60
_CHEAP = 2**19  # voxels up to which iterations are cheap


def noise(
    shape: tuple[int, ...], counts: dict[int, int], seed: int, fixed: Fixed | None = None
) -> npt.NDArray[np.uint8]:
    """Return labels without any order, so many voxels of each.

    Parameters are those of `retrieve`, but that there may be any number of labels.
    """
    places = Places.checked(fixed, shape, counts)
    labels = np.repeat(np.array(list(places.missing), np.uint8), list(places.missing.values()))
    np.random.default_rng(seed).shuffle(labels)
    return places.filled(labels)


def retrieve(
    description: Description,
    known: CorrelationMap | None,
    shape: tuple[int, ...],
    counts: dict[int, int],
    seed: int,
    threads: int,
    fixed: Fixed | None = None,
) -> npt.NDArray[np.uint8]:
    """Return labels whose two-point map is near the target's, by phase retrieval.

    D. R. Luke, Inverse Problems 21, 37 (2005): relaxed averaged alternating reflections, between
    the arrays with the spectrum wanted and those of two values.

    Parameters
    ----------
    description : Description
        The target. Without `known` S2 between its axes is taken from the curves along them.
    known : CorrelationMap, optional
        S2 at every displacement, of one of the two phases. That of images can make a volume, which
        then is isotropic.
    counts : dict of int to int
        Voxels of each label, of which there must be two.
    fixed : (array_like of bool, array_like of int), optional
        Where labels are given, and the labels; both of the shape of the structure.
    """
    phase, other = _two_phases("phase_retrieval", description, known, shape, counts)
    places = Places.checked(fixed, shape, counts)
    size = math.prod(shape)
    wanted = wanted_map(description, known, phase, shape)
    fraction = counts[phase] / size
    power = fft.rfftn(wanted - fraction**2, workers=threads).real * size
    amplitude = np.sqrt(np.maximum(power, 0.0)).astype(np.float32)
    amplitude.flat[0] = counts[phase]

    def with_spectrum(field: Floats) -> Floats:
        spectrum = fft.rfftn(field, workers=threads)
        spectrum *= amplitude / np.maximum(np.abs(spectrum), np.float32(1e-9))
        return np.asarray(fft.irfftn(spectrum, s=shape, workers=threads))

    keep = np.float32(_RELAXATION)
    random = np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)
    current: Floats = places.largest(random, phase).astype(np.float32)
    steps = round(_MOST_ITERATIONS * min(1.0, _CHEAP / size))
    for _ in range(max(steps, _FEWEST_ITERATIONS)):
        near = with_spectrum(current)
        binary = places.largest(2 * near - current, phase)
        current = keep * (current + binary - near) + (1 - keep) * near
    inside = places.largest(with_spectrum(current), phase)
    return np.where(inside, np.uint8(phase), np.uint8(other))


def gaussian_field(
    description: Description,
    known: CorrelationMap | None,
    shape: tuple[int, ...],
    counts: dict[int, int],
    seed: int,
    threads: int,
    fixed: Fixed | None = None,
) -> npt.NDArray[np.uint8]:
    """Return labels whose two-point map is near the target's: a Gaussian field cut at a level.

    J. A. Quiblier, J. Colloid Interface Sci. 98, 84 (1984); A. P. Roberts and M. Teubner, Phys.
    Rev. E 51, 4141 (1995). Where no Gaussian field has the covariance that S2 asks for, it gets
    the nearest covariance that there is. It goes on from voxels that are fixed.

    Parameters are those of `retrieve`.
    """
    phase, other = _two_phases("gaussian", description, known, shape, counts)
    places = Places.checked(fixed, shape, counts)
    wanted = wanted_map(description, known, phase, shape)
    covariance = _covariance(wanted, description.fraction(phase))
    power = _spectral_density(fft.rfftn(covariance, workers=threads).real, shape)
    noise = np.random.default_rng(seed).standard_normal(shape)
    # The phases of white noise alone: its own spectrum, which scatters, would come on top.
    spectrum = fft.rfftn(noise, workers=threads)
    spectrum *= np.sqrt(power) / np.maximum(np.abs(spectrum), 1e-300)
    field = fft.irfftn(spectrum, s=shape, workers=threads)
    if places.free is not None:
        level = -float(ndtri(description.fraction(phase)))
        inside = np.asarray(places.labels == phase)
        field = conditioned(field, power, level, inside, ~places.free, threads)
    return np.where(places.largest(field, phase), np.uint8(phase), np.uint8(other))


def _covariance(two_point: npt.NDArray[np.float64], fraction: float) -> npt.NDArray[np.float64]:
    """Return the covariance of the Gaussian field whose level cut at a fraction has an S2.

    S2 = φ² + 1/(2π) ∫ exp(-t² / (1 + sin a)) da from 0 to arcsin(covariance), with the level t that
    a normal variable exceeds with probability φ: it rises with the covariance.
    """
    level = float(ndtri(fraction))
    angles = np.linspace(-np.pi / 2, np.pi / 2, 4001)
    middles = (angles[1:] + angles[:-1]) / 2
    steps = np.exp(-(level**2) / (1 + np.sin(middles))) * np.diff(angles) / (2 * np.pi)
    table = np.concatenate([[0.0], np.cumsum(steps)])
    # No rounding at φ², where most of the map lies.
    table += fraction**2 - table[2000]
    covariance = np.sin(np.interp(two_point, table, angles))
    covariance.flat[0] = 1.0
    return covariance


def _spectral_density(power: Floats, shape: tuple[int, ...]) -> Floats:
    """Return the nearest spectrum of variance one that is nowhere negative.

    Clipping at zero alone would keep the upper half of the noise that S2 of one sample leaves at
    all wavelengths, and make the structure rough; so what is clipped is taken off everywhere.
    """
    # Half a spectrum stands for the whole one: all but its first plane, and the last one of an
    # even side, are there twice.
    twice = np.full(power.shape[-1], 2.0)
    twice[0] = 1.0
    if shape[-1] % 2 == 0:
        twice[-1] = 1.0
    low, high = 0.0, float(power.max())
    for _ in range(50):
        middle = (low + high) / 2
        total = float((np.maximum(power - middle, 0.0) @ twice).sum())
        low, high = (middle, high) if total > math.prod(shape) else (low, middle)
    return np.asarray(np.maximum(power - low, 0.0))


def _two_phases(
    start: str,
    description: Description,
    known: CorrelationMap | None,
    shape: tuple[int, ...],
    counts: dict[int, int],
) -> tuple[int, int]:
    """Return the phase that S2 is known of, and the other one."""
    if len(counts) != 2:
        raise InputError(f"start can be {start} for two phases only; target has {len(counts)}")
    phase = description.phase if known is None else known.phase
    if phase not in counts or (known is not None and known.partner is not None):
        raise InputError(f"start must be a map of one of the phases {sorted(counts)}")
    if known is not None and known.ndim > len(shape):
        raise InputError(f"start must be a map of {len(shape)}-D structures, as shape is")
    (other,) = set(counts) - {phase}
    return phase, other
