"""Weights that Keras wrote: a photograph gives the same activations in its network and ours."""

import os

import h5py
import jax
import numpy as np
import pytest
from flax import nnx
from skimage import data, transform

from microtwin.errors import CheckpointError, InputError
from microtwin.learning.devices import compiler_options
from microtwin.models import build
from microtwin.models.weights import load_pretrained

os.environ.setdefault("KERAS_BACKEND", "jax")
keras = pytest.importorskip("keras")

CLASSES = 7
SIDES = {"vgg16": 32, "resnet50v2": 65, "mobilenetv2": 65}


def photograph(side):
    """Return a cat, (1, side, side, 3), from 0 to 1."""
    return transform.resize(data.chelsea()[:, 75:375], (side, side)).astype(np.float32)[None]


def model(name, side, *, top=True):
    """Return Keras's network with random weights, random batch statistics as well."""
    kinds = {"vgg16": "VGG16", "resnet50v2": "ResNet50V2", "mobilenetv2": "MobileNetV2"}
    keras.utils.set_random_seed(0)
    found = getattr(keras.applications, kinds[name])(
        weights=None,
        include_top=top,
        input_shape=(side, side, 3),
        **({"classes": CLASSES, "classifier_activation": None} if top else {}),
    )
    rng = np.random.default_rng(0)
    for layer in found.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            gamma, beta, mean, var = (np.zeros(w.shape) for w in layer.weights)
            layer.set_weights(
                [
                    rng.uniform(0.5, 1.5, gamma.shape),
                    rng.normal(0, 0.1, beta.shape),
                    rng.normal(0, 0.1, mean.shape),
                    rng.uniform(0.5, 1.5, var.shape),
                ]
            )
    return found


def write_old(network, path):
    from keras.src.legacy.saving.legacy_h5_format import save_weights_to_hdf5_group

    with h5py.File(path, "w") as file:
        save_weights_to_hdf5_group(file, network)
    return path


def stages(name):
    """Return the name of the layer in Keras after which each of our blocks ends."""
    if name == "vgg16":
        return [f"block{i}_conv{n}" for i, n in enumerate((2, 2, 3, 3, 3), 1)]
    if name == "resnet50v2":
        stacks = enumerate((3, 4, 6, 3), 2)
        blocks = [f"conv{i}_block{k}_out" for i, n in stacks for k in range(1, n + 1)]
        return ["pool1_pool", *blocks, "post_relu"]
    added = {2, 4, 5, 7, 8, 9, 11, 12, 14, 15}
    ends = [f"block_{i}_{'add' if i in added else 'project_BN'}" for i in range(1, 17)]
    return ["Conv1_relu", "expanded_conv_project_BN", *ends, "out_relu"]


def every_block(network, images):
    """Return the activations after each block, and the logits."""
    x = network.base.preprocess(images)
    found = []
    for block in network.base.blocks:
        x = block(x, train=False)
        found.append(x)
    return found, network(images)


@pytest.mark.parametrize(
    "name",
    [
        "mobilenetv2",
        pytest.param("vgg16", marks=pytest.mark.slow),
        pytest.param("resnet50v2", marks=pytest.mark.slow),
    ],
)
def test_every_block_gives_the_activations_of_keras_on_a_photograph(name, tmp_path):
    side = SIDES[name]
    theirs = model(name, side)
    ours = build(name, rngs=nnx.Rngs(1), classes=CLASSES, size=side)
    load_pretrained(ours, write_old(theirs, tmp_path / "weights.h5"))
    images = photograph(side)
    prepare = getattr(
        keras.applications,
        name.replace("resnet50v2", "resnet_v2").replace("mobilenetv2", "mobilenet_v2"),
    ).preprocess_input
    outputs = [theirs.get_layer(layer).output for layer in stages(name)]
    every = keras.Model(theirs.input, [*outputs, theirs.output])
    expected = every.predict(prepare(255 * images), verbose=0)
    graph, state = nnx.split(ours)
    apply = jax.jit(
        lambda state, x: every_block(nnx.merge(graph, state), x),
        compiler_options=compiler_options(),
    )
    blocks, logits = apply(state, images)
    assert len(blocks) == len(expected) - 1
    for layer, found, wanted in zip(
        [*stages(name), "logits"], [*blocks, logits], expected, strict=True
    ):
        scale = float(np.std(wanted))
        assert scale > 1e-3
        np.testing.assert_allclose(
            found / scale, np.asarray(wanted) / scale, atol=1e-4, rtol=1e-4, err_msg=layer
        )


@pytest.fixture(scope="module")
def mobilenet():
    return model("mobilenetv2", 32, top=False)


@pytest.fixture(scope="module")
def expected(mobilenet):
    base = build("mobilenetv2", rngs=nnx.Rngs(1), top=False)
    arrays = mobilenet.get_layer("block_3_expand").weights[0], mobilenet.weights[-1]
    return base, [np.asarray(a) for a in arrays]


