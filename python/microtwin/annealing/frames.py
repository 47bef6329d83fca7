"""The course of a run as an animation."""

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

from microtwin import _files, _validate
from microtwin.errors import InputError

if TYPE_CHECKING:
    from PIL.Image import Image

MOST = 80  # frames; thinned to half when there are more, so that a long run has 40 to 80
_FIRST_FACTOR = 1.02
_SHORT_SIDE = 256  # pixels, at least
_MILLISECONDS, _LAST_MILLISECONDS = 100, 2000

# One colour a label, far apart in brightness too; beyond the last they begin again.
_COLOURS = (
    (24, 28, 44), (244, 200, 96), (58, 134, 168), (206, 82, 70),
    (236, 236, 228), (98, 160, 92), (140, 96, 160), (128, 128, 128),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Frame:
    pixels: npt.NDArray[np.uint8]
    energy: float
    proposals: int


class Frames:
    """Collects structures of a run and writes them as one animation.

    Frames lie evenly in the logarithm of the energy, for a run is slow at its end: one is wanted
    whenever the energy has fallen by a factor. The factor begins small; each time that there are
    too many frames every other one is dropped and the factor squared. So any run that is not very
    short has 40 to 80 of them.

    Parameters
    ----------
    path : path
        File that ends in .gif; or a folder for frame_0000.png, frame_0001.png, ..., which replace
        those of an earlier run, and a table of them, frames.csv.
    factor : float, optional
        Fall of the energy from frame to frame, more than 1; then none is dropped.
    latest : path, optional
        A .png that is written anew with each frame, to be looked at during the run.

    Raises
    ------
    InputError
        If the path is another kind of file, or cannot be written.

    Examples
    --------
    ::

        with Frames("run.gif") as frames:  # written at the end, also after an error or Ctrl-C
            ...
            if frames.wanted(energy):
                frames.add(labels, energy, proposals)
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        factor: float | None = None,
        latest: str | os.PathLike[str] | None = None,
    ) -> None:
        self.path = Path(path)
        self._latest = None if latest is None else Path(latest)
        if self._latest is not None and self._latest.suffix.lower() != ".png":
            raise InputError(f"latest must end in .png, not {self._latest.name!r}")
        suffix = self.path.suffix.lower()
        if suffix not in ("", ".gif") and not self.path.is_dir():
            raise InputError(f"path must end in .gif or be a folder, not {self.path.name!r}")
        if factor is not None and _validate.real(factor, name="factor") <= 1:
            raise InputError(f"factor must be more than 1, not {factor:g}")
        self._animated = suffix == ".gif" and not self.path.is_dir()
        # Found out before the run and not after it.
        _files.output_folder(self.path.parent if self._animated else self.path, name="path")
        self._thin = factor is None
        self._factor = _FIRST_FACTOR if factor is None else float(factor)
        self._frames: list[_Frame] = []

    def __len__(self) -> int:
        return len(self._frames)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.save()

    def wanted(self, energy: float) -> bool:
        """Return whether the energy has fallen far enough since the last frame for another one."""
        if not self._frames:
            return True
        last = self._frames[-1].energy
        return last > 0 and energy * self._factor <= last

    def add(self, labels: npt.ArrayLike, energy: float, proposals: int) -> None:
        """Add a structure, of a volume the middle slice across axis 0, wanted or not.

        Raises
        ------
        InputError
            If it is no structure, or has another shape than the first.
        """
        structure = _validate.labels(labels)
        pixels = structure if structure.ndim == 2 else structure[structure.shape[0] // 2]
        if self._frames and self._frames[0].pixels.shape != pixels.shape:
            raise InputError(
                f"labels must have the shape of the first frame, {self._frames[0].pixels.shape}, "
                f"not {pixels.shape}"
            )
        self._frames.append(_Frame(pixels.copy(), float(energy), int(proposals)))
        if self._latest is not None:
            _files.write_with(self._latest, _image(pixels).save)
        if self._thin and len(self._frames) > MOST:
            # An odd number: the first and the last one stay.
            self._frames = self._frames[::2]
            self._factor **= 2

    def end(self, labels: npt.ArrayLike, energy: float, proposals: int) -> None:
        """Add the structure that a run ends with, in place of a frame of the same proposals."""
        if self._frames and self._frames[-1].proposals == proposals:
            self._frames.pop()
        self.add(labels, energy, proposals)

    def save(self) -> Path:
        """Write what has been added, each file all or nothing; nothing if there is nothing."""
        images = [_image(frame.pixels) for frame in self._frames]
        if self._animated and images:
            _files.write_with(self.path, lambda part: _write_gif(part, images))
        elif images:
            self._write_folder(images)
        return self.path

    def _write_folder(self, images: "list[Image]") -> None:
        names = [f"frame_{number:04d}.png" for number in range(len(images))]
        for name, image in zip(names, images, strict=True):
            _files.write_with(self.path / name, image.save)
        for old in self.path.glob("frame_[0-9][0-9][0-9][0-9].png"):
            if old.name not in names:
                old.unlink()
        rows = [
            f"{name},{frame.proposals},{frame.energy!r}\n"
            for name, frame in zip(names, self._frames, strict=True)
        ]
        _files.write_text(self.path / "frames.csv", "frame,proposals,energy\n" + "".join(rows))


def _image(pixels: npt.NDArray[np.uint8]) -> "Image":
    from PIL import Image

    scale = math.ceil(_SHORT_SIDE / min(pixels.shape))
    image = Image.fromarray(np.kron(pixels, np.ones((scale, scale), np.uint8)), mode="P")
    image.putpalette([_COLOURS[k % len(_COLOURS)][c] for k in range(256) for c in range(3)])
    return image


def _write_gif(path: Path, images: "list[Image]") -> None:
    durations = [_MILLISECONDS] * (len(images) - 1) + [_LAST_MILLISECONDS]
    images[0].save(
        path,
        format="GIF",
        save_all=True,
        append_images=images[1:],
        duration=durations if len(images) > 1 else _LAST_MILLISECONDS,
        loop=0,
        optimize=False,
    )
