"""Training a classifier on labelled images: data, model, step, loop."""

import hashlib
import logging
import os
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from microtwin import _validate
from microtwin._progress import ProgressCallback
from microtwin._version import versions
from microtwin.classification import coding, networks
from microtwin.classification.classifier import Classifier, load_classifier
from microtwin.classification.data import LabelledImages, stratified
from microtwin.classification.presets import DEFAULT, FROZEN, PRESETS, Recipe
from microtwin.classification.run_folder import RunFolder, Settings
from microtwin.errors import InputError
from microtwin.learning import fitting, optimisers, supervised
from microtwin.learning.augmentation import Augmentation
from microtwin.learning.devices import Devices, is_first, join_processes
from microtwin.learning.network import Network, Weights
from microtwin.models import registry
from microtwin.models.weights import IMAGENET

logger = logging.getLogger(__name__)


def train_classifier(
    images: Any,
    labels: Any = None,
    *,
    preset: str = DEFAULT,
    workdir: str | os.PathLike[str],
    validation: Any = 0.2,
    epochs: int | None = None,
    size: int | tuple[int, int] | None = None,
    class_weights: str | Mapping[str, float] | None = None,
    pretrained: str | os.PathLike[str] | None = None,
    augmentation: Augmentation | None = None,
    start: Classifier | str | os.PathLike[str] | None = None,
    rate: float | None = None,
    seed: int = 0,
    resume: bool = False,
    stream: bool | None = None,
    progress: ProgressCallback | None = None,
) -> Classifier:
    """Train a network to tell classes of images.

    Everything goes to `workdir`: settings, the best weights, logs (CSV, and TensorBoard's if
    tensorboardX is installed) and checkpoints. A run that was killed goes on with ``resume=True``
    from its last checkpoint, on a CPU bit for bit as if nothing had happened.

    Parameters
    ----------
    images : array_like, list, path, Catalogue or LabelledImages
        Arrays (n, y, x) or (n, y, x, channels), a list of images or of files, a folder with a
        sub-folder for each class, a catalogue or its CSV file. They are brought to the size of the
        network; images without a label are left out.
    labels : sequence of str or int, optional
        The class of each image, where `images` do not say.
    preset : str
        The recipe, one of `microtwin.classification.PRESETS`.
    workdir : path
        Folder of the run.
    validation : float or (images, labels) or LabelledImages
        Share of the images of each class that is held out, or what to validate on.
    epochs : int, optional
        At most so many; the recipe's by default.
    size : int or (int, int), optional
        Sides (y, x) that images are brought to, where the network is not for one size only; its
        own by default.
    class_weights : "balanced" or mapping of str to float, optional
        How much images of each class count; "balanced": the rarer, the more.
    pretrained : path or str, optional
        Weights of the frozen base of a transfer network: a file, or "imagenet" for those in the
        cache, which are downloaded if they are not there; see `docs/weights.md`. "imagenet" by
        default.
    augmentation : Augmentation, optional
        How training images are changed; as the recipe says by default.
    start : Classifier or path, optional
        A trained classifier of the same preset, classes and size, or the folder of its run, whose
        weights training begins from; at random by default.
    rate : float, optional
        The learning rate at the start; the recipe's by default.
    seed : int
        Seed of the weights, the choice of the validation set, and the order of the images.
    resume : bool
        Go on with the run in `workdir`, or start it if there is none.
    stream : bool, optional
        Whether files are read whenever they are needed; by default where they would fill a quarter
        of the memory.
    progress : ProgressCallback, optional
        Told after every step.

    Returns
    -------
    Classifier
        With the weights that were best on the validation set.

    Raises
    ------
    InputError
        If an argument is out of range, there are fewer than two classes, or the folder holds a run
        and `resume` is False.
    CheckpointError
        If the run in `workdir` is another one or damaged, or the disk is full.
    TrainingError
        If training diverges.
    KeyboardInterrupt
        After Ctrl-C, once the checkpoint of the step is written.

    Examples
    --------
    >>> import tempfile
    >>> rng = np.random.default_rng(0)
    >>> bright = np.arange(40) % 2
    >>> images = rng.normal(0.3 + 0.4 * bright[:, None, None], 0.1, (40, 28, 28)).clip(0, 1)
    >>> classifier = train_classifier(
    ...     images, bright, preset="symbols-dense", workdir=tempfile.mkdtemp(), epochs=2
    ... )
    >>> classifier.predict(images[:3]).probabilities.shape
    (3, 2)
    """
    recipe = PRESETS[_validate.choice(preset, PRESETS, name="preset")]
    if epochs is not None:
        recipe = replace(recipe, epochs=_validate.integer(epochs, name="epochs", minimum=1))
    if augmentation is not None:
        recipe = replace(recipe, augmentation=augmentation)
    if rate is not None:
        recipe = replace(recipe, rate=_validate.real(rate, name="rate", minimum=1e-12))
    before = start if isinstance(start, Classifier | None) else load_classifier(start)
    _validate.seed(seed)
    folder = RunFolder.to_train_in(workdir, resume=resume)
    join_processes()

    # Data.
    sides, channels = input_shape(recipe.architecture, size)
    data = LabelledImages.of(images, labels, size=sides, channels=channels, stream=stream).labelled
    train_part, held_out = _divided(data, validation, seed=seed, stream=stream)
    weights = _class_weights(class_weights, train_part)

    # Model.
    network = networks.network(
        recipe,
        classes=len(data.classes),
        size=sides,
        channels=channels,
        seed=seed,
        pretrained=IMAGENET if pretrained is None and recipe.frozen == FROZEN else pretrained,
    )
    if before is not None:
        _check_start(before, recipe, data)
        # Copies, since training gives its buffers away.
        network.initial = jax.tree.map(jnp.array, before.weights)
    batch = min(recipe.batch, len(train_part))
    steps = len(train_part) // batch
    plan = fitting.Plan(
        epochs=recipe.epochs,
        steps=steps,
        monitor=recipe.monitor,
        larger_is_better=recipe.monitor == "val_accuracy",
        patience=recipe.patience,
        reduce_patience=recipe.reduce_patience,
        reduce_factor=recipe.reduce_factor,
    )
    optimiser = optimisers.optimiser(
        recipe.optimiser,
        rate=recipe.rate,
        schedule=recipe.schedule,
        steps=plan.last,
        clip_norm=recipe.clip_norm,
        frozen=recipe.frozen,
    )

    # Step.
    loss = loss_of(recipe, len(data.classes))
    once = coding.is_enough(network, recipe, data)
    method = coding.METHOD if once else "__call__"
    step = supervised.step(
        partial(network, method=method),
        optimiser,
        loss,
        measure=supervised.is_right,
        penalty=optimisers.penalty(recipe.rules),
        hold=optimisers.held(recipe.frozen),
        prepare=recipe.augmentation,
    )

    # Resume.
    falls = recipe.schedule == "cosine"
    settings = Settings(
        preset=recipe.name,
        classes=data.classes,
        size=sides,
        channels=channels,
        seed=seed,
        images=len(train_part),
        validation=len(held_out),
        digest=_digest(train_part, held_out),
        epochs=recipe.epochs,
        schedule=f"cosine over {recipe.epochs} epochs" if falls else recipe.schedule,
        class_weights=tuple(weights.tolist()),
        pretrained="" if pretrained is None else os.fspath(pretrained),
        augmentation="" if recipe.augmentation is None else str(recipe.augmentation),
        start="" if before is None else before.digest,
        rate=recipe.rate,
        versions=versions(),
    )
    if folder.exists():
        folder.check_continues(settings)
    if is_first():
        folder.write_settings(settings)

    # Codes, where the base is frozen.
    if once:
        train_part, held_out = (
            coding.coded(network, each, progress=progress) for each in (train_part, held_out)
        )

    # Loop.
    fitting.fit(
        supervised.initial(network, optimiser),
        step,
        Batches(train_part, weights, count=batch, seed=seed),
        Judge(network, held_out, loss, method=method),
        folder=folder.fit,
        identity=settings.identity,
        plan=plan,
        seed=seed,
        devices=Devices(batch),
        progress=progress,
    )
    return load_classifier(folder.path)


