"""Learning curves: what a training logged, epoch by epoch."""

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from microtwin._figures import REFERENCE_COLOUR, STYLES, look
from microtwin.errors import InputError

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

VALIDATION = "val_"
ASIDE = ("epoch", "step", "seconds", "rate")


def plot_history(history: Any, figure: "Figure | None" = None) -> "Figure":
    """Draw learning curves: each measure in training and in validation, a panel each.

    Parameters
    ----------
    history : table
        One row an epoch: the file ``history.csv`` of a training, a DataFrame, a list of rows or a
        mapping of columns. ``val_loss`` is drawn with ``loss``, and so on; the epoch with the best
        validation is marked.
    figure : matplotlib Figure, optional
        Where to draw; a new one if not given.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    InputError
        If there is no epoch or no measure in it.
    """
    table = _table(history)
    measures = [
        name for name in table.columns if name not in ASIDE and not name.startswith(VALIDATION)
    ]
    measures += [
        name.removeprefix(VALIDATION)
        for name in table.columns
        if name.startswith(VALIDATION) and name.removeprefix(VALIDATION) not in measures
    ]
    if not len(table) or not measures:
        raise InputError("history must have a row for each epoch, and columns such as loss")
    epochs = table["epoch"] if "epoch" in table else np.arange(1, len(table) + 1)
    with look():
        if figure is None:
            from matplotlib.figure import Figure

            figure = Figure(figsize=(4.8 * len(measures), 3.6), layout="constrained")
        for name, ax in zip(measures, figure.subplots(1, len(measures), squeeze=False)[0],
                            strict=True):  # fmt: skip
            _panel(ax, table, name, np.asarray(epochs, float))
    return figure


def _panel(ax: "Axes", table: "pd.DataFrame", name: str, epochs: Any) -> None:
    from matplotlib.ticker import MaxNLocator

    marks = {"markersize": 4} if len(epochs) <= 40 else {"marker": ""}
    if name in table:
        ax.plot(epochs, table[name], label="training", **STYLES[0].line, **{"marker": "o"} | marks)
    held_out = VALIDATION + name
    if held_out in table:
        values = np.asarray(table[held_out], float)
        ax.plot(epochs, values, label="validation", **STYLES[1].line, **{"marker": "s"} | marks)
        larger = "loss" not in name and "error" not in name
        if np.isfinite(values).any():
            best = int(np.nanargmax(values) if larger else np.nanargmin(values))
            ax.axvline(epochs[best], color=REFERENCE_COLOUR, linewidth=0.8, linestyle=":", zorder=0)
            label = f"best: {values[best]:.4g} in epoch {epochs[best]:g}"
            ax.plot(epochs[best], values[best], "D", color=REFERENCE_COLOUR, ms=5, label=label)
    ax.set(title=name[:1].upper() + name[1:], xlabel="epoch", ylabel=name)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.legend(frameon=False)


def _table(history: Any) -> "pd.DataFrame":
    import pandas as pd

    try:
        if isinstance(history, str | os.PathLike):
            return pd.read_csv(history)
        return pd.DataFrame(history).rename(columns=str)
    except OSError as error:
        raise InputError(f"cannot read {history}: {error.strerror}") from error
    except (ValueError, TypeError) as error:
        raise InputError(f"history must be a table with a row for each epoch: {error}") from error
