"""Reconstruction by simulated annealing, the classical baseline.

What lives here: targets, the cooling schedule, checkpoints, the twin that comes out. The exchanges
themselves are made by the C++ core. What may not: jax, dask, and anything that learns.
"""

from microtwin.annealing._curve_files import read_curves
from microtwin.annealing.anneal import anneal
from microtwin.annealing.curves import target_from_curves
from microtwin.annealing.frames import Frames
from microtwin.annealing.replicas import anneal_replicas
from microtwin.annealing.twin import History, Twin
from microtwin.annealing.verdict import Verdict, unconstrained

__all__ = [
    "Frames",
    "History",
    "Twin",
    "Verdict",
    "anneal",
    "anneal_replicas",
    "read_curves",
    "target_from_curves",
    "unconstrained",
]
