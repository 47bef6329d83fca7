"""The two adversarial steps, on networks small enough to know the answer."""

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from microtwin.learning.adversarial import Adversary, Batch, Whole, classic, penalised
from microtwin.learning.network import Network

COUNT = 64


class Shift(nnx.Module):
    """A generator with one parameter: noise around it."""

    def __init__(self):
        self.centre = nnx.Param(jnp.zeros(()))
        self.calls = nnx.BatchStat(jnp.zeros(()))

    def __call__(self, latent, *, train=False, key=None):
        if train:
            self.calls[...] += 1
        return self.centre[...] + 0.1 * latent


class Linear(nnx.Module):
    """A critic that weighs four pixels."""

    def __init__(self):
        self.weights = nnx.Param(jnp.zeros((4, 1)))

    def __call__(self, images, *, train=False, key=None):
        return images.reshape(len(images), -1) @ self.weights[...]


class Scored(Linear):
    """The same with one logit an image, as the classic step wants it."""

    def __call__(self, images, *, train=False, key=None):
        return super().__call__(images)[:, 0]


def adversary(critic, *, generator_rate=0.1, critic_rate=0.1, average=None, **options):
    return Adversary(
        generator=Network(Shift()),
        critic=Network(critic),
        latent=lambda keys, shape: jax.vmap(lambda key: jax.random.normal(key, (*shape, 1)))(keys),
        shape=(2, 2),
        generator_optimiser=optax.sgd(generator_rate),
        critic_optimiser=optax.sgd(critic_rate),
        average=average,
        **options,
    )


def real(seed=0):
    return 1 + 0.1 * jax.random.normal(jax.random.key(seed), (COUNT, 2, 2, 1))


def batch(seed=0):
    return Batch(real(seed))


def take(step, state, count):
    step = jax.jit(step)
    for i in range(count):
        state, metrics = step(state, batch(i), jax.random.key(i))
    return state, metrics


def test_classic_critic_learns_that_fakes_are_one():
    pair = adversary(Scored(), generator_rate=0)
    state, _ = take(classic(pair), pair.initial(), 20)
    of_real, _ = pair.critic(state.critic, real(), train=False)
    of_fake, _ = pair.critic(state.critic, jnp.zeros((1, 2, 2, 1)), train=False)
    assert of_real.max() < of_fake[0]


def test_relativistic_critic_learns_that_reals_are_more_real():
    pair = adversary(Linear(), generator_rate=0)
    state, _ = take(penalised(pair, penalty=0.01), pair.initial(), 20)
    of_real, _ = pair.critic(state.critic, real(), train=False)
    of_fake, _ = pair.critic(state.critic, jnp.zeros((1, 2, 2, 1)), train=False)
    assert of_real.min() > of_fake[0, 0]


@pytest.mark.parametrize(
    ("critic", "recipe"),
    [(Scored, lambda pair: classic(pair)), (Linear, lambda pair: penalised(pair, penalty=0.1))],
)
def test_generator_moves_towards_the_reals(critic, recipe):
    pair = adversary(critic(), generator_rate=0.5, critic_rate=0.5)
    state, metrics = take(recipe(pair), pair.initial(), 30)
    centre = float(jax.tree.leaves(state.generator.params)[0])
    assert 0.3 < centre < 3
    assert set(metrics) == {"d_loss", "g_loss"}
    assert int(state.step) == 30


def test_first_losses_are_those_of_a_critic_that_knows_nothing():
    pair = adversary(Scored())
    _, metrics = classic(pair, label_noise=0)(pair.initial(), batch(), jax.random.key(0))
    # The logits are 0 until the critic has learned; the generator meets it one step later.
    assert float(metrics["d_loss"]) == pytest.approx(np.log(2))
    pair = adversary(Linear())
    _, metrics = penalised(pair, penalty=1)(pair.initial(), batch(), jax.random.key(0))
    assert float(metrics["d_loss"]) == pytest.approx(np.log(2))


