"""What screening returns."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import numpy.typing as npt

from microtwin import _result_files
from microtwin._version import __version__
from microtwin.statistics import Distance

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

FORMAT = "microtwin-screening-1"
NAMED = 3  # reasons told of each


@dataclass(frozen=True, slots=True, eq=False)
class Screened:
    """A structure that was screened.

    Attributes
    ----------
    index : int
        Which of the samples it is.
    labels : ndarray of uint8
        Its phases.
    image : ndarray or None
        Its grey levels, where they are known.
    score : float
        How far it is from the real structures: the root-mean-square of `distance`'s terms.
    passed : bool
        Whether it is near enough.
    distance : Distance
        Term by term.
    """

    index: int
    labels: npt.NDArray[np.uint8] = field(repr=False)
    image: npt.NDArray[Any] | None = field(repr=False)
    score: float
    passed: bool
    distance: Distance = field(repr=False)

    @property
    def reasons(self) -> tuple[str, ...]:
        """What the score is made of, the largest parts first."""
        found = self.distance
        unit = "standard deviations" if found.scale == "spread" else "of its scale"
        parts = {name: found.weights[name] * term**2 for name, term in found.terms.items()}
        together = sum(parts.values())
        largest = sorted(parts, key=parts.__getitem__, reverse=True)[:NAMED]
        return tuple(
            f"{name} {found.terms[name]:.3g} {unit} off, {100 * parts[name] / together:.0f} %"
            for name in largest
            if parts[name] > 0
        )


@dataclass(frozen=True, slots=True, eq=False)
class Screening(Sequence[Screened]):
    """The structures that were kept, the nearest first, and the scores of all that were seen.

    Attributes
    ----------
    kept : tuple of Screened
        Those that passed, the nearest first.
    scores : ndarray of float64, shape (n,)
        Of every sample, in the order they came; infinite for those without one of the phases.
    passed : ndarray of bool, shape (n,)
        Which of them are near enough. Of these the nearest `keep` were kept.
    terms : tuple of str
        What `parts` are of.
    parts : ndarray of float64, shape (n, terms)
        The differences that each score is the weighted root-mean-square of.
    scale : {"natural", "spread"}
        Their unit: what the quantity is like, or its standard deviation between real samples.
    tolerance : float or None
        The largest score that passes; None where the nearest pass, however far they are.
    accept : float or None
        Of real samples the fraction that would pass at least, where the tolerance is made of them.
    real_scores : ndarray of float64, shape (m,)
        Scores of the real samples, each against the others; empty where these are too few.
    windows : bool
        Whether the real samples are pieces of larger structures, of the size of what was screened.
    version : str
        The version of microtwin.
    """

    kept: tuple[Screened, ...] = field(repr=False)
    scores: npt.NDArray[np.float64] = field(repr=False)
    passed: npt.NDArray[np.bool_] = field(repr=False)
    terms: tuple[str, ...]
    parts: npt.NDArray[np.float64] = field(repr=False)
    scale: str
    tolerance: float | None
    accept: float | None
    real_scores: npt.NDArray[np.float64] = field(repr=False)
    windows: bool
    version: str = __version__

    def __len__(self) -> int:
        """Return how many were kept."""
        return len(self.kept)

    @overload
    def __getitem__(self, index: int) -> Screened: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Screened, ...]: ...
    def __getitem__(self, index: int | slice) -> Screened | tuple[Screened, ...]:
        """Return the nearest, the next, ..."""
        return self.kept[index]

    @property
    def verdict(self) -> str:
        """The result in a sentence or two."""
        seen, near = len(self.scores), int(self.passed.sum())
        unit = "standard deviations between real samples" if self.scale == "spread" else "its scale"
        if self.tolerance is None:
            text = f"the {len(self)} nearest of {seen} kept"
        else:
            text = f"{near} of {seen} pass, {len(self)} kept"
        if np.isfinite(self.scores).any():
            finite = self.scores[np.isfinite(self.scores)]
            text += f"; scores {finite.min():.3g} to {finite.max():.3g} {unit}"
        if self.tolerance is not None:
            text += f", at most {self.tolerance:.3g} passes"
        if self.accept is not None:
            text += f", as {100 * self.accept:.3g} % of real samples would"
        return text

    def to_dataframe(self) -> "pd.DataFrame":
        """Return one row for each sample, in the order they came."""
        import pandas as pd

        frame = pd.DataFrame(self.parts, columns=list(self.terms))
        frame.insert(0, "passed", self.passed)
        frame.insert(0, "score", self.scores)
        frame.insert(0, "sample", np.arange(len(self.scores)))
        return frame

    def to_csv(self, path: str | os.PathLike[str]) -> Path:
        """Write the table of `to_dataframe`, below a comment that holds all else."""
        about = {
            "format": FORMAT,
            "scale": self.scale,
            "tolerance": self.tolerance,
            "accept": self.accept,
            "windows": self.windows,
            "kept": [one.index for one in self.kept],
            "real_scores": self.real_scores.tolist(),
            "version": self.version,
        }
        columns = ["sample", "score", "passed", *self.terms]
        numbers = zip(self.scores.tolist(), self.passed.tolist(), self.parts.tolist(), strict=True)
        rows = ([i, score, int(ok), *parts] for i, (score, ok, parts) in enumerate(numbers))
        return _result_files.write_csv(path, about, _result_files.table(columns, rows))

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the scores of the samples beside those of the real ones."""
        from microtwin.screening._plots import plot_scores

        return plot_scores(self, ax)
