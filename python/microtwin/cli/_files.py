"""Reading structures from files for the commands, and writing them."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from microtwin.cli import _console
from microtwin.errors import InputError

if TYPE_CHECKING:
    from microtwin.images import ScaledImage
    from microtwin.statistics import Description


def read_greys(paths: Sequence[Path], **options: Any) -> "list[ScaledImage]":
    """Read all images that files and folders hold; options as of `read_image`."""
    from microtwin.images import find_images, read_image

    return [read_image(path, **options) for path in find_images(paths)]


def taken_apart(stacks: "Sequence[ScaledImage]") -> "list[ScaledImage]":
    """Return the images of stacks one by one."""
    return [part for stack in stacks for part in (stack if stack.ndim == 3 else [stack])]


def read_labels(
    paths: Sequence[Path], *, stack: bool = False, **options: Any
) -> "list[ScaledImage]":
    """Read labels; grey images among the files are cut at one common threshold, with a note."""
    from microtwin.comparison.labelled import as_labels
    from microtwin.images.scaled import scaled_like
    from microtwin.phases import threshold_of

    images = read_greys(paths, **options)
    if stack:
        images = taken_apart(images)
    labels = [as_labels(image) for image in images]
    greys = [grey for grey, known in zip(images, labels, strict=True) if known is None]
    if greys:
        level = threshold_of(greys)
        which = "grey levels" if len(greys) == 1 else f"{len(greys)} images of grey levels"
        _console.note(f"{which} cut into two phases at {level:.4g} (Otsu)")
        plain = sum(not 0.05 < float((grey > level).mean()) < 0.95 for grey in greys)
        if len(greys) > 1 and plain:
            _console.note(
                f"{plain} of them nearly all one phase there: are they of one material, equally "
                "bright? `microtwin segment` cuts each image by itself"
            )
    return [
        scaled_like((grey > level).astype("uint8"), grey) if known is None else known
        for grey, known in zip(images, labels, strict=True)
    ]


def read_description(path: Path) -> "Description | None":
    """Read a description from a JSON or CSV file; None if the file is something else."""
    from microtwin.statistics import Description

    readers = {".json": Description.from_json, ".csv": Description.from_csv}
    reader = readers.get(path.suffix.lower())
    return None if reader is None else reader(path)


def write_labels(path: Path, labels: Any) -> Path:
    """Write labels; two phases in a picture format become black and white, to be seen."""
    from microtwin.images import save_image

    picture = path.suffix.lower() in (".png", ".jpg", ".jpeg")
    return save_image(path, labels, stretch=picture and labels.max() <= 1)


def check_suffix(path: Path | None, known: Sequence[str], *, name: str) -> None:
    """Raise InputError unless a file to be written, if any, has a known suffix: before the work."""
    if path is not None and path.suffix.lower() not in known:
        raise InputError(f"{name} must end in {', '.join(known)}; not {path.name!r}")
    if path is not None and not path.absolute().parent.is_dir():
        raise InputError(f"{name} must be in an existing folder; {path.parent} is none")
