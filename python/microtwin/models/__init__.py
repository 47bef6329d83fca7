"""Architectures as Flax NNX modules, the layers they are built of, and weights made by others.

What lives here: what a network computes, and how many parameters it has. What may not: training
code, data, and where a network is used.
"""

from microtwin.models.registry import ARCHITECTURES, Architecture, build, table

__all__ = ["ARCHITECTURES", "Architecture", "build", "table"]
