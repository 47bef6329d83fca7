"""What a scanning electron microscope would make of a structure."""

import numpy as np
import numpy.typing as npt

from microtwin import _validate
from microtwin.errors import InputError
from microtwin.images.scaled import ScaledImage, scaled_like

Floats = npt.NDArray[np.float64]

STEEPEST = 1.5  # 1/cos - 1 of the slope beyond which a wall gets no brighter
HOLLOWS = (2.0, 10.0)  # widths in pixels of the crevices and the hollows that look dark
DOME = 6.0  # radius in pixels of the rounding given to phases without a relief


def render_sem(
    labels: npt.ArrayLike,
    *,
    relief: npt.ArrayLike | None = None,
    seed: int = 0,
    noise: float = 0.05,
    shading: float = 0.1,
    blur: float = 0.7,
    contrast: float = 0.36,
    charging: float = 0.03,
    info_bar: bool = False,
) -> ScaledImage:
    """Draw labels as a secondary-electron image: bright edges, dark hollows, noise, uneven light.

    Parameters
    ----------
    labels : array_like, shape (y, x)
        Phases; 0 is the darkest.
    relief : array_like, shape (y, x), optional
        Height of the surface in pixels. Without it every region gets a rounded rim.
    seed : int
        Seed of noise, shading and charging.
    noise : float
        Standard deviation of the shot noise at middle grey, of the full range.
    shading : float
        How much the illumination varies over the image, of its mean.
    blur : float
        Standard deviation in pixels of the beam's spot.
    contrast : float
        Difference between the mean grey levels of the darkest and the brightest phase, of the
        full range, before noise.
    charging : float
        Strength of the horizontal streaks that poor conductors show.
    info_bar : bool
        Whether to add the bar with scale and settings below the image.

    Returns
    -------
    ScaledImage
        uint8 grey levels with the spacing of `labels`; some rows more than these with a bar.

    Raises
    ------
    InputError
        If the labels are not 2-D or `relief` has another shape.
    """
    phases = _validate.labels(labels)
    if phases.ndim != 2:
        raise InputError("labels must be 2-D to be drawn: choose a slice of the volume")
    height = _rounded(phases) if relief is None else _same_shape(relief, phases.shape)
    levels = {
        name: _validate.real(value, name=name, minimum=0)
        for name, value in {
            "noise": noise,
            "shading": shading,
            "blur": blur,
            "contrast": contrast,
            "charging": charging,
        }.items()
    }
    rng = np.random.default_rng(_validate.seed(seed))
    signal = _emission(phases, height, levels["contrast"])
    signal *= 1 + levels["shading"] * _slow_field(phases.shape, rng)
    signal += levels["charging"] * _streaks(signal, rng)
    signal = _detect(signal, levels["blur"], levels["noise"], rng)
    grey = np.rint(255 * np.clip(signal, 0, 1)).astype(np.uint8)
    image = scaled_like(grey, labels)
    if info_bar:
        from microtwin.images.info_bar_drawing import with_info_bar

        image = with_info_bar(image)
    return image


def _rounded(phases: npt.NDArray[np.uint8]) -> Floats:
    """Return a relief in which all that is not phase 0 is a plateau with a rounded rim."""
    from scipy.ndimage import distance_transform_edt, gaussian_filter

    solid = phases > 0
    if solid.all():
        return np.zeros(phases.shape)
    inward = np.minimum(distance_transform_edt(solid), DOME) / DOME
    # The floor of a pore is smooth: distances would leave ridges midway between its walls.
    floor = -2 * DOME * (1 - gaussian_filter(solid.astype(np.float64), DOME))
    rim = DOME * np.sqrt(1 - (1 - inward) ** 2)
    return np.asarray(np.where(solid, rim, floor))


def _same_shape(relief: npt.ArrayLike, shape: tuple[int, ...]) -> Floats:
    height = _validate.image(relief, name="relief").astype(np.float64)
    if height.shape != shape:
        raise InputError(f"relief must have the shape of labels, {shape}, not {height.shape}")
    return height


def _emission(phases: npt.NDArray[np.uint8], height: Floats, contrast: float) -> Floats:
    """Return the electrons that leave each pixel: more from slopes and rims, fewer from hollows."""
    from scipy.ndimage import gaussian_filter

    material = phases / max(int(phases.max()), 1)
    smooth = gaussian_filter(height, 0.5)
    # Yield grows as 1/cos of the tilt; the detector saturates at steep walls.
    tilt = np.minimum(np.hypot(1, np.hypot(*np.gradient(smooth))) - 1, STEEPEST) / STEEPEST
    # Few electrons find their way out of a crevice or a hollow, many from what stands out.
    crevice, hollow = (np.tanh((smooth - gaussian_filter(smooth, s)) / s) for s in HOLLOWS)
    topography = 0.35 * tilt + 0.7 * crevice + 0.45 * hollow - 0.1
    signal = 0.46 + contrast * (material - 0.5) + contrast * (0.4 + 0.25 * material) * topography
    return np.asarray(signal)


def _slow_field(shape: tuple[int, ...], rng: np.random.Generator) -> Floats:
    """Return a tilted and curved plane between about -1 and 1."""
    y, x = np.meshgrid(*[np.linspace(-1, 1, n) for n in shape], indexing="ij")
    weights = rng.uniform(-1, 1, 5)
    plane = weights @ np.stack([y, x, x * y, y**2 - 1 / 3, x**2 - 1 / 3]).reshape(5, -1)
    return np.asarray(plane.reshape(shape) / 2)


def _streaks(signal: Floats, rng: np.random.Generator) -> Floats:
    """Return what charge leaves along scan lines: tails behind bright spots, uneven lines."""
    from scipy.signal import lfilter

    excess = np.maximum(signal - np.quantile(signal, 0.9), 0)
    tails = lfilter([0.1], [1, -0.97], excess, axis=1)
    lines = rng.standard_normal((signal.shape[0], 1))
    return np.asarray(0.3 * lines - tails / max(float(tails.max()), 1e-9))


def _detect(signal: Floats, blur: float, noise: float, rng: np.random.Generator) -> Floats:
    """Return the signal after the spot's blur, with shot noise and a little of the amplifier's."""
    from scipy.ndimage import gaussian_filter

    seen = np.maximum(gaussian_filter(signal, blur) if blur > 0 else signal, 0)
    if noise == 0:
        return np.asarray(seen)
    dose = 0.5 / noise**2  # electrons at full scale, so that the noise at 0.5 is as asked for
    counts = rng.poisson(seen * dose) / dose
    return np.asarray(counts + rng.normal(0, noise / 4, seen.shape))