def loaded(path, kind="mobilenetv2-transfer"):
    network = build(kind, rngs=nnx.Rngs(1), size=32)
    load_pretrained(network, path)
    return network.base.blocks[4].expand.conv.kernel[...], network.base.blocks[18].norm.var[...]


def written(kind, network, folder):
    """Write the weights in one of the ways there are."""
    if kind == "old":
        return write_old(network, folder / "old.h5")
    if kind == "whole model":
        network.save(folder / "model.h5")
        return folder / "model.h5"
    if kind == "keras 3":
        network.save_weights(folder / "new.weights.h5")
        return folder / "new.weights.h5"
    layers = [network, keras.layers.Flatten(), keras.layers.Dense(3)]
    outer = keras.Sequential(layers)
    if kind == "within a model":
        outer.save(folder / "outer.h5")
        return folder / "outer.h5"
    outer.save_weights(folder / "outer.weights.h5")
    return folder / "outer.weights.h5"


@pytest.mark.parametrize(
    "kind", ["old", "whole model", "keras 3", "within a model", "within a model, keras 3"]
)
def test_all_files_of_keras_are_read(kind, mobilenet, expected, tmp_path):
    for found, wanted in zip(loaded(written(kind, mobilenet, tmp_path)), expected[1], strict=True):
        np.testing.assert_array_equal(found, wanted)


def renamed(path, target):
    """Write a file again with the names of the first releases: ``conv_7_W_1:0``."""
    with h5py.File(path) as old, h5py.File(target, "w") as new:
        layers = []
        for i, name in enumerate(old.attrs["layer_names"]):
            group = new.create_group(f"layer_{i}")
            layers.append(f"layer_{i}".encode())
            weights = []
            for k, weight in enumerate(old[name].attrs["weight_names"]):
                weights.append(f"layer_{i}_{k}_1:0".encode())
                group[weights[-1].decode()] = old[name][weight][...]
            group.attrs["weight_names"] = weights
        new.attrs["layer_names0"] = layers[:50]  # long lists are kept in pieces
        new.attrs["layer_names1"] = layers[50:]
    return target


def test_files_with_other_names_are_read_in_their_order(mobilenet, expected, tmp_path):
    path = renamed(write_old(mobilenet, tmp_path / "old.h5"), tmp_path / "renamed.h5")
    for found, wanted in zip(loaded(path), expected[1], strict=True):
        np.testing.assert_array_equal(found, wanted)


def without_a_layer(file):
    names = [n for n in file.attrs["layer_names"] if n not in ("Conv_1", b"Conv_1")]
    file.attrs["layer_names"] = names


def with_another_shape(file):
    del file["Conv1"]["Conv1/kernel"]
    file["Conv1"]["Conv1/kernel"] = np.zeros((3, 3, 3, 16), np.float32)


def with_one_too_many(file):
    names = [*file.attrs["layer_names"]]
    group = file.create_group("more")
    group["k"] = np.zeros(3)
    group.attrs["weight_names"] = ["k"]
    file.attrs["layer_names"] = [*names, "more"]


def not_a_number(file):
    file["bn_Conv1"]["bn_Conv1/beta"][3] = np.nan


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (without_a_layer, "has no Conv_1, which the network has"),
        (
            with_another_shape,
            r"Conv1/kernel must have the shape \(3, 3, 3, 32\), not \(3, 3, 3, 16\)",
        ),
        (with_one_too_many, "has more, which the network has not"),
        (not_a_number, "bn_Conv1/bias must hold finite numbers"),
    ],
)
def test_what_does_not_fit_is_named_and_changes_nothing(damage, message, mobilenet, tmp_path):
    path = write_old(mobilenet, tmp_path / "old.h5")
    with h5py.File(path, "r+") as file:
        damage(file)
    base = build("mobilenetv2", rngs=nnx.Rngs(1), top=False)
    before = base.blocks[0].conv.kernel[...]
    with pytest.raises(CheckpointError, match=message):
        load_pretrained(base, path)
    np.testing.assert_array_equal(base.blocks[0].conv.kernel[...], before)


def test_a_base_does_not_fill_a_whole_network(mobilenet, tmp_path):
    whole = build("mobilenetv2", rngs=nnx.Rngs(1))
    with pytest.raises(CheckpointError, match="has no predictions, which the network has"):
        load_pretrained(whole, write_old(mobilenet, tmp_path / "old.h5"))


def test_a_cut_file_is_no_file_of_weights(mobilenet, tmp_path):
    path = write_old(mobilenet, tmp_path / "old.h5")
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(InputError, match="is no whole file of Keras's weights"):
        load_pretrained(build("mobilenetv2", rngs=nnx.Rngs(1), top=False), path)