def test_noise_on_the_labels_is_one_sided():
    """A label l gives the gradient sigma(0) - l: noise makes the critic's first step smaller."""

    def first_weights(noise):
        pair = adversary(Scored())
        state, _ = classic(pair, label_noise=noise)(pair.initial(), batch(), jax.random.key(0))
        return jax.tree.leaves(state.critic.params)[0]

    clean, noisy = first_weights(0.0), first_weights(0.5)
    assert (clean < 0).all()
    assert (noisy > clean).all()


def test_penalty_is_the_squared_gradient_of_the_critic():
    """For a linear critic it is |w|^2, whose descent shrinks w by 2 * penalty * rate."""
    critic = Linear()
    critic.weights[...] = 100 * jnp.ones((4, 1))  # saturates the other loss
    pair = adversary(critic, generator_rate=0, critic_rate=0.01)
    step = jax.jit(penalised(pair, penalty=0.5))
    shrunk = []
    for i in range(100):
        state, _ = step(pair.initial(), Batch(10 * real(i)), jax.random.key(i))
        shrunk.append(jax.tree.leaves(state.critic.params)[0].mean() / 100)
    assert np.mean(shrunk) == pytest.approx(1 - 2 * 0.5 * 0.01, abs=5e-4)


def test_average_follows_the_generator_with_its_statistics():
    pair = adversary(Linear(), generator_rate=0.5, critic_rate=0.5, average=0.9)
    step = jax.jit(penalised(pair, penalty=0.1))
    state = pair.initial()
    expected = state.generator
    for i in range(60):
        keep = min(0.9, (1 + i) / (10 + i))
        state, _ = step(state, batch(i), jax.random.key(i))
        expected = jax.tree.map(
            lambda old, new, keep=keep: keep * old + (1 - keep) * new, expected, state.generator
        )
    for found, wanted in zip(
        jax.tree.leaves(state.best_generator), jax.tree.leaves(expected), strict=True
    ):
        np.testing.assert_allclose(found, wanted, rtol=1e-4)
    assert jax.tree.leaves(state.generator.stats)[0] == 60


def test_a_step_depends_on_state_batch_and_key_alone():
    pair = adversary(Linear())
    step = jax.jit(penalised(pair, penalty=0.1))
    first = step(pair.initial(), batch(), jax.random.key(4))
    again = step(pair.initial(), batch(), jax.random.key(4))
    other = step(pair.initial(), batch(), jax.random.key(5))
    leaves = [jax.tree.leaves(each[0].critic) for each in (first, again, other)]
    assert all((a == b).all() for a, b in zip(leaves[0], leaves[1], strict=True))
    assert any((a != b).any() for a, b in zip(leaves[0], leaves[2], strict=True))


def scored(critic, images):
    return np.asarray(images).reshape(len(images), -1) @ np.asarray(critic.weights[...])


@pytest.mark.parametrize(
    ("game", "critic_loss", "generator_loss"),
    [
        ("hinge", lambda r, f: np.maximum(1 - r, 0) + np.maximum(1 + f, 0), lambda r, f: -f),
        ("wasserstein", lambda r, f: f - r, lambda r, f: -f),
        (
            "relativistic",
            lambda r, f: np.log1p(np.exp(f - r)),
            lambda r, f: np.log1p(np.exp(r - f)),
        ),
    ],
)
def test_losses_of_a_game_are_those_of_its_definition(game, critic_loss, generator_loss):
    critic = Linear()
    critic.weights[...] = jnp.array([[0.3], [-0.2], [0.5], [0.1]])
    pair = adversary(critic, generator_rate=0, critic_rate=0)
    key = jax.random.key(3)
    _, metrics = penalised(pair, game=game, penalty=0.7)(pair.initial(), batch(), key)
    fakes, _ = pair.fakes(pair.initial().generator, jax.random.split(key)[0], COUNT)
    r, f = scored(critic, real()), scored(critic, fakes)
    assert float(metrics["d_loss"]) == pytest.approx(critic_loss(r, f).mean(), rel=1e-4)
    assert float(metrics["g_loss"]) == pytest.approx(generator_loss(r, f).mean(), rel=1e-4)


