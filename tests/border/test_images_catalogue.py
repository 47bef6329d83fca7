"""Folders of images and the tables made of them."""

from dataclasses import replace

import numpy as np
import pytest

from microtwin.errors import InputError
from microtwin.images import Catalogue, Entry, find_images, save_image
from microtwin.images.catalogue import MODEL

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
    assert list(frame.columns) == ["id", "label", "path", "split", "score", "by"]
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
        ("id,label,path\n1,YES\n", "no path in row 1"),
        ("id,label,path\n1,YES,a.png\n2,YES,\n", "no path in row 2"),
        ("id,label,path\n1,YES,a.png,more\n", "more cells than columns in row 1"),
        ("id,label,path\n1,YES,a.png\n1,NO,b.png\n", "id must be there once; 1 is of .*a.png and"),
        ("id,label,path\n1,YES,a.png\n2,NO,c/../a.png\n", "a.png has the ids 1 and 2"),
        ("id,label,path,score\n1,YES,a.png,much\n", "score must be a number"),
        ("id,label,path\n1,YES,a.png\n\0\n", "CSV|row"),
    ],
)
def test_tables_that_are_no_catalogue_are_errors(tmp_path, text, message):
    path = tmp_path / "table.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        Catalogue.from_csv(path)


@pytest.fixture
def table(folder):
    return Catalogue.from_folder(folder, labels="none").to_csv(folder / "table.csv")


def labels_of(catalogue):
    return {entry.id: (entry.label, entry.by) for entry in catalogue if entry.label}


def test_everything_said_about_an_image_comes_back(folder):
    rows = (
        Entry(7, "YES", folder / "a.tif", "train", 0.25, "Ana, of the lab", (("sample", "CL;1"),)),
        Entry(3, "", folder / "b.png"),
        Entry(4, "NO", folder / 'odd "name", twice\n.png', "test", 1.0, MODEL),
    )
    written = Catalogue(rows).to_csv(folder / "table.csv")
    back = Catalogue.from_csv(written)
    assert back[7] == rows[0]
    assert [replace(entry, extra=()) for entry in back] == [replace(e, extra=()) for e in rows]
    assert back[3].extra == (("sample", ""),)
    assert back.to_dataframe()["sample"].tolist() == ["CL;1", "", ""]
    assert back.to_dataframe()["score"].isna().tolist() == [False, True, False]


def test_a_table_of_a_spreadsheet_opens(folder):
    path = folder / "table.csv"
    path.write_bytes("\ufeffid;label;path\r\n5;YES;b.png\r\n".encode())
    (entry,) = Catalogue.from_csv(path)
    assert entry == Entry(5, "YES", folder / "b.png")


def test_tables_of_others_open_by_the_names_of_their_columns(folder, tmp_path):
    path = tmp_path / "others.csv"
    path.write_text("image,class,patient\nb.png,pneumonia,p1\na.tif,normal,p2\n")
    read = Catalogue.from_csv(path, columns={"path": "image", "label": "class"}, root=folder)
    assert [(e.id, e.label, e.path.exists()) for e in read] == [
        (0, "pneumonia", True),
        (1, "normal", True),
    ]
    assert read[1].extra == (("patient", "p2"),)
    with pytest.raises(InputError, match="columns id, kind and path"):
        Catalogue.from_csv(path, columns={"label": "kind"})
    with pytest.raises(InputError, match="columns must name id"):
        Catalogue.from_csv(path, columns={"labels": "class"})


def test_ids_and_files_are_there_once(folder):
    one, two = folder / "a.tif", folder / "b.png"
    with pytest.raises(InputError, match="each id must be there once; 1 is of"):
        Catalogue((Entry(1, "", one), Entry(1, "", two)))
    with pytest.raises(InputError, match="each file must be there once"):
        Catalogue((Entry(1, "", one), Entry(2, "", one.parent / "NO" / ".." / one.name)))


def test_a_model_never_replaces_what_a_person_said(table):
    Catalogue.update(table, {0: "YES", 1: "NO"}, by="Ana")
    Catalogue.update(table, {2: "YES", 1: "YES"}, by=MODEL, scores={1: 0.9, 2: 0.8})
    after = Catalogue.from_csv(table)
    assert labels_of(after) == {0: ("YES", "Ana"), 1: ("NO", "Ana"), 2: ("YES", MODEL)}
    assert [after[i].score for i in (0, 1, 2)] == [None, 0.9, 0.8]
    Catalogue.update(table, {2: "NO"}, by="Ana")
    Catalogue.update(table, {2: "YES"}, by=MODEL)
    assert Catalogue.from_csv(table)[2].label == "NO"


def test_labels_of_folders_and_old_tables_count_as_a_persons(folder):
    path = Catalogue.from_folder(folder).to_csv(folder / "table.csv")
    after = Catalogue.update(path, dict.fromkeys(range(5), "MAYBE"), by=MODEL)
    assert [entry.label for entry in after] == ["NO", "YES/deep", "YES", "MAYBE", "MAYBE"]


def test_a_label_can_be_taken_back(table):
    Catalogue.update(table, {0: "YES"}, by="Ana")
    after = Catalogue.update(table, {0: ""}, by="Ana")
    assert labels_of(after) == {}
    assert after[0].by == ""


def test_updates_of_what_is_not_there_change_nothing(table):
    before = table.read_bytes()
    for labels, scores, message in [
        ({99: "YES", 0: "YES"}, {}, "no image with the id 99"),
        ({0: "YES"}, {98: 0.5}, "no image with the id 98"),
        ({0: "YES"}, {0: 1.5}, "score of 0 must be between 0 and 1"),
    ]:
        with pytest.raises(InputError, match=message):
            Catalogue.update(table, labels, by="Ana", scores=scores)
        assert table.read_bytes() == before
    with pytest.raises(InputError, match="existing folder"):
        Catalogue.update(table.parent / "none" / "table.csv", {0: "YES"})
    with pytest.raises(InputError, match="readable"):
        Catalogue.update(table.with_name("other.csv"), {0: "YES"})


def test_new_images_are_added_and_old_rows_stay(folder, table):
    Catalogue.update(table, {1: "YES"}, by="Ana")
    for name in ("a_new.png", "NO/new.png"):
        save_image(folder / name, GREY)
    after = Catalogue.add(table, find_images(folder))
    assert [entry.id for entry in after] == list(range(7))
    assert labels_of(after) == {1: ("YES", "Ana")}
    assert {entry.path.name for entry in list(after)[5:]} == {"a_new.png", "new.png"}
    assert Catalogue.add(table, find_images(folder)) == after == Catalogue.from_csv(table)


def test_add_makes_the_table_that_is_not_there(folder):
    made = Catalogue.add(folder / "new.csv", Catalogue.from_folder(folder))
    assert Catalogue.from_csv(folder / "new.csv") == made
    assert made[0].label == "NO"
