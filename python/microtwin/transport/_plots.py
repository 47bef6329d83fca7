"""How results of transport are drawn."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from microtwin import _validate
from microtwin._figures import length_unit
from microtwin.transport._inputs import axis_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from microtwin.transport.geodesic import GeodesicTortuosity
    from microtwin.transport.result import Conduction
    from microtwin.transport.tensor import ConductivityTensor

_INSULATOR = "0.85"  # greys of what does not conduct, and of what leads nowhere
_ISOLATED = "0.6"
_SYMBOLS = {"conductivity": "k", "diffusivity": "D"}


def plot_fields(result: "Conduction", figure: "Figure | None", at: int | None) -> "Figure":
    """Draw potential and flux; see `Conduction.plot`."""
    assert result.potential is not None
    across, where = _cut(result, at)
    potential = result.potential[where]
    if result.boundary == "periodic":
        # The whole potential: the periodic part over the mean gradient.
        place = np.arange(result.shape[result.axis], dtype=np.float32)
        shape = [-1 if b == result.axis else 1 for b in range(result.ndim)]
        potential = (result.potential - place.reshape(shape))[where]
    flux = np.linalg.norm(result.flux_field(), axis=0)[where]
    flux = np.where(np.isnan(potential), np.nan, flux)
    figure = figure if figure is not None else _new_figure(potential.shape)
    left, right = figure.subplots(1, 2, sharex=True, sharey=True)
    limits = (None, None) if result.boundary == "periodic" else (0.0, 1.0)
    _panel(result, left, potential, where, "potential", "viridis", limits)
    # A few edges carry very much: they would leave all else dark.
    known = flux[np.isfinite(flux)]
    top = float(np.quantile(known, 0.995)) if known.size else 0.0
    _panel(result, right, flux, where, "flux per mean gradient", "magma", (0.0, top or 1.0))
    symbol = _SYMBOLS[result.quantity]
    name = axis_name(result.axis, result.ndim)
    title = f"{symbol}_eff/{symbol}_0 = {result.relative:.4g} along {name}"
    if across is not None:
        middle = where[across]
        title += f", slice {axis_name(across, result.ndim)} = {middle}"
    figure.suptitle(title, fontsize="medium")
    return figure


def plot_estimates(result: "Conduction", ax: "Axes | None") -> "Axes":
    """Draw the effective conductivity among bounds; see `Conduction.plot_estimates`."""
    if ax is None:
        from matplotlib.figure import Figure

        ax = Figure(figsize=(5.5, 3.2), layout="constrained").subplots()
    symbol = _SYMBOLS[result.quantity]
    estimates = result.estimates
    k_0 = result.reference
    bars = [("Wiener bounds", estimates.wiener), ("Hashin-Shtrikman", estimates.hashin_shtrikman)]
    points = [("Bruggeman, self-consistent", estimates.bruggeman)]
    if np.isfinite(estimates.power_law):
        points.append(("power law φ$^{1.5}$", estimates.power_law))
    names: list[str] = []
    for name, (low, high) in bars:
        ax.barh(len(names), (high - low) / k_0, left=low / k_0, height=0.5, color="C0", alpha=0.35)
        names.append(name)
    for name, value in points:
        ax.plot(value / k_0, len(names), "D", color="C0", clip_on=False)
        names.append(name)
    ax.axvline(result.relative, color="C3")
    ax.axvspan(result.lower / k_0, result.upper / k_0, color="C3", alpha=0.3, linewidth=0)
    ax.set_yticks(range(len(names)), names)
    ax.invert_yaxis()
    ax.set_xlim(0, None)
    along = axis_name(result.axis, result.ndim)
    ax.set(
        xlabel=f"${symbol}_{{eff}}/{symbol}_0$ along {along}",
    )
    ax.set_title(f"this structure: {result.relative:.4g}", color="C3", fontsize="medium")
    return ax


def plot_conductivities(rows: Sequence[Mapping[str, Any]], ax: "Axes | None" = None) -> "Axes":
    """Draw the conductivities of many structures over their porosities.

    Parameters
    ----------
    rows : sequence of mapping
        With "axis", "porosity", "relative", "lower", "upper" and "reference" each, as
        `Conduction.to_row` returns them.
    ax : matplotlib Axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    matplotlib Axes
    """
    if ax is None:
        from matplotlib.figure import Figure

        ax = Figure(figsize=(5.5, 4.0), layout="constrained").subplots()
    for axis, marker in zip("zyx", "os^", strict=True):
        mine = [row for row in rows if row["axis"] == axis]
        if not mine:
            continue
        porosity = [row["porosity"] for row in mine]
        middle = np.array([row["relative"] for row in mine])
        ends = np.array([[row["lower"], row["upper"]] for row in mine], dtype=np.float64)
        ends /= np.array([[row["reference"]] for row in mine])
        bars = np.abs(ends - middle[:, None]).T
        ax.errorbar(porosity, middle, bars, fmt=marker, markersize=5, alpha=0.8, label=axis)
    left, right = ax.get_xlim()
    fraction = np.linspace(max(left, 0.0), min(right, 1.0), 100)
    ax.plot(fraction, fraction**1.5, color="0.4", linewidth=1, label="φ$^{1.5}$")
    ax.set_xlim(left, right)
    ax.set_ylim(0, None)
    ax.set(
        xlabel="porosity (fraction that conducts)",
        ylabel="$k_{eff}/k_0$",
        title="effective conductivity",
    )
    ax.legend(frameon=False)
    return ax


def plot_tensor(result: "ConductivityTensor", ax: "Axes | None") -> "Axes":
    """Draw a tensor as a table; see `ConductivityTensor.plot`."""
    if ax is None:
        from matplotlib.figure import Figure

        ax = Figure(figsize=(4.2, 3.6), layout="constrained").subplots()
    tensor = result.tensor
    top = float(np.abs(tensor).max()) or 1.0
    shown = ax.imshow(tensor, cmap="RdBu_r", vmin=-top, vmax=top)
    for (i, j), value in np.ndenumerate(tensor):
        colour = "white" if abs(value) > 0.6 * top else "black"
        ax.text(j, i, f"{value:.4g}", ha="center", va="center", color=colour)
    names = [axis_name(b, result.ndim) for b in range(result.ndim)]
    ax.set_xticks(range(result.ndim), names)
    ax.set_yticks(range(result.ndim), names)
    ax.set(xlabel="gradient along", ylabel="flux along", title="effective conductivity")
    assert ax.figure is not None
    ax.figure.colorbar(shown, ax=ax, shrink=0.85)
    return ax


def plot_paths(result: "GeodesicTortuosity", ax: "Axes | None") -> "Axes":
    """Draw the distribution of lengths; see `GeodesicTortuosity.plot`."""
    if ax is None:
        from matplotlib.figure import Figure

        ax = Figure(figsize=(5.5, 4.0), layout="constrained").subplots()
    known = result.values[np.isfinite(result.values)]
    if known.size:
        ax.hist(known, bins=min(40, max(known.size // 20, 5)), color="C0", alpha=0.6)
        ax.axvline(result.mean, color="C3", label=f"mean {result.mean:.4g}")
        ax.legend(frameon=False)
    else:
        ax.text(0.5, 0.5, "no path leads through", ha="center", transform=ax.transAxes)
    along = axis_name(result.axis, len(result.shape))
    ax.set(
        xlabel=f"length over straight distance along {along}",
        ylabel="voxels of the outlet plane",
        title=f"geodesic tortuosity of phase {result.phase}",
    )
    return ax


def _panel(
    result: "Conduction",
    ax: "Axes",
    image: Any,
    where: tuple[Any, ...],
    title: str,
    colours: str,
    limits: tuple[float | None, float | None],
) -> None:
    from matplotlib.colors import ListedColormap

    assert result.structure is not None
    rest = [b for b in range(result.ndim) if isinstance(where[b], slice)]
    unit, name = _unit(result)
    height, width = (n * unit for n in image.shape)
    drawn: dict[str, Any] = {"extent": (0, width, height, 0), "interpolation": "nearest"}
    conducts = np.isin(result.structure[where], [n for n, k in result.conductivities.items() if k])
    isolated = np.ma.masked_equal(conducts & np.isnan(image), False)
    ax.set_facecolor(_INSULATOR)
    ax.imshow(isolated, cmap=ListedColormap([_ISOLATED]), **drawn)
    low, high = limits
    shown = ax.imshow(np.ma.masked_invalid(image), cmap=colours, vmin=low, vmax=high, **drawn)
    first, second = (axis_name(b, result.ndim) for b in rest)
    ax.set(title=title, xlabel=f"{second} ({name})", ylabel=f"{first} ({name})")
    ax.label_outer()
    assert ax.figure is not None
    over = high is not None and bool((image > 1.001 * high).any())
    ax.figure.colorbar(shown, ax=ax, shrink=0.85, extend="max" if over else "neither")


def _cut(result: "Conduction", at: int | None) -> tuple[int | None, tuple[Any, ...]]:
    """Return across which axis a volume is cut, and the index that does it."""
    if result.ndim == 2:
        return None, (slice(None), slice(None))
    across = 0 if result.axis != 0 else 1
    n = result.shape[across]
    place = n // 2 if at is None else _validate.integer(at, name="at", minimum=0, maximum=n - 1)
    return across, tuple(place if b == across else slice(None) for b in range(3))


def _unit(result: "Conduction") -> tuple[float, str]:
    """Return the edge of a voxel in a handy unit of length, and its name."""
    if result.spacing is None:
        return 1.0, "voxels"
    longest = max(result.shape) * result.spacing[0]
    metres, name = length_unit(longest)
    return result.spacing[0] / metres, name


def _new_figure(shape: tuple[int, ...]) -> "Figure":
    from matplotlib.figure import Figure

    tall = min(max(shape[0] / shape[1], 0.35), 2.0)
    return Figure(figsize=(9.0, 1.3 + 3.4 * tall), layout="constrained")
