"""The whole study: from micrographs to twins by annealing and by a network, and their report."""

import dataclasses
import logging
import os
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from microtwin import _validate
from microtwin._accelerator import jax_on
from microtwin._figures import to_png
from microtwin._progress import ProgressCallback, silent
from microtwin.annealing import Twin, anneal
from microtwin.comparison import _figures, _inputs, _real
from microtwin.comparison._folder import StudyFolder
from microtwin.comparison.compare import REFERENCE, compare
from microtwin.comparison.result import Comparison
from microtwin.images import Catalogue, Entry, ScaledImage, save_image
from microtwin.statistics import Description, describe

if TYPE_CHECKING:
    from microtwin.generation import Samples

logger = logging.getLogger(__name__)

StageProgress = Callable[[str], ProgressCallback]

ANNEALED, ANNEALED_3D, GAN, TRAINING = "annealed", "annealed 3-D", "GAN", "real, training part"

LEAST = 64  # pixels of a patch for what is held out to be enough to judge memorising by
VOLUME_PROPOSALS = 300  # a voxel: the energy falls by five orders of magnitude, in minutes


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
    flatten: bool = False,
    smooth: str | float = "auto",
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
    flatten : bool
        Whether to take uneven light out of each image first, as in `segment`.
    smooth : "auto" or float
        Standard deviation in pixels, at the working scale, of the Gaussian filter that takes the
        noise out of grey levels before the threshold, of real images and generated ones alike;
        "auto" for the least that leaves no specks.
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
        source,
        spacing=spacing,
        crop_info_bar=crop_info_bar,
        channel=channel,
        phase=phase,
        match=match,
        flatten=flatten,
    )
    real = _real.prepare(inputs, recipe=recipe, smooth=smooth, scale=scale, patch=patch)
    settings = {
        "images": inputs.digest,
        "preset": recipe.name,
        "seed": seed,
        "scale": real.factor,
        "patch": real.patch,
        "smooth": real.smooth,
        "steps": effort.steps or recipe.steps,
        "twins": effort.twins,
        "samples": effort.samples,
        "volume": effort.volume,
    }
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
            real.split.training, preset=recipe.name, workdir=folder.sub("gan"), steps=effort.steps,
            seed=seed, resume=True, match=False, progress=report_stage("training the network"),
        )  # fmt: skip
        with folder.stage("sampling"):
            generated = _cut(
                network.sample(effort.samples, seed=seed + 1, shape=(real.patch, real.patch)),
                smooth=real.smooth,
                fraction=target.fraction(0),
            )
    save_image(folder.path / "generated.tif", generated.labels)
    save_image(folder.path / "generated-grey.tif", generated.images)

    # Compared.
    closing = [CUT_NOTE, VOLUME_NOTE] if solid else [CUT_NOTE]
    kept = ("preset", "seed", "scale", "patch", "smooth")
    crop = None if crop_info_bar is True else "no" if crop_info_bar is False else crop_info_bar
    options: dict[str, Any] = {
        "phase": phase,
        "spacing": spacing,
        "channel": channel,
        "crop-info-bar": crop,
    }
    options |= {name: settings[name] for name in kept} | given
    flags = {"no-match": not match, "flatten": flatten, "quick": quick}
    methods = {ANNEALED: flat, GAN: generated} | ({ANNEALED_3D: solid} if solid else {})
    result = compare(
        methods,
        reference=real.held_out,
        phase=(1, 0),
        baselines={TRAINING: real.training} if real.split.how else {},
        training=real.training_images if real.patch >= LEAST else None,
        images={REFERENCE: real.held_out_greys},
        losses={GAN: _losses(folder.path / "gan" / "log.csv")},
        seconds={GAN: network.seconds + folder.seconds["sampling"]},
        training_seconds={GAN: network.seconds},
        settings={
            "source": inputs.origin,
            **{k: v for k, v in settings.items() if k != "images"},
            "seconds": folder.seconds,
            "notes": [*inputs.notes, *real.notes(target, baseline=TRAINING), *closing],
            "command": _command(source, output, options, flags),
        },
        threads=threads,
        device=device,
    )
    write(result, folder.path)
    return result


CUT_NOTE = (
    "The network's grey levels are cut where the whole batch gets the phase fractions of the "
    "training part: these fractions are set, not learned."
)
VOLUME_NOTE = "The volume follows the mean of the images' two directions along all its three axes."


def write(result: Comparison, folder: Path) -> None:
    """Write a comparison in all its forms to a folder."""
    result.to_json(folder / "report.json")
    result.to_csv(folder / "report.csv")
    figures = folder / "figures"
    figures.mkdir(exist_ok=True)
    for f in result.reference.description.functions:
        figure = _figures.curves(result, f.statistic, f.phase, legend=True)
        to_png(figure, figures / f"{f.statistic}-{f.phase}.png")
    to_png(_figures.overview(result), folder / "overview.png")
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


def _cut(samples: "Samples", *, smooth: float, fraction: float) -> "Samples":
    """Return samples with phases told apart like the real ones, phase 0 of a given fraction."""
    greys = _real.smoothed(samples.images, smooth)
    level = float(np.quantile(greys, fraction))
    labels = (greys > level).astype(np.uint8)
    return dataclasses.replace(samples, labels=labels, thresholds=(level,))


def _effort(base: Effort, given: Mapping[str, int | None]) -> Effort:
    least = {"steps": 1, "twins": 1, "samples": 2, "volume": 0}
    chosen = {
        name: _validate.integer(value, name=name, minimum=least[name])
        for name, value in given.items()
        if value is not None
    }
    names = ("steps", "twins", "samples", "volume")
    return Effort(**{name: getattr(base, name) for name in names} | chosen)


def _losses(log: Path) -> dict[str, list[float]]:
    """Return the losses in the log of a training run."""
    import pandas as pd

    table = pd.read_csv(log)
    return {name: table[name].tolist() for name in table.columns if name.endswith("loss")}


def _command(
    source: Any,
    output: str | os.PathLike[str],
    options: Mapping[str, Any],
    flags: Mapping[str, bool],
) -> str | None:
    """Return the command that repeats a study of files, None for arrays."""
    items = source if isinstance(source, list | tuple) else [] if source is None else [source]
    if not all(isinstance(item, str | os.PathLike) for item in items):
        return None
    words = ["microtwin", "run", *map(os.fspath, items), "-o", os.fspath(output)]
    for name, value in options.items():
        several = isinstance(value, list | tuple)
        text = ",".join(map(str, value)) if several else str(value)
        words += [] if value is None else [f"--{name}", text]
    words += [f"--{name}" for name, wanted in flags.items() if wanted]
    return shlex.join(words)
