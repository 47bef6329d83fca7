"""The table of many images: what each shows, what it is used for, and who said so."""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from microtwin import _validate
from microtwin.errors import InputError
from microtwin.images import catalogue_files as files
from microtwin.images import splits
from microtwin.images.finding import PathLike, find_images
from microtwin.images.reading import read_image
from microtwin.images.scaled import ScaledImage

if TYPE_CHECKING:
    import pandas as pd

MODEL = "model"  # who labelled, where it was no person
SPLITS: Mapping[str, float] = {"train": 5 / 6, "validation": 1 / 6}


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of a catalogue.

    Attributes
    ----------
    id : int
        A running number, by which the row is known.
    label : str
        What it is; empty while nobody has said.
    path : Path
        The file.
    split : str
        What it is used for: ``train``, ``validation``, ``test``; empty while not decided.
    score : float or None
        What the last model thought of it, 0 to 1: the probability of the label it was asked about.
    by : str
        Who labelled: a person's name, or ``model``. Empty if not known, which counts as a person.
    extra : tuple of (str, str)
        Other columns of the table, kept as they are.
    """

    id: int
    label: str
    path: Path
    split: str = ""
    score: float | None = None
    by: str = ""
    extra: tuple[tuple[str, str], ...] = ()

    @property
    def by_person(self) -> bool:
        """Whether there is a label, and not from a model."""
        return bool(self.label) and self.by != MODEL


@dataclass(frozen=True)
class Catalogue:
    """A table of image files, kept as CSV with the columns id, label, path, split, score and by.

    It is frozen: what changes a table returns another. `edit`, `update` and `add` change the file,
    so that several processes may do so at once, and none may be killed at a bad moment.

    Parameters
    ----------
    entries : tuple of Entry
        The rows.

    Raises
    ------
    InputError
        If an id or a file is there twice.
    """

    entries: tuple[Entry, ...]

    def __post_init__(self) -> None:
        ids: dict[int, Entry] = {}
        paths: dict[str, Entry] = {}
        for entry in self.entries:
            if (other := ids.setdefault(entry.id, entry)) is not entry:
                raise InputError(
                    f"each id must be there once; {entry.id} is of {other.path} and {entry.path}"
                )
            if (other := paths.setdefault(_place(entry.path), entry)) is not entry:
                raise InputError(
                    f"each file must be there once; {entry.path} has the ids {other.id} and "
                    f"{entry.id}"
                )

    @classmethod
    def from_folder(
        cls, folder: PathLike, *, labels: Literal["folders", "none"] = "folders"
    ) -> "Catalogue":
        """List all images below `folder`.

        Parameters
        ----------
        folder : path
            Where to look.
        labels : {"folders", "none"}
            Whether the sub-folder that an image lies in is its label, as in sets with a folder per
            class, or images have none yet.

        Raises
        ------
        InputError
            If it is no folder, or holds no image.
        """
        root = Path(folder)
        if not root.is_dir():
            raise InputError(f"folder must be an existing folder; {root} is none")
        named = _validate.choice(labels, ("folders", "none"), name="labels") == "folders"
        found = find_images(root)
        inside = [file.relative_to(root).parent.as_posix() if named else "." for file in found]
        rows = enumerate(zip(inside, found, strict=True))
        return cls(tuple(Entry(i, "" if label == "." else label, f) for i, (label, f) in rows))

    @classmethod
    def from_csv(
        cls,
        path: PathLike,
        *,
        columns: Mapping[str, str] | None = None,
        root: PathLike | None = None,
    ) -> "Catalogue":
        """Read a catalogue, or another table that names images and their labels.

        Parameters
        ----------
        path : path
            The table, with commas or semicolons. The columns label and path must be there; rows
            without ids are numbered, other columns are kept.
        columns : mapping, optional
            What the columns are called there, for instance ``{"path": "image", "label": "class"}``.
        root : path, optional
            Folder that relative paths start from; that of the table unless given.

        Raises
        ------
        InputError
            If the file cannot be read, lacks a column, has no rows, or names an id or a file twice.
        """
        table = files.read_table(path, columns or {})
        home = Path(path).parent if root is None else Path(root)
        entries = []
        for number, row in enumerate(table):
            try:
                entries.append(_entry(number, row, home))
            except (TypeError, ValueError, KeyError) as error:
                raise InputError(
                    f"{path} has a row that is not id, label, path: {error} in row {number + 1}"
                ) from error
        return cls(tuple(entries))

    def to_csv(self, path: PathLike) -> Path:
        """Write the catalogue; files below the folder of the CSV are written relative to it.

        What the file held is lost: see `edit` for changing a table that others change too.
        """
        with files.locked(path):
            return self._write(path)

    @classmethod
    def edit(cls, path: PathLike, change: "Callable[[Catalogue], Catalogue]") -> "Catalogue":
        """Change a table that others may be changing too: read, change, write, with nobody between.

        Parameters
        ----------
        path : path
            The table.
        change : callable
            Takes the catalogue as it is now and returns it as it shall be.

        Returns
        -------
        Catalogue
            As it was written.

        Raises
        ------
        InputError
            If the table is none, cannot be written, or is locked by somebody for a minute.
        """
        with files.locked(path):
            before = cls.from_csv(path)
            after = change(before)
            if after != before:
                after._write(path)
            return after

    @classmethod
    def add(cls, path: PathLike, images: "Catalogue | Iterable[PathLike]") -> "Catalogue":
        """Add images to a table, which is made if there is none; those already there stay.

        Parameters
        ----------
        path : path
            The table.
        images : Catalogue or iterable of paths
            What to add. New rows get the next free ids.

        Returns
        -------
        Catalogue
            As it was written.
        """
        if isinstance(images, Catalogue):
            new = images.entries
        else:
            new = tuple(Entry(i, "", Path(file)) for i, file in enumerate(images))
        with files.locked(path):
            before = cls.from_csv(path) if Path(path).exists() else cls(())
            known = {_place(entry.path) for entry in before}
            free = max((entry.id for entry in before), default=-1) + 1
            missing = [entry for entry in new if _place(entry.path) not in known]
            added = tuple(replace(entry, id=free + i) for i, entry in enumerate(missing))
            after = cls(before.entries + added)
            if added or not Path(path).exists():
                after._write(path)
            return after

    @classmethod
    def update(
        cls,
        path: PathLike,
        labels: Mapping[int, str],
        *,
        by: str = "",
        scores: Mapping[int, float] | None = None,
    ) -> "Catalogue":
        """Write labels into a table; a model's never replace a person's.

        Parameters
        ----------
        path : path
            The table.
        labels : mapping of int to str
            The new label of each id; an empty one takes the label away.
        by : str
            Who says so: a person's name, or ``model``.
        scores : mapping of int to float, optional
            New scores. These are written for rows that persons labelled, too.

        Returns
        -------
        Catalogue
            As it was written.

        Raises
        ------
        InputError
            If an id is not in the table, a score not between 0 and 1, or the table cannot be
            changed.
        """
        scored = {
            number: _validate.real(score, name=f"score of {number}", minimum=0, maximum=1)
            for number, score in (scores or {}).items()
        }

        def labelled(now: "Catalogue") -> "Catalogue":
            for number in (*labels, *scored):
                now[number]  # raises where there is none
            return cls(tuple(_labelled(entry, labels, scored, by) for entry in now))

        return cls.edit(path, labelled)

    def to_dataframe(self) -> "pd.DataFrame":
        """Return the table as a pandas DataFrame with the columns of the CSV."""
        import pandas as pd

        rows = [
            {
                "id": entry.id,
                "label": entry.label,
                "path": str(entry.path),
                "split": entry.split,
                "score": entry.score,
                "by": entry.by,
                **dict(entry.extra),
            }
            for entry in self.entries
        ]
        frame = pd.DataFrame(rows, columns=None if rows else list(files.COLUMNS))
        return frame.astype({"score": float})

    def with_label(self, label: str) -> "Catalogue":
        """Return the part of the table that has `label`.

        Raises
        ------
        InputError
            If no row has it.
        """
        return self._having("label", label)

    def with_split(self, split: str) -> "Catalogue":
        """Return the part of the table that is used for `split`.

        Raises
        ------
        InputError
            If no row is.
        """
        return self._having("split", split)

    def where(self, condition: Callable[[Entry], bool]) -> "Catalogue":
        """Return the rows for which a condition holds; perhaps none."""
        return Catalogue(tuple(entry for entry in self.entries if condition(entry)))

    def with_splits(
        self,
        fractions: Mapping[str, float] = SPLITS,
        *,
        seed: int = 0,
        group: Callable[[Entry], str] | None = None,
    ) -> "Catalogue":
        """Say which of the images that persons labelled are for training, which for validation.

        Each label is split by the same fractions, to within one image. A row that has one of these
        splits keeps it: images may be added or labelled later without any going over.

        Parameters
        ----------
        fractions : mapping of str to float
            Names of the parts and their shares, whose sum is 1; train and validation 5:1 unless
            given.
        seed : int
            Seed of the choice.
        group : callable, optional
            Gives rows that must stay together one name: pieces cut from one micrograph, for
            instance. Shares are then met as well as the groups allow.

        Returns
        -------
        Catalogue
            The same rows, with splits.

        Raises
        ------
        InputError
            If the fractions are none.
        """
        start = _validate.seed(seed)
        chosen = splits.assigned(
            [
                splits.Row(
                    name=entry.path.name,
                    label=entry.label,
                    split=entry.split,
                    group=str(entry.id) if group is None else f"group {group(entry)}",
                )
                for entry in self.entries
                if entry.by_person
            ],
            splits.checked(fractions),
            seed=start,
        )
        following = iter(chosen)
        return Catalogue(
            tuple(
                replace(entry, split=next(following)) if entry.by_person else entry
                for entry in self.entries
            )
        )

    def read(self, **options: Any) -> Iterator[ScaledImage]:
        """Read the images one after the other, with the options of `read_image`."""
        for entry in self.entries:
            yield read_image(entry.path, **options)

    def __getitem__(self, number: int) -> Entry:
        """Return the row with an id.

        Raises
        ------
        InputError
            If there is none.
        """
        try:
            return self._by_id[number]
        except (KeyError, TypeError):
            raise InputError(f"there is no image with the id {number!r}") from None

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    @cached_property
    def _by_id(self) -> dict[int, Entry]:
        return {entry.id: entry for entry in self.entries}

    def _having(self, column: Literal["label", "split"], value: str) -> "Catalogue":
        kept = self.where(lambda entry: getattr(entry, column) == value)
        if not kept.entries:
            known = ", ".join(sorted(Counter(getattr(entry, column) for entry in self.entries)))
            raise InputError(f"no image has the {column} {value!r}; the {column}s are {known}")
        return kept

    def _write(self, path: PathLike) -> Path:
        rows = (
            ((e.id, e.label, e.path, e.split, e.score, e.by), dict(e.extra)) for e in self.entries
        )
        return files.write_table(path, rows)


def _place(path: Path) -> str:
    """Return where a file is, however it was named; the disk is not asked."""
    text = os.fspath(path)
    return text if path.is_absolute() and ".." not in text else os.path.abspath(text)


def _entry(number: int, row: dict[str, str], home: Path) -> Entry:
    for column in ("label", "path"):
        if row[column] is None or (column == "path" and not row[column].strip()):
            raise ValueError(f"no {column}")
    score = row.pop("score", "") or ""
    return Entry(
        id=int(row.pop("id", number)),
        label=row.pop("label").strip(),
        path=home / row.pop("path"),
        split=(row.pop("split", "") or "").strip(),
        score=_validate.real(score, name="score") if score.strip() else None,
        by=(row.pop("by", "") or "").strip(),
        extra=tuple((name, text or "") for name, text in row.items()),
    )


def _labelled(
    entry: Entry, labels: Mapping[int, str], scores: Mapping[int, float], by: str
) -> Entry:
    if entry.id not in labels and entry.id not in scores:
        return entry
    score = scores.get(entry.id, entry.score)
    label = labels.get(entry.id)
    if label is None or (by == MODEL and entry.by_person):
        return replace(entry, score=score)
    return replace(entry, label=label, score=score, by=by if label else "")
