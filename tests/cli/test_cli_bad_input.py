"""Whatever is wrong with the input ends in one clear line and exit code 2."""

import sys

import numpy as np
import pytest

from microtwin.images import save_image


@pytest.fixture
def good(tmp_path):
    rng = np.random.default_rng(0)
    return save_image(tmp_path / "good.tif", (rng.random((48, 48)) < 0.5).astype(np.uint8))


def empty_folder(folder):
    (folder / "empty").mkdir()
    return folder / "empty"


def missing(folder):
    return folder / "none.tif"


def one_phase(folder):
    return save_image(folder / "flat.tif", np.full((48, 48), 7, np.uint8))


def colour(folder):
    from PIL import Image

    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 255, (48, 48, 3), dtype=np.uint8)).save(folder / "c.png")
    return folder / "c.png"


def nan(folder):
    image = np.random.default_rng(0).random((48, 48))
    image[3, 4] = np.nan
    np.save(folder / "nan.npy", image)
    return folder / "nan.npy"


def text_called_tif(folder):
    (folder / "text.tif").write_text("this is no image\n")
    return folder / "text.tif"


def zero_bytes(folder):
    (folder / "zero.png").touch()
    return folder / "zero.png"


def zero_size(folder):
    np.save(folder / "zero.npy", np.zeros((0, 48), np.uint8))
    return folder / "zero.npy"


def four_dimensions(folder):
    np.save(folder / "four.npy", np.zeros((2, 4, 8, 8), np.uint8))
    return folder / "four.npy"


def unknown_suffix(folder):
    (folder / "image.xyz").write_bytes(b"123")
    return folder / "image.xyz"


BAD = {
    empty_folder: "no images found",
    missing: "does not exist",
    one_phase: "two",
    colour: "colour",
    nan: "NaN",
    text_called_tif: "not a readable TIF",
    zero_bytes: "empty",
    zero_size: "empty",
    four_dimensions: "2-D or 3-D",
    unknown_suffix: "suffix",
}
COMMANDS = {
    "run": ("--quick", "-o", "out"),
    "segment": ("-o", "out"),
    "describe": (),
    "anneal": ("--shape", "16,16", "-o", "t.tif"),
    "train": ("--steps", "1", "-o", "out"),
    "compare": ("--with", "other=good.tif", "-o", "r.html"),
}


