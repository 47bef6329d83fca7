"""Networks for ImageNet: exact, split as all classifiers are, and the same in their fast forms."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from microtwin.errors import InputError
from microtwin.learning.devices import compiler_options
from microtwin.learning.network import Network
from microtwin.models import ARCHITECTURES, build, products
from microtwin.models.registry import count

EXACT = {
    "vgg16": (138_357_544, 138_357_544),
    "resnet50v2": (25_613_800, 25_568_360),
    "mobilenetv2": (3_538_984, 3_504_872),
    "efficientnet-lite0": (4_694_024, 4_652_008),
    "vgg16-transfer": (21_137_729, 21_137_729),
    "resnet50v2-transfer": (49_255_425, 49_209_985),
    "mobilenetv2-transfer": (18_314_817, 18_280_705),
    "efficientnet-lite0-transfer": (3_741_217, 3_699_201),
}
BASES = {
    "vgg16": 14_714_688,
    "resnet50v2": 23_564_800,
    "mobilenetv2": 2_257_984,
    "efficientnet-lite0": 3_413_024,
}


@pytest.mark.parametrize("name", EXACT)
def test_networks_for_imagenet_have_exactly_the_parameters_of_their_sources(name):
    assert ARCHITECTURES[name].parameters() == EXACT[name]
    assert ARCHITECTURES[name].takes == (224, 224, 3)


@pytest.mark.parametrize("name", BASES)
def test_bases_have_exactly_the_parameters_of_their_sources(name):
    base = nnx.eval_shape(lambda: build(name, rngs=nnx.Rngs(0), top=False))
    assert count(base, (nnx.Param, nnx.BatchStat)) == BASES[name]


@pytest.mark.parametrize(
    ("name", "maps"),
    [
        ("vgg16-transfer", (1, 4, 4, 512)),
        ("resnet50v2-transfer", (1, 3, 3, 2048)),
        ("mobilenetv2-transfer", (1, 3, 3, 1280)),
        ("efficientnet-lite0-transfer", (1, 3, 3, 1280)),
    ],
)
def test_transfer_networks_have_the_joints_of_classifiers(name, maps):
    network = nnx.eval_shape(lambda: build(name, rngs=nnx.Rngs(0), classes=3, size=70))
    images = jax.ShapeDtypeStruct((1, 70, 70, 1), jnp.float32)

    def shape(call):
        return nnx.eval_shape(call, network, images).shape

    assert shape(lambda net, x: net.features(x)) == maps
    assert shape(lambda net, x: net(x)) == (1, 3)
    assert shape(lambda net, x: net.embed(x)) == (1, 256)
    paths = jax.tree_util.tree_leaves_with_path(nnx.state(network))
    names = {jax.tree_util.keystr(p, simple=True, separator=".").split(".")[0] for p, _ in paths}
    assert names == {"base", "top"}


@pytest.fixture(scope="module")
def small():
    return Network(build("efficientnet-lite0-transfer", rngs=nnx.Rngs(0), size=32, rate=0.5))


def images(channels=3):
    return jax.random.uniform(jax.random.key(0), (2, 32, 32, channels))


def compiled(call, *arguments):
    return jax.jit(call, compiler_options=compiler_options())(*arguments)


def test_a_transfer_network_is_its_head_after_its_features(small):
    def every(weights, x):
        def ask(method, x):
            return small(weights, x, train=False, method=method)[0]

        return (
            ask("__call__", x),
            ask("head", ask("features", x)),
            ask("from_codes", ask("codes", x)),
            ask("embed", x),
        )

    whole, headed, decoded, embedded = compiled(every, small.initial, images())
    np.testing.assert_allclose(headed, whole, atol=1e-6)
    np.testing.assert_allclose(decoded, whole, atol=1e-6)
    last = small.initial.params["top"]["out"]
    np.testing.assert_allclose(embedded @ last["kernel"][...] + last["bias"][...], whole, atol=1e-6)


def learning(network):
    """Return the gradient of a cost and the new batch statistics."""

    def cost(params):
        weights = network.initial._replace(params=params)
        outputs, stats = network(weights, images(), train=True, key=jax.random.key(1))
        return (outputs**2).sum(), stats

    return compiled(jax.grad(cost, has_aux=True), network.initial.params)


def test_a_frozen_base_keeps_its_statistics_and_gets_no_gradient(small):
    gradient, stats = learning(small)
    before = jax.tree.leaves(small.initial.stats)
    for old, new in zip(before, jax.tree.leaves(stats), strict=True):
        np.testing.assert_array_equal(old, new)
    assert all((leaf == 0).all() for leaf in jax.tree.leaves(gradient["base"]))
    assert (gradient["top"]["out"]["kernel"][...] != 0).any()


@pytest.mark.slow
def test_a_base_that_is_not_frozen_learns():
    options = {"rngs": nnx.Rngs(0), "size": 32, "frozen": False}
    network = Network(build("efficientnet-lite0-transfer", **options))
    gradient, stats = learning(network)
    before = network.initial.stats["base"]["blocks"][0]["norm"]["mean"][...]
    assert (stats["base"]["blocks"][0]["norm"]["mean"][...] != before).any()
    assert (gradient["base"]["blocks"][0]["conv"]["kernel"][...] != 0).any()


def test_grey_images_are_seen_as_three_equal_channels(small):
    grey = images(1)

    def both(weights):
        return [small(weights, x, train=False)[0] for x in (grey, jnp.repeat(grey, 3, axis=-1))]

    one, three = compiled(both, small.initial)
    np.testing.assert_allclose(one, three, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 31}, "size must be at least 32, not 31"),
        ({"classes": 0}, "classes must be at least 1, not 0"),
        ({"channels": 2}, "channels must be 1 or 3 for this network, not 2"),
    ],
)
def test_what_a_backbone_cannot_be_is_refused(options, message):
    with pytest.raises(InputError, match=message):
        build("mobilenetv2-transfer", rngs=nnx.Rngs(0), **options)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("size", [3, 5])
@pytest.mark.parametrize("sides", [(8, 9), (7, 12)])
def test_depthwise_convolutions_are_grouped_convolutions(sides, size, stride):
    x = jax.random.normal(jax.random.key(0), (2, *sides, 6))
    kernel = jax.random.normal(jax.random.key(1), (size, size, 6))
    expected = jax.lax.conv_general_dilated(
        x,
        kernel[:, :, None],
        (stride, stride),
        "SAME",
        feature_group_count=6,
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )
    found = products.depthwise_same(x, kernel, stride=stride)
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize(("size", "stride"), [(3, 2), (4, 2), (1, 2), (3, 1), (2, 3)])
def test_same_padding_is_that_of_xla_on_any_side(size, stride):
    x = jax.random.normal(jax.random.key(0), (2, 11, 14, 3))
    kernel = jax.random.normal(jax.random.key(1), (size, size, 3, 4))
    expected = jax.lax.conv_general_dilated(
        x, kernel, (stride, stride), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
    )
    found = products.conv_same(x, kernel, stride=stride)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_kernels_drawn_by_numpy_are_those_of_their_key_also_when_compiled():
    from microtwin.models.layers import he_on_host

    key = jax.random.key(3)
    drawn = he_on_host(key, (3, 3, 40, 50))
    np.testing.assert_allclose(jax.jit(lambda: he_on_host(key, (3, 3, 40, 50)))(), drawn)
    assert (he_on_host(jax.random.key(4), (3, 3, 40, 50)) != drawn).all()
    assert float(drawn.std()) == pytest.approx((2 / 360) ** 0.5, rel=0.01)
    assert abs(float(drawn.mean())) < 1e-3
