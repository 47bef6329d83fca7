"""A trained classifier: opened from its folder, asked about images."""

import os
from typing import Any

import numpy as np
import numpy.typing as npt

from microtwin._progress import ProgressCallback, silent
from microtwin.classification import networks
from microtwin.classification.data import LabelledImages
from microtwin.classification.predictions import Predictions
from microtwin.classification.presets import PRESETS
from microtwin.classification.run_folder import RunFolder, Settings
from microtwin.learning.network import Network, Weights


class Classifier:
    """A network that has learned to tell classes of images.

    Attributes
    ----------
    settings : Settings
        What it was trained as.
    network : Network
        The network.
    weights : Weights
        The best that it learned.
    metrics : dict of str to float
        What these reached on the validation set.
    history : list of dict
        One row an epoch.
    """

    def __init__(
        self,
        settings: Settings,
        network: Network,
        weights: Weights,
        *,
        metrics: dict[str, float],
        history: list[dict[str, float]],
    ) -> None:
        self.settings, self.network, self.weights = settings, network, weights
        self.metrics, self.history = metrics, history
        self._applied: dict[str, networks.Applied] = {}

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes."""
        return self.settings.classes

    @property
    def seconds(self) -> float:
        """Seconds of training."""
        return self.history[-1]["seconds"] if self.history else 0.0

    def gathered(self, images: Any, labels: Any = None) -> LabelledImages:
        """Bring images to what the network takes, see `train_classifier`.

        Where no labels are known to this classifier, the images have none.
        """
        y, x = self.settings.size
        form: dict[str, Any] = {"size": (y, x), "channels": self.settings.channels}
        if labels is not None:
            return LabelledImages.of(images, labels, classes=self.classes, **form)
        found = LabelledImages.of(images, **form)
        if set(found.classes) <= set(self.classes):
            index = np.array([*map(self.classes.index, found.classes), -1])
            return LabelledImages(found.pixels, index[found.labels], self.classes, found.sources)
        return LabelledImages(found.pixels, np.full(len(found), -1), self.classes, found.sources)

    def predict(self, images: Any, *, progress: ProgressCallback = silent) -> Predictions:
        """Return how likely each class is for each image.

        Parameters
        ----------
        images : array_like, list, path, Catalogue or LabelledImages
            As in `train_classifier`; one image (y, x) as well.
        progress : ProgressCallback, optional
            Told after every batch.
        """
        data = self.gathered(_several(images))
        logits = self._apply("__call__", data, progress)
        return Predictions(networks.probabilities(logits), self.classes, data.sources)

    def embed(self, images: Any, *, progress: ProgressCallback = silent) -> npt.NDArray[np.float32]:
        """Return what the network makes of images before its last layer, (n, d)."""
        return self._apply("embed", self.gathered(_several(images)), progress)

    def _apply(
        self, method: str, data: LabelledImages, progress: ProgressCallback
    ) -> npt.NDArray[np.float32]:
        if method not in self._applied:
            self._applied[method] = networks.Applied(self.network, method)
        return self._applied[method](self.weights, data.batch, len(data), progress=progress)


def load_classifier(path: str | os.PathLike[str]) -> Classifier:
    """Open the folder of a trained classifier.

    Raises
    ------
    InputError
        If it is no such folder.
    CheckpointError
        If it is damaged, or training has not finished an epoch.
    """
    folder = RunFolder(path)
    settings = folder.settings()
    y, x = settings.size
    network = networks.network(
        PRESETS[settings.preset],
        classes=len(settings.classes),
        size=(y, x),
        channels=settings.channels,
        seed=None,
    )
    weights, metrics = folder.fit.weights(network.initial)
    return Classifier(
        settings, network, weights, metrics=metrics, history=folder.fit.history.rows()
    )


def _several(images: Any) -> Any:
    """Take one image (y, x) as a list of one."""
    alone = hasattr(images, "__array__") and np.ndim(images) == 2
    return np.asarray(images)[None] if alone else images
