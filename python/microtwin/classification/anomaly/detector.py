"""A trained anomaly detector: scores, maps, and how good it is."""

import os
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from microtwin import _conformal as thresholds
from microtwin import _files, _validate
from microtwin._progress import ProgressCallback, silent
from microtwin.classification.anomaly import networks
from microtwin.classification.anomaly.density import Density, Scale
from microtwin.classification.anomaly.evaluation import Evaluation
from microtwin.classification.anomaly.networks import AT_ONCE, Autoencoder, Judge
from microtwin.classification.anomaly.pictures import Pictures
from microtwin.classification.anomaly.scores import AnomalyScores
from microtwin.classification.anomaly.settings import RunFolder, Settings
from microtwin.classification.anomaly.signature import (
    NAMES,
    mean_squared_error,
    signatures,
)
from microtwin.errors import CheckpointError
from microtwin.learning.network import Weights

METHODS = ("autoencoder", "mlp", "flow")
SCORES = ("signature", "mse", "worst", "code")
INPUTS = ("signature", "code", "both")
MAPS = ("error", "score")
FARTHEST = 10.0  # standard deviations: what is farther off is as unlike normal as can be

Rows = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """Tiles after the autoencoder.

    Attributes
    ----------
    signatures, codes : ndarray of float32, shapes (n, 21) and (n, code)
        What is measured, and the code.
    errors : ndarray of float32, shape (n, y, x)
        Squared differences from the reconstructions.
    """

    signatures: Rows
    codes: Rows
    errors: Rows

    def rows(self, inputs: str) -> Rows:
        """Return what the MLP or the flow sees, one of `INPUTS`."""
        parts = {"signature": (self.signatures,), "code": (self.codes,)}
        return np.concatenate(parts.get(inputs, (self.codes, self.signatures)), axis=1)


@dataclass(frozen=True, slots=True, eq=False)
class Looked:
    """An image after the detector.

    Attributes
    ----------
    errors : ndarray of float32, shape (n, y, x)
        Squared differences of its tiles from their reconstructions.
    scores : ndarray of float64, shape (n,)
        Of its tiles.
    corners : ndarray of int64, shape (n, 2)
        Where they are.
    shape : tuple of int
        Of the image.
    """

    errors: Rows
    scores: Numbers
    corners: npt.NDArray[np.int64]
    shape: tuple[int, ...]


class Normal:
    """What normal tiles are like: densities of signatures and codes, the scale of both."""

    def __init__(self, signature: Density, code: Density, scale: Scale) -> None:
        self.signature, self.code, self.scale = signature, code, scale

    @classmethod
    def of(cls, seen: Seen, inputs: str, *, seed: int) -> "Normal":
        """Measure normal tiles."""
        return cls(
            Density.of(seen.signatures, seed=seed),
            Density.of(seen.codes, seed=seed, components=1),
            Scale.of(seen.rows(inputs)),
        )

    def scaled(self, rows: Rows) -> Rows:
        """Return rows as the MLP and the flow take them."""
        return np.clip(self.scale(rows), -FARTHEST, FARTHEST)


