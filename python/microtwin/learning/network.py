"""A network as a pure function of its weights."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array

Params = Any
Stats = Any


class Weights(NamedTuple):
    """What a network has learned: parameters and moving batch statistics."""

    params: Params
    stats: Stats


class Network:
    """An NNX module as a pure function of its weights.

    Parameters
    ----------
    module : nnx.Module
        Called ``module(x, train=, key=, ...)``.
    dtype : dtype, optional
        What it computes in; weights are kept and outputs returned as float32.
    """

    def __init__(self, module: nnx.Module, *, dtype: Any = jnp.float32) -> None:
        split: Any = nnx.split(module, nnx.Param, ...)  # its type does not fit its own use
        self._graph, params, stats = split
        self._dtype = dtype
        self.initial = Weights(params, stats)

    def __call__(
        self,
        weights: Weights,
        x: Any,
        *,
        train: bool,
        key: Array | None = None,
        method: str = "__call__",
        **asked: Any,
    ) -> tuple[Array, Stats]:
        """Apply the network or a method of it; return its output and its new batch statistics."""
        params = weights.params
        if self._dtype != jnp.float32:
            params, x = jax.tree.map(lambda leaf: leaf.astype(self._dtype), (params, x))
        module: Any = self.module(Weights(params, weights.stats))
        out = getattr(module, method)(x, train=train, key=key, **asked)
        return out.astype(jnp.float32), nnx.state(module, nnx.Not(nnx.Param))

    def module(self, weights: Weights) -> nnx.Module:
        """Return the network as a module with these weights."""
        module: nnx.Module = nnx.merge(self._graph, weights.params, weights.stats, copy=True)
        return module
