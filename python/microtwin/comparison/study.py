"""The whole study: from micrographs to twins by annealing and by a network, and their report."""

import logging
import os
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from microtwin import _validate
from microtwin._accelerator import jax_on
from microtwin._progress import ProgressCallback, silent
from microtwin.annealing import Twin, anneal
from microtwin.comparison import _figures, _inputs, _sampling
from microtwin.comparison._folder import StudyFolder
from microtwin.comparison.compare import REFERENCE, compare
from microtwin.comparison.result import Comparison
from microtwin.images import Catalogue, Entry, ScaledImage, save_image
from microtwin.phases import threshold_of
from microtwin.statistics import Description, describe

logger = logging.getLogger(__name__)

StageProgress = Callable[[str], ProgressCallback]

ANNEALED, ANNEALED_3D, GAN, TRAINING = "annealed", "annealed 3-D", "GAN", "real, training part"

MOST_PATCHES = 64  # real patches that the twins are judged by, and that are described to anneal
VOLUME_PROPOSALS = 300  # a voxel: the energy falls by five orders of magnitude, in minutes
ANISOTROPY = 1.25  # ratio of the correlation lengths along the axes from which it is mentioned


@dataclass(frozen=True, slots=True)
class Effort:
    """How much work a study is.

    Attributes
    ----------
    steps : int or None
        Training steps; None for those of the preset.
    twins, samples : int
        Annealed images; generated images.
    volume : int
        Side of the annealed volume, 0 for none.
    """

    steps: int | None = None
    twins: int = 6
    samples: int = 64
    volume: int = 64


FULL = Effort()
QUICK = Effort(steps=20, twins=2, samples=8, volume=24)


def run(
    source: Any = None,
    *,
    output: str | os.PathLike[str] = "microtwin-out",
    preset: str | None = None,
    seed: int = 0,
    phase: int | None = None,
    spacing: float | Sequence[float] | None = None,
    crop_info_bar: bool | int = True,
    channel: int | str | None = None,
    match: bool = True,
    scale: str | int = "auto",
    patch: int | None = None,
    steps: int | None = None,
    twins: int | None = None,
    samples: int | None = None,
    volume: int | None = None,
    quick: bool = False,
    resume: bool = False,
    threads: int | None = None,
    device: str = "auto",
    progress: StageProgress | None = None,
) -> Comparison:
    """Make twins of a material from its micrographs, by annealing and by a network; compare them.

    A part of the real images is held out. The other part is described, annealed to (several images
    and one volume) and learned from; the twins are then judged by the part held out. Everything
    goes to `output`: ``report.html``, the same as ``report.json`` and ``report.csv``, the pictures
    and figures, the twins as TIFF, the trained network.

    Parameters
    ----------
    source : path, list of paths, array_like or list of array_like, optional
        Micrographs, folders of them, volumes (slices are taken), grey or already segmented; by
        default the built-in sample.
    output : path
        Folder to write to.
    preset : str, optional
        Recipe of the network, one of `microtwin.PRESETS`.
    seed : int
        Same seed and same images: same twins.
    phase : int, optional
        Which label is phase 1, for segmented images of more than two phases.
    spacing : float or sequence of float, optional
        Pixel edge in metres, if the files do not tell.
    crop_info_bar, channel
        As in `read_image`.
    match : bool
        Whether to bring the images to one brightness and contrast first.
    scale : "auto" or int
        By which whole number to shrink the images first; "auto" for what makes a patch hold
        several correlation lengths.
    patch : int, optional
        Side in pixels of the patches that are compared; by default twice that of the preset's where
        it makes images of any size and the micrographs are large enough.
    steps, twins, samples, volume : int, optional
        Training steps, annealed images, generated images, side of the annealed volume (0 for none).
    quick : bool
        A trial in a minute: few of each, where they are not given. Its network has learned nothing.
    resume : bool
        Go on with the study in `output`, which must have the same settings.
    threads, device
        As in `describe`; `device` is also where the network is trained.
    progress : callable, optional
        ``progress(stage)`` is called with the name of each stage that takes a while and returns
        its `ProgressCallback`.

    Returns
    -------
    Comparison

    Raises
    ------
    InputError
        If an argument or an image is not as described, or `output` holds another study.
    KeyboardInterrupt
        After Ctrl-C; go on with ``resume=True``.
    """
    from microtwin.generation import DEFAULT, PRESETS, train_gan

    seed = _validate.seed(seed)
    recipe = PRESETS[_validate.choice(preset or DEFAULT, PRESETS, name="preset")]
    given = {"steps": steps, "twins": twins, "samples": samples, "volume": volume}
    effort = _effort(QUICK if quick else FULL, given)
    report_stage: StageProgress = progress or (lambda stage: silent)

    # Real.
    inputs = _inputs.read(
        source, spacing=spacing, crop_info_bar=crop_info_bar, channel=channel, phase=phase,
        match=match,
    )  # fmt: skip
    with jax_on(device):
        real = prepare(inputs, recipe=recipe, scale=scale, patch=patch)
    settings = {
        "images": inputs.digest, "preset": recipe.name, "seed": seed, "scale": real.factor,
        "patch": real.patch, "steps": effort.steps or recipe.steps, "twins": effort.twins,
        "samples": effort.samples, "volume": effort.volume,
    }  # fmt: skip
    folder = StudyFolder(output, settings, resume=resume)
    if inputs.paths:
        entries = (Entry(i, "", path) for i, path in enumerate(inputs.paths))
        Catalogue(tuple(entries)).to_csv(folder.path / "catalogue.csv")
    with folder.stage("describing"):
        target = describe(
            real.training, phase=(1, 0), max_lag=real.patch // 2, threads=threads, device=device
        )
        target.to_json(folder.path / "real.json")
        save_image(folder.path / "real.tif", np.stack(real.held_out))

    # Annealed.
    flat = [
        _annealed(folder, f"twin-{i}", target, (real.patch,) * 2, seed + i, report_stage(
            f"annealing image {i + 1} of {effort.twins}"
        ))
        for i in range(effort.twins)
    ]  # fmt: skip
    solid = []
    if effort.volume:
        shape = (effort.volume,) * 3
        stage = report_stage(f"annealing a volume of {effort.volume}³")
        solid.append(_annealed(folder, "twin-3d", target, shape, seed, stage))

    # Learned.
    with jax_on(device):
        network = train_gan(
            real.learned_from, preset=recipe.name, workdir=folder.sub("gan"), steps=effort.steps,
            seed=seed, resume=True, match=False, progress=report_stage("training the network"),
        )  # fmt: skip
        with folder.stage("sampling"):
            generated = network.sample(
                effort.samples, seed=seed + 1, shape=(real.patch, real.patch)
            )
    save_image(folder.path / "generated.tif", generated.labels)
    save_image(folder.path / "generated-grey.tif", generated.images)

    # Compared.
    methods = {ANNEALED: flat, GAN: generated} | ({ANNEALED_3D: solid} if solid else {})
    result = compare(
        methods,
        reference=real.held_out,
        phase=(1, 0),
        baselines={TRAINING: real.training} if real.split.how else None,
        images={REFERENCE: real.held_out_greys},
        losses={GAN: _losses(folder.path / "gan" / "log.csv")},
        seconds={GAN: network.seconds},
        settings={
            "source": inputs.origin,
            **{k: v for k, v in settings.items() if k != "images"},
            "seconds": folder.seconds,
            "notes": [*inputs.notes, *real.notes(target), *NOTES],
            "command": _command(source, output, given, settings, quick),
        },
        threads=threads,
        device=device,
    )
    write(result, folder.path)
    return result


