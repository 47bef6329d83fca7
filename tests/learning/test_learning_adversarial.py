"""The two adversarial steps, on networks small enough to know the answer."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from microtwin.learning.adversarial import Adversary, Network, classic, relativistic

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


def adversary(critic, *, generator_rate=0.1, critic_rate=0.1, average=None):
    return Adversary(
        generator=Network(Shift()),
        critic=Network(critic),
        latent=lambda key, count, shape: jax.random.normal(key, (count, *shape, 1)),
        shape=(2, 2),
        generator_optimiser=optax.sgd(generator_rate),
        critic_optimiser=optax.sgd(critic_rate),
        average=average,
    )


def real(seed=0):
    return 1 + 0.1 * jax.random.normal(jax.random.key(seed), (COUNT, 2, 2, 1))


def take(step, state, count):
    step = jax.jit(step)
    for i in range(count):
        state, metrics = step(state, real(i), jax.random.key(i))
    return state, metrics


def test_classic_critic_learns_that_fakes_are_one():
    pair = adversary(Scored(), generator_rate=0)
    state, _ = take(classic(pair), pair.initial(), 20)
    of_real, _ = pair.critic(state.critic, real(), train=False)
    of_fake, _ = pair.critic(state.critic, jnp.zeros((1, 2, 2, 1)), train=False)
    assert of_real.max() < of_fake[0]


def test_relativistic_critic_learns_that_reals_are_more_real():
    pair = adversary(Linear(), generator_rate=0)
    state, _ = take(relativistic(pair, penalty=0.01), pair.initial(), 20)
    of_real, _ = pair.critic(state.critic, real(), train=False)
    of_fake, _ = pair.critic(state.critic, jnp.zeros((1, 2, 2, 1)), train=False)
    assert of_real.min() > of_fake[0, 0]


@pytest.mark.parametrize(
    ("critic", "recipe"),
    [(Scored, lambda pair: classic(pair)), (Linear, lambda pair: relativistic(pair, penalty=0.1))],
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
    _, metrics = classic(pair, label_noise=0)(pair.initial(), real(), jax.random.key(0))
    # The logits are 0 until the critic has learned; the generator meets it one step later.
    assert float(metrics["d_loss"]) == pytest.approx(np.log(2))
    pair = adversary(Linear())
    _, metrics = relativistic(pair, penalty=1)(pair.initial(), real(), jax.random.key(0))
    assert float(metrics["d_loss"]) == pytest.approx(np.log(2))


def test_noise_on_the_labels_is_one_sided():
    """A label l gives the gradient sigma(0) - l: noise makes the critic's first step smaller."""

    def first_weights(noise):
        pair = adversary(Scored())
        state, _ = classic(pair, label_noise=noise)(pair.initial(), real(), jax.random.key(0))
        return jax.tree.leaves(state.critic.params)[0]

    clean, noisy = first_weights(0.0), first_weights(0.5)
    assert (clean < 0).all()
    assert (noisy > clean).all()


def test_penalty_is_the_squared_gradient_of_the_critic():
    """For a linear critic it is |w|^2, whose descent shrinks w by 2 * penalty * rate."""
    critic = Linear()
    critic.weights[...] = 100 * jnp.ones((4, 1))  # saturates the other loss
    pair = adversary(critic, generator_rate=0, critic_rate=0.01)
    step = jax.jit(relativistic(pair, penalty=0.5))
    shrunk = []
    for i in range(100):
        state, _ = step(pair.initial(), 10 * real(i), jax.random.key(i))
        shrunk.append(jax.tree.leaves(state.critic.params)[0].mean() / 100)
    assert np.mean(shrunk) == pytest.approx(1 - 2 * 0.5 * 0.01, abs=5e-4)


def test_average_follows_the_generator_with_its_statistics():
    pair = adversary(Linear(), generator_rate=0.5, critic_rate=0.5, average=0.9)
    step = jax.jit(relativistic(pair, penalty=0.1))
    state = pair.initial()
    expected = state.generator
    for i in range(60):
        keep = min(0.9, (1 + i) / (10 + i))
        state, _ = step(state, real(i), jax.random.key(i))
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
    step = jax.jit(relativistic(pair, penalty=0.1))
    first = step(pair.initial(), real(), jax.random.key(4))
    again = step(pair.initial(), real(), jax.random.key(4))
    other = step(pair.initial(), real(), jax.random.key(5))
    leaves = [jax.tree.leaves(each[0].critic) for each in (first, again, other)]
    assert all((a == b).all() for a, b in zip(leaves[0], leaves[1], strict=True))
    assert any((a != b).any() for a, b in zip(leaves[0], leaves[2], strict=True))
