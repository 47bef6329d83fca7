"""The flow on codes: invertible, and its density is what its Jacobian says."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from scipy import stats

from microtwin.models import flows, registry


def moved(flow, seed=1, by=0.2):
    """Move every parameter and statistic, so that none is as it begins."""
    leaves, tree = jax.tree.flatten(nnx.state(flow))
    keys = jax.random.split(jax.random.key(seed), len(leaves))
    pairs = zip(leaves, keys, strict=True)
    changed = [leaf + by * jax.random.uniform(k, leaf.shape) for leaf, k in pairs]
    nnx.update(flow, jax.tree.unflatten(tree, changed))
    return flow


@pytest.fixture
def flow():
    return moved(flows.RealNvp(code=6, couplings=4, rngs=nnx.Rngs(0)))


CODES = 2 * np.random.default_rng(0).normal(size=(5, 6)).astype("f4") + 1


def test_trainable_parameters_are_those_of_the_paper():
    assert registry.ARCHITECTURES["real-nvp"].parameters() == (397_312 + 4 * 256, 397_312)


def test_a_flow_of_128_is_undone_to_the_last_digits():
    flow = moved(registry.build("real-nvp", rngs=nnx.Rngs(0)), by=0.02)
    codes = jax.random.normal(jax.random.key(0), (4, 128))
    z, _ = flow.forward(codes)
    assert np.abs(z - codes).max() > 0.5
    np.testing.assert_allclose(flow.inverse(z), codes, atol=1e-4)


def test_flow_and_inverse_undo_each_other(flow):
    z, _ = flow.forward(CODES)
    np.testing.assert_allclose(flow.inverse(z), CODES, atol=1e-4)
    np.testing.assert_allclose(flow.forward(flow.inverse(CODES))[0], CODES, atol=1e-4)


def test_logarithm_of_the_volume_is_that_of_the_jacobian(flow):
    _, volume = flow.forward(CODES)
    slopes = jax.vmap(jax.jacobian(lambda code: flow.forward(code[None])[0][0]))(CODES)
    np.testing.assert_allclose(volume, np.linalg.slogdet(slopes)[1], rtol=1e-4)


def test_density_is_that_of_normal_numbers_times_the_change_of_volume(flow):
    z, volume = flow.forward(CODES)
    expected = stats.norm.logpdf(z).sum(-1) + volume
    np.testing.assert_allclose(flow(CODES), expected, rtol=1e-5)


def test_density_of_two_numbers_integrates_to_one():
    flow = moved(flows.RealNvp(code=2, couplings=2, rngs=nnx.Rngs(0)))
    side = np.linspace(-12, 12, 401, dtype="f4")
    places = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    total = np.exp(np.asarray(flow(places), float)).sum() * (side[1] - side[0]) ** 2
    assert total == pytest.approx(1, abs=1e-3)


def test_numbers_pass_a_coupling_that_leaves_them_and_the_next_changes_them(flow):
    for i, coupling in enumerate(flow.couplings):
        new, _ = coupling(jnp.asarray(CODES))
        same = (np.asarray(new) == CODES).all(0)
        np.testing.assert_array_equal(same, np.arange(6) % 2 == i % 2)


def test_a_coupling_scales_by_no_more_than_e(flow):
    for coupling in flow.couplings:
        _, volume = coupling(jnp.asarray(100 * CODES))
        assert np.abs(volume).max() <= 3 + 1e-5


def test_normalisation_trains_by_the_batch_and_remembers_it():
    norm = flows.InvertibleNorm(6)
    codes = np.random.default_rng(1).normal(3, 2, size=(500, 6)).astype("f4")
    normal, volume = norm(codes, train=True)
    np.testing.assert_allclose(normal.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(normal.std(0), 1, atol=1e-4)
    np.testing.assert_allclose(volume, -np.log(codes.std(0)).sum(), rtol=1e-4)
    np.testing.assert_allclose(norm.mean[...], 0.1 * codes.mean(0), rtol=1e-4)
    np.testing.assert_allclose(norm.var[...], 0.9 + 0.1 * codes.var(0), rtol=1e-4)
    before = norm.mean[...]
    again, _ = norm(codes, train=False)
    np.testing.assert_array_equal(norm.mean[...], before)
    np.testing.assert_allclose(norm.inverse(again), codes, atol=1e-4)


def test_gradients_of_the_density_reach_every_parameter(flow):
    slopes = nnx.grad(lambda flow: flow(CODES, train=True).mean())(flow)
    for path, slope in jax.tree_util.tree_leaves_with_path(slopes):
        assert np.isfinite(slope).all(), path
        assert np.abs(slope).max() > 0, path
