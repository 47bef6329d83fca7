"""The picture of a screening."""

from typing import TYPE_CHECKING

import numpy as np

from microtwin._figures import new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from microtwin.screening.result import Screening


def plot_scores(screening: "Screening", ax: "Axes | None" = None) -> "Axes":
    """Draw the cumulative distributions of the scores of samples and of real ones."""
    ax = new_axes() if ax is None else ax
    finite = screening.scores[np.isfinite(screening.scores)]
    for name, values, colour in (
        ("real, each against the others", screening.real_scores, "black"),
        ("screened", finite, "tab:blue"),
    ):
        if len(values):
            ax.ecdf(values, label=f"{name} ({len(values)})", color=colour)
    if screening.tolerance is not None:
        ax.axvline(screening.tolerance, color="tab:red", ls="--", label="tolerance")
    unit = "standard deviations" if screening.scale == "spread" else "natural scale"
    ax.set(xlabel=f"score ({unit})", ylabel="fraction below", xlim=(0, None), ylim=(0, 1))
    ax.legend(loc="lower right")
    return ax
