"""The pixel classifier of `microtwin segment`: which marks belong to which image, and learning."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from microtwin.cli import _console, _options
from microtwin.errors import InputError

if TYPE_CHECKING:
    from microtwin._progress import ProgressCallback
    from microtwin.images import ScaledImage
    from microtwin.phases import PixelClassifier

METHODS = ("forest", "svm")


def learn(
    train: Sequence[Path],
    paths: Sequence[Path],
    *,
    masks: bool,
    phases: str | None,
    scales: str | None,
    method: str,
    seed: int,
    reading: dict[str, Any],
    progress: "ProgressCallback",
) -> "PixelClassifier":
    """Learn from the files of marks and the images that they belong to."""
    from microtwin.images import read_image
    from microtwin.phases import read_marks, train_pixels

    pairs = _pairs(_files_of(train), paths)
    images, marks = [], []
    for file, path in pairs:
        image = read_image(path, **reading)
        found = read_marks(file, full=masks)
        marks.append(_fitting(found, image, file, path, cropped=reading["crop_info_bar"]))
        images.append(image)
    sizes = _options.numbers(scales, name="scales")
    try:
        return train_pixels(
            images,
            marks,
            method=method,
            phases=_phases(phases),
            scales=(sizes,) if isinstance(sizes, float) else sizes,
            weights="marked" if masks else "equally",
            seed=seed,
            progress=progress,
        )
    except InputError as error:
        one = "at least two phases" in str(error) and not masks
        hint = " (masks, in which 0 is a phase as well, need --masks)" if one else ""
        raise InputError(f"{', '.join(str(file) for file, _ in pairs)}: {error}{hint}") from error


def tell(classifier: "PixelClassifier") -> None:
    """Say what was learned from what."""
    parts = [
        f"{k} from {count} pixels ({mark if isinstance(mark, str) else f'marked {mark}'})"
        for k, (mark, count) in enumerate(zip(classifier.phases, classifier.marked, strict=True))
    ]
    _console.note(f"learned phase {', '.join(parts)} of {classifier.images} image(s)")


def _files_of(train: Sequence[Path]) -> list[Path]:
    """Return the files of marks; unlike `find_images`, folders are taken with their masks."""
    from microtwin.images import find_images
    from microtwin.images.formats import READERS

    files: list[Path] = []
    for path in train:
        inside = sorted(path.iterdir()) if path.is_dir() else []
        known = [file for file in inside if file.suffix.lower() in READERS]
        if path.is_dir() and not known:
            raise InputError(f"train must be files of marks or folders of them; {path} has none")
        files += known or find_images(path)
    return files


def _pairs(files: Sequence[Path], paths: Sequence[Path]) -> list[tuple[Path, Path]]:
    """Return each file of marks with its image: a.tif for a.png, a_marks.png, a_mask.png."""
    if len(files) == len(paths) == 1:
        return [(files[0], paths[0])]
    pairs = []
    for file in files:
        fitting = [p for p in paths if file.stem == p.stem or file.stem.startswith(f"{p.stem}_")]
        if not fitting:
            raise InputError(
                f"train must be files named after the images to segment; {file.name} is of none of "
                f"them (a.png or a_marks.png belongs to a.tif)"
            )
        nearest = max(len(path.stem) for path in fitting)
        best = [path for path in fitting if len(path.stem) == nearest]
        if len(best) > 1:
            raise InputError(f"{file} may belong to {best[0]} or to {best[1]}")
        pairs.append((file, best[0]))
    twice = [path for _, path in pairs]
    doubled = next((path for path in twice if twice.count(path) > 1), None)
    if doubled is not None:
        raise InputError(
            f"train must hold one file of marks for an image; several are of {doubled}"
        )
    return pairs


def _fitting(
    marks: Any, image: "ScaledImage", file: Path, path: Path, *, cropped: bool | int
) -> Any:
    """Return marks of the size of the image, without the info bar if that was cut off."""
    rows = image.shape[-2]
    fits = marks.shape == image.shape
    if cropped is not False and not fits and marks.shape[-2] > rows:
        marks = marks[..., :rows, :]
        fits = marks.shape == image.shape
    if not fits:
        sizes = (" x ".join(map(str, shape)) for shape in (image.shape, marks.shape))
        raise InputError("{} must be as large as {}, {}, not {}".format(file, path, *sizes))
    return marks


def _phases(text: str | None) -> list[int | str] | None:
    if text is None:
        return None
    parts = [part.strip() for part in text.split(",")]
    return [int(part) if part.isdigit() else part for part in parts]
