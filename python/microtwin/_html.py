"""Pages: one HTML file with everything in it, the same look in every room."""

import base64
import io
import platform
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from microtwin import _figures

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def render(package: str, template: str, *, version: str, **values: Any) -> str:
    """Return a page as HTML text.

    Parameters
    ----------
    package : str
        Where the folder `templates` with the template is; what it extends and includes may also be
        among the templates of microtwin itself.
    template : str
        Name of the template, which extends ``page.html.j2``.
    version : str
        Of microtwin, which made the numbers.
    **values
        What the template shows.
    """
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=ChoiceLoader([PackageLoader(package), PackageLoader("microtwin")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": number, "decimals": decimals, "percent": percent, "duration": duration,
        "plus_minus": plus_minus,
    }  # fmt: skip
    page = environment.get_template(template)
    return page.render(version=version, machine=machine(), **values)


def machine() -> str:
    """Say on what kind of machine this runs."""
    return f"{platform.system()} on {platform.machine()}"


def svg(figure: "Figure") -> str:
    """Return a figure as the text of an SVG image that stands for itself."""
    text = base64.b64encode(_figures.to_svg(figure).encode()).decode("ascii")
    return f"data:image/svg+xml;base64,{text}"


def png(picture: npt.NDArray[np.uint8]) -> str:
    """Return a picture, (y, x) or (y, x, 3), as the text of a PNG that stands for itself."""
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(picture)).save(stream, format="png", optimize=True)
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode("ascii")


def number(value: float | None, digits: int = 3) -> str:
    """Return a number for a table: `digits` that count, "–" where there is none."""
    if value is None or value != value:
        return "–"
    if value == 0:
        return "0"
    size = abs(value)
    if 1e-3 <= size < 1e5:
        return f"{value:.{digits}g}" if size < 10**digits else f"{value:,.0f}".replace(",", " ")
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    superscript = str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{mantissa}·10{superscript}"


def decimals(value: float | None, places: int = 4) -> str:
    """Return a number for a column of alike ones: so many decimal places, "–" for no number."""
    return "–" if value is None or value != value else f"{value:.{places}f}"


def percent(fraction: float | None) -> str:
    """Return a fraction as whole per cent, "–" where there is none."""
    return "–" if fraction is None else f"{100 * fraction:.0f} %"


def plus_minus(value: float, spread: float | None) -> str:
    """Return a value with its spread between samples."""
    return number(value) if spread is None else f"{number(value)} ± {number(spread, 2)}"


def duration(seconds: float | None) -> str:
    """Return a time in the unit it is best read in."""
    if seconds is None:
        return "–"
    if seconds < 120:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 120 else f"{seconds / 3600:.1f} h"


def flattened(settings: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """Return what the report lists of the settings, as names and texts."""
    for name, value in settings.items():
        if name in ("notes", "command"):
            continue
        if isinstance(value, Mapping):
            parts = (f"{key} {_text(part)}" for key, part in value.items())
            yield name, ", ".join(parts)
        elif isinstance(value, list | tuple):
            yield name, ", ".join(map(_text, value))
        else:
            yield name, _text(value)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return number(value, 4) if isinstance(value, float) else str(value)
