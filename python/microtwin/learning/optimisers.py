"""How weights descend, by Keras's rules, and what holds them back."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax import Array

from microtwin import _validate
from microtwin.learning.network import Params

EPSILON = 1e-7  # Keras's
NAMES = ("adam", "rmsprop", "sgd")
SCHEDULES = ("constant", "cosine")


@dataclass(frozen=True, slots=True)
class Rule:
    """What the parameters whose path matches a pattern cost.

    Attributes
    ----------
    pattern : str
        Regular expression that the whole path must match, such as ``hidden.*kernel``.
    l1, l2 : float
        Weights of the sums of absolute values and of squares.
    """

    pattern: str
    l1: float = 0.0
    l2: float = 0.0


def optimiser(
    name: str,
    *,
    rate: float,
    schedule: str = "constant",
    steps: int | None = None,
    clip_norm: float | None = None,
    clip_value: float | None = None,
    frozen: str | None = None,
) -> optax.GradientTransformation:
    """Return an optimiser whose learning rate is part of its state.

    Parameters
    ----------
    name : str
        One of `NAMES`, with Keras's defaults.
    rate : float
        Learning rate at the start.
    schedule : str
        "constant", or "cosine": down to nothing over `steps`.
    steps : int, optional
        Of the schedule.
    clip_norm : float, optional
        No parameter array gets a gradient with a larger norm (Keras's ``clipnorm``).
    clip_value : float, optional
        No entry of a gradient is larger.
    frozen : str, optional
        Regular expression; parameters whose whole path matches stay as they are.
    """
    _validate.choice(name, NAMES, name="optimiser")
    _validate.choice(schedule, SCHEDULES, name="schedule")
    falling: Any = rate
    if schedule == "cosine":
        falling = optax.cosine_decay_schedule(rate, _validate.integer(steps, name="steps"))

    def make(learning_rate: Any) -> optax.GradientTransformation:
        if name == "adam":
            return optax.adam(learning_rate, eps=EPSILON)
        if name == "rmsprop":
            return optax.rmsprop(learning_rate, decay=0.9, eps=EPSILON)
        return optax.sgd(learning_rate)

    clips: list[optax.GradientTransformation] = []
    if clip_norm is not None:
        clips.append(_clip_each_norm(clip_norm))
    if clip_value is not None:
        clips.append(optax.clip(clip_value))
    descent = optax.chain(*clips, optax.inject_hyperparams(make)(learning_rate=falling))
    if frozen is None:
        return descent
    return optax.partition(
        {"learned": descent, "frozen": optax.set_to_zero()},
        lambda params: _by_path(
            params, lambda path, _: "frozen" if re.fullmatch(frozen, path) else "learned"
        ),
    )


def rate_of(memory: optax.OptState) -> float:
    """Return the learning rate in the state of an `optimiser`."""
    return float(optax.tree_utils.tree_get(memory, "learning_rate", filtering=_is_number))


def with_rate(memory: optax.OptState, rate: float) -> optax.OptState:
    """Return the state of an `optimiser` with another learning rate."""
    value = jnp.asarray(rate, jnp.float32)
    return optax.tree_utils.tree_set(memory, _is_number, learning_rate=value)


def penalty(rules: Sequence[Rule]) -> Callable[[Params], Array] | None:
    """Return what parameters cost by some rules; None without rules."""
    if not rules:
        return None

    def cost(params: Params) -> Array:
        total = jnp.zeros(())
        for path, leaf in jax.tree_util.tree_leaves_with_path(params):
            for rule in rules:
                if re.fullmatch(rule.pattern, _name(path)):
                    total += rule.l1 * jnp.abs(leaf).sum() + rule.l2 * jnp.square(leaf).sum()
        return total

    return cost


def held(frozen: str | None) -> Callable[[Params], Params] | None:
    """Return what keeps gradients from being computed for frozen parameters; None without any."""
    if frozen is None:
        return None
    return lambda params: _by_path(
        params,
        lambda path, leaf: jax.lax.stop_gradient(leaf) if re.fullmatch(frozen, path) else leaf,
    )


def learned(params: Params, frozen: str | None) -> list[Array]:
    """Return the parameters that are not frozen."""
    return [
        leaf
        for path, leaf in jax.tree_util.tree_leaves_with_path(params)
        if frozen is None or not re.fullmatch(frozen, _name(path))
    ]


def _is_number(path: Any, value: Any) -> bool:
    """Tell a rate from what its schedule remembers, which has the same name."""
    return hasattr(value, "dtype")


def _clip_each_norm(most: float) -> optax.GradientTransformation:
    def clip(gradient: Array, _: Array | None) -> Array:
        norm = jnp.sqrt(jnp.square(gradient).sum())
        return gradient * jnp.minimum(1, most / jnp.maximum(norm, 1e-12))

    return optax.stateless_with_tree_map(clip)


def _by_path(params: Params, function: Callable[[str, Any], Any]) -> Any:
    return jax.tree_util.tree_map_with_path(lambda path, leaf: function(_name(path), leaf), params)


def _name(path: Any) -> str:
    return jax.tree_util.keystr(path, simple=True, separator=".").removesuffix(".value")
