"""A volume measured block by block has the counts of the volume measured at once."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import microtwin as mt

EVERY = ("two_point", "lineal_path", "chord_length")
ABOUT = (
    "statistic", "phase", "directions", "vectors", "periodic", "spacing", "samples", "step",
    "partner", "masked", "device", "version",
)  # fmt: skip

volumes = hnp.array_shapes(min_dims=2, max_dims=3, min_side=1, max_side=8).flatmap(
    lambda shape: st.tuples(
        hnp.arrays(np.uint8, shape, elements=st.integers(0, 2)),
        st.none() | hnp.arrays(np.bool_, shape, elements=st.sampled_from([True, True, False])),
    )
)


def assert_equal(a, b):
    assert (a.phase, a.shape, dict(a.voxels)) == (b.phase, b.shape, dict(b.voxels))
    assert np.array_equal(a.porosities, b.porosities)
    assert a.interfaces.keys() == b.interfaces.keys()
    for label, pairs in a.interfaces.items():
        assert np.array_equal(pairs, b.interfaces[label])
    for f, g in zip(a.functions, b.functions, strict=True):
        assert {name: getattr(f, name) for name in ABOUT} == {n: getattr(g, n) for n in ABOUT}
        for name in ("hits", "trials", "sums", "squares"):
            assert np.array_equal(getattr(f, name), getattr(g, name), equal_nan=True), name


@given(volumes, st.booleans(), st.integers(1, 9), st.data())
def test_counts_of_blocks_add_up_to_those_of_the_whole(drawn, periodic, tile, data):
    labels, mask = drawn
    inside = labels if mask is None else labels[mask]
    if len(np.unique(inside)) < 2:
        return
    options = {
        "periodic": periodic,
        "mask": mask,
        "statistics": EVERY,
        "spacing": data.draw(st.sampled_from([None, 2e-9])),
        "max_lag": data.draw(st.none() | st.integers(0, max(labels.shape) - 1)),
        "directions": data.draw(st.sampled_from(["axes", ("face_diagonals", "axes")])),
    }
    if min(labels.shape) <= (options["max_lag"] or 0):
        options["directions"] = "axes"
    if labels.ndim == 3 and options["directions"] != "axes":
        options["directions"] = (*options["directions"], "body_diagonals")
    whole = mt.describe(labels, device="cpu", **options)
    assert_equal(whole, mt.describe_tiles(labels, tile=tile, **options))


@pytest.mark.parametrize("periodic", [False, True])
@pytest.mark.parametrize("shape", [(7, 7), (5, 9), (6, 6, 6), (5, 8, 3), (9, 4, 7)])
def test_diagonals_of_any_shape_wrap_block_by_block_as_they_do_at_once(shape, periodic):
    rng = np.random.default_rng(sum(shape))
    labels = rng.integers(0, 2, shape)
    # Nearly everything inside, so that some chord spans a whole wrapped line.
    for mask in (None, rng.random(shape) < 0.98):
        options = {
            "directions": [*("axes", "face_diagonals", "body_diagonals")[: len(shape)]],
            "mask": mask,
            "periodic": periodic,
            "statistics": EVERY,
            "max_lag": min(shape) - 1,
        }
        whole = mt.describe(labels, device="cpu", **options)
        for tile in (1, 2, 5, 100):
            assert_equal(whole, mt.describe_tiles(labels, tile=tile, **options))


@pytest.mark.parametrize("axes", [0, 1, 2, (2, 0)])
def test_chosen_axes_are_measured_alone(axes):
    labels = np.random.default_rng(1).integers(0, 3, (9, 6, 11))
    whole = mt.describe(labels, axes=axes, phase=(2, 0), device="cpu")
    tiles = mt.describe_tiles(
        labels, axes=axes, phase=(2, 0), tile=4, statistics=("two_point", "lineal_path")
    )
    assert_equal(whole, tiles)


def test_a_phase_that_few_blocks_hold_is_counted_over_all_of_them():
    labels = np.zeros((12, 10, 8), np.uint8)
    labels[7, 3, 2:5] = 4
    for phase in (None, 4):
        options = {"phase": phase, "statistics": EVERY, "max_lag": 5}
        whole = mt.describe(labels, device="cpu", **options)
        assert_equal(whole, mt.describe_tiles(labels, tile=2, **options))


@pytest.fixture(scope="module")
def labels():
    return np.random.default_rng(5).integers(0, 2, (21, 34, 27)).astype(np.uint8)


def on_disk(kind, labels, folder):
    if kind == "memmap":
        labels.tofile(folder / "labels.raw")
        return np.memmap(folder / "labels.raw", np.uint8, mode="r", shape=labels.shape)
    if kind == "tiff":
        tifffile = pytest.importorskip("tifffile")
        tifffile.imwrite(folder / "labels.tif", labels)
        return tifffile.memmap(folder / "labels.tif", mode="r")
    if kind == "zarr":
        zarr = pytest.importorskip("zarr")
        stored = zarr.open(
            folder / "labels.zarr", mode="w", shape=labels.shape, chunks=(8, 10, 9), dtype="u1"
        )
        stored[...] = labels
        return zarr.open(folder / "labels.zarr", mode="r")
    h5py = pytest.importorskip("h5py")
    with h5py.File(folder / "labels.h5", "w") as file:
        file.create_dataset("labels", data=labels, chunks=(8, 10, 9))
    return h5py.File(folder / "labels.h5", "r")["labels"]


@pytest.mark.parametrize("kind", ["memmap", "tiff", "zarr", "hdf5"])
def test_volumes_on_disk_are_measured_without_being_read_at_once(kind, labels, tmp_path):
    source = on_disk(kind, labels, tmp_path)
    options = {"statistics": EVERY, "directions": ("axes", "face_diagonals", "body_diagonals")}
    whole = mt.describe(labels, device="cpu", **options)
    largest = []

    class Watched:
        shape, dtype, chunks = source.shape, source.dtype, getattr(source, "chunks", None)

        def __getitem__(self, box):
            part = source[box]
            largest.append(part.size)
            return part

    # Memory for a fifth of the volume, as the block and what counting it takes.
    memory = labels.size * 4 // 5
    assert_equal(whole, mt.describe_tiles(Watched(), memory=memory, **options))
    assert max(largest) < labels.size / 3
    assert_equal(whole, mt.describe_tiles(source, mask=None, **options))


def test_a_mask_on_disk_is_read_with_the_volume(labels, tmp_path):
    mask = np.random.default_rng(2).random(labels.shape) < 0.9
    np.save(tmp_path / "mask.npy", mask)
    stored = np.load(tmp_path / "mask.npy", mmap_mode="r")
    whole = mt.describe(labels, mask=mask, statistics=EVERY, device="cpu")
    assert_equal(whole, mt.describe_tiles(labels, mask=stored, tile=5))


def test_progress_ends_at_the_total(labels):
    seen = []
    mt.describe_tiles(
        labels, tile=7, progress=lambda done, total, values: seen.append(done / total)
    )
    assert seen == sorted(seen)
    assert seen[-1] == pytest.approx(1.0)
    assert len(seen) == 3 + 5  # slabs across z for lines along y and x, and across y for z


def test_blocks_are_whole_chunks_where_these_fit(labels):
    asked = []

    class Chunked:
        shape, dtype, chunks = labels.shape, labels.dtype, (4, 10, 27)

        def __getitem__(self, box):
            asked.append(box)
            return labels[box]

    mt.describe_tiles(Chunked(), memory=7 * 34 * 27 * 4)
    assert {box[0].start % 4 for box in asked if box[1] == slice(0, 34)} == {0}


MEASURE = """
import resource, sys, time
import subprocess
import sys

