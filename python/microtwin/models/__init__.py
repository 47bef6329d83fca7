"""Architectures only, as Flax NNX modules; they hold no training code."""
