"""Figures of a comparison."""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from microtwin._figures import BAND_COLOUR, REFERENCE_COLOUR, SIZE, STYLES, Style, length_unit, look
from microtwin.comparison import _pictures
from microtwin.comparison.difference import band
from microtwin.comparison.result import Comparison, Member
from microtwin.statistics import CorrelationFunction
from microtwin.statistics._kinds import KINDS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWN = ("two_point", "lineal_path")  # in the overview


def style_of(comparison: Comparison, member: Member) -> Style:
    """Return how a member of a comparison is drawn, the same in every figure."""
    if member is comparison.reference:
        return Style(REFERENCE_COLOUR, width=2.0)
    if member.kind == "baseline":
        return Style("#b4b4ac", width=4.5)
    return STYLES[comparison.methods.index(member) % len(STYLES)]


def curves(comparison: Comparison, statistic: str, phase: int, *, legend: bool = False) -> "Figure":
    """Draw one function of all members, and below it how far each is from the reference."""
    from matplotlib.figure import Figure

    real = comparison.reference.description.function(statistic, phase)
    scale, unit = _length(real)
    with look():
        figure = Figure(figsize=SIZE, layout="constrained")
        top, low = figure.subplots(2, 1, sharex=True, height_ratios=(2.2, 1))
        x = real.abscissa * scale
        edges = band(real)
        if edges is not None:
            gap = edges[1] - real.mean
            band_style = {"color": BAND_COLOUR, "linewidth": 0, "zorder": 0}
            top.fill_between(x, *edges, label="95 % band of real samples", **band_style)
            low.fill_between(x, -gap, gap, **band_style)
        for member in comparison.members:
            mine = member.description.function(statistic, phase).mean[: len(x)]
            n = len(mine)
            line = style_of(comparison, member).line
            top.plot(x[:n], mine, label=member.name, zorder=_order(member), **line)
            low.plot(x[:n], mine - real.mean[:n], zorder=_order(member), **line)
        kind = KINDS[statistic]
        top.set(title=f"{kind.heading}, phase {phase}", ylabel=kind.value)
        top.set_ylim(bottom=0)
        low.set(xlabel=f"{kind.abscissa} ({unit})", ylabel="minus real")
        low.set_xlim(0, x[-1])
        if legend:
            top.legend(frameon=False)
        figure.align_ylabels()
    return figure


def _order(member: Member) -> int:
    """Return what lies on what: a baseline is broad and below, methods are above all."""
    return {"baseline": 1, "reference": 2}.get(member.kind, 3)


def energies(comparison: Comparison) -> "Figure":
    """Draw the energy of every annealing run against the time it took."""
    from matplotlib.figure import Figure

    with look():
        figure = Figure(figsize=(SIZE[0], 3.2), layout="constrained")
        ax = figure.subplots()
        for member in comparison.methods:
            for i, twin in enumerate(member.twins):
                line = style_of(comparison, member).line | {"linewidth": 1.2}
                label = member.name if i == 0 else None
                ax.plot(twin.history.seconds, twin.history.energies, label=label, **line)
        ax.set(xscale="log", yscale="log", title="Energy of the annealing runs")
        ax.set(xlabel="time (s)", ylabel="total squared error")
        if sum(bool(member.twins) for member in comparison.methods) > 1:
            ax.legend(frameon=False)
    return figure


