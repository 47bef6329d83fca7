"""Recurrent layers with Keras's conventions: sequences are (n, time, features).

What a layer makes of its input does not depend on the past, so it is one product for all times;
only what it makes of its own last output is done time by time. The gradients are written out for
the same reason: that of the recurrent kernel is one product for all times as well, where JAX would
add up one a time. That halves the time of a training step.
"""

from typing import Any, NamedTuple

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
        outputs = rectified(seen, self.recurrent_kernel[...])
        return outputs.swapaxes(0, 1) if self.sequences else outputs[-1]


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
        outputs = gated(seen[::-1] if reverse else seen, self.recurrent_kernel[...])
        return (outputs[::-1] if reverse else outputs).swapaxes(0, 1)


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


@jax.custom_vjp
def rectified(seen: Array, recurrent: Array) -> Array:
    """Run a simple recurrent layer.

    Parameters
    ----------
    seen : Array
        What it makes of its input at each time, (time, n, units).
    recurrent : Array
        Kernel of its own last output, (units, units).

    Returns
    -------
    Array
        Outputs at all times, (time, n, units).
    """

    def advance(last: Array, now: Array) -> tuple[Array, Array]:
        output = jax.nn.relu(now + last @ recurrent)
        return output, output

    return jax.lax.scan(advance, jnp.zeros_like(seen[0]), seen)[1]


def _rectified_forward(seen: Array, recurrent: Array) -> tuple[Array, tuple[Array, Array]]:
    outputs = rectified(seen, recurrent)
    return outputs, (outputs, recurrent)


def _rectified_backward(kept: tuple[Array, Array], asked: Array) -> tuple[Array, Array]:
    outputs, recurrent = kept
    back = recurrent.T

    def retreat(later: Array, here: tuple[Array, Array]) -> tuple[Array, Array]:
        wanted, output = here
        slope = jnp.where(output > 0, wanted + later, 0)
        return slope @ back, slope

    slopes = jax.lax.scan(retreat, jnp.zeros_like(asked[0]), (asked, outputs), reverse=True)[1]
    return slopes, _over_time(outputs, slopes)


rectified.defvjp(_rectified_forward, _rectified_backward)


class _Gates(NamedTuple):
    """What an LSTM had at each time: its last cell, its gates, its candidate, its cell's tanh."""

    cell: Array
    enter: Array
    keep: Array
    candidate: Array
    show: Array
    squashed: Array


@jax.custom_vjp
def gated(seen: Array, recurrent: Array) -> Array:
    """Run a long short-term memory.

    Parameters
    ----------
    seen : Array
        What it makes of its input at each time, (time, n, 4 * units): in, forget, candidate, out.
    recurrent : Array
        Kernel of its own last output, (units, 4 * units).

    Returns
    -------
    Array
        Outputs at all times, (time, n, units).
    """
    return _gated_forward(seen, recurrent)[0]


def _gated_forward(seen: Array, recurrent: Array) -> tuple[Array, tuple[Array, Array, _Gates]]:
    def advance(memory: tuple[Array, Array], now: Array) -> Any:
        last, cell = memory
        enter, keep, candidate, show = jnp.split(now + last @ recurrent, 4, axis=-1)
        enter, keep, show = map(jax.nn.sigmoid, (enter, keep, show))
        candidate = jnp.tanh(candidate)
        new = keep * cell + enter * candidate
        squashed = jnp.tanh(new)
        output = show * squashed
        return (output, new), (output, _Gates(cell, enter, keep, candidate, show, squashed))

    nothing = jnp.zeros((seen.shape[1], len(recurrent)), seen.dtype)
    _, (outputs, gates) = jax.lax.scan(advance, (nothing, nothing), seen)
    return outputs, (outputs, recurrent, gates)


def _gated_backward(kept: tuple[Array, Array, _Gates], asked: Array) -> tuple[Array, Array]:
    outputs, recurrent, gates = kept
    back = recurrent.T

    def retreat(later: tuple[Array, Array], here: tuple[Array, _Gates]) -> Any:
        wanted, had = here
        output = wanted + later[0]
        cell = later[1] + output * had.show * (1 - had.squashed**2)
        slope = jnp.concatenate(
            [
                cell * had.candidate * had.enter * (1 - had.enter),
                cell * had.cell * had.keep * (1 - had.keep),
                cell * had.enter * (1 - had.candidate**2),
                output * had.squashed * had.show * (1 - had.show),
            ],
            axis=-1,
        )
        return (slope @ back, cell * had.keep), slope

    nothing = jnp.zeros_like(asked[0])
    slopes = jax.lax.scan(retreat, (nothing, nothing), (asked, gates), reverse=True)[1]
    return slopes, _over_time(outputs, slopes)


gated.defvjp(_gated_forward, _gated_backward)


def _over_time(outputs: Array, slopes: Array) -> Array:
    """Return the gradient of a recurrent kernel: last outputs times slopes, over all times."""
    last = jnp.concatenate([jnp.zeros_like(outputs[:1]), outputs[:-1]])
    return last.reshape(-1, last.shape[-1]).T @ slopes.reshape(-1, slopes.shape[-1])
