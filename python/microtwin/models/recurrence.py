"""Recurrent layers with Keras's conventions: sequences are (n, time, features).

What a layer makes of its input does not depend on the past, so it is one product for all times;
only what it makes of its own last output is done time by time.
"""

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array

from microtwin.models.layers import glorot

orthogonal = nnx.initializers.orthogonal()


class SimpleRnn(nnx.Module):
    """A layer whose output is the ReLU of a product with its input and its own last output.

    Parameters
    ----------
    c_in, units : int
        Features of the input and of the output.
    sequences : bool
        Whether it returns its output at all times, (n, time, units), or the last, (n, units).
    """

    def __init__(self, c_in: int, units: int, *, sequences: bool, rngs: nnx.Rngs) -> None:
        self.units, self.sequences = units, sequences
        self.kernel = nnx.Param(glorot(rngs.params(), (c_in, units)))
        self.recurrent_kernel = nnx.Param(orthogonal(rngs.params(), (units, units)))
        self.bias = nnx.Param(jnp.zeros(units))

    def __call__(self, x: Array) -> Array:
        """Map (n, time, c_in) to (n, time, units) or (n, units)."""
        seen = x.swapaxes(0, 1) @ self.kernel[...] + self.bias[...]
        recurrent = self.recurrent_kernel[...]
        last = jnp.zeros(seen.shape[1:])
        outputs = []
        for now in seen:
            last = jax.nn.relu(now + last @ recurrent)
            outputs.append(last)
        return jnp.stack(outputs, axis=1) if self.sequences else last


class Lstm(nnx.Module):
    """A long short-term memory; gates in Keras's order: in, forget, candidate, out.

    The forget gates begin with a bias of one.

    Parameters
    ----------
    c_in, units : int
        Features of the input and of the output.
    """

    def __init__(self, c_in: int, units: int, *, rngs: nnx.Rngs) -> None:
        self.units = units
        self.kernel = nnx.Param(glorot(rngs.params(), (c_in, 4 * units)))
        self.recurrent_kernel = nnx.Param(orthogonal(rngs.params(), (units, 4 * units)))
        self.bias = nnx.Param(jnp.zeros(4 * units).at[units : 2 * units].set(1))

    def __call__(self, x: Array, *, reverse: bool = False) -> Array:
        """Map (n, time, c_in) to (n, time, units), from the last time to the first if `reverse`."""
        seen = x.swapaxes(0, 1) @ self.kernel[...] + self.bias[...]
        recurrent = self.recurrent_kernel[...]
        last = cell = jnp.zeros((len(x), self.units))
        outputs = []
        for now in seen[::-1] if reverse else seen:
            gates = now + last @ recurrent
            enter, keep, candidate, show = jnp.split(gates, 4, axis=-1)
            cell = jax.nn.sigmoid(keep) * cell + jax.nn.sigmoid(enter) * jnp.tanh(candidate)
            last = jax.nn.sigmoid(show) * jnp.tanh(cell)
            outputs.append(last)
        return jnp.stack(outputs[::-1] if reverse else outputs, axis=1)


class BiLstm(nnx.Module):
    """Two LSTMs side by side, one of which reads backwards.

    Parameters
    ----------
    c_in, units : int
        Features of the input, and of the output of each direction.
    sequences : bool
        Whether it returns both outputs at all times, (n, time, 2 * units), or for each direction
        that after all it has read, (n, 2 * units): the forward one's at the last time and the
        backward one's at the first.
    """

    def __init__(self, c_in: int, units: int, *, sequences: bool, rngs: nnx.Rngs) -> None:
        self.sequences = sequences
        self.forward = Lstm(c_in, units, rngs=rngs)
        self.backward = Lstm(c_in, units, rngs=rngs)

    def __call__(self, x: Array) -> Array:
        """Map (n, time, c_in) to (n, time, 2 * units) or (n, 2 * units)."""
        there, back = self.forward(x), self.backward(x, reverse=True)
        if not self.sequences:
            there, back = there[:, -1], back[:, 0]
        return jnp.concatenate([there, back], axis=-1)
