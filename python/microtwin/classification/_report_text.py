"""A report as plain text."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from microtwin._html import decimals, duration, number

if TYPE_CHECKING:
    from microtwin.classification.report import Report

WIDTH = 9  # of a column of numbers
SHOWN = 3  # mistakes


def text(report: "Report") -> str:
    """Return the table of the classes and what follows from it; see `Report.__str__`."""
    table = report.to_dataframe()
    rows = [
        (str(name), *map(decimals, row[:4]), f"{int(row[5]):,}".replace(",", " "))
        for name, row in zip(table.index, table.to_numpy(float), strict=True)
    ]
    lines = grid(("", "precision", "recall", "F1", "AUC", "support"), rows)
    lines.insert(1 + len(report.classes), "")
    return "\n".join([*lines, "", *_sentences(report)])


def grid(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a table; columns after the first are aligned to the right."""
    first = max(len(row[0]) for row in (heads, *rows))
    widths = [max(WIDTH, *(len(row[i]) for row in (heads, *rows))) for i in range(1, len(heads))]
    return [
        "  ".join(
            [row[0].ljust(first), *(c.rjust(w) for c, w in zip(row[1:], widths, strict=True))]
        )
        for row in (heads, *rows)
    ]


def accuracy(report: "Report") -> str:
    """Say how many are right, and how far so few or many images tell."""
    low, high = report.accuracy_interval
    return (
        f"{report.correct} of {report.count} right: accuracy {report.accuracy:.4f}, "
        f"95 % interval {low:.4f} to {high:.4f}"
    )


def timing(report: "Report") -> dict[str, str]:
    """Return what is known of the cost, by name."""
    cost = report.timing
    known = {
        "training": duration(cost.training_seconds),
        "epochs": number(cost.epochs),
        "per epoch": duration(cost.seconds_per_epoch),
        "prediction": f"{number(cost.prediction_ms)} ms an image",
        "parameters": "–" if cost.parameters is None else f"{cost.parameters:,}",
        "trainable": "–" if cost.trainable is None else f"{cost.trainable:,}",
        "device": cost.device or "–",
    }
    return {name: value for name, value in known.items() if not value.startswith("–")}


def _sentences(report: "Report") -> Iterator[str]:
    yield accuracy(report)
    yield (
        f"calibration error {report.expected_calibration_error:.4f}, Brier score "
        f"{report.brier:.4f}, log loss {report.log_loss:.4f}"
    )
    if mistakes := report.mistakes[:SHOWN]:
        told = (f"{m.truth} taken for {m.taken_for} ({m.images})" for m in mistakes)
        yield f"most frequent mistakes: {', '.join(told)}"
    if known := timing(report):
        yield ", ".join(f"{name} {value}" for name, value in known.items())
