"""Drawing an info bar such as microscopes add below their images."""

import numpy as np

from microtwin.images.scaled import ScaledImage

BACKGROUND, TEXT = 8, 240
SHARE = 0.09  # of the height of the image
ROUND = (1, 2, 5)  # leading digits of a scale bar


def with_info_bar(image: ScaledImage) -> ScaledImage:
    """Return `image` with a bar below it: a scale if the spacing is known, and settings."""
    from PIL import Image, ImageDraw, ImageFont

    height, width = image.shape
    rows = max(20, round(SHARE * height))
    bar = Image.new("L", (width, rows), BACKGROUND)
    draw = ImageDraw.Draw(bar)
    font = ImageFont.load_default(size=max(9, round(0.45 * rows)))
    top = round(0.2 * rows)
    draw.text((0.03 * width, top), "HV 5.00 kV  SE", fill=TEXT, font=font)
    if image.spacing is not None:
        edge = image.spacing[-1]
        length = _round_length(0.3 * width * edge)
        right = round(0.97 * width)
        left = round(right - length / edge)
        draw.rectangle((left, rows - round(0.25 * rows), right, rows - 3), fill=TEXT)
        draw.text((left, top - 2), _named(length), fill=TEXT, font=font)
    whole = np.vstack([image, np.asarray(bar)])
    return ScaledImage(whole, spacing=image.spacing, source=image.source)


def _round_length(length: float) -> float:
    """Return the largest 1, 2 or 5 times a power of ten that is not longer than `length`."""
    power = 10.0 ** np.floor(np.log10(length))
    return float(max(digit * power for digit in ROUND if digit * power <= length * 1.0000001))


def _named(length: float) -> str:
    for unit, size in (("mm", 1e-3), ("µm", 1e-6), ("nm", 1e-9)):
        if length >= size * 0.9999:
            return f"{length / size:.0f} {unit}"
    return f"{length / 1e-12:.0f} pm"
