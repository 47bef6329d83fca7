"""The folder of a training run, as far as all have it in common: settings.json."""

import json
import os
from collections.abc import Container
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, Self, TypeVar

from microtwin import _files
from microtwin.errors import CheckpointError, InputError
from microtwin.learning.checkpoints import differences


class _Identified(Protocol):
    """A dataclass of numbers, texts, tuples and mappings."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def identity(self) -> dict[str, str]:
        """What a checkpoint must agree with."""
        ...


Settings = TypeVar("Settings", bound=_Identified)


class SettingsFolder(Generic[Settings]):
    """A folder with a run, or for one.

    Attributes
    ----------
    kind : str
        What is trained here, as in "the folder of a trained generator".
    form : type
        Of the settings.
    presets : container of str
        Those that may be named by the settings, where they name one.
    path : Path
        Of the folder.
    """

    kind: ClassVar[str]
    form: ClassVar[type[Any]]
    presets: ClassVar[Container[str]] = ()

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.settings_file = self.path / "settings.json"

    @classmethod
    def to_train_in(cls, workdir: str | os.PathLike[str], *, resume: bool) -> Self:
        """Open a folder to train in, made if needed.

        Raises
        ------
        InputError
            If it cannot be written, or holds a run that is not to be gone on with.
        """
        folder = cls(_files.output_folder(workdir, name="workdir"))
        if folder.exists() and not resume:
            raise InputError(
                f"workdir {folder.path} already holds a run: pass resume=True to go on with it, "
                "or another folder"
            )
        return folder

    def exists(self) -> bool:
        """Whether a run has been started here."""
        return self.settings_file.exists()

    def write_settings(self, settings: Settings) -> None:
        """Write down what the run is."""
        _files.write_json(self.settings_file, {"kind": self.kind, **asdict(settings)})

    def settings(self) -> Settings:
        """Read back what `write_settings` wrote.

        Raises
        ------
        InputError
            If this is no folder of such a run.
        CheckpointError
            If its settings cannot be understood.
        """
        settings = self._read() if self.exists() else None
        if settings is None:
            raise InputError(f"{self.path} is not the folder of a trained {self.kind}")
        preset = getattr(settings, "preset", None)
        if preset is not None and preset not in self.presets:
            raise CheckpointError(
                f"{self.settings_file} names a preset that this version does not know: {preset}"
            )
        return settings

    def _read(self) -> Settings | None:
        """Return the settings, or None where something else was trained here."""
        try:
            entries: dict[str, Any] = json.loads(self.settings_file.read_text(encoding="utf-8"))
            if entries.pop("kind", "") != self.kind:
                return None
            tuples = {k: tuple(v) for k, v in entries.items() if isinstance(v, list)}
            settings: Settings = self.form(**entries | tuples)
        except (ValueError, TypeError, AttributeError) as error:
            raise CheckpointError(f"{self.settings_file} is damaged: {error}") from error
        return settings

    def check_continues(self, settings: Settings) -> None:
        """Raise CheckpointError unless the run here is the one of `settings`."""
        found, wanted = self.settings().identity, settings.identity
        if found != wanted:
            raise CheckpointError(f"the run in {self.path} is {differences(found, wanted)}")
