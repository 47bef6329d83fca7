"""`microtwin contest`: methods ranked by images held out."""

import numpy as np
import pytest

import microtwin as mt
from microtwin.images import synthetic


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("parts")
    for name, seed in (("known", 0), ("held", 10)):
        (folder / name).mkdir()
        for i in range(2):
            image = synthetic.gaussian_field(
                (64, 64), correlation_length=3, fraction=0.4, seed=seed + i
            )
            mt.save_image(folder / name / f"{i}.tif", image.astype(np.uint8))
    return folder / "known", folder / "held"


def test_methods_are_ranked_and_everything_written(microtwin, parts, tmp_path):
    known, held = parts
    page, record = tmp_path / "c.html", tmp_path / "c.json"
    ended = microtwin(
        "contest", known, "--held-out", held, "--methods", "annealed S2", "--shape", "32,32",
        "-n", 2, "--max-seconds", 1, "--max-lag", 8, "--statistics", "two_point,lineal_path",
        "--threads", 1, "-o", page, "-o", record,
    )  # fmt: skip
    assert ended.code == 0
    assert "lineal_path" in ended.out
    assert page.read_text("utf-8").startswith("<!doctype html>")
    result = mt.Comparison.from_json(record)
    assert [m.name for m in result.methods] == ["annealed S2", "real, training part"]
    assert {row.quantity for row in result.rows} >= {"two_point", "Euler number"}


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--methods", "GAN"), "gan must be given for 'GAN'"),
        (("--gan", "nowhere"), "nowhere is not the folder of a trained generator"),
        (("-o", "c.doc"), "output must end in"),
        (("--shape", "32,32,32"), "shape must be 2-D"),
        (("-n", "1"), "samples must be at least 2"),
    ],
)
def test_bad_input_is_one_line(microtwin, parts, more, message):
    known, held = parts
    ended = microtwin("contest", known, "--held-out", held, "--shape", "32,32", *more)
    assert ended.code == 2
    assert message in ended.err
    assert len(ended.err.strip().splitlines()) == 1
