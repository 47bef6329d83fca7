"""Which images are worth using: labels, the preclassifier, and whom to ask next.

It trains nothing by itself: that is done in `microtwin.classification`.
"""

from microtwin.selection.asking import Question, ask_next
from microtwin.selection.features import simple_features
from microtwin.selection.labelling import Agreement, Labelling
from microtwin.selection.strategies import Asked, ask, doubt
from microtwin.selection.summary import Judged, Summary, summarise

__all__ = [
    "Agreement",
    "Asked",
    "Judged",
    "Labelling",
    "Question",
    "Summary",
    "ask",
    "ask_next",
    "doubt",
    "simple_features",
    "summarise",
]
