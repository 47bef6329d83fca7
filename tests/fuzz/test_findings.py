"""What fuzzing has found stays found; and the border of the core lives through whatever comes."""

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

import microtwin as mt
from faults.test_damaged_files import refusal
from fuzz import border, readers

HERE = Path(__file__).parent


def test_a_tiff_whose_pages_go_round_in_a_circle_is_refused():
    """From tifffile's series that were not counted first: read without end."""
    file = HERE / "findings" / "pages_without_end.tif"
    assert "cut short" in refusal(mt.read_image, file)
    assert refusal(lambda path: mt.describe_tiles(mt.open_volume(path)), file) is not None


@pytest.mark.parametrize("name", sorted(file.name for file in HERE.glob("findings/*--*")))
def test_what_was_found_in_a_kind_of_file_is_refused(name, tmp_path):
    """Named as the kind, and what is wrong: each raised what nobody foresaw, or took gigabytes."""
    kind = name.partition("--")[0].replace("_", " ")
    data = (HERE / "findings" / name).read_bytes()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    readers.checked(kind, tmp_path, data)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 500_000  # KiB


def test_the_fuzzer_of_readers_reads_its_seeds(tmp_path):
    from faults.damaged import KINDS

    for name in ("tif", "description json"):
        good = tmp_path / f"good{KINDS[name].suffix}"
        KINDS[name].write(good)
        readers.checked(name, tmp_path, good.read_bytes())
        readers.checked(name, tmp_path, good.read_bytes()[:40])


@pytest.mark.parametrize("seed", range(2))
def test_the_border_of_the_core_answers_or_refuses(seed):
    ended = subprocess.run(
        [sys.executable, border.__file__, str(seed), "150"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    answered = json.loads(ended.stdout)
    assert sum(count > 0 for count in answered.values()) >= 8, answered
