"""Every classifier beside the same network in Keras, with the same weights."""

import jax
import numpy as np
import pytest
from flax import nnx

from microtwin.models import registry
from models import keras_twins as twins  # skips this file without Keras

SIZES = {"preclassifier": 48, "chest-cnn": 64}


@pytest.mark.parametrize("name", twins.PLANS)
def test_network_gives_what_it_gives_in_keras(name):
    size = SIZES.get(name, 28)
    network = twins.randomised(registry.build(name, rngs=nnx.Rngs(0), size=size), 1)
    model = twins.twin(name, size, network)
    reads = len(model.input_shape) == 3  # row by row; a few will do
    rows = 6 if reads else size
    channels = registry.ARCHITECTURES[name].takes[-1]
    x = np.asarray(jax.random.uniform(jax.random.key(2), (16, rows, size, channels)))
    seen = x[..., 0] if reads else 4 * x - 2 if name == "preclassifier" else x
    for train in (False, True):
        expected = np.asarray(model(seen, training=train))
        scale = np.abs(expected).max()
        np.testing.assert_allclose(network(x, train=train) / scale, expected / scale, atol=1e-5)
    for found, wanted in zip(
        twins.statistics(network), twins.kerass_statistics(model), strict=True
    ):
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", twins.NARROW)
def test_autoencoder_restores_what_it_restores_in_keras(name):
    network = registry.build(name, rngs=nnx.Rngs(0), size=16, **twins.NARROW[name])
    network = twins.randomised(network, 1)
    x = np.asarray(jax.random.uniform(jax.random.key(2), (2, 16, 16, 3)))
    expected = np.asarray(twins.twin(name, 16, network)(x))
    scale = np.abs(expected).max()
    np.testing.assert_allclose(network(x) / scale, expected / scale, atol=1e-5)