def test_a_slope_of_one_costs_nothing_and_others_the_square_of_their_distance():
    """For a linear critic the slope is |w|: descent moves it by 2 * penalty * rate * (|w| - 1)."""
    flat = Batch(jnp.zeros((COUNT, 2, 2, 1)))
    for length in (1.0, 3.0):
        critic = Linear()
        critic.weights[...] = length * jnp.array([[0.5], [0.5], [-0.5], [-0.5]])
        pair = adversary(critic, generator_rate=0, critic_rate=0.01)
        # Reals and fakes are the same there: the game itself pulls at nothing.
        pair = dataclasses.replace(
            pair, latent=lambda keys, shape: jnp.zeros((len(keys), *shape, 1))
        )
        step = penalised(pair, game="wasserstein", slope="one", penalty=0.5)
        state, _ = step(pair.initial(), flat, jax.random.key(0))
        after = float(jnp.linalg.norm(jax.tree.leaves(state.critic.params)[0]))
        assert after == pytest.approx(length - 2 * 0.5 * 0.01 * (length - 1), rel=1e-5)


class Sorted(Linear):
    """A critic that notes which images it is shown, and judges by their group."""

    seen: ClassVar[list] = []

    def __call__(self, images, *, train=False, key=None):
        Sorted.seen.append(len(images))
        return super().__call__(images)


class InThrees(Whole):
    """As if there were three directions."""

    parts = 1
    groups = 3


def test_the_half_that_pays_holds_whole_groups():
    """Of 10 images of three kinds the first 3 are probed, and their fakes after them."""
    pair = adversary(Sorted(), view=InThrees())
    Sorted.seen.clear()
    penalised(pair, penalty=0.1)(pair.initial(), Batch(real()[:10]), jax.random.key(0))
    assert Sorted.seen[0] == 10 + 10 + 2 * 3


def test_the_generator_may_compute_in_bfloat16_and_keeps_its_weights_in_float32():
    pair = adversary(Linear(), average=0.9)
    pair = dataclasses.replace(pair, generator=Network(Shift(), dtype=jnp.bfloat16))
    state, metrics = take(penalised(pair, penalty=0.1), pair.initial(), 5)
    kinds = {leaf.dtype for leaf in jax.tree.leaves((state.generator, state.average))}
    assert kinds == {jnp.dtype(jnp.float32)}
    assert all(np.isfinite(value) for value in metrics.values())
    exact, _ = take(penalised(adversary(Linear()), penalty=0.1), adversary(Linear()).initial(), 5)
    ours, theirs = (float(jax.tree.leaves(s.generator.params)[0]) for s in (state, exact))
    assert ours == pytest.approx(theirs, rel=0.02)


class Told(nnx.Module):
    """A pair of networks in one that answer with what they were asked for."""

    def __init__(self):
        self.gain = nnx.Param(jnp.ones(()))

    def __call__(self, images, *, train=False, key=None, condition=None):
        if condition is None:
            return self.gain[...] * images
        return self.gain[...] * condition


def test_conditions_reach_generator_and_critic_beside_their_images():
    def latent(keys, shape, condition):
        return jnp.broadcast_to(condition[:, 0, None, None, None], (len(keys), *shape, 1))

    pair = adversary(Told(), generator_rate=0, critic_rate=0)
    pair = dataclasses.replace(pair, generator=Network(Told()), latent=latent)
    asked = jnp.arange(8.0)[:, None]
    fakes, _ = pair.fakes(pair.initial().generator, jax.random.key(0), 8, asked)
    np.testing.assert_array_equal(fakes[:, 0, 0], asked)
    step = penalised(pair, game="hinge", penalty=0.1)
    _, metrics = step(pair.initial(), Batch(real()[:8], asked), jax.random.key(0))
    wanted = np.maximum(1 - asked, 0) + np.maximum(1 + asked, 0)
    assert float(metrics["d_loss"]) == pytest.approx(float(wanted.mean()))


class Grey(nnx.Module):
    """A generator of images of one grey level: a gain times what was asked for."""

    def __init__(self):
        self.gain = nnx.Param(jnp.zeros(()))

    def __call__(self, latent, *, train=False, key=None):
        return self.gain[...] * latent


def mean_level(images):
    return images.mean((1, 2))


