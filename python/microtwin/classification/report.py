"""How good a classifier is: what it gets right, what it mistakes for what, how sure it is."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from microtwin import _files, _result_files
from microtwin._version import __version__
from microtwin.classification.calibration import Calibration
from microtwin.classification.predictions import Predictions
from microtwin.classification.ranking import Ranking
from microtwin.errors import InputError

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

AVERAGES = ("macro average", "weighted average")


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """What a classifier cost; None where it is not known.

    Attributes
    ----------
    training_seconds : float or None
        Of the whole training.
    epochs : int or None
        Of the training.
    prediction_ms : float or None
        Milliseconds to judge one image, within a batch.
    parameters, trainable : int or None
        Numbers in the network, and those that were trained.
    device : str or None
        On what it was measured.
    """

    training_seconds: float | None = None
    epochs: int | None = None
    prediction_ms: float | None = None
    parameters: int | None = None
    trainable: int | None = None
    device: str | None = None

    @property
    def seconds_per_epoch(self) -> float | None:
        """Seconds of training over epochs."""
        return (
            self.training_seconds / self.epochs if self.training_seconds and self.epochs else None
        )


class Mistake(NamedTuple):
    """How many images of one class were taken for another."""

    truth: str
    taken_for: str
    images: int


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Report:
    """A classifier held against images whose classes are known.

    All numbers follow from the counts kept here. Those of a class that does not occur among the
    images are NaN where they would be nothing over nothing, and are left out of averages. A class
    that occurs but is never predicted has a precision of 0, as in scikit-learn.

    Attributes
    ----------
    classes : tuple of str
        Names of the k classes.
    confusion : ndarray of int64, shape (k, k)
        Images of the class of the row that were taken for the class of the column.
    rankings : tuple of Ranking
        ROC and precision-recall curves, each class against the rest.
    calibration : Calibration
        Whether it is right as often as it says.
    brier : float
        Mean over the images of the squared error of the probabilities, summed over the classes; of
        two classes half of it, as is usual. 0 is perfect.
    log_loss : float
        Mean of minus the logarithm of the right class's probability (cross entropy, in nats);
        probabilities below 2e-16 count as that.
    timing : Timing
        What it cost.
    settings : mapping of str to anything JSON holds
        Where it comes from: network, weights, images, seed.
    version : str
        Of microtwin.
    """

    form: ClassVar[str] = "microtwin-classification-1"

    classes: tuple[str, ...]
    confusion: Integers
    rankings: tuple[Ranking, ...]
    calibration: Calibration
    brier: float
    log_loss: float
    timing: Timing = field(default_factory=Timing)
    settings: Mapping[str, Any] = field(default_factory=dict)
    version: str = __version__

    @classmethod
    def of(
        cls,
        probabilities: "Predictions | npt.ArrayLike",
        labels: npt.ArrayLike,
        *,
        classes: Sequence[str] | None = None,
        timing: Timing | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> Self:
        """Hold probabilities against the true classes.

        Parameters
        ----------
        probabilities : Predictions or array_like
            (n, k), rows that sum to one; or (n,) or (n, 1), of the second of two classes.
        labels : array_like of int or str, shape (n,)
            The true class of each image: its index or its name.
        classes : sequence of str, optional
            Names of the classes; those of the predictions, or their indices, by default.
        timing : Timing, optional
            What it cost.
        settings : mapping, optional
            Whatever is worth repeating in the report.

        Raises
        ------
        InputError
            If the probabilities are none, or labels are missing or of no class.

        Examples
        --------
        >>> report = Report.of([0.9, 0.2, 0.7, 0.4], [1, 0, 0, 0], classes=("good", "bad"))
        >>> report.accuracy, report.confusion.tolist(), report.auc
        (0.75, [[2, 1], [0, 1]], 1.0)
        """
        from sklearn.metrics import confusion_matrix

        if not isinstance(probabilities, Predictions):
            probabilities = Predictions.of(probabilities, classes=classes)
        elif classes is not None and tuple(classes) != probabilities.classes:
            raise InputError(
                f"classes must be those of the predictions, {', '.join(probabilities.classes)}"
            )
        values, names = probabilities.probabilities, probabilities.classes
        truth = indices(labels, names, count=len(values))
        k = len(names)
        is_class = truth[:, None] == np.arange(k)
        squares = ((values - is_class) ** 2).sum(axis=1).mean()
        right = values[np.arange(len(truth)), truth]
        return cls(
            names,
            confusion_matrix(truth, probabilities.predicted, labels=range(k)).astype(np.int64),
            tuple(Ranking.of(is_class[:, i], values[:, i]) for i in range(k)),
            Calibration.of(values, truth),
            float(squares / 2 if k == 2 else squares),
            float(-np.log(np.maximum(right, np.finfo(np.float64).eps)).mean()),
            timing or Timing(),
            dict(settings or {}),
        )

    @property
    def count(self) -> int:
        """How many images it was held against."""
        return int(self.confusion.sum())

    @property
    def correct(self) -> int:
        """How many it got right."""
        return int(np.trace(self.confusion))

    @property
    def accuracy(self) -> float:
        """Fraction that it got right."""
        return self.correct / self.count

    @property
    def accuracy_interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of the accuracy, which so many images leave open."""
        from scipy.stats import binomtest

        interval = binomtest(self.correct, self.count).proportion_ci(0.95, method="wilson")
        return float(interval.low), float(interval.high)

    @property
    def support(self) -> Integers:
        """Images of each class, (k,)."""
        return np.asarray(self.confusion.sum(axis=1))

    @property
    def precision(self) -> Floats:
        """Fraction right of what is taken for each class, (k,)."""
        taken = self.confusion.sum(axis=0)
        none = (taken == 0) & (self.support > 0)
        return np.where(none, 0.0, _ratio(np.diagonal(self.confusion), taken))

    @property
    def recall(self) -> Floats:
        """Fraction found of each class, (k,); NaN where there are none."""
        return _ratio(np.diagonal(self.confusion), self.support)

    @property
    def f1(self) -> Floats:
        """Harmonic mean of precision and recall, 2 TP / (2 TP + FP + FN), (k,)."""
        both = self.confusion.sum(axis=0) + self.support
        return _ratio(2 * np.diagonal(self.confusion), both)

    @property
    def aucs(self) -> Floats:
        """Area under the ROC curve of each class against the rest, (k,)."""
        return np.array([ranking.auc for ranking in self.rankings])

    @property
    def average_precisions(self) -> Floats:
        """Average precision of each class against the rest, (k,)."""
        return np.array([ranking.average_precision for ranking in self.rankings])

    @property
    def auc(self) -> float:
        """Area under the ROC curve: of two classes that of both, of more the mean over them."""
        return self.averages(self.aucs)[0]

    @property
    def average_precision(self) -> float:
        """Average precision: of two classes that of the second, of more the mean over them."""
        each = self.average_precisions
        return float(each[1]) if len(self.classes) == 2 else self.averages(each)[0]

    @property
    def expected_calibration_error(self) -> float:
        """Mean distance of accuracy from confidence; see `Calibration.expected_error`."""
        return self.calibration.expected_error

    @property
    def mistakes(self) -> list[Mistake]:
        """What is taken for what, the most frequent first."""
        wrong = self.confusion - np.diag(np.diagonal(self.confusion))
        found = [
            Mistake(self.classes[i], self.classes[j], int(wrong[i, j]))
            for i, j in np.argwhere(wrong)
        ]
        return sorted(found, key=lambda mistake: -mistake.images)

    def averages(self, values: Floats) -> tuple[float, float]:
        """Return the macro and the weighted average of a number of each class.

        The first is the mean over the classes that occur, the second weights them by support.

        Parameters
        ----------
        values : ndarray of float, shape (k,)
            For instance `precision`.
        """
        there = self.support > 0
        mean = np.average(values[there], weights=self.support[there])
        return float(values[there].mean()), float(mean)

    @property
    def summary(self) -> dict[str, float]:
        """The numbers that tell most, by name."""
        low, high = self.accuracy_interval
        return {
            "images": self.count,
            "accuracy": self.accuracy,
            "accuracy_low": low,
            "accuracy_high": high,
            "macro_precision": self.averages(self.precision)[0],
            "macro_recall": self.averages(self.recall)[0],
            "macro_f1": self.averages(self.f1)[0],
            "weighted_f1": self.averages(self.f1)[1],
            "auc": self.auc,
            "average_precision": self.average_precision,
            "brier": self.brier,
            "log_loss": self.log_loss,
            "expected_calibration_error": self.expected_calibration_error,
        }

    def to_dataframe(self) -> "pd.DataFrame":
        """Return a table: a row for each class, and their averages.

        The macro average is over the classes that occur, the weighted one by support.
        """
        import pandas as pd

        columns = {
            "precision": self.precision,
            "recall": self.recall,
            "f1": self.f1,
            "auc": self.aucs,
            "average_precision": self.average_precisions,
        }
        table = {name: [*each, *self.averages(each)] for name, each in columns.items()}
        support = [*self.support.tolist(), self.count, self.count]
        names = pd.Index([*self.classes, *AVERAGES], name="class")
        return pd.DataFrame({**table, "support": support}, index=names)

    def confusion_table(self) -> "pd.DataFrame":
        """Return the confusion matrix as a table, true classes down and predicted ones across."""
        import pandas as pd

        columns = pd.Index(self.classes, name="predicted")
        return pd.DataFrame(
            self.confusion, index=pd.Index(self.classes, name="truth"), columns=columns
        )

    def __str__(self) -> str:
        """Return the table of the classes and what follows, as plain text."""
        from microtwin.classification._report_text import text

        return text(self)

    def __repr__(self) -> str:
        return f"Report({self.accuracy:.4f} right of {self.count} in {len(self.classes)} classes)"

    def to_csv(self, path: str | os.PathLike[str]) -> Path:
        """Write the table of `to_dataframe` as CSV."""
        return _files.write_with(path, lambda file: self.to_dataframe().to_csv(file))

    def to_record(self) -> dict[str, Any]:
        """Return a JSON-ready object that `from_record` reads back exactly."""
        return {
            "format": self.form,
            "summary": {k: v if v == v else None for k, v in self.summary.items()},  # of NaN
            "classes": list(self.classes),
            "confusion": self.confusion.tolist(),
            "rankings": [ranking.to_record() for ranking in self.rankings],
            "calibration": self.calibration.to_record(),
            "brier": self.brier,
            "log_loss": self.log_loss,
            "timing": asdict(self.timing),
            "settings": dict(self.settings),
            "version": self.version,
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """Return what `to_record` made an object of."""
        return cls(
            tuple(record["classes"]),
            np.array(record["confusion"], np.int64),
            tuple(map(Ranking.from_record, record["rankings"])),
            Calibration.from_record(record["calibration"]),
            float(record["brier"]),
            float(record["log_loss"]),
            Timing(**record["timing"]),
            record["settings"],
            record["version"],
        )

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

    def plot(self, figure: "Figure | None" = None) -> "Figure":
        """Draw the confusion matrix, the ROC and precision-recall curves, and the calibration.

        Parameters
        ----------
        figure : matplotlib Figure, optional
            Where to draw; a new one if not given.
        """
        from microtwin.classification import _report_plots

        return _report_plots.overview(self, figure)

    def plot_confusion(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the confusion matrix, shaded by the fraction of each true class."""
        from microtwin.classification import _report_plots

        return _report_plots.confusion(self, ax)

    def plot_roc(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the ROC curves of the classes against the rest."""
        from microtwin.classification import _report_plots

        return _report_plots.roc(self, ax)

    def plot_precision_recall(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the precision-recall curves of the classes against the rest."""
        from microtwin.classification import _report_plots

        return _report_plots.precision_recall(self, ax)

    def plot_calibration(self, ax: "Axes | None" = None) -> "Axes":
        """Draw accuracy against confidence, and how many predictions have it."""
        from microtwin.classification import _report_plots

        return _report_plots.calibration(self, ax)

    def to_html(
        self,
        path: str | os.PathLike[str],
        *,
        history: Any = None,
        pictures: "Mapping[str, Figure] | None" = None,
    ) -> Path:
        """Write one HTML file that needs nothing else, neither scripts nor a network.

        Parameters
        ----------
        path : path
            Where to.
        history : table, optional
            One row an epoch, whose learning curves are shown; see `plot_history`.
        pictures : mapping of str to Figure, optional
            More to show, by title: a grid of predictions, explanations.
        """
        from microtwin.classification import _report_html

        return _files.write_text(path, _report_html.render(self, history, pictures or {}))


def indices(
    labels: npt.ArrayLike, classes: Sequence[str], *, count: int, name: str = "labels"
) -> Integers:
    """Return labels, given by index or by name, as indices of classes.

    Raises
    ------
    InputError
        If there are not `count` of them, or one is of no class.
    """
    given = np.asarray(labels)
    if given.shape != (count,):
        raise InputError(f"{name} must be one an image, {count} in all, not of shape {given.shape}")
    if given.dtype.kind in "UOT":  # names
        places = {each: i for i, each in enumerate(classes)}
        names = [str(each) for each in given]
        if strange := sorted(set(names) - set(places)):
            raise InputError(f"{name} must be among {', '.join(classes)}; not {strange[0]!r}")
        return np.array([places[each] for each in names], np.int64)
    if given.dtype.kind not in "biuf" or not (given == np.rint(given)).all():
        raise InputError(f"{name} must be names or whole numbers")
    if given.min() < 0 or given.max() >= len(classes):
        raise InputError(
            f"{name} must lie in 0..{len(classes) - 1}, not {given.min()}..{given.max()}"
        )
    return given.astype(np.int64)


def _ratio(part: npt.NDArray[Any], whole: npt.NDArray[Any]) -> Floats:
    result: Floats = np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)
    return result
