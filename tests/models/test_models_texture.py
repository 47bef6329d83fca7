"""The texture networks: any size, no border, no lattice."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from microtwin.models import texture


@pytest.fixture(scope="module")
def generator():
    return texture.Generator(local=6, common=2, channels=(12, 8, 8), rngs=nnx.Rngs(0))


def draw(generator, key, count, shape):
    return jax.jit(lambda key: generator(generator.latent(key, count, shape)))(key)[..., 0]


@pytest.mark.parametrize("shape", [(4, 4), (16, 16), (17, 30)])
def test_latent_field_is_just_large_enough_for_the_image(generator, shape):
    images = draw(generator, jax.random.key(0), 1, shape)
    for side, wanted in zip(images.shape[1:], shape, strict=True):
        assert wanted <= side < wanted + 2 + generator.stride


def test_a_part_of_the_latent_field_gives_that_part_of_the_image(generator):
    """There is no border: pixels do not know where in the image they are."""
    latent = generator.latent(jax.random.key(1), 1, (32, 32))
    whole = generator(latent)
    stride = generator.stride
    field = latent.field[:, 1:]  # one latent vector less at the top is `stride` pixels less there
    noise = tuple(map_[:, 2**level :] for level, map_ in enumerate(latent.noise))
    part = generator(texture.Latent(field, noise))
    np.testing.assert_allclose(part, whole[:, stride:], atol=1e-5)


def test_mean_grey_level_is_the_same_at_every_place_of_the_lattice(generator):
    """Transposed convolutions fail this at the start of training by a factor of ten or more."""
    images = np.asarray(draw(generator, jax.random.key(2), 400, (34, 34)))[:, :32, :32]
    stride = generator.stride
    phases = images.reshape(400, 32 // stride, stride, 32 // stride, stride).mean((0, 1, 3))
    assert phases.std() < 0.03 * images.std()


def test_critic_judges_windows_and_gives_the_whole_half_as_much_weight():
    critic = texture.Critic((4, 8), rngs=nnx.Rngs(0))
    logits = critic(jax.random.normal(jax.random.key(0), (3, 32, 32, 1)))
    assert logits.shape == (3, 8 * 8 * 3 // 2)
    assert (logits[:, 64:] == logits[:, 64:65]).all()
    assert jnp.isfinite(logits).all()