NOTES = (
    "The network's grey levels are cut where the whole batch gets the phase fractions of the "
    "training part: these fractions are set, not learned.",
    "The volume follows the mean of the image's two directions along all its three axes.",
)


@dataclass(frozen=True)
class Real:
    """The real material as a study sees it: patches to judge by, patches to anneal to.

    Attributes
    ----------
    factor, patch : int
        By how much the images were shrunk; side of the patches in pixels, after that.
    length : float
        Correlation length in pixels, after that.
    threshold : float or None
        Grey level between the phases; None for labels.
    split : Split
        Which images are held out.
    training, held_out : list of ScaledImage
        Labels of the patches.
    held_out_greys : list of ScaledImage
        Grey levels of the patches held out; none where the images are labels.
    """

    factor: int
    patch: int
    length: float
    threshold: float | None
    split: _sampling.Split
    training: list[ScaledImage]
    held_out: list[ScaledImage]
    held_out_greys: list[ScaledImage] = field(default_factory=list)

    @property
    def learned_from(self) -> list[ScaledImage]:
        """What the network is trained on."""
        return self.split.training

    def notes(self, target: Description) -> list[str]:
        """Say in sentences how the images were looked at."""
        shrunk = f", after shrinking the images {self.factor} times," if self.factor > 1 else ""
        sentences = [
            f"A patch is {self.patch} pixels wide{shrunk} and holds "
            f"{self.patch / self.length:.1f} correlation lengths of {self.length:.1f} pixels."
        ]
        if self.split.how:
            sentences.append(
                f"Held out to judge by: {self.split.how}. The twins know the training part only; "
                f"“{TRAINING}” tells how far real is from real."
            )
        else:
            sentences.append(
                "The image is too small to hold a part out: the twins are judged by what they were "
                "made from."
            )
        if self.threshold is not None:
            sentences.append(
                "The phases are told apart by one threshold for all images (Otsu's, on the "
                f"training part): {self.threshold:.3f} of the grey range."
            )
        ratio = _anisotropy(target)
        if ratio > ANISOTROPY:
            sentences.append(
                f"The structure is not the same in both directions: along one it is {ratio:.1f} "
                "times as long."
            )
        return sentences


