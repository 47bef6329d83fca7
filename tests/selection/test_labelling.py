"""A person labels a table: what is shown, what is written, what is taken back."""

import pytest

from microtwin.errors import InputError
from microtwin.images import Catalogue, Entry, read_image, sample_micrographs, save_image
from microtwin.images.catalogue import MODEL
from microtwin.selection import Labelling, ask_next, summarise


@pytest.fixture
def table(tmp_path):
    entries = tuple(Entry(i, "", tmp_path / f"{i}.png") for i in range(6))
    return Catalogue(entries).to_csv(tmp_path / "table.csv")


def labels(table):
    return {e.id: (e.label, e.by) for e in Catalogue.from_csv(table) if e.label}


def test_each_image_is_shown_until_it_is_labelled(table):
    session = Labelling(table, by="Ana")
    shown = []
    while (entry := session.next()) is not None:
        assert session.next() == entry
        shown.append(entry.id)
        session.label(entry.id, "YES" if entry.id % 2 else "NO")
    assert shown == list(range(6))
    assert session.done == session.total == 6
    assert labels(table) == {i: ("YES" if i % 2 else "NO", "Ana") for i in range(6)}
    assert Labelling(table, by="Ben").next() is None


def test_undo_goes_back_as_often_as_there_were_answers(table):
    Catalogue.update(table, {1: "NO"}, by=MODEL, scores={1: 0.2})
    session = Labelling(table, by="Ana")
    for i in range(3):
        session.label(session.next().id, "YES")
        assert session.ahead(2) == tuple(range(i + 2, min(i + 4, 6)))
    assert session.undo().id == 2
    assert session.next().id == 2
    assert session.undo() == Catalogue.from_csv(table)[1]
    assert labels(table) == {0: ("YES", "Ana"), 1: ("NO", MODEL)}
    assert session.undo().id == 0
    assert session.undo() is None
    assert session.next().id == 0


def test_skipped_images_come_again_in_another_pass(table):
    session = Labelling(table, by="Ana")
    session.skip()
    assert session.next().id == 1
    assert Labelling(table, by="Ana").next().id == 0
    for _ in range(9):
        session.skip()
    assert session.next() is None


def test_what_others_label_meanwhile_is_not_shown_and_not_undone(table):
    session = Labelling(table, by="Ana")
    session.label(0, "YES")
    Catalogue.update(table, {0: "NO", 1: "NO"}, by="Ben")
    Catalogue.update(table, {2: "NO"}, by=MODEL)
    assert session.next().id == 2  # a model's word is no person's
    session.undo()
    assert labels(table)[0] == ("NO", "Ben")


def test_an_order_may_be_given(table):
    session = Labelling(table, by="Ana", order=[4, 2, 4])
    assert session.total == 2
    assert session.next().id == 4
    with pytest.raises(InputError, match="no image with the id 77"):
        Labelling(table, by="Ana", order=[77])


def test_agreement_counts_how_often_the_scores_were_right(table):
    Catalogue.update(table, {}, by=MODEL, scores={0: 0.9, 1: 0.4, 2: 0.8})
    session = Labelling(table, by="Ana")
    assert session.agreement.accuracy is None
    for i, label in enumerate(("YES", "NO", "NO", "YES")):
        session.label(i, label)
    assert (session.agreement.right, session.agreement.judged) == (2, 3)
    session.undo()
    session.undo()
    assert session.agreement.accuracy == 1.0


def test_names_and_labels_that_are_none_are_errors(table):
    for name in ("", " ", "model"):
        with pytest.raises(InputError, match="person's name"):
            Labelling(table, by=name)
    with pytest.raises(InputError, match="two different names"):
        Labelling(table, by="Ana", labels=("YES", "YES"))
    session = Labelling(table, by="Ana")
    with pytest.raises(InputError, match="label must be one of YES, NO"):
        session.label(0, "PERHAPS")
    with pytest.raises(InputError, match="no image with the id 50"):
        session.label(50, "YES")
    assert session.agreement.judged == 0
    assert session.undo() is None


