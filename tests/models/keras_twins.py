"""The networks of our sources, written in Keras as their authors did, with our weights.

Dropout is left out: what it draws cannot be shared.
"""

import os

import jax
import numpy as np
import pytest
from flax import nnx

from microtwin.models.layers import BatchNorm
from microtwin.models.recurrence import BiLstm

os.environ.setdefault("KERAS_BACKEND", "jax")
keras = pytest.importorskip("keras")
L = keras.layers


def preclassifier(size):
    return [
        L.Input((size, size, 1)),
        L.Conv2D(8, 8, activation="relu"),
        L.MaxPooling2D(2),
        L.Conv2D(16, 8, activation="relu"),
        L.MaxPooling2D(2),
        L.Flatten(),
        L.Dense(32, activation="relu"),
        L.Dense(1),
    ]


def chest_cnn(size):
    found = [L.Input((size, size, 3))]
    for widths in ((32,), (64, 64), (128, 128), (256,)):
        found += [L.Conv2D(width, 3, activation="relu") for width in widths]
        found += [L.MaxPooling2D(2)]
    return [*found, L.Flatten(), L.Dense(512, activation="relu"), L.Dense(1)]


def symbols_dense(size):
    return [
        L.Input((size, size, 1)),
        L.Flatten(),
        L.Dense(50, activation="relu"),
        L.Dense(50, activation="relu"),
        L.Dense(4),
    ]


def fashion_cnn(size):
    found = [L.Input((size, size, 1))]
    for width in (32, 64, 128):
        for _ in range(2):
            found += [L.Conv2D(width, 3, padding="same", activation="tanh")]
            found += [L.BatchNormalization()]
        found += [L.MaxPooling2D(2)]
    return [
        *found,
        L.Flatten(),
        L.Dense(16, activation="relu"),
        L.BatchNormalization(),
        L.Dense(10),
    ]


def fashion_rnn(size):
    return [
        L.Input((None, size)),
        L.SimpleRNN(256, activation="relu", return_sequences=True),
        L.SimpleRNN(128, activation="relu", return_sequences=True),
        L.SimpleRNN(64, activation="relu"),
        L.BatchNormalization(),
        L.Dense(10),
    ]


def fashion_bilstm(size):
    return [
        L.Input((None, size)),
        L.Bidirectional(L.LSTM(256, return_sequences=True)),
        L.Bidirectional(L.LSTM(128)),
        L.Dense(256, activation="relu"),
        L.Dense(128, activation="relu"),
        L.Dense(10),
    ]


def _encoder(size, widths, *, pools=False):
    found = [L.Input((size, size, 3))]
    for width in widths:
        found += [L.Conv2D(width, 3, strides=1 if pools else 2, padding="same"), L.LeakyReLU(0.3)]
        found += [L.MaxPooling2D(2)] if pools else []
    return [*found, L.Flatten(), L.Dense(128)]


def _decoder(side, first, widths, *, pools=False, mix=0):
    found = [L.Dense(side**2 * first), L.LeakyReLU(0.3), L.Reshape((side, side, first))]
    found += [L.Conv2D(mix, 3, padding="same"), L.LeakyReLU(0.3)] if mix else []
    for width in widths:
        found += [L.Conv2DTranspose(width, 3, strides=1 if pools else 2, padding="same")]
        found += [L.LeakyReLU(0.3)]
        found += [L.UpSampling2D(2)] if pools else []
    return [*found, L.Conv2DTranspose(3, 3, strides=1 if pools else 2, padding="same")]


# Narrower than ours are by themselves: what is held against Keras is how they are put together.
NARROW = {
    "autoencoder-v1": {"down": (8, 16, 8, 16), "first": 4, "up": (16, 8, 4)},
    "autoencoder-v2": {"down": (8, 16, 8, 16), "first": 16, "mix": 8, "up": (12, 8, 4)},
    "autoencoder-v4": {"down": (8, 16, 24), "first": 16, "up": (12, 8, 4)},
    "autoencoder-v5": {"down": (8, 16, 24), "first": 24, "up": (12, 8)},
}


def autoencoder(name, size):
    plan, pools = NARROW[name], name == "autoencoder-v1"
    side = size // (8 if name in ("autoencoder-v1", "autoencoder-v5") else 16)
    mix = plan.get("mix", 0)
    return [
        *_encoder(size, plan["down"], pools=pools),
        *_decoder(side, plan["first"], plan["up"], pools=pools, mix=mix),
    ]


PLANS = {
    "preclassifier": preclassifier,
    "symbols-dense": symbols_dense,
    "fashion-cnn": fashion_cnn,
    "fashion-rnn": fashion_rnn,
    "fashion-bilstm": fashion_bilstm,
    "chest-cnn": chest_cnn,
}


def twin(name, size, network):
    """Return the network in Keras with the weights of ours."""
    plan = PLANS[name](size) if name in PLANS else autoencoder(name, size)
    model = keras.Sequential(plan)
    layers = [layer for layer in model.layers if layer.weights]
    ours = parts(network)
    assert len(layers) == len(ours)
    for layer, part in zip(layers, ours, strict=True):
        layer.set_weights(weights(part))
    return model


def parts(network):
    """Return our layers that have weights, in the order of the network."""
    if hasattr(network, "down"):
        mix = [network.mix] if network.mix is not None else []
        return [*network.down, network.code, network.wide, *mix, *network.up]
    if not hasattr(network, "convs"):
        lists = [getattr(network, name, []) for name in ("layers", "hidden")]
        norm = [network.norm] if hasattr(network, "norm") else []
        return [*lists[0], *lists[1], *norm, network.out]
    norms = list(getattr(network, "norms", []))
    pairs = zip(network.convs, norms, strict=True) if norms else ([conv] for conv in network.convs)
    found = [layer for pair in pairs for layer in pair] + [network.hidden]
    return [*found, *([network.norm] if norms else []), network.out]


def weights(layer):
    """Return a layer's weights in Keras's order."""
    if isinstance(layer, BatchNorm):
        names = ("scale", "bias", "mean", "var")
    elif isinstance(layer, BiLstm):
        return weights(layer.forward) + weights(layer.backward)
    else:
        names = ("kernel", "recurrent_kernel", "bias")
    found = [getattr(layer, name)[...] for name in names if hasattr(layer, name)]
    return [np.asarray(each) for each in found]


def statistics(network):
    """Return all moving means and variances of ours, by layer."""
    return [
        np.concatenate([part.mean[...], part.var[...]])
        for part in parts(network)
        if isinstance(part, BatchNorm)
    ]


def kerass_statistics(model):
    return [
        np.concatenate([layer.get_weights()[2], layer.get_weights()[3]])
        for layer in model.layers
        if isinstance(layer, L.BatchNormalization)
    ]


def randomised(network, seed):
    """Move every parameter and statistic a little, so that none hides another."""
    rng = np.random.default_rng(seed)

    def moved(leaf):
        return leaf + 0.02 * rng.normal(size=leaf.shape).astype("f4")

    def larger(leaf):  # a variance must stay positive
        return leaf + 0.2 * rng.random(leaf.shape, dtype="f4")

    nnx.update(network, jax.tree.map(moved, nnx.state(network, nnx.Param)))
    nnx.update(network, jax.tree.map(larger, nnx.state(network, nnx.BatchStat)))
    return network
