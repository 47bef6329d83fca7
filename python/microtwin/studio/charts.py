"""Curves for the browser (ECharts): lines told apart by dashes and symbols, not by colour alone."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

# Okabe and Ito's colours, as in the reports, each with dashes and a symbol of its own.
LOOKS = (
    ("#0072b2", "solid", "circle"),
    ("#d55e00", "dashed", "rect"),
    ("#009e73", "dotted", "triangle"),
    ("#cc79a7", "solid", "diamond"),
    ("#8a6d00", "dashed", "pin"),
    ("#444444", "dotted", "arrow"),
)
MOST = 400  # points of a line; no screen shows more

Line = tuple[str, Sequence[float], Sequence[float]]


def lines(
    data: Sequence[Line],
    *,
    x: str,
    y: str,
    log: bool = False,
    bands: Mapping[str, tuple[Sequence[float], Sequence[float]]] | None = None,
) -> dict[str, Any]:
    """Return the options of a chart of some lines.

    Parameters
    ----------
    data : sequence of (name, x, y)
        The lines.
    x, y : str
        What lies along the axes.
    log : bool
        Whether y is logarithmic.
    bands : mapping of str to (low, high), optional
        Around the line of that name.
    """
    series: list[dict[str, Any]] = []
    for i, (name, along, values) in enumerate(data):
        colour, dashes, symbol = LOOKS[i % len(LOOKS)]
        points = _points(along, values, log)
        low_high = (bands or {}).get(name)
        if low_high is not None:
            series += _band(name, along, *low_high, colour)
        series.append(
            {
                "name": name, "type": "line", "data": points, "color": colour, "symbol": symbol,
                "symbolSize": 5, "showSymbol": len(points) <= 40,
                "lineStyle": {"width": 2, "type": dashes}, "emphasis": {"focus": "series"},
            }
        )  # fmt: skip
    return {
        "animation": False,
        "aria": {"enabled": True},
        "textStyle": {"fontFamily": "inherit"},
        "grid": {"left": 64, "right": 20, "top": 40, "bottom": 48},
        "legend": {"top": 4, "right": 12, "type": "scroll", "data": [name for name, _, _ in data]},
        "tooltip": {"trigger": "axis", "confine": True},
        "xAxis": {
            "type": "value", "name": x, "nameLocation": "middle", "nameGap": 28,
            "min": "dataMin", "max": "dataMax",
        },
        "yAxis": {
            "type": "log" if log else "value", "name": y, "nameTextStyle": {"align": "left"},
            "scale": True,
            **({"axisLabel": {":formatter": "v => v.toExponential(0)"}} if log else {}),
        },
        "series": series,
    }  # fmt: skip


def _band(
    name: str, along: Sequence[float], low: Sequence[float], high: Sequence[float], colour: str
) -> list[dict[str, Any]]:
    """Return two stacked lines without strokes, the upper one filled."""
    plain = {
        "type": "line", "stack": f"band {name}", "stackStrategy": "all", "symbol": "none",
        "silent": True,
        "lineStyle": {"opacity": 0}, "color": colour, "tooltip": {"show": False},
    }  # fmt: skip
    low = np.maximum(low, 0.0).tolist()  # nothing that is measured lies below
    width = np.asarray(high) - np.asarray(low)
    return [
        {**plain, "name": f"{name} low", "data": _points(along, low, False)},
        {
            **plain, "name": f"{name} high", "data": _points(along, width.tolist(), False),
            "areaStyle": {"opacity": 0.16, "color": colour},
        },
    ]  # fmt: skip


def _points(along: Sequence[float], values: Sequence[float], log: bool) -> list[list[float]]:
    """Return what can be drawn, thinned evenly to what can be seen."""
    pairs = [
        [float(a), float(v)]
        for a, v in zip(along, values, strict=True)
        if np.isfinite(v) and (v > 0 or not log)
    ]
    step = max(-(-len(pairs) // MOST), 1)
    return pairs[::step] if step == 1 or not pairs else [*pairs[:-1:step], pairs[-1]]
