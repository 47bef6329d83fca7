"""From a preset to the pair of networks and the step that trains them."""

from typing import Any

import optax
from flax import nnx

from microtwin.generation.presets import Preset
from microtwin.learning.adversarial import Adversary, Network, Step, classic, relativistic
from microtwin.models import registry

ADAM_EPSILON = 1e-7  # Keras's


def build(preset: Preset, *, seed: int) -> Adversary:
    """Make both networks with fresh weights, and their optimisers."""
    rngs = nnx.Rngs(seed)
    generator: Any = registry.build(preset.generator, rngs=rngs)
    critic = registry.build(preset.critic, rngs=rngs)

    def adam(rate: float) -> optax.GradientTransformation:
        return optax.adam(rate, b1=preset.momentum, b2=preset.memory, eps=ADAM_EPSILON)

    return Adversary(
        generator=Network(generator),
        critic=Network(critic),
        latent=generator.latent,
        shape=(preset.size, preset.size),
        generator_optimiser=adam(preset.generator_rate),
        critic_optimiser=adam(preset.critic_rate),
        average=preset.average,
    )


def step(preset: Preset, adversary: Adversary) -> Step:
    """Return the training step of the preset's recipe."""
    if preset.recipe == "classic":
        return classic(adversary, label_noise=preset.label_noise)
    return relativistic(adversary, penalty=preset.penalty)
