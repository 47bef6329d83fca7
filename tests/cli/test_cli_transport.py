"""`microtwin transport`: many structures, rows as they finish, and how it ends."""

import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest

import microtwin as mt
from microtwin.images import save_image
from microtwin.images.synthetic import gaussian_field


@pytest.fixture
def rocks(tmp_path):
    """A folder of three small volumes of labels."""
    (tmp_path / "rocks").mkdir()
    for i, fraction in enumerate((0.4, 0.5, 0.6)):
        labels = gaussian_field((10, 12, 14), correlation_length=2, fraction=fraction, seed=i)
        save_image(tmp_path / "rocks" / f"{i}.tif", labels)
    return tmp_path / "rocks"


@pytest.fixture
def walls(tmp_path):
    """A structure that conducts along y only."""
    np.save(tmp_path / "walls.npy", np.tile(np.array([0, 1, 1, 0], np.uint8), (6, 2)))
    return tmp_path / "walls.npy"


def test_a_row_for_each_file_and_axis(microtwin, rocks, tmp_path):
    table = tmp_path / "out.csv"
    ended = microtwin("transport", rocks, "--phase", 1, "-o", table)
    assert ended.code == 0
    assert f"Written: {table}" in ended.out
    assert all(
        name in ended.out for name in ("k_eff", "±", "tau", "boundary face, sides insulated")
    )
    rows = pd.read_csv(table, comment="#")
    assert rows.axis.tolist() == ["z", "y", "x"] * 3
    wanted = mt.effective_diffusivity(mt.read_image(rocks / "1.tif"), phase=1, axis=1)
    row = rows.iloc[4]
    assert row.effective == pytest.approx(wanted.effective, rel=1e-6)
    assert row.tortuosity_factor == pytest.approx(wanted.tortuosity_factor, rel=1e-6)
    assert row.lower <= row.effective <= row.upper
    assert row.porosity == wanted.porosity
    assert rows.boundary.eq("face").all()


def test_json_holds_the_rows_and_nothing_else_is_on_stdout(microtwin, walls):
    ended = microtwin("transport", walls, "--k", "0=0,1=2.5", "--axis", "y,1", "--json")
    assert ended.code == 0
    down, across = ended.json["rows"]
    assert (down["axis"], across["axis"]) == ("y", "x")
    assert down["effective"] == pytest.approx(1.25)
    assert down["tortuosity_factor"] == pytest.approx(1)
    assert across["percolates"] is False
    assert across["tortuosity_factor"] is None
    assert ended.json["failed"] == []


@pytest.mark.parametrize(("axis", "code"), [("x", 1), ("all", 0), ("0", 0), ("1", 1)])
def test_the_exit_code_tells_whether_anything_percolates(microtwin, walls, axis, code):
    ended = microtwin("transport", walls, "--phase", 1, "--axis", axis)
    assert ended.code == code
    assert ("no way" in ended.out) == (axis in ("x", "1", "all"))


def test_a_file_that_fails_is_told_of_and_the_others_are_done(microtwin, rocks, tmp_path):
    np.save(rocks / "0.npy", np.zeros((2, 2, 2, 2), np.uint8))
    (rocks / "text.tif").write_text("no image")
    np.save(rocks / "other.npy", np.full((8, 8, 8), 300))
    table = tmp_path / "out.csv"
    ended = microtwin("transport", rocks, "--k", "0=0,1=1", "--axis", "z", "-o", table)
    assert ended.code == 2
    notes = [line for line in ended.err.splitlines() if line.startswith("microtwin: ")]
    assert len(notes) == 3
    assert "must be 2-D or 3-D" in notes[0]
    assert any("other.npy" in note for note in notes)
    assert len(pd.read_csv(table, comment="#")) == 3
    failed = microtwin("transport", rocks, "--k", "0=0,1=1", "--axis", "z", "--json").json["failed"]
    assert len(failed) == 3