def input_shape(
    architecture: str, size: int | tuple[int, int] | None
) -> tuple[tuple[int, int], int]:
    """Return the sides (y, x) of the images for a network, and their channels."""
    takes = registry.ARCHITECTURES[architecture].takes
    if takes is None:
        raise InputError(f"{architecture} judges no images of one size")
    y, x, channels = takes
    if size is None:
        return (y, x), channels
    sides = (size, size) if isinstance(size, int) else tuple(size)
    if len(sides) != 2:
        raise InputError(f"size must be one number or two, not {size!r}")
    checked = [_validate.integer(side, name="size", minimum=8) for side in sides]
    return (checked[0], checked[1]), channels


def loss_of(recipe: Recipe, classes: int) -> supervised.Loss:
    """Return the loss for so many classes."""
    if classes == 2 and recipe.one_logit:
        return supervised.binary_cross_entropy
    return supervised.sparse_cross_entropy


class Batches:
    """The images of step i, which depend on the seed and i alone: an epoch takes each image once.

    What is left of an epoch after the last full batch is left out; another part each time.
    """

    def __init__(
        self,
        data: LabelledImages,
        weights: npt.NDArray[np.float64],
        *,
        count: int,
        seed: int,
    ) -> None:
        self._data, self._count, self._seed = data, count, seed
        self._labels = data.labels.astype(np.int32)
        self._weights = weights[data.labels].astype(np.float32)
        self._steps = len(data) // count
        self._epoch, self._order = -1, np.arange(0)

    def __call__(self, step: int) -> supervised.Batch:
        """Return images, labels and weights."""
        epoch, place = divmod(step, self._steps)
        if epoch != self._epoch:
            self._order = np.random.default_rng([self._seed, epoch]).permutation(len(self._data))
            self._epoch = epoch
        chosen = self._order[place * self._count : (place + 1) * self._count]
        images: Any = self._data.batch(chosen)
        labels: Any = self._labels[chosen]
        weights: Any = self._weights[chosen]
        return supervised.Batch(images, labels, weights)


