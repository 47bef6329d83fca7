"""What a detector says of images."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from microtwin import _files, _result_files
from microtwin._conformal import Scores
from microtwin.errors import InputError
from microtwin.images import save_image

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

FORMAT = "microtwin anomaly scores 1"
CONTRAST = 100.0  # how much more white is than the first grey in pictures of maps
COLUMNS = ("image", "score", "p_value", "anomalous")


@dataclass(frozen=True, slots=True, eq=False)
class AnomalyScores:
    """How unlike the normal images each image is.

    Attributes
    ----------
    scores : ndarray of float64, shape (n,)
        The higher, the less normal; only their order and the threshold have a meaning.
    threshold : float
        Above which an image is called anomalous.
    p_values : ndarray of float64, shape (n,)
        Which part of normal images scores as high.
    sources : tuple of str
        What the images are: files, or numbers.
    false_alarms : float
        Which part of normal images lies above the threshold, at the most.
    calibrated_on : int
        How many normal images the threshold and the p-values come from.
    method : str
        "autoencoder", "mlp" or "flow".
    maps : tuple of ndarray of float32, shapes (y, x), or None
        Where each image is unlike its reconstruction, if asked for; see `Detector.maps`.
    """

    scores: Scores
    threshold: float
    p_values: Scores
    sources: tuple[str, ...]
    false_alarms: float
    calibrated_on: int
    method: str
    maps: tuple[npt.NDArray[np.float32], ...] | None = None

    @property
    def anomalous(self) -> npt.NDArray[np.bool_]:
        """Whether each image lies above the threshold, (n,)."""
        return np.asarray(self.scores > self.threshold)

    def __len__(self) -> int:
        return len(self.scores)

    def to_dataframe(self) -> "pd.DataFrame":
        """Return a table with the columns image, score, p_value and anomalous."""
        import pandas as pd

        return pd.DataFrame(self._rows(), columns=list(COLUMNS))

    def to_csv(self, path: str | os.PathLike[str]) -> Path:
        """Write that table, all but the maps, with a comment line that holds the threshold."""
        about = {
            "format": FORMAT,
            "threshold": self.threshold,
            "false_alarms": self.false_alarms,
            "calibrated_on": self.calibrated_on,
            "method": self.method,
        }
        return _result_files.write_csv(path, about, _result_files.table(COLUMNS, self._rows()))

    @classmethod
    def from_csv(cls, path: str | os.PathLike[str]) -> "AnomalyScores":
        """Read back what `to_csv` wrote.

        Raises
        ------
        InputError
            If the file is not one, or is damaged.
        """

        def restored(about: dict[str, Any], rows: list[dict[str, str]]) -> AnomalyScores:
            return cls(
                scores=np.array([float(row["score"]) for row in rows]),
                p_values=np.array([float(row["p_value"]) for row in rows]),
                sources=tuple(row["image"] for row in rows),
                **about,
            )

        return _result_files.read_csv(path, FORMAT, restored)

    def save_maps(self, folder: str | os.PathLike[str]) -> list[Path]:
        """Write the maps to a folder, with the numbers of the images before their names.

        Each becomes a TIFF file with its values, and a PNG picture. Grey levels have one scale for
        all: from the usual lower quartile, black, logarithmically to the largest value of all.

        Raises
        ------
        InputError
            If the scores were made without maps, or the folder cannot be written.
        """
        if self.maps is None:
            raise InputError("there are no maps: score with maps=True")
        target = _files.output_folder(folder, name="maps")
        black = float(np.median([np.quantile(found, 0.25) for found in self.maps]))
        white = max(float(found.max()) for found in self.maps)
        step = max((white - black) / CONTRAST, 1e-12)
        digits = len(str(len(self) - 1))
        written = []
        for i, (source, found) in enumerate(zip(self.sources, self.maps, strict=True)):
            stem = f"{i:0{digits}d}-{Path(source).stem}"
            height = np.log1p(np.maximum(found - black, 0) / step) / np.log1p(CONTRAST)
            grey = np.rint(255 * np.clip(height, 0, 1)).astype(np.uint8)
            written.append(save_image(target / f"{stem}.tif", found))
            save_image(target / f"{stem}.png", grey)
        return written

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the scores in their order, with the threshold."""
        if ax is None:
            from matplotlib import pyplot as plt

            ax = plt.figure(figsize=(6, 3.5)).add_subplot()
        order = np.argsort(self.scores)
        places = np.arange(len(order))
        bad = self.anomalous[order]
        for chosen, colour, word in ((~bad, "C0", "normal"), (bad, "C3", "anomalous")):
            label = f"{word}: {int(chosen.sum())}"
            ax.plot(places[chosen], self.scores[order][chosen], ".", color=colour, label=label)
        marked = f"threshold for {100 * self.false_alarms:g} % false alarms"
        ax.axhline(self.threshold, color="k", linewidth=0.8, linestyle="--", label=marked)
        ax.set(xlabel="images in the order of their scores", ylabel="anomaly score")
        ax.legend(frameon=False)
        return ax

    def _rows(self) -> list[Sequence[Any]]:
        columns = (self.sources, self.scores, self.p_values, self.anomalous)
        return [
            (name, float(score), float(p), bool(bad))
            for name, score, p, bad in zip(*columns, strict=True)
        ]
