"""The preclassifier learns what persons said, and labels the rest without overwriting them."""

from dataclasses import replace

import pytest

from microtwin.classification import load_classifier
from microtwin.errors import InputError
from microtwin.images import Catalogue
from microtwin.images.catalogue import MODEL
from microtwin.selection import (
    Rounds,
    ask_next,
    predict_labels,
    read_answers,
    summarise,
    table_of,
    train_preclassifier,
)


def copied(table, where):
    """Return the same table elsewhere."""
    return Catalogue.from_csv(table).to_csv(where / "table.csv")


def test_it_learns_from_persons_and_splits_what_they_labelled(trained):
    model, table = trained
    assert model.classes == ("NO", "YES")
    assert model.metrics["val_accuracy"] == 1.0
    now = Catalogue.from_csv(table)
    splits = [entry.split for entry in now]
    assert (splits.count("train"), splits.count("validation")) == (34, 6)
    assert (model.settings.images, model.settings.validation) == (34, 6)
    assert set(splits[40:]) == {""}


def test_it_labels_what_nobody_has_and_scores_everything(trained, images, tmp_path):
    model, table = trained
    table = copied(table, tmp_path)
    Catalogue.update(table, {41: "YES", 0: "NO"}, by="Ben")  # both wrong, but a person's
    after, failed = predict_labels(table, model)
    assert failed == {}
    assert after == Catalogue.from_csv(table)
    assert all(entry.score is not None for entry in after)
    assert (after[41].label, after[0].label) == ("YES", "NO")
    assert [after[i].by for i in (0, 1, 40, 41)] == ["Ben", "Ana", MODEL, "Ben"]
    right = [after[i].label == images.answers[i] for i in range(40, 60) if i != 41]
    assert sum(right) >= 18
    summary = summarise(table)
    assert summary.left_to_the_model == 19
    assert summary.validation.images == 6


def test_labels_are_given_only_where_the_model_is_sure_enough(trained, tmp_path):
    model, table = trained
    table = copied(table, tmp_path)
    predict_labels(table, model)
    after, _ = predict_labels(table, model, sure=1.0)
    assert not any(entry.by == MODEL and entry.label for entry in after)
    assert all(entry.score is not None for entry in after)


def test_resumed_it_leaves_out_what_has_a_score(trained, tmp_path):
    model, table = trained
    table = copied(table, tmp_path)
    Catalogue.update(table, {}, by=MODEL, scores={50: 0.123})
    after, _ = predict_labels(table, model, resume=True)
    assert after[50].score == 0.123
    assert after[50].label == ""
    assert after[51].label


def test_an_image_that_cannot_be_read_does_not_stop_the_others(trained, images, tmp_path):
    model, _ = trained
    (tmp_path / "broken.png").write_bytes(b"no image")
    rows = [*Catalogue.from_folder(images.folder, labels="none").where(lambda e: e.id < 9)]
    broken = replace(rows[0], id=9, path=tmp_path / "broken.png")
    gone = replace(rows[0], id=10, path=tmp_path / "gone.png")
    table = Catalogue((*rows, broken, gone)).to_csv(tmp_path / "table.csv")
    after, failed = predict_labels(table, model)
    assert set(failed) == {9, 10}
    assert "does not exist" in failed[10]
    assert all(after[i].score is not None for i in range(9))
    assert after[9].score is after[10].score is None


def test_a_catalogue_in_memory_will_do_and_other_labels_are_left_out(trained, tmp_path):
    rows = [*Catalogue.from_csv(trained[1]).where(lambda entry: entry.by_person)]
    rows[0] = replace(rows[0], label="MAYBE")
    rows[1] = replace(rows[1], split="test")
    model = train_preclassifier(Catalogue(tuple(rows)), workdir=tmp_path, size=40, epochs=1)
    kept = [row for row in rows if row.label != "MAYBE"]
    assert model.settings.images == sum(row.split == "train" for row in kept)
    assert model.settings.validation == sum(row.split == "validation" for row in kept)


