"""How the lattice of a generator is drawn."""

from typing import TYPE_CHECKING

import numpy as np

from microtwin._figures import new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from microtwin.statistics.lattice_artefact import LatticeArtefact


def plot_deviation(found: "LatticeArtefact", ax: "Axes | None") -> "Axes":
    """Draw the lattice-phase deviation over the stride; see `LatticeArtefact.plot`."""
    ax = ax if ax is not None else new_axes()
    at = np.arange(len(found.strides))
    ax.fill_between(
        at, 0, found.limit, step=None, color="0.5", alpha=0.2, linewidth=0, label="chance (limit)"
    )
    ax.plot(at, found.expected, color="0.5", linestyle="--", linewidth=1, label="chance (mean)")
    ax.plot(at, found.deviation, color="C0", marker="o", markersize=4, label="deviation")
    beyond = ~found.within
    if beyond.any():
        ax.plot(
            at[beyond], found.deviation[beyond], "o", markersize=10, markerfacecolor="none",
            color="C3", label="beyond a limit",
        )  # fmt: skip
    ax.set_xticks(at, [str(stride) for stride in found.strides])
    ax.set_ylim(bottom=0)
    ax.set(
        xlabel="stride (voxels)",
        ylabel="deviation of the volume fraction",
        title="dependence on the place modulo the stride",
    )
    ax.legend(frameon=False, fontsize="small")
    return ax
