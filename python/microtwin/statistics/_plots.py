"""How functions and descriptions are drawn."""

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from microtwin.statistics.correlation import CorrelationFunction
    from microtwin.statistics.description import Description

TITLES = {"two_point": "two-point probability $S_2$", "lineal_path": "lineal path $L$"}
SYMBOLS = {"two_point": "$S_2$", "lineal_path": "$L$"}
_UNITS = ((1e-9, "nm"), (1e-6, "µm"), (1e-3, "mm"), (1.0, "m"))


def length_unit(largest: float) -> tuple[float, str]:
    """Return a unit of length, in metres, in which `largest` metres is a handy number."""
    return next((u for u in reversed(_UNITS) if largest >= u[0]), _UNITS[0])


def plot_function(
    function: "CorrelationFunction", ax: "Axes | None", *, label: str | None = None, **style: Any
) -> "Axes":
    """Draw one function; see `CorrelationFunction.plot`."""
    ax = ax if ax is not None else _new_axes()
    spacing = function.spacing
    # One curve, one scale: metres only where all the axes measured agree on them.
    edges = None if spacing is None else {spacing[axis] for axis in function.axes}
    if edges is not None and len(edges) == 1:
        edge = edges.pop()
        unit, name = length_unit(edge * max(function.max_lag, 1))
        scale, xlabel = edge / unit, f"lag ({name})"
    else:
        scale, xlabel = 1.0, "lag (voxels)"
    x = function.lags * scale
    name = label or f"{SYMBOLS[function.statistic]} of phase {function.phase}"
    (line,) = ax.plot(x, function.mean, label=name, **style)
    if function.spread is not None:
        low, high = function.mean - function.spread, function.mean + function.spread
        ax.fill_between(x, low, high, color=line.get_color(), alpha=0.2, linewidth=0)
    ax.set(xlabel=xlabel, ylabel="probability", title=TITLES[function.statistic])
    ax.set_ylim(bottom=0, auto=None)
    ax.margins(x=0)
    ax.legend(frameon=False)
    return ax


def plot_description(description: "Description", ax: "Axes | None") -> "Axes":
    """Draw all functions of a description; see `Description.plot`."""
    ax = ax if ax is not None else _new_axes()
    styles = dict(zip(description.statistics, ("-", "--", ":", "-."), strict=False))
    for function in description.functions:
        colour = f"C{description.phases.index(function.phase)}"
        plot_function(function, ax, color=colour, linestyle=styles[function.statistic])
        if function.statistic == "two_point":
            fraction = np.square(description.fraction(function.phase))
            ax.axhline(fraction, color=colour, linewidth=0.6, alpha=0.6, linestyle=":")
    ax.set_title("correlation functions")
    return ax


def _new_axes() -> "Axes":
    from matplotlib.figure import Figure

    # A figure of its own rather than pyplot's: no window, no global state, no leak. In a notebook
    # the figure is ax.figure.
    return Figure(figsize=(5.5, 4), layout="constrained").subplots()
