"""`microtwin serve`, and what commands tell the studio on the way."""

import json
import subprocess
import sys
import time

from microtwin.cli import _reports


def test_help_does_not_load_the_framework():
    code = (
        "import sys; from microtwin.cli import app\n"
        "try: app(['serve', '--help'])\n"
        "except SystemExit: print(sorted({'nicegui', 'fastapi', 'jax'} & set(sys.modules)))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "go on when this is stopped" in " ".join(said.stdout.split())
    assert said.stdout.strip().endswith("[]")


def test_without_the_framework_it_says_what_to_install(microtwin, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "nicegui", None)
    assert "pip install 'microtwin[studio]'" in microtwin("serve", tmp_path / "p").complaint


def test_progress_is_appended_to_the_file_that_is_named(
    microtwin, micrographs, tmp_path, monkeypatch
):
    file = tmp_path / "progress.jsonl"
    monkeypatch.setenv(_reports.FILE, str(file))
    begin = time.time()
    assert microtwin("segment", micrographs / "grey", "-o", tmp_path / "phases").code == 0
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert {row["stage"] for row in rows} == {"segmenting"}
    assert rows[-1]["done"] == rows[-1]["total"] == 8
    assert all(begin <= row["time"] <= time.time() for row in rows)


def test_progress_is_thinned_and_never_in_the_way(monkeypatch, tmp_path):
    file = tmp_path / "p.jsonl"
    monkeypatch.setenv(_reports.FILE, str(file))
    report = _reports.to_file("work")
    for i in range(1000):
        report(i, 1000, {"energy": float("nan") if i else 1.0})
    report(1000, 1000, {})
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert len(rows) < 10
    assert rows[0]["values"] == {"energy": 1.0}
    assert rows[-1]["done"] == 1000
    monkeypatch.setenv(_reports.FILE, str(tmp_path / "none" / "p.jsonl"))
    _reports.to_file("work")(1, 1, {})
    monkeypatch.delenv(_reports.FILE)
    _reports.to_file("work")(1, 1, {})


def test_a_picture_of_the_run_is_kept_up_to_date(microtwin, volume, tmp_path):
    ended = microtwin(
        "anneal", volume, "--shape", "16,16,16", "--max-lag", 4, "-o", tmp_path / "t.tif",
        "--frames", tmp_path / "t.gif", "--latest", tmp_path / "t.png", "--json",
    )  # fmt: skip
    assert ended.code == 0
    from PIL import Image

    with Image.open(tmp_path / "t.png") as picture, Image.open(tmp_path / "t.gif") as course:
        assert min(picture.size) >= 256
        course.seek(course.n_frames - 1)
        assert picture.convert("RGB").tobytes() == course.convert("RGB").tobytes()


def test_a_picture_of_the_run_belongs_to_an_animation(microtwin, volume, tmp_path):
    words = ("anneal", volume, "--shape", "8,8", "--latest", tmp_path / "t.png")
    assert microtwin(*words).complaint == "latest needs --frames, whose newest it is"
    words = (*words[:-1], tmp_path / "t.jpg", "--frames", tmp_path / "t.gif")
    assert "latest must end in .png" in microtwin(*words).complaint
