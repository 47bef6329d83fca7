"""A trained classifier: opened from its folder, asked about images."""

import hashlib
import os
import time
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import numpy.typing as npt

from microtwin._progress import ProgressCallback, silent
from microtwin.classification import networks
from microtwin.classification.data import LabelledImages
from microtwin.classification.explanation import Explanation
from microtwin.classification.gradcam import explainable, grad_cam
from microtwin.classification.predictions import Predictions
from microtwin.classification.presets import PRESETS, Recipe
from microtwin.classification.report import Report, Timing
from microtwin.classification.run_folder import RunFolder, Settings
from microtwin.errors import InputError
from microtwin.learning import optimisers
from microtwin.learning.devices import platform
from microtwin.learning.network import Network, Weights

Array = npt.NDArray[Any]


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

    @property
    def digest(self) -> str:
        """A short name for exactly these weights."""
        found = hashlib.sha256()
        for leaf in jax.tree.leaves(self.weights):
            found.update(np.asarray(leaf).tobytes())
        return found.hexdigest()[:16]

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

    def predict(
        self, images: Any, *, mirrored: bool = False, progress: ProgressCallback = silent
    ) -> Predictions:
        """Return how likely each class is for each image.

        Parameters
        ----------
        images : array_like, list, path, Catalogue or LabelledImages
            As in `train_classifier`; one image (y, x) as well.
        mirrored : bool
            Whether to take the mean of the probabilities of an image and of its mirror image, left
            to right: for classes that know no handedness, at twice the time.
        progress : ProgressCallback, optional
            Told after every batch.
        """
        data = self.gathered(_several(images))
        names: dict[str, Any] = {"classes": self.classes, "sources": data.sources}
        found = Predictions.of_logits(self._apply("__call__", data, progress), **names)
        if not mirrored:
            return found
        other = Predictions.of_logits(
            self._apply("__call__", data, progress, seen=lambda batch: batch[:, :, ::-1]), **names
        )
        return Predictions.of((found.probabilities + other.probabilities) / 2, **names)

    def embed(self, images: Any, *, progress: ProgressCallback = silent) -> npt.NDArray[np.float32]:
        """Return what the network makes of images before its last layer, (n, d)."""
        return self._apply("embed", self.gathered(_several(images)), progress)

    def evaluate(
        self,
        images: Any,
        labels: Any = None,
        *,
        mirrored: bool = False,
        progress: ProgressCallback = silent,
    ) -> Report:
        """Hold the classifier against images whose classes are known.

        Parameters
        ----------
        images, labels
            As in `train_classifier`; images without a label are left out.
        mirrored : bool
            As in `predict`.
        progress : ProgressCallback, optional
            Told after every batch.

        Raises
        ------
        InputError
            If no image has a label, or one is of a class that was not learned.
        """
        data = self.labelled(images, labels)
        return self.judge(data, mirrored=mirrored, progress=progress)[0]

    def judge(
        self, data: LabelledImages, *, mirrored: bool = False, progress: ProgressCallback = silent
    ) -> tuple[Report, Predictions]:
        """Return a report on images from `labelled`, and the predictions that it is about."""
        few = data.part(np.arange(min(networks.AT_ONCE, len(data))))
        self.predict(few, mirrored=mirrored)  # so that compiling is not timed
        start = time.perf_counter()
        predictions = self.predict(data, mirrored=mirrored, progress=progress)
        each = (time.perf_counter() - start) / len(data)
        return Report.of(
            predictions,
            data.labels,
            timing=Timing(
                training_seconds=self.seconds,
                epochs=len(self.history),
                prediction_ms=1000 * each,
                parameters=_size(self.weights),
                trainable=_size(optimisers.learned(self.weights.params, self._recipe.frozen)),
                device=platform(),
            ),
            settings={
                "network": self._recipe.architecture,
                "preset": self.settings.preset,
                "trained on": f"{self.settings.images} images",
                "image size": " × ".join(map(str, (*self.settings.size, self.settings.channels))),
                "seed": self.settings.seed,
                **({"predictions": "means over mirror images"} if mirrored else {}),
            },
        ), predictions

    def labelled(self, images: Any, labels: Any = None) -> LabelledImages:
        """Bring images to what the network takes, and keep those whose class is known.

        Raises
        ------
        InputError
            If none is, or one is of a class that was not learned.
        """
        data = self.gathered(_several(images), labels).labelled
        if not len(data):
            raise InputError(
                "labels must be given, or images be in folders or a table that tell their classes: "
                f"{', '.join(self.classes)}"
            )
        return data

    def explain(
        self, images: Any, target: Any = None, *, progress: ProgressCallback = silent
    ) -> Explanation:
        """Return which parts of images speak for a class, by Grad-CAM; see `grad_cam`.

        Parameters
        ----------
        images : array_like, list, path, Catalogue or LabelledImages
            As in `predict`.
        target : int, str or sequence of them, optional
            The class, of all images or of each; by default the one that each is taken for.
        progress : ProgressCallback, optional
            Told after every batch.

        Raises
        ------
        InputError
            If the network is not a convolutional one, or there is no such class.
        """
        data = self.gathered(_several(images))
        module = self.network.module(self.weights)
        return grad_cam(
            module, data, target, classes=self.classes, sources=data.sources, progress=progress
        )

    @property
    def explainable(self) -> bool:
        """Whether `explain` can say where the network looks: dense and recurrent ones cannot."""
        return explainable(self.network.module(self.weights))

    @property
    def _recipe(self) -> Recipe:
        return PRESETS[self.settings.preset]

    def _apply(
        self,
        method: str,
        data: LabelledImages,
        progress: ProgressCallback,
        seen: Callable[[Array], Array] = lambda batch: batch,
    ) -> npt.NDArray[np.float32]:
        if method not in self._applied:
            self._applied[method] = networks.Applied(self.network, method)

        def batch(indices: Any) -> Array:
            return np.ascontiguousarray(seen(data.batch(indices)))

        return self._applied[method](self.weights, batch, len(data), progress=progress)


def load_classifier(path: str | os.PathLike[str]) -> Classifier:
    """Open the folder of a trained classifier.

    Parameters
    ----------
    path : path
        The folder of the run.

    Returns
    -------
    Classifier

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


def _size(arrays: Any) -> int:
    """Count the numbers in some arrays."""
    return sum(leaf.size for leaf in jax.tree.leaves(arrays))


def _several(images: Any) -> Any:
    """Take one image (y, x) as a list of one."""
    alone = hasattr(images, "__array__") and np.ndim(images) == 2
    return np.asarray(images)[None] if alone else images
