"""Keep the structures that lie nearest to a real one.

What lives here: distances to a reference as scores, tolerances, and what passes them. What may
not: a new way to measure, knowledge of how a structure was made, jax and dask.
"""

from microtwin.screening.result import Screened, Screening
from microtwin.screening.screen import screen

__all__ = ["Screened", "Screening", "screen"]
