"""Grids and sheets of predictions, and learning curves: what is drawn, and told without colour."""

import numpy as np
import pytest

from microtwin.classification.history import plot_history
from microtwin.classification.predictions import Predictions
from microtwin.classification.sheets import plot_predictions, prediction_sheet
from microtwin.errors import InputError

NAMES = ("cross", "ring", "bar")
SAID = Predictions.of(
    [[0.9, 0.1, 0.0], [0.2, 0.5, 0.3], [0.6, 0.3, 0.1], [0.1, 0.1, 0.8]], classes=NAMES
)
TRUTH = [0, 1, 2, 2]
IMAGES = np.random.default_rng(0).integers(0, 255, (4, 6, 8), dtype=np.uint8)


def titles(figure):
    return [ax.get_title() or ax.get_title("left") for ax in figure.axes]


def test_a_grid_shows_every_image_beside_its_bars():
    figure = plot_predictions(IMAGES, SAID, TRUTH, rows=2, columns=3)
    assert len(figure.axes) == 2 * 6
    shown = figure.axes[::2]
    assert [ax.images[0].get_array().shape for ax in shown[:4]] == [(6, 8)] * 4
    assert [len(ax.patches) for ax in figure.axes[1:8:2]] == [3] * 4
    widths = [bar.get_width() for bar in figure.axes[3].patches]
    assert widths == pytest.approx([0.2, 0.5, 0.3])


def test_right_and_wrong_are_told_by_signs_words_and_hatches():
    figure = plot_predictions(IMAGES, SAID, TRUTH, rows=2, columns=2)
    assert titles(figure)[::2] == [
        "✓ cross 90 %",
        "✓ ring 50 %",
        "✗ cross 60 %\nis bar",
        "✓ bar 80 %",
    ]
    hatches = [[bool(bar.get_hatch()) for bar in ax.patches] for ax in figure.axes[1::2]]
    assert hatches == [[False] * 3, [False] * 3, [True, False, False], [False] * 3]
    edges = [[bar.get_linewidth() > 1 for bar in ax.patches] for ax in figure.axes[1::2]]
    assert [row.index(True) for row in edges] == TRUTH
    assert [sum(row) for row in edges] == [1] * 4


def test_without_truth_nothing_is_right_or_wrong():
    figure = plot_predictions(IMAGES, SAID, rows=1, columns=1)
    assert titles(figure)[0] == "cross 90 %"


def test_the_worst_come_first_where_asked_for():
    first = {"rows": 1, "columns": 1, "order": "worst"}
    assert titles(plot_predictions(IMAGES, SAID, TRUTH, **first))[0] == "✗ cross 60 %\nis bar"
    assert titles(plot_predictions(IMAGES, SAID, **first))[0] == "ring 50 %"


def test_a_random_choice_is_that_of_its_seed():
    def drawn(seed):
        chosen = plot_predictions(IMAGES, SAID, order="random", rows=1, columns=2, seed=seed)
        return titles(chosen)[::2]

    assert drawn(1) == drawn(1)
    assert len({tuple(drawn(seed)) for seed in range(8)}) > 1


def test_of_many_classes_the_likeliest_and_the_true_one_have_a_bar():
    values = np.full((1, 40), 0.5 / 39)
    values[0, 7] = 0.5
    figure = plot_predictions(IMAGES[:1], Predictions.of(values), [33], rows=1, columns=1)
    names = [label.get_text() for label in figure.axes[1].get_yticklabels()]
    assert len(names) <= 11
    assert {"7", "33"} <= set(names)


def test_colour_images_and_images_read_when_needed_are_shown():
    class Streamed:
        def __len__(self):
            return 4

        def batch(self, indices):
            return np.zeros((len(indices), 5, 5, 3), np.float32)

    figure = plot_predictions(Streamed(), SAID, rows=1, columns=1)
    assert figure.axes[0].images[0].get_array().shape == (5, 5, 3)


def test_a_sheet_shows_one_image_and_all_its_numbers():
    figure = prediction_sheet(IMAGES[2], SAID, 2, truth="bar")
    assert figure.get_suptitle() == "✗ cross 60 %, is bar"
    assert [text.get_text().strip() for text in figure.axes[1].texts] == ["0.60", "0.30", "0.10"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"images": IMAGES[:3]}, "images must be those of the predictions, 4, not 3"),
        ({"images": IMAGES[0]}, r"images must be numbers of shape \(n, y, x\)"),
        ({"images": np.zeros((4, 5, 5, 2))}, "images must have 1 or 3 channels, not 2"),
        ({"truth": [0, 1]}, "labels must be one an image, 4 in all"),
        ({"order": "best"}, "order must be one of first, random, worst"),
        ({"rows": 0}, "rows must be between 1 and 50"),
    ],
)
def test_what_does_not_fit_is_refused(options, message):
    options = {"images": IMAGES, "truth": None} | options
    with pytest.raises(InputError, match=message):
        plot_predictions(options.pop("images"), SAID, options.pop("truth"), **options)


HISTORY = {
    "step": [10, 20, 30], "epoch": [1, 2, 3], "loss": [1.0, 0.6, 0.3], "accuracy": [0.5, 0.7, 0.9],
    "val_loss": [1.1, 0.8, 0.9], "val_accuracy": [0.5, 0.6, 0.7], "rate": [1e-3] * 3,
    "seconds": [1.0, 2.0, 3.0],
}  # fmt: skip


def test_learning_curves_show_training_and_validation_and_the_best_epoch(tmp_path):
    import pandas as pd

    figure = plot_history(HISTORY)
    assert titles(figure) == ["Loss", "Accuracy"]
    loss, accuracy = figure.axes
    labels = [line.get_label() for line in loss.lines]
    assert labels[:2] == ["training", "validation"]
    assert labels[-1] == "best: 0.8 in epoch 2"
    assert accuracy.lines[-1].get_label() == "best: 0.7 in epoch 3"
    assert len({line.get_marker() for line in loss.lines[:2]}) == 2
    pd.DataFrame(HISTORY).to_csv(tmp_path / "history.csv", index=False)
    rows = pd.DataFrame(HISTORY).to_dict("records")
    for same in (tmp_path / "history.csv", rows, pd.DataFrame(HISTORY)):
        again = plot_history(same)
        for mine, theirs in zip(again.axes, figure.axes, strict=True):
            assert np.array_equal(mine.lines[1].get_ydata(), theirs.lines[1].get_ydata())


def test_a_history_with_validation_only_is_drawn():
    figure = plot_history([{"val_error": 0.5}, {"val_error": 0.25}])
    assert figure.axes[0].lines[-1].get_label() == "best: 0.25 in epoch 2"


@pytest.mark.parametrize(
    "history", [[], {}, {"epoch": [1]}, [[]], "missing.csv", {"loss": [1], "val_loss": [1, 2]}]
)
def test_what_is_no_history_is_refused(history):
    with pytest.raises(InputError):
        plot_history(history)
