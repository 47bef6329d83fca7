"""A head of one's own on a frozen base: what is learned, and what it is learned from."""

import numpy as np
import pytest
from flax import nnx
from safetensors.numpy import save_file

import microtwin as mt
from microtwin.classification import coding
from microtwin.errors import InputError
from microtwin.models import build

SMALL = {"preset": "efficientnet-lite0-transfer", "size": 32, "epochs": 2, "seed": 0}


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Return a file of weights as good as any, and its arrays."""
    base = build("efficientnet-lite0", rngs=nnx.Rngs(5), top=False)
    flat = nnx.to_flat_state(nnx.state(base, (nnx.Param, nnx.BatchStat)))
    arrays = {".".join(map(str, path)): np.array(leaf[...]) for path, leaf in flat}
    path = tmp_path_factory.mktemp("weights") / "some.safetensors"
    save_file(arrays, path)
    return path, arrays


def squares(count):
    rng = np.random.default_rng(0)
    bright = np.arange(count) % 2
    images = rng.normal(0.3 + 0.4 * bright[:, None, None], 0.1, (count, 32, 32)).clip(0, 1)
    return images, bright


@pytest.fixture(scope="module")
def trained(weights, tmp_path_factory):
    folder = tmp_path_factory.mktemp("transfer")
    return mt.train_classifier(*squares(40), workdir=folder, pretrained=weights[0], **SMALL), folder


def test_the_base_stays_as_it_was_read_and_the_top_learns(trained, weights):
    classifier, folder = trained
    again = mt.load_classifier(folder)
    base = nnx.to_flat_state(again.weights.params["base"])
    for path, leaf in base:
        np.testing.assert_array_equal(leaf[...], weights[1][".".join(map(str, path))])
    start = build("efficientnet-lite0-transfer", rngs=nnx.Rngs(0), size=32)
    learned = classifier.weights.params["top"]["out"]["kernel"][...]
    assert (learned != start.top.out.kernel[...]).any()
    assert classifier.settings.pretrained == str(weights[0])


@pytest.mark.slow
def test_learning_from_codes_is_learning_from_images(trained, weights, monkeypatch, tmp_path):
    classifier, _ = trained
    monkeypatch.setattr(coding, "is_enough", lambda *_: False)
    other = mt.train_classifier(*squares(40), workdir=tmp_path, pretrained=weights[0], **SMALL)
    for row, same in zip(classifier.history, other.history, strict=True):
        for name in ("loss", "val_loss", "val_accuracy"):
            assert row[name] == pytest.approx(same[name], rel=1e-3)


def test_without_weights_nothing_is_trained(monkeypatch, tmp_path):
    monkeypatch.setenv("MICROTWIN_WEIGHTS", str(tmp_path / "none"))
    with pytest.raises(InputError, match=r'must be "imagenet" or a file; there is no .*gone'):
        mt.train_classifier(
            *squares(10), workdir=tmp_path / "run", pretrained=tmp_path / "gone", **SMALL
        )
    assert not (tmp_path / "run" / "settings.json").exists()


def test_networks_without_a_base_take_no_pretrained_weights(weights, tmp_path):
    with pytest.raises(InputError, match="SymbolsDense has no pretrained weights"):
        mt.train_classifier(
            *squares(10), preset="symbols-dense", workdir=tmp_path, pretrained=weights[0]
        )
