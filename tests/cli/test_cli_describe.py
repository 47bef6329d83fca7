"""`microtwin describe` with statistics, directions and masks."""

import numpy as np
import pandas as pd
import pytest

import microtwin as mt
from microtwin.statistics._registry import CURVES


@pytest.fixture
def stripes(tmp_path):
    labels = np.tile([1, 1, 0, 0, 0], (20, 6)).astype(np.uint8)
    np.save(tmp_path / "stripes.npy", labels)
    return tmp_path / "stripes.npy"


def test_statistics_and_directions_are_those_asked_for(microtwin, stripes, tmp_path):
    table = tmp_path / "out.csv"
    ended = microtwin(
        "describe", stripes, "--statistics", "chord_length", "--directions", "all", "--phase", 1,
        "-o", table, "--plot", tmp_path / "out.png",
    )  # fmt: skip
    assert ended.code == 0
    assert "mean chord of phase 1 along axes" in ended.out
    kinds = {(f.statistic, f.directions) for f in mt.Description.from_csv(table).functions}
    assert kinds == {
        ("two_point", "axes"),
        ("two_point", "face_diagonals"),
        ("two_point", "radial"),
        ("chord_length", "axes"),
        ("chord_length", "face_diagonals"),
    }
    rows = pd.read_csv(table, comment="#")
    chords = rows[(rows.statistic == "chord_length") & (rows.direction == "0 1") & (rows.hits > 0)]
    assert set(chords.lag) == {2}
    assert (tmp_path / "out.png").stat().st_size > 10_000


def test_help_names_all_that_can_be_measured_and_compared(microtwin):
    describing, comparing = (microtwin(name, "--help").out for name in ("describe", "compare"))
    assert [name for name in mt.statistics.STATISTICS if name not in describing] == []
    assert [name for name in CURVES if name not in comparing] == []


def test_everything_can_be_measured_saved_and_read_back(microtwin, stripes, tmp_path):
    table = tmp_path / "out.json"
    ended = microtwin("describe", stripes, "--statistics", "all", "--phase", 1, "-o", table)
    assert ended.code == 0
    again = mt.Description.from_json(table)
    assert set(again.statistics) == set(mt.statistics.STATISTICS)
    assert again.to_record() == mt.Description.from_json(again.to_json(table)).to_record()


def test_a_mask_leaves_out_what_it_does_not_hold(microtwin, stripes, tmp_path):
    mask = np.zeros((20, 30), np.uint8)
    mask[:, :5] = 255
    np.save(tmp_path / "mask.npy", mask)
    ended = microtwin("describe", stripes, "--mask", tmp_path / "mask.npy", "--json")
    assert ended.json["voxels"] == {"0": 60, "1": 40}
    other = tmp_path / "other.npy"
    np.save(other, mask[1:])
    complaint = microtwin("describe", stripes, "--mask", other).complaint
    assert complaint == "mask must have the shape of labels, (20, 30), not (19, 30)"


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--statistics", "entropy", "each of statistics must be one of"),
        ("--directions", "body_diagonals", "2-D ones have no body_diagonals"),
        ("--directions", "up", "each of directions must be one of"),
    ],
)
def test_what_is_not_there_is_named(microtwin, stripes, option, value, message):
    assert message in microtwin("describe", stripes, option, value).complaint


def test_a_file_in_place_counts_what_it_counts_in_memory(microtwin, tmp_path):
    labels = np.random.default_rng(1).integers(0, 2, (20, 24, 28), np.uint8)
    labels.tofile(tmp_path / "v.raw")
    options = ("--raw-shape", "20,24,28", "--max-lag", 8)
    in_place = microtwin("describe", tmp_path / "v.raw", "--in-place", *options, "--json").json
    in_memory = microtwin("describe", tmp_path / "v.raw", *options, "--json").json
    assert in_place["functions"] == in_memory["functions"]
    assert in_place["interfaces"] == in_memory["interfaces"]


def test_in_place_takes_one_file_and_sums_over_lines(microtwin, stripes):
    complaint = microtwin("describe", stripes, stripes, "--in-place").complaint
    assert complaint == "in-place measures one file with at most one mask, not 2"
    complaint = microtwin("describe", stripes, "--in-place", "--statistics", "cluster").complaint
    assert "cluster needs the whole volume in memory" in complaint


def test_a_mask_may_serve_several_files(microtwin, stripes, tmp_path):
    for name, columns in (("a", 5), ("b", 10)):
        mask = np.zeros((20, 30), np.uint8)
        mask[:, :columns] = 1
        np.save(tmp_path / f"{name}.npy", mask)
        np.save(tmp_path / f"s{name}.npy", np.load(stripes))
    files = (stripes, tmp_path / "sa.npy", tmp_path / "sb.npy")
    masks = [x for name in "aba" for x in ("--mask", tmp_path / f"{name}.npy")]
    assert microtwin("describe", *files, *masks, "--json").json["voxels"] == {"0": 240, "1": 160}
    complaint = microtwin("describe", *files, *masks[:4]).complaint
    assert complaint == "mask must be one or one for each of 3 samples"


def test_pictures_of_unlike_brightness_are_remarked(microtwin, tmp_path):
    rng = np.random.default_rng(0)
    for name, level in (("dark", 60), ("bright", 200)):
        grey = rng.normal(level, 8, (64, 64)) + 20 * (rng.random((64, 64)) < 0.5)
        np.save(tmp_path / f"{name}.npy", grey.clip(0, 255).astype(np.uint8))
    ended = microtwin("describe", tmp_path / "dark.npy", tmp_path / "bright.npy")
    assert "2 of them nearly all one phase there" in ended.err


@pytest.mark.parametrize("where", [(), ("--in-place",)])
def test_an_array_of_several_is_chosen_by_its_key(microtwin, tmp_path, where):
    h5py = pytest.importorskip("h5py")
    volume = np.indices((12, 10, 14)).sum(axis=0) % 3 == 0
    with h5py.File(tmp_path / "scan.h5", "w") as file:
        file["entry/labels"] = volume.astype(np.uint8)
        file["entry/grey"] = np.zeros(3)
    given = ("describe", tmp_path / "scan.h5", *where, "-o", tmp_path / "out.json")
    assert microtwin(*given, "--key", "entry/labels").code == 0
    found = mt.Description.from_json(tmp_path / "out.json")
    assert found.to_record() == mt.describe(volume.astype(np.uint8)).to_record()
    ended = microtwin(*given)
    assert ended.code == 2
    assert "entry/labels" in ended.err or "key must name" in ended.err
