"""Rounds of labelling and training: which model is the newest, and what each round brought."""

import os
from dataclasses import dataclass
from pathlib import Path

from microtwin._files import output_folder
from microtwin.errors import InputError


@dataclass(frozen=True, slots=True)
class Round:
    """One training.

    Attributes
    ----------
    number : int
        1, 2, ...
    labels, validation : int
        Images learned from, and held out.
    accuracy : float
        On those held out, which also chose the epoch.
    epochs : int
        How many were trained.
    seconds : float
        How long that took.
    """

    number: int
    labels: int
    validation: int
    accuracy: float
    epochs: int
    seconds: float


class Rounds:
    """The models that belong to a table, numbered, in a folder beside it.

    Parameters
    ----------
    table : path
        A catalogue as CSV; models of ``a.csv`` lie in ``a.rounds/1``, ``a.rounds/2``, ...
    """

    def __init__(self, table: str | os.PathLike[str]) -> None:
        path = Path(table)
        self.folder = path.with_name(f"{path.stem}.rounds")

    def folders(self) -> list[Path]:
        """Return the folders that there are, in order."""
        found = self.folder.iterdir() if self.folder.is_dir() else ()
        return sorted(
            (path for path in found if path.name.isdigit() and path.is_dir()),
            key=lambda path: int(path.name),
        )

    def newest(self) -> Path:
        """Return the folder of the newest model that has been trained to the end of an epoch.

        Raises
        ------
        InputError
            If there is none.
        """
        for folder in reversed(self.folders()):
            if (folder / "weights.npz").exists():
                return folder
        raise InputError(f"no model has been trained yet: there is none in {self.folder}")

    def upcoming(self, *, resume: bool = False) -> Path:
        """Return the folder for the next training, or with `resume` the last one that there is."""
        found = self.folders()
        if found and resume:
            return found[-1]
        number = int(found[-1].name) + 1 if found else 1
        output_folder(self.folder, name="folder of the rounds")
        return self.folder / str(number)

    def curve(self) -> tuple[Round, ...]:
        """Return what each round brought, those left out that cannot be opened."""
        from microtwin.classification import load_classifier
        from microtwin.errors import MicrotwinError

        rounds = []
        for folder in self.folders():
            try:
                model = load_classifier(folder)
            except MicrotwinError:
                continue
            rounds.append(
                Round(
                    number=int(folder.name),
                    labels=model.settings.images,
                    validation=model.settings.validation,
                    accuracy=float(model.metrics["val_accuracy"]),
                    epochs=len(model.history),
                    seconds=model.seconds,
                )
            )
        return tuple(rounds)
