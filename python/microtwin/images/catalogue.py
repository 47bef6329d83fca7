"""Many images: finding them in folders, and the table of what was found."""

import csv
import io
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from microtwin import _files
from microtwin.errors import InputError
from microtwin.images.formats import RAW_SUFFIXES, READERS
from microtwin.images.reading import read_image
from microtwin.images.scaled import ScaledImage

if TYPE_CHECKING:
    import pandas as pd

PathLike = str | os.PathLike[str]


def find_images(paths: PathLike | Iterable[PathLike]) -> list[Path]:
    """Return the image files named by `paths`, and all those in the folders among them.

    Folders are searched to the bottom, in sorted order, for TIFF, PNG, JPEG, BMP and npy files.
    Hidden files and masks (``*_mask.*``) are left out there.

    Raises
    ------
    InputError
        If a path does not exist or has no known suffix, or no image is found.
    """
    given = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    found: list[Path] = []
    for path in map(Path, given):
        if path.is_dir():
            found += [file for file in sorted(path.rglob("*")) if _is_image(file, path)]
        elif not path.exists():
            raise InputError(f"{path} does not exist")
        elif path.suffix.lower() not in (*READERS, ".npz", *RAW_SUFFIXES):
            raise InputError(f"{path} has no known image suffix; known are {', '.join(READERS)}")
        else:
            found.append(path)
    if not found:
        where = ", ".join(str(path) for path in given) or "an empty list"
        raise InputError(f"no images found in {where}; looked for {', '.join(READERS)}")
    return list(dict.fromkeys(found))


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of a catalogue: a running number, a label (may be empty) and a file."""

    id: int
    label: str
    path: Path


@dataclass(frozen=True)
class Catalogue:
    """A table of image files with labels, kept as CSV with the columns id, label and path.

    Parameters
    ----------
    entries : tuple of Entry
        The rows.
    """

    entries: tuple[Entry, ...]

    @classmethod
    def from_folder(cls, folder: PathLike) -> "Catalogue":
        """List all images below `folder`; the label is the sub-folder that an image lies in."""
        root = Path(folder)
        if not root.is_dir():
            raise InputError(f"folder must be an existing folder; {root} is none")
        files = find_images(root)
        labels = [file.relative_to(root).parent.as_posix() for file in files]
        rows = enumerate(zip(labels, files, strict=True))
        return cls(tuple(Entry(i, "" if label == "." else label, f) for i, (label, f) in rows))

    @classmethod
    def from_csv(cls, path: PathLike) -> "Catalogue":
        """Read a catalogue; relative paths in it are taken from the folder of the CSV file.

        Raises
        ------
        InputError
            If the file cannot be read, lacks a column, or has no rows.
        """
        file = Path(path)
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{file} is not a readable CSV file: {error}") from error
        rows = list(csv.DictReader(io.StringIO(text)))
        if not rows or not {"id", "label", "path"} <= set(rows[0]):
            raise InputError(f"{file} must be a table with the columns id, label and path")
        try:
            entries = [Entry(int(r["id"]), r["label"], file.parent / r["path"]) for r in rows]
        except (TypeError, ValueError) as error:
            raise InputError(f"{file} has a row that is not id, label, path: {error}") from error
        return cls(tuple(entries))

    def to_csv(self, path: PathLike) -> Path:
        """Write the catalogue; files below the folder of the CSV are written relative to it."""
        home = Path(path).resolve().parent
        text = io.StringIO()
        table = csv.writer(text, lineterminator="\n")
        table.writerow(("id", "label", "path"))
        for entry in self.entries:
            file = entry.path.resolve()
            inside = file.is_relative_to(home)
            table.writerow((entry.id, entry.label, file.relative_to(home) if inside else file))
        return _files.write_text(path, text.getvalue())

    def to_dataframe(self) -> "pd.DataFrame":
        """Return the table as a pandas DataFrame with the columns id, label and path."""
        import pandas as pd

        rows = [(entry.id, entry.label, str(entry.path)) for entry in self.entries]
        return pd.DataFrame(rows, columns=["id", "label", "path"])

    def with_label(self, label: str) -> "Catalogue":
        """Return the part of the table that has `label`.

        Raises
        ------
        InputError
            If no row has it.
        """
        kept = tuple(entry for entry in self.entries if entry.label == label)
        if not kept:
            known = ", ".join(sorted({entry.label for entry in self.entries}))
            raise InputError(f"no image has the label {label!r}; the labels are {known}")
        return Catalogue(kept)

    def read(self, **options: Any) -> Iterator[ScaledImage]:
        """Read the images one after the other, with the options of `read_image`."""
        for entry in self.entries:
            yield read_image(entry.path, **options)

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)


def _is_image(file: Path, root: Path) -> bool:
    hidden = any(part.startswith(".") for part in file.relative_to(root).parts)
    mask = file.stem.endswith("_mask")
    return file.suffix.lower() in READERS and not hidden and not mask and file.is_file()
