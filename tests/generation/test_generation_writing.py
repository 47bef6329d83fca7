"""Samples by number, block by block, and on disk."""

import json
import os
import signal
import subprocess
import sys
import weakref
from pathlib import Path

import numpy as np
import pytest

import microtwin.generation as gen
from generation.tiny import TINY, grey_images
from microtwin.errors import InputError
from microtwin.generation import drawing
from microtwin.generation.batches import Batches
from microtwin.generation.reading import Files
from microtwin.images import find_images, read_image, save_image


def test_one_sample_alone_is_that_of_its_batch(trained, tmp_path):
    batch = trained.sample(40, seed=3)
    manifest = trained.sample_to(tmp_path / "s.npy", 40, seed=3)
    (level,) = manifest.thresholds
    alone = trained.sample(1, seed=3, first=37, threshold=level)
    np.testing.assert_array_equal(alone.images[0], batch.images[37])
    np.testing.assert_array_equal(alone.labels[0], np.load(tmp_path / "s.npy")[37])
    assert alone.numbers == range(37, 38)
    assert "sample 37 of seed 3" in alone[0].labels.source


@pytest.mark.parametrize("periodic", [False, True])
def test_blocks_fit_together_without_a_seam(trained, monkeypatch, periodic):
    whole = trained.sample(1, shape=(40, 36), periodic=periodic).images
    monkeypatch.setitem(drawing.BLOCK, 2, 16)
    parts = gen.load_generator(trained.path).sample(1, shape=(40, 36), periodic=periodic)
    np.testing.assert_allclose(parts.images, whole, atol=1e-5)


def test_a_period_that_does_not_fit_is_refused(trained):
    with pytest.raises(InputError, match="multiples of 2 where periodic"):
        trained.sample(1, shape=(40, 35), periodic=True)


def test_sides_beyond_the_reach_of_the_noise_are_refused(trained):
    with pytest.raises(InputError, match="sides up to 131008, not 131009"):
        trained.sample(1, shape=(16, 131_009))


