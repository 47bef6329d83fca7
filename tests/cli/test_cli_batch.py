"""`microtwin batch`: many structures into one store."""

import numpy as np
import pandas as pd
import pytest

import microtwin as mt
from microtwin.images import save_image

pytest.importorskip("distributed", reason="dask is not installed")
pytest.importorskip("pyarrow", reason="pyarrow is not installed")


def test_describe_goes_on_and_tells_what_failed(microtwin, micrographs, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for i in range(3):
        save_image(folder / f"{i}.tif", mt.read_image(micrographs / "phases" / f"{i}.tif"))
    store, table = tmp_path / "out", tmp_path / "numbers.csv"
    call = ("batch", "describe", folder, "-o", store, "-j", 1, "--max-lag", 8)
    first = microtwin(*call, "--csv", table)
    assert first.code == 0
    assert f"{store}: 3 of 3 done" in first.out
    numbers = pd.read_csv(table)
    assert numbers["porosity"].between(0.3, 0.6).all()
    assert "two_point_1" not in numbers
    (folder / "3.tif").write_bytes(b"II*\0")
    second = microtwin(*call, "--json")
    assert second.code == 2  # one failed
    assert second.json["before"] == 3
    assert [one["item"] for one in second.json["failed"]] == [str(folder / "3.tif")]
    assert "not a readable TIF" in microtwin(*call).err


def test_twins_land_in_one_array(microtwin, micrographs, tmp_path):
    target = micrographs / "phases" / "0.tif"
    ended = microtwin(
        "batch", "anneal", target, "-o", tmp_path / "twins", "--shape", "32,32", "-n", 2, "-j", 1,
        "--max-proposals", 5000, "--json",
    )  # fmt: skip
    assert ended.code == 0
    assert mt.open_store(tmp_path / "twins").labels.shape == (2, 32, 32)
    listed = microtwin(
        "batch", "screen", tmp_path / "twins" / "labels.zarr", "-r", target, "-o",
        tmp_path / "scores", "-j", 1,
    )  # fmt: skip
    assert listed.code == 0
    assert np.isfinite(mt.open_store(tmp_path / "scores").to_dataframe()["score"]).all()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("describe", "{images}", "-o", "{images}"), "store must be a new folder"),
        (("describe", "{images}", "-o", "{out}", "-j", 0), "workers must be between 1 and 1024"),
        (("describe", "{out}/none", "-o", "{out}"), "does not exist"),
        (("transport", "{images}", "-o", "{out}"), "say what conducts"),
        (("transport", "{images}", "-o", "{out}", "--phase", 1, "--axis", "7"), "axes must be"),
        (("anneal", "{images}/0.tif", "-o", "{out}", "--shape", "9"), "shape must have two or"),
        (("sample", "{out}", "-o", "{out}"), "not the folder of a trained generator"),
    ],
)
def test_bad_input_is_one_line(microtwin, micrographs, tmp_path, arguments, complaint):
    images = micrographs / "phases"
    given = [str(a).format(images=images, out=tmp_path / "out") for a in arguments]
    assert complaint in microtwin("batch", *given).complaint
