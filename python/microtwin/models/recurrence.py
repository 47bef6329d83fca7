"""Recurrent layers with Keras's conventions; sequences are (time, n, features).

What a layer makes of its input does not depend on the past, so it is one product for all times;
only what it makes of its own last output is done time by time. The gradients are written out for
the same reason: that of the recurrent kernel is one product for all times as well, where JAX would
add up one a time, and all that does not depend on the future is made for all times at once.
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array, lax

from microtwin.models.layers import glorot
from microtwin.models.products import along

orthogonal = nnx.initializers.orthogonal()


class SimpleRnn(nnx.Module):
    """A layer whose output is the ReLU of a product with its input and its own last output.

    Parameters
    ----------
    c_in, units : int
        Features of the input and of the output.
    """

    def __init__(self, c_in: int, units: int, *, rngs: nnx.Rngs) -> None:
        self.kernel = nnx.Param(glorot(rngs.params(), (c_in, units)))
        self.recurrent_kernel = nnx.Param(orthogonal(rngs.params(), (units, units)))
        self.bias = nnx.Param(jnp.zeros(units))

    def __call__(self, x: Array) -> Array:
        """Map (time, n, c_in) to (time, n, units)."""
        seen = x @ self.kernel[...]
        return rectified(seen + along(self.bias[...], seen), self.recurrent_kernel[...])


class Lstm(nnx.Module):
    """A long short-term memory; gates in Keras's order: in, forget, candidate, out.

    The forget gates begin with a bias of one.

    Parameters
    ----------
    c_in, units : int
        Features of the input and of the output.
    reverse : bool
        Whether it reads from the last time to the first.
    """

    def __init__(self, c_in: int, units: int, *, reverse: bool = False, rngs: nnx.Rngs) -> None:
        self.reverse = reverse
        self.kernel = nnx.Param(glorot(rngs.params(), (c_in, 4 * units)))
        self.recurrent_kernel = nnx.Param(orthogonal(rngs.params(), (units, 4 * units)))
        self.bias = nnx.Param(jnp.zeros(4 * units).at[units : 2 * units].set(1))

    def __call__(self, x: Array) -> Array:
        """Map (time, n, c_in) to (time, n, units)."""
        seen = x @ self.kernel[...]
        seen = seen + along(self.bias[...], seen)
        return gated(seen, self.recurrent_kernel[...], self.reverse)


class BiLstm(nnx.Module):
    """Two LSTMs side by side, one of which reads backwards.

    Parameters
    ----------
    c_in, units : int
        Features of the input, and of the output of each direction.
    """

    def __init__(self, c_in: int, units: int, *, rngs: nnx.Rngs) -> None:
        self.forward = Lstm(c_in, units, rngs=rngs)
        self.backward = Lstm(c_in, units, reverse=True, rngs=rngs)

    def __call__(self, x: Array) -> Array:
        """Map (time, n, c_in) to (time, n, 2 * units)."""
        return jnp.concatenate([self.forward(x), self.backward(x)], axis=-1)

    def last(self, x: Array) -> Array:
        """Map (time, n, c_in) to what each direction has after all that it reads, (n, 2 * units).

        That of the backward one is its output at the first time.
        """
        return jnp.concatenate([self.forward(x)[-1], self.backward(x)[0]], axis=-1)


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

    return lax.scan(advance, jnp.zeros_like(seen[0]), seen)[1]


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

    slopes = lax.scan(retreat, jnp.zeros_like(asked[0]), (asked, outputs), reverse=True)[1]
    return slopes, _over_time(outputs, slopes, reverse=False)


rectified.defvjp(_rectified_forward, _rectified_backward)


@partial(jax.custom_vjp, nondiff_argnums=(2,))
def gated(seen: Array, recurrent: Array, reverse: bool = False) -> Array:
    """Run a long short-term memory.

    Parameters
    ----------
    seen : Array
        What it makes of its input at each time, (time, n, 4 * units): in, forget, candidate, out.
    recurrent : Array
        Kernel of its own last output, (units, 4 * units).
    reverse : bool
        Whether it runs from the last time to the first.

    Returns
    -------
    Array
        Outputs at all times, (time, n, units).
    """
    return _gated_forward(seen, recurrent, reverse)[0]


def _gated_forward(seen: Array, recurrent: Array, reverse: bool) -> tuple[Array, Any]:
    units = len(recurrent)
    # All four are a tanh: the logistic function is one of half the argument, half as high.
    half = jnp.array([0.5, 0.5, 1, 0.5], seen.dtype)[:, None]

    def advance(memory: tuple[Array, Array], now: Array) -> Any:
        last, cell = memory
        gates = (now + last @ recurrent).reshape(-1, 4, units)
        gates = jnp.tanh(gates * half) * half + (1 - half)
        cell = gates[:, 1] * cell + gates[:, 0] * gates[:, 2]
        output = gates[:, 3] * jnp.tanh(cell)
        return (output, cell), (output, cell, gates)

    nothing = jnp.zeros((seen.shape[1], units), seen.dtype)
    _, (outputs, cells, gates) = lax.scan(advance, (nothing, nothing), seen, reverse=reverse)
    return outputs, (outputs, cells, gates, recurrent)


def _gated_backward(reverse: bool, kept: Any, asked: Array) -> tuple[Array, Array]:
    outputs, cells, gates, recurrent = kept
    back = recurrent.T
    squashed = jnp.tanh(cells)
    shows = gates[:, :, 3] * (1 - squashed**2)  # what a change of the cell makes of the output
    # What a change of a gate before its tanh makes of the cell, or for the last of the output.
    factors = [gates[:, :, 2], _before(cells, reverse=reverse), gates[:, :, 0], squashed]
    which = lax.broadcasted_iota(jnp.int32, gates.shape, 2)
    factor = lax.select_n(which, *(jnp.broadcast_to(f[:, :, None], gates.shape) for f in factors))
    factor = factor * jnp.where(which == 2, 1 - gates**2, gates * (1 - gates))

    def retreat(later: tuple[Array, Array], here: Any) -> Any:
        wanted, factor, shows, keep = here
        output = wanted + later[0]
        cell = later[1] + output * shows
        last = lax.broadcasted_iota(jnp.int32, factor.shape, 1) == 3
        slope = factor * jnp.where(last, output[:, None], cell[:, None])
        slope = slope.reshape(len(slope), -1)
        return (slope @ back, cell * keep), slope

    nothing = jnp.zeros_like(asked[0])
    along_time = asked, factor, shows, gates[:, :, 1]
    _, slopes = lax.scan(retreat, (nothing, nothing), along_time, reverse=not reverse)
    return slopes, _over_time(outputs, slopes, reverse=reverse)


gated.defvjp(_gated_forward, _gated_backward)


def _before(values: Array, *, reverse: bool) -> Array:
    """Return what was there one step earlier, at first zeros."""
    nothing = jnp.zeros_like(values[:1])
    parts = [values[1:], nothing] if reverse else [nothing, values[:-1]]
    return jnp.concatenate(parts)


def _over_time(outputs: Array, slopes: Array, *, reverse: bool) -> Array:
    """Return the gradient of a recurrent kernel: last outputs times slopes, over all times."""
    last, now = (outputs[1:], slopes[:-1]) if reverse else (outputs[:-1], slopes[1:])
    return last.reshape(-1, last.shape[-1]).T @ now.reshape(-1, now.shape[-1])
