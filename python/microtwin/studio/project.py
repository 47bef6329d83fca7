"""The folder that the pages, the command line and Python share: where each thing lies."""

import os
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from microtwin import _files, _validate
from microtwin.errors import InputError

# In the order of the work; each is what a command reads or writes.
FOLDERS = (
    "images", "phases", "descriptions", "twins", "annealing", "runs", "samples", "screened",
    "reports", "transport", "jobs",
)  # fmt: skip
HIDDEN = ".studio"  # thumbnails and the like, which can be made again
SETTINGS = "studio.json"
PICTURES = (".tif", ".tiff", ".png", ".jpg", ".jpeg", ".bmp", ".npy")


@dataclass(frozen=True, slots=True)
class Settings:
    """What holds for all images of a project.

    Attributes
    ----------
    spacing : float or None
        Edge of a pixel in metres, where the files do not say it.
    crop_info_bar : str
        What is cut off below the images: "auto", "no" or a number of rows.
    person : str
        Who labels.
    """

    spacing: float | None = None
    crop_info_bar: str = "auto"
    person: str = "me"

    def __post_init__(self) -> None:
        if self.spacing is not None and _validate.real(self.spacing, name="spacing") <= 0:
            raise InputError(f"spacing must be above 0 (metres), not {self.spacing:g}")
        rows = self.crop_info_bar
        if rows not in ("auto", "no") and not rows.isdecimal():
            raise InputError(f"crop_info_bar must be auto, no or a number of rows, not {rows!r}")

    @property
    def options(self) -> list[str]:
        """How commands that read images are told."""
        told = [f"--crop-info-bar={self.crop_info_bar}"]
        return told if self.spacing is None else [*told, f"--spacing={self.spacing!r}"]

    @property
    def rows_to_crop(self) -> bool | int:
        """The same for `read_image`."""
        if self.crop_info_bar in ("auto", "no"):
            return self.crop_info_bar == "auto"
        return int(self.crop_info_bar)


@dataclass(frozen=True, slots=True)
class Source:
    """Something in the project that can be measured, shown or compared.

    Attributes
    ----------
    path : str
        Relative to the project, with slashes.
    files : int
        How many image files it is; 1 for a file or a Zarr folder.
    """

    path: str
    files: int


class Project:
    """A project folder.

    Parameters
    ----------
    root : path
        The folder; it and the folders in it are made if they are not there.

    Raises
    ------
    InputError
        If it cannot be made or written.
    """

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self.root = _files.output_folder(root, name="project").resolve()
        for name in FOLDERS:
            _files.output_folder(self.root / name, name="project")

    @property
    def name(self) -> str:
        """What it is called."""
        return self.root.name

    @property
    def table(self) -> Path:
        """The catalogue of the images, which `microtwin select images` uses too."""
        return self.root / "images" / "catalogue.csv"

    def hidden(self, name: str) -> Path:
        """Return a folder for what can be made again."""
        folder = self.root / HIDDEN / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def inside(self, path: str) -> Path:
        """Return the file or folder that a relative path names, if it lies in the project.

        Raises
        ------
        InputError
            If it is absolute, leads out of the project, also by a link, or is hidden.
        """
        if not path or "\0" in path or "\\" in path or ":" in path:
            raise InputError(f"path must lie in the project, not {path!r}")
        parts = path.split("/")
        if any(part in ("", "..") or part.startswith(".") for part in parts):
            raise InputError(f"path must lie in the project, not {path!r}")
        found = self.root.joinpath(*parts)
        if not found.resolve().is_relative_to(self.root):
            raise InputError(f"path must lie in the project, not {path!r}")
        return found

    def existing(self, path: str) -> Path:
        """Return the same, of what is there.

        Raises
        ------
        InputError
            If it leads out of the project, or there is nothing.
        """
        found = self.inside(path)
        if not found.exists():
            raise InputError(f"{path} does not exist in the project")
        return found

    def relative(self, path: Path) -> str:
        """Return how a path in the project is called there."""
        return path.absolute().relative_to(self.root).as_posix()

    def free(self, folder: str, name: str, suffix: str = "", *, taken: Collection[str] = ()) -> str:
        """Return a relative path for something new: the name, with a number where it is taken.

        What is `taken` need not be there yet.

        Raises
        ------
        InputError
            If nothing is left of the name that a file may be called.
        """
        kept = safe_name(name, what="name")
        for number in range(1, 10_000):
            tried = f"{folder}/{kept if number == 1 else f'{kept}-{number}'}{suffix}"
            if tried not in taken and not (self.root / tried).exists():
                return tried
        raise InputError(f"name must be a new one; {kept} is taken too often")

    def images(self) -> list[Path]:
        """Return the images, in order."""
        return _pictures(self.root / "images")

    def pictures(self, folder: str) -> list[Path]:
        """Return the images in a folder, in order."""
        return _pictures(self.existing(folder))

    def sources(self, *folders: str) -> list[Source]:
        """Return what lies in some of the folders: each with all it holds, then its parts."""
        return [source for name in folders for source in self._sources(name)]

    def read_settings(self) -> Settings:
        """Return what holds for all images."""
        record = _read_json(self.root / SETTINGS)
        known = {k: v for k, v in record.items() if k in Settings.__dataclass_fields__}
        try:
            return Settings(**known)
        except (InputError, TypeError, AttributeError):
            return Settings()

    def write_settings(self, settings: Settings) -> None:
        """Keep what holds for all images."""
        _files.write_json(self.root / SETTINGS, asdict(settings))

    def _sources(self, name: str) -> Iterator[Source]:
        folder = self.root / name
        here = _pictures(folder, deep=False)
        if len(here) > 1:
            yield Source(name, len(here))
        for entry in sorted(folder.iterdir()):
            if entry.name.startswith("."):
                continue
            if entry.suffix == ".zarr" and entry.is_dir():
                yield Source(self.relative(entry), 1)
            elif entry.is_dir():
                # Samples lie there as phases and as grey levels: what is measured are the phases.
                held = entry / "phases" if (entry / "phases").is_dir() else entry
                if count := len(_pictures(held)):
                    yield Source(self.relative(held), count)
        if name != "images":
            yield from (Source(self.relative(file), 1) for file in here)


def safe_name(name: str, *, what: str = "file") -> str:
    """Return a name with only letters, digits, dots, dashes and underscores, without folders.

    Raises
    ------
    InputError
        If nothing is left of it.
    """
    last = re.split(r"[/\\]", str(name))[-1]
    kept = re.sub(r"[^\w.\-]+", "_", last, flags=re.UNICODE).strip("._ ")
    if not kept or not re.search(r"\w", kept):
        raise InputError(f"{what} must have a name of letters and digits, not {name!r}")
    stem, dot, suffix = kept.rpartition(".")
    return f"{_cut(stem)}{dot}{_cut(suffix)}"


def _cut(text: str) -> str:
    """Return what 100 bytes hold: disks count bytes, and a sign may take four."""
    return text.encode()[:100].decode(errors="ignore")


def _pictures(folder: Path, *, deep: bool = True) -> list[Path]:
    """Return image files that commands would find in a folder."""
    found: Iterable[Path] = folder.rglob("*") if deep else folder.iterdir()
    return sorted(
        file
        for file in found
        if file.suffix.lower() in PICTURES
        and not file.stem.endswith("_mask")
        and not any(part.startswith(".") for part in file.relative_to(folder).parts)
        and file.is_file()
    )


def _read_json(path: Path) -> dict[str, Any]:
    import json

    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}
