"""Samples straight to disk: block by block, with a manifest.

Grey levels come first, as numbers of 16 bits in a file beside the output, because the threshold
that gives a porosity is known at the end only. Then the phases are cut from that file into the
output. A job that is interrupted leaves the first file and goes on from there.
"""

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from microtwin import _files
from microtwin._progress import ProgressCallback
from microtwin._version import versions
from microtwin.errors import InputError
from microtwin.generation.cutting import cut, where_to_cut
from microtwin.generation.drawing import Task
from microtwin.generation.run_folder import RunFolder
from microtwin.images import save_image, zarr_files
from microtwin.learning import interrupts

if TYPE_CHECKING:
    from microtwin.generation.generator import Generator

FINE = 65535
AT_ONCE = 1 << 21  # voxels that are cut at a time
FILES = (".zarr", ".tif", ".tiff", ".npy")
Codes = npt.NDArray[np.uint16]


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What was drawn and how, enough to make any sample again.

    Attributes
    ----------
    output : str
        Name of the file or folder.
    kind : str
        "phases" or "grey".
    count, seed, first, shape, periodic, asked_porosity
        As asked for.
    thresholds : tuple of float
        Where the grey levels were cut.
    porosity : float
        Fraction of phase 0 in all samples together.
    porosities : tuple of float
        The same of each sample.
    spacing : tuple of float or None
        Voxel edges in metres.
    preset, digest : str
        Of the generator, and of the images that it learned from.
    steps : int
        Training steps behind its weights.
    versions : mapping
        Of the software.
    """

    output: str
    kind: str
    count: int
    seed: int
    first: int
    shape: tuple[int, ...]
    periodic: bool
    asked_porosity: tuple[float, ...] | None
    thresholds: tuple[float, ...]
    porosity: float
    porosities: tuple[float, ...]
    spacing: tuple[float, ...] | None
    preset: str
    digest: str
    steps: int
    versions: Mapping[str, str] = field(default_factory=versions)


def check_output(path: str | os.PathLike[str]) -> Path:
    """Return the path, or raise InputError if samples cannot be written there."""
    target = Path(path)
    suffix = target.suffix.lower()
    if suffix == ".zarr":
        zarr_files.check_zarr(target)
    elif suffix and suffix not in FILES:
        raise InputError(
            f"output must be a folder or end in {', '.join(FILES)}, not {target.name!r}"
        )
    return target


def write(
    generator: "Generator",
    task: Task,
    path: str | os.PathLike[str],
    *,
    grey: bool,
    resume: bool,
    progress: ProgressCallback,
) -> Manifest:
    """Draw a task to disk; see `Generator.sample_to`."""
    target = check_output(path)
    _files.output_folder(target.absolute().parent, name="output")
    with _files.sole_use_of_file(target, name="output"):
        return _written(generator, task, target, grey=grey, resume=resume, progress=progress)


def _written(
    generator: "Generator",
    task: Task,
    target: Path,
    *,
    grey: bool,
    resume: bool,
    progress: ProgressCallback,
) -> Manifest:
    encoding = generator.settings.encoding
    try:
        scratch = _Scratch(target, generator, task, resume=resume)
        scratch.draw(progress)
        at = scratch.where_to_cut()
        counts = np.zeros(task.count, np.int64)
        with _sink(target, task, grey=grey and encoding.channels == 1) as sink:
            for samples, window, codes in scratch.parts():
                images = (codes / np.float32(FINE)).astype(np.float32)
                images = images if encoding.channels > 1 else images[..., 0]
                labels = cut(images, at, phases=encoding.phases)
                counts[samples] += (labels == 0).sum(tuple(range(1, labels.ndim)))
                sink.put(samples, window, images, labels)
            porosities = counts / np.prod(task.shape)
            manifest = Manifest(
                output=target.name,
                kind="grey" if grey else "phases",
                count=task.count,
                seed=task.seed,
                first=task.first,
                shape=task.shape,
                periodic=task.periodic,
                asked_porosity=task.porosity,
                thresholds=at,
                porosity=float(porosities.mean()),
                porosities=tuple(float(p) for p in porosities),
                spacing=generator.settings.spacing,
                preset=generator.preset,
                digest=generator.settings.digest,
                steps=generator.steps,
            )
            sink.close(asdict(manifest))
    except OSError as error:
        raise InputError(f"{target} cannot be written: {error.strerror or error}") from error
    scratch.remove()
    return manifest


class _Scratch:
    """Grey levels on their way, and how far they are."""

    def __init__(self, target: Path, generator: "Generator", task: Task, *, resume: bool) -> None:
        self.folder = target.with_name(f".{target.name}.partial")
        self.codes, self.state = self.folder / "codes.npy", self.folder / "state.json"
        self._generator, self._task = generator, task
        self._channels = generator.settings.encoding.channels
        weights = RunFolder(generator.path).weights_file
        stamp = weights.stat().st_mtime_ns if weights.exists() else 0
        job = {**asdict(task), "steps": generator.steps, "weights": stamp}
        self._job = json.loads(json.dumps(job))  # as it is read back
        self.done = 0
        if resume and self.state.exists():
            known = json.loads(self.state.read_text(encoding="utf-8"))
            if known["job"] != self._job:
                raise InputError(
                    f"output {target} was begun with other settings: draw it with those, or "
                    "without resume"
                )
            self.done = int(known["done"])
            return
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        shape = (task.count, *task.shape, self._channels)
        np.lib.format.open_memmap(self.codes, mode="w+", dtype=np.uint16, shape=shape).flush()
        _reserve(self.codes)
        self._note(0)

    def _note(self, done: int) -> None:
        self.done = done
        _files.write_json(self.state, {"job": self._job, "done": done})

    def draw(self, progress: ProgressCallback) -> None:
        """Draw all pieces that are left."""
        generator, task = self._generator, self._task
        total = generator.number_of_pieces(task)
        if self.done == total:
            return
        with interrupts.deferred() as interrupt:
            for i, piece in enumerate(generator.pieces(task, skip=self.done), self.done + 1):
                images = piece.images if self._channels > 1 else piece.images[..., None]
                codes = np.rint(images * FINE).astype(np.uint16)
                # Opened anew for each piece: pages of a map that stays open count as memory.
                kept = np.load(self.codes, mmap_mode="r+")
                kept[(piece.samples, *piece.window)] = codes
                kept.flush()
                del kept
                if i == total or i % 16 == 0 or codes.size > AT_ONCE // 16:
                    self._note(i)
                progress(i, total, {})
                if interrupt.requested:
                    self._note(i)
                    raise KeyboardInterrupt

    def parts(self) -> Iterator[tuple[slice, tuple[slice, ...], Codes]]:
        """Yield the grey levels again: some samples at a time, or some slices of each."""
        count, shape = self._task.count, self._task.shape
        each = int(np.prod(shape)) * self._channels
        together = max(1, AT_ONCE // each)
        thick = shape[0] if each <= AT_ONCE else max(1, AT_ONCE * shape[0] // each)
        for start in range(0, count, together):
            samples = slice(start, min(start + together, count))
            for low in range(0, shape[0], thick):
                window = (slice(low, min(low + thick, shape[0])),)
                yield (
                    samples,
                    window,
                    np.array(np.load(self.codes, mmap_mode="r")[samples, *window]),
                )

    def where_to_cut(self) -> tuple[float, ...]:
        """Find the threshold from how often each grey level occurs."""
        settings, rule = self._generator.settings, self._task.rule
        if rule == "porosity" and self._channels == 1:
            counts = np.zeros(FINE + 1, np.int64)
            for _, _, codes in self.parts():
                counts += np.bincount(codes.ravel(), minlength=FINE + 1)
            ranks = np.cumsum(settings.fractions)[:-1] * (counts.sum() - 1)  # as np.quantile has it
            levels = np.searchsorted(np.cumsum(counts), np.floor(ranks) + 1)
            return tuple(float((level + 0.5) / FINE) for level in levels)
        few: npt.NDArray[np.float32] = np.empty((1, settings.phases), np.float32)
        if rule == "porosity":
            drawn = [codes.reshape(-1, self._channels)[::101] for _, _, codes in self.parts()]
            few = np.concatenate(drawn).astype(np.float32) / np.float32(FINE)
        return where_to_cut(few, rule, trained=settings.thresholds, fractions=settings.fractions)

    def remove(self) -> None:
        """Take it all away."""
        shutil.rmtree(self.folder, ignore_errors=True)


@contextmanager
def _sink(target: Path, task: Task, *, grey: bool) -> Iterator["_Array | _Folder"]:
    """Open what the samples go to; files get their names when all is written."""
    suffix, shape = target.suffix.lower(), (task.count, *task.shape)
    dtype = np.dtype(np.float32 if grey else np.uint8)
    if suffix == ".zarr":
        with zarr_files.new_zarr(target, shape=shape, dtype=dtype) as array:
            yield _Array(array, target, grey=grey)
    elif suffix:
        with _files.replacing(target) as temporary:
            if suffix == ".npy":
                file = np.lib.format.open_memmap(temporary, mode="w+", dtype=dtype, shape=shape)
            else:
                import tifffile

                file = tifffile.memmap(
                    temporary, shape=shape, dtype=dtype, bigtiff=True, photometric="minisblack"
                )
            _reserve(temporary)
            yield _Array(file, target, grey=grey)
            del file
    else:
        yield _Folder(_files.output_folder(target), task, grey=grey)


def _reserve(file: Path) -> None:
    """Take the room of a file on disk: in a map, a disk that is full later on kills the process."""
    if hasattr(os, "posix_fallocate"):
        with file.open("r+b") as opened:
            os.posix_fallocate(opened.fileno(), 0, file.stat().st_size)


class _Array:
    """All samples in one array on disk."""

    def __init__(self, array: Any, target: Path, *, grey: bool) -> None:
        self._array, self._target, self._grey = array, target, grey

    def put(self, samples: slice, window: tuple[slice, ...], images: Any, labels: Any) -> None:
        """Write a part."""
        self._array[(samples, *window)] = images if self._grey else labels

    def close(self, manifest: dict[str, Any]) -> None:
        """Write the manifest: as attributes of a Zarr array, beside a file."""
        if self._target.suffix.lower() == ".zarr":
            self._array.attrs.update(json.loads(json.dumps(manifest)))
            return
        self._array.flush()
        _files.write_json(self._target.with_name(f"{self._target.name}.json"), manifest)


class _Folder:
    """A file for each sample."""

    def __init__(self, folder: Path, task: Task, *, grey: bool) -> None:
        self._folder, self._task, self._grey = folder, task, grey
        self._slabs: list[Any] = []

    def put(self, samples: slice, window: tuple[slice, ...], images: Any, labels: Any) -> None:
        """Write the samples; a large volume comes in slabs."""
        first, last = self._task.first + samples.start, self._task.first + samples.stop
        if len(self._task.shape) == 3:
            self._slabs.append(images if self._grey else labels)
            if window[0].stop == self._task.shape[0]:
                volumes, self._slabs = np.concatenate(self._slabs, axis=1), []
                folder = self._sub("grey" if self._grey else "phases")
                for number, volume in zip(range(first, last), volumes, strict=True):
                    save_image(folder / f"{number:05d}.tif", volume)
            return
        for number, image, phases in zip(range(first, last), images, labels, strict=True):
            top = max(1, int(phases.max()))
            seen = (phases * (255 // top)).astype(np.uint8)  # from black to white
            save_image(self._sub("phases") / f"{number:05d}.png", seen)
            if image.ndim == phases.ndim:
                levels = np.rint(image * 255).astype(np.uint8)
                save_image(self._sub("grey") / f"{number:05d}.png", levels)

    def _sub(self, name: str) -> Path:
        folder = self._folder / name
        folder.mkdir(exist_ok=True)
        return folder

    def close(self, manifest: dict[str, Any]) -> None:
        """Write the manifest."""
        _files.write_json(self._folder / "manifest.json", manifest)
