"""The networks of a detector, as functions of their weights, applied to many tiles."""

from collections.abc import Iterator
from functools import cache
from typing import Any

import jax
import numpy as np
from flax import nnx
from jax import Array

from microtwin import models
from microtwin.classification.anomaly.signature import Signature, Tiles
from microtwin.learning.devices import compiler_options
from microtwin.learning.network import Network, Weights

Codes = np.ndarray[Any, np.dtype[np.float32]]

AT_ONCE = 256  # tiles in one call


class Autoencoder:
    """An autoencoder of grey tiles; see `autoencoder`.

    Parameters
    ----------
    architecture : str
        Name in `microtwin.models`.
    seed : int
        Of the initial weights.
    """

    def __init__(self, architecture: str, *, seed: int) -> None:
        module: Any = models.build(architecture, rngs=nnx.Rngs(seed), channels=1)
        self.network = Network(module)
        split: Any = nnx.split(module, nnx.Param, ...)
        graph = split[0]

        def both(weights: Weights, tiles: Array) -> tuple[Array, Array]:
            net = nnx.merge(graph, weights.params, weights.stats)
            code = net.encode(tiles)
            return code, net.decode(code)

        self._both = jax.jit(both, compiler_options=compiler_options())

    def __call__(self, weights: Weights, tiles: Tiles) -> tuple[Codes, Tiles]:
        """Return the codes (n, d) and the reconstructions (n, y, x) of tiles (n, y, x)."""
        codes, made = [], []
        for part, count in _parts(np.asarray(tiles, np.float32)[..., None]):
            code, reconstruction = self._both(weights, part)
            codes.append(np.asarray(code)[:count])
            made.append(np.asarray(reconstruction)[:count, ..., 0])
        return np.concatenate(codes), np.concatenate(made)


class Judge:
    """A network that gives each row of numbers one: the higher, the less normal; see `judge`.

    Parameters
    ----------
    method : "mlp" or "flow"
        Which network.
    width : int
        How many numbers it sees.
    seed : int
        Of the initial weights.
    """

    def __init__(self, method: str, *, width: int, seed: int) -> None:
        name = {"mlp": "code-mlp", "flow": "real-nvp"}[method]
        self.network = Network(models.build(name, rngs=nnx.Rngs(seed), code=width))
        self.method = method

        def apply(weights: Weights, rows: Array) -> Array:
            return self.network(weights, rows, train=False)[0]

        self._apply = jax.jit(apply, compiler_options=compiler_options())

    def outputs(self, weights: Weights, rows: Signature) -> Codes:
        """Return what the network says of rows (n, d)."""
        parts = [np.asarray(self._apply(weights, part))[:count] for part, count in _parts(rows)]
        return np.concatenate(parts)

    def __call__(self, weights: Weights, rows: Signature) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Return the score of rows (n, d), (n,)."""
        found = self.outputs(weights, rows).astype(np.float64).reshape(len(rows))
        return found if self.method == "mlp" else -found


# Networks hold no weights that change, but what has been compiled for them.
autoencoder = cache(Autoencoder)
judge = cache(Judge)


def _parts(rows: Any) -> Iterator[tuple[Any, int]]:
    """Yield parts of equal length, the last one filled up: a network is compiled once."""
    length = min(AT_ONCE, 1 << (len(rows) - 1).bit_length())
    for start in range(0, len(rows), length):
        part = rows[start : start + length]
        missing = length - len(part)
        filled = np.pad(part, ((0, missing), *[(0, 0)] * (part.ndim - 1))) if missing else part
        yield filled, len(part)
