"""How functions and descriptions are drawn."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from microtwin._figures import length_unit, new_axes, new_figure
from microtwin.statistics._kinds import KINDS
from microtwin.statistics.chords import chord_density

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from microtwin.statistics.description import Description
    from microtwin.statistics.function import CorrelationFunction

_ALONG = {
    "axes": "",
    "face_diagonals": ", face diagonals",
    "body_diagonals": ", body diagonals",
    "radial": ", radial",
    "none": "",
}
# Probabilities over the lag: drawn together, one line style each.
_TOGETHER = {"two_point": "-", "lineal_path": "--", "cluster": "-."}
_MARKED = {"axes": "", "face_diagonals": "x", "body_diagonals": "+", "radial": ".", "none": ""}


def common_unit(functions: "Sequence[CorrelationFunction]") -> tuple[float, str] | None:
    """Return a unit of length for curves drawn together; None where they have to be in voxels.

    That is where there is no spacing, or where it differs between the axes of a mean curve.
    """
    longest = 0.0
    for function in functions:
        metres = function.distances
        if metres is None or not np.allclose(metres, metres[0]):
            return None
        longest = max(longest, float(metres[0, -1]))
    return length_unit(longest or 1.0)


def plot_function(
    function: "CorrelationFunction", ax: "Axes | None", *, label: str | None = None, **style: Any
) -> "Axes":
    """Draw one function; see `CorrelationFunction.plot`."""
    return _curve(function, ax or new_axes(), common_unit([function]), label=label, **style)


def _curve(
    function: "CorrelationFunction",
    ax: "Axes",
    unit: tuple[float, str] | None,
    *,
    label: str | None = None,
    **style: Any,
) -> "Axes":
    kind = KINDS[function.statistic]
    metres = function.distances
    if unit is not None and metres is not None:
        x, xlabel = metres[0] / unit[0], f"{kind.abscissa} ({unit[1]})"
    else:
        x, xlabel = function.abscissa, f"{kind.abscissa} (voxels)"
    phase = str(function.phase)
    if function.partner is not None:
        phase = f"{phase} with {function.partner}"
    name = label or f"{kind.symbol} of phase {phase}{_ALONG[function.directions]}"
    chords = function.statistic == "chord_length"
    y = chord_density(function).mean(axis=0) if chords else function.mean
    if kind.tapers:
        seen = np.flatnonzero(function.hits.any(axis=0))
        shown = slice(seen[-1] + 2 if seen.size else 2)
        x, y = x[shown], y[shown]
    (line,) = ax.plot(x, y, label=name, markevery=max(len(x) // 16, 1), **style)
    if function.spread is not None and not chords:
        half = function.spread[: len(x)]
        ax.fill_between(x, y - half, y + half, color=line.get_color(), alpha=0.2, linewidth=0)
    ax.set(xlabel=xlabel, ylabel=kind.value, title=kind.title)
    ax.set_ylim(bottom=0, auto=None)
    ax.margins(x=0)
    entries = len(ax.get_legend_handles_labels()[1])
    if entries <= 6:
        ax.legend(frameon=False)
    else:  # beside the panel, where it covers nothing
        ax.legend(frameon=False, fontsize="xx-small", loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return ax


def plot_description(description: "Description", ax: "Axes | None") -> "Axes":
    """Draw the correlation functions of a description; see `Description.plot`."""
    ax = ax if ax is not None else new_axes()
    drawn = [f for f in description.functions if f.statistic in _TOGETHER]
    unit = common_unit(drawn)
    for function in drawn:
        _draw(description, function, ax, unit, linestyle=_TOGETHER[function.statistic])
        if function.statistic == "two_point":
            fraction = np.square(description.fraction(function.phase))
            colour = f"C{description.phases.index(function.phase)}"
            ax.axhline(fraction, color=colour, linewidth=0.6, alpha=0.6, linestyle=":")
    ax.set_title("correlation functions")
    return ax


def plot_panels(description: "Description", figure: "Figure | None") -> "Figure":
    """Draw everything measured; see `Description.plot_all`."""
    others = [s for s in description.statistics if s in KINDS and s not in _TOGETHER]
    columns = min(len(others) + 1, 3)
    rows = -(-(len(others) + 1) // columns)
    figure = figure if figure is not None else new_figure(columns, rows)
    panels: list[Axes] = list(figure.subplots(rows, columns, squeeze=False).ravel())
    plot_description(description, panels[0])
    for statistic, ax in zip(others, panels[1:], strict=False):
        drawn = [f for f in description.functions if f.statistic == statistic]
        unit = common_unit(drawn)
        for function in drawn:
            _draw(description, function, ax, unit)
    for ax in panels[len(others) + 1 :]:
        ax.set_axis_off()
    return figure


def _draw(
    description: "Description",
    function: "CorrelationFunction",
    ax: "Axes",
    unit: tuple[float, str] | None,
    **style: Any,
) -> None:
    colour = f"C{description.phases.index(function.phase)}"
    marker = _MARKED[function.directions]
    _curve(function, ax, unit, color=colour, marker=marker, markersize=4, **style)