def test_too_few_labels_are_an_error_that_says_how_many_there_are(images, tmp_path):
    table = images.table(tmp_path, range(0, 20, 2))
    with pytest.raises(InputError, match="it has 8, 0 and 2"):
        train_preclassifier(table, workdir=tmp_path / "run", size=40)
    assert not (tmp_path / "run").exists()
    Catalogue.update(table, dict.fromkeys(range(1, 60, 2), "NO"), by=MODEL)
    with pytest.raises(InputError, match="it has 8, 0 and 2"):
        train_preclassifier(table, workdir=tmp_path / "run", size=40)
    with pytest.raises(InputError, match="preset must be one of"):
        train_preclassifier(table, workdir=tmp_path / "run", preset="none")


def test_a_classifier_of_something_else_is_refused(trained, tmp_path):
    model, table = trained
    with pytest.raises(InputError, match="must know the labels GOOD and BAD, not NO, YES"):
        predict_labels(copied(table, tmp_path), model, labels=("GOOD", "BAD"))


def test_its_embeddings_tell_which_images_are_alike(trained, tmp_path):
    model, table = trained
    table = copied(table, tmp_path)
    predict_labels(table, model)
    asked = ask_next(table, 6, model=model)
    assert len(asked) == 6
    assert all(question.id >= 40 for question in asked)


def test_rounds_are_numbered_and_the_newest_with_weights_counts(trained, tmp_path):
    rounds = Rounds(tmp_path / "table.csv")
    assert rounds.curve() == ()
    with pytest.raises(InputError, match="no model has been trained yet"):
        rounds.newest()
    assert rounds.upcoming() == rounds.upcoming(resume=True) == tmp_path / "table.rounds" / "1"
    (rounds.folder / "9").mkdir()
    run = trained[1].parent / "run"
    (rounds.folder / "10").symlink_to(run)
    (rounds.folder / "11").mkdir()
    assert rounds.newest().name == "10"
    assert rounds.upcoming().name == "12"
    assert rounds.upcoming(resume=True).name == "11"
    (one,) = rounds.curve()
    assert (one.number, one.labels, one.validation, one.accuracy) == (10, 34, 6, 1.0)
    assert one.epochs == len(load_classifier(run).history)


def test_a_folder_gets_a_table_that_grows_with_it(images, tmp_path):
    for path in sorted(images.folder.iterdir())[:3]:
        (tmp_path / "YES").mkdir(exist_ok=True)
        (tmp_path / "YES" / path.name).write_bytes(path.read_bytes())
    table = table_of(tmp_path)
    assert table == tmp_path / "catalogue.csv"
    assert [entry.label for entry in Catalogue.from_csv(table)] == [""] * 3
    (tmp_path / "YES" / "new.png").write_bytes((images.folder / "00.png").read_bytes())
    table_of(tmp_path, labels_from_folders=True)
    assert [entry.label for entry in Catalogue.from_csv(table)] == ["", "", "", "YES"]
    assert table_of(table) == table
    with pytest.raises(InputError, match="must be a table"):
        table_of(tmp_path / "none")


def test_answers_come_by_id_or_by_path(images, tmp_path):
    catalogue = Catalogue.from_csv(images.table(tmp_path))
    path = images.folder / "answers.csv"
    path.write_text("id,path,label,by\n3,,YES,\n,05.png,NO,Ben\n7,,,\n8,,YES,model\n")
    try:
        assert read_answers(path, catalogue) == {"": {3: "YES"}, "Ben": {5: "NO"}}
        for row, message in [
            ("99,YES", "no image with the id 99"),
            ("x,YES", "row 1 does not"),
            (",YES", "row 1 does not"),
        ]:
            path.write_text(f"id,label\n{row}\n")
            with pytest.raises(InputError, match=message):
                read_answers(path, catalogue)
    finally:
        path.unlink()