def test_resume_skips_what_is_done_and_drops_a_torn_line(microtwin, rocks, tmp_path):
    table = tmp_path / "out.csv"
    arguments = ("transport", rocks, "--phase", 1, "-o", table, "--geometry")
    assert microtwin(*arguments).code == 0
    whole = table.read_text()
    lines = whole.splitlines(keepends=True)
    marked = lines[2].replace(lines[2].split(",")[3], "0.125")  # to see that it is not done again
    table.write_text("".join([*lines[:2], marked, lines[3], lines[4][:40]]))
    assert microtwin(*arguments, "--resume").code == 0
    rows = pd.read_csv(table, comment="#")
    before = pd.read_csv(tmp_path / "out.csv", comment="#")
    assert len(rows) == len(before) == 9
    assert rows.effective[0] == 0.125
    columns = ["file", "axis", "effective", "percolates", "porosity", "geodesic_tortuosity"]
    (tmp_path / "whole.csv").write_text(whole)
    wanted = pd.read_csv(tmp_path / "whole.csv", comment="#")
    pd.testing.assert_frame_equal(rows[columns][1:], wanted[columns][1:])
    for row in rows.itertuples():  # numbers are numbers again, flags are flags
        assert row.percolates in (True, False)


def test_rows_of_other_settings_are_not_gone_on_with(microtwin, walls, tmp_path):
    table = tmp_path / "out.csv"
    assert microtwin("transport", walls, "--phase", 1, "-o", table).code == 0
    before = table.read_text()
    complaint = microtwin(
        "transport", walls, "--phase", 1, "--tol", "1e-3", "-o", table, "--resume"
    ).complaint
    assert "written with other settings" in complaint
    assert table.read_text() == before
    assert microtwin("transport", walls, "--phase", 1, "--tol", "1e-3", "-o", table).code == 0
    table.write_text("a,b\n1,2\n")
    again = microtwin("transport", walls, "--phase", 1, "-o", table, "--resume").complaint
    assert "is no table of microtwin transport" in again


def test_an_interrupt_leaves_a_table_to_go_on_with(tmp_path):
    folder = tmp_path / "many"
    folder.mkdir()
    labels = gaussian_field((72, 72, 72), correlation_length=2, fraction=0.5, seed=0)
    for i in range(20):  # each takes several times as long as a look at the table
        np.save(folder / f"{i:02}.npy", np.asarray(labels))
    table = tmp_path / "out.csv"
    command = [sys.executable, "-m", "microtwin", "transport", str(folder), "--phase", "1",
               "-o", str(table), "--geometry", "--axis", "z"]  # fmt: skip
    running = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        # What is started in the background of a shell ignores Ctrl-C, and so would this.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    for _ in range(2400):  # a busy machine takes its time
        time.sleep(0.05)
        if table.exists() and len(table.read_text().splitlines()) > 4:
            break
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=60)
    assert running.returncode == 130, err
    assert "interrupted; go on with --resume" in err
    assert "Traceback" not in err
    done = pd.read_csv(table, comment="#")
    assert 2 <= len(done) < 20
    assert not list(tmp_path.glob(".*partial*"))
    ended = subprocess.run([*command, "--resume"], capture_output=True, text=True, check=True)
    assert "Traceback" not in ended.stderr
    rows = pd.read_csv(table, comment="#")
    assert rows.file.is_unique
    assert len(rows) == 20
    pd.testing.assert_frame_equal(rows[: len(done)], done)


def test_grey_levels_are_cut_each_at_its_own_or_where_it_is_said(microtwin, tmp_path):
    rng = np.random.default_rng(0)
    for name, level in (("dark", 20), ("bright", 120)):
        labels = gaussian_field((32, 32), correlation_length=3, fraction=0.7, seed=5)
        grey = rng.normal(level + 80 * labels, 8).clip(0, 255).astype(np.uint8)
        save_image(tmp_path / f"{name}.tif", grey)
    files = (tmp_path / "dark.tif", tmp_path / "bright.tif")
    ended = microtwin("transport", *files, "--phase", 1, "--json")
    assert "2 of grey levels cut into two phases at" in ended.err
    rows = ended.json["rows"]
    assert rows[0]["porosity"] == pytest.approx(rows[2]["porosity"], abs=0.01)
    assert rows[0]["threshold"] < 120 < rows[2]["threshold"]
    said = microtwin("transport", *files, "--phase", 1, "--threshold", 110, "--json")
    assert "cut" not in said.err
    assert {row["threshold"] for row in said.json["rows"]} == {110}


