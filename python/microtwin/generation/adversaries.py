"""From a preset to the pair of networks and the step that trains them."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import nnx

from microtwin.generation.encoding import Encoding
from microtwin.generation.presets import Preset
from microtwin.learning.adversarial import (
    Adversary,
    State,
    Step,
    Whole,
    classic,
    penalised,
)
from microtwin.learning.devices import Devices
from microtwin.learning.diffaugment import augmented
from microtwin.learning.network import Network, Weights
from microtwin.models import registry
from microtwin.models.slices import Directional, Slices

ADAM_EPSILON = 1e-7  # Keras's
PRECISIONS = ("float32", "bfloat16")


def generator(preset: Preset, encoding: Encoding, *, seed: int = 0) -> Any:
    """Make the generator with fresh weights."""
    return registry.build(preset.generator, rngs=nnx.Rngs(seed), **_generated(preset, encoding))


def weightless(preset: Preset, encoding: Encoding) -> tuple[Any, Network, Weights]:
    """Return the generator's module and function, and the shapes of its weights; quickly."""
    module = nnx.eval_shape(lambda: generator(preset, encoding))
    network = Network(module)
    return module, network, network.initial


def build(
    preset: Preset,
    encoding: Encoding,
    *,
    seed: int,
    directions: int = 1,
    precision: str = "float32",
    devices: Devices | None = None,
) -> Adversary:
    """Make both networks with fresh weights, and their optimisers.

    Only the generator computes in the `precision`: the critic's slope is a small difference.
    """
    rngs = nnx.Rngs(seed)
    generator: Any = registry.build(preset.generator, rngs=rngs, **_generated(preset, encoding))

    def judge(*, rngs: nnx.Rngs) -> nnx.Module:
        return registry.build(preset.critic, rngs=rngs, **_judged(preset, encoding))

    critic = judge(rngs=rngs) if directions == 1 else Directional(judge, rngs=rngs)

    def adam(rate: float) -> optax.GradientTransformation:
        falling: Any = rate
        if preset.final_rate != 1:
            falling = optax.cosine_decay_schedule(rate, preset.steps, preset.final_rate)
        return optax.adam(falling, b1=preset.momentum, b2=preset.memory, eps=ADAM_EPSILON)

    return Adversary(
        generator=Network(generator, dtype=jnp.dtype(precision)),
        critic=Network(critic),
        latent=generator.latent,
        shape=(preset.size,) * preset.axes,
        generator_optimiser=adam(preset.generator_rate),
        critic_optimiser=adam(preset.critic_rate),
        average=preset.average,
        view=Slices(preset.slices, alike=directions == 1) if preset.slices else Whole(),
        spread=devices.spread if devices else lambda keys: keys,
    )


def step(
    preset: Preset, encoding: Encoding, adversary: Adversary, *, augment: Sequence[str] = ()
) -> Callable[[State, jax.Array, jax.Array], Any]:
    """Return the training step of the preset's recipe; its batches are patches of voxels.

    `augment` names what is done to images before the critic sees them ("penalised").
    """
    inner: Step
    if preset.recipe == "classic":
        inner = classic(adversary, label_noise=preset.label_noise)
    else:
        inner = penalised(
            adversary,
            game=preset.game,
            slope=preset.slope,
            penalty=preset.penalty,
            measure=encoding.measured if encoding.conditions else None,
            tie=preset.tie,
            augment=partial(augmented, ways=augment) if augment else None,
        )

    def outer(state: State, patches: jax.Array, key: jax.Array) -> Any:
        return inner(state, encoding.encode(patches), key)

    return outer


def _generated(preset: Preset, encoding: Encoding) -> dict[str, Any]:
    if not preset.any_size:
        return {}
    return {
        "outputs": encoding.channels,
        "conditions": encoding.conditions,
        "grain": not encoding.labelled,
    }


def _judged(preset: Preset, encoding: Encoding) -> dict[str, Any]:
    if not preset.any_size:
        return {}
    return {"inputs": encoding.channels, "conditions": encoding.conditions}
