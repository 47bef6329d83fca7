"""Each command does its work and says what it did, to people and to machines."""

import csv
import subprocess
import sys
import time

import numpy as np
import pytest

import microtwin as mt
from microtwin.images import find_images, read_image, save_image

COMMANDS = (
    "run", "segment", "describe", "anneal", "train", "sample", "screen", "transport", "compare",
    "contest", "info",
)  # fmt: skip


def test_help_names_every_command_in_the_order_of_the_work(microtwin):
    text = microtwin("--help").out
    places = [text.index(f" {name} ") for name in COMMANDS]
    assert places == sorted(places)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(microtwin, name):
    ended = microtwin(name, "--help")
    assert ended.code == 0
    assert "--json" in ended.out


def test_help_is_quick_because_nothing_heavy_is_imported():
    heavy = "numpy", "scipy", "jax", "matplotlib", "pandas", "skimage"
    code = (
        "import sys; from microtwin.cli import app\n"
        "try: app(['--help'])\n"
        f"finally: sys.exit(bool(set(sys.modules) & {set(heavy)}))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0
    started = time.perf_counter()
    subprocess.run([sys.executable, "-m", "microtwin", "--help"], capture_output=True, check=True)
    assert time.perf_counter() - started < 5  # a fifth of a second on an idle machine


def test_version_and_no_command(microtwin):
    assert microtwin("--version").out == f"microtwin {mt.__version__}\n"
    assert microtwin("no-such-command").code == 2


def test_segment_writes_phases_and_says_their_fractions(microtwin, micrographs, tmp_path):
    image = micrographs / "grey" / "0.tif"
    ended = microtwin("segment", image, "-o", tmp_path / "p.tif", "--json")
    (row,) = ended.json
    labels = read_image(tmp_path / "p.tif")
    truth = read_image(micrographs / "phases" / "0.tif")
    assert (labels == truth).mean() > 0.99
    assert labels.spacing == pytest.approx((2e-9, 2e-9))
    assert row["fractions"] == pytest.approx([1 - labels.mean(), labels.mean()])


def test_segment_of_a_folder_fills_a_folder(microtwin, micrographs, tmp_path):
    ended = microtwin("segment", micrographs / "grey", "-o", tmp_path / "out")
    assert ended.code == 0
    assert len(find_images(tmp_path / "out")) == 8
    assert "7.tif" in ended.out


def test_two_phases_in_a_picture_are_black_and_white_and_come_back_as_labels(
    microtwin, micrographs, tmp_path
):
    microtwin("segment", micrographs / "grey" / "0.tif", "-o", tmp_path / "p.png")
    assert set(np.unique(read_image(tmp_path / "p.png"))) == {0, 255}
    ended = microtwin("describe", tmp_path / "p.png", "--json")
    assert ended.json["voxels"].keys() == {"0", "1"}
    assert ended.err == ""


def test_describe_of_labels_is_what_the_library_measures(microtwin, micrographs, tmp_path):
    files = sorted((micrographs / "phases").iterdir())
    table, figure = tmp_path / "d.json", tmp_path / "d.png"
    ended = microtwin(
        "describe", *files, "--max-lag", 12, "--phase", "1,0", "--spacing", "2e-9",
        "-o", table, "--plot", figure, "--json",
    )  # fmt: skip
    measured = mt.describe([read_image(f) for f in files], phase=(1, 0), max_lag=12, spacing=2e-9)
    assert ended.json["porosity"] == measured.porosity
    written = mt.Description.from_json(table)
    assert (written.two_point.hits == measured.two_point.hits).all()
    assert written.samples == 8
    assert read_image(figure, channel="luminance").std() > 10


def test_describe_writes_a_table_with_one_row_for_each_axis_and_lag(
    microtwin, micrographs, tmp_path
):
    file = micrographs / "phases" / "0.tif"
    args = ("describe", file, "--statistics", "two_point", "--phase", 1, "--periodic")
    ended = microtwin(*args, "--max-lag", 5, "-o", tmp_path / "d.csv")
    assert ended.code == 0
    lines = (tmp_path / "d.csv").read_text().splitlines()
    assert len(list(csv.DictReader(lines[1:]))) == 2 * 6
    assert "fraction of phase 1" in ended.out


def test_describe_cuts_grey_levels_in_two_and_says_so(microtwin, micrographs):
    ended = microtwin("describe", micrographs / "grey", "--max-lag", 4, "--json")
    assert "8 images of grey levels cut into two phases" in ended.err
    assert ended.json["porosity"] == pytest.approx(0.45, abs=0.05)


def test_a_file_of_several_pages_is_a_volume_or_a_stack(microtwin, volume):
    args = ("describe", volume, "--max-lag", 4, "--json")
    assert microtwin(*args).json["functions"][0]["vectors"] == np.eye(3).tolist()
    stack = microtwin(*args, "--stack").json["functions"][0]
    assert (stack["vectors"], stack["samples"]) == ([[1, 0], [0, 1]], 20)


def test_raw_files_are_read_with_their_shape(microtwin, volume, tmp_path):
    raw = tmp_path / "v.raw"
    np.asarray(read_image(volume)).astype(np.uint16).tofile(raw)
    args = ("describe", raw, "--raw-shape", "20,24,28", "--raw-dtype", "uint16", "--json")
    by_raw, by_tiff = microtwin(*args).json, microtwin("describe", volume, "--json").json
    assert by_raw["functions"][0]["hits"] == by_tiff["functions"][0]["hits"]


def test_anneal_writes_a_twin_of_the_image(microtwin, micrographs, tmp_path):
    twin, history = tmp_path / "twin.tif", tmp_path / "h.csv"
    ended = microtwin(
        "anneal", micrographs / "phases" / "0.tif", "--shape", "48,48", "--max-lag", 8,
        "--seed", 5, "-o", twin, "--history", history, "--json",
    )  # fmt: skip
    labels = read_image(twin)
    assert ended.json["energy"] < 1e-2
    assert (ended.json["seed"], ended.json["shape"]) == (5, [48, 48])
    assert labels.mean() == pytest.approx(0.45, abs=0.05)
    assert history.read_text().startswith("proposals,energies")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["h.csv", "twin.tif"]


def test_anneal_makes_a_volume_from_a_description_of_images(microtwin, micrographs, tmp_path):
    target = tmp_path / "real.csv"
    microtwin("describe", micrographs / "phases", "--max-lag", 6, "-o", target)
    args = ("anneal", target, "--shape", "12,12,12", "--max-proposals", 20_000)
    ended = microtwin(*args, "-o", tmp_path / "t.npy")
    assert ended.code == 0
    assert np.load(tmp_path / "t.npy").shape == (12, 12, 12)
    assert "energy" in ended.out


def test_anneal_follows_the_phase_of_a_description_that_is_named(microtwin, micrographs, tmp_path):
    image = micrographs / "phases" / "0.tif"
    microtwin("describe", image, "--max-lag", 4, "-o", tmp_path / "real.json")
    microtwin("describe", image, "--max-lag", 4, "--phase", 1, "-o", tmp_path / "one.json")
    args = ("--shape", "24,24", "--max-proposals", 2000, "--json", "-o", tmp_path / "twin.npy")
    named = microtwin("anneal", tmp_path / "real.json", "--phase", 1, *args).json
    assert named["energy"] == microtwin("anneal", tmp_path / "one.json", *args).json["energy"]
    assert named["energy"] < microtwin("anneal", tmp_path / "real.json", *args).json["energy"]


def test_anneal_leaves_what_others_keep_beside_its_checkpoints(microtwin, micrographs, tmp_path):
    folder = tmp_path / "twin.checkpoint"
    folder.mkdir()
    (folder / "notes.txt").write_text("mine\n")
    args = (
        "--shape",
        "16,16",
        "--max-proposals",
        500,
        "--replicas",
        2,
        "-o",
        tmp_path / "twin.npy",
    )
    assert microtwin("anneal", micrographs / "phases" / "0.tif", *args).code == 0
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]