def test_the_summary_counts_and_judges(table):
    Catalogue.update(table, {0: "YES", 1: "NO", 2: "YES", 3: "YES"}, by="Ana")
    Catalogue.edit(table, lambda now: now.with_splits({"validation": 1.0}))
    scores = {0: 0.9, 1: 0.95, 2: 0.02, 3: 0.6, 4: 0.7}
    Catalogue.update(table, {4: "YES"}, by=MODEL, scores=scores)
    (table.parent / "5.png").touch()
    summary = summarise(table)
    assert summary.images == 6
    assert summary.labels == {"YES": 4, "NO": 1, "": 1}
    assert summary.by_hand == {"YES": 3, "NO": 1}
    assert summary.people == {"Ana": 4, MODEL: 1}
    assert summary.left_to_the_model == 1
    assert summary.scored == 5
    assert summary.splits == {"validation": 4, "": 2}
    assert (summary.validation.right, summary.validation.images) == (2, 4)
    assert summary.validation.low < 0.1 < 0.9 < summary.validation.high
    assert summary.doubted == (1, 2)
    assert summary.missing == (0, 1, 2, 3, 4)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    for i, image in enumerate(sample_micrographs(60, shape=(32, 32), seed=2)):
        save_image(folder / f"{i:02}.png", image)
    return folder


@pytest.fixture
def sixty(pictures, tmp_path):
    return Catalogue.from_folder(pictures, labels="none").to_csv(tmp_path / "sixty.csv")


def test_without_a_model_unlike_images_are_asked_for_and_some_at_random(sixty):
    asked = ask_next(sixty, 12)
    assert len({question.id for question in asked}) == 12
    assert [question.split for question in asked] == ["train"] * 10 + ["validation"] * 2
    assert all(question.score is None and question.doubt is None for question in asked)
    after = Catalogue.from_csv(sixty)
    assert all(after[question.id].split == question.split for question in asked)
    assert sum(entry.split != "" for entry in after) == 12
    again = ask_next(sixty, 12)
    assert {question.id for question in again} == {question.id for question in asked}


def test_validation_images_are_never_asked_for_by_doubt(sixty):
    seen = {"train": set(), "validation": set()}
    for step in range(7):
        scores = {entry.id: (entry.id % 10) / 10 for entry in Catalogue.from_csv(sixty)}
        Catalogue.update(sixty, {}, by=MODEL, scores=scores)
        for question in ask_next(sixty, 10, seed=step):
            seen[question.split].add(question.id)
            Catalogue.update(sixty, {question.id: "YES"}, by="Ana")
    assert not seen["train"] & seen["validation"]
    assert len(seen["train"] | seen["validation"]) == 60
    assert ask_next(sixty, 10) == ()
    assert 3 <= len(seen["validation"]) <= 18


def test_the_doubtful_are_asked_for_first(sixty):
    scores = {i: 0.5 if i < 20 else 0.99 for i in range(60)}
    Catalogue.update(sixty, {}, by=MODEL, scores=scores)
    asked = ask_next(sixty, 10, validation=0, diversity="none")
    assert all(question.id < 20 and question.doubt == 1 for question in asked)
    unlike = ask_next(sixty, 4, validation=0)
    assert all(question.id < 20 for question in unlike)


@pytest.mark.parametrize("strategy", ["random", "coverage", "badge", "margin"])
def test_every_strategy_asks_a_table_with_and_without_scores(sixty, strategy):
    assert len(ask_next(sixty, 5, strategy=strategy)) == 5
    Catalogue.update(sixty, {}, by=MODEL, scores={i: i / 60 for i in range(60)})
    assert len(ask_next(sixty, 5, strategy=strategy, seed=1)) == 5


def test_likeness_may_be_a_networks(sixty):
    class Network:
        def embed(self, images, *, progress):
            return [[float(read_image(path).mean())] for path in images]

    assert len(ask_next(sixty, 5, model=Network())) == 5
