"""Grad-CAM: closed forms, its slow twin, and evidence whose place is known."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from microtwin.classification.gradcam import grad_cam, require_maps
from microtwin.errors import InputError
from microtwin.learning.devices import compiler_options
from microtwin.learning.network import Network
from microtwin.models.registry import ARCHITECTURES, build


class Weighted(nnx.Module):
    """Maps that are the image, and 1 minus it; logits that are their weighted means."""

    def __init__(self, kernel):
        self.kernel = nnx.Param(jnp.asarray(kernel))

    def features(self, x, *, train=False, key=None):
        return jnp.concatenate([x, 1 - x], axis=-1)

    def head(self, maps, *, train=False, key=None):
        return maps.mean(axis=(1, 2)) @ self.kernel[...]

    def __call__(self, x, *, train=False, key=None):
        return self.head(self.features(x))


class Small(nnx.Module):
    """Two convolutions and the mean of their maps."""

    def __init__(self, classes, *, rngs):
        self.first = nnx.Conv(1, 8, (5, 5), rngs=rngs)
        self.second = nnx.Conv(8, 8, (3, 3), rngs=rngs)
        self.out = nnx.Linear(8, classes, rngs=rngs)

    def features(self, x, *, train=False, key=None):
        x = nnx.max_pool(nnx.relu(self.first(x)), (2, 2), strides=(2, 2))
        return nnx.relu(self.second(x))

    def head(self, maps, *, train=False, key=None):
        return self.out(maps.mean(axis=(1, 2)))

    def __call__(self, x, *, train=False, key=None):
        return self.head(self.features(x))


class Dense(nnx.Module):
    def __call__(self, x, *, train=False, key=None):
        return x.reshape(len(x), -1)


def images(n=5, size=12, seed=0):
    return np.random.default_rng(seed).random((n, size, size), np.float32)


def scaled(heat):
    heat = np.maximum(heat, 0)
    return heat / heat.max(axis=(1, 2), keepdims=True)


def test_maps_are_weighted_by_the_gradient_of_the_logit():
    x = images()
    network = Weighted([[2.0, -1.0], [1.0, 3.0]])
    first = grad_cam(network, x, 0)
    assert first.heat == pytest.approx(scaled(2 * x + 1 * (1 - x)), abs=1e-6)
    second = grad_cam(network, x, 1)
    assert second.heat == pytest.approx(scaled(-1 * x + 3 * (1 - x)), abs=1e-6)


def test_what_speaks_for_the_first_of_two_classes_lowers_the_one_logit():
    x = images()
    network = Weighted([[1.0], [-1.0]])
    assert grad_cam(network, x, 1).heat == pytest.approx(scaled(2 * x - 1), abs=1e-6)
    assert grad_cam(network, x, 0).heat == pytest.approx(scaled(1 - 2 * x), abs=1e-6)
    each = grad_cam(network, x)
    assert each.target.tolist() == each.predictions.predicted.tolist()
    assert each.predictions.probabilities.shape == (5, 2)


def test_the_predicted_class_is_explained_unless_another_is_asked_for():
    network = Small(3, rngs=nnx.Rngs(0))
    x = images(9)
    explained = grad_cam(network, x, classes=("a", "b", "c"))
    said = np.asarray(jax.jit(network)(x[..., None])).argmax(axis=1)
    assert explained.target.tolist() == explained.predictions.predicted.tolist() == said.tolist()
    assert grad_cam(network, x, "b", classes=("a", "b", "c")).target.tolist() == [1] * 9
    mixed = grad_cam(network, x, [0, 1, 2] * 3)
    for k in range(3):
        alone = grad_cam(network, x, k)
        assert np.array_equal(mixed.heat[k::3], alone.heat[k::3])


def test_nothing_is_shown_where_nothing_speaks_for_the_class():
    explained = grad_cam(Weighted([[-1.0, 1.0], [-1.0, 1.0]]), images(), 0)
    assert not explained.heat.any()
    assert np.isnan(explained.share(np.ones((12, 12)))).all()
    assert not explained.points_into(np.ones((12, 12))).any()
    assert explained.plot().axes[1].get_title("left").startswith("nothing for 0")


def slowly(network, x, target):
    """The definition, image by image: difference quotients instead of derivatives."""
    heats = []
    for image in x:
        maps = np.asarray(network.features(jnp.asarray(image[None, ..., None])), np.float64)

        def logit(maps):
            return float(network.head(jnp.asarray(maps, jnp.float32))[0, target])

        weights = [
            logit(maps + h) - logit(maps - h)
            for h in np.eye(maps.shape[-1]) * 0.5  # the head is linear
        ]
        heat = np.maximum((maps[0] * weights).sum(axis=-1), 0)
        heat = np.asarray(jax.image.resize(heat, image.shape, "linear"))
        heats.append(heat / max(heat.max(), 1e-30))
    return np.stack(heats)


def test_batches_derivatives_and_padding_change_nothing():
    network = Small(3, rngs=nnx.Rngs(3))
    x = images(7, 16)
    slow = slowly(network, x, 1)
    for at_once in (1, 3, 32):
        assert grad_cam(network, x, 1, at_once=at_once).heat == pytest.approx(slow, abs=2e-4)


def test_bytes_are_scaled_and_sets_read_when_needed_give_the_same():
    network = Small(2, rngs=nnx.Rngs(0))
    bytes_ = (images() * 255).astype(np.uint8)

    class Streamed:
        def __len__(self):
            return 5

        def batch(self, indices):
            return bytes_[indices, ..., None]

    plain = grad_cam(network, bytes_ / np.float32(255), 1)
    bytewise = grad_cam(network, bytes_, 1)
    assert bytewise.heat == pytest.approx(plain.heat, abs=1e-5)
    streamed = grad_cam(network, Streamed(), 1)
    assert np.array_equal(streamed.heat, bytewise.heat)
    assert streamed.images.dtype == np.uint8


def test_a_network_and_its_weights_become_a_module_to_explain():
    module = Small(2, rngs=nnx.Rngs(0))
    network = Network(module)
    again = grad_cam(network.module(network.initial), images(), 1)
    assert np.array_equal(again.heat, grad_cam(module, images(), 1).heat)


@pytest.mark.parametrize(
    ("network", "options", "message"),
    [
        (Dense(), {}, "network must be a convolutional one .*: Dense has no maps"),
        (None, {"images": np.zeros((2, 8))}, r"images must be numbers of shape \(n, y, x\)"),
        (None, {"images": np.zeros((0, 8, 8))}, "images must be at least one"),
        (None, {"images": np.zeros((2, 8, 8, 3))}, r"images must fit the network; .*\(8, 8, 3\)"),
        (None, {"target": 2}, r"target must lie in 0\.\.1, not 2\.\.2"),
        (None, {"target": "cat"}, "target must be among 0, 1; not 'cat'"),
        (None, {"target": [0, 1]}, "target must be one an image, 5 in all"),
        (None, {"classes": ("a", "b", "c")}, "classes must be the 2 of the network, not 3 names"),
        (None, {"at_once": 0}, "at_once must be at least 1"),
    ],
)
def test_what_cannot_be_explained_is_refused(network, options, message):
    network = network or Small(2, rngs=nnx.Rngs(0))
    options = {"images": images()} | options
    with pytest.raises(InputError, match=message):
        grad_cam(network, options.pop("images"), **options)


@pytest.mark.parametrize(
    ("name", "size", "channels"),
    [("preclassifier", 40, 1), ("fashion-cnn", 28, 1), ("chest-cnn", 100, 3)],
)
def test_convolutional_classifiers_are_explained(name, size, channels):
    network = build(name, size=size, channels=channels, classes=1, rngs=nnx.Rngs(0))
    x = np.random.default_rng(0).random((2, size, size, channels), np.float32)
    explained = grad_cam(network, x, [0, 1])
    assert explained.heat.shape == (2, size, size)
    assert np.isfinite(explained.heat).all()
    assert explained.heat.max() <= 1


@pytest.mark.parametrize(
    "name", [name for name, known in ARCHITECTURES.items() if len(known.takes or ()) == 3]
)
def test_every_classifier_has_maps_or_says_that_it_has_none(name):
    network = nnx.eval_shape(lambda: ARCHITECTURES[name].build(rngs=nnx.Rngs(0)))
    if name in ("symbols-dense", "fashion-rnn", "fashion-bilstm") or "autoencoder" in name:
        with pytest.raises(InputError, match="has no maps of features that lie on the image"):
            require_maps(network)
    else:
        require_maps(network)


def test_shares_and_peaks_are_measured_within_masks(tmp_path):
    x = np.zeros((2, 8, 8), np.float32)
    x[0, 1, 2] = x[1, 6, 5] = 1
    explained = grad_cam(Weighted([[0.0, 1.0], [0.0, 0.0]]), x, 1, sources=("a.png", "b.png"))
    top = np.zeros((8, 8), bool)
    top[:4] = True
    assert explained.share(top).tolist() == [1, 0]
    assert explained.share(np.stack([top, ~top])).tolist() == [1, 1]
    assert explained.points_into(top).tolist() == [True, False]
    assert explained.peaks.tolist() == [[1, 2], [6, 5]]
    table = explained.to_dataframe()
    assert table["image"].tolist() == ["a.png", "b.png"]
    assert table["peak_x"].tolist() == [2, 5]
    with pytest.raises(InputError, match=r"mask must be of the shape \(8, 8\)"):
        explained.share(top[:4])
    for path in (explained.to_png(tmp_path / "all.png"), explained.to_png(tmp_path / "b.png", 1)):
        assert path.read_bytes().startswith(b"\x89PNG")
    assert len(explained.plot([1, 0], columns=2).axes) == 4


def stripes(n, seed, size=32):
    """Noise with a grating in one quadrant, upright in class 1; the noise is as strong."""
    rng = np.random.default_rng(seed)
    labels, quadrants = rng.integers(0, 2, n), rng.integers(0, 4, n)
    x = rng.normal(size=(n, size, size))
    half = size // 2
    masks = np.zeros((n, size, size), bool)
    wave = np.sqrt(2) * np.sin(2 * np.pi * np.arange(half) / 4 + rng.uniform(0, 6.28, (n, 1)))
    for i, (label, quadrant) in enumerate(zip(labels, quadrants, strict=True)):
        y0, x0 = half * (quadrant // 2), half * (quadrant % 2)
        lines = np.broadcast_to(wave[i], (half, half))
        place = (i, slice(y0, y0 + half), slice(x0, x0 + half))
        x[place] = (lines if label else lines.T) + 0.2 * rng.normal(size=(half, half))
        masks[place] = True
    return x.astype(np.float32), labels, masks


RULE = optax.adam(1e-2)


@partial(jax.jit, static_argnums=0, compiler_options=compiler_options())
def step(graph, params, state, x, labels):
    def loss(params):
        logits = nnx.merge(graph, params)(x)
        both = jnp.pad(logits, ((0, 0), (2 - logits.shape[1], 0)))  # one logit: the other is 0
        return optax.softmax_cross_entropy_with_integer_labels(both, labels).mean()

    updates, state = RULE.update(jax.grad(loss)(params), state)
    return optax.apply_updates(params, updates), state


def trained(seed, *, classes):
    """A small network that tells the gratings."""
    graph, params = nnx.split(Small(classes, rngs=nnx.Rngs(seed)))
    x, labels, _ = stripes(600, 100 + seed)
    state = RULE.init(params)
    order = np.random.default_rng(seed)
    for _ in range(60):
        chosen = order.choice(len(x), 64, replace=False)
        params, state = step(graph, params, state, x[chosen, ..., None], labels[chosen])
    return nnx.merge(graph, params)


@pytest.mark.parametrize("classes", [1, 2])
def test_the_evidence_is_found_by_trained_networks_and_not_by_random_ones(classes):
    x, labels, masks = stripes(80, 7)
    shares, hits, control = [], [], []
    for seed in range(3):
        network = trained(seed, classes=classes)
        explained = grad_cam(network, x, labels)
        assert (explained.predictions.predicted == labels).mean() > 0.95
        shares.append(np.nanmean(explained.share(masks)))
        hits.append(explained.points_into(masks).mean())
        untrained = grad_cam(Small(classes, rngs=nnx.Rngs(50 + seed)), x, labels)
        control.append(np.nanmean(untrained.share(masks)))
    assert np.mean(shares) > 0.6  # by chance 0.25
    assert np.mean(hits) > 0.8
    assert np.mean(control) < 0.4
