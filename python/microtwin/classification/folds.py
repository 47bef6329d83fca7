"""k-fold cross-validation: each part of the images is held out once."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from microtwin import _files, _result_files, _validate
from microtwin._progress import ProgressCallback, silent
from microtwin.classification.data import LabelledImages
from microtwin.classification.fold_reports import FoldReports
from microtwin.classification.presets import DEFAULT, PRESETS
from microtwin.classification.report import Report
from microtwin.classification.training import input_shape, train_classifier
from microtwin.errors import InputError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class CrossValidation:
    """What classifiers reached on the parts that they had not seen.

    Attributes
    ----------
    preset : str
        The recipe.
    folds : tuple of dict
        One row a fold: its number, how many images were learned from and held out, the epochs and
        seconds of training, and the metrics on the part held out.
    reports : FoldReports
        A whole report on each part held out.
    """

    preset: str
    folds: tuple[dict[str, float], ...]
    reports: FoldReports

    def mean(self, metric: str = "val_accuracy") -> float:
        """Return the mean of a metric over the folds."""
        return float(np.mean([fold[metric] for fold in self.folds]))

    def spread(self, metric: str = "val_accuracy") -> float:
        """Return the standard deviation of a metric over the folds."""
        return float(np.std([fold[metric] for fold in self.folds], ddof=1))

    def to_dataframe(self) -> "pd.DataFrame":
        """Return the folds as a table."""
        import pandas as pd

        return pd.DataFrame(list(self.folds))

    def to_csv(self, path: str | os.PathLike[str]) -> Path:
        """Write the folds as a table."""
        rows = (fold.values() for fold in self.folds)
        return _files.write_text(path, _result_files.table(list(self.folds[0]), rows))


def cross_validate(
    images: Any,
    labels: Any = None,
    *,
    workdir: str | os.PathLike[str],
    folds: int = 10,
    preset: str = DEFAULT,
    size: int | tuple[int, int] | None = None,
    seed: int = 0,
    progress: ProgressCallback = silent,
    **options: Any,
) -> CrossValidation:
    """Train one classifier for each of several parts of the images, on all the others.

    Parameters
    ----------
    images, labels
        As in `train_classifier`.
    workdir : path
        Gets a folder for each fold; folds that are there already are gone on with.
    folds : int
        How many parts, each with the classes in their shares.
    preset, size, **options
        As in `train_classifier`.
    seed : int
        Seed of the parts and of each training.
    progress : ProgressCallback
        Told after every step, of the steps of all folds so far.

    Returns
    -------
    CrossValidation

    Raises
    ------
    InputError
        If a class has fewer images than there are folds, or an argument is out of range.

    Notes
    -----
    Where training is stopped early or its best weights are chosen by the part held out, the figures
    are a little too good; with an independent test set they would be lower.
    """
    from sklearn.model_selection import StratifiedKFold

    count = _validate.integer(folds, name="folds", minimum=2)
    _validate.seed(seed)
    recipe = PRESETS[_validate.choice(preset, PRESETS, name="preset")]
    sides, channels = input_shape(recipe.architecture, size)
    data = LabelledImages.of(images, labels, size=sides, channels=channels).labelled
    fewest = min(data.counts.values())
    if fewest < count:
        raise InputError(
            f"folds must be no more than the images of the smallest class, {fewest}; not {count}"
        )
    parts = StratifiedKFold(count, shuffle=True, random_state=seed % 2**32)
    rows: list[dict[str, float]] = []
    reports: list[Report] = []
    for k, (larger, held) in enumerate(parts.split(np.zeros(len(data)), data.labels)):

        def of_all(
            done: float,
            total: float,
            values: Any,
            before: int = k,
            each: ProgressCallback = progress,
        ) -> None:
            each(before * total + done, count * total, values)

        classifier = train_classifier(
            data.part(larger),
            preset=preset,
            workdir=Path(workdir) / f"fold-{k + 1}",
            validation=data.part(held),
            size=size,
            seed=seed,
            resume=True,
            progress=of_all,
            **options,
        )
        reports.append(classifier.evaluate(data.part(held)))
        rows.append(
            {
                "fold": k + 1,
                "images": len(larger),
                "held_out": len(held),
                "epochs": len(classifier.history),
                "seconds": classifier.seconds,
                **{name: v for name, v in classifier.metrics.items() if name != "step"},
            }
        )
    return CrossValidation(preset, tuple(rows), FoldReports(tuple(reports)))
