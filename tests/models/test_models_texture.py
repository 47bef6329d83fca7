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


@pytest.fixture(scope="module")
def solid():
    return texture.Generator(axes=3, local=4, common=2, channels=(6, 6), rngs=nnx.Rngs(0))


@pytest.fixture(params=["generator", "solid"])
def any_generator(request):
    return request.getfixturevalue(request.param)


def draw(generator, key, count, shape, **options):
    keys = jax.random.split(key, count)
    return jax.jit(lambda keys: generator(generator.latent(keys, shape, **options)))(keys)[..., 0]


@pytest.mark.parametrize("shape", [(4, 4), (16, 16), (17, 30)])
def test_latent_field_is_just_large_enough_for_the_image(generator, shape):
    images = draw(generator, jax.random.key(0), 1, shape)
    for side, wanted in zip(images.shape[1:], shape, strict=True):
        assert wanted <= side < wanted + 2 + generator.stride


def test_a_part_of_the_latent_field_gives_that_part_of_the_image(generator):
    """There is no border: pixels do not know where in the image they are."""
    latent = generator.latent(jax.random.split(jax.random.key(1), 1), (32, 32))
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
    critic = texture.Critic(channels=(4, 8), rngs=nnx.Rngs(0))
    logits = critic(jax.random.normal(jax.random.key(0), (3, 32, 32, 1)))
    assert logits.shape == (3, 8 * 8 * 3 // 2)
    assert (logits[:, 64:] == logits[:, 64:65]).all()
    assert jnp.isfinite(logits).all()


def part(made, origin, shape):
    window = tuple(slice(o, o + s) for o, s in zip(origin, shape, strict=True))
    return np.asarray(made)[(slice(None), *window)]


@pytest.mark.parametrize("period", [False, True])
def test_blocks_are_parts_of_the_whole_wherever_they_lie(any_generator, period):
    axes, stride = any_generator.axes, any_generator.stride
    shape = (6 * stride,) * axes
    more = {"period": shape} if period else {}
    whole = draw(any_generator, jax.random.key(3), 2, shape, **more)
    block = (2 * stride,) * axes
    origin = (2 * stride, *[3 * stride] * (axes - 1))
    made = draw(any_generator, jax.random.key(3), 2, block, origin=origin, **more)
    np.testing.assert_allclose(part(made, [0] * axes, block), part(whole, origin, block), atol=1e-5)


def test_a_periodic_image_goes_on_across_its_border(any_generator):
    """The block that crosses the border is that of the image laid beside itself."""
    axes, stride = any_generator.axes, any_generator.stride
    side, block = 4 * stride, (2 * stride,) * axes
    more = {"period": (side,) * axes}
    whole = draw(any_generator, jax.random.key(4), 1, (side,) * axes, **more)
    tiled = np.tile(part(whole, [0] * axes, [side] * axes), (1, *[2] * axes))
    origin = (side - stride,) * axes
    across = draw(any_generator, jax.random.key(4), 1, block, origin=origin, **more)
    np.testing.assert_allclose(
        part(across, [0] * axes, block), part(tiled, origin, block), atol=1e-5
    )
    open_ended = draw(any_generator, jax.random.key(4), 1, block, origin=origin)
    assert np.abs(part(open_ended, [0] * axes, block) - part(tiled, origin, block)).max() > 1e-3


def test_a_larger_field_has_the_same_statistics(generator):
    small = np.asarray(draw(generator, jax.random.key(5), 400, (16, 16)))
    # The same samples, so that what is common to each is the same, but elsewhere in them.
    large = np.asarray(draw(generator, jax.random.key(5), 400, (48, 48)))[:, 16:32, 16:32]
    for moment in (np.mean, np.std):
        assert float(moment(large)) == pytest.approx(
            float(moment(small)), abs=0.1 * float(small.std())
        )

    def neighbours(images):
        return np.corrcoef(images[:, 1:].ravel(), images[:, :-1].ravel())[0, 1]

    assert neighbours(large) == pytest.approx(neighbours(small[:, :16, :16]), abs=0.03)


def test_probabilities_of_phases_add_up_to_one():
    generator = texture.Generator(outputs=3, local=4, common=2, channels=(6, 6), rngs=nnx.Rngs(0))
    made = generator(generator.latent(jax.random.split(jax.random.key(0), 2), (8, 8)))
    np.testing.assert_allclose(((made + 1) / 2).sum(-1), 1, atol=1e-5)


def test_what_is_asked_for_reaches_generator_and_critic():
    generator = texture.Generator(
        conditions=1, local=4, common=2, channels=(6, 6), rngs=nnx.Rngs(0)
    )
    keys = jax.random.split(jax.random.key(0), 2)
    average, zero, one = (
        generator.latent(keys, (8, 8), condition=c)
        for c in (None, jnp.zeros((2, 1)), jnp.ones((2, 1)))
    )
    np.testing.assert_array_equal(average.field, zero.field)
    assert (one.field[..., -1] == 1).all()
    assert (generator(one) != generator(zero)).any()
    critic = texture.Critic(conditions=1, channels=(4, 8), rngs=nnx.Rngs(0))
    images = jax.random.normal(keys[0], (2, 16, 16, 1))
    low, high = (critic(images, condition=c * jnp.ones((2, 1))) for c in (-1.0, 1.0))
    assert (low != high).all()


def test_what_is_asked_for_moves_the_biases_at_every_resolution():
    generator = texture.Generator(
        conditions=1, local=4, common=2, channels=(6, 6), rngs=nnx.Rngs(0)
    )
    latent = generator.latent(
        jax.random.split(jax.random.key(0), 2), (8, 8), condition=jnp.array([[0.0], [1.0]])
    )
    plain = generator(latent)
    for stage in generator.stages:
        stage.asked[...] = jnp.ones_like(stage.asked[...])
        moved = generator(latent)
        np.testing.assert_array_equal(moved[0], plain[0])
        assert (moved[1] != plain[1]).any()
        plain = moved


def test_what_is_asked_for_weighs_about_as_much_as_the_image():
    """Divided by the number of channels, it would be learned that many times more slowly."""
    critic = texture.Critic(conditions=1, rngs=nnx.Rngs(0))
    images = jax.random.normal(jax.random.key(0), (8, 32, 32, 1))
    plain, one = (critic(images, condition=c * jnp.ones((8, 1))) for c in (0, 1))
    for part in (slice(None, 16), slice(16, None)):  # windows, the whole
        assert 0.1 < (one - plain)[:, part].std() / plain[:, part].std() < 10


def test_critic_of_volumes_judges_windows_and_the_whole():
    critic = texture.Critic(axes=3, channels=(2, 4), rngs=nnx.Rngs(0))
    logits = critic(jax.random.normal(jax.random.key(0), (2, 8, 8, 8, 1)))
    assert logits.shape == (2, 8 + 4)
