"""How a correlation map is drawn."""

from typing import TYPE_CHECKING, Any

from microtwin._figures import length_unit, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from microtwin.statistics.correlation_map import CorrelationMap


def plot_map(map_: "CorrelationMap", ax: "Axes | None", **style: Any) -> "Axes":
    """Draw the map or its central slice; see `CorrelationMap.plot`."""
    ax = ax if ax is not None else new_axes()
    rows, columns = map_.max_lag[-2:]
    edges, name = (1.0, 1.0), "voxels"
    if map_.spacing is not None:
        y, x = map_.spacing[-2:]
        unit, name = length_unit(max(y * max(rows, 1), x * max(columns, 1)))
        edges = (y / unit, x / unit)
    height, width = (rows + 0.5) * edges[0], (columns + 0.5) * edges[1]
    options: dict[str, Any] = {"extent": (-width, width, height, -height), "cmap": "magma"}
    image = ax.imshow(map_.central_slice(), **(options | style))
    phase = str(map_.phase)
    if map_.partner is not None:
        phase = f"{phase} with {map_.partner}"
    ax.set(
        xlabel=f"lag along x ({name})",
        ylabel=f"lag along y ({name})",
        title=f"two-point probability $S_2$ of phase {phase}",
    )
    figure = ax.figure
    figure.colorbar(image, ax=ax, label="probability")
    return ax
