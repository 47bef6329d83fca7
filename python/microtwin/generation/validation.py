"""How near samples come to what was held out: by their correlation functions, not by a loss."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from microtwin.generation.cutting import cut, porosities, where_to_cut
from microtwin.generation.drawing import Drawer, Task
from microtwin.generation.encoding import Encoding
from microtwin.images.patches import Places
from microtwin.learning.adversarial import State
from microtwin.learning.checkpoints import save_arrays
from microtwin.learning.log import CsvLog, TensorBoard
from microtwin.learning.network import Weights
from microtwin.statistics import lineal_path, two_point

Array = npt.NDArray[Any]
Labels = npt.NDArray[np.uint8]

REAL = 256  # patches of the validation set; volumes are cut into fewer
SAMPLES = {2: 128, 3: 4}
VOLUMES = 24
SEED = 1_000_003  # of the latents; far from those that users take


@dataclass(frozen=True, slots=True)
class Curves:
    """Mean two-point probability and lineal path of each phase, over samples and axes.

    Attributes
    ----------
    two_point, lineal_path : ndarray, shape (phases, lags)
        In units of the fraction of the phase in the real images.
    spread : float
        Standard deviation over samples of the porosity.
    """

    two_point: npt.NDArray[np.float64]
    lineal_path: npt.NDArray[np.float64]
    spread: float

    @classmethod
    def of(cls, labels: Labels, fractions: Sequence[float], *, max_lag: int) -> "Curves":
        """Measure labels (n, *sides)."""
        measured = [
            [
                sum(
                    function(sample, phase=phase, max_lag=max_lag, device="cpu").values.mean(0)
                    for sample in labels
                )
                / (len(labels) * fraction)
                for phase, fraction in enumerate(fractions)
            ]
            for function in (two_point, lineal_path)
        ]
        spread = float(porosities(labels, ()).std())
        return cls(np.array(measured[0]), np.array(measured[1]), spread)

    def distance(self, other: "Curves") -> dict[str, float]:
        """Return the rms differences of both functions, and the mean of the two."""
        apart = {
            "two_point": _rms(self.two_point - other.two_point),
            "lineal_path": _rms(self.lineal_path - other.lineal_path),
        }
        return {**apart, "distance": sum(apart.values()) / 2}


class Validation:
    """Compares samples with the validation set, logs how near they are, keeps the nearest weights.

    Where a porosity can be asked for, samples are asked for those of the real patches and cut where
    the training images are; how far they miss counts as much as each of the two functions.

    Parameters
    ----------
    drawer : Drawer
        Draws the samples.
    encoding : Encoding
        What they mean.
    sets : sequence of sequence of ndarray
        What was held out, as in `TrainingSet`.
    fractions : sequence of float
        Phase fractions of the training images.
    size : int
        Side of the patches.
    axes : int
        Dimensions of what is generated.
    log : CsvLog
        Gets a row each time.
    weights_file : Path
        Gets the nearest weights.
    board : TensorBoard
        Gets the distances too.
    """

    def __init__(
        self,
        drawer: Drawer,
        encoding: Encoding,
        sets: Sequence[Sequence[Array]],
        *,
        fractions: Sequence[float],
        size: int,
        axes: int,
        log: CsvLog,
        weights_file: Path,
        board: TensorBoard,
    ) -> None:
        self._drawer, self._encoding, self._fractions = drawer, encoding, fractions
        self._shape, self._lag = (size,) * axes, size // 2
        self._log, self._file, self._board = log, weights_file, board
        self._sliced = axes > sets[0][0].ndim
        real = [self._cut(_patches(images, size)) for images in sets]
        self._real = [self._curves(labels) for labels in real]
        self._asked = None
        if encoding.condition is not None:
            count = SAMPLES[axes]
            self._asked = np.quantile(porosities(real[0], ()), (np.arange(count) + 0.5) / count)

    @property
    def best(self) -> float:
        """The smallest distance so far."""
        return min((row["distance"] for row in self._log.rows()), default=np.inf)

    def __call__(self, step: int, state: State) -> None:
        """Judge the weights of `state`."""
        weights = state.best_generator
        values = self.judge(weights)
        best = self.best
        self._log.append(step, values)
        self._board.scalars(step, {f"validation/{name}": v for name, v in values.items()})
        if values["distance"] < best:
            save_arrays(self._file, weights, step=step, **values)

    def judge(self, weights: Weights) -> dict[str, float]:
        """Return how far samples are from the validation set."""
        asked = None if self._asked is None else tuple(self._asked.tolist())
        count = SAMPLES[len(self._shape)]
        images = self._drawer(
            weights, Task(seed=SEED, count=count, shape=self._shape, porosity=asked)
        )
        rule = "porosity" if self._asked is None else "training"
        at = where_to_cut(
            images, rule, trained=self._encoding.thresholds, fractions=self._fractions
        )
        labels = cut(images, at, phases=self._encoding.phases)
        views = [labels]
        if self._sliced:  # slices beside images: all of them, or each direction beside its own
            views = [_slices(labels, axis) for axis in range(3)]
            views = views if len(self._real) > 1 else [np.concatenate(views)]
        found = [self._curves(view) for view in views]
        apart = [f.distance(r) for f, r in zip(found, self._real, strict=True)]
        mean = {name: float(np.mean([each[name] for each in apart])) for name in apart[0]}
        if self._asked is not None:
            missed = _rms(porosities(labels, ()) - self._asked) / self._fractions[0]
            mean = {**mean, "missed": missed, "distance": (2 * mean["distance"] + missed) / 3}
        return {
            **mean,
            "spread_of_porosity": found[0].spread,
            "spread_of_real": self._real[0].spread,
        }

    def _cut(self, patches: Array) -> Labels:
        thresholds = self._encoding.thresholds
        return cut(patches, thresholds, phases=self._encoding.phases) if thresholds else patches

    def _curves(self, labels: Labels) -> Curves:
        return Curves.of(labels, self._fractions, max_lag=self._lag)


def _patches(images: Sequence[Array], size: int) -> Array:
    """Cut patches as they lie: not turned."""
    shapes = [image.shape for image in images]
    count = REAL if len(shapes[0]) == 2 else VOLUMES
    places = Places.drawn(shapes, size=size, count=count, seed=0, flips=False, rotations=False)
    return places.cut(images)


def _slices(labels: Labels, axis: int) -> Labels:
    """Return the slices of volumes (n, z, y, x) normal to an axis, every eighth."""
    sliced = np.moveaxis(labels, 1 + axis, 1)[:, ::8]
    return sliced.reshape(-1, *sliced.shape[2:])


def _rms(values: npt.NDArray[np.float64]) -> float:
    return float(np.sqrt(np.square(values).mean()))
