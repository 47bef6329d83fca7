"""Which parts of images speak for a class, and how that is looked at and measured."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from microtwin import _validate
from microtwin._figures import look, to_png
from microtwin._version import __version__
from microtwin.classification.predictions import Predictions
from microtwin.classification.sheets import show
from microtwin.errors import InputError

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = npt.NDArray[np.float64]

HALF = 0.5  # where the outline is drawn


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """What speaks for a class in each of some images, by Grad-CAM.

    Attributes
    ----------
    heat : ndarray of float32, shape (n, y, x)
        How much each pixel speaks for the class, 0 to 1 in each image; all 0 where nothing does.
    images : ndarray, shape (n, y, x) or (n, y, x, 3)
        The images.
    target : ndarray of int64, shape (n,)
        The class that it is about.
    predictions : Predictions
        What the network says of the images.
    version : str
        Of microtwin.
    """

    heat: npt.NDArray[np.float32]
    images: npt.NDArray[np.generic]
    target: npt.NDArray[np.int64]
    predictions: Predictions
    version: str = __version__

    def __len__(self) -> int:
        return len(self.heat)

    def share(self, mask: npt.ArrayLike) -> Floats:
        """Return how much of what speaks for the class lies within a mask, of each image.

        By chance that is the area of the mask: heat spread evenly over the image has a share of
        ``mask.mean()``.

        Parameters
        ----------
        mask : array_like of bool, shape (y, x) or (n, y, x)
            Where the evidence is known to be.

        Returns
        -------
        ndarray of float64, shape (n,)
            0 to 1; NaN where nothing speaks for the class.

        Raises
        ------
        InputError
            If the mask is of another shape.
        """
        inside = self._mask(mask)
        total = self.heat.sum(axis=(1, 2), dtype=np.float64)
        within = np.where(inside, self.heat, 0).sum(axis=(1, 2), dtype=np.float64)
        result: Floats = np.divide(within, total, out=np.full(len(self), np.nan), where=total > 0)
        return result

    def points_into(self, mask: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        """Return whether the strongest pixel of each image lies within a mask, see `share`.

        Raises
        ------
        InputError
            If the mask is of another shape.
        """
        inside = np.broadcast_to(self._mask(mask), self.heat.shape)
        y, x = self.peaks.T
        return np.asarray(inside[np.arange(len(self)), y, x] & (self.heat.max(axis=(1, 2)) > 0))

    @property
    def peaks(self) -> npt.NDArray[np.int64]:
        """Place (y, x) of the strongest pixel of each image, (n, 2)."""
        flat = self.heat.reshape(len(self), -1).argmax(axis=1)
        return np.stack(np.unravel_index(flat, self.heat.shape[1:]), axis=1)

    def to_dataframe(self) -> "pd.DataFrame":
        """Return a table: image, class, its probability, and the place of what speaks most for it.

        `half_area` is the fraction of the image where more than half as much speaks for it.
        """
        import pandas as pd

        said = self.predictions
        return pd.DataFrame(
            {
                "image": said.sources,
                "predicted": said.labels,
                "target": [said.classes[i] for i in self.target],
                "probability": said.probabilities[np.arange(len(self)), self.target],
                "peak_y": self.peaks[:, 0],
                "peak_x": self.peaks[:, 1],
                "half_area": (self.heat > HALF).mean(axis=(1, 2)),
            }
        )

    def plot(
        self,
        indices: Sequence[int] | None = None,
        *,
        columns: int = 4,
        figure: "Figure | None" = None,
    ) -> "Figure":
        """Draw images, each beside itself with what speaks for the class laid over it.

        Parameters
        ----------
        indices : sequence of int, optional
            Which images; the first sixteen by default.
        columns : int
            Images in a row.
        figure : matplotlib Figure, optional
            Where to draw; a new one if not given.
        """
        chosen = np.arange(len(self))[:16] if indices is None else np.arange(len(self))[[*indices]]
        columns = min(_validate.integer(columns, name="columns", minimum=1), max(len(chosen), 1))
        rows = -(-len(chosen) // columns)
        with look():
            if figure is None:
                from matplotlib.figure import Figure

                figure = Figure(figsize=(3.4 * columns, 2.0 * rows), layout="constrained")
            grid = figure.subplots(rows, 2 * columns, squeeze=False).reshape(-1, 2)
            for ax in grid.flat:
                ax.set_axis_off()
            for i, (left, right) in zip(chosen, grid, strict=False):
                show(left, self.images[i])
                left.set_title(os.path.basename(self.predictions.sources[i]), fontsize=8)
                self.draw(right, int(i))
        return figure

    def draw(self, ax: "Axes", index: int) -> None:
        """Draw one image with what speaks for the class laid over it, outlined at half the most."""
        import matplotlib.patheffects as effects

        heat = self.heat[index]
        show(ax, self.images[index])
        ax.imshow(heat, cmap="inferno", vmin=0, vmax=1, alpha=0.65 * np.sqrt(heat))
        if heat.max() > HALF > heat.min():
            lines = ax.contour(heat, levels=[HALF], colors="white", linewidths=1.1)
            lines.set(path_effects=[effects.withStroke(linewidth=2.2, foreground="black")])
        said, target = self.predictions, int(self.target[index])
        told = f"{said.classes[target]} {100 * said.probabilities[index, target]:.0f} %"
        ax.set_title(told if heat.max() > 0 else f"nothing for {told}", fontsize=8)

    def to_png(self, path: str | os.PathLike[str], index: int | None = None) -> Path:
        """Write the picture of `plot`, or of one image with what speaks for the class, as PNG.

        Parameters
        ----------
        path : path
            Where to.
        index : int, optional
            Of the one image.
        """
        if index is None:
            return to_png(self.plot(), path)
        from matplotlib.figure import Figure

        place = _validate.integer(index, name="index", minimum=0, maximum=len(self) - 1)
        with look():
            figure = Figure(figsize=(3.2, 3.4), layout="constrained")
            self.draw(figure.subplots(), place)
        return to_png(figure, path)

    def _mask(self, mask: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        inside = np.asarray(mask, bool)
        if inside.shape not in (self.heat.shape, self.heat.shape[1:]):
            raise InputError(
                f"mask must be of the shape {self.heat.shape[1:]} of an image, or one for each, "
                f"not {inside.shape}"
            )
        return inside
