"""How statistics over the size of a window are drawn."""

from typing import TYPE_CHECKING

import numpy as np

from microtwin._figures import length_unit, new_axes, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from microtwin.statistics.representative import RepresentativeVolume

_UNITS = {
    "porosity": "volume fraction",
    "specific_surface": "1/voxel",
    "mean_chord": "voxels",
    "correlation_length": "voxels",
    "two_point": "probability",
    "lineal_path": "probability",
}


def plot_errors(rev: "RepresentativeVolume", ax: "Axes | None") -> "Axes":
    """Draw how far off single windows are; see `RepresentativeVolume.plot`."""
    ax = ax if ax is not None else new_axes()
    scale, unit = _scale(rev)
    edges = np.array(rev.sizes) * scale
    for k, name in enumerate(rev.statistics):
        error = rev.error[:, k]
        (line,) = ax.loglog(edges, error, marker="o", markersize=3, label=_title(name))
        law = rev.integral_ranges[name]
        if law is None or not np.isfinite(law.size) or rev.tolerance <= 0:
            continue
        # The law passes through the tolerance at its size, with slope -ndim/2.
        known = edges[np.isfinite(error)]
        far = np.array([known[len(known) // 2], max(law.size * scale, known[-1])])
        relative = rev.tolerance * (far / (law.size * scale)) ** (-rev.ndim / 2)
        ax.plot(far, relative, color=line.get_color(), linestyle=":", linewidth=1)
    ax.axhline(rev.tolerance, color="0.4", linewidth=0.8, linestyle="--")
    ax.annotate(
        f"tolerance {rev.tolerance:.3g}", (1, rev.tolerance), xytext=(-4, -11),
        xycoords=("axes fraction", "data"), textcoords="offset points", fontsize="small",
        ha="right", color="0.4",
    )  # fmt: skip
    ax.set(
        xlabel=f"edge of the window ({unit})",
        ylabel=f"relative error of one window ({rev.confidence:.0%})",
        title="how far off one window is",
    )
    _plain(ax)
    ax.legend(frameon=False, fontsize="small", loc="lower left")
    return ax


def plot_panels(rev: "RepresentativeVolume", figure: "Figure | None") -> "Figure":
    """Draw every statistic; see `RepresentativeVolume.plot_all`."""
    panels = len(rev.statistics) + 1
    columns = min(panels, 3)
    rows = -(-panels // columns)
    figure = figure if figure is not None else new_figure(columns, rows)
    axes: list[Axes] = list(figure.subplots(rows, columns, squeeze=False).ravel())
    for name, ax in zip(rev.statistics, axes, strict=False):
        plot_statistic(rev, name, ax)
    plot_errors(rev, axes[panels - 1])
    for ax in axes[panels:]:
        ax.set_axis_off()
    return figure


def plot_statistic(rev: "RepresentativeVolume", statistic: str, ax: "Axes") -> "Axes":
    """Draw one statistic of every window, its mean with its confidence, and its spread."""
    k = rev.of(statistic)
    scale, unit = _scale(rev)
    edges = np.array(rev.sizes) * scale
    mean, deviation, half = rev.mean[:, k], rev.deviation[:, k], rev.half_width[:, k]
    whole = rev.whole[k]
    for edge, values in zip(edges, rev.values, strict=True):
        ax.plot(np.full(len(values), edge), values[:, k], ".", color="0.6", markersize=2, zorder=1)
    for size, alpha, name in (
        (deviation, 0.15, "± one standard deviation"),
        (half, 0.35, f"{rev.confidence:.0%} confidence of the mean"),
    ):
        ax.fill_between(
            edges, mean - size, mean + size, color="C0", alpha=alpha, linewidth=0, label=name
        )
    ax.plot(edges, mean, color="C0", marker="o", markersize=3, label="mean of the windows")
    ax.axhline(whole, color="k", linewidth=0.8, label="whole sample")
    for sign in (-1, 1):
        ax.axhline(whole * (1 + sign * rev.tolerance), color="k", linewidth=0.6, linestyle="--")
    found, law = rev.representative[statistic], rev.integral_ranges[statistic]
    if found is not None:
        ax.axvline(found * scale, color="C2", linewidth=1)
        verdict = f"representative from {_length(found * scale)} {unit}"
    elif law is not None and np.isfinite(law.size):
        verdict = f"not representative; by the law from {_length(law.size * scale)} {unit}"
    else:
        verdict = "not representative"
    ax.set_xscale("log")
    _plain(ax)
    ax.set(
        xlabel=f"edge of the window ({unit})",
        ylabel=_UNITS.get(statistic.partition("(")[0], "value"),
        title=_title(statistic),
    )
    ax.title.set_fontsize("medium")
    ax.annotate(
        verdict, (1, 1), xytext=(-4, -4), xycoords="axes fraction", textcoords="offset points",
        ha="right", va="top", fontsize="small", color="C2" if found is not None else "C3",
    )  # fmt: skip
    _limit(rev, k, ax)
    if k == 0:
        ax.legend(frameon=False, fontsize="small", loc="lower right")
    return ax


def _limit(rev: "RepresentativeVolume", k: int, ax: "Axes") -> None:
    """Show the spread of the windows but not those that lie far out, for the sake of the rest."""
    known = [values[np.isfinite(values[:, k]), k] for values in rev.values]
    edges = [np.percentile(values, (5, 95)) for values in known if len(values)]
    if edges and np.ptp(edges) > 0:
        low, high = min(np.min(edges), rev.whole[k]), max(np.max(edges), rev.whole[k])
        # Room above for the verdict, below for the legend.
        below, above = (0.3 if k == 0 else 0.08), 0.14
        ax.set_ylim(low - below * (high - low), high + above * (high - low))


def _length(value: float) -> str:
    """Write a length with three digits, without an exponent."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _scale(rev: "RepresentativeVolume") -> tuple[float, str]:
    """Return what a voxel is in the unit of the abscissa, and the unit."""
    if rev.spacing is None or not np.allclose(rev.spacing, rev.spacing[0]):
        return 1.0, "voxels"
    unit, name = length_unit(rev.sizes[-1] * rev.spacing[0])
    return rev.spacing[0] / unit, name


def _title(statistic: str) -> str:
    name, _, lag = statistic.partition("(")
    symbol = {"two_point": "$S_2$", "lineal_path": "$L$"}.get(name)
    return f"{symbol}({lag}" if symbol else statistic.replace("_", " ")


def _plain(ax: "Axes") -> None:
    """Label the logarithmic abscissa with plain numbers."""
    from matplotlib.ticker import LogLocator, NullFormatter, ScalarFormatter

    ax.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    ax.xaxis.set_major_formatter(ScalarFormatter())
    ax.xaxis.set_minor_formatter(NullFormatter())
