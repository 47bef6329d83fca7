"""Recurrent layers time by time: the outputs and gradients of the plain definitions."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from microtwin.models import recurrence

TIMES, COUNT, UNITS = 7, 5, 6


def plainly_rectified(seen, recurrent):
    last, outputs = jnp.zeros(seen.shape[1:]), []
    for now in seen:
        last = jax.nn.relu(now + last @ recurrent)
        outputs.append(last)
    return jnp.stack(outputs)


def plainly_gated_backwards(seen, recurrent):
    return plainly_gated(seen[::-1], recurrent)[::-1]


def gated_backwards(seen, recurrent):
    return recurrence.gated(seen, recurrent, True)


def plainly_gated(seen, recurrent):
    last = cell = jnp.zeros((COUNT, UNITS))
    outputs = []
    for now in seen:
        enter, keep, candidate, show = jnp.split(now + last @ recurrent, 4, axis=-1)
        cell = jax.nn.sigmoid(keep) * cell + jax.nn.sigmoid(enter) * jnp.tanh(candidate)
        last = jax.nn.sigmoid(show) * jnp.tanh(cell)
        outputs.append(last)
    return jnp.stack(outputs)


@pytest.mark.parametrize(
    ("fast", "plain", "gates"),
    [
        (recurrence.rectified, plainly_rectified, 1),
        (recurrence.gated, plainly_gated, 4),
        (gated_backwards, plainly_gated_backwards, 4),
    ],
)
def test_outputs_and_gradients_are_those_of_the_definition(fast, plain, gates):
    keys = jax.random.split(jax.random.key(0), 3)
    seen = jax.random.normal(keys[0], (TIMES, COUNT, gates * UNITS))
    recurrent = 0.7 * jax.random.normal(keys[1], (UNITS, gates * UNITS))
    weight = jax.random.normal(keys[2], (TIMES, COUNT, UNITS))
    np.testing.assert_allclose(fast(seen, recurrent), plain(seen, recurrent), atol=1e-5)

    def gradients(function):
        return jax.grad(lambda s, r: (function(s, r) * weight).sum(), argnums=(0, 1))(
            seen, recurrent
        )

    for found, right in zip(gradients(fast), gradients(plain), strict=True):
        np.testing.assert_allclose(found, right, atol=2e-5)


def test_a_layer_that_reads_backwards_reads_the_mirrored_sequence():
    there, back = (recurrence.Lstm(3, UNITS, reverse=r, rngs=nnx.Rngs(0)) for r in (False, True))
    x = jax.random.normal(jax.random.key(1), (TIMES, COUNT, 3))
    np.testing.assert_allclose(back(x), there(x[::-1])[::-1], atol=1e-6)


def test_last_of_both_directions_is_that_after_all_they_read():
    layer = recurrence.BiLstm(3, UNITS, rngs=nnx.Rngs(0))
    x = jax.random.normal(jax.random.key(1), (TIMES, COUNT, 3))
    every = layer(x)
    assert every.shape == (TIMES, COUNT, 2 * UNITS)
    last = np.concatenate([every[-1, :, :UNITS], every[0, :, UNITS:]], axis=-1)
    np.testing.assert_allclose(layer.last(x), last, atol=1e-6)
