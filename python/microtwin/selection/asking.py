"""Which images of a table to have labelled next, some of them to judge the model by."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from microtwin import _validate
from microtwin._progress import ProgressCallback, silent
from microtwin.images import splits
from microtwin.images.catalogue import Catalogue, Entry
from microtwin.images.reading import read_pixels
from microtwin.images.sized import sized
from microtwin.selection.features import simple_features
from microtwin.selection.strategies import DIVERSITIES, STRATEGIES, ask, doubt

SHORTLIST = 5.0  # how many times as many images are looked at for unlike ones as are asked for
COLD = 1000  # images looked at where there is no model, drawn at random from more


class Embeds(Protocol):
    """What tells where images lie: a classifier, for instance."""

    def embed(self, images: Any, *, progress: ProgressCallback) -> npt.ArrayLike:
        """Return (n, d) numbers."""
        ...


@dataclass(frozen=True, slots=True)
class Question:
    """An image to be labelled.

    Attributes
    ----------
    id : int
        Its row in the table.
    path : Path
        The file.
    split : str
        ``train``, or ``validation`` for those drawn at random to judge the model by.
    score, doubt : float or None
        What the last model thinks of it, and how unsure it is, 0 to 1.
    """

    id: int
    path: Path
    split: str
    score: float | None
    doubt: float | None


def ask_next(
    table: str | os.PathLike[str],
    n: int,
    *,
    model: Embeds | None = None,
    strategy: str | None = None,
    diversity: str | None = None,
    validation: float = 1 / 6,
    seed: int = 0,
    progress: ProgressCallback = silent,
) -> tuple[Question, ...]:
    """Choose the images of a table to have labelled next, and note in it what each is for.

    A share of the images, drawn by their names, is never asked for because the model is unsure, but
    at random: the accuracy on these is that on all images. The others come by `strategy`, from the
    scores that `predict_labels` wrote. Without scores, images are drawn at random.

    Parameters
    ----------
    table : path
        A catalogue as CSV.
    n : int
        How many; fewer where fewer are left.
    model : Classifier, optional
        Tells which images are alike; `simple_features` do unless given.
    strategy, diversity : str, optional
        As in `ask`; without scores, any strategy but "coverage" is "random".
    validation : float
        Share that is kept to judge the model by, 0 to 0.5.
    seed : int
        Seed of all that is random.
    progress : ProgressCallback
        Told of images looked at.

    Returns
    -------
    tuple of Question
        The most doubtful first, those for validation last; empty where all are labelled.

    Raises
    ------
    InputError
        If the table or an image cannot be read, or an option is out of range.
    """
    number = _validate.integer(n, name="n", minimum=1)
    share = _validate.real(validation, name="validation", minimum=0, maximum=0.5)
    rng = np.random.default_rng(_validate.seed(seed))
    _validate.choice(strategy or "margin", STRATEGIES, name="strategy")
    _validate.choice(diversity or "k-means", DIVERSITIES, name="diversity")
    now = Catalogue.from_csv(table)
    open_ones = [entry for entry in now if not entry.by_person]
    judging = [e for e in open_ones if _judges(e, share)]
    others = [e for e in open_ones if not _judges(e, share) and e.split in ("", "train")]
    drawn = min(round(number * share), len(judging))
    judges = [judging[i] for i in rng.permutation(len(judging))[:drawn]]
    wanted = min(number - drawn, len(others))
    scored = [entry for entry in others if entry.score is not None]
    cold = len(scored) < wanted
    pool = others if cold else scored
    if cold and strategy != "coverage":
        # Unlike images are outliers: networks that saw these first did worse than with any.
        strategy = "random"
    chosen = _chosen(pool, wanted, cold, model, strategy, diversity, rng, progress)
    _note(table, {**{e.id: "train" for e in chosen}, **{e.id: "validation" for e in judges}})
    return tuple(
        Question(
            entry.id,
            entry.path,
            split,
            entry.score,
            None if entry.score is None else float(doubt([entry.score])[0]),
        )
        for split, entries in (("train", chosen), ("validation", judges))
        for entry in entries
    )


def _judges(entry: Entry, share: float) -> bool:
    if entry.split:
        return entry.split == "validation"
    return splits.draw(entry.path.name) < share


def _chosen(
    pool: Sequence[Entry],
    number: int,
    cold: bool,
    model: Embeds | None,
    strategy: str | None,
    diversity: str | None,
    rng: np.random.Generator,
    progress: ProgressCallback,
) -> list[Entry]:
    seed = int(rng.integers(2**31))
    short = [pool[i] for i in rng.permutation(len(pool))]
    if number == 0 or strategy == "random":
        return short[:number]
    if not cold and strategy != "coverage":
        order = np.argsort(-doubt([_score(entry) for entry in short]), kind="stable")
        short = [short[i] for i in order[: int(np.ceil(SHORTLIST * number))]]
    short = short[: max(COLD, int(SHORTLIST * number))]
    scores = None if cold else [_score(entry) for entry in short]
    places: npt.ArrayLike | None = None
    if cold or diversity != "none":
        paths = [entry.path for entry in short]
        if model is None:
            places = simple_features(_Greys(paths), progress=progress)
        else:
            places = model.embed(paths, progress=progress)
    asked = ask(
        number,
        probabilities=scores,
        embeddings=places,
        strategy=strategy,
        diversity=diversity,
        shortlist=SHORTLIST,
        seed=seed,
    )
    return [short[i] for i in asked.indices]


def _score(entry: Entry) -> float:
    assert entry.score is not None  # only those with scores come here
    return entry.score


def _note(table: str | os.PathLike[str], parts: dict[int, str]) -> None:
    """Write what each is for, unless it has been labelled or given a part meanwhile."""

    def noted(now: Catalogue) -> Catalogue:
        return Catalogue(
            tuple(
                replace(entry, split=parts[entry.id])
                if entry.id in parts and not entry.split
                else entry
                for entry in now
            )
        )

    Catalogue.edit(table, noted)


class _Greys(Sequence[npt.NDArray[Any]]):
    """Files as grey levels, read when they are looked at."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = paths

    def __len__(self) -> int:
        return len(self._paths)

    def __getitem__(self, i: Any) -> Any:
        pixels = read_pixels(self._paths[i])
        return sized(pixels, size=pixels.shape[:2], channels=1)[..., 0]
