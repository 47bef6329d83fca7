"""What a study starts from: micrographs read, cut into images, brought to one grey scale."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from microtwin import _validate
from microtwin.comparison.labelled import as_labels
from microtwin.errors import InputError
from microtwin.images import (
    ScaledImage,
    downscale,
    find_images,
    info_bar_rows,
    read_image,
    sample_micrographs,
)
from microtwin.images import to_float as grey_levels
from microtwin.images.scaled import scaled_like
from microtwin.phases.flattening import flattened

SLICES = 24  # of a volume: enough to see its structure, few enough to be far apart

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Inputs:
    """Micrographs, one list of 2-D images a file (a volume gives several).

    Attributes
    ----------
    files : tuple of tuple of ScaledImage
        Labels 0 and 1, or float32 grey levels between 0 and 1.
    labelled : bool
        Whether they are labels.
    paths : tuple of Path
        The files, if that is where they came from.
    origin : str
        A few words for the report.
    notes : tuple of str
        What was done to them.
    """

    files: tuple[tuple[ScaledImage, ...], ...]
    labelled: bool
    paths: tuple[Path, ...]
    origin: str
    notes: tuple[str, ...] = ()

    @property
    def images(self) -> list[ScaledImage]:
        """All images, file after file."""
        return [image for file in self.files for image in file]

    @property
    def digest(self) -> str:
        """A hash of exactly these pixels."""
        result = hashlib.sha256()
        for image in self.images:
            result.update(f"{image.shape}{image.dtype}{image.spacing}".encode())
            result.update(np.ascontiguousarray(image).tobytes())
        return result.hexdigest()[:16]

    def scaled(self, factor: int) -> "Inputs":
        """Return the images made smaller by a whole number."""
        if factor == 1:
            return self
        smaller = tuple(
            tuple(downscale(image, factor, labels=self.labelled) for image in file)
            for file in self.files
        )
        return replace(self, files=smaller)


def read(
    source: Any,
    *,
    spacing: Any,
    crop_info_bar: bool | int,
    channel: int | str | None,
    phase: int | None,
    match: bool,
    flatten: bool,
) -> Inputs:
    """Read everything that a study starts from; arguments as in `run`."""
    paths: list[Path] = []
    notes: list[str] = []
    if source is None:
        arrays = sample_micrographs()
        origin = f"Built-in sample: {len(arrays)} made-up micrographs of a catalyst layer"
    elif _names_files(source):
        paths = find_images(source)
        arrays, cropped = _read(paths, spacing, crop_info_bar, channel)
        origin = _origin(paths)
        if cropped:
            notes.append(f"The info bar was cut off {_some(cropped)}.")
    else:
        items = list(source) if isinstance(source, list | tuple) else [source]
        arrays = [scaled_like(_validate.image(item, name="source"), item) for item in items]
        if not arrays:
            raise InputError("source must hold at least one image, not none")
        origin = f"{len(arrays)} image{'s' if len(arrays) > 1 else ''} from memory"
    files = [_images(array) for array in arrays]
    labels = [[as_labels(image) for image in file] for file in files]
    labelled = all(image is not None for file in labels for image in file)
    if labelled:
        binary, note = _binary([[i for i in file if i is not None] for file in labels], phase)
        notes.append(note)
        return Inputs(binary, True, tuple(paths), origin, tuple(notes))
    if match and len(files) > 1:
        notes.append("The images were brought to one brightness and contrast first.")
    if flatten:
        notes.append("Uneven light, as far as a parabola fits it, was taken out of each image.")
    return Inputs(
        _greys(files, match=match, flatten=flatten), False, tuple(paths), origin, tuple(notes)
    )


def _names_files(source: Any) -> bool:
    items = source if isinstance(source, list | tuple) else [source]
    return bool(items) and all(isinstance(item, str | os.PathLike) for item in items)


def _read(
    paths: Sequence[Path], spacing: Any, crop_info_bar: bool | int, channel: int | str | None
) -> tuple[list[ScaledImage], list[str]]:
    """Read files; return also the names of those that an info bar was found and cut off."""
    images, cropped = [], []
    rows = False if crop_info_bar is True else crop_info_bar
    for path in paths:
        image = read_image(path, spacing=spacing, channel=channel, crop_info_bar=rows)
        found = info_bar_rows(image) if crop_info_bar is True and image.ndim == 2 else 0
        if found:
            image = image[:-found]
            cropped.append(path.name)
        images.append(image)
    return images, cropped


def _images(array: Array) -> tuple[Array, ...]:
    """Return an image alone, a volume as slices across its first axis."""
    if array.ndim == 2:
        return (array,)
    places = np.linspace(0, len(array) - 1, min(SLICES, len(array))).round().astype(int)
    return tuple(array[int(place)] for place in np.unique(places))


def _greys(
    files: Sequence[tuple[Array, ...]], *, match: bool, flatten: bool
) -> tuple[tuple[ScaledImage, ...], ...]:
    """Bring all files to one scale from 0 to 1; the slices of a volume share theirs already."""
    from microtwin.generation.training_set import matched

    stacks = [np.stack([np.asarray(image) for image in file]) for file in files]
    if flatten:
        stacks = [np.stack([flattened(image) for image in stack]) for stack in stacks]
    stacks = [np.asarray(grey_levels(stack)) for stack in stacks]
    if match and len(stacks) > 1:
        stacks = list(matched([stacks])[0])
    return tuple(
        tuple(scaled_like(grey, image) for grey, image in zip(stack, file, strict=True))
        for stack, file in zip(stacks, files, strict=True)
    )


def _binary(
    files: list[list[ScaledImage]], phase: int | None
) -> tuple[tuple[tuple[ScaledImage, ...], ...], str]:
    """Return labels with phase 1 for the phase asked for, and what to say of it."""
    present = sorted({int(v) for file in files for image in file for v in np.unique(image)})
    if len(present) < 2:
        raise InputError(
            f"source must show at least two phases, but all its values are {present[0]}"
        )
    if phase is not None and phase not in present:
        raise InputError(f"phase must be one of {', '.join(map(str, present))}, not {phase}")
    if len(present) > 2 and phase is None:
        raise InputError(
            f"source holds {len(present)} phases ({', '.join(map(str, present))}): "
            "choose one as phase; the others together are taken as the second"
        )
    chosen = present[-1] if phase is None or len(present) == 2 else phase
    binary = tuple(
        tuple(scaled_like((np.asarray(i) == chosen).astype(np.uint8), i) for i in file)
        for file in files
    )
    return binary, f"The files hold phases, not grey levels; their label {chosen} is phase 1 here."


def _origin(paths: Sequence[Path]) -> str:
    folders = {path.parent.name for path in paths}
    if len(paths) == 1:
        return paths[0].name
    where = f" in {folders.pop()}" if len(folders) == 1 else f" in {len(folders)} folders"
    return f"{len(paths)} files{where}"


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more
