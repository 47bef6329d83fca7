"""The page of a report."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from microtwin import _html
from microtwin._figures import look
from microtwin.classification import _report_plots, _report_text
from microtwin.classification.history import plot_history

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from microtwin.classification.report import Report

MISTAKES = 8  # shown


def render(report: "Report", history: Any, pictures: "Mapping[str, Figure]") -> str:
    """Return the page as text; see `Report.to_html`."""
    averages = report.to_dataframe().iloc[len(report.classes) :]
    return _html.render(
        "microtwin.classification",
        "classification.html.j2",
        version=report.version,
        report=report,
        summary=report.summary,
        rows=list(report.to_dataframe().head(len(report.classes)).itertuples()),
        averages=list(averages.itertuples()),
        mistakes=report.mistakes[:MISTAKES],
        accuracy=_report_text.accuracy(report),
        timing=_report_text.timing(report),
        figures=list(_figures(report)),
        history=None if history is None else _html.svg(plot_history(history)),
        pictures=[(title, _html.svg(figure)) for title, figure in pictures.items()],
        settings=list(_html.flattened(report.settings)),
        notes=report.settings.get("notes", ()),
        command=report.settings.get("command"),
    )


def _figures(report: "Report") -> Iterable[dict[str, str]]:
    from matplotlib.figure import Figure

    matrix = f"Confusion matrix of {len(report.classes)} classes: {_report_text.accuracy(report)}."
    number = _html.number
    told = {
        _report_plots.confusion: matrix,
        _report_plots.roc: f"ROC curves: area {number(report.auc, 4)}.",
        _report_plots.precision_recall: "Precision against recall: average precision "
        f"{number(report.average_precision, 4)}.",
        _report_plots.calibration: "Accuracy against confidence: expected calibration error "
        f"{number(report.expected_calibration_error)}.",
    }
    for draw, alt in told.items():
        with look():
            figure = Figure(figsize=(5.4, 4.8), layout="constrained")
            draw(report, figure.subplots())
        yield {"picture": _html.svg(figure), "alt": alt}
