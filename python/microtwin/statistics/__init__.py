"""Correlation functions of phase labels: exact counts in, named functions with units out.

What lives here: the Python face of the counting core, results that carry their provenance and can
be merged, saved, read back and plotted. What may not: jax, dask, and anything that makes a
structure.
"""

from microtwin.statistics.correlation import CorrelationFunction, lineal_path, two_point
from microtwin.statistics.description import MEASURES, STATISTICS, Description, describe

__all__ = [
    "MEASURES",
    "STATISTICS",
    "CorrelationFunction",
    "Description",
    "describe",
    "lineal_path",
    "two_point",
]