import numpy as np
import microtwin as mt
side, path, out = int(sys.argv[1]), sys.argv[2], sys.argv[3]
volume = np.memmap(path, np.uint8, mode="r", shape=(side, side, side))
start = time.perf_counter()
real = mt.describe_tiles(volume, phase=1, max_lag=48, periodic=True)
took = time.perf_counter() - start
real.to_json(out)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, took)
"""


@pytest.mark.slow
def test_a_billion_voxels_are_counted_exactly_in_less_than_four_gigabytes(tmp_path):
    side, cell = 1024, 64
    tile = (np.random.default_rng(8).random((cell, cell, cell)) < 0.4).astype(np.uint8)
    path = tmp_path / "billion.raw"
    with open(path, "wb") as file:
        strip = np.tile(tile, (1, side // cell, side // cell)).tobytes()
        for _ in range(side // cell):
            file.write(strip)
    run = subprocess.run(
        [sys.executable, "-c", MEASURE, str(side), str(path), str(tmp_path / "real.json")],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    peak, _ = map(float, run.stdout.split())
    assert peak < 4.0
    # A periodic structure repeated is the same structure, with so many times its counts.
    one = mt.describe(tile, phase=1, max_lag=48, periodic=True, statistics=EVERY, device="cpu")
    many = mt.Description.from_json(tmp_path / "real.json")
    copies = (side // cell) ** 3
    assert many.voxels == {label: copies * count for label, count in one.voxels.items()}
    assert np.array_equal(many.interfaces[1], copies * one.interfaces[1])
    for a, b in zip(one.functions, many.functions, strict=True):
        length = a.hits.shape[1]
        assert np.array_equal(copies * a.hits, b.hits[:, :length])
        assert not b.hits[:, length:].any()  # no chord is longer than a cell
        assert np.array_equal(copies * a.trials, b.trials[:, :length])
