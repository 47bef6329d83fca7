"""Classifiers held against sets of images that they did not learn from."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from microtwin import _files, _result_files, _validate
from microtwin._figures import STYLES, look, new_axes
from microtwin._html import decimals
from microtwin._progress import ProgressCallback, silent
from microtwin.classification._report_text import grid
from microtwin.classification.predictions import Predictions
from microtwin.classification.report import Report
from microtwin.errors import InputError

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

MEASURES = {
    "accuracy": "accuracy",
    "macro_precision": "macro precision",
    "macro_recall": "macro recall",
    "macro_f1": "macro F1",
    "weighted_f1": "weighted F1",
    "auc": "AUC",
    "average_precision": "average precision",
}


@dataclass(frozen=True, slots=True, eq=False)
class CrossEvaluation:
    """What each of several classifiers reaches on each of several sets.

    Attributes
    ----------
    reports : mapping of str to mapping of str to Report
        By classifier, then by set.
    trained_on : mapping of str to str
        Of classifiers, the set whose like they learned from, where that is known.
    """

    form: ClassVar[str] = "microtwin-cross-evaluation-1"

    reports: Mapping[str, Mapping[str, Report]]
    trained_on: Mapping[str, str] = field(default_factory=dict)

    @property
    def classifiers(self) -> tuple[str, ...]:
        """Names of the classifiers."""
        return tuple(self.reports)

    @property
    def sets(self) -> tuple[str, ...]:
        """Names of the sets."""
        return tuple(next(iter(self.reports.values())))

    def matrix(self, measure: str = "accuracy") -> "pd.DataFrame":
        """Return one measure as a table, classifiers down and sets across.

        Parameters
        ----------
        measure : str
            "accuracy", "macro_precision", "macro_recall", "macro_f1", "weighted_f1", "auc" or
            "average_precision".
        """
        import pandas as pd

        _validate.choice(measure, MEASURES, name="measure")
        table = pd.DataFrame(
            {
                classifier: {name: report.summary[measure] for name, report in row.items()}
                for classifier, row in self.reports.items()
            }
        ).T.loc[list(self.classifiers), list(self.sets)]
        table.index.name, table.columns.name = "classifier", "set"
        return table

    def to_dataframe(self) -> "pd.DataFrame":
        """Return a table: a row for each classifier and set, with all measures.

        `own` tells the set that it was trained for, and `change` how far its accuracy is from the
        one there; None and NaN where that is not known.
        """
        import pandas as pd

        rows = []
        for classifier, row in self.reports.items():
            home = self.trained_on.get(classifier)
            for name, report in row.items():
                change = np.nan if home is None else report.accuracy - row[home].accuracy
                own = None if home is None else name == home
                about = {"classifier": classifier, "set": name, "own": own, "change": change}
                rows.append({**about, **report.summary})
        return pd.DataFrame(rows)

    def __str__(self) -> str:
        """Return the accuracies as plain text; a star marks a classifier's own set."""
        rows = [
            [classifier, *(self.cell(classifier, name) for name in self.sets)]
            for classifier in self.classifiers
        ]
        lines = grid(("accuracy", *self.sets), rows)
        return "\n".join([*lines, *(["", "* its own set"] if self.trained_on else [])])

    def cell(self, classifier: str, name: str, measure: str = "accuracy") -> str:
        """Return one number as text, with a star on the classifier's own set."""
        star = "*" if self.trained_on.get(classifier) == name else ""
        return decimals(self.reports[classifier][name].summary[measure]) + star

    def to_csv(self, path: str | os.PathLike[str]) -> Path:
        """Write the table of `to_dataframe` as CSV."""
        return _files.write_with(path, lambda file: self.to_dataframe().to_csv(file, index=False))

    def to_record(self) -> dict[str, Any]:
        """Return a JSON-ready object that `from_record` reads back exactly."""
        reports = {
            classifier: {name: report.to_record() for name, report in row.items()}
            for classifier, row in self.reports.items()
        }
        return {"format": self.form, "trained_on": dict(self.trained_on), "reports": reports}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """Return what `to_record` made an object of."""
        reports = {
            classifier: {name: Report.from_record(report) for name, report in row.items()}
            for classifier, row in record["reports"].items()
        }
        return cls(reports, record["trained_on"])

    def to_json(self, path: str | os.PathLike[str]) -> Path:
        """Write a JSON file that `from_json` reads back exactly."""
        return _files.write_json(path, self.to_record())

    @classmethod
    def from_json(cls, path: str | os.PathLike[str]) -> Self:
        """Read what `to_json` wrote.

        Raises
        ------
        InputError
            If it cannot be read or is something else.
        """
        return _result_files.read_json(path, cls.form, cls.from_record)

    def plot(self, ax: "Axes | None" = None, *, measure: str = "accuracy") -> "Axes":
        """Draw one measure as a shaded table; a classifier's own set has a frame and a star.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure if not given.
        measure : str
            As in `matrix`.
        """
        from matplotlib.patches import Rectangle

        from microtwin.classification._report_plots import heat_map, write_in_cell

        values = self.matrix(measure).to_numpy()
        with look():
            ax = ax if ax is not None else new_axes()
            heat_map(ax, values, self.classifiers, self.sets)
            for (i, j), value in np.ndenumerate(values):
                classifier, name = self.classifiers[i], self.sets[j]
                told = self.cell(classifier, name, measure)
                write_in_cell(ax, i, j, told, value, max(values.shape))
                if told.endswith("*"):
                    frame: Any = {"fill": False, "linewidth": 2, "edgecolor": STYLES[1].colour}
                    ax.add_patch(Rectangle((j - 0.47, i - 0.47), 0.94, 0.94, **frame))
            title = MEASURES[measure]
            ax.set(title=title[:1].upper() + title[1:], xlabel="tested on", ylabel="classifier")
        return ax

    def to_html(self, path: str | os.PathLike[str]) -> Path:
        """Write one HTML file that needs nothing else, neither scripts nor a network."""
        from microtwin.classification import _cross_html

        return _files.write_text(path, _cross_html.render(self))


