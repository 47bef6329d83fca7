"""The look that the figures of all reports share."""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from microtwin import _files

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZE = (4.6, 4.1)  # inches; readable when half a screen wide and when as wide as a telephone
REFERENCE_COLOUR = "#1a1a1a"
BAND_COLOUR = "#d9d9d4"
_UNITS = ((1e-9, "nm"), (1e-6, "µm"), (1e-3, "mm"), (1.0, "m"))


@dataclass(frozen=True, slots=True)
class Style:
    """How a line is drawn: a colour, and dashes (on, off, ... in points) for who sees none."""

    colour: str
    dashes: tuple[float, ...] = ()
    width: float = 1.8

    @property
    def line(self) -> dict[str, Any]:
        """Return the style as arguments of matplotlib's plot."""
        pattern = (0, self.dashes) if self.dashes else "-"
        return {"color": self.colour, "linestyle": pattern, "linewidth": self.width}


# Okabe and Ito's colours, which the colour-blind can tell apart.
STYLES = (
    Style("#0072b2", (5.0, 1.8)),
    Style("#d55e00", (6.0, 1.6, 1.4, 1.6)),
    Style("#009e73", (1.6, 1.4)),
    Style("#cc79a7", (9.0, 2.5)),
    Style("#8a6d00", (3.0, 1.2, 1.2, 1.2, 1.2, 1.2)),
)


def new_axes() -> "Axes":
    """Return the axes of a new figure."""
    return new_figure(1, 1).subplots()


def new_figure(columns: int, rows: int) -> "Figure":
    """Return a figure for so many panels."""
    from matplotlib.figure import Figure

    # A figure of its own rather than pyplot's: no window, no global state, no leak. In a notebook
    # the figure is ax.figure.
    width = 5.5 if columns == 1 else 4.5 * columns
    return Figure(figsize=(width, 4.0 if rows == 1 else 3.5 * rows), layout="constrained")


def length_unit(largest: float) -> tuple[float, str]:
    """Return a unit of length, in metres, in which `largest` metres is a handy number."""
    return next((u for u in reversed(_UNITS) if largest >= u[0]), _UNITS[0])


def to_svg(figure: "Figure") -> str:
    """Return a figure as the text of an SVG image, the same for the same figure."""
    stream = io.StringIO()
    with look():
        figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None})
    return stream.getvalue()


def to_png(figure: "Figure", path: str | os.PathLike[str]) -> Path:
    """Write a figure as PNG."""

    def write(file: Path) -> None:
        with look():
            figure.savefig(file, format="png", dpi=160, facecolor="white")

    return _files.write_with(path, write)


@contextmanager
def look() -> Iterator[None]:
    """Draw in the look of the reports while the block runs."""
    import matplotlib

    settings: dict[Any, Any] = {
        "font.family": "sans-serif",
        "font.size": 10,
        "axes.titlesize": 11,
        "axes.titlelocation": "left",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "grid.color": "#ecece8",
        "grid.linewidth": 0.8,
        "legend.fontsize": 9,
        "svg.hashsalt": "microtwin",
        "svg.fonttype": "path",
    }
    with matplotlib.rc_context(settings):
        yield
