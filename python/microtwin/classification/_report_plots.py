"""Figures of a report: confusion matrix, ROC, precision against recall, calibration."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from microtwin._figures import BAND_COLOUR, REFERENCE_COLOUR, STYLES, Style, look, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from microtwin.classification.ranking import Ranking
    from microtwin.classification.report import Report

Floats = npt.NDArray[np.float64]

NAMED = 5  # curves that get a line style of their own: the worst
SHARES_UP_TO = 12  # classes, so that per cents fit into the cells as well
NUMBERS_UP_TO = 25
ALONE = Style(STYLES[0].colour)
OTHERS = {"color": "#b4b4ac", "linewidth": 0.8, "zorder": 1}


def overview(report: "Report", figure: "Figure | None") -> "Figure":
    """Draw all four in one figure; see `Report.plot`."""
    with look():
        if figure is None:
            from matplotlib.figure import Figure

            figure = Figure(figsize=(10.5, 9.5), layout="constrained")
        axes = figure.subplots(2, 2).ravel()
        for draw, ax in zip((confusion, roc, precision_recall, calibration), axes, strict=True):
            draw(report, ax)
    return figure


def confusion(report: "Report", ax: "Axes | None" = None) -> "Axes":
    """Draw the confusion matrix; see `Report.plot_confusion`."""
    with look():
        ax = ax if ax is not None else new_axes()
        counts, k = report.confusion, len(report.classes)
        shares = counts / np.maximum(report.support, 1)[:, None]
        heat_map(ax, shares, report.classes, report.classes)
        if k <= NUMBERS_UP_TO:
            for (i, j), count in np.ndenumerate(counts):
                told = f"{count}\n{100 * shares[i, j]:.0f} %" if k <= SHARES_UP_TO else f"{count}"
                write_in_cell(ax, i, j, told if count else "0", float(shares[i, j]), k)
        else:
            assert ax.figure is not None
            ax.figure.colorbar(ax.images[0], ax=ax, label="fraction of the true class")
        ax.set(title="Confusion matrix", xlabel="predicted", ylabel="truth")
    return ax


def heat_map(ax: "Axes", values: Floats, rows: Sequence[str], columns: Sequence[str]) -> None:
    """Shade a matrix of fractions, with a name at every row and column."""
    ax.imshow(values, cmap="Blues", vmin=0, vmax=1)
    slanted = max(map(len, columns)) * len(columns) > 34
    turned: Any = {"rotation": 40, "ha": "right", "rotation_mode": "anchor"} if slanted else {}
    ax.set_xticks(range(len(columns)), columns, **turned)
    ax.set_yticks(range(len(rows)), rows)
    ax.tick_params(length=0)
    ax.grid(visible=False)
    ax.spines[:].set_visible(False)


def write_in_cell(ax: "Axes", row: int, column: int, text: str, share: float, size: int) -> None:
    """Write into a cell of a shaded matrix, such that it can be read on its shade."""
    colour = "white" if share > 0.55 else REFERENCE_COLOUR
    points = 10 if size <= 4 else 8 if size <= 7 else 6.5 if size <= SHARES_UP_TO else 5
    ax.text(column, row, text, ha="center", va="center", color=colour, fontsize=points)


def roc(report: "Report", ax: "Axes | None" = None) -> "Axes":
    """Draw the ROC curves; see `Report.plot_roc`."""
    with look():
        ax = ax if ax is not None else new_axes()
        ax.plot([0, 1], [0, 1], color=BAND_COLOUR, linewidth=3, zorder=0)
        for ranking, line in _lines(report, report.aucs):
            ax.plot(*ranking.roc, **line)
        if len(report.classes) > 2:
            ax.plot(*mean_roc(report), color=REFERENCE_COLOUR, label=f"macro  {report.auc:.4f}")
        ax.set(title="ROC, each class against the rest", xlabel="false-positive rate")
        if len(report.classes) == 2:
            ax.set(title=f"ROC of {report.classes[1]}")
        ax.set(ylabel="true-positive rate", xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
        _legend(ax, "AUC", "lower right")
    return ax


def precision_recall(report: "Report", ax: "Axes | None" = None) -> "Axes":
    """Draw precision against recall; see `Report.plot_precision_recall`."""
    with look():
        ax = ax if ax is not None else new_axes()
        lowest = 1.0
        for ranking, line in _lines(report, report.average_precisions):
            recall, precision = (axis[ranking.found > 0] for axis in ranking.precision_recall)
            # Down to each threshold the recall is that of the threshold: steps.
            ax.step(np.insert(recall, 0, 0.0), np.insert(precision, 0, precision[0]), **line)
            lowest = min(lowest, ranking.found[-1] / (ranking.found[-1] + ranking.alarms[-1]))
        ax.axhline(lowest, color=BAND_COLOUR, linewidth=3, zorder=0)
        title = "Precision and recall, each class against the rest"
        if len(report.classes) == 2:
            title = f"Precision and recall of {report.classes[1]}"
        ax.set(title=title, xlabel="recall", ylabel="precision")
        ax.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
        _legend(ax, "average precision", "lower left")
    return ax


def calibration(report: "Report", ax: "Axes | None" = None) -> "Axes":
    """Draw accuracy against confidence; see `Report.plot_calibration`."""
    bins = report.calibration
    with look():
        ax = ax if ax is not None else new_axes()
        ax.plot([0, 1], [0, 1], color=BAND_COLOUR, linewidth=3, zorder=0)
        ax.bar(
            bins.edges[:-1],
            bins.counts / bins.counts.sum(),
            width=np.diff(bins.edges),
            align="edge",
            color="#e9e9e4",
            edgecolor="white",
            label="fraction of the predictions",
            zorder=0.5,
        )
        seen = bins.counts > 0
        low, high = _wilson(bins.correct[seen], bins.counts[seen])
        accuracy = bins.accuracy[seen]
        ax.errorbar(
            bins.confidence[seen],
            accuracy,
            yerr=(np.maximum(accuracy - low, 0), np.maximum(high - accuracy, 0)),
            marker="o",
            markersize=4,
            capsize=2,
            elinewidth=1,
            label="accuracy, 95 % interval",
            **ALONE.line,
        )
        ax.set(title=f"Calibration, expected error {report.expected_calibration_error:.3f}")
        ax.set(xlabel="confidence", ylabel="accuracy", xlim=(0, 1.01), ylim=(-0.01, 1.01))
        ax.legend(frameon=False, loc="upper left")
    return ax


def _lines(report: "Report", values: Floats) -> "Iterator[tuple[Ranking, dict[str, Any]]]":
    """Yield the curves to draw and how: all of a few, of many the worst and the others in grey."""
    if len(report.classes) == 2:
        known = [1] if np.isfinite(values[1]) else []
    else:
        known = [int(i) for i in np.argsort(values, kind="stable") if np.isfinite(values[i])]
    named = known[:NAMED]
    for i in reversed(known[NAMED:]):
        yield report.rankings[i], OTHERS
    styles = [ALONE] if len(report.classes) == 2 else STYLES
    for i, style in zip(sorted(named), styles, strict=False):
        yield report.rankings[i], {"label": f"{report.classes[i]}  {values[i]:.4f}", **style.line}


def _legend(ax: "Axes", title: str, where: Any) -> None:
    handles, names = ax.get_legend_handles_labels()
    if not names:
        ax.text(0.5, 0.5, "only one class occurs", ha="center", transform=ax.transAxes)
        return
    if any(line.get_color() == OTHERS["color"] for line in ax.lines):
        title = f"{title}; the lowest {NAMED}"
    box: dict[str, Any] = {"framealpha": 0.85, "edgecolor": "none", "facecolor": "white"}
    ax.legend(handles, names, loc=where, title=title, alignment="left", handlelength=3.2, **box)


def mean_roc(report: "Report") -> tuple[Floats, Floats]:
    """Return the mean over the classes of the true-positive rate at equal false-positive rates."""
    curves = [ranking.roc for ranking in report.rankings if len(ranking.thresholds)]
    if not curves:
        return np.zeros(0), np.zeros(0)
    rates = np.unique(np.concatenate([fpr for fpr, _ in curves]))
    # Curves rise in steps, whose lower end is the upper one of the curve run through backwards.
    upper = np.mean([np.interp(rates, *curve) for curve in curves], axis=0)
    lower = np.mean([np.interp(-rates, -fpr[::-1], tpr[::-1]) for fpr, tpr in curves], axis=0)
    return np.repeat(rates, 2), np.ravel([lower, upper], order="F")


def _wilson(correct: npt.NDArray[np.int64], counts: npt.NDArray[np.int64]) -> tuple[Floats, Floats]:
    from scipy.stats import binomtest

    ends = [
        binomtest(int(k), int(n)).proportion_ci(0.95, method="wilson")
        for k, n in zip(correct, counts, strict=True)
    ]
    return np.array([e.low for e in ends]), np.array([e.high for e in ends])
