"""Where the labelling of a table stands, and how well the model does."""

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from microtwin.images.catalogue import MODEL, Catalogue
from microtwin.selection.labelling import YES

DOUBTED = 0.9  # how sure a model must be of the opposite for a person's label to be looked at again


@dataclass(frozen=True, slots=True)
class Judged:
    """How many of some images a model has right, and how sure that is.

    Attributes
    ----------
    right, images : int
        Of how many images how many are right.
    low, high : float
        95 % interval of the accuracy (Clopper and Pearson, Biometrika 26, 404 (1934)).
    """

    right: int
    images: int
    low: float
    high: float

    @property
    def accuracy(self) -> float:
        """Share that is right."""
        return self.right / self.images

    @classmethod
    def of(cls, right: int, images: int) -> "Judged":
        """Return the accuracy with its interval, of at least one image."""
        from scipy.stats import binomtest

        interval = binomtest(right, images).proportion_ci(0.95, method="exact")
        return cls(right, images, float(interval.low), float(interval.high))


@dataclass(frozen=True, slots=True)
class Summary:
    """Where the labelling of a table stands.

    Attributes
    ----------
    images : int
        Rows.
    labels, splits, people : mapping of str to int
        How many rows have each label, each split, and a label by each person or the model; "" is
        for those without.
    by_hand : mapping of str to int
        Labels by persons.
    scored : int
        Rows that a model has looked at.
    validation : Judged or None
        How the model does on validation images that a person labelled: what to expect of those
        labelled by the model, if validation images were drawn at random, as `ask_next` does. The
        epoch was chosen on the same images, so that it is a little too good. None without any.
    doubted : tuple of int
        Ids of persons' labels of which the model is sure that they are wrong: look again.
    missing : tuple of int
        Ids of files that are not there.
    """

    images: int
    labels: Mapping[str, int]
    splits: Mapping[str, int]
    people: Mapping[str, int]
    by_hand: Mapping[str, int]
    scored: int
    validation: Judged | None
    doubted: tuple[int, ...]
    missing: tuple[int, ...]

    @property
    def left_to_the_model(self) -> int:
        """How many images no person had to label, because the model did."""
        return self.people.get(MODEL, 0)


def summarise(table: str | os.PathLike[str] | Catalogue, *, positive: str = YES) -> Summary:
    """Count labels, and hold the model's scores against what persons said.

    Parameters
    ----------
    table : path or Catalogue
        The table.
    positive : str
        The label that the scores are probabilities of.

    Returns
    -------
    Summary
        Counts, accuracy and what is worth another look.

    Raises
    ------
    InputError
        If the table cannot be read.
    """
    rows = table if isinstance(table, Catalogue) else Catalogue.from_csv(table)
    hand = [entry for entry in rows if entry.by_person]
    judged = [
        (entry.score >= 0.5) == (entry.label == positive)
        for entry in hand
        if entry.split == "validation" and entry.score is not None
    ]
    doubted = [
        entry.id
        for entry in hand
        if entry.score is not None
        and (1 - entry.score if entry.label == positive else entry.score) > DOUBTED
    ]
    return Summary(
        images=len(rows),
        labels=dict(Counter(entry.label for entry in rows)),
        splits=dict(Counter(entry.split for entry in rows)),
        people=dict(Counter(entry.by for entry in rows if entry.label)),
        by_hand=dict(Counter(entry.label for entry in hand)),
        scored=sum(entry.score is not None for entry in rows),
        validation=Judged.of(sum(judged), len(judged)) if judged else None,
        doubted=tuple(doubted),
        missing=tuple(entry.id for entry in rows if not entry.path.is_file()),
    )
