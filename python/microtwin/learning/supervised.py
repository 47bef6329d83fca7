"""Learning from examples: the training state, the losses and the step."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import Array

from microtwin.learning.network import Network, Params, Stats, Weights

Metrics = dict[str, Array]
Loss = Callable[[Array, Array], Array]


class State(NamedTuple):
    """All that changes in training."""

    step: Array
    weights: Weights
    optimiser: optax.OptState


class Batch(NamedTuple):
    """What a step learns from.

    Attributes
    ----------
    inputs : Array
        (n, ...); uint8 stands for 0 to 1.
    targets : Array or None
        (n, ...); None where the inputs themselves are to be given back.
    weight : Array
        How much each example counts, (n,).
    """

    inputs: Array
    targets: Array | None
    weight: Array


Step = Callable[[State, Batch, Array], tuple[State, Metrics]]


def initial(network: Network, optimiser: optax.GradientTransformation) -> State:
    """Return the state before the first step."""
    weights = jax.tree.map(jnp.copy, network.initial)  # training donates its buffers
    return State(jnp.zeros((), jnp.int32), weights, optimiser.init(weights.params))


def step(
    network: Callable[..., tuple[Array, Stats]],
    optimiser: optax.GradientTransformation,
    loss: Loss,
    *,
    penalty: Callable[[Params], Array] | None = None,
    prepare: Callable[[Array, Array], Array] | None = None,
    hold: Callable[[Params], Params] | None = None,
    measure: Callable[[Array, Array], Array] | None = None,
) -> Step:
    """Return the step that moves the weights down the gradient of the mean loss.

    Parameters
    ----------
    network : Network or callable
        From inputs to outputs.
    optimiser : optax.GradientTransformation
        How it descends.
    loss : callable
        ``loss(outputs, targets)``, one number an example.
    penalty : callable, optional
        What the parameters cost by themselves, see `optimisers.penalty`.
    prepare : callable, optional
        ``prepare(inputs, key)`` changes the inputs at random, see `augmentation`.
    hold : callable, optional
        Keeps parameters from being learned, see `optimisers.held`.
    measure : callable, optional
        ``measure(outputs, targets)``, one number an example; its mean is logged as ``accuracy``.
    """

    def take(state: State, batch: Batch, key: Array) -> tuple[State, Metrics]:
        prepare_key, dropout_key = jax.random.split(key)
        inputs = as_float(batch.inputs)
        if prepare is not None:
            inputs = prepare(inputs, prepare_key)
        targets = inputs if batch.targets is None else batch.targets

        def cost(params: Params) -> tuple[Array, tuple[Metrics, Stats]]:
            weights = Weights(params if hold is None else hold(params), state.weights.stats)
            outputs, stats = network(weights, inputs, train=True, key=dropout_key)
            fitted = _mean(loss(outputs, targets), batch.weight)
            total = fitted if penalty is None else fitted + penalty(params)
            metrics = {"loss": total}
            if measure is not None:
                metrics["accuracy"] = _mean(measure(outputs, targets), batch.weight > 0)
            return total, (metrics, stats)

        gradient, (metrics, stats) = jax.grad(cost, has_aux=True)(state.weights.params)
        updates, memory = optimiser.update(gradient, state.optimiser, state.weights.params)
        params = optax.apply_updates(state.weights.params, updates)
        return State(state.step + 1, Weights(params, stats), memory), metrics

    return take


def as_float(inputs: Array) -> Array:
    """Return bytes as float32 from 0 to 1, anything else as it is."""
    return inputs.astype(jnp.float32) / 255 if inputs.dtype == jnp.uint8 else inputs


def sparse_cross_entropy(logits: Array, labels: Array) -> Array:
    """Cross-entropy of logits (n, classes) with labels (n,)."""
    loss: Array = optax.softmax_cross_entropy_with_integer_labels(logits, labels)
    return loss


def binary_cross_entropy(logits: Array, labels: Array) -> Array:
    """Cross-entropy of logits (n, 1) of class 1 with labels 0 and 1, (n,)."""
    loss: Array = optax.sigmoid_binary_cross_entropy(logits[:, 0], labels.astype(logits.dtype))
    return loss


def mean_squared_error(outputs: Array, targets: Array) -> Array:
    """Mean over all but the first axis of the squared differences."""
    return jnp.square(outputs - targets).mean(range(1, outputs.ndim))


def is_right(logits: Array, labels: Array) -> Array:
    """Say for each example whether the likeliest class is the right one: 1 or 0."""
    found: Array = logits[:, 0] > 0 if logits.shape[-1] == 1 else logits.argmax(-1)
    right: Array = jnp.equal(found, labels)
    return right.astype(jnp.float32)


def _mean(values: Array, weight: Array) -> Array:
    return (values * weight).sum() / jnp.maximum(weight.sum(), 1e-12)
