"""Volumes as surfaces for the browser: marching cubes, made coarser until it can be turned."""

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from microtwin import _files
from microtwin.errors import InputError
from microtwin.studio import pictures

FACES = 240_000  # triangles that most computers turn smoothly; 12 MB to send
SIDE = 96  # voxels of the longest side that are looked at first
EDGE = 10.0  # length of the longest side in the scene


@dataclass(frozen=True, slots=True)
class Mesh:
    """A surface that was made of a volume.

    Attributes
    ----------
    file : Path
        Binary STL.
    faces : int
        Triangles.
    block : int
        How many voxels along each axis were taken together.
    shape : tuple of int
        Of the volume.
    size : tuple of float
        Of the body in the scene, x, y, z.
    """

    file: Path
    faces: int
    block: int
    shape: tuple[int, ...]
    size: tuple[float, float, float]


def mesh(path: Path, cache: Path, *, phase: int, cut: float = 1.0) -> Mesh:
    """Return the surface of a phase of a volume below a height, made once and kept on disk.

    Parameters
    ----------
    path : Path
        The volume.
    cache : Path
        Folder for what was made.
    phase : int
        Label.
    cut : float
        Which part of the height is kept, above 0 to 1.

    Raises
    ------
    InputError
        If it is no volume of phases, or has no voxel of this one.
    """
    about = os.stat(path)
    text = f"{path}|{about.st_mtime_ns}|{phase}|{cut:.4f}|{FACES}"
    stem = hashlib.sha256(text.encode()).hexdigest()[:24]
    record = cache / f"{stem}.json"
    if record.exists():
        kept = json.loads(record.read_text())
        sides, lengths = tuple(kept["shape"]), tuple(kept["size"])
        return Mesh(cache / f"{stem}.stl", kept["faces"], kept["block"], sides, lengths)
    volume = pictures.cached(path)
    if volume.ndim != 3 or not pictures.is_labels(volume):
        raise InputError(f"{path.name} must be a volume of phase labels to be shown in 3-D")
    mask = volume == phase
    if not mask.any():
        raise InputError(f"{path.name} has no voxel of phase {phase}")
    kept_slices = max(round(cut * len(mask)), 1)
    mask = mask[:kept_slices]
    block = max(-(-max(volume.shape) // SIDE), 1)
    while True:
        points, faces = _surface(mask, block)
        if len(faces) <= FACES or block > max(mask.shape):
            break
        block += 1
    scale = EDGE / max(volume.shape)
    z, y, x = (n * scale for n in mask.shape)
    _files.write_with(cache / f"{stem}.stl", lambda part: _write_stl(part, points * scale, faces))
    made = Mesh(cache / f"{stem}.stl", len(faces), block, volume.shape, (x, y, z))
    _files.write_json(record, {**asdict(made), "file": made.file.name})
    return made


def fractions(path: Path) -> dict[int, float]:
    """Return the volume fraction of each phase.

    Raises
    ------
    InputError
        If it holds no labels.
    """
    structure = pictures.cached(path)
    if not pictures.is_labels(structure):
        raise InputError(f"{path.name} holds grey levels and no phases")
    counts = {k: int(np.count_nonzero(structure == k)) for k in range(int(structure.max()) + 1)}
    return {k: n / structure.size for k, n in counts.items() if n}


def shown_first(fractions: dict[int, float]) -> int:
    """Return the phase whose surface is shown unless another one is asked for."""
    return 1 if 1 in fractions else max(fractions)


def _surface(
    mask: npt.NDArray[np.bool_], block: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[Any]]:
    """Return points (x, y, z) in voxels and triangles; open sides are closed."""
    from skimage import measure

    share = mask.astype(np.float32)
    if block > 1:
        reduce: Any = measure.block_reduce  # untyped in scikit-image, as is the next
        share = reduce(share, block, np.mean)
    padded = np.pad(share, 1)
    if not (padded > 0.5).any():  # too thin to be seen at this size
        return np.zeros((0, 3), np.float32), np.zeros((0, 3), np.int64)
    march: Any = measure.marching_cubes
    points, faces, _, _ = march(padded, 0.5)
    return np.asarray((points[:, ::-1] - 0.5) * block, dtype=np.float32), faces


def _write_stl(path: Path, points: npt.NDArray[np.float32], faces: npt.NDArray[Any]) -> None:
    """Write a binary STL: a header, a count, and a record of 50 bytes for each triangle."""
    corners = points[faces].astype("<f4")
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    record = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("spare", "<u2")])
    table = np.zeros(len(faces), record)
    table["normal"] = normals / np.maximum(lengths, 1e-12)
    table["corners"] = corners
    with path.open("wb") as file:
        file.write(b"microtwin".ljust(80))
        file.write(np.uint32(len(faces)).tobytes())
        file.write(table.tobytes())
