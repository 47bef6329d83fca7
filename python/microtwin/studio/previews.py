"""What pages compute while one waits, in a process of its own so that nobody else has to."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from microtwin.errors import MicrotwinError
from microtwin.images import read_image
from microtwin.phases import segment, threshold_of
from microtwin.studio import meshes, pictures

SIDE = 480  # pixels of a preview


@dataclass(frozen=True, slots=True)
class Segmented:
    """A preview of phases.

    Attributes
    ----------
    before, after : bytes
        PNG of the grey levels and of the phases.
    fractions : dict of int to float
        Share of each phase.
    low, high : float
        The least and the greatest grey level.
    threshold : float or None
        The level between two phases, where one level is.
    """

    before: bytes
    after: bytes
    fractions: dict[int, float]
    low: float
    high: float
    threshold: float | None


def warm_up() -> None:
    """Import what is needed and compute something small."""
    import skimage.filters
    import skimage.measure  # noqa: F401

    segment(np.array([[0, 1], [1, 3]], np.uint8))


def safely(function: Callable[..., Any], *arguments: Any, **options: Any) -> tuple[Any, str]:
    """Return what a function returns and "", or None and what is wrong."""
    try:
        return function(*arguments, **options), ""
    except (MicrotwinError, OSError, MemoryError) as error:
        return None, " ".join(str(error).split()) or type(error).__name__


def segmented(
    path: Path, *, crop: bool | int, method: str, classes: int, smooth: float, flatten: bool,
    threshold: float | None,
) -> Segmented:  # fmt: skip
    """Segment one image as `microtwin segment` does."""
    image = read_image(path, crop_info_bar=crop)
    grey = np.asarray(image)
    level = threshold
    if (
        level is None
        and method in ("otsu", "isodata", "yen", "minimum")
        and not (flatten or smooth)
    ):
        level = threshold_of(image, method)
    labels = np.asarray(
        segment(
            image, method=method, classes=classes, smooth=smooth, flatten=flatten,
            threshold=threshold,
        )
    )  # fmt: skip
    counts = np.bincount(labels.ravel())
    seen, cut = pictures.middle(grey), pictures.middle(labels)
    return Segmented(
        before=pictures.png(pictures.shown(seen), side=SIDE),
        after=pictures.png(pictures.coloured(cut), side=SIDE),
        fractions={k: float(n / labels.size) for k, n in enumerate(counts)},
        low=float(grey.min()),
        high=float(grey.max()),
        threshold=None if level is None else float(level),
    )


def looked_at(path: Path, cache: Path) -> tuple[tuple[int, ...], dict[int, float]]:
    """Return the shape of a structure and its phases; make the surface that is shown first."""
    structure = pictures.cached(path)
    if not pictures.is_labels(structure):
        return tuple(map(int, structure.shape)), {}
    shares = meshes.fractions(path)
    if structure.ndim == 3:
        meshes.mesh(path, cache, phase=meshes.shown_first(shares))
    return tuple(map(int, structure.shape)), shares


def solid(path: Path, cache: Path, phases: tuple[int, ...], cut: float) -> dict[str, Any]:
    """Make the surfaces of some phases of a volume; return what a page tells of them."""
    made = {phase: meshes.mesh(path, cache, phase=phase, cut=cut) for phase in phases}
    first = next(iter(made.values()))
    return {
        "shape": first.shape,
        "faces": {phase: one.faces for phase, one in made.items()},
        "block": max(one.block for one in made.values()),
        "size": first.size,
    }


def about_image(path: Path, *, crop: bool | int) -> dict[str, Any]:
    """Return what is told of one image."""
    from microtwin.images import info_bar_rows

    image = read_image(path)
    rows = 0
    if image.ndim == 2:
        rows = info_bar_rows(image) if crop is True else int(crop)
    return {"shape": tuple(image.shape), "spacing": image.spacing, "rows": rows,
            "kind": str(image.dtype)}  # fmt: skip