def test_the_same_seed_anneals_the_same_twin(microtwin, micrographs, tmp_path):
    twins = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        target = micrographs / "phases" / "0.tif"
        args = ("--shape", "32,32", "--max-proposals", 5000, "--seed", seed)
        microtwin("anneal", target, *args, "-o", tmp_path / f"{name}.tif")
        twins.append(np.asarray(read_image(tmp_path / f"{name}.tif")))
    assert (twins[0] == twins[1]).all()
    assert (twins[0] != twins[2]).any()


def test_anneal_goes_on_after_a_time_limit(microtwin, micrographs, tmp_path):
    target, twin = micrographs / "phases" / "0.tif", tmp_path / "t.tif"
    args = ("anneal", target, "--shape", "64,64", "--seed", 3, "--json", "-o")
    first = microtwin(*args, twin, "--max-seconds", 0).json
    assert first["stop_reason"] == "time"
    second = microtwin(*args, twin, "--max-proposals", 200_000, "--resume").json
    whole = microtwin(*args, tmp_path / "w.tif", "--max-proposals", 200_000).json
    assert second["proposals"] == whole["proposals"] > first["proposals"]
    assert (read_image(twin) == read_image(tmp_path / "w.tif")).all()


def test_compare_writes_report_and_tables(microtwin, micrographs, volume, tmp_path):
    outputs = [tmp_path / f"r.{suffix}" for suffix in ("html", "json", "csv")]
    ended = microtwin(
        "compare", micrographs / "phases", "--with", f"same={micrographs / 'phases'}",
        "--with", f"grey={micrographs / 'grey'}", "--with", f"volume={volume}",
        *(part for path in outputs for part in ("-o", path)), "--json",
    )  # fmt: skip
    assert ended.json["methods"].keys() == {"same", "grey", "volume"}
    assert ended.json["methods"]["same"]["rms"] == 0
    assert all(path.stat().st_size > 1000 for path in outputs)


