"""How each defect comes about: grey levels between 0 and 1 in, spoilt ones and a mask out.

Chapters: what is wrong everywhere (blur, noise, exposure, drift, magnification), then what is wrong
in places (charging, curtaining, particles). What counts as a place is what a defect changes by more
than `SEEN`.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Model = Callable[[Floats, float, np.random.Generator], tuple[Floats, Bools]]

SEEN = 0.04  # of the range of grey levels: changes below are lost in the noise of an SEM


def blur(values: Floats, strength: float, rng: np.random.Generator) -> tuple[Floats, Bools]:
    """Average over the ellipse that an astigmatic beam out of focus makes of each point."""
    from scipy.signal import fftconvolve

    radius = max(min(values.shape) / 60 * strength, 0.6)
    stretch, turn = rng.uniform(1.0, 1.5), rng.uniform(0, np.pi)
    reach = int(np.ceil(radius * stretch)) + 1
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    along, across = np.cos(turn) * x + np.sin(turn) * y, np.cos(turn) * y - np.sin(turn) * x
    distance = np.hypot(along / stretch, across)
    probe = np.clip(radius + 0.5 - distance, 0, 1)  # a disc with a rim of one pixel
    wide = np.pad(values, reach, mode="symmetric")
    seen = fftconvolve(wide, probe / probe.sum(), mode="valid")
    kept = np.sqrt((probe**2).sum()) / probe.sum()  # of the noise that was there
    return _noisy(seen, noise_of(values) * np.sqrt(1 - kept**2), rng), _everywhere(values)


def noise(values: Floats, strength: float, rng: np.random.Generator) -> tuple[Floats, Bools]:
    """Count so few electrons that their number varies by a fourth at middle grey."""
    spread = 0.25 * strength
    dose = 0.5 / spread**2  # electrons at full scale
    counts = rng.poisson(np.maximum(values, 0) * dose) / dose
    return _noisy(counts, spread / 4, rng), _everywhere(values)


def exposure(values: Floats, strength: float, rng: np.random.Generator) -> tuple[Floats, Bools]:
    """Shift and stretch the levels until they leave the range, upwards or downwards."""
    far = strength * rng.uniform(0.8, 1.2)
    if rng.random() < 0.5:
        changed = values * (1 + 0.6 * far) + 0.3 * far
    else:
        changed = values / (1 + 1.6 * far) - 0.1 * far
    return np.clip(changed, 0, 1), _everywhere(values)


def drift(values: Floats, strength: float, rng: np.random.Generator) -> tuple[Floats, Bools]:
    """Take each line where the stage happens to be by then."""
    from scipy.ndimage import map_coordinates

    height, width = values.shape
    side = min(values.shape)
    time = np.linspace(0, 1, height)
    way = time ** rng.uniform(0.7, 2.0)  # creep that dies away, or a stage that sets off
    angle = rng.uniform(0, 2 * np.pi)
    far = 0.12 * side * strength * rng.uniform(0.6, 1)
    shaking = 0.006 * side * strength * rng.uniform(0.5, 1)
    turns = rng.uniform(0.05, 0.2) * height  # against the scan: a few lines a period
    jitter = np.sin(2 * np.pi * turns * time + rng.uniform(0, 6)) + rng.normal(0, 0.3, height)
    dx = far * np.cos(angle) * way + shaking * jitter
    dy = far * np.sin(angle) * way
    rows = (np.arange(height) + dy)[:, None] + np.zeros(width)
    columns = dx[:, None] + np.arange(width)
    seen = map_coordinates(values, [rows, columns], order=1, mode="mirror")
    moved = np.hypot(dx, dy) > 1
    return np.asarray(seen), np.broadcast_to(moved[:, None], values.shape).copy()


def magnification(
    values: Floats, strength: float, rng: np.random.Generator
) -> tuple[Floats, Bools]:
    """Enlarge the flattest of a few small parts."""
    from scipy.ndimage import zoom

    factor = magnified(strength)
    sides = [max(4, round(side / factor)) for side in values.shape]
    corners = rng.integers(0, np.array(values.shape) - sides + 1, (8, 2))
    parts = [values[y : y + sides[0], x : x + sides[1]] for y, x in corners]
    flattest = min(parts, key=lambda part: float(part.std()))
    ratios = [a / b for a, b in zip(values.shape, flattest.shape, strict=True)]
    seen = zoom(flattest, ratios, order=3, mode="mirror", grid_mode=True)
    return _noisy(seen, noise_of(values), rng), _everywhere(values)


def magnified(strength: float) -> float:
    """Return how many times too high the magnification is."""
    return 1 + 5 * strength


def charging(values: Floats, strength: float, rng: np.random.Generator) -> tuple[Floats, Bools]:
    """Let a few bright spots glow, with tails along the scan lines."""
    from scipy.ndimage import gaussian_filter
    from scipy.signal import lfilter

    height, width = values.shape
    side = min(values.shape)
    bright = np.argwhere(values >= np.quantile(values, 0.9))
    spots = bright[rng.integers(0, len(bright), rng.integers(2, 7))]
    y, x = np.mgrid[:height, :width]
    glow = np.zeros(values.shape)
    for row, column in spots:
        tall, wide = side * rng.uniform(0.015, 0.06, 2)
        glow += rng.uniform(0.5, 1) * np.exp(
            -(((y - row) / tall) ** 2) - ((x - column) / wide) ** 2
        )
    flicker = np.clip(0.7 + 0.5 * rng.standard_normal((height, 1)), 0, 2)  # from line to line
    near, far = side * rng.uniform(0.1, 0.3), side * rng.uniform(0.4, 0.9)
    # A pixel's charge decays over the tail: first it brightens, then the detector undershoots.
    tails = [
        lfilter([1 / (0.05 * side)], [1, -np.exp(-1 / length)], glow * flicker, axis=1)
        for length in (near, far)
    ]
    change = 0.7 * glow * flicker + 0.7 * np.tanh(tails[0]) - 0.5 * np.tanh(0.6 * tails[1])
    jumps = rng.random((height, 1)) < 0.02
    change += jumps * rng.normal(0, 0.25, (height, 1)) * (x >= rng.integers(0, width))
    change *= strength
    # What the eye takes as one streak is one, though single lines of it are not changed.
    seen = gaussian_filter(np.abs(change), (1, 1)) > SEEN
    return np.where(seen, values + change, values), seen


def curtaining(values: Floats, strength: float, rng: np.random.Generator) -> tuple[Floats, Bools]:
    """Dim and brighten the image in stripes that begin somewhere and deepen."""
    height, width = values.shape
    side = min(values.shape)
    lean = np.tan(np.radians(rng.uniform(-4, 4)))
    y, x = np.mgrid[:height, :width]
    across = x - lean * y
    stripes = np.zeros(values.shape)
    for _ in range(int(rng.integers(10, 26))):
        centre = rng.uniform(-0.1, 1.1) * width
        wide = side * rng.uniform(0.004, 0.025) + 0.5
        start = rng.uniform(-0.3, 0.6) * height
        deep = 1 - np.exp(-np.maximum(y - start, 0) / (0.15 * height))
        sign = -1 if rng.random() < 0.65 else 1  # the beam takes away more than it leaves
        stripes += sign * rng.uniform(0.4, 1) * np.exp(-(((across - centre) / wide) ** 2)) * deep
    change = values * (0.25 * strength * np.clip(stripes, -2.5, 2.5))
    seen = np.abs(change) > SEEN / 2
    return np.where(seen, values + change, values), seen


def particles(values: Floats, strength: float, rng: np.random.Generator) -> tuple[Floats, Bools]:
    """Lay some flakes on the image, and their shadows beside them."""
    from scipy.ndimage import gaussian_filter

    height, width = values.shape
    side = min(values.shape)
    y, x = np.mgrid[:height, :width]
    changed, touched = values.copy(), np.zeros(values.shape, bool)
    for _ in range(int(rng.integers(1, 5))):
        radius = max(side * rng.uniform(0.04, 0.10) * strength, 1.5)
        row, column = rng.uniform(0.05, 0.95, 2) * values.shape
        depth = _flake(y - row, x - column, radius, rng)
        inside = depth > 0
        shadow = np.exp(-np.maximum(-depth, 0) / (0.25 * radius)) * (0.4 * ~inside)
        shaded = shadow > SEEN
        changed = np.where(shaded, changed * (1 - shadow), changed)
        grain = gaussian_filter(rng.standard_normal(values.shape), max(radius / 12, 0.7))
        grain *= 0.06 / max(float(grain.std()), 1e-9)
        dark = rng.random() < 0.35
        base = rng.uniform(0.02, 0.15) if dark else rng.uniform(0.65, 0.9)
        rim = (0.1 if dark else 0.25) * np.exp(-np.maximum(depth, 0) / (0.12 * radius))
        body = _noisy(base + grain + rim, noise_of(values), rng)
        changed = np.where(inside, body, changed)
        touched |= inside | shaded
    return changed, touched


def noise_of(values: Floats) -> float:
    """Estimate the noise of an image from its finest diagonal differences.

    The median of their absolute values over 0.6745, after Donoho and Johnstone, Biometrika 81, 425
    (1994); fine texture makes it too large, which the median bounds.
    """
    rows, columns = (side // 2 * 2 for side in values.shape)
    even = values[:rows, :columns]
    diagonal = (even[::2, ::2] - even[::2, 1::2] - even[1::2, ::2] + even[1::2, 1::2]) / 2
    return float(np.median(np.abs(diagonal))) / 0.6745


def _flake(dy: Any, dx: Any, radius: float, rng: np.random.Generator) -> Floats:
    """Return how far inside an uneven outline each pixel lies, below 0 outside, in pixels."""
    angle = np.arctan2(dy, dx)
    orders = np.arange(2, 8)
    sizes = rng.normal(0, 0.22, len(orders)) / orders**0.8
    phases = rng.uniform(0, 2 * np.pi, len(orders))
    outline = 1 + sum(
        size * np.cos(order * angle + phase)
        for size, order, phase in zip(sizes, orders, phases, strict=True)
    )
    return np.asarray(radius * np.maximum(outline, 0.3) - np.hypot(dy, dx))


def _noisy(values: Any, spread: float, rng: np.random.Generator) -> Floats:
    return np.asarray(values + rng.normal(0, spread, values.shape))


def _everywhere(values: Floats) -> Bools:
    return np.ones(values.shape, bool)
