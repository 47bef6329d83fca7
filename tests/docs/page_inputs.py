"""Small files and values under the names that the pages use.

A page tells of `scans/`, of `labels`, of a run in `runs/solid`: here is what stands behind each
name. Which page is given which of them is said in `page_runs.py`.
"""

from functools import cache

import h5py
import numpy as np
import zarr
from flax import nnx
from PIL import Image
from safetensors.numpy import save_file

import microtwin as mt
from microtwin.images import ScaledImage, defects, save_image
from microtwin.images.synthetic import gaussian_field
from microtwin.models import build
from microtwin.models.weights import loading, names
from squares import save_squares, squares

SIDE = 96  # of images; that of volumes is a quarter


@cache
def phases(seed=0, shape=(SIDE, SIDE)):
    return np.asarray(gaussian_field(shape, correlation_length=3, fraction=0.45, seed=seed))


def grey(seed=0, shape=(SIDE, SIDE)):
    noise = np.random.default_rng(seed).normal(0, 12, shape)
    return np.clip(60 + 110 * phases(seed, shape) + noise, 0, 255).astype(np.uint8)


def large(seed=0):
    return phases(seed, (128, 128))


def solid(seed=0, side=SIDE // 4):
    return phases(seed, (side,) * 3)


def micrographs(count, *, seed=0, of=grey, first=(), spacing=20e-9):
    def write(folder):
        folder.mkdir(parents=True)
        stems = [*first, *(f"{i:02}" for i in range(count - len(first)))]
        for i, stem in enumerate(stems):
            save_image(folder / f"{stem}.tif", ScaledImage(of(seed + i), spacing=spacing))

    return write


def pieces(count, *, seed=0, spoil=None):
    def write(folder):
        folder.mkdir(parents=True)
        for i, image in enumerate(spoilt(count, seed) if spoil else tiles(count, seed)):
            save_image(folder / f"{i:03}.png", image)

    return write


def tiles(count, seed=0):
    return np.stack([grey(seed + i, (64, 64)) for i in range(count)])


def spoilt(count, seed=0):
    return np.stack(
        [defects.spoil(one, "blur", strength=1.5, seed=i).image
         for i, one in enumerate(tiles(count, seed))]
    )  # fmt: skip


def classes(path):
    path.mkdir()
    save_squares(path, 16)


def pictures(path):
    path.mkdir()
    for i, image in enumerate(squares(4, seed=3)[0]):
        Image.fromarray(image).save(path / f"{i}.png")


def strokes(path):
    """Paint rows of the first image of `scans/`, red in the dark phase, blue in the bright one."""
    path.mkdir()
    image = np.stack([grey()] * 3, axis=-1)
    image[40:44] = np.where(phases()[40:44, :, None] == 0, (255, 0, 0), (0, 0, 255))
    Image.fromarray(image).save(path / "a_marks.png")


def stack(path):
    array = zarr.create_array(path, shape=(3, *solid().shape), dtype="u1", chunks=(1, 24, 24, 24))
    array[:] = np.stack([solid(i) for i in range(3)])


def sparse(path):
    """Make a file of 4096 x 4096 x 4096 bytes that takes no room on the disk."""
    with path.open("wb") as file:
        file.truncate(4096**3)


def keras_weights(path):
    """Write the base of a MobileNetV2 with random weights as Keras does."""
    network = build("mobilenetv2", rngs=nnx.Rngs(0), top=False)
    variables = loading._variables(network)
    with h5py.File(path, "w") as file:
        layers = {ours: theirs for ours, theirs in names.keras("mobilenetv2").items()
                  if any(f"{ours}.{part}" in variables for part in loading.ORDER)}  # fmt: skip
        file.attrs["layer_names"] = [name.encode() for name in layers.values()]
        for ours, theirs in layers.items():
            parts = [part for part in loading.ORDER if f"{ours}.{part}" in variables]
            file.create_group(theirs).attrs["weight_names"] = [part.encode() for part in parts]
            for part in parts:
                file[theirs][part] = np.asarray(variables[f"{ours}.{part}"][...])


def safetensors(path):
    """Write a whole EfficientNet-Lite0 with random weights."""
    base, top = loading._parts(build("efficientnet-lite0", rngs=nnx.Rngs(0)))
    variables = loading._variables(base) | loading._variables(top, "top.")
    save_file({name: np.asarray(one[...]) for name, one in variables.items()}, path)


# What a page may find in its folder, by name.
FILES = {
    "electrode.tif": lambda path: save_image(path, ScaledImage(grey(0, (160, 160)), spacing=20e-9)),
    "slice.png": lambda path: save_image(path, phases() * 255),
    "volume.npy": lambda path: np.save(path, solid()),
    "rock.npy": lambda path: np.save(path, solid()),
    "scan.raw": lambda path: path.write_bytes(solid(side=48).tobytes()),
    "scan.raw,sparse": sparse,
    "scan.zarr": lambda path: zarr.save_array(path, solid(side=48)),
    "volumes.zarr": stack,
    "scans": micrographs(12, first=("a", "slice")),
    "more": micrographs(3, seed=30),
    "labels": micrographs(6, of=phases),
    "samples": micrographs(6, of=phases, seed=10),
    "twins": micrographs(4, of=phases, seed=20),
    "part-a": micrographs(3, of=large),
    "part-b": micrographs(3, of=large, seed=10),
    "volumes": micrographs(2, of=solid),
    "strokes": strokes,
    "good": pieces(48),
    "normal": pieces(48),
    "further": pieces(8, seed=60),
    "spoilt": pieces(8, seed=70, spoil="blur"),
    "images": pieces(4, seed=80),
    "tiles": classes,
    "other-tiles": classes,
    "tiles-of-another-sample": classes,
    "test": classes,
    "new": pictures,
    "mobilenet_v2_no_top.h5": keras_weights,
    "weights/efficientnet_lite0.safetensors": safetensors,
}


# What a block may name without having made it; on some pages a name is something else.
VALUES = {
    "mt": lambda: mt,
    "np": lambda: np,
    "zarr": lambda: zarr,
    "scan": lambda: ScaledImage(grey(), spacing=20e-9),
    "other": lambda: ScaledImage(grey(1), spacing=20e-9),
    "labels": lambda: phases(0, (160, 160)),
    "others": lambda: [phases(5), phases(6)],
    "held_out": lambda: [phases(5), phases(6)],
    "volume": lambda: solid(side=40),
    "volumes": lambda: np.stack([solid(i) for i in range(8)]),
    "twin": lambda: phases(7),
    "twins": lambda: [phases(8), phases(9)],
    "top_views": lambda: [phases(0), phases(1)],
    "side_views": lambda: [phases(2), phases(3)],
    "real": lambda: mt.describe(phases(), max_lag=16),
    "normal": lambda: tiles(48),
    "further_normal": lambda: tiles(8, 60),
    "anomalous": lambda: spoilt(8, 70),
    "photographs": lambda: np.random.default_rng(0).random((2, 224, 224, 3), np.float32),
    "x": lambda: squares(16)[0],
    "y": lambda: squares(16)[1],
    "u": lambda: squares(16, seed=1)[0],
    "v": lambda: squares(16, seed=1)[1],
}
VALUES_ON = {
    "docs/annealing.md": {"labels": lambda: solid(side=40)},
    "docs/anomaly.md": {"images": lambda: tiles(4, 80)},
    "docs/weights.md": {"images": lambda: squares(10)[0], "labels": lambda: squares(10)[1]},
}
