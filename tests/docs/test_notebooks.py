"""Every notebook runs from an empty folder, and what it shows is kept in it."""

from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SLOW = ("6_train", "7_generate")  # networks are compiled
SECONDS = 300  # for a cell on a busy machine

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")


def notebooks():
    for path in sorted(EXAMPLES.glob("*.ipynb")):
        marks = [pytest.mark.slow] if path.stem in SLOW else []
        yield pytest.param(path, id=path.stem, marks=marks)


def pictures(notebook):
    outputs = [one for cell in notebook.cells for one in cell.get("outputs", ())]
    return [one for one in outputs if "image/png" in one.get("data", {})]


@pytest.mark.parametrize("path", notebooks())
def test_runs_and_draws_as_many_pictures_as_it_keeps(path, tmp_path):
    kept = nbformat.read(path, 4)
    assert pictures(kept)
    assert all(cell.outputs for cell in kept.cells[-1:] if cell.cell_type == "code")
    fresh = nbformat.read(path, 4)
    for cell in fresh.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    run = nbclient.NotebookClient(
        fresh, timeout=SECONDS, kernel_name="python3",
        resources={"metadata": {"path": str(tmp_path)}},
    )  # fmt: skip
    run.execute()
    assert len(pictures(fresh)) == len(pictures(kept))


def test_each_stage_has_one_and_the_gallery_shows_it():
    names = [path.stem for path in sorted(EXAMPLES.glob("*.ipynb"))]
    assert [name.partition("_")[0] for name in names] == [str(i) for i in range(1, 10)]
    page = (EXAMPLES.parent / "docs" / "examples.md").read_text(encoding="utf-8")
    for name in names:
        assert f"../examples/{name}.ipynb" in page
        assert f"images/examples/{name}.png" in page
        assert (EXAMPLES.parent / "docs" / "images" / "examples" / f"{name}.png").exists()
