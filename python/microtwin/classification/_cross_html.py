"""The page of a cross-evaluation."""

from typing import TYPE_CHECKING

from microtwin import _html
from microtwin._figures import look
from microtwin._version import __version__
from microtwin.classification.cross import MEASURES

if TYPE_CHECKING:
    from microtwin.classification.cross import CrossEvaluation

DRAWN = ("accuracy", "macro_f1", "auc")


def render(cross: "CrossEvaluation") -> str:
    """Return the page as text; see `CrossEvaluation.to_html`."""
    from matplotlib.figure import Figure

    figures = []
    for measure in DRAWN:
        with look():
            figure = Figure(figsize=(5.4, 4.2), layout="constrained")
            cross.plot(figure.subplots(), measure=measure)
        alt = f"{MEASURES[measure]} of every classifier on every set, as in the table."
        figures.append({"picture": _html.svg(figure), "alt": alt})
    rows = list(cross.to_dataframe().to_dict("records"))
    return _html.render(
        "microtwin.classification",
        "cross.html.j2",
        version=__version__,
        cross=cross,
        figures=figures,
        groups=[[row for row in rows if row["classifier"] == c] for c in cross.classifiers],
    )
