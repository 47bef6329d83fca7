"""Weights from a cache, a server or a file: checked, and what is missing is told."""

import hashlib
import http.server
import sys
import threading
from dataclasses import replace

import jax
import numpy as np
import pytest
from flax import nnx
from safetensors.numpy import load_file, save_file
from skimage import data, transform

from microtwin.errors import CheckpointError, InputError
from microtwin.learning.devices import compiler_options
from microtwin.models import build
from microtwin.models.weights import files, folder, load_pretrained, names

NAME = "efficientnet-lite0"


@pytest.fixture(scope="module")
def network():
    return build(NAME, rngs=nnx.Rngs(0), top=False)


@pytest.fixture(autouse=True)
def no_caches(monkeypatch, tmp_path):
    monkeypatch.setenv("MICROTWIN_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))


def arrays(network, rng):
    """Return random arrays for all variables of a network, by our names."""
    flat = nnx.to_flat_state(nnx.state(network, (nnx.Param, nnx.BatchStat)))
    return {".".join(map(str, path)): rng.random(leaf.shape, np.float32) for path, leaf in flat}


def in_torch(ours, table):
    """Return arrays as PyTorch keeps them, under its names."""
    parts = {"scale": "weight", "mean": "running_mean", "var": "running_var", "kernel": "weight"}
    found = {}
    for key, array in ours.items():
        layer, part = key.rsplit(".", 1)
        if part == "kernel" and array.ndim == 4:
            array = array.transpose(3, 2, 0, 1)
        elif part == "kernel" and array.ndim == 3:
            array = array.transpose(2, 0, 1)[:, None]
        found[f"{table[layer]}.{parts.get(part, part)}"] = np.ascontiguousarray(array)
    return found


@pytest.mark.parametrize("spelling", [0, 1, None])
def test_safetensors_are_read_in_all_spellings(spelling, network, tmp_path):
    given = arrays(network, np.random.default_rng(0))
    path = tmp_path / "some.safetensors"
    if spelling is None:
        save_file(given | {"top.out.bias": np.zeros(7, np.float32)}, path)
    else:
        foreign = in_torch(given, names.torch(NAME)[spelling])
        save_file(foreign | {"bn.num_batches_tracked": np.zeros(1, np.int64)}, path)
    assert load_pretrained(network, path) == path
    for key, leaf in nnx.to_flat_state(nnx.state(network, (nnx.Param, nnx.BatchStat))):
        np.testing.assert_array_equal(leaf[...], given[".".join(map(str, key))])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a: a.pop("blocks.3.expand.norm.mean"), "has no blocks.3.expand.norm.mean"),
        (lambda a: a.update(extra=np.zeros(2, np.float32)), "has extra, which the network has not"),
        (
            lambda a: a.update({"blocks.0.conv.kernel": np.zeros((3, 3, 1, 32), np.float32)}),
            r"blocks.0.conv.kernel must have the shape \(3, 3, 3, 32\), not \(3, 3, 1, 32\)",
        ),
        (
            lambda a: a.update({"blocks.0.norm.bias": np.zeros(32, np.int8)}),
            "blocks.0.norm.bias must hold finite numbers",
        ),
    ],
)
def test_what_does_not_fit_is_named(change, message, network, tmp_path):
    given = arrays(network, np.random.default_rng(0))
    change(given)
    save_file(given, tmp_path / "some.safetensors")
    with pytest.raises(CheckpointError, match=message):
        load_pretrained(network, tmp_path / "some.safetensors")


def test_files_that_are_none_are_refused(network, tmp_path):
    with pytest.raises(InputError, match=r'must be "imagenet" or a file; there is no .*gone'):
        load_pretrained(network, tmp_path / "gone.safetensors")
    (tmp_path / "weights.pth").touch()
    with pytest.raises(InputError, match=r"weights.pth must be a file of weights: .h5, .weights"):
        load_pretrained(network, tmp_path / "weights.pth")
    (tmp_path / "noise.safetensors").write_bytes(b"noise" * 100)
    with pytest.raises(InputError, match="is no whole file of safetensors"):
        load_pretrained(network, tmp_path / "noise.safetensors")
    (tmp_path / "some.h5").touch()
    with pytest.raises(InputError, match="Keras has no efficientnet-lite0"):
        load_pretrained(network, tmp_path / "some.h5")
    with pytest.raises(InputError, match=r'must be "imagenet" or a file, not 5'):
        load_pretrained(network, 5)
    with pytest.raises(InputError, match="FashionCnn has no pretrained weights"):
        load_pretrained(nnx.eval_shape(lambda: build("fashion-cnn", rngs=nnx.Rngs(0))))