def written(path):
    if path.suffix == ".zarr":
        import zarr

        return np.asarray(zarr.open_array(path, mode="r")[:])
    if path.suffix == ".npy":
        return np.load(path)
    if path.suffix == ".tif":
        return np.asarray(read_image(path))
    return np.stack([read_image(file) // 255 for file in sorted((path / "phases").iterdir())])


@pytest.mark.parametrize("name", ["s.zarr", "s.npy", "s.tif", "s"])
def test_what_is_on_disk_is_what_is_sampled(trained, tmp_path, name):
    if name.endswith(".zarr"):
        pytest.importorskip("zarr")
    expected = trained.sample(3, seed=2, shape=(20, 30))
    manifest = trained.sample_to(tmp_path / name, 3, seed=2, shape=(20, 30))
    found = written(tmp_path / name)
    # Grey levels nearer to the threshold than 1/65535 may fall on either side of it.
    unclear = np.abs(expected.images - expected.thresholds[0]) < 3e-5
    np.testing.assert_array_equal(found[~unclear], expected.labels[~unclear])
    assert manifest.porosities == pytest.approx((found == 0).mean((1, 2)))
    assert not [path for path in tmp_path.iterdir() if "partial" in path.name]
    if name == "s":
        kept = json.loads((tmp_path / name / "manifest.json").read_text())
        assert kept["thresholds"] == list(manifest.thresholds)
        assert [path.name for path in find_images(tmp_path / name / "grey")][2] == "00002.png"


def test_grey_levels_are_written_if_asked_for(trained, tmp_path):
    trained.sample_to(tmp_path / "g.npy", 2, grey=True)
    grey = np.load(tmp_path / "g.npy")
    assert grey.dtype == np.float32
    np.testing.assert_allclose(grey, trained.sample(2).images, atol=1e-5)


def test_an_interrupted_job_goes_on_to_the_same_file(trained, tmp_path, monkeypatch):
    monkeypatch.setitem(drawing.BLOCK, 2, 16)
    whole = gen.load_generator(trained.path)
    whole.sample_to(tmp_path / "whole.npy", 2, shape=(40, 40))

    def press(done, total, values):
        if done == 4:
            os.kill(os.getpid(), signal.SIGINT)

    job = {"shape": (40, 40), "seed": 0}
    with pytest.raises(KeyboardInterrupt):
        whole.sample_to(tmp_path / "s.npy", 2, progress=press, **job)
    assert not (tmp_path / "s.npy").exists()
    with pytest.raises(InputError, match="begun with other settings"):
        whole.sample_to(tmp_path / "s.npy", 2, resume=True, **{**job, "seed": 1})
    told = []
    whole.sample_to(
        tmp_path / "s.npy", 2, resume=True, progress=lambda i, n, v: told.append(i), **job
    )
    assert told[0] > 4  # not from the beginning
    assert (tmp_path / "s.npy").read_bytes() == (tmp_path / "whole.npy").read_bytes()


def test_no_part_is_larger_than_a_block(trained, monkeypatch, tmp_path):
    monkeypatch.setitem(drawing.BLOCK, 2, 16)
    generator = gen.load_generator(trained.path)
    sizes = []
    inner = generator.pieces

    def pieces(task, *, skip=0):
        for piece in inner(task, skip=skip):
            sizes.append(piece.images.size)
            yield piece

    monkeypatch.setattr(generator, "pieces", pieces)
    generator.sample_to(tmp_path / "s.npy", 1, shape=(200, 100))
    assert sum(sizes) == 200 * 100
    assert max(sizes) <= 16 * 16


def test_a_suffix_that_is_not_known_is_refused(trained, tmp_path):
    with pytest.raises(InputError, match="must be a folder or end in"):
        trained.sample_to(tmp_path / "s.jpg", 1)


def test_streamed_files_give_the_run_of_the_arrays(tmp_path, trained):
    for i, image in enumerate(grey_images()):
        save_image(tmp_path / f"{i}.png", image)
    made = gen.train_gan(tmp_path, preset=TINY, workdir=tmp_path / "run", seed=5, stream=True)
    assert made.settings.identity == trained.settings.identity
    np.testing.assert_array_equal(made.sample(4).images, trained.sample(4).images)


def test_no_more_images_are_kept_than_there_is_room_for(tmp_path):
    alive, most = weakref.WeakSet(), 0

    class Kept(np.ndarray):
        __hash__ = object.__hash__

    def read(path):
        nonlocal most
        image = np.asarray(read_image(path)).view(Kept)
        alive.add(image)
        most = max(most, len(alive))
        return image

    for i, image in enumerate(grey_images(12)):
        save_image(tmp_path / f"{i:02d}.png", image)
    files = Files(find_images(tmp_path), read=read, cache=3 * 48 * 48)
    gen.train_gan(files, preset=TINY, workdir=tmp_path / "run", steps=2)
    assert 3 <= most <= 5  # those kept, the one being read and the one in hand
    with pytest.raises(InputError, match="stream must not be True"):
        gen.train_gan(grey_images(), preset=TINY, workdir=tmp_path / "no", stream=True)


@pytest.mark.parametrize("axes", [2, 3])
@pytest.mark.parametrize("turn", [False, True])
def test_patches_from_the_device_are_those_of_numpy(axes, turn):
    rng = np.random.default_rng(0)
    images = [rng.random((9 + i, *range(8, 7 + axes))).astype(np.float32) for i in range(3)]
    shapes = [image.shape for image in images]
    options = {"size": 5, "count": 3, "seed": 4, "turn": turn}
    host = Batches([images] * 3, [shapes] * 3, **options)
    device = Batches([images] * 3, [shapes] * 3, resident=True, **options)
    for step in (0, 1, 17):
        np.testing.assert_array_equal(np.asarray(device(step)), host(step))


@pytest.mark.slow
def test_a_large_volume_needs_no_more_memory_than_a_block(tmp_path):
    """Four times the volume, the same peak: measured in processes of their own."""
    script = Path(__file__).with_name("memory_of_sampling.py")

    def peak(side):
        done = subprocess.run(
            [sys.executable, str(script), str(tmp_path / f"run{side}"), str(side)],
            capture_output=True, text=True, check=True,
            env={**os.environ, "PYTHONPATH": ":".join(sys.path)},
        )  # fmt: skip
        return int(done.stdout.split()[-1])

    assert peak(320) - peak(160) < 40_000  # kB; the difference of the volumes is 115 MB as float32


def test_samples_that_do_not_fit_on_the_disk_end_in_a_clear_error(trained, tmp_path):
    """A file is given its room at once: it is not found out in the middle of a map."""
    code = (
        "import resource, signal, sys; from generation import tiny; import microtwin as mt\n"
        "from microtwin.generation import load_generator\n"
        "tiny.install_tiny_preset(lambda table, name, value: table.update({name: value}))\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "generator = load_generator(sys.argv[1])\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "try: generator.sample_to(sys.argv[2], 1, shape=(400, 400))\n"
        "except mt.errors.InputError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(trained.path), str(tmp_path / "s.npy")],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{tmp_path / 's.npy'} cannot be written: File too large\n"