def test_compare_holds_any_curves_and_what_is_conducted_against_the_real_ones(
    microtwin, micrographs, tmp_path
):
    ended = microtwin(
        "compare", micrographs / "phases", "--with", f"same={micrographs / 'phases'}",
        "--statistics", "cluster,pore_size", "--k", "0=0,1=1", "-o", tmp_path / "r.html", "--json",
    )  # fmt: skip
    same, real = ended.json["methods"]["same"], ended.json["reference"]
    assert {d["statistic"] for d in same["differences"]} == {"two_point", "cluster", "pore_size"}
    assert same["relative_conductivity"] == real["relative_conductivity"]
    assert 0 < real["relative_conductivity"]["y"]["value"] < 1
    assert "What they conduct" in (tmp_path / "r.html").read_text()


def test_compare_takes_a_description_for_the_reference(microtwin, micrographs, tmp_path):
    real = tmp_path / "real.json"
    microtwin("describe", micrographs / "phases", "--max-lag", 6, "-o", real)
    ended = microtwin(
        "compare", real, "--with", f"same={micrographs / 'phases'}", "-o", tmp_path / "r.html"
    )
    assert ended.code == 0
    assert "means agree within chance" in ended.out


def test_info_tells_versions_threads_and_devices(microtwin):
    facts = microtwin("info", "--json").json
    assert facts["versions"]["microtwin"] == mt.__version__
    assert facts["threads"] >= 1
    assert isinstance(facts["cuda"]["built"], bool)
    assert "JAX devices" in microtwin("info").out


def test_info_lists_the_networks_with_the_thesis_parameter_counts(microtwin):
    facts = microtwin("info", "--models", "--json").json
    counts = {m["name"]: (m["parameters"], m["trainable"]) for m in facts["models"]}
    assert counts["thesis-320-generator"] == (499_777, 499_137)
    assert counts["thesis-discriminator"] == (68_086, 67_604)
    assert [p["default"] for p in facts["presets"]].count(True) == 1
    assert "499,777" in microtwin("info", "--models").out


def test_results_of_json_are_all_that_is_on_stdout(microtwin, micrographs, tmp_path):
    target = micrographs / "grey" / "0.tif"
    ended = microtwin(
        "anneal", target, "--shape", "16,16", "--max-proposals", 500, "--json",
        "-o", tmp_path / "t.tif",
    )  # fmt: skip
    assert ended.json["output"] == str(tmp_path / "t.tif")
    assert "cut into two phases" in ended.err


def test_python_dash_m_is_the_same_command(tmp_path):
    file = save_image(tmp_path / "a.tif", np.indices((8, 8)).sum(axis=0).astype(np.uint8) % 2)
    done = subprocess.run(
        [sys.executable, "-m", "microtwin", "describe", file, "--max-lag", "2"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "0.500000" in done.stdout
