"""How the nearest distances and the nearest pairs are drawn."""

from typing import TYPE_CHECKING

import numpy as np

from microtwin._figures import new_axes, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from microtwin.comparison.originality import Novelty

REAL = "#b4b4ac"
MADE = "#0072b2"


def plot_distances(
    novelty: "Novelty", ax: "Axes | None", *, colour: str = MADE, name: str = "samples"
) -> "Axes":
    """Draw histograms of the distances; see `Novelty.plot`."""
    ax = ax if ax is not None else new_axes()
    both = np.concatenate([novelty.distances, novelty.real_distances])
    bins = np.linspace(0, max(1.0, float(both.max())) + 1e-9, 51)
    whose = "held-out" if novelty.held_out else "training, left out"
    for values, style in (
        (novelty.real_distances, {"color": REAL, "label": f"real ({whose})"}),
        (novelty.distances, {"color": colour, "label": name, "histtype": "step", "lw": 1.8}),
    ):
        weights = np.full(len(values), 1 / len(values))
        ax.hist(values, bins.tolist(), weights=weights, **style)
    label = "nearest real, 1 %" if novelty.quantile == 0.01 else "threshold"
    ax.axvline(novelty.threshold, color="#1a1a1a", linestyle=":", linewidth=1, label=label)
    ax.set(
        xlabel="distance to the nearest training window (chance = 1)",
        ylabel="fraction",
        xlim=(0, bins[-1]),
    )
    ax.legend(frameon=False, loc="best")
    return ax


def plot_pairs(novelty: "Novelty", k: int) -> "Figure":
    """Draw pairs and where they differ; see `Novelty.plot_pairs`."""
    pairs = novelty.pairs(k)
    rows = max(len(pairs), 1)
    figure = new_figure(2, rows)
    grid = figure.subplots(rows, 3, squeeze=False)
    nearest = np.sort(novelty.distances)
    for row, (sample, window), distance in zip(grid, pairs, nearest, strict=False):
        for ax, picture in zip(row, (sample, window, sample != window), strict=True):
            ax.imshow(picture, cmap="gray", interpolation="nearest", vmin=0, vmax=1)
            ax.set(xticks=[], yticks=[])
        row[0].set_ylabel(f"{distance:.2f}")
    for ax, title in zip(grid[0], ("sample", "nearest training", "unlike"), strict=True):
        ax.set_title(title)
    return figure
