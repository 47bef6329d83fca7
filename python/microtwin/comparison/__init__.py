"""Twins against reality: differences as numbers, figures, one HTML report; and the whole study.

What lives here: the comparison of made structures with measured ones, its tables and its report,
and the study that leads from micrographs to that report. What may not: a new way to measure or to
make a structure.
"""

from microtwin.comparison.compare import compare
from microtwin.comparison.contest import contest
from microtwin.comparison.difference import Difference
from microtwin.comparison.novelty import novelty
from microtwin.comparison.originality import Novelty
from microtwin.comparison.ranking import Place, Row
from microtwin.comparison.result import Comparison, Member, TwinRecord
from microtwin.comparison.study import run

__all__ = [
    "Comparison",
    "Difference",
    "Member",
    "Novelty",
    "Place",
    "Row",
    "TwinRecord",
    "compare",
    "contest",
    "novelty",
    "run",
]
