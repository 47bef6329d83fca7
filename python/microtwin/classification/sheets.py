"""Images with what a classifier says of them: a grid of many, a sheet of one."""

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from microtwin import _validate
from microtwin._figures import REFERENCE_COLOUR, STYLES, look
from microtwin.classification.predictions import Predictions
from microtwin.classification.report import indices
from microtwin.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from microtwin.classification.explanation import Explanation

Array = npt.NDArray[Any]

ORDERS = ("first", "random", "worst")
RIGHT, WRONG, PLAIN = STYLES[0].colour, STYLES[1].colour, "#b4b4ac"
BARS = 10  # classes with a bar


def plot_predictions(
    images: Any,
    predictions: Predictions,
    truth: npt.ArrayLike | None = None,
    *,
    rows: int = 5,
    columns: int = 5,
    order: str = "first",
    seed: int = 0,
    figure: "Figure | None" = None,
) -> "Figure":
    """Draw a grid of images, each beside bars of how likely each class is.

    Above each stands what it is taken for and how surely; where the truth is known, a tick, or a
    cross and what it is. The bar of the predicted class is full, hatched where that is wrong; the
    bar of the true class has a black edge.

    Parameters
    ----------
    images : array_like
        (n, y, x) or (n, y, x, channels), those of the predictions; or whatever has
        ``.batch(indices)``, such as `LabelledImages`.
    predictions : Predictions
        What was said of them.
    truth : array_like of int or str, optional
        The true class of each.
    rows, columns : int
        Of the grid.
    order : str
        Which of many: the "first", "random" ones, or the "worst", whose true class was thought
        least likely (without truth, the least sure).
    seed : int
        Of the choice at random.
    figure : matplotlib Figure, optional
        Where to draw; a new one if not given.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    InputError
        If images, predictions and truth do not fit each other, or an option is out of range.
    """
    _validate.integer(rows, name="rows", minimum=1, maximum=50)
    _validate.integer(columns, name="columns", minimum=1, maximum=50)
    known = _known(truth, predictions)
    chosen = _chosen(predictions, known, rows * columns, order=order, seed=seed)
    data = Batches.of(images)
    if len(data) != len(predictions):
        raise InputError(
            f"images must be those of the predictions, {len(predictions)}, not {len(data)}"
        )
    pixels = data.pictures(chosen)
    shown = -(-len(chosen) // columns)
    with look():
        if figure is None:
            from matplotlib.figure import Figure

            figure = Figure(figsize=(2.5 * columns, 1.6 * shown), layout="constrained")
        grid = figure.subplots(shown, 2 * columns, squeeze=False).reshape(-1, 2)
        for axes in grid[len(chosen) :]:
            for ax in axes:
                ax.set_axis_off()
        for i, picture, (left, right) in zip(chosen, pixels, grid, strict=False):
            right_class = None if known is None else int(known[i])
            show(left, picture)
            left.set_title(_verdict(predictions, i, right_class), fontsize=7.5)
            bars(right, predictions, i, right_class, fontsize=6)
    return figure


def prediction_sheet(
    image: Any,
    predictions: Predictions,
    index: int = 0,
    *,
    truth: int | str | None = None,
    explanation: "Explanation | None" = None,
    figure: "Figure | None" = None,
) -> "Figure":
    """Draw the sheet of one image: the image, what speaks for its class, and all probabilities.

    Parameters
    ----------
    image : array_like
        (y, x) or (y, x, channels).
    predictions : Predictions
        What was said of it, and maybe of others.
    index : int
        Which of the predictions is meant.
    truth : int or str, optional
        Its true class.
    explanation : Explanation, optional
        Of the same images as the predictions; see `grad_cam`.
    figure : matplotlib Figure, optional
        Where to draw; a new one if not given.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    InputError
        If these do not fit each other.
    """
    place = _validate.integer(index, name="index", minimum=0, maximum=len(predictions) - 1)
    known = None
    if truth is not None:
        known = int(indices([truth], predictions.classes, count=1)[0])
    picture = Batches.of(np.asarray(image)[None]).pictures([0])[0]
    if explanation is not None and len(explanation) != len(predictions):
        raise InputError(
            f"explanation must be of the images of the predictions, {len(predictions)}, not of "
            f"{len(explanation)}"
        )
    panels = 2 if explanation is None else 3
    with look():
        if figure is None:
            from matplotlib.figure import Figure

            figure = Figure(figsize=(3.4 * panels, 3.4), layout="constrained")
        axes = figure.subplots(1, panels)
        show(axes[0], picture)
        axes[0].set_title(os.path.basename(predictions.sources[place]), fontsize=9)
        if explanation is not None:
            explanation.draw(axes[1], place)
        bars(axes[-1], predictions, place, known, fontsize=9)
        figure.suptitle(_verdict(predictions, place, known).replace("\n", ", "), fontsize=12)
    return figure


class Batches:
    """Images of one size, however they are given, read some at a time.

    Parameters
    ----------
    several : callable
        ``several(indices)`` returns images (b, y, x, channels).
    count : int
        How many there are.
    """

    def __init__(self, several: Callable[[Any], Array], count: int) -> None:
        self._several, self._count = several, count

    @classmethod
    def of(cls, images: Any) -> "Batches":
        """Take arrays (n, y, x) or (n, y, x, channels), or whatever has ``.batch(indices)``.

        Raises
        ------
        InputError
            If they are no images, or there are none.
        """
        if hasattr(images, "batch"):
            several, count = images.batch, len(images)
        else:
            try:
                array = np.asarray(images)
            except ValueError as error:
                raise InputError("images must all be of one shape") from error
            if array.ndim not in (3, 4) or array.dtype.kind not in "biuf":
                raise InputError(
                    "images must be numbers of shape (n, y, x) or (n, y, x, channels), not "
                    f"{array.dtype} of shape {array.shape}"
                )
            with_channels = array[..., None] if array.ndim == 3 else array
            several, count = with_channels.__getitem__, len(array)
        if not count:
            raise InputError("images must be at least one")
        return cls(several, count)

    def __len__(self) -> int:
        return self._count

    def batch(self, indices: Sequence[int] | Array) -> Array:
        """Return some of the images, (b, y, x, channels)."""
        pixels = self._several(np.asarray(indices))
        return pixels if pixels.dtype == np.uint8 else pixels.astype(np.float32)

    def pictures(self, indices: Sequence[int] | Array) -> Array:
        """Return some of the images as they are drawn: (b, y, x) or (b, y, x, 3)."""
        pixels = self.batch(indices)
        if pixels.shape[-1] not in (1, 3):
            raise InputError(f"images must have 1 or 3 channels, not {pixels.shape[-1]}")
        return pixels[..., 0] if pixels.shape[-1] == 1 else pixels


def show(ax: "Axes", picture: Array) -> None:
    """Draw one picture without a frame."""
    if picture.ndim == 3 and picture.dtype != np.uint8:
        picture = np.clip(picture, 0, 1)
    ax.imshow(picture, cmap="gray")
    ax.set_axis_off()


def bars(
    ax: "Axes", predictions: Predictions, i: int, truth: int | None, *, fontsize: float
) -> None:
    """Draw how likely each class is; of many classes the likeliest, and the true one."""
    values, predicted = predictions.probabilities[i], int(predictions.predicted[i])
    drawn = list(range(len(values)))
    if len(values) > BARS:
        likeliest = np.argsort(-values, kind="stable")[: BARS - 1].tolist()
        drawn = sorted({*likeliest, truth if truth is not None else likeliest[0]})
    wrong = truth is not None and truth != predicted
    for place, k in enumerate(drawn):
        colour = PLAIN if k != predicted else WRONG if wrong else RIGHT
        style: dict[str, Any] = {"facecolor": colour, "edgecolor": colour, "linewidth": 0.8}
        if k == predicted and wrong:
            style |= {"facecolor": "white", "hatch": "/////"}
        if k == truth:
            style |= {"edgecolor": REFERENCE_COLOUR, "linewidth": 1.2}
        ax.barh(place, values[k], height=0.8, **style)
        if values[k] >= 0.005 or k == truth:
            ax.text(values[k], place, f" {values[k]:.2f}", va="center", fontsize=fontsize)
    ax.set_yticks(range(len(drawn)), [predictions.classes[k] for k in drawn], fontsize=fontsize)
    ax.set(xlim=(0, 1.25), xticks=[], ylim=(len(drawn) - 0.4, -0.6))
    ax.tick_params(length=0, pad=1)
    ax.grid(visible=False)
    ax.spines["bottom"].set_visible(False)


def _verdict(predictions: Predictions, i: int, truth: int | None) -> str:
    """Say what an image is taken for, and whether that is right."""
    predicted = int(predictions.predicted[i])
    said = f"{predictions.classes[predicted]} {100 * predictions.confidence[i]:.0f} %"
    if truth is None:
        return said
    if truth == predicted:
        return f"✓ {said}"
    return f"✗ {said}\nis {predictions.classes[truth]}"


def _known(truth: npt.ArrayLike | None, predictions: Predictions) -> Array | None:
    return None if truth is None else indices(truth, predictions.classes, count=len(predictions))


def _chosen(
    predictions: Predictions, truth: Array | None, most: int, *, order: str, seed: int
) -> list[int]:
    count = min(most, len(predictions))
    if _validate.choice(order, ORDERS, name="order") == "first":
        return list(range(count))
    if order == "random":
        generator = np.random.default_rng(_validate.seed(seed))
        return sorted(generator.choice(len(predictions), count, replace=False).tolist())
    if truth is None:
        doubt = predictions.confidence
    else:
        doubt = predictions.probabilities[np.arange(len(predictions)), truth]
    chosen: list[int] = np.argsort(doubt, kind="stable")[:count].tolist()
    return chosen
