"""Tables of images that a person works on: of a folder, and answers from elsewhere."""

import os
from pathlib import Path

from microtwin.errors import InputError
from microtwin.images.catalogue import MODEL, Catalogue, Entry
from microtwin.images.catalogue_files import read_table
from microtwin.images.finding import PathLike

TABLE = "catalogue.csv"


def table_of(source: PathLike, *, labels_from_folders: bool = False) -> Path:
    """Return the table that a path names: itself, or that of a folder, with all its images.

    That of a folder is ``catalogue.csv`` in it. It is made if it is not there, and images that are
    new in the folder are added to it.

    Parameters
    ----------
    source : path
        A table or a folder.
    labels_from_folders : bool
        Whether the sub-folder that a new image lies in is its label.

    Returns
    -------
    Path
        Of the table.

    Raises
    ------
    InputError
        If there is no such table or folder, or no image in it.
    """
    path = Path(source)
    if path.is_file():
        return path
    if not path.is_dir():
        raise InputError(f"{path} must be a table (CSV) or a folder of images; it does not exist")
    found = Catalogue.from_folder(path, labels="folders" if labels_from_folders else "none")
    Catalogue.add(path / TABLE, found)
    return path / TABLE


def read_answers(path: PathLike, catalogue: Catalogue) -> dict[str, dict[int, str]]:
    """Read labels that were given elsewhere, in a spreadsheet for instance.

    Parameters
    ----------
    path : path
        A table with the columns label and id, or label and path; a column by says whose they are.
        Rows without a label, and those labelled by a model, are left out.
    catalogue : Catalogue
        What they are for.

    Returns
    -------
    dict of str to dict of int to str
        By the name of who labelled ("" if not given): the label of each id.

    Raises
    ------
    InputError
        If it is no such table, or names an image that is not in the catalogue.
    """
    rows = read_table(path, {}, needed=("label",))
    home = Path(path).absolute().parent
    by_path = {os.path.abspath(entry.path): entry for entry in catalogue}
    answers: dict[str, dict[int, str]] = {}
    for number, row in enumerate(rows, 1):
        label, by = (str(row.get(name) or "").strip() for name in ("label", "by"))
        if not label or by == MODEL:
            continue
        entry = _named(row, catalogue, by_path, home)
        if entry is None:
            raise InputError(
                f"{path} must name images of the catalogue by id or path; row {number} does not"
            )
        answers.setdefault(by, {})[entry.id] = label
    return answers


def _named(
    row: dict[str, str | None], catalogue: Catalogue, by_path: dict[str, Entry], home: Path
) -> Entry | None:
    number, path = ((row.get(name) or "").strip() for name in ("id", "path"))
    if number:
        return catalogue[int(number)] if number.isdecimal() else None
    return by_path.get(os.path.abspath(home / path)) if path else None
