"""Training an anomaly detector: data, autoencoder, what is normal, judge, threshold."""

import os
import shutil
from typing import Any

import numpy as np

from microtwin import _validate
from microtwin._conformal import check_rate
from microtwin._progress import ProgressCallback, silent
from microtwin._version import versions
from microtwin.classification.anomaly import detector as detectors
from microtwin.classification.anomaly import networks, recipes
from microtwin.classification.anomaly.detector import Detector, Normal, Rows, look
from microtwin.classification.anomaly.pictures import Pictures
from microtwin.classification.anomaly.settings import RunFolder, Settings
from microtwin.classification.anomaly.splitting import KEPT, split, watched
from microtwin.classification.anomaly.spoiling import spoilt
from microtwin.classification.anomaly.teaching import Examples, Run, teach_autoencoder, teach_judge
from microtwin.classification.anomaly.tiles import Bytes, RandomTiles, as_bytes, covering
from microtwin.classification.anomaly.tiling import Tiling
from microtwin.errors import InputError
from microtwin.learning.augmentation import Augmentation
from microtwin.learning.checkpoints import differences
from microtwin.models import ARCHITECTURES

DEFAULT = "autoencoder-v5"
SYNTHETIC = "synthetic"
FLIPS = Augmentation(flip="both")
WATCHED_TILES = 1024


def train_detector(
    images: Any,
    *,
    workdir: str | os.PathLike[str],
    method: str = "autoencoder",
    architecture: str = DEFAULT,
    anomalies: Any = None,
    validation: Any = None,
    false_alarms: float = 0.05,
    score: str = "signature",
    inputs: str = "signature",
    stride: int | None = None,
    downscale: float = 1.0,
    augmentation: Augmentation = FLIPS,
    autoencoder: Detector | None = None,
    epochs: int | None = None,
    seed: int = 0,
    resume: bool = False,
    progress: ProgressCallback | None = None,
) -> Detector:
    """Learn from normal images to tell which others are not.

    An autoencoder learns to give back tiles of normal images from a short code. What it leaves of a
    tile is measured by length, direction and place (its signature, see `signature.NAMES`). With
    the method "autoencoder" a tile scores by how rare its signature is among normal ones; no
    anomaly is needed. With "mlp" a small network tells the signatures of anomalies from normal
    ones; with "flow" a Real-NVP learns the density of normal ones, and that anomalies have little
    of it (outlier exposure). An image scores as its worst tile.

    The threshold comes from normal images that are kept out of all that, such that a stated rate of
    false alarms is not exceeded, see `threshold.conformal_threshold`.

    Parameters
    ----------
    images : array_like, list, path or Catalogue
        Normal images: one (y, x), a stack (n, y, x), a list of images or of files, a folder, or a
        catalogue. Grey levels; see `to_float` for how they become 0 to 1. They may be larger than
        the network's.
    workdir : path
        Folder of the run.
    method : "autoencoder", "mlp" or "flow"
        What tells normal from anomalous.
    architecture : str
        Name of the autoencoder in `microtwin.models`.
    anomalies : array_like, list, path or Catalogue, optional
        Anomalous images, for "mlp" and "flow", which should be so all over; or "synthetic", for the
        defects of micrographs (`microtwin.images.defects`) drawn into normal tiles. "mlp" needs
        some, "flow" can do without.
    validation : float, or as `images`, optional
        Which part of the normal images to keep for the threshold, or further normal images for
        it. By default a fifth, or as many as `false_alarms` needs, up to a half.
    false_alarms : float
        Which part of normal images may be called anomalous: 0.05 takes 19 images for
        validation at the least, 0.01 takes 99.
    score : "signature", "mse", "worst" or "code"
        What the autoencoder scores by: how rare the signature is; the mean squared error; the
        error where it is largest; how rare the code is (Mahalanobis distance).
    inputs : "signature", "code" or "both"
        What "mlp" and "flow" see.
    stride : int, optional
        Pixels from one tile to the next when scoring; half a tile by default.
    downscale : float
        By how much images are made smaller first.
    augmentation : Augmentation
        How tiles are changed at random while the autoencoder learns; mirrored by default.
    autoencoder : Detector, optional
        One whose autoencoder is taken instead of training the same again: it must have learned from
        the same images, of which as many were kept for the threshold, with the same seed.
    epochs : int, optional
        Epochs of each network at most; by default 100, and training ends when the watched images
        no longer gain.
    seed : int
        Of everything that is drawn.
    resume : bool
        Go on with the run in `workdir`, or start it if there is none.
    progress : ProgressCallback, optional
        Told after every step.

    Returns
    -------
    Detector
        What has been learned; `load_detector` opens it again.

    Raises
    ------
    InputError
        If an argument is out of range, images are smaller than a tile or too few, or the folder
        holds a run and `resume` is False.
    CheckpointError
        If the run in `workdir` is another one or damaged, or the disk is full.
    TrainingError
        If training diverges.
    KeyboardInterrupt
        After Ctrl-C, once the checkpoint of the step is written.
    """
    tiling = _checked(method, architecture, score, inputs, anomalies, stride, epochs, seed)
    rate = check_rate(false_alarms)
    folder = RunFolder.to_train_in(workdir, resume=resume)

    # Data.
    normal = Pictures.of(images, factor=downscale)
    parts = split(normal, validation, rate=rate, downscale=downscale, seed=seed)
    drawn = isinstance(anomalies, str) and anomalies == SYNTHETIC
    bad: Pictures | None = None
    if anomalies is not None and not drawn:
        bad = Pictures.of(anomalies, factor=downscale, name="anomalies")
    settings = Settings(
        method=method,
        architecture=architecture,
        score=score,
        inputs=inputs,
        size=tiling.size,
        stride=tiling.stride,
        downscale=float(downscale),
        false_alarms=rate,
        augmentation=str(augmentation),
        seed=seed,
        normal=normal.digest(),
        anomalies=SYNTHETIC if drawn else "" if bad is None else bad.digest(),
        validation=parts.keep.digest(),
        counts={"learned": len(parts.learn), "watched": len(parts.watch), "kept": len(parts.keep)},
        versions=versions(),
    )
    recipe = recipes.AUTOENCODERS[architecture]
    learn, watch = (as_bytes(part, tiling=tiling, name="normal") for part in parts[:2])
    tiles = RandomTiles(learn, tiling=tiling, batch=recipe.batch, seed=seed)
    watched_tiles = covering(watch, tiling=tiling, seed=seed, most=WATCHED_TILES)
    some = tiles.some()
    odd_tiles = None if bad is None else _anomalous_tiles(bad, tiling, seed)
    if drawn:
        odd_tiles = spoilt(some, seed=seed), spoilt(watched_tiles, seed=seed + 1)
    for source, image in zip(parts.keep.sources, parts.keep, strict=True):
        tiling.check(image.shape, name=f"validation image {source}")

    if autoencoder is not None:
        _check_shared(autoencoder, settings)

    # Resume.
    if folder.exists():
        folder.check_continues(settings)
    else:
        folder.create(settings)
    if autoencoder is not None and not folder.autoencoder.weights_file.exists():
        theirs = RunFolder(autoencoder.path).autoencoder.path
        shutil.copytree(theirs, folder.autoencoder.path, dirs_exist_ok=True)
    run = Run(settings=settings, epochs=epochs, progress=progress or silent)

    # Autoencoder.
    encoder = networks.autoencoder(architecture, seed=seed)
    if autoencoder is None:
        weights = teach_autoencoder(
            encoder,
            tiles,
            watched_tiles,
            recipe=recipe,
            augmentation=augmentation,
            folder=folder.autoencoder,
            run=run,
        )
    else:
        weights, _ = folder.autoencoder.weights(encoder.network.initial)

    # What is normal.
    def seen(tiles: Bytes) -> detectors.Seen:
        return look(encoder, weights, tiles.astype(np.float32) / 255)

    usual = Normal.of(seen(some), inputs, seed=seed)

    # Judge.
    judge = None
    if method != "autoencoder":

        def rows(tiles: Bytes) -> Rows:
            return usual.scaled(seen(tiles).rows(inputs))

        good = rows(some), rows(watched_tiles)
        odd = (good[0][:0], good[1][:0]) if odd_tiles is None else tuple(map(rows, odd_tiles))
        learned, shown = (Examples(*kinds) for kinds in zip(good, odd, strict=True))
        network = networks.judge(method, width=good[0].shape[1], seed=seed)
        judge = network, teach_judge(network, learned, shown, folder=folder.judge, run=run)

    # Threshold.
    found = Detector(settings, (encoder, weights), judge, usual, np.zeros(0), path=folder.path)
    calibration, _ = found.judged(parts.keep)
    detectors.write_normal(folder.normal_file, usual, np.sort(calibration))
    return detectors.load_detector(folder.path)


