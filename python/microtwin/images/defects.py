"""Spoiling good micrographs: what goes wrong at a microscope, drawn into an image.

For training and testing what tells good images from bad ones where bad ones are few:
preclassifiers and anomaly detectors. Every function takes an image and returns one of its shape
and type.

``strength`` is 0 for nothing at all, 1 for an image that a microscopist would throw away, and may
be anything from 0 to 4. Lengths grow with the shorter side of the image, so that a strength means
the same in small images and large ones. The same image, strength and seed give the same result.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from microtwin import _validate
from microtwin.errors import InputError
from microtwin.images import defect_models as models
from microtwin.images.scaled import ScaledImage, scaled_like
from microtwin.images.scaling import grey_limits

STRONGEST = 4.0
SMALLEST = 16  # pixels a side, below which no defect can be drawn


@dataclass(frozen=True, slots=True)
class Spoilt:
    """An image with a defect, and where it is.

    Attributes
    ----------
    image : ScaledImage, shape (y, x)
        The spoilt image, of the type of the original.
    mask : ndarray of bool, shape (y, x)
        Where the defect is: all of the image for those that are everywhere.
    defect : str
        Name in `DEFECTS`.
    strength : float
        How bad.
    seed : int
        Seed of places and shapes.
    """

    image: ScaledImage
    mask: npt.NDArray[np.bool_]
    defect: str
    strength: float
    seed: int


def blur(image: npt.ArrayLike, *, strength: float = 1.0, seed: int = 0) -> ScaledImage:
    """Return `image` out of focus, with some astigmatism.

    The probe becomes an ellipse with a radius of 1/60 of the shorter side times `strength`, longer
    than wide by up to a half. Noise is of the detector and stays: what the blur takes away of it
    (estimated from the finest diagonal differences) is added anew.

    Parameters
    ----------
    image : array_like, shape (y, x)
        Grey levels.
    strength : float
        How bad, 0 to 4.
    seed : int
        Seed of the astigmatism and the noise.

    Returns
    -------
    ScaledImage
        Same shape, type and spacing.

    Raises
    ------
    InputError
        If the image is not 2-D or smaller than 16 pixels, or an option is out of range.
    """
    return spoil(image, "blur", strength=strength, seed=seed).image


def charging(image: npt.ArrayLike, *, strength: float = 1.0, seed: int = 0) -> ScaledImage:
    """Return `image` with streaks along the scan lines where poor conductors charge up.

    Two to six bright spots of the image collect charge: they glow, differently from line to line,
    and leave a bright tail and then a dark one in the direction of the scan (+x); now and then a
    whole line jumps in brightness.

    Parameters, returns and errors are those of `blur`.
    """
    return spoil(image, "charging", strength=strength, seed=seed).image


def curtaining(image: npt.ArrayLike, *, strength: float = 1.0, seed: int = 0) -> ScaledImage:
    """Return `image` with the stripes that an ion beam mills below hard or porous places.

    Stripes run along y, within a few degrees, begin at some depth and deepen from there; they dim
    or brighten the image by a quarter times `strength` where they are strong.

    Parameters, returns and errors are those of `blur`.
    """
    return spoil(image, "curtaining", strength=strength, seed=seed).image


def particles(image: npt.ArrayLike, *, strength: float = 1.0, seed: int = 0) -> ScaledImage:
    """Return `image` with foreign particles on it: dust, flakes, residues of polishing.

    One to four of them with uneven outlines and radii of 4 to 10 % of the shorter side times
    `strength`, bright with a brighter rim or dark, with a grain of their own and a shadow.

    Parameters, returns and errors are those of `blur`.
    """
    return spoil(image, "particles", strength=strength, seed=seed).image


def noise(image: npt.ArrayLike, *, strength: float = 1.0, seed: int = 0) -> ScaledImage:
    """Return `image` with the noise of too few electrons.

    Shot noise (Poisson) with a standard deviation of 0.25 times `strength` of the full range at
    middle grey, and a fourth of that of the amplifier (normal).

    Parameters, returns and errors are those of `blur`.
    """
    return spoil(image, "noise", strength=strength, seed=seed).image


def exposure(image: npt.ArrayLike, *, strength: float = 1.0, seed: int = 0) -> ScaledImage:
    """Return `image` too bright or too dark: the detector's gain and offset set wrongly.

    The seed decides which. Levels outside the range of the detector are lost.

    Parameters, returns and errors are those of `blur`.
    """
    return spoil(image, "exposure", strength=strength, seed=seed).image


def drift(image: npt.ArrayLike, *, strength: float = 1.0, seed: int = 0) -> ScaledImage:
    """Return `image` sheared and stretched by a stage that moves during the scan, and shaking.

    The stage goes up to 12 % of the shorter side times `strength`, not evenly, and vibrates by up
    to 0.6 % of it, which gives jagged edges. At the border the image is mirrored.

    Parameters, returns and errors are those of `blur`.
    """
    return spoil(image, "drift", strength=strength, seed=seed).image


def magnification(image: npt.ArrayLike, *, strength: float = 1.0, seed: int = 0) -> ScaledImage:
    """Return a small part of `image` at far too high a magnification: few features are left.

    The part is the flattest of some that the seed draws, and is enlarged 1 + 5 `strength` times
    by cubic splines; the noise of the detector is added anew, as in `blur`. The spacing becomes
    finer by the same factor.

    Parameters, returns and errors are those of `blur`.
    """
    return spoil(image, "magnification", strength=strength, seed=seed).image


def spoil(
    image: npt.ArrayLike, defect: str | None = None, *, strength: float = 1.0, seed: int = 0
) -> Spoilt:
    """Draw a defect into an image and tell where it is.

    Parameters
    ----------
    image : array_like, shape (y, x)
        Grey levels.
    defect : str, optional
        One of `DEFECTS`; the seed chooses unless given.
    strength : float
        How bad, 0 to 4; 0 leaves the image as it is.
    seed : int
        Seed of places and shapes.

    Returns
    -------
    Spoilt
        The image, its mask, and what was done.

    Raises
    ------
    InputError
        If the image is not 2-D or smaller than 16 pixels, or an option is out of range.

    Examples
    --------
    >>> from microtwin.images import sample_micrographs
    >>> (image,) = sample_micrographs(1, shape=(64, 64))
    >>> spoilt = spoil(image, "particles", seed=1)
    >>> bool((spoilt.image[~spoilt.mask] == image[~spoilt.mask]).all())
    True
    """
    grey = _validate.image(image)
    if grey.ndim != 2 or min(grey.shape) < SMALLEST:
        raise InputError(
            f"image must be (y, x), at least {SMALLEST} x {SMALLEST}, not {grey.shape}"
        )
    power = _validate.real(strength, name="strength", minimum=0, maximum=STRONGEST)
    start = _validate.seed(seed)
    rng = np.random.default_rng(start)
    name = str(rng.choice(list(_MODELS))) if defect is None else defect
    model = _MODELS[_validate.choice(name, _MODELS, name="defect")]
    if power == 0:
        untouched = scaled_like(grey.copy(), image)
        return Spoilt(untouched, np.zeros(grey.shape, bool), name, power, start)
    low, high = grey_limits(grey)
    values = (grey.astype(np.float64) - low) / (high - low)
    changed, mask = model(values, power, rng)
    back = low + (high - low) * changed
    # Nothing is brighter than the detector's range, or than the image where that went further.
    back = np.clip(back, min(low, float(grey.min())), max(high, float(grey.max())))
    typed = np.rint(back).astype(grey.dtype) if grey.dtype.kind in "biu" else back
    spoilt = scaled_like(np.where(mask, typed, grey).astype(grey.dtype), image)
    if name == "magnification" and spoilt.spacing is not None:
        factor = models.magnified(power)
        spacing = tuple(edge / factor for edge in spoilt.spacing)
        spoilt = ScaledImage(spoilt, spacing=spacing, source=spoilt.source)
    return Spoilt(spoilt, mask, name, power, start)


_MODELS: Mapping[str, models.Model] = MappingProxyType(
    {
        "blur": models.blur,
        "charging": models.charging,
        "curtaining": models.curtaining,
        "particles": models.particles,
        "noise": models.noise,
        "exposure": models.exposure,
        "drift": models.drift,
        "magnification": models.magnification,
    }
)

DEFECTS: Mapping[str, Callable[..., ScaledImage]] = MappingProxyType(
    {
        "blur": blur,
        "charging": charging,
        "curtaining": curtaining,
        "particles": particles,
        "noise": noise,
        "exposure": exposure,
        "drift": drift,
        "magnification": magnification,
    }
)
