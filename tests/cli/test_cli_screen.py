"""`microtwin screen`: what is kept, what is said, and how it ends."""

import json

import numpy as np
import pytest

from microtwin.images import read_image, save_image, save_zarr
from microtwin.images.synthetic import gaussian_field


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Folders of real structures, of twins of them, and of something coarser."""
    folder = tmp_path_factory.mktemp("screen")
    for name, count, length, start in (
        ("real", 20, 3, 0), ("twins", 3, 3, 50), ("coarse", 2, 9, 80),
    ):  # fmt: skip
        (folder / name).mkdir()
        for i in range(count):
            labels = gaussian_field(
                (64, 64), correlation_length=length, fraction=0.38 + 0.005 * (i % 9),
                seed=start + i,
            )  # fmt: skip
            save_image(folder / name / f"{name}{i}.tif", labels)
    return folder


def test_the_nearest_are_kept_with_a_table_and_a_picture(microtwin, folders, tmp_path):
    kept, table, plot = tmp_path / "kept", tmp_path / "t.csv", tmp_path / "p.png"
    ended = microtwin(
        "screen", folders / "coarse", folders / "twins", "-r", folders / "real",
        "-o", kept, "--table", table, "--plot", plot,
    )  # fmt: skip
    assert ended.code == 0
    assert "3 of 5 pass, 3 kept" in ended.out
    about = json.loads((kept / "screening.json").read_text())
    files = [row["file"] for row in about["kept"]]
    assert sorted(path.name for path in kept.glob("*.png")) == sorted(files)
    assert all("twins" in name for name in files)
    first = about["kept"][0]
    original = read_image(folders / "twins" / f"{first['name']}.tif")
    np.testing.assert_array_equal(read_image(kept / first["file"]) > 0, original > 0)
    assert len(table.read_text().splitlines()) == 2 + 5
    assert plot.stat().st_size > 1000


def test_a_stack_is_many_samples(microtwin, folders, tmp_path):
    stack = np.stack([read_image(path) for path in sorted((folders / "twins").iterdir())])
    np.save(tmp_path / "all.npy", stack)
    save_zarr(tmp_path / "all.zarr", stack)
    for name in ("all.npy", "all.zarr"):
        ended = microtwin("screen", tmp_path / name, "-r", folders / "real", "--json")
        assert ended.code == 0
        names = sorted(row["name"] for row in ended.json["kept"])
        assert names == [f"all-{i:05d}" for i in range(3)]
        assert len(ended.json["scores"]) == 3


def test_grey_images_are_cut_at_one_common_level(microtwin, folders, tmp_path):
    """One that is brighter all over has too few dark voxels then, not as many as the others."""
    rng = np.random.default_rng(0)
    for i, path in enumerate(sorted((folders / "twins").iterdir())):
        labels = read_image(path)
        grey = 60 + 80.0 * labels + (60 if i == 0 else 0) + rng.normal(0, 5, labels.shape)
        save_image(tmp_path / path.name, grey.astype(np.uint8))
    ended = microtwin("screen", tmp_path, "-r", folders / "real", "--json", "--keep", 3)
    assert ended.json["scores"][0] is None or ended.json["scores"][0] > max(
        ended.json["scores"][1:]
    )
    assert ended.err.count("cut into two phases") == 1


def test_where_none_is_near_enough_it_ends_with_one(microtwin, folders, tmp_path):
    ended = microtwin(
        "screen", folders / "coarse", "-r", folders / "real", "-o", tmp_path / "kept"
    )  # fmt: skip
    assert ended.code == 1
    assert "0 of 2 pass" in ended.out
    assert not (tmp_path / "kept").exists()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--weights", "two_point"), "weights must be like two_point=2"),
        (("--keep", 0), "keep must be"),
        (("nowhere.zarr",), "holds no Zarr array"),
        (("--table", "t.txt"), "table must end in .csv"),
        (("--max-lag", 900), "max_lag"),
        (("--statistics", "colour"), "statistics must be"),
    ],
)
def test_what_makes_no_sense_is_refused(microtwin, folders, more, message):
    ended = microtwin("screen", folders / "twins", "-r", folders / "real", *more)
    assert message in ended.complaint


def test_a_folder_that_exists_is_not_written_over(microtwin, folders):
    ended = microtwin(
        "screen", folders / "twins", "-r", folders / "real", "-o", folders / "coarse"
    )  # fmt: skip
    assert "output must be new" in ended.complaint