def _checked(
    method: str,
    architecture: str,
    score: str,
    inputs: str,
    anomalies: Any,
    stride: int | None,
    epochs: int | None,
    seed: int,
) -> Tiling:
    """Check what needs no image, and return how images are cut."""
    _validate.choice(method, detectors.METHODS, name="method")
    _validate.choice(architecture, recipes.AUTOENCODERS, name="architecture")
    _validate.choice(score, detectors.SCORES, name="score")
    _validate.choice(inputs, detectors.INPUTS, name="inputs")
    _validate.seed(seed)
    if epochs is not None:
        _validate.integer(epochs, name="epochs", minimum=1)
    if method == "autoencoder" and anomalies is not None:
        raise InputError("anomalies must be None for the method autoencoder: it learns from none")
    if method == "mlp" and anomalies is None:
        raise InputError(
            'anomalies must be given for the method mlp: images, or "synthetic" for drawn defects'
        )
    size = (ARCHITECTURES[architecture].takes or (0,))[0]
    if stride is None:
        return Tiling(size, size // 2)
    return Tiling(size, _validate.integer(stride, name="stride", minimum=1, maximum=size))


def _check_shared(other: Detector, settings: Settings) -> None:
    """Raise InputError unless another detector's autoencoder is the one to be trained here."""
    found, wanted = other.settings.identity_of_autoencoder, settings.identity_of_autoencoder
    if found != wanted:
        how = differences(found, wanted)
        raise InputError(f"autoencoder must be of this training: it is {how}")


def _anomalous_tiles(given: Pictures, tiling: Tiling, seed: int) -> tuple[Bytes, Bytes]:
    """Return tiles of given anomalies to learn from, and to be watched by."""
    if len(given) < 2:
        raise InputError(f"anomalies must be at least 2 images, not {len(given)}")
    order = np.random.default_rng((seed, 2)).permutation(len(given))
    watch, learn = (
        covering(as_bytes(part, tiling=tiling, name="anomalous"), tiling=tiling, seed=seed)
        for part in watched(given.part(order), part=KEPT)
    )
    return learn, watch
