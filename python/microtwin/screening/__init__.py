"""Keep the structures that lie nearest to a real one.

It knows how structures are measured and held against real ones, but not how they were made.
"""

from microtwin.screening.result import Screened, Screening
from microtwin.screening.screen import screen

__all__ = ["Screened", "Screening", "screen"]
