"""A person labels the images of a table, one after the other; any page or terminal may ask."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from microtwin import _validate
from microtwin.errors import InputError
from microtwin.images.catalogue import MODEL, Catalogue, Entry

YES, NO = "YES", "NO"


@dataclass(frozen=True, slots=True)
class Agreement:
    """How often a model was right about images that a person labelled afterwards.

    Of images that were asked for because the model was unsure, it says less than of others: there
    it is wrong more often than in all. What validation images say is in `summarise`.

    Attributes
    ----------
    right : int
        How often the model had the same label.
    judged : int
        Of how many images that had a score.
    """

    right: int
    judged: int

    @property
    def accuracy(self) -> float | None:
        """Share that was right; None before the first."""
        return self.right / self.judged if self.judged else None


class Labelling:
    """One person's pass over a table; every answer is on disk when `label` returns.

    Parameters
    ----------
    table : path
        A catalogue as CSV. Others may label, and a model may write into it, at the same time.
    by : str
        Name of the person.
    order : sequence of int, optional
        Ids in the order in which to show them, for instance what `ask_next` returns; without it
        all images that no person has labelled, in the order of the table.
    labels : (str, str)
        What a fit image is called, and an unfit one.

    Raises
    ------
    InputError
        If the table is none, an id is not in it, or the name is empty or ``model``.
    """

    def __init__(
        self,
        table: str | os.PathLike[str],
        *,
        by: str,
        order: Sequence[int] | None = None,
        labels: tuple[str, str] = (YES, NO),
    ) -> None:
        self.table = Path(table)
        self.by = person(by)
        self.labels = two_labels(labels)
        now = Catalogue.from_csv(table)
        wanted = [entry.id for entry in now] if order is None else list(order)
        self._queue = [i for i in dict.fromkeys(wanted) if not now[i].by_person]
        self._at = 0
        self._before: list[Entry] = []
        self._judged: list[bool | None] = []

    @property
    def total(self) -> int:
        """How many images there were to label when the pass began."""
        return len(self._queue)

    @property
    def done(self) -> int:
        """How many of them have been passed: labelled here, by others meanwhile, or skipped."""
        return self._at

    @property
    def agreement(self) -> Agreement:
        """How often the scores in the table were right about what was labelled in this pass."""
        judged = [right for right in self._judged if right is not None]
        return Agreement(sum(judged), len(judged))

    def next(self) -> Entry | None:
        """Return the image to be shown now, as the table has it; None when all are done."""
        if self._at >= len(self._queue):
            return None
        now = Catalogue.from_csv(self.table)
        while self._at < len(self._queue):
            entry = now[self._queue[self._at]]
            if not entry.by_person:  # nobody else has labelled it meanwhile
                return entry
            self._at += 1
        return None

    def ahead(self, count: int) -> tuple[int, ...]:
        """Return the ids of those that come after the present one, to have them ready."""
        return tuple(self._queue[self._at + 1 : self._at + 1 + count])

    def label(self, number: int, label: str) -> Entry:
        """Write a label and go on; return the row as it is now.

        Raises
        ------
        InputError
            If the label is not one of the two, or the table cannot be changed.
        """
        _validate.choice(label, self.labels, name="label")
        was: list[Entry] = []

        def labelled(now: Catalogue) -> Catalogue:
            was[:] = [now[number]]
            return _with(now, replace(now[number], label=label, by=self.by))

        after = Catalogue.edit(self.table, labelled)
        self._before += was
        score = was[0].score
        right = None if score is None else (score >= 0.5) == (label == self.labels[0])
        self._judged.append(right)
        if self._at < len(self._queue) and self._queue[self._at] == number:
            self._at += 1
        return after[number]

    def skip(self) -> None:
        """Leave the present image without a label; it comes again in another pass."""
        self._at = min(self._at + 1, len(self._queue))

    def undo(self) -> Entry | None:
        """Take the last label of this pass back and show that image again; None if there is none.

        If somebody else has changed the row since, theirs stays.
        """
        if not self._before:
            return None
        was = self._before.pop()
        self._judged.pop()

        def restored(now: Catalogue) -> Catalogue:
            row = now[was.id]
            if row.by != self.by:
                return now
            return _with(now, replace(row, label=was.label, by=was.by))

        after = Catalogue.edit(self.table, restored)
        if was.id in self._queue:
            self._at = self._queue.index(was.id)
        return after[was.id]


def person(name: str) -> str:
    """Return the name of who labels.

    Raises
    ------
    InputError
        If it is empty, or that of models.
    """
    given = str(name).strip()
    if not given or given == MODEL:
        raise InputError(f"by must be a person's name, not {name!r}")
    return given


def two_labels(labels: tuple[str, str]) -> tuple[str, str]:
    """Return what a fit image is called, and an unfit one.

    Raises
    ------
    InputError
        If these are not two different names.
    """
    given = [str(label).strip() for label in labels]
    if len(given) != 2 or not all(given) or given[0] == given[1]:
        raise InputError(f"labels must be two different names, not {labels!r}")
    return given[0], given[1]


def _with(catalogue: Catalogue, changed: Entry) -> Catalogue:
    return Catalogue(tuple(changed if e.id == changed.id else e for e in catalogue))
