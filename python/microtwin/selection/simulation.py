"""What active learning would have saved: known labels are given as if a person gave them."""

import logging
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from microtwin import _files, _result_files, _validate
from microtwin._progress import ProgressCallback, silent
from microtwin.classification import Classifier, LabelledImages, train_classifier
from microtwin.errors import InputError
from microtwin.selection.features import simple_features
from microtwin.selection.strategies import STRATEGIES, ask

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

logger = logging.getLogger(__name__)

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Learn = Callable[[LabelledImages, LabelledImages, int, Classifier | None], Classifier]

SHARE = 1 / 6  # of the labels that goes to validation, as in the tables of persons
RESAMPLED = 500  # draws of seeds for intervals


@dataclass(frozen=True, slots=True)
class Saved:
    """How many labels a strategy needs to be as good as another one.

    Attributes
    ----------
    labels : int
        How many the other one had.
    accuracy : float
        How good it was with these, on average.
    needed : float
        With how many the strategy is as good; infinite if it never was.
    low, high : float
        90 % interval of `needed`, from drawing the seeds anew.
    """

    labels: int
    accuracy: float
    needed: float
    low: float
    high: float

    @property
    def saved(self) -> float:
        """How many labels fewer; negative where more were needed."""
        return self.labels - self.needed


@dataclass(frozen=True, eq=False)
class Simulation:
    """Accuracy against the number of labels, for several strategies and seeds.

    Attributes
    ----------
    strategies : tuple of str
        How images were chosen.
    labels : tuple of int
        Labels given in all, validation included.
    accuracy : ndarray, shape (strategies, seeds, labels)
        On images that were neither learned from nor validated on.
    """

    strategies: tuple[str, ...]
    labels: tuple[int, ...]
    accuracy: Floats

    def saved(self, strategy: str, *, against: str = "random") -> tuple[Saved, ...]:
        """Return how many labels `strategy` needs to be as good as `against`, for each number.

        Curves are means over the seeds, made to rise (isotonic regression), straight between their
        points.

        Raises
        ------
        InputError
            If either has not been simulated.
        """
        ours, theirs = (
            self.accuracy[self.strategies.index(_validate.choice(name, self.strategies, name=what))]
            for name, what in ((strategy, "strategy"), (against, "against"))
        )
        rng = np.random.default_rng(0)
        draws = rng.integers(0, len(ours), (RESAMPLED, len(ours)))
        levels = _rising(theirs.mean(axis=0))
        needed = _needed(levels, self.labels, _rising(ours.mean(axis=0)))
        drawn = [
            _needed(_rising(theirs[d].mean(axis=0)), self.labels, _rising(ours[d].mean(axis=0)))
            for d in draws
        ]
        low, high = np.quantile(drawn, (0.05, 0.95), axis=0, method="nearest")
        return tuple(
            Saved(*each)
            for each in zip(
                self.labels, levels.tolist(), needed.tolist(), low.tolist(), high.tolist(),
                strict=True,
            )
        )  # fmt: skip

    def to_dataframe(self) -> "pd.DataFrame":
        """Return one row for each strategy, seed and number of labels."""
        import pandas as pd

        return pd.DataFrame(self._rows(), columns=["strategy", "seed", "labels", "accuracy"])

    def to_csv(self, path: str | os.PathLike[str]) -> Path:
        """Write the table as CSV."""
        columns = ("strategy", "seed", "labels", "accuracy")
        return _files.write_text(path, _result_files.table(columns, self._rows()))

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the mean of each strategy over the seeds, and their standard deviation."""
        import matplotlib.pyplot as plt

        axes = plt.subplots(figsize=(5, 3.5), layout="constrained")[1] if ax is None else ax
        for name, values in zip(self.strategies, self.accuracy, strict=True):
            mean, spread = values.mean(axis=0), values.std(axis=0)
            (line,) = axes.plot(self.labels, mean, "o-", markersize=3, label=name)
            axes.fill_between(
                self.labels, mean - spread, mean + spread, alpha=0.15, color=line.get_color()
            )
        axes.set(xlabel="labels given", ylabel="accuracy on other images", xscale="log")
        axes.set_xticks(self.labels, [str(n) for n in self.labels])
        axes.minorticks_off()
        axes.legend(frameon=False)
        return axes

    def _rows(self) -> list[tuple[str, int, int, float]]:
        return [
            (name, seed, labels, float(self.accuracy[i, seed, j]))
            for i, name in enumerate(self.strategies)
            for seed in range(self.accuracy.shape[1])
            for j, labels in enumerate(self.labels)
        ]


def simulate(
    pool: LabelledImages,
    test: LabelledImages,
    *,
    strategies: Sequence[str] = ("random", "margin"),
    labels: Sequence[int] = (24, 48, 96, 192),
    seeds: int = 5,
    preset: str = "preclassifier",
    epochs: int | None = None,
    learn: Learn | None = None,
    progress: ProgressCallback = silent,
) -> Simulation:
    """Play active learning through with labels that are known, several strategies side by side.

    As in real use a sixth of the labels goes to images drawn at random for validation, the same for
    all strategies; the others are chosen by the strategy. The first of these are random ones, as
    there is no model to ask yet (unlike ones by `simple_features` for ``coverage``). Each time the
    network is trained anew on all labels so far.

    Parameters
    ----------
    pool : LabelledImages
        Images to choose from, with their labels.
    test : LabelledImages
        Others to judge by, of the same classes.
    strategies : sequence of str
        As in `ask`; with ``+``, a diversity after it: ``margin+none``.
    labels : sequence of int
        Numbers of labels after which to train and judge, rising.
    seeds : int
        How often, with other starts, other draws and other weights.
    preset : str
        Recipe of the network.
    epochs : int, optional
        At most; those of the recipe by default.
    learn : callable, optional
        ``learn(training, validation, seed, previous)`` returns a classifier, instead.
    progress : ProgressCallback
        Told after each training.

    Returns
    -------
    Simulation
        The accuracies.

    Raises
    ------
    InputError
        If labels are missing, classes differ, or there are fewer images than labels asked for.
    """
    ways = [_way(name) for name in strategies]
    budgets = [_validate.integer(n, name="each of labels", minimum=6) for n in labels]
    repeats = _validate.integer(seeds, name="seeds", minimum=1)
    if not ways or not budgets or budgets != sorted(set(budgets)):
        raise InputError("strategies and labels must be at least one, labels rising")
    if pool.classes != test.classes or min(pool.labels.min(), test.labels.min()) < 0:
        raise InputError("pool and test must have labels of the same classes for all images")
    judges = round(SHARE * len(pool))
    if round(SHARE * budgets[-1]) > judges or budgets[-1] > len(pool):
        raise InputError(f"labels must be at most the {len(pool)} images of pool")
    teach = learn or _Network(preset, epochs)
    places = None
    if any(strategy != "random" for strategy, _ in ways):
        places = simple_features(pool.pixels[i][..., 0] for i in range(len(pool)))
    found = np.empty((len(ways), repeats, len(budgets)))
    total, done = found.size, 0
    for seed in range(repeats):
        order = np.random.default_rng(seed).permutation(len(pool))
        for k, way in enumerate(ways):
            chosen = np.array([], np.int64)
            model: Classifier | None = None
            for j, budget in enumerate(budgets):
                held_out = order[: round(SHARE * budget)]
                left = np.setdiff1d(order[judges:], chosen)
                wanted = budget - len(held_out) - len(chosen)
                picked = _picked(pool, left, wanted, way, model, places, seed=1000 * seed + j)
                chosen = np.concatenate([chosen, picked])
                model, found[k, seed, j] = _judged(
                    pool.part(chosen), pool.part(held_out), test, teach, seed, model
                )
                done += 1
                progress(done, total, {"accuracy": float(found[k, seed, j])})
                logger.info("%s, seed %d: %d, %.4f", way, seed, budget, found[k, seed, j])
    return Simulation(tuple(strategies), tuple(budgets), found)


class _Network:
    """Trains a network in a folder that is thrown away."""

    def __init__(self, preset: str, epochs: int | None) -> None:
        self._preset, self._epochs = preset, epochs

    def __call__(
        self,
        training: LabelledImages,
        validation: LabelledImages,
        seed: int,
        previous: Classifier | None,
    ) -> Classifier:
        with tempfile.TemporaryDirectory() as folder:
            return train_classifier(
                training,
                preset=self._preset,
                workdir=Path(folder) / "run",
                validation=validation,
                epochs=self._epochs,
                size=training.pixels.shape[1:3],
                seed=seed,
            )


def _judged(
    training: LabelledImages,
    validation: LabelledImages,
    test: LabelledImages,
    teach: Learn,
    seed: int,
    previous: Classifier | None,
) -> tuple[Classifier | None, float]:
    """Return a model and its accuracy; with labels of one class alone, that of giving just this."""
    classes = np.unique(training.labels)
    if len(classes) == 1:
        return None, float((test.labels == classes[0]).mean())
    model = teach(training, validation, seed, previous)
    return model, float((model.predict(test).predicted == test.labels).mean())


def _picked(
    pool: LabelledImages,
    left: Ints,
    number: int,
    way: tuple[str, str | None],
    model: Classifier | None,
    places: Any,
    *,
    seed: int,
) -> Ints:
    strategy, diversity = way
    if strategy == "random" or (model is None and strategy != "coverage"):
        return np.random.default_rng(seed).permutation(left)[:number]
    if model is None:
        return left[ask(number, embeddings=places[left], strategy="coverage", seed=seed).indices]
    images = pool.part(left)
    asked = ask(
        number,
        probabilities=model.predict(images).probabilities,
        embeddings=None if diversity == "none" else model.embed(images),
        strategy=strategy,
        diversity=diversity,
        seed=seed,
    )
    return left[asked.indices]


def _way(name: str) -> tuple[str, str | None]:
    strategy, _, diversity = name.partition("+")
    return _validate.choice(strategy, STRATEGIES, name="each of strategies"), diversity or None


def _rising(curve: Floats) -> Floats:
    from sklearn.isotonic import isotonic_regression

    return np.asarray(isotonic_regression(curve))


def _needed(levels: Floats, labels: Sequence[int], curve: Floats) -> Floats:
    """Return where a rising curve first reaches each level; infinite where it does not."""
    needed = np.full(len(levels), np.inf)
    for i, level in enumerate(levels):
        reached = np.flatnonzero(curve >= level - 1e-12)
        if len(reached) == 0:
            continue
        k = reached[0]
        if k == 0:
            needed[i] = labels[0]
            continue
        share = (level - curve[k - 1]) / (curve[k] - curve[k - 1])
        needed[i] = labels[k - 1] + share * (labels[k] - labels[k - 1])
    return needed