class Detector:
    """A trained anomaly detector.

    Attributes
    ----------
    settings : Settings
        What it is.
    path : Path
        Its folder.
    calibration : ndarray of float64, shape (n,)
        Scores of normal images that it has not learned from, in ascending order: thresholds and
        p-values come from them.
    """

    def __init__(
        self,
        settings: Settings,
        autoencoder: tuple[Autoencoder, Weights],
        judge: tuple[Judge, Weights] | None,
        normal: Normal,
        calibration: Numbers,
        *,
        path: Path,
    ) -> None:
        self.settings, self.path, self.calibration = settings, path, calibration
        self._autoencoder, self._judge, self._normal = autoencoder, judge, normal

    @property
    def method(self) -> str:
        """What tells normal from anomalous: "autoencoder", "mlp" or "flow"."""
        return self.settings.method

    @property
    def threshold(self) -> float:
        """Above which an image is called anomalous, at the rate that was stated in training."""
        rate = self.settings.false_alarms
        return thresholds.conformal_threshold(self.calibration, false_alarms=rate)

    @property
    def seconds(self) -> float:
        """Time spent in training, interruptions not counted."""
        folder = RunFolder(self.path)
        return sum(part.log.last("seconds") or 0.0 for part in (folder.autoencoder, folder.judge))

    def __repr__(self) -> str:
        return f"Detector(method={self.method!r}, path={str(self.path)!r})"

    def score(
        self,
        images: Any,
        *,
        false_alarms: float | None = None,
        maps: str | None = None,
        progress: ProgressCallback | None = None,
    ) -> AnomalyScores:
        """Say how unlike the normal images others are.

        An image larger than the network's is scored in tiles that overlap; its score is that of its
        worst tile. The threshold comes from normal images of the sizes that were given in training,
        and its false-alarm rate holds for such: among more tiles the worst one is worse.

        Parameters
        ----------
        images : array_like, list, path or Catalogue
            One image (y, x), a stack (n, y, x) such as the images of generated samples, a list of
            images or of files, a folder, or a catalogue. Grey levels; see `to_float` for how they
            become 0 to 1.
        false_alarms : float, optional
            Which part of normal images may be called anomalous; as stated in training by default.
        maps : "error" or "score", optional
            Which maps to keep too, if any, see `maps`.
        progress : ProgressCallback, optional
            Told after every image.

        Returns
        -------
        AnomalyScores
            One score an image.

        Raises
        ------
        InputError
            If an image is smaller than a tile, or there were too few normal images for the rate.
        """
        settings = self.settings
        if maps is not None:
            _validate.choice(maps, MAPS, name="maps")
        rate = settings.false_alarms if false_alarms is None else false_alarms
        threshold = thresholds.conformal_threshold(self.calibration, false_alarms=rate)
        pictures = self._pictures(images)
        scores, kept = self.judged(pictures, maps=maps, progress=progress)
        return AnomalyScores(
            scores=scores,
            threshold=threshold,
            p_values=thresholds.p_values(scores, self.calibration),
            sources=pictures.sources,
            false_alarms=float(rate),
            calibrated_on=len(self.calibration),
            method=self.method,
            maps=kept,
        )

    def maps(self, images: Any, *, kind: str = "error") -> list[npt.NDArray[np.float32]]:
        """Return where images are unlike normal ones, a map (y, x) for each.

        Parameters
        ----------
        images : array_like, list, path or Catalogue
            As in `score`.
        kind : "error" or "score"
            The squared difference from the reconstruction, pixel by pixel; or the score of the
            tiles around each pixel, on average: coarser, but with the detector's own judgement.

        Raises
        ------
        InputError
            If an image is smaller than a tile, or `kind` is something else.
        """
        _validate.choice(kind, MAPS, name="kind")
        return [self._map(one, kind) for one in self._looked(self._pictures(images))]

    def evaluate(
        self, normal: Any, anomalous: Any, *, false_alarms: float | None = None
    ) -> Evaluation:
        """Judge the detector on further normal and on anomalous images.

        Parameters
        ----------
        normal, anomalous : array_like, list, path or Catalogue
            As in `score`; neither may have been seen in training.
        false_alarms : float, optional
            As in `score`.

        Returns
        -------
        Evaluation
            Area under the ROC curve, and both rates at the threshold, with intervals.
        """
        good = self.score(normal, false_alarms=false_alarms)
        bad = self.score(anomalous, false_alarms=false_alarms)
        return Evaluation.of(
            good.scores, bad.scores, threshold=good.threshold, stated=good.false_alarms
        )

    def judged(
        self,
        pictures: Pictures,
        *,
        maps: str | None = None,
        progress: ProgressCallback | None = None,
    ) -> tuple[Numbers, tuple[Rows, ...] | None]:
        """Return the scores of images (n,), and their maps if wanted; no threshold is needed."""
        report, found, kept = progress or silent, [], []
        for i, one in enumerate(self._looked(pictures), 1):
            found.append(float(one.scores.max()))
            if maps is not None:
                kept.append(self._map(one, maps))
            report(i, len(pictures), {"score": found[-1]})
        return np.asarray(found, np.float64), None if maps is None else tuple(kept)

    def _pictures(self, images: Any) -> Pictures:
        return Pictures.of(images, factor=self.settings.downscale)

    def _map(self, one: "Looked", kind: str) -> Rows:
        tiles: Any = one.errors if kind == "error" else one.scores
        return self.settings.tiling.blend(tiles, one.corners, one.shape)

    def _looked(self, pictures: Pictures) -> Iterator["Looked"]:
        """Look at images in turn; several small ones go through the networks together."""
        tiling = self.settings.tiling
        waiting: list[tuple[npt.NDArray[np.int64], tuple[int, ...]]] = []
        tiles: list[Rows] = []
        for i, image in enumerate(pictures):
            tiling.check(image.shape, name=f"image {pictures.sources[i]}")
            corners = tiling.corners(image.shape)
            waiting.append((corners, image.shape))
            tiles.append(tiling.cut(image, corners))
            if sum(map(len, tiles)) < AT_ONCE and i + 1 < len(pictures):
                continue
            seen = look(*self._autoencoder, np.concatenate(tiles))
            scores, start = self._tile_scores(seen), 0
            for around, shape in waiting:
                its = slice(start, start + len(around))
                yield Looked(seen.errors[its], scores[its], around, shape)
                start = its.stop
            waiting, tiles = [], []

    def _tile_scores(self, seen: Seen) -> Numbers:
        if self._judge is not None:
            network, weights = self._judge
            return network(weights, self._normal.scaled(seen.rows(self.settings.inputs)))
        match self.settings.score:
            case "signature":
                return self._normal.signature.surprise(seen.signatures)
            case "code":
                return self._normal.code.surprise(seen.codes)
            case "worst":
                return seen.signatures[:, NAMES.index("worst")].astype(np.float64)
            case _:
                return mean_squared_error(seen.signatures)