def prepare(inputs: _inputs.Inputs, *, recipe: Any, scale: str | int, patch: int | None) -> Real:
    """Choose scale and patches, hold a part out, tell the phases apart."""
    images = inputs.images
    level = None if inputs.labelled else threshold_of(images)
    length = _sampling.correlation_length([_labels(image, level) for image in images])
    if patch is not None:
        _validate.integer(patch, name="patch", minimum=16)
    side = patch or recipe.size
    if scale == "auto":
        factor = _sampling.working_factor(images, length=length, size=recipe.size, patch=side)
    else:
        smallest = min(s for image in images for s in image.shape)
        factor = _validate.integer(scale, name="scale", minimum=1, maximum=smallest)
    files = inputs.scaled(factor).files
    if patch is None and recipe.any_size and _fits(files, 2 * side):
        side *= 2
    split = _sampling.split(files, patch=side)
    level = None if inputs.labelled else threshold_of(split.training)

    def cut(images: Sequence[ScaledImage]) -> list[ScaledImage]:
        places = _sampling.tiles(images, patch=side, most=MOST_PATCHES)
        return [images[i][y, x] for i, y, x in places]

    greys = cut(split.held_out)
    return Real(
        factor=factor,
        patch=side,
        length=length / factor,
        threshold=level,
        split=split,
        training=[_labels(image, level) for image in cut(split.training)],
        held_out=[_labels(image, level) for image in greys],
        held_out_greys=[] if inputs.labelled else greys,
    )


def write(result: Comparison, folder: Path) -> None:
    """Write a comparison in all its forms to a folder."""
    result.to_json(folder / "report.json")
    result.to_csv(folder / "report.csv")
    figures = folder / "figures"
    figures.mkdir(exist_ok=True)
    for f in result.reference.description.functions:
        figure = _figures.curves(result, f.statistic, f.phase, legend=True)
        _figures.to_png(figure, figures / f"{f.statistic}-{f.phase}.png")
    _figures.to_png(_figures.overview(result), folder / "overview.png")
    result.to_html(folder / "report.html")


def _annealed(
    folder: StudyFolder,
    name: str,
    target: Description,
    shape: tuple[int, ...],
    seed: int,
    progress: ProgressCallback,
) -> Twin:
    twins = folder.sub("twins")
    voxels = int(np.prod(shape))
    twin = anneal(
        target,
        shape=shape,
        seed=seed,
        max_proposals=VOLUME_PROPOSALS * voxels if len(shape) == 3 else None,
        checkpoint=twins / f"{name}.npz",
        resume=True,
        progress=progress,
    )
    save_image(twins / f"{name}.tif", ScaledImage(twin.labels, spacing=twin.spacing))
    return twin


def _effort(base: Effort, given: Mapping[str, int | None]) -> Effort:
    least = {"steps": 1, "twins": 1, "samples": 2, "volume": 0}
    chosen = {
        name: _validate.integer(value, name=name, minimum=least[name])
        for name, value in given.items()
        if value is not None
    }
    names = ("steps", "twins", "samples", "volume")
    return Effort(**{name: getattr(base, name) for name in names} | chosen)


def _labels(image: ScaledImage, level: float | None) -> ScaledImage:
    """Return an image as labels; a patch may well show one phase only."""
    if level is None:
        return image
    return ScaledImage((image > level).astype(np.uint8), spacing=image.spacing)


def _fits(files: Sequence[Sequence[npt.NDArray[Any]]], side: int) -> bool:
    """Whether the images hold a few patches of a size."""
    shapes = [image.shape for file in files for image in file]
    count = sum((y // side) * (x // side) for y, x in shapes)
    return bool(min(min(shape) for shape in shapes) >= side and count >= _sampling.FEW)


def _anisotropy(target: Description) -> float:
    """Return by how much the structure is longer along one axis than along the other."""
    fraction = target.porosity
    drops = fraction - target.two_point.values[:, 1 : 1 + target.max_lag // 4].mean(axis=1)
    return float(drops.max() / max(drops.min(), 1e-12))


def _losses(log: Path) -> dict[str, list[float]]:
    """Return the losses in the log of a training run."""
    import pandas as pd

    table = pd.read_csv(log)
    return {name: table[name].tolist() for name in table.columns if name.endswith("loss")}


def _command(
    source: Any,
    output: str | os.PathLike[str],
    given: Mapping[str, int | None],
    settings: Mapping[str, Any],
    quick: bool,
) -> str | None:
    """Return the command that repeats a study of files, None for arrays."""
    items = source if isinstance(source, list | tuple) else [] if source is None else [source]
    if not all(isinstance(item, str | os.PathLike) for item in items):
        return None
    words = ["microtwin", "run", *map(os.fspath, items), "-o", os.fspath(output)]
    words += ["--preset", settings["preset"], "--seed", str(settings["seed"])]
    words += ["--scale", str(settings["scale"]), "--patch", str(settings["patch"])]
    words += ["--quick"] * quick
    for name, value in given.items():
        words += [] if value is None else [f"--{name}", str(value)]
    return shlex.join(words)
