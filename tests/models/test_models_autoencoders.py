"""The autoencoders of the robots that see: counts, shapes, and that they learn to restore."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from microtwin.errors import InputError
from microtwin.models import registry

# Only that of the paper is known as a number; the others follow from layers of 3 x 3.
COUNTS = {
    "autoencoder-v1": 13_067_907,
    "autoencoder-v2": 16_678_915,
    "autoencoder-v3": 16_678_915,
    "autoencoder-v4": 3_384_643,
    "autoencoder-v5": 2_291_843,
    "autoencoder-mantegazza": 16_606_851,
}


def convolution(c_in, c_out):
    return 9 * c_in * c_out + c_out


def test_parameters_of_the_paper_are_exact_and_those_of_v5_are_the_sum_of_its_layers():
    v5 = (
        convolution(3, 32) + convolution(32, 64) + convolution(64, 128)
        + (8 * 8 * 128 + 1) * 128 + (128 + 1) * 8 * 8 * 128
        + convolution(128, 64) + convolution(64, 32) + convolution(32, 3)
    )  # fmt: skip
    assert COUNTS["autoencoder-v5"] == v5
    for name, count in COUNTS.items():
        assert registry.ARCHITECTURES[name].parameters() == (count, count)


@pytest.mark.parametrize("name", COUNTS)
def test_code_has_128_numbers_and_decodes_to_the_shape_of_the_image(name):
    architecture = registry.ARCHITECTURES[name]
    network = nnx.eval_shape(lambda: architecture.build(rngs=nnx.Rngs(0)))
    x = jax.ShapeDtypeStruct((2, *architecture.takes), jnp.float32)
    code = nnx.eval_shape(lambda m, x: m.encode(x), network, x)
    assert code.shape == (2, 128)
    assert nnx.eval_shape(lambda m, c: m.decode(c), network, code).shape == x.shape
    assert nnx.eval_shape(lambda m, x: m(x), network, x).shape == x.shape


def test_sides_channels_and_codes_are_options():
    network = registry.build("autoencoder-v5", rngs=nnx.Rngs(0), size=32, channels=1, code=16)
    x = jax.random.uniform(jax.random.key(0), (2, 32, 32, 1))
    assert network.encode(x).shape == (2, 16)
    np.testing.assert_allclose(network(x), network.decode(network.encode(x)))


def test_a_side_that_cannot_be_halved_often_enough_is_refused():
    with pytest.raises(InputError, match="multiple of 16 pixels here, not 40"):
        registry.build("autoencoder-v4", rngs=nnx.Rngs(0), size=40)
    registry.build("autoencoder-v5", rngs=nnx.Rngs(0), size=40)


def test_v3_begins_he_normal_and_v2_glorot_uniform():
    narrow = {"size": 16, "down": (128, 2, 2, 2), "first": 2, "mix": 2, "up": (2, 2, 2)}
    for name, deviation in (("v2", (2 / (9 * (3 + 128))) ** 0.5), ("v3", (2 / 27) ** 0.5)):
        network = registry.build(f"autoencoder-{name}", rngs=nnx.Rngs(0), **narrow)
        found = float(network.down[0].kernel[...].std())
        assert found == pytest.approx(deviation, rel=0.05)


def test_descent_restores_images_better_and_reaches_every_parameter():
    network = registry.build("autoencoder-v5", rngs=nnx.Rngs(0), size=16, channels=1)
    x = jax.random.uniform(jax.random.key(0), (4, 16, 16, 1))

    def loss(network):
        return jnp.square(network(x) - x).mean()

    @nnx.jit
    def step(network):
        value, slopes = nnx.value_and_grad(loss)(network)
        state = nnx.state(network, nnx.Param)
        nnx.update(network, jax.tree.map(lambda p, g: p - 0.3 * g, state, slopes))
        return value, slopes

    first, slopes = step(network)
    for path, slope in jax.tree_util.tree_leaves_with_path(slopes):
        assert np.isfinite(slope).all(), path
        assert np.abs(slope).max() > 0, path
    for _ in range(20):
        last, _ = step(network)
    assert last < 0.5 * first
