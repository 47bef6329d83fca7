"""Architectures only, as Flax NNX modules; they hold no training code."""

from microtwin.models.registry import ARCHITECTURES, Architecture, build, table

__all__ = ["ARCHITECTURES", "Architecture", "build", "table"]
