"""The thesis networks: exact parameter counts, and the fast form equal to the plain one."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from microtwin.errors import InputError
from microtwin.models import dcgan, registry


@pytest.mark.parametrize(
    ("name", "total", "trainable"),
    [
        ("thesis-320-generator", 499_777, 499_137),
        ("thesis-discriminator", 68_086, 67_604),
        # Only the dense layer depends on the size: 65 * 64 * (size / 32)**2.
        ("thesis-128-generator", 499_777 - 65 * 64 * (10**2 - 4**2), 149_697),
        ("thesis-64-generator", 499_777 - 65 * 64 * (10**2 - 2**2), 99_777),
    ],
)
def test_parameters_are_those_of_the_thesis_by_keras_counting(name, total, trainable):
    assert registry.ARCHITECTURES[name].parameters() == (total, trainable)


def test_table_lists_every_architecture_with_its_parameters():
    rows = {row["name"]: row for row in registry.table()}
    assert set(rows) == set(registry.ARCHITECTURES)
    assert rows["thesis-320-generator"]["parameters"] == 499_777


def test_unknown_architecture_is_refused_with_the_known_ones():
    with pytest.raises(InputError, match="thesis-discriminator"):
        registry.build("resnet", rngs=nnx.Rngs(0))


def randomised(module, seed):
    """Give every parameter and statistic a random value, so that none hides another."""
    state = nnx.state(module)
    leaves, tree = jax.tree.flatten(state)
    keys = jax.random.split(jax.random.key(seed), len(leaves))
    moved = [
        leaf + 0.1 * jnp.abs(jax.random.normal(k, leaf.shape))
        for k, leaf in zip(keys, leaves, strict=True)
    ]
    nnx.update(module, jax.tree.unflatten(tree, moved))
    return module


def plain_norm(norm, x, *, train):
    layer = nnx.BatchNorm(
        x.shape[-1], momentum=0.99, epsilon=1e-3, use_running_average=not train, rngs=nnx.Rngs(0)
    )
    for name in ("scale", "bias", "mean", "var"):
        getattr(layer, name)[...] = getattr(norm, name)[...]
    return layer(x), layer


def plain_transposed(layer, x, *, stride):
    out, c_in = layer.kernel.shape[2:]
    plain = nnx.ConvTranspose(
        c_in, out, (2, 2), strides=(stride, stride), transpose_kernel=True, rngs=nnx.Rngs(0)
    )
    plain.kernel[...], plain.bias[...] = layer.kernel[...], layer.bias[...]
    return plain(x)


def plain_generator(generator, latent, *, train):
    x = generator.dense(latent).reshape(-1, generator.base, generator.base, dcgan.CHANNELS)
    for double, norm in zip(generator.doublings, generator.norms, strict=True):
        x = plain_transposed(double, x, stride=2)
        x = nnx.leaky_relu(plain_norm(norm, x, train=train)[0], 0.3)
    return jnp.tanh(plain_transposed(generator.project, x, stride=1))


@pytest.mark.parametrize("train", [False, True])
def test_quadtree_order_gives_the_images_of_the_plain_transposed_convolutions(train):
    generator = randomised(dcgan.Generator(64, rngs=nnx.Rngs(0)), 1)
    latent = generator.latent(jax.random.split(jax.random.key(2), 3), (64, 64))
    expected = plain_generator(generator, latent, train=train)
    found = generator(latent, train=train)
    assert found.shape == (3, 64, 64, 1)
    assert found.std() > 0.01
    np.testing.assert_allclose(found, expected, atol=1e-4)


def plain_discriminator(critic, images, *, train):
    x = images
    for conv, norm in zip(critic.convs, critic.norms, strict=True):
        size, _, c_in, c_out = conv.kernel.shape
        plain = nnx.Conv(c_in, c_out, (size, size), strides=conv.stride, rngs=nnx.Rngs(0))
        plain.kernel[...], plain.bias[...] = conv.kernel[...], conv.bias[...]
        x = nnx.leaky_relu(plain_norm(norm, plain(x), train=train)[0], 0.3)
    x = nnx.leaky_relu(critic.hidden(x.max((1, 2))), 0.3)
    return critic.out(x)[:, 0]


@pytest.mark.parametrize("train", [False, True])
def test_discriminator_gives_the_logits_of_the_plain_convolutions(train):
    critic = randomised(dcgan.Discriminator(rngs=nnx.Rngs(0)), 1)
    images = jax.random.normal(jax.random.key(2), (3, 64, 64, 1))
    expected = plain_discriminator(critic, images, train=train)
    found = critic(images, train=train)
    assert found.std() > 1e-3
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)


def test_batch_statistics_move_as_in_flax():
    norm = randomised(dcgan.Discriminator(rngs=nnx.Rngs(0)), 1).norms[2]
    x = 3 + 2 * jax.random.normal(jax.random.key(2), (8, 4, 4, 32))
    expected, layer = plain_norm(norm, x, train=True)
    np.testing.assert_allclose(norm(x, train=True), expected, atol=1e-5)
    np.testing.assert_allclose(norm.mean[...], layer.mean[...], rtol=1e-5)
    np.testing.assert_allclose(norm.var[...], layer.var[...], rtol=1e-4)


def test_dropout_needs_a_key_and_keeps_the_mean():
    generator = dcgan.Generator(64, rngs=nnx.Rngs(0))
    latent = generator.latent(jax.random.split(jax.random.key(2), 2), (64, 64))
    assert (generator(latent) == generator(latent)).all()
    assert (generator(latent, key=jax.random.key(0)) != generator(latent)).any()


def test_thesis_generator_refuses_another_shape():
    with pytest.raises(InputError, match=r"\(64, 64\)"):
        dcgan.Generator(64, rngs=nnx.Rngs(0)).latent(
            jax.random.split(jax.random.key(0), 1), (64, 65)
        )
