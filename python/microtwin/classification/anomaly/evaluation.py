"""How well normal and anomalous images are told apart, and how sure that is."""

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from microtwin import _result_files
from microtwin._conformal import Scores, checked
from microtwin._files import write_json

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FORMAT = "microtwin anomaly evaluation 1"
CONFIDENCE = 0.95
ARRAYS = ("false_alarm_rates", "detection_rates")
PAIRS = ("auc_interval", "false_alarm_interval", "detection_interval")


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """A detector judged on normal and anomalous images that it has not seen.

    Attributes
    ----------
    auc : float
        Probability that an anomalous image scores higher than a normal one (ties count half).
    auc_interval : (float, float)
        Its 95 % interval (DeLong), images taken as independent.
    threshold : float
        Above which images were called anomalous.
    stated : float
        The false-alarm rate that the threshold was made for.
    false_alarms : float
        Part of the normal images above it.
    false_alarm_interval : (float, float)
        Its 95 % interval (Clopper-Pearson).
    detection : float
        Part of the anomalous images above it.
    detection_interval : (float, float)
        Its 95 % interval.
    normal, anomalous : int
        How many images.
    false_alarm_rates, detection_rates : ndarray of float64
        The ROC curve: both rates at every threshold there is, highest first.
    """

    auc: float
    auc_interval: tuple[float, float]
    threshold: float
    stated: float
    false_alarms: float
    false_alarm_interval: tuple[float, float]
    detection: float
    detection_interval: tuple[float, float]
    normal: int
    anomalous: int
    false_alarm_rates: Scores
    detection_rates: Scores

    @classmethod
    def of(
        cls,
        normal: npt.ArrayLike,
        anomalous: npt.ArrayLike,
        *,
        threshold: float,
        stated: float,
    ) -> "Evaluation":
        """Judge scores of normal and of anomalous images.

        Raises
        ------
        InputError
            If there are none of either, or they are not finite.
        """
        from sklearn.metrics import roc_curve

        good, bad = checked(normal, name="normal"), checked(anomalous, name="anomalous")
        truth = np.repeat([0, 1], [len(good), len(bad)])
        alarms, found, _ = roc_curve(truth, np.concatenate([good, bad]))
        auc, interval = area_under_roc(good, bad)
        false, true = int((good > threshold).sum()), int((bad > threshold).sum())
        return cls(
            auc=auc,
            auc_interval=interval,
            threshold=float(threshold),
            stated=float(stated),
            false_alarms=false / len(good),
            false_alarm_interval=rate_interval(false, len(good)),
            detection=true / len(bad),
            detection_interval=rate_interval(true, len(bad)),
            normal=len(good),
            anomalous=len(bad),
            false_alarm_rates=alarms,
            detection_rates=found,
        )

    def to_json(self, path: str | os.PathLike[str]) -> Path:
        """Write everything to a JSON file; see `from_json`."""
        arrays = {name: getattr(self, name).tolist() for name in ARRAYS}
        return write_json(path, {"format": FORMAT, **asdict(self), **arrays})

    @classmethod
    def from_json(cls, path: str | os.PathLike[str]) -> "Evaluation":
        """Read back what `to_json` wrote.

        Raises
        ------
        InputError
            If the file is not one, or is damaged.
        """

        def restored(record: dict[str, Any]) -> Evaluation:
            arrays = {name: np.asarray(record[name], np.float64) for name in ARRAYS}
            pairs = {name: tuple(record[name]) for name in PAIRS}
            return cls(**{**record, **arrays, **pairs})

        return _result_files.read_json(path, FORMAT, restored)

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the ROC curve, with a cross at the threshold."""
        if ax is None:
            from matplotlib import pyplot as plt

            ax = plt.figure(figsize=(4, 4)).add_subplot()
        low, high = self.auc_interval
        label = f"AUC {self.auc:.3f} ({low:.3f} to {high:.3f})"
        ax.plot(self.false_alarm_rates, self.detection_rates, label=label)
        ax.plot([0, 1], [0, 1], color="0.7", linewidth=0.8, linestyle="--")
        marked = f"threshold for {100 * self.stated:g} % false alarms"
        ax.plot(self.false_alarms, self.detection, "k+", markersize=10, label=marked)
        ax.set(xlabel="false alarms", ylabel="anomalies found", xlim=(0, 1), ylim=(0, 1.01))
        ax.legend(loc="lower right", frameon=False)
        return ax


def area_under_roc(normal: Scores, anomalous: Scores) -> tuple[float, tuple[float, float]]:
    """Return the area under the ROC curve and its 95 % interval.

    Source: DeLong, DeLong and Clarke-Pearson, Biometrics 44, 837 (1988), by the mid-ranks of Sun
    and Xu, IEEE Signal Processing Letters 21, 1389 (2014). The interval is symmetric in the log
    odds, so that it stays within 0 and 1. With an AUC of exactly 0 or 1, or one image of either
    kind, the spread is not known; the interval is then that of the rate of the smaller set, all of
    them on one side.
    """
    from scipy.stats import norm, rankdata

    m, n = len(normal), len(anomalous)
    ranks = rankdata(np.concatenate([normal, anomalous]))
    # For each image, the part of the other kind that it is on the right side of.
    of_bad = (ranks[m:] - rankdata(anomalous)) / m
    of_good = 1 - (ranks[:m] - rankdata(normal)) / n
    auc = float(of_bad.mean())
    if min(m, n) < 2 or auc in (0.0, 1.0):
        few = min(m, n)
        return auc, rate_interval(round(auc * few), few)
    error = np.sqrt(of_bad.var(ddof=1) / n + of_good.var(ddof=1) / m)
    reach = norm.ppf((1 + CONFIDENCE) / 2) * error / (auc * (1 - auc))
    middle = np.log(auc / (1 - auc))
    low, high = (float(1 / (1 + np.exp(-(middle + sign * reach)))) for sign in (-1, 1))
    return auc, (low, high)


def rate_interval(count: int, total: int) -> tuple[float, float]:
    """Return the exact 95 % interval of a rate (Clopper and Pearson, Biometrika 26, 404, 1934).

    Examples
    --------
    >>> low, high = rate_interval(0, 59)
    >>> low, round(high, 4)
    (0.0, 0.0606)
    """
    from scipy.stats import beta

    tail = (1 - CONFIDENCE) / 2
    low = float(beta.ppf(tail, count, total - count + 1)) if count else 0.0
    high = float(beta.ppf(1 - tail, count + 1, total - count)) if count < total else 1.0
    return low, high
