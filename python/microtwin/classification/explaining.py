"""What a classifier looks at, written out image by image."""

import os
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from microtwin import _files, _validate
from microtwin._figures import to_png
from microtwin._progress import ProgressCallback, silent
from microtwin.classification.explanation import Explanation
from microtwin.classification.gradcam import require_maps
from microtwin.classification.sheets import prediction_sheet

if TYPE_CHECKING:
    from microtwin.classification.classifier import Classifier

SHOWN = 16  # in the overview


def write_explanations(
    classifier: "Classifier",
    images: Any,
    *,
    output: str | os.PathLike[str],
    target: Any = None,
    most: int = 50,
    progress: ProgressCallback = silent,
) -> Explanation:
    """Explain what a classifier says of images, and write sheets of them into a folder.

    ::

        overview.png       sixteen images, each beside what speaks for its class
        explanations.csv   the class of each, how probable it is, and where most speaks for it
        sheets/            one PNG an image: the image, the map, and all probabilities

    Parameters
    ----------
    classifier : Classifier
        A convolutional one.
    images
        As in `Classifier.predict`.
    output : path
        The folder, made if needed.
    target : int, str or sequence of them, optional
        As in `Classifier.explain`.
    most : int
        Of more images, so many are taken, evenly from the first to the last.
    progress : ProgressCallback, optional
        Told after every batch and every sheet.

    Returns
    -------
    Explanation
        What was written.

    Raises
    ------
    InputError
        If the network is not a convolutional one, there is no such class, or the folder cannot be
        written.
    """
    _validate.integer(most, name="most", minimum=1)
    require_maps(classifier.network.module(classifier.weights))
    folder = _files.output_folder(output)
    data = classifier.gathered(images)
    data = data.part(np.linspace(0, len(data) - 1, min(most, len(data))).round().astype(int))

    def half(done: float, total: float, values: Any) -> None:
        progress(done, 2 * total, values)

    explained = classifier.explain(data, target, progress=half)
    explained.to_png(folder / "overview.png")
    table = explained.to_dataframe()
    _files.write_with(folder / "explanations.csv", lambda file: table.to_csv(file, index=False))
    sheets = _files.output_folder(folder / "sheets")
    known = data.labels >= 0
    for i in range(len(explained)):
        figure = prediction_sheet(
            explained.images[i],
            explained.predictions,
            i,
            truth=int(data.labels[i]) if known[i] else None,
            explanation=explained,
        )
        name = re.sub(r"[^\w.-]+", "_", os.path.basename(data.sources[i]))
        to_png(figure, sheets / f"{i + 1:04d}-{name.removesuffix('.png')}.png")
        progress(len(explained) + i + 1, 2 * len(explained), {})
    return explained
