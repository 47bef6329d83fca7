"""Good files of every kind that is read, and ways to damage them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import microtwin as mt
from microtwin.images import ScaledImage, save_zarr
from microtwin.images.synthetic import gaussian_field
from microtwin.learning.checkpoints import load_arrays, save_arrays
from microtwin.models.weights import keras_h5
from microtwin.statistics import CorrelationFunction, Description
from microtwin.transport import Conduction

LABELS = np.asarray(gaussian_field((24, 24), correlation_length=3, fraction=0.45, seed=0))
VOLUME = np.asarray(gaussian_field((8, 9, 10), correlation_length=2, fraction=0.45, seed=0))


@dataclass(frozen=True)
class Kind:
    """A kind of file: how a good one is made, and what reads it."""

    suffix: str
    write: Callable[[Path], Any]
    read: Callable[[Path], Any]


def _tiles(path: Path, **options: Any) -> Any:
    return mt.describe_tiles(mt.open_volume(path, **options), max_lag=3)


def _h5(path: Path) -> None:
    import h5py

    with h5py.File(path, "w") as file:
        file.create_dataset("labels", data=VOLUME, chunks=(4, 4, 4), compression="gzip")


def _weights_h5(path: Path) -> None:
    import h5py

    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [b"dense"]
        group = file.create_group("dense")
        group.attrs["weight_names"] = [b"dense/kernel"]
        group.create_dataset("dense/kernel", data=np.eye(3, dtype=np.float32))


def _pixels(path: Path) -> None:
    grey = (LABELS * 90 + 40).astype(np.uint8)
    mt.train_pixels(grey, LABELS, seed=0).save(path)


def _checkpoint(path: Path) -> None:
    mt.anneal(mt.describe(LABELS), shape=(16, 16), max_proposals=500, checkpoint=path)


def _resumed(path: Path) -> Any:
    return mt.anneal(
        mt.describe(LABELS), shape=(16, 16), max_proposals=500, checkpoint=path, resume=True
    )


def _curves(path: Path) -> None:
    path.write_text("lag,two_point,lineal_path\n0,0.4,0.4\n1,0.3,0.3\n2,0.25,0.2\n")


SCAN = ScaledImage(np.arange(600, dtype=np.uint16).reshape(20, 30), spacing=2e-9)

KINDS = {
    "tif": Kind(".tif", lambda p: mt.save_image(p, SCAN), mt.read_image),
    "tif volume": Kind(".tif", lambda p: mt.save_image(p, VOLUME), mt.read_image),
    "png": Kind(".png", lambda p: mt.save_image(p, LABELS), mt.read_image),
    "jpg": Kind(".jpg", lambda p: mt.save_image(p, LABELS * 200), mt.read_image),
    "bmp": Kind(".bmp", lambda p: _bmp(p), mt.read_image),
    "npy": Kind(".npy", lambda p: mt.save_image(p, LABELS), mt.read_image),
    "npz": Kind(".npz", lambda p: np.savez(p, a=LABELS), mt.read_image),
    "raw": Kind(".raw", lambda p: LABELS.tofile(p), lambda p: mt.read_image(p, shape=(24, 24))),
    "h5": Kind(".h5", _h5, mt.read_image),
    "opened npy": Kind(".npy", lambda p: np.save(p, VOLUME), _tiles),
    "opened tif": Kind(".tif", lambda p: mt.save_image(p, VOLUME), _tiles),
    "opened h5": Kind(".h5", _h5, _tiles),
    "description json": Kind(
        ".json", lambda p: mt.describe(LABELS, statistics="all").to_json(p), Description.from_json
    ),
    "description csv": Kind(
        ".csv", lambda p: mt.describe(LABELS, statistics="all").to_csv(p), Description.from_csv
    ),
    "function json": Kind(
        ".json", lambda p: mt.two_point(LABELS, phase=1).to_json(p), CorrelationFunction.from_json
    ),
    "curves": Kind(".csv", _curves, mt.read_curves),
    "conduction json": Kind(
        ".json",
        lambda p: mt.effective_conductivity(LABELS, {0: 1, 1: 2}, axis=0).to_json(p),
        Conduction.from_json,
    ),
    "annealing checkpoint": Kind(".npz", _checkpoint, _resumed),
    "weights npz": Kind(
        ".npz",
        lambda p: save_arrays(p, {"w": np.eye(3, dtype=np.float32)}, step=3),
        lambda p: load_arrays(p, {"w": np.eye(3, dtype=np.float32)}),
    ),
    "pixel classifier": Kind(".npz", _pixels, mt.load_pixels),
    "weights": Kind(".h5", _weights_h5, keras_h5.read),
}


def _bmp(path: Path) -> None:
    from PIL import Image

    Image.fromarray(LABELS * 100).save(path)


def zarr_folder(path: Path) -> Path:
    return save_zarr(path, VOLUME)


def damages(data: bytes, rng: np.random.Generator, *, flips: int) -> Iterator[bytes]:
    """Yield what may be left of a file: cut off, with bits flipped, blocks lost or doubled."""
    size = len(data)
    yield b""
    for share in (0.02, 0.1, 0.3, 0.5, 0.8, 0.95):
        yield data[: int(size * share)]
    yield data[:-1]
    yield bytes(size)
    yield rng.bytes(size)
    yield data[: size // 2] + bytes(size - size // 2)
    yield data[size // 3 :]
    yield data + data
    for _ in range(flips):
        broken = bytearray(data)
        # Headers, at the beginning and at the end, are where it hurts.
        reach = size if rng.random() < 0.4 else min(size, 200)
        for at in rng.integers(0, reach, size=rng.integers(1, 4)):
            broken[-at - 1 if rng.random() < 0.3 else at] = rng.integers(0, 256)
        yield bytes(broken)