@pytest.mark.parametrize("name", ["vgg16", "resnet50v2", "mobilenetv2", NAME])
def test_without_a_network_the_message_says_what_to_get_and_where_to_put_it(name, tmp_path):
    base = nnx.eval_shape(lambda: build(f"{name}-transfer", rngs=nnx.Rngs(0)))
    wanted = files.BASES.get(name) or files.WHOLE[name]
    with pytest.raises(InputError) as error:
        load_pretrained(base, download=False)
    message = str(error.value)
    assert f"Get {wanted.url} ({wanted.checksum})" in message
    assert f"put it at {tmp_path / 'weights' / wanted.name}" in message
    assert "MICROTWIN_WEIGHTS" in message


def test_the_published_checksums_are_known():
    assert files.BASES["vgg16"].md5 == "6d6bbae143d832006294945121d1f1fc"
    assert files.BASES["resnet50v2"].md5 == "fac2f116257151a9d068a22e544a4917"
    assert files.BASES["mobilenetv2"].checksum == "no published checksum"


class Server:
    """A server of one file that counts how often it is asked."""

    def __init__(self, content):
        asked = self.asked = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                asked.append(self.path)
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_):
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/weights"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()


@pytest.fixture
def server(network, tmp_path, monkeypatch):
    save_file(arrays(network, np.random.default_rng(0)), tmp_path / "served.safetensors")
    content = (tmp_path / "served.safetensors").read_bytes()
    found = Server(content)
    digest = hashlib.md5(content).hexdigest()
    wanted = replace(files.WHOLE[NAME], url=found.url, md5=digest)
    monkeypatch.setitem(files.BASES, NAME, wanted)
    yield found
    found.http.shutdown()


def test_weights_are_downloaded_once_and_checked(server, network, tmp_path):
    told = []
    path = load_pretrained(network, progress=lambda done, total, _: told.append((done, total)))
    assert path == folder() / "efficientnet_lite0.safetensors"
    assert told[-1][0] == told[-1][1] == path.stat().st_size
    assert load_pretrained(network) == path
    assert len(server.asked) == 1
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(CheckpointError, match="is damaged or another file: its MD5 is"):
        load_pretrained(network)


def test_a_download_with_another_checksum_is_not_kept(server, network, monkeypatch):
    monkeypatch.setitem(files.BASES, NAME, replace(files.BASES[NAME], md5="0" * 32))
    with pytest.raises(InputError, match="hash"):
        load_pretrained(network)
    assert not (folder() / "efficientnet_lite0.safetensors").exists()


def test_a_server_that_does_not_answer_is_told(server, network):
    server.http.shutdown()
    server.http.server_close()
    with pytest.raises(InputError, match=r"could not be downloaded: .* Get http://127.0.0.1"):
        load_pretrained(network)


def test_the_downloads_of_keras_are_found(network, tmp_path, monkeypatch):
    place = tmp_path / "keras" / "models" / "efficientnet_lite0.safetensors"
    place.parent.mkdir(parents=True)
    save_file(arrays(network, np.random.default_rng(0)), place)
    assert load_pretrained(network, download=False) == place


@pytest.mark.parametrize(("module", "needs"), [("h5py", "h5py"), ("pooch", "pooch")])
def test_without_the_extra_packages_the_error_names_them(module, needs, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, module, None)
    base = nnx.eval_shape(lambda: build("mobilenetv2", rngs=nnx.Rngs(0), top=False))
    (tmp_path / "some.h5").touch()
    with pytest.raises(InputError, match=rf"needs {needs}: pip install 'microtwin\[weights\]'"):
        load_pretrained(base, "imagenet" if module == "pooch" else tmp_path / "some.h5")


CAT, ESPRESSO = 285, 967  # of the 1000 classes of ImageNet


def test_efficientnet_with_its_real_weights_knows_a_cat_and_a_coffee(shared_data):
    path = shared_data / "efficientnet-lite0" / "efficientnet_lite0.safetensors"
    if not path.is_file():
        pytest.skip("no weights here")
    assert (
        sum(
            array.size
            for name, array in load_file(path).items()
            if "run" not in name and "num" not in name
        )
        == 4_652_008
    )
    whole = build(NAME, rngs=nnx.Rngs(0))
    load_pretrained(whole, path)
    images = np.stack([squared(data.chelsea()), squared(data.coffee())])
    graph, state = nnx.split(whole)
    apply = jax.jit(
        lambda state, x: nnx.merge(graph, state)(x), compiler_options=compiler_options()
    )
    probabilities = jax.nn.softmax(apply(state, images))
    assert probabilities.argmax(-1).tolist() == [CAT, ESPRESSO]
    assert probabilities[0, CAT] > 0.4
    assert probabilities[1, ESPRESSO] > 0.4


def squared(photograph):
    """Return the middle of a photograph, 224 x 224, from 0 to 1."""
    side = min(photograph.shape[:2])
    y, x = ((n - side) // 2 for n in photograph.shape[:2])
    middle = photograph[y : y + side, x : x + side]
    return transform.resize(middle, (224, 224), anti_aliasing=True).astype(np.float32)
