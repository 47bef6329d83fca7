"""The file of a pixel classifier: an npz of plain arrays and one text that says the rest."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from microtwin import _files
from microtwin.errors import InputError
from microtwin.phases.filters import Filters
from microtwin.phases.pixels import LEVELS, METHODS, PixelClassifier

FORMAT = "microtwin pixel classifier 1"
_PLAIN = ("method", "images", "levels", "weights", "seed", "version")
_LISTS = ("marked", "learned")


def save(path: str | os.PathLike[str], classifier: PixelClassifier) -> Path:
    """Write a classifier, all or nothing."""
    file = Path(path)
    if file.suffix.lower() != ".npz":
        raise InputError(f"path must end in .npz, not {file.name!r}")
    about: dict[str, Any] = {"format": FORMAT}
    about |= {name: getattr(classifier, name) for name in ("phases", *_PLAIN, *_LISTS)}
    filters = classifier.filters
    about |= {"ndim": filters.ndim, "scales": filters.scales, "features": filters.names}
    arrays: dict[str, Any] = {"about": np.array(json.dumps(about)), **classifier._model.arrays()}
    return _files.write_with(file, lambda target: np.savez_compressed(target, **arrays))


def load(path: str | os.PathLike[str]) -> PixelClassifier:
    """Read a classifier."""
    file = Path(path)
    try:
        with np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        return _restored(arrays)
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror or error}") from error
    except Exception as error:  # zip files, NumPy, JSON and the checks raise almost anything
        raise InputError(f"{file} is no {FORMAT} file, or is damaged") from error


def _restored(arrays: dict[str, Any]) -> PixelClassifier:
    about = json.loads(str(arrays.pop("about")))
    if about["format"] != FORMAT or about["levels"] not in LEVELS or about["ndim"] not in (2, 3):
        raise ValueError("another format")
    filters = Filters(int(about["ndim"]), tuple(float(scale) for scale in about["scales"]))
    if about["features"] != list(filters.names):
        raise ValueError("features of another version")
    lists: dict[str, Any] = {name: tuple(int(value) for value in about[name]) for name in _LISTS}
    model = METHODS[about["method"]].of(
        arrays, features=len(filters.names), phases=len(about["phases"])
    )
    plain: dict[str, Any] = {name: about[name] for name in _PLAIN}
    return PixelClassifier(
        phases=tuple(about["phases"]), **plain, **lists, filters=filters, _model=model
    )
