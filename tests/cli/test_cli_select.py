"""`microtwin select`: label, ask, train, predict, and where it stands."""

import csv
import io
import sys

import numpy as np
import pytest

from microtwin.images import Catalogue, save_image

FIT = {i: "YES" if i % 2 == 0 else "NO" for i in range(30)}


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    root = tmp_path / "images"
    root.mkdir()
    for i in range(30):
        waves = 60 * np.sin(np.arange(40)) * (i % 2 == 0)
        grey = 128 + waves[:, None] + rng.normal(0, 10, (40, 40))
        save_image(root / f"{i:02}.png", np.clip(grey, 0, 255).astype(np.uint8))
    return root


@pytest.fixture
def typed(monkeypatch):
    def type_(text):
        monkeypatch.setattr(sys, "stdin", io.StringIO(text))

    return type_


def labels(folder):
    now = Catalogue.from_csv(folder / "catalogue.csv")
    return {entry.id: (entry.label, entry.by) for entry in now if entry.label}


def test_keys_label_undo_skip_and_quit(microtwin, folder, typed):
    typed("y n\nsuy?q")
    ended = microtwin("select", "label", folder, "--by", "Ana")
    assert ended.code == 0
    assert labels(folder) == {0: ("YES", "Ana"), 1: ("YES", "Ana")}
    assert "2 labelled, 28 left" in ended.out
    assert "the keys are" in ended.err
    typed("un")
    ended = microtwin("select", "label", folder, "--by", "Ana", "--json")
    assert "nothing to undo" in ended.err
    assert ended.json["labelled"] == 1
    assert labels(folder)[2] == ("NO", "Ana")


def test_labels_come_from_a_table_or_by_ids(microtwin, folder, tmp_path):
    answers = tmp_path / "answers.csv"
    answers.write_text("id,label\n3,NO\n5,YES\n7,\n")
    ended = microtwin("select", "label", folder, "--by", "Ana", "--from", answers)
    assert ended.out.endswith("2 labelled\n")
    microtwin("select", "label", folder, "--by", "Ben", "--set", "YES", 8, 9)
    assert labels(folder) == {
        3: ("NO", "Ana"),
        5: ("YES", "Ana"),
        8: ("YES", "Ben"),
        9: ("YES", "Ben"),
    }


def test_what_is_asked_for_can_be_labelled_in_that_order(microtwin, folder, tmp_path, typed):
    listed = tmp_path / "asked.csv"
    ended = microtwin("select", "ask", folder, "-n", 6, "-o", listed, "--json")
    asked = [row["id"] for row in ended.json["asked"]]
    assert len(asked) == 6
    with listed.open() as file:
        assert [int(row["id"]) for row in csv.DictReader(file)] == asked
    typed("yyyyyyyy")
    microtwin("select", "label", folder, "--by", "Ana", "--asked", listed)
    assert list(labels(folder)) == sorted(asked)
    typed("")
    assert microtwin("select", "label", folder, "--asked", listed).code == 1


def test_the_whole_way_from_a_folder_to_labels(microtwin, folder, tmp_path):
    answers = tmp_path / "answers.csv"
    rows = [f"{i},{FIT[i]}" for i in range(24)]
    answers.write_text("\n".join(["id,label", *rows]))
    microtwin("select", "label", folder, "--by", "Ana", "--from", answers)
    ended = microtwin("select", "train", folder, "--size", 40, "--epochs", 20, "--json")
    assert ended.code == 0, ended.err
    trained = ended.json
    assert (trained["images"], trained["validation"]) == (20, 4)
    assert trained["val_accuracy"] == 1.0
    assert trained["commoner_label"] == 0.5
    ended = microtwin("select", "predict", folder, "--json")
    assert ended.code == 0
    assert ended.json["by"] == {"Ana": 24, "model": 6}
    assert ended.json["validation"]["right"] == 4
    found = labels(folder)
    assert sum(found[i][0] == FIT[i] for i in range(24, 30)) >= 5
    ended = microtwin("select", "ask", folder, "-n", 3, "-m", trained["output"])
    assert ended.code == 0
    assert "score" in ended.out
    ended = microtwin("select", "status", folder)
    assert "24 labelled by hand, 6 by the model" in ended.out
    assert "learned from" in ended.out
    # Everything wrong: the answer is no.
    answers.write_text("\n".join(["id,label", *(f"{i},{['YES', 'NO'][i < 2]}" for i in range(24))]))
    microtwin("select", "label", folder, "--by", "Ana", "--from", answers)
    ended = microtwin("select", "train", folder, "--size", 40, "--epochs", 1)
    assert ended.code == 1
    assert "no better than" in ended.err
    assert (folder / "catalogue.rounds" / "2").is_dir()


def test_labels_of_folders_count_where_asked_for(microtwin, folder):
    (folder / "NO").mkdir()
    (folder / "00.png").rename(folder / "NO" / "00.png")
    typed = microtwin("select", "label", folder, "--labels-from-folders", "--set", "YES", 5)
    assert typed.code == 0
    assert sorted(label for label, _ in labels(folder).values()) == ["NO", "YES"]


def test_bad_input_is_one_line(microtwin, folder, tmp_path):
    answers = tmp_path / "answers.csv"
    answers.write_text("id,label\n3,PERHAPS\n")
    for arguments, message in [
        (("label", tmp_path / "none"), "does not exist"),
        (("label", folder, "--set", "YES"), "set needs a label and ids"),
        (("label", folder, "--set", "YES", 77), "no image with the id 77"),
        (("label", folder, "--set", "SO", 1), "labels must be YES or NO, not SO"),
        (("label", folder, "--from", answers), "not PERHAPS"),
        (("label", folder, "--from", answers, "--set", "YES", 1), "exclude each other"),
        (("label", folder, "--by", "model", "--set", "YES", 1), "person's name"),
        (("label", folder, "--labels", "YES"), "labels must be two names"),
        (("ask", folder, "-n", 0), "n must be at least 1"),
        (("ask", folder, "--strategy", "guess"), "strategy must be one of"),
        (("ask", folder, "-o", tmp_path / "a.txt"), "output must end in .csv"),
        (("ask", folder, "--validation", 0.9), "validation must be between 0 and 0.5"),
        (("train", folder), "catalogue must have images labelled YES and NO"),
        (("predict", folder), "no model has been trained yet"),
        (("predict", folder, "-m", tmp_path), "not the folder of a trained classifier"),
        (("status", answers), "columns id, label and path"),
    ]:
        assert message in microtwin("select", *arguments).complaint, arguments


def test_every_subcommand_explains_itself(microtwin):
    for name in ("label", "ask", "train", "predict", "status"):
        ended = microtwin("select", name, "--help")
        assert ended.code == 0
        assert "--json" in ended.out


def test_half_blocks_draw_an_image_in_the_space_there_is(folder):
    from microtwin.cli._label import half_blocks

    lines = half_blocks(folder / "00.png", columns=20, rows=30).plain.splitlines()
    assert len(lines) == 10
    assert {len(line) for line in lines} == {20}
    broken = folder / "broken.png"
    broken.write_bytes(b"no image")
    assert "cannot be shown" in half_blocks(broken, columns=20, rows=30).plain
