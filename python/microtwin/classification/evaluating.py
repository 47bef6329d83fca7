"""A classifier held against known images, with everything that is worth keeping of it."""

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from microtwin import _files
from microtwin._progress import ProgressCallback, silent
from microtwin.classification.report import Report
from microtwin.classification.sheets import plot_predictions

if TYPE_CHECKING:
    from microtwin.classification.classifier import Classifier

EXPLAINED = 12  # images on the page


def write_evaluation(
    classifier: "Classifier",
    images: Any,
    labels: Any = None,
    *,
    output: str | os.PathLike[str],
    source: str = "",
    command: str = "",
    mirrored: bool = False,
    progress: ProgressCallback = silent,
) -> Report:
    """Evaluate a classifier, and write what comes of it into a folder.

    ::

        report.html      numbers, curves, pictures; it needs nothing else
        report.json      the numbers and curves, which `Report.from_json` reads back
        classes.csv      precision, recall, F1 and more of each class
        predictions.csv  what was said of each image, which `Predictions.from_csv` reads back

    Parameters
    ----------
    classifier : Classifier
        Which one.
    images, labels
        As in `Classifier.evaluate`.
    output : path
        The folder, made if needed.
    source : str
        What the images are, for the head of the page.
    command : str
        How to repeat it.
    mirrored : bool
        As in `Classifier.evaluate`.
    progress : ProgressCallback, optional
        Told after every batch.

    Returns
    -------
    Report
        What was written.

    Raises
    ------
    InputError
        If the folder cannot be written, no image has a label, or one is of a class that was not
        learned.
    """
    folder = _files.output_folder(output)
    data = classifier.labelled(images, labels)
    report, said = classifier.judge(data, mirrored=mirrored, progress=progress)
    told = {"source": source, "command": command}
    settings = {name: text for name, text in told.items() if text} | dict(report.settings)
    report = replace(report, settings=settings)
    pictures = {
        "Predictions": plot_predictions(data, said, data.labels, order="random"),
        "Most surely wrong, or least surely right": plot_predictions(
            data, said, data.labels, order="worst", rows=2
        ),
    }
    if classifier.explainable:
        doubt = said.probabilities[np.arange(len(data)), data.labels]
        some = np.argsort(doubt, kind="stable")[:EXPLAINED]
        explained = classifier.explain(data.part(some))
        pictures["What speaks for the predicted class in them (Grad-CAM)"] = explained.plot()
    report.to_html(folder / "report.html", history=classifier.history or None, pictures=pictures)
    report.to_json(folder / "report.json")
    report.to_csv(folder / "classes.csv")
    said.to_csv(folder / "predictions.csv")
    return report
