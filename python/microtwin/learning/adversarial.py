"""Two networks against each other: the training state and the steps.

Any pair of NNX modules will do that are called ``generator(latent, train=, key=)`` and
``critic(images, train=, key=)``, where the critic returns logits.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import nnx
from jax import Array

Params = Any
Stats = Any
Images = Array
Metrics = dict[str, Array]


class Weights(NamedTuple):
    """What a network has learned: parameters and moving batch statistics."""

    params: Params
    stats: Stats


class State(NamedTuple):
    """All that changes in training.

    `average` holds the generator's moving average, or None where the recipe has none.
    """

    step: Array
    generator: Weights
    critic: Weights
    generator_optimiser: optax.OptState
    critic_optimiser: optax.OptState
    average: Weights | None

    @property
    def best_generator(self) -> Weights:
        """The weights to sample from."""
        return self.generator if self.average is None else self.average


class Network:
    """An NNX module as a pure function of its weights."""

    def __init__(self, module: nnx.Module) -> None:
        split: Any = nnx.split(module, nnx.Param, ...)  # its type does not fit its own use
        self._graph, params, stats = split
        self.initial = Weights(params, stats)

    def __call__(
        self, weights: Weights, x: Any, *, train: bool, key: Array | None = None
    ) -> tuple[Array, Stats]:
        """Apply the network; return its output and its new batch statistics."""
        module = nnx.merge(self._graph, weights.params, weights.stats, copy=True)
        out = module(x, train=train, key=key)
        return out, nnx.state(module, nnx.Not(nnx.Param))


@dataclass(frozen=True)
class Adversary:
    """A generator and a critic, with what it takes to train them.

    Attributes
    ----------
    generator, critic : Network
        The two networks.
    latent : callable
        ``latent(key, n, shape)`` draws what the generator takes to make n images of a shape.
    shape : (int, int)
        Shape of the images in training.
    generator_optimiser, critic_optimiser : optax.GradientTransformation
        How they descend.
    average : float or None
        Decay of the generator's moving average per step, batch statistics included.
    """

    generator: Network
    critic: Network
    latent: Callable[[Array, int, tuple[int, int]], Any]
    shape: tuple[int, int]
    generator_optimiser: optax.GradientTransformation
    critic_optimiser: optax.GradientTransformation
    average: float | None = None

    def initial(self) -> State:
        """Return the state before the first step."""
        generator, critic = self.generator.initial, self.critic.initial
        return State(
            step=jnp.zeros((), jnp.int32),
            generator=generator,
            critic=critic,
            generator_optimiser=self.generator_optimiser.init(generator.params),
            critic_optimiser=self.critic_optimiser.init(critic.params),
            average=None if self.average is None else jax.tree.map(jnp.copy, generator),
        )

    def generate(
        self,
        weights: Weights,
        key: Array,
        count: int,
        *,
        train: bool = True,
        shape: tuple[int, int] | None = None,
    ) -> tuple[Images, Stats]:
        """Draw `count` images of a shape, by default that of training.

        Dropout and batch statistics are those of training or not. A generator may make a little
        more than asked for. In training the image is cut from that at a random place, so that the
        critic's strides do not always meet the same pixels of the generator's doublings.
        """
        rows, columns = shape or self.shape
        latent_key, dropout_key, place_key = jax.random.split(key, 3)
        latent = self.latent(latent_key, count, (rows, columns))
        images, stats = self.generator(
            weights, latent, train=train, key=dropout_key if train else None
        )
        if not train:
            return images[:, :rows, :columns], stats
        room = jnp.array(images.shape[1:3]) - jnp.array([rows, columns])
        y, x = jax.random.randint(place_key, (2,), 0, room + 1)
        return jax.lax.dynamic_slice(images, (0, y, x, 0), (count, rows, columns, 1)), stats


Step = Callable[[State, Images, Array], tuple[State, Metrics]]


def classic(adversary: Adversary, *, label_noise: float = 0.05) -> Step:
    """Return the step of the first DCGANs: binary cross-entropy, fake 1, real 0, noisy labels.

    The critic sees fakes and reals in one batch, with `label_noise` * U(0, 1) on the labels; then
    the generator, with a new latent, is told that its fakes are real.

    Source: the catalyst-layer thesis (Chetumal 2022), after Radford, Metz and Chintala,
    arXiv:1511.06434.
    """

    def step(state: State, real: Images, key: Array) -> tuple[State, Metrics]:
        fake_key, label_key, critic_key, fool_key, judge_key = jax.random.split(key, 5)
        count = len(real)
        fake, _ = adversary.generate(state.generator, fake_key, count)
        images = jnp.concatenate([fake, real])
        labels = jnp.repeat(jnp.array([1.0, 0.0]), count, total_repeat_length=2 * count)
        labels += label_noise * jax.random.uniform(label_key, labels.shape)

        def critic_loss(params: Params) -> tuple[Array, Stats]:
            weights = Weights(params, state.critic.stats)
            logits, stats = adversary.critic(weights, images, train=True, key=critic_key)
            return optax.sigmoid_binary_cross_entropy(logits, labels).mean(), stats

        (d_loss, stats), gradient = jax.value_and_grad(critic_loss, has_aux=True)(
            state.critic.params
        )
        critic, critic_optimiser = _descend(
            adversary.critic_optimiser, gradient, state.critic_optimiser, state.critic.params, stats
        )

        def generator_loss(params: Params) -> tuple[Array, Stats]:
            weights = Weights(params, state.generator.stats)
            fake, stats = adversary.generate(weights, fool_key, count)
            logits, _ = adversary.critic(critic, fake, train=True, key=judge_key)
            return jax.nn.softplus(logits).mean(), stats  # cross-entropy with the label 0

        (g_loss, stats), gradient = jax.value_and_grad(generator_loss, has_aux=True)(
            state.generator.params
        )
        after = _advanced(adversary, state, critic, critic_optimiser, gradient, stats)
        return after, {"d_loss": d_loss, "g_loss": g_loss}

    return step


def relativistic(adversary: Adversary, *, penalty: float, probe: float = 0.05) -> Step:
    """Return the step of R3GAN: each fake is compared with a real, gradients are penalised.

    The critic learns that every real is more real than the fake beside it, the generator the
    contrary. The critic's squared gradient at reals and fakes (R1 + R2), which makes this game
    converge, is taken as a difference over a random displacement of `probe` a pixel: no second
    derivatives, and one batch for everything. The generator learns from the fakes that the critic
    has just seen, so that each is made once.

    Source: Huang et al., arXiv:2501.05441; the difference, Lin et al., arXiv:2501.08316.
    """

    def step(state: State, real: Images, key: Array) -> tuple[State, Metrics]:
        fake_key, probe_key = jax.random.split(key)
        count = len(real)

        def generate(params: Params) -> tuple[Array, Stats]:
            return adversary.generate(Weights(params, state.generator.stats), fake_key, count)

        fake, pull_back, generator_stats = jax.vjp(generate, state.generator.params, has_aux=True)
        half = slice(None, (count + 1) // 2)  # the penalty needs no more
        probed = jnp.concatenate([real[half], fake[half]])
        displaced = probed + probe * jax.random.normal(probe_key, probed.shape)
        images = jnp.concatenate([real, fake, displaced])

        def critic_loss(params: Params) -> tuple[Array, tuple[Array, Array, Stats]]:
            weights = Weights(params, state.critic.stats)
            logits, stats = adversary.critic(weights, images, train=True)
            of_real, of_fake, of_displaced = jnp.split(logits, [count, 2 * count])
            loss = jax.nn.softplus(of_fake - of_real).mean()
            change = of_displaced - jnp.concatenate([of_real[half], of_fake[half]])
            slope = (change.mean(-1) / probe) ** 2
            return loss + penalty * slope.mean(), (loss, of_real, stats)

        (_, (d_loss, of_real, stats)), gradient = jax.value_and_grad(critic_loss, has_aux=True)(
            state.critic.params
        )
        critic, critic_optimiser = _descend(
            adversary.critic_optimiser, gradient, state.critic_optimiser, state.critic.params, stats
        )

        def generator_loss(fake: Array) -> Array:
            of_fake, _ = adversary.critic(critic, fake, train=True)
            return jax.nn.softplus(of_real - of_fake).mean()

        g_loss, wish = jax.value_and_grad(generator_loss)(fake)
        (gradient,) = pull_back(wish)
        after = _advanced(adversary, state, critic, critic_optimiser, gradient, generator_stats)
        return after, {"d_loss": d_loss, "g_loss": g_loss}

    return step


def _advanced(
    adversary: Adversary,
    state: State,
    critic: Weights,
    critic_optimiser: optax.OptState,
    gradient: Params,
    stats: Stats,
) -> State:
    """Return the state after a step: the critic as given, the generator down its gradient."""
    generator, generator_optimiser = _descend(
        adversary.generator_optimiser,
        gradient,
        state.generator_optimiser,
        state.generator.params,
        stats,
    )
    return State(
        state.step + 1,
        generator,
        critic,
        generator_optimiser,
        critic_optimiser,
        _moved(state.average, generator, adversary.average, state.step),
    )


def _descend(
    optimiser: optax.GradientTransformation,
    gradient: Params,
    memory: optax.OptState,
    params: Params,
    stats: Stats,
) -> tuple[Weights, optax.OptState]:
    updates, memory = optimiser.update(gradient, memory, params)
    return Weights(optax.apply_updates(params, updates), stats), memory


def _moved(
    average: Weights | None, weights: Weights, decay: float | None, step: Array
) -> Weights | None:
    """Move the average towards the weights; at first quickly, to forget the random start."""
    if average is None or decay is None:
        return None
    keep = jnp.minimum(decay, (1.0 + step) / (10.0 + step))
    moved: Weights = jax.tree.map(lambda old, new: keep * old + (1 - keep) * new, average, weights)
    return moved