@pytest.mark.parametrize("bad", BAD, ids=lambda f: f.__name__)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_bad_image_is_refused_in_one_line(microtwin, good, tmp_path, monkeypatch, command, bad):
    monkeypatch.chdir(tmp_path)
    complaint = microtwin(command, bad(tmp_path), *COMMANDS[command]).complaint
    assert BAD[bad] in complaint
    assert not list(tmp_path.glob("**/report.html"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("describe", "good.tif", "--max-lag", "48"), "max_lag must be less than"),
        (("describe", "good.tif", "--max-lag", "-1"), "max_lag must be at least 0"),
        (("describe", "good.tif", "--phase", "5"), "phase must be one of the labels present"),
        (("describe", "good.tif", "--phase", "one"), "phase must be whole numbers"),
        (("describe", "good.tif", "--statistics", "chords"), "statistics must be one of"),
        (("describe", "good.tif", "--spacing", "0"), "spacing must be positive"),
        (("describe", "good.tif", "--spacing", "1e-9,2e-9,3e-9"), "one number or 2 numbers"),
        (("describe", "good.tif", "-o", "d.txt"), "output must end in .csv, .json"),
        (("describe", "good.tif", "-o", "no/d.csv"), "existing folder"),
        (("describe", "good.tif", "--device", "cuda"), 'device "cuda" is not available'),
        (("describe", "good.tif", "--device", "gpu"), "device must be one of"),
        (("describe", "good.tif", "--raw-shape", "4,4"), "raw files only"),
        (("anneal", "good.tif", "--shape", "16"), "shape must have two or three sides"),
        (("anneal", "good.tif", "--shape", "0,16"), "at least 1"),
        (("anneal", "good.tif", "--shape", "16x16"), "shape must be whole numbers"),
        (("anneal", "good.tif", "--shape", "8,8,8", "-o", "t.png"), ".zarr for a volume"),
        (("anneal", "text.json", "--shape", "8,8"), "not a statistics file"),
        (
            ("anneal", "good.tif", "--shape", "1000000,1000000,1000000"),
            "shape must have fewer than 2^32",
        ),
        (("anneal", "good.tif", "--shape", "8,8", "--replicas", "0"), "replicas must be at least"),
        (("anneal", "good.tif", "--shape", "8,8", "--tempering"), "tempering must have replicas"),
        (
            ("anneal", "good.tif", "--shape", "8,8", "--tempering", "--replicas", "2", "--resume"),
            "which cannot be resumed",
        ),
        (("anneal", "good.tif", "--shape", "8,8", "--fraction", "0.3"), "a formula or a table"),
        (("anneal", "good.tif", "--shape", "8,8", "--reference", "flat.npy"), "reference must"),
        (("anneal", "good.tif", "--shape", "8,8,8", "--reference", "good.tif"), "must be 3-D"),
        (
            (
                "anneal",
                "good.tif",
                "--shape",
                "6,6,6",
                "--slice",
                "0:0:b.npy",
                "--slice",
                "1:0:c.npy",
            ),
            "slices that it crosses",
        ),
        (("compare", "good.tif", "--with", "good.tif"), "must be NAME=PATH"),
        (("compare", "good.tif", "--with", "a=none.tif"), "does not exist"),
        (("compare", "good.tif", "--with", "a=good.tif", "--k", "1"), "k must be label=number"),
        (("compare", "good.tif", "--with", "a=good.tif", "--statistics", "x"), "statistics must"),
        (("compare", "good.tif", "--with", "a=good.tif", "--max-lag", "99"), "max_lag must be"),
        (("compare", "good.tif", "--with", "a=good.tif", "-o", "r.pdf"), "must end in .html"),
        (("segment", "good.tif", "--method", "guess"), "method must be one of"),
        (("segment", "good.tif", "--threshold", "5"), "between the grey levels"),
        (("train", "good.tif", "--preset", "none"), "preset must be one of"),
        (("train", "good.tif", "-o", "r"), "at least 64x64"),
        (("train", "good.tif", "--steps", "0", "-o", "r"), "steps must be at least 1"),
        (("train", "good.tif", "--augment", "holes", "-o", "r"), "augment must be one of"),
        (("sample", "empty"), "not the folder of a trained generator"),
        (("run", "good.tif", "--preset", "none"), "preset must be one of"),
        (("run", "good.tif"), "at least 64 x 64 pixels"),
        (("run", "good.tif", "--patch", "8"), "patch must be at least 16"),
        (("run", "good.tif", "--scale", "half"), "scale must be one whole number"),
        (("run", "good.tif", "--scale", "99"), "scale must be between 1 and 48"),
        (("run", "good.tif", "--smooth", "much"), "smooth must be a number"),
        (("run", "good.tif", "--seed", "-1"), "seed must be"),
        (("run", "good.tif", "--twins", "0"), "twins must be at least 1"),
        (("run", "good.tif", "--crop-info-bar", "some"), "crop-info-bar must be auto"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_bad_option_is_refused_in_one_line(
    microtwin, good, tmp_path, monkeypatch, arguments, message
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.json").write_text("no json\n")
    (tmp_path / "empty").mkdir()
    np.save("flat.npy", np.ones((48, 48), np.uint8))
    np.save("b.npy", np.eye(6, dtype=np.uint8))
    np.save("c.npy", 1 - np.eye(6, dtype=np.uint8))
    assert message in microtwin(*arguments).complaint


def test_an_output_that_cannot_be_zarr_is_refused_before_the_work(microtwin, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.zarr").mkdir()
    # No target is there to be read yet.
    anneal = ("anneal", "none.tif", "--shape", "8,8", "-o")
    assert "output must be new or a Zarr folder" in microtwin(*anneal, "notes.zarr").complaint
    assert "does not exist" in microtwin(*anneal, "new.ZARR").complaint
    monkeypatch.setitem(sys.modules, "zarr", None)
    assert "unless zarr is installed" in microtwin(*anneal, "new.zarr").complaint


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "--quick", "-o"),
        ("segment", "good.tif", "-o"),
        ("train", "good.tif", "-o"),
    ],
)
@pytest.mark.parametrize("target", ["file", "/proc/microtwin"])
def test_a_folder_that_cannot_be_written_is_refused_in_one_line(
    microtwin, tmp_path, monkeypatch, arguments, target
):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    save_image("good.tif", (rng.random((80, 80)) * 255).astype(np.uint8))
    (tmp_path / "file").write_text("in the way\n")
    complaint = microtwin(*arguments, target).complaint
    assert "must be a writable folder" in complaint


@pytest.mark.parametrize(
    "arguments",
    [
        ("describe", "good.tif", "-o", "taken.csv"),
        ("describe", "good.tif", "--plot", "taken.png"),
        ("segment", "grey.tif", "-o", "taken.tif"),
        ("anneal", "good.tif", "--shape", "8,8", "--max-proposals", "9", "-o", "taken.tif"),
        ("compare", "good.tif", "--with", "a=good.tif", "-o", "taken.html"),
    ],
    ids=" ".join,
)
def test_a_file_that_cannot_be_written_is_refused_in_one_line(
    microtwin, good, tmp_path, monkeypatch, arguments
):
    monkeypatch.chdir(tmp_path)
    save_image("grey.tif", (np.random.default_rng(0).random((16, 16)) * 255).astype(np.uint8))
    name = arguments[-1]
    (tmp_path / name).mkdir()
    ended = microtwin(*arguments)
    assert ended.code == 2
    assert name in ended.err.splitlines()[-1]
    assert not [p for p in tmp_path.iterdir() if "partial" in p.name]


def test_options_that_do_not_exist_end_with_code_2(microtwin):
    ended = microtwin("describe", "good.tif", "--no-such-option")
    assert ended.code == 2
    assert "no-such-option" in ended.err
