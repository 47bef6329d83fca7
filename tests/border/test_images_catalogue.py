"""Folders of images and the tables made of them."""

import numpy as np
import pytest

from microtwin.errors import InputError
from microtwin.images import Catalogue, find_images, save_image

GREY = np.arange(64, dtype=np.uint8).reshape(8, 8)


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "images"
    names = ["b.png", "a.tif", "YES/one.png", "YES/deep/two.png", "NO/three.npy"]
    left_out = ["a_mask.png", ".hidden.png", ".cache/four.png"]
    for name in names + left_out:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        save_image(root / name, GREY)
    (root / "notes.txt").write_text("no image")
    return root


def test_a_folder_is_searched_to_the_bottom_without_masks_and_hidden_files(folder):
    found = [path.relative_to(folder).as_posix() for path in find_images(folder)]
    assert found == ["NO/three.npy", "YES/deep/two.png", "YES/one.png", "a.tif", "b.png"]


def test_files_and_folders_mix_and_nothing_comes_twice(folder):
    found = find_images([folder / "b.png", folder, folder / "a_mask.png"])
    assert len(found) == 6
    assert found[0] == folder / "b.png"


def test_label_is_the_sub_folder(folder):
    catalogue = Catalogue.from_folder(folder)
    assert [entry.label for entry in catalogue] == ["NO", "YES/deep", "YES", "", ""]
    assert [entry.id for entry in catalogue] == list(range(5))
    assert [entry.path.name for entry in catalogue.with_label("NO")] == ["three.npy"]
    assert all((image == GREY).all() for image in catalogue.read())


@pytest.mark.parametrize("inside", [True, False])
def test_catalogue_comes_back_from_csv_as_it_was(folder, tmp_path, inside):
    catalogue = Catalogue.from_folder(folder)
    path = catalogue.to_csv((folder if inside else tmp_path / "elsewhere.csv").with_suffix(".csv"))
    assert Catalogue.from_csv(path) == catalogue
    frame = catalogue.to_dataframe()
    assert list(frame.columns) == ["id", "label", "path"]
    assert len(frame) == len(catalogue) == 5


def test_catalogue_moves_with_its_folder(folder, tmp_path):
    Catalogue.from_folder(folder).to_csv(folder / "table.csv")
    moved = folder.rename(tmp_path / "moved")
    assert all(entry.path.exists() for entry in Catalogue.from_csv(moved / "table.csv"))


def test_paths_without_images_are_errors(folder, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    for wrong, message in [
        (empty, "no images found"),
        ([], "an empty list"),
        (tmp_path / "missing", "does not exist"),
        (folder / "notes.txt", "suffix"),
    ]:
        with pytest.raises(InputError, match=message):
            find_images(wrong)
    with pytest.raises(InputError, match="no images found"):
        Catalogue.from_folder(empty)
    with pytest.raises(InputError, match="folder must be"):
        Catalogue.from_folder(folder / "b.png")
    with pytest.raises(InputError, match="labels are"):
        Catalogue.from_folder(folder).with_label("MAYBE")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "columns"),
        ("id,path\n0,a.png\n", "columns"),
        ("id,label,path\nx,YES,a.png\n", "row"),
        ("id,label,path\n1,YES\n", "row"),
    ],
)
def test_tables_that_are_no_catalogue_are_errors(tmp_path, text, message):
    path = tmp_path / "table.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        Catalogue.from_csv(path)