def test_the_tensor_has_principal_values(microtwin, rocks, tmp_path):
    one = rocks / "2.tif"
    ended = microtwin("transport", one, "--k", "0=0.1,1=1", "--tensor", "-o", tmp_path / "t.csv")
    assert ended.code == 0
    assert "Principal values of 2.tif" in ended.out
    rows = pd.read_csv(tmp_path / "t.csv", comment="#")
    wanted = mt.effective_tensor(mt.read_image(one), {0: 0.1, 1: 1.0})
    np.testing.assert_allclose(rows.effective, wanted.diagonal, rtol=1e-6)
    found = [float(v) for v in rows.principal_values[0].split()]
    np.testing.assert_allclose(found, wanted.principal_values, rtol=1e-6)
    assert rows.boundary.eq("periodic").all()


def test_geometry_comes_beside(microtwin, walls):
    (row,) = microtwin(
        "transport", walls, "--phase", 1, "--axis", "y", "--geometry", "--json"
    ).json["rows"]
    assert row["geodesic_tortuosity"] == 1
    assert row["percolating_fraction"] == 1
    assert row["permeability_estimate"] > 0


@pytest.mark.parametrize("axis", ["y", "x", "all"])
def test_plots_are_drawn(microtwin, walls, tmp_path, axis):
    picture = tmp_path / "out.png"
    microtwin("transport", walls, "--phase", 1, "--axis", axis, "--plot", picture)
    assert picture.stat().st_size > 10_000


def test_pages_of_a_stack_are_structures_of_their_own(microtwin, tmp_path):
    labels = gaussian_field((3, 20, 20), correlation_length=2, fraction=0.8, seed=0)
    np.save(tmp_path / "stack.npy", labels)
    rows = microtwin("transport", tmp_path / "stack.npy", "--stack", "--phase", 1, "--json").json
    names = [row["file"].rsplit("/", 1)[-1] for row in rows["rows"]]
    assert names == [f"stack.npy[{i}]" for i in (0, 0, 1, 1, 2, 2)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "say what conducts: either --k 0=0,1=1 or --phase 1"),
        (("--k", "1=1", "--phase", "1"), "say what conducts"),
        (("--k", "0:1"), "k must be label=number with commas between"),
        (("--k", "a=1"), "each label in k must be one whole number"),
        (("--k", "0=a"), "k of label 0 must be a number"),
        (("--k", "0=1,0=2"), "k must name each label once"),
        (("--phase", "pore"), "phase must be whole numbers"),
        (("--phase", "1", "--axis", "w"), "axis must be all or of z, y, x, 0, 1, 2; not 'w'"),
        (("--phase", "1", "--axis", "z"), "axis must be all or of y, x, 0, 1; not 'z'"),
        (("--phase", "1", "--boundary", "open"), "boundary must be one of face"),
        (("--phase", "1", "--sides", "open"), "sides must be one of"),
        (("--phase", "1", "--tol", "0"), "tol must be between"),
        (("--phase", "1", "--max-iterations", "0"), "max_iterations must be"),
        (("--phase", "1", "--device", "cuda"), "is not available"),
        (("--phase", "1", "--resume"), "resume needs the table"),
        (("--phase", "1", "-o", "out.xlsx"), "output must end in .csv"),
        (("--phase", "1", "--plot", "out.doc"), "plot must end in"),
        (("--phase", "1", "-o", "/none/out.csv"), "output must be in an existing folder"),
        (("--k", "1=-1,0=0"), r"conductivities[1] must be at least 0"),
        (("--k", "0=0"), "one number above 0"),
    ],
)
def test_bad_input_is_one_line(microtwin, walls, arguments, message):
    assert message in microtwin("transport", walls, *arguments).complaint


def test_missing_files_are_named(microtwin, tmp_path):
    complaint = microtwin("transport", tmp_path / "none.tif", "--phase", 1).complaint
    assert "none.tif does not exist" in complaint