def tied(tie, **options):
    pair = adversary(Told(), generator_rate=0.1, critic_rate=0, **options)
    pair = dataclasses.replace(
        pair,
        generator=Network(Grey()),
        latent=lambda keys, shape, condition: jnp.broadcast_to(
            condition[:, :, None, None], (len(keys), *shape, 1)
        ),
    )
    return pair, penalised(pair, game="hinge", penalty=0.1, measure=mean_level, tie=tie)


def test_the_generator_learns_to_show_what_was_asked_for():
    asked = jnp.linspace(-1, 1, 8)[:, None]
    gains = []
    for tie in (0.0, 1.0):
        pair, step = tied(tie)
        state, metrics = pair.initial(), {}
        for i in range(40):
            state, metrics = jax.jit(step)(state, Batch(real()[:8], asked), jax.random.key(i))
        gains.append(float(jax.tree.leaves(state.generator.params)[0]))
        missed = (1 - gains[-1]) ** 2 * float(jnp.square(asked).mean())
        assert float(metrics["missed"]) == pytest.approx(missed, rel=0.2, abs=1e-4)
    assert gains[0] == 0  # this critic hears what was asked for and does not look at the image
    assert gains[1] == pytest.approx(1, abs=0.05)


class Halves(Whole):
    """Two images of each structure, brighter and darker than it."""

    parts = 2

    def __call__(self, structures, key):
        return jnp.stack([structures + 1, structures - 1], axis=1).reshape(-1, 2, 2, 1)


def test_a_structure_is_measured_by_the_mean_of_what_is_seen_of_it():
    asked = jnp.repeat(jnp.array([0.5, -2.0]), 2)[:, None]
    pair, step = tied(1.0, view=Halves())
    _, metrics = step(pair.initial(), Batch(real()[:4], asked), jax.random.key(0))
    assert float(metrics["missed"]) == pytest.approx((0.5**2 + 2**2) / 2)


def test_critic_and_generator_meet_reals_and_fakes_as_they_are_changed():
    critic = Linear()
    critic.weights[...] = jnp.array([[0.3], [-0.2], [0.5], [0.1]])
    pair = adversary(critic, critic_rate=0)
    key = jax.random.key(3)
    step = penalised(pair, game="wasserstein", penalty=0, augment=lambda images, key: 3 * images)
    state, metrics = step(pair.initial(), batch(), key)
    fakes, _ = pair.fakes(pair.initial().generator, jax.random.split(key)[0], COUNT)
    r, f = scored(critic, 3 * real()), scored(critic, 3 * fakes)
    assert float(metrics["d_loss"]) == pytest.approx((f - r).mean(), rel=1e-4)
    assert float(metrics["g_loss"]) == pytest.approx(-f.mean(), rel=1e-4)
    # The generator's loss is -3 w . (centre + noise), and its rate 0.1.
    centre = float(jax.tree.leaves(state.generator.params)[0])
    assert centre == pytest.approx(0.1 * 3 * float(critic.weights[...].sum()), rel=1e-4)


def test_fakes_are_changed_for_the_generator_as_the_critic_has_seen_them():
    seen = []

    def noted(images, key):
        seen.append(tuple(jax.random.key_data(key).tolist()) if not _traced(key) else None)
        return images

    pair = adversary(Linear())
    penalised(pair, penalty=0.1, augment=noted)(pair.initial(), batch(), jax.random.key(0))
    of_real, of_fake, for_generator = seen
    assert of_fake == for_generator != of_real


def _traced(key):
    return isinstance(key, jax.core.Tracer)


def test_what_was_asked_for_is_looked_for_in_what_was_made_not_in_what_is_shown():
    asked = jnp.linspace(-1, 1, 8)[:, None]
    missed = []
    for augment in (None, lambda images, key: 0 * images):
        pair, _ = tied(1.0)
        step = penalised(
            pair, game="hinge", penalty=0.1, measure=mean_level, tie=1.0, augment=augment
        )
        state, _ = step(pair.initial(), Batch(real()[:8], asked), jax.random.key(0))
        _, metrics = step(state, Batch(real()[:8], asked), jax.random.key(1))
        missed.append(float(metrics["missed"]))
        assert jax.tree.leaves(state.generator.params)[0] != 0
    assert missed[0] == missed[1] < float(jnp.square(asked).mean())
