"""The classifiers of our sources: exact counts, their two halves, and what is random in them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from microtwin.errors import InputError
from microtwin.models import classifiers, registry

EXACT = {
    "preclassifier": (2_812_505, 2_812_505),
    "symbols-dense": (42_004, 42_004),
    "fashion-cnn": (306_906, 305_978),
    "fashion-rnn": (135_498, 135_370),
    "fashion-bilstm": (1_340_042, 1_340_042),
    "chest-cnn": (16_433_665, 16_433_665),
}
SMALL = {"preclassifier": 48, "chest-cnn": 58}  # a side that is quick to compute
LEAST = {"preclassifier": 38, "fashion-cnn": 8, "chest-cnn": 58}
CONVOLUTIONAL = tuple(LEAST)
RECURRENT = ("fashion-rnn", "fashion-bilstm")
DROPOUT = ("preclassifier", "symbols-dense", "fashion-cnn", "fashion-bilstm")


def built(name, **options):
    if name in SMALL:
        options = {"size": SMALL[name]} | options
    return registry.build(name, rngs=nnx.Rngs(0), **options)


def images(name, n=3):
    side, _, channels = registry.ARCHITECTURES[name].takes
    side = SMALL.get(name, side)
    rows = 6 if name in RECURRENT else side
    return jax.random.uniform(jax.random.key(1), (n, rows, side, channels))


@nnx.jit(static_argnames=("method", "train"))
def applied(network, x, *, method="__call__", train=False, key=None):
    """Apply the network and leave it as it was."""
    copy = nnx.clone(network)
    return getattr(copy, method)(x, train=train, key=key)


@pytest.mark.parametrize("name", EXACT)
def test_parameters_are_those_of_the_source_by_keras_counting(name):
    assert registry.ARCHITECTURES[name].parameters() == EXACT[name]


@pytest.mark.parametrize("name", EXACT)
def test_classifier_takes_its_images_and_gives_a_logit_for_each_class(name):
    architecture = registry.ARCHITECTURES[name]
    x = jax.ShapeDtypeStruct((2, *architecture.takes), jnp.float32)
    network = nnx.eval_shape(lambda: architecture.build(rngs=nnx.Rngs(0)))
    logits = {"preclassifier": 1, "symbols-dense": 4, "chest-cnn": 1}.get(name, 10)
    assert nnx.eval_shape(lambda m, x: m(x), network, x).shape == (2, logits)


@pytest.mark.parametrize("name", EXACT)
def test_channels_and_classes_are_options(name):
    network = nnx.eval_shape(lambda: built(name, channels=2, classes=5))
    x = jax.ShapeDtypeStruct((3, *images(name).shape[1:3], 2), jnp.float32)
    assert nnx.eval_shape(lambda m, x: m(x), network, x).shape == (3, 5)


def test_two_classes_need_one_logit_where_the_source_has_a_sigmoid():
    assert [classifiers.logits(n) for n in (1, 2, 3, 10)] == [1, 1, 3, 10]


@pytest.mark.parametrize("name", EXACT)
def test_what_is_embedded_is_what_the_last_layer_sees(name):
    network, x = built(name), images(name)
    code = applied(network, x, method="embed")
    assert code.shape == (3, network.out.kernel.shape[0])
    np.testing.assert_allclose(network.out(code), applied(network, x), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", CONVOLUTIONAL)
@pytest.mark.parametrize("key", [None, 7])
def test_head_of_features_is_the_network(name, key):
    network, x = built(name), images(name)
    key = None if key is None else jax.random.key(key)
    maps = applied(network, x, method="features", key=key)
    assert maps.ndim == 4
    assert maps.shape[-1] == network.convs[-1].kernel.shape[-1]
    found = applied(network, maps, method="head", key=key)
    np.testing.assert_allclose(found, applied(network, x, key=key), rtol=1e-5)


@pytest.mark.parametrize("name", EXACT)
def test_nothing_is_random_without_a_key(name):
    network, x = built(name), images(name)
    sure = applied(network, x)
    np.testing.assert_array_equal(applied(network, x, train=False), sure)
    assert np.array_equal(applied(network, x, key=jax.random.key(0)), sure) == (name not in DROPOUT)


@pytest.mark.parametrize("name", EXACT)
def test_gradients_reach_every_parameter_and_are_finite(name):
    network, x = built(name), images(name, n=8)

    def loss(network):
        out = network(x, train=True, key=jax.random.key(3))
        return (out * jax.random.normal(jax.random.key(4), out.shape)).sum()

    for path, slope in jax.tree_util.tree_leaves_with_path(nnx.jit(nnx.grad(loss))(network)):
        assert np.isfinite(slope).all(), path
        assert np.abs(slope).max() > 0, path


def test_chest_network_of_three_classes_has_two_more_logits_and_drops_features_if_asked():
    network = built("chest-cnn", classes=3, rate=0.5)
    build = registry.ARCHITECTURES["chest-cnn"].build
    whole = nnx.eval_shape(lambda: build(classes=3, rate=0.5, rngs=nnx.Rngs(0)))
    assert registry.count(whole, nnx.Param) == 16_433_665 + 2 * 513
    maps = jax.random.uniform(jax.random.key(0), (2, 2, 2, 256))
    assert network.head(maps).shape == (2, 3)
    assert (network.head(maps, key=jax.random.key(1)) != network.head(maps)).any()


@pytest.mark.parametrize(
    ("name", "least"), [("preclassifier", 38), ("fashion-cnn", 8), ("chest-cnn", 58)]
)
def test_images_too_small_for_the_network_are_refused(name, least):
    registry.build(name, rngs=nnx.Rngs(0), size=least)
    with pytest.raises(InputError, match=f"size must be at least {least}"):
        registry.build(name, rngs=nnx.Rngs(0), size=least - 1)