def cross_evaluate(
    classifiers: Mapping[str, Any],
    sets: Mapping[str, Any],
    *,
    trained_on: Mapping[str, str] | None = None,
    progress: ProgressCallback = silent,
) -> CrossEvaluation:
    """Hold every classifier against every set: trained on one, tested on another.

    Classes are matched by name where a set has names for them, so that their order may differ.

    Parameters
    ----------
    classifiers : mapping of str to Classifier
        By name; or whatever has ``.predict(images)`` that returns `Predictions`.
    sets : mapping of str to (images, labels) or LabelledImages
        By name. Labels are names of classes, or indices into those of the classifier.
    trained_on : mapping of str to str, optional
        Of classifiers, the set whose like they learned from.
    progress : ProgressCallback, optional
        Told after every classifier and set.

    Returns
    -------
    CrossEvaluation

    Raises
    ------
    InputError
        If there is no classifier or no set, `trained_on` names others, or a set has classes that a
        classifier does not know.

    Examples
    --------
    >>> class Always:
    ...     def predict(self, images):
    ...         return Predictions.of(np.tile([0.9, 0.1], (len(images), 1)), classes=("a", "b"))
    >>> images = np.zeros((4, 8, 8))
    >>> sets = {"mostly a": (images, list("aaab")), "mostly b": (images, list("abbb"))}
    >>> print(cross_evaluate({"always a": Always()}, sets))
    accuracy   mostly a   mostly b
    always a     0.7500     0.2500
    """
    for argument, name in ((classifiers, "classifiers"), (sets, "sets")):
        if not isinstance(argument, Mapping) or not argument:
            raise InputError(f"{name} must be a mapping of at least one, by name")
    home = dict(trained_on or {})
    strange = [name for name in home if name not in classifiers]
    strange += [name for name in home.values() if name not in sets]
    if strange:
        raise InputError(f"trained_on must map classifiers to sets; there is no {strange[0]!r}")
    total = len(classifiers) * len(sets)
    reports: dict[str, dict[str, Report]] = {}
    for name, classifier in classifiers.items():
        row: dict[str, Report] = {}
        for of, given in sets.items():
            row[of] = _judged(classifier, given, f"set {of!r} for classifier {name!r}")
            progress(len(reports) * len(sets) + len(row), total, {})
        reports[name] = row
    return CrossEvaluation(reports, home)


def _judged(classifier: Any, given: Any, which: str) -> Report:
    if hasattr(given, "labels") and hasattr(given, "classes"):
        given = getattr(given, "labelled", given)
        images, labels = given, [given.classes[i] for i in given.labels]
    elif isinstance(given, tuple) and len(given) == 2:
        images, labels = given
    else:
        raise InputError(f"{which} must be (images, labels), or images that have labels")
    predictions: Predictions = classifier.predict(images)
    try:
        return Report.of(predictions, labels)
    except InputError as error:
        raise InputError(f"{which}: {error}") from error
