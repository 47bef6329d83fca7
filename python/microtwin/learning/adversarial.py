"""Two networks against each other: the training state and the steps.

Any pair of NNX modules will do that are called ``generator(latent, train=, key=)`` and
``critic(images, train=, key=)``, where the critic returns logits.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import optax
from jax import Array

from microtwin.learning.network import Network, Params, Stats, Weights

Images = Array
Metrics = dict[str, Array]


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


class View(Protocol):
    """What the critic sees of what is generated.

    Attributes
    ----------
    parts : int
        How many images it makes of each structure.
    groups : int
        The critic judges images i, i + groups, i + 2 * groups, ... by the same rule.
    """

    parts: int
    groups: int

    def __call__(self, structures: Array, key: Array) -> Images:
        """Map (n, *sides, channels) to (n * parts, *sides, channels)."""
        ...


class Whole:
    """The critic sees what is generated as it is."""

    parts = groups = 1

    def __call__(self, structures: Array, key: Array) -> Images:
        """Return the structures."""
        return structures


@dataclass(frozen=True)
class Adversary:
    """A generator and a critic, with what it takes to train them.

    Attributes
    ----------
    generator, critic : Network
        The two networks.
    latent : callable
        ``latent(keys, shape, condition=)`` draws what the generator takes to make one structure of
        a shape for each key.
    shape : tuple of int
        Shape of what is generated in training.
    generator_optimiser, critic_optimiser : optax.GradientTransformation
        How they descend.
    average : float or None
        Decay of the generator's moving average per step, batch statistics included.
    view : View
        What the critic sees of what is generated.
    spread : callable
        Applied to the keys of a batch; says how it is spread over devices.
    """

    generator: Network
    critic: Network
    latent: Callable[..., Any]
    shape: tuple[int, ...]
    generator_optimiser: optax.GradientTransformation
    critic_optimiser: optax.GradientTransformation
    average: float | None = None
    view: View = field(default_factory=Whole)
    spread: Callable[[Array], Array] = lambda keys: keys

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

    def fakes(
        self, weights: Weights, key: Array, count: int, condition: Array | None = None
    ) -> tuple[Images, Stats]:
        """Make `count` images for the critic, in training mode.

        A generator may make a little more than asked for. The structure is cut from that at a
        random place, so that the critic's strides do not always meet the same voxels of the
        generator's doublings.
        """
        latent_key, dropout_key, place_key, view_key = jax.random.split(key, 4)
        keys = self.spread(jax.random.split(latent_key, count // self.view.parts))
        asked = {} if condition is None else {"condition": condition[:: self.view.parts]}
        latent = self.latent(keys, self.shape, **asked)
        made, stats = self.generator(weights, latent, train=True, key=dropout_key)
        room = jnp.array(made.shape[1:-1]) - jnp.array(self.shape)
        corner = jax.random.randint(place_key, room.shape, 0, room + 1)
        sizes = (len(made), *self.shape, made.shape[-1])
        made = jax.lax.dynamic_slice(made, (0, *corner, 0), sizes)
        return self.view(made, view_key), stats


class Batch(NamedTuple):
    """What a step learns from.

    Attributes
    ----------
    images : Array
        Real ones, (n, *sides, channels).
    condition : Array or None
        What could have been asked for to get them, (n, conditions).
    """

    images: Images
    condition: Array | None = None


Step = Callable[[State, Batch, Array], tuple[State, Metrics]]


def classic(adversary: Adversary, *, label_noise: float = 0.05) -> Step:
    """Return the step of the first DCGANs: binary cross-entropy, fake 1, real 0, noisy labels.

    The critic sees fakes and reals in one batch, with `label_noise` * U(0, 1) on the labels; then
    the generator, with a new latent, is told that its fakes are real.

    Source: the catalyst-layer thesis (Chetumal 2022), after Radford, Metz and Chintala,
    arXiv:1511.06434.
    """

    def step(state: State, batch: Batch, key: Array) -> tuple[State, Metrics]:
        real = batch.images
        fake_key, label_key, critic_key, fool_key, judge_key = jax.random.split(key, 5)
        count = len(real)
        fake, _ = adversary.fakes(state.generator, fake_key, count)
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
            fake, stats = adversary.fakes(weights, fool_key, count)
            logits, _ = adversary.critic(critic, fake, train=True, key=judge_key)
            return jax.nn.softplus(logits).mean(), stats  # cross-entropy with the label 0

        (g_loss, stats), gradient = jax.value_and_grad(generator_loss, has_aux=True)(
            state.generator.params
        )
        after = _advanced(adversary, state, critic, critic_optimiser, gradient, stats)
        return after, {"d_loss": d_loss, "g_loss": g_loss}

    return step


class Game(NamedTuple):
    """What the two networks play for.

    Attributes
    ----------
    critic, generator : callable
        Losses of logits of reals and of fakes, entry by entry.
    """

    critic: Callable[[Array, Array], Array]
    generator: Callable[[Array, Array], Array]


GAMES: Mapping[str, Game] = {
    # Each fake is compared with the real beside it. Huang et al., arXiv:2501.05441.
    "relativistic": Game(
        lambda real, fake: jax.nn.softplus(fake - real),
        lambda real, fake: jax.nn.softplus(real - fake),
    ),
    # Lim and Ye, arXiv:1705.02894.
    "hinge": Game(
        lambda real, fake: jax.nn.relu(1 - real) + jax.nn.relu(1 + fake),
        lambda real, fake: -fake,
    ),
    # Arjovsky et al., arXiv:1701.07875.
    "wasserstein": Game(lambda real, fake: fake - real, lambda real, fake: -fake),
}


def penalised(
    adversary: Adversary,
    *,
    game: str = "relativistic",
    slope: str = "zero",
    penalty: float,
    probe: float = 0.05,
    measure: Callable[[Images], Array] | None = None,
    tie: float = 0.0,
    augment: Callable[[Images, Array], Images] | None = None,
) -> Step:
    """Return the step of a game whose critic pays for steep slopes.

    The generator learns from the fakes that the critic has just seen, so that each is made once.

    Parameters
    ----------
    adversary : Adversary
        Both networks.
    game : str
        One of `GAMES`.
    slope : str
        Which slope costs nothing. "zero": the squared gradient at reals and fakes (R1 + R2), which
        makes the game converge, as a difference over a random displacement of `probe` a pixel: no
        second derivatives, and one batch for everything. "one": the squared deviation of the
        gradient's norm from one between reals and fakes (WGAN-GP).
    penalty : float
        Weight of that cost.
    probe : float
        See `slope`.
    measure : callable, optional
        What can be asked for, (n, conditions), as images (n, *sides, channels) show it. The
        generator then pays for the squared difference between what was asked for and the mean over
        what the critic sees of a structure.
    tie : float
        Weight of that cost where the critic takes every fake for more real than the real one beside
        it; it falls with their share. While the critic wins outright fakes are nothing like the
        reals, and to be pulled towards anything else keeps them from becoming so.
    augment : callable, optional
        ``augment(images, key)`` changes images at random before the critic sees them, reals and
        fakes; gradients pass through it. Slopes are those of the critic at what it sees.

    Notes
    -----
    Sources: R1 + R2, Huang et al., arXiv:2501.05441; the difference, Lin et al., arXiv:2501.08316;
    WGAN-GP, Gulrajani et al., arXiv:1704.00028.
    """
    rules = GAMES[game]

    def step(state: State, batch: Batch, key: Array) -> tuple[State, Metrics]:
        fake_key, probe_key = jax.random.split(key)
        augment_real, augment_fake = jax.random.split(jax.random.fold_in(key, 1))
        real, asked = batch
        count = len(real)

        def shown(images: Images, key: Array) -> Images:
            return images if augment is None else augment(images, key)

        def judge(weights: Weights, images: Images, conditions: Array | None) -> Any:
            more: dict[str, Any] = {} if conditions is None else {"condition": conditions}
            return adversary.critic(weights, images, train=True, **more)

        def generate(params: Params) -> tuple[Array, Stats]:
            weights = Weights(params, state.generator.stats)
            return adversary.fakes(weights, fake_key, count, asked)

        made, pull_back, generator_stats = jax.vjp(generate, state.generator.params, has_aux=True)
        real, fake = shown(real, augment_real), shown(made, augment_fake)
        groups = adversary.view.groups
        half = max(count // 2 // groups, 1) * groups  # the penalty needs no more
        if slope == "zero":
            probed = jnp.concatenate([real[:half], fake[:half]])
            probed += probe * jax.random.normal(probe_key, probed.shape)
            images = jnp.concatenate([real, fake, probed])
        else:
            along = jax.random.uniform(probe_key, (half, *[1] * (real.ndim - 1)))
            probed = along * real[:half] + (1 - along) * fake[:half]
            images = jnp.concatenate([real, fake])
        conditions = None
        if asked is not None:
            ends = [asked[:half], asked[:half]] if slope == "zero" else []
            conditions = jnp.concatenate([asked, asked, *ends])

        def critic_loss(params: Params) -> tuple[Array, tuple[Array, Array, Stats]]:
            weights = Weights(params, state.critic.stats)
            logits, stats = judge(weights, images, conditions)
            of_real, of_fake, of_probed = jnp.split(logits, [count, 2 * count])
            loss = rules.critic(of_real, of_fake).mean()
            if slope == "zero":
                change = of_probed - jnp.concatenate([of_real[:half], of_fake[:half]])
                cost = (change.mean(-1) / probe) ** 2
            else:

                def score(images: Images) -> Array:
                    part = None if asked is None else asked[:half]
                    total: Array = judge(weights, images, part)[0].mean(-1).sum()
                    return total

                gradient = jax.grad(score)(probed)
                norm = jnp.sqrt(jnp.square(gradient).sum(range(1, gradient.ndim)) + 1e-12)
                cost = (norm - 1) ** 2
            return loss + penalty * cost.mean(), (loss, of_real, stats)

        (_, (d_loss, of_real, stats)), gradient = jax.value_and_grad(critic_loss, has_aux=True)(
            state.critic.params
        )
        critic, critic_optimiser = _descend(
            adversary.critic_optimiser, gradient, state.critic_optimiser, state.critic.params, stats
        )

        def generator_loss(made: Array) -> tuple[Array, Metrics]:
            of_fake, _ = judge(critic, shown(made, augment_fake), asked)
            loss = rules.generator(of_real, of_fake).mean()
            if asked is None or measure is None:
                return loss, {"g_loss": loss}
            parts = adversary.view.parts
            found = measure(made).reshape(-1, parts, asked.shape[-1]).mean(1)
            missed = jnp.square(found - asked[::parts]).mean()
            doubt = jax.lax.stop_gradient(of_fake >= of_real).mean()
            return loss + tie * doubt * missed, {"g_loss": loss, "missed": missed}

        wish, metrics = jax.grad(generator_loss, has_aux=True)(made)
        (gradient,) = pull_back(wish)
        after = _advanced(adversary, state, critic, critic_optimiser, gradient, generator_stats)
        return after, {"d_loss": d_loss, **metrics}

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
