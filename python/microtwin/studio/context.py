"""What all pages of a running studio share, and what one page knows of its reader."""

from collections.abc import Sequence
from dataclasses import dataclass

from microtwin.images.catalogue import Catalogue
from microtwin.studio.jobs import Queue
from microtwin.studio.project import Project
from microtwin.studio.texts import Texts


@dataclass(frozen=True, slots=True)
class Studio:
    """One project, and what runs for it.

    Attributes
    ----------
    project : Project
        The folder.
    queue : Queue
        Its jobs.
    max_upload : int
        Largest upload in bytes.
    """

    project: Project
    queue: Queue
    max_upload: int


@dataclass(frozen=True, slots=True)
class View:
    """A page as one reader sees it.

    Attributes
    ----------
    studio : Studio
        What it shows.
    t : Texts
        In the reader's language.
    rows : Catalogue
        The images when the page was opened.
    """

    studio: Studio
    t: Texts
    rows: Catalogue

    @property
    def project(self) -> Project:
        """The folder."""
        return self.studio.project

    @property
    def queue(self) -> Queue:
        """Its jobs."""
        return self.studio.queue

    def free(self, folder: str, name: str, suffix: str = "") -> str:
        """Return a path for something new, which no job is about to write either."""
        waiting = {job.output for job in self.queue.all() if not job.over}
        return self.project.free(folder, name, suffix, taken=waiting)


def catalogue(project: Project) -> Catalogue:
    """Return the catalogue, brought up to date with the folder of images; empty without any."""
    images = project.images()
    if not images:
        return Catalogue(())
    now = Catalogue.add(project.table, images)
    there = set(images)
    return now.where(lambda entry: entry.path in there)


def usable(project: Project, rows: Catalogue) -> list[str]:
    """Return what commands work on: all images, or those labelled as fit once some are.

    These are relative paths; the folder alone where all of its images are meant.
    """
    fit = [entry for entry in rows if entry.label == "YES"]
    if not fit:
        return ["images"]
    return [project.relative(entry.path) for entry in fit]


def number_of(paths: Sequence[str], rows: Catalogue) -> int:
    """Return how many images that are."""
    return len(rows) if list(paths) == ["images"] else len(paths)