class Judge:
    """What a validation set says of weights."""

    def __init__(
        self,
        network: Network,
        data: LabelledImages,
        loss: supervised.Loss,
        *,
        method: str = "__call__",
    ) -> None:
        self._data, self._loss = data, loss
        self._applied = networks.Applied(network, method)

    def __call__(self, weights: Weights) -> dict[str, float]:
        """Return mean loss and accuracy."""
        logits: Any = self._applied(weights, self._data.batch, len(self._data))
        labels: Any = self._data.labels.astype(np.int32)
        return {
            "val_loss": float(self._loss(logits, labels).mean()),
            "val_accuracy": float(supervised.is_right(logits, labels).mean()),
        }


def _divided(
    data: LabelledImages, validation: Any, *, seed: int, stream: bool | None
) -> tuple[LabelledImages, LabelledImages]:
    present = [name for name, count in data.counts.items() if count]
    if len(present) < 2:
        raise InputError(
            f"images must show at least two classes, not {len(present)} ({', '.join(present)})"
        )
    if isinstance(validation, int | float):
        if not 0 < validation < 1:
            raise InputError(
                f"validation must be a share between 0 and 1, or images, not {validation}"
            )
        larger, held = stratified(data.labels, validation, seed=seed)
        return data.part(larger), data.part(held)
    given = validation if isinstance(validation, tuple) else (validation, None)
    _, y, x, channels = data.pixels.shape
    held_out = LabelledImages.of(
        *given, size=(y, x), channels=channels, classes=data.classes, stream=stream
    ).labelled
    if len(held_out) == 0:
        raise InputError("validation must have at least one labelled image")
    return data, held_out


def _check_start(start: Classifier, recipe: Recipe, data: LabelledImages) -> None:
    """Raise InputError unless weights of `start` fit."""
    found, (_, *sides, channels) = start.settings, data.pixels.shape
    pairs = {
        "preset": (found.preset, recipe.name),
        "classes": (found.classes, data.classes),
        "size": ((*found.size, found.channels), (*sides, channels)),
    }
    for name, (its, ours) in pairs.items():
        if its != ours:
            raise InputError(f"start must be a classifier of the same {name}, {ours}, not {its}")


def _class_weights(
    given: str | Mapping[str, float] | None, data: LabelledImages
) -> npt.NDArray[np.float64]:
    counts = np.array(list(data.counts.values()), np.float64)
    if given is None:
        return np.ones(len(counts))
    if isinstance(given, str):
        _validate.choice(given, ("balanced",), name="class_weights")
        present = counts > 0
        return np.where(present, counts.sum() / (present.sum() * np.maximum(counts, 1)), 0.0)
    if strange := set(given) - set(data.classes):
        raise InputError(
            f"class_weights must name the classes {', '.join(data.classes)}; not {strange.pop()!r}"
        )
    return np.array(
        [
            _validate.real(given.get(name, 1.0), name=f"class_weights of {name}", minimum=0)
            for name in data.classes
        ]
    )


def _digest(*parts: LabelledImages) -> str:
    return hashlib.sha256("".join(part.digest for part in parts).encode()).hexdigest()[:16]