def losses(member: Member) -> "Figure":
    """Draw the training losses of a generator, thin as they are and bold as a moving mean."""
    from matplotlib.figure import Figure

    with look():
        figure = Figure(figsize=(SIZE[0], 3.2), layout="constrained")
        ax = figure.subplots()
        for (name, values), style in zip(member.losses.items(), STYLES, strict=False):
            series = np.array(values)
            width = max(1, len(series) // 40)
            steps = np.arange(1, len(series) + 1)
            thinned = slice(None, None, max(1, len(series) // 600))
            ax.plot(steps[thinned], series[thinned], color=style.colour, lw=0.5, alpha=0.4)
            smooth = _moving_mean(series, width)
            middle = steps[width - 1 :] - (width - 1) / 2
            ax.plot(middle[thinned], smooth[thinned], label=name, **style.line)
        ax.set(title=f"Training losses of {member.name}", xlabel="step", ylabel="loss")
        ax.margins(x=0)
        ax.legend(frameon=False)
    return figure


def novelty(comparison: Comparison, member: Member) -> "Figure":
    """Draw how far the structures of a member are from the training images."""
    from matplotlib.figure import Figure

    from microtwin.comparison._novelty_plots import plot_distances

    assert member.novelty is not None
    with look():
        figure = Figure(figsize=(SIZE[0], 3.2), layout="constrained")
        colour = style_of(comparison, member).colour
        ax = plot_distances(member.novelty, figure.subplots(), colour=colour, name=member.name)
        ax.set_title(f"Nearest training window: {member.name}")
    return figure


def overview(comparison: Comparison) -> "Figure":
    """Draw two structures of each member, and below them S2 and L of the primary phase."""
    from matplotlib.figure import Figure

    shown = [member for member in comparison.members if member.labels]
    functions = [
        f
        for f in comparison.reference.description.functions
        if f.phase == comparison.reference.description.phase and f.statistic in SHOWN
    ]
    with look():
        figure = Figure(figsize=(9.6, 7.6), layout="constrained")
        above, below = figure.subfigures(2, 1, height_ratios=(1.35, 1), squeeze=False)[:, 0]
        grid = above.subplots(2, max(len(shown), 2), squeeze=False)
        for ax in grid.flat:
            ax.axis("off")
        for member, column in zip(shown, grid.T, strict=False):
            colour = style_of(comparison, member).colour
            column[0].set_title(member.name, color=colour, fontweight="bold")
            for ax, picture in zip(column, _two_pictures(comparison, member), strict=False):
                ax.imshow(picture, cmap="gray", interpolation="nearest", vmin=0, vmax=255)
        axes = below.subplots(1, len(functions), squeeze=False)[0]
        for ax, f in zip(axes, functions, strict=True):
            scale, unit = _length(f)
            edges = band(f)
            if edges is not None:
                ax.fill_between(f.lags * scale, *edges, color=BAND_COLOUR, linewidth=0, zorder=0)
            for member in comparison.members:
                mean = member.description.counterpart(f).mean
                line = style_of(comparison, member).line | {"zorder": _order(member)}
                ax.plot(f.lags[: len(mean)] * scale, mean, label=member.name, **line)
            heading = KINDS[f.statistic].heading
            ax.set(title=f"{heading}, phase {f.phase}", xlabel=f"lag ({unit})")
            ax.set_ylim(bottom=0)
            ax.margins(x=0)
        axes[-1].legend(frameon=False)
    return figure


def _two_pictures(comparison: Comparison, member: Member) -> list[npt.NDArray[np.uint8]]:
    """Return grey levels and phases of a structure; phases of two where there are no greys."""
    phases = _pictures.count_phases(comparison)
    if member.labels[0].ndim == 3:
        top, front, _ = _pictures.faces(member.labels[0], phases)
        return [top, front]
    flat = [_pictures.grey_of_labels(labels, phases) for labels in member.labels[:2]]
    return [_pictures.grey_levels(member.images)[0], flat[0]] if member.images else flat


def _length(function: CorrelationFunction) -> tuple[float, str]:
    """Return by what to multiply lags in voxels, and the unit they then have."""
    edges = {function.spacing[axis] for axis in function.axes} if function.spacing else set()
    if len(edges) != 1:
        return 1.0, "voxels"
    edge = edges.pop()
    unit, name = length_unit(edge * max(function.max_lag, 1))
    return edge / unit, name


def _moving_mean(values: npt.NDArray[np.float64], width: int) -> npt.NDArray[np.float64]:
    total = np.cumsum(np.insert(values, 0, 0.0))
    return (total[width:] - total[:-width]) / width