def look(autoencoder: Autoencoder, weights: Weights, tiles: Any) -> Seen:
    """Send tiles (n, y, x) through an autoencoder and measure what is left."""
    grey = np.asarray(tiles, np.float32)
    codes, made = autoencoder(weights, grey)
    return Seen(signatures(grey, made), codes, (grey - made) ** 2)


def load_detector(path: str | os.PathLike[str]) -> Detector:
    """Open the folder of a trained detector.

    Parameters
    ----------
    path : path
        The folder of the run.

    Returns
    -------
    Detector

    Raises
    ------
    InputError
        If it is none.
    CheckpointError
        If its training has not ended, or a file is damaged.
    """
    folder = RunFolder(path)
    settings = folder.settings()
    if not folder.normal_file.exists():
        raise CheckpointError(f"training in {folder.path} has not ended: go on with resume")
    normal, calibration = read_normal(folder.normal_file)
    autoencoder = networks.autoencoder(settings.architecture, seed=settings.seed)
    weights, _ = folder.autoencoder.weights(autoencoder.network.initial)
    judge = None
    if settings.method != "autoencoder":
        network = networks.judge(settings.method, width=len(normal.scale.mean), seed=settings.seed)
        judge = network, folder.judge.weights(network.network.initial)[0]
    return Detector(settings, (autoencoder, weights), judge, normal, calibration, path=folder.path)


def write_normal(path: Path, normal: Normal, calibration: Numbers) -> None:
    """Write what normal images are like; see `read_normal`."""
    arrays: dict[str, Any] = {
        **{f"signature.{name}": array for name, array in normal.signature.arrays().items()},
        **{f"code.{name}": array for name, array in normal.code.arrays().items()},
        "scale.mean": normal.scale.mean,
        "scale.deviation": normal.scale.deviation,
        "calibration": calibration,
    }
    _files.write_with(path, lambda file: np.savez(file, allow_pickle=False, **arrays))


def read_normal(path: Path) -> tuple[Normal, Numbers]:
    """Read back what `write_normal` wrote.

    Raises
    ------
    CheckpointError
        If the file is damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file)

        def named(prefix: str) -> dict[str, Any]:
            start = f"{prefix}."
            return {n.removeprefix(start): a for n, a in arrays.items() if n.startswith(start)}

        scale = named("scale")
        normal = Normal(
            Density.restored(named("signature")),
            Density.restored(named("code")),
            Scale(scale["mean"], scale["deviation"]),
        )
        return normal, arrays["calibration"]
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise CheckpointError(f"{path} is damaged: {error}") from error
