"""Predictions: what is taken, what is refused, and files."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from microtwin.classification.predictions import Predictions
from microtwin.errors import InputError


def same(a, b):
    return np.array_equal(a.probabilities, b.probabilities) and (
        a.classes,
        a.sources,
        a.version,
    ) == (b.classes, b.sources, b.version)


def test_the_likeliest_class_is_predicted_and_of_equal_ones_the_first():
    said = Predictions.of([[0.2, 0.5, 0.3], [0.4, 0.2, 0.4]], classes=("a", "b", "c"))
    assert said.predicted.tolist() == [1, 0]
    assert said.labels == ["b", "a"]
    assert said.confidence.tolist() == [0.5, 0.4]
    assert len(said) == 2


def test_logits_become_probabilities_by_softmax_and_one_logit_by_the_sigmoid():
    logits = np.array([[0.0, np.log(3)], [1000.0, 0.0]])
    assert Predictions.of_logits(logits).probabilities == pytest.approx(
        np.array([[0.25, 0.75], [1, 0]])
    )
    one = Predictions.of_logits(np.array([[-40.0], [0.0], [40.0]]))
    assert one.probabilities[:, 1] == pytest.approx([np.exp(-40), 0.5, 1], rel=1e-12)
    assert one.predicted.tolist() == [0, 0, 1]


names = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\r"), max_size=12)


@given(
    st.lists(names, min_size=2, max_size=4, unique=True),
    st.lists(names, min_size=1, max_size=5),
    st.integers(0, 2**32 - 1),
)
def test_predictions_come_back_from_csv_to_the_last_bit(tmp_path_factory, classes, sources, seed):
    logits = np.random.default_rng(seed).normal(scale=5, size=(len(sources), len(classes)))
    said = Predictions.of_logits(logits, classes=classes, sources=sources)
    path = said.to_csv(tmp_path_factory.mktemp("said") / "p.csv")
    assert same(Predictions.from_csv(path), said)


def test_the_table_tells_image_class_and_probabilities(tmp_path):
    import pandas as pd

    said = Predictions.of([0.25, 0.875], classes=("good", "bad"), sources=("a.png", "b.png"))
    table = said.to_dataframe()
    assert list(table.columns) == ["image", "predicted", "confidence", "p(good)", "p(bad)"]
    assert table.iloc[1].tolist() == ["b.png", "bad", 0.875, 0.125, 0.875]
    read = pd.read_csv(said.to_csv(tmp_path / "p.csv"), comment="#")
    pd.testing.assert_frame_equal(read, table)


def test_a_part_keeps_what_belongs_together():
    said = Predictions.of([0.1, 0.2, 0.9], sources=("a", "b", "c"))
    part = said.part([2, 0])
    assert part.sources == ("c", "a")
    assert part.predicted.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros((0, 2)), "probabilities must be of at least one image"),
        (np.zeros((2, 2, 2)), r"must be of shape \(n, classes\), not \(2, 2, 2\)"),
        ([[0.5, 0.5], [2.0, -1.0]], r"of logits take softmax.*row 1 is \[ 2. -1.\]"),
        ([[0.5, 0.6]], "rows sum to 1"),
        ([np.nan], "rows sum to 1"),
        ([1.2], "must lie between 0 and 1"),
    ],
)
def test_what_are_no_probabilities_is_refused(values, message):
    with pytest.raises(InputError, match=message):
        Predictions.of(values)


def test_names_must_fit():
    with pytest.raises(InputError, match="classes must be 2 different names"):
        Predictions.of([0.5], classes=("a", "a"))
    with pytest.raises(InputError, match="classes must be 2 different names"):
        Predictions.of([0.5], classes=("a", "b", "c"))
    with pytest.raises(InputError, match="sources must be one an image: 2 for 1 images"):
        Predictions.of([0.5], sources=("a", "b"))


@pytest.mark.parametrize("text", ["", "image,predicted\n", '# {"format": "other"}\nimage\n'])
def test_what_is_no_file_of_predictions_is_refused(tmp_path, text):
    (tmp_path / "p.csv").write_text(text)
    with pytest.raises(InputError, match="is not a microtwin-predictions-1 file"):
        Predictions.from_csv(tmp_path / "p.csv")
