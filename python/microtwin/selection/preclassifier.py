"""The network that tells fit images from others, trained on what persons have labelled so far."""

from collections import Counter
from typing import Any

from microtwin import _validate
from microtwin._progress import ProgressCallback, silent
from microtwin.classification import Augmentation, Classifier, LabelledImages, train_classifier
from microtwin.classification.presets import PRESETS
from microtwin.classification.training import input_shape
from microtwin.errors import InputError
from microtwin.images.catalogue import MODEL, Catalogue, Entry
from microtwin.images.finding import PathLike
from microtwin.selection.labelling import NO, YES, two_labels

PRESET = "preclassifier"
AT_ONCE = 256  # images between two writes of the table


def train_preclassifier(
    catalogue: PathLike | Catalogue,
    *,
    workdir: PathLike,
    labels: tuple[str, str] = (YES, NO),
    preset: str = PRESET,
    epochs: int | None = None,
    size: int | None = None,
    augmentation: Augmentation | None = None,
    seed: int = 0,
    resume: bool = False,
    progress: ProgressCallback = silent,
) -> Classifier:
    """Train the preclassifier on the images of a table that persons labelled.

    2,812,505 parameters, Adam, binary cross-entropy, at most 50 epochs, the weights of the best
    validation accuracy (thesis, Chetumal 2022). What a model labelled is never learned from.

    Parameters
    ----------
    catalogue : path or Catalogue
        The table. Labelled images that are neither for training nor for validation yet are split
        5:1, each label by itself; in a file this is written down, so that it stays.
    workdir : path
        Folder of the run, as in `train_classifier`.
    labels : (str, str)
        What a fit image is called, and an unfit one; others are left out.
    preset : str
        Another recipe of `microtwin.classification.PRESETS`.
    epochs : int, optional
        At most; those of the recipe by default.
    size : int, optional
        Side that images are brought to, 320 by default.
    augmentation : Augmentation, optional
        How training images are changed; as the recipe says by default.
    seed : int
        Seed of splits, weights and order.
    resume : bool
        Go on with the run in `workdir`.
    progress : ProgressCallback
        Told after every step.

    Returns
    -------
    Classifier
        Its classes are `labels`, the unfit one first.

    Raises
    ------
    InputError
        If persons have not labelled enough: images of both kinds for training, and some for
        validation; or an argument is out of range.
    CheckpointError, TrainingError, KeyboardInterrupt
        As in `train_classifier`.
    """
    positive, negative = two_labels(labels)
    _validate.seed(seed)
    recipe = PRESETS[_validate.choice(preset, PRESETS, name="preset")]

    def split(now: Catalogue) -> Catalogue:
        return now.with_splits(seed=seed)

    rows = (
        split(catalogue) if isinstance(catalogue, Catalogue) else Catalogue.edit(catalogue, split)
    )
    known = rows.where(lambda entry: entry.by_person and entry.label in (positive, negative))
    training = known.where(lambda entry: entry.split == "train")
    held_out = known.where(lambda entry: entry.split == "validation")
    counts = Counter(entry.label for entry in training)
    if not (counts[positive] and counts[negative] and len(held_out)):
        raise InputError(
            f"catalogue must have images labelled {positive} and {negative} by persons to learn "
            f"from, and some to validate on; it has {counts[positive]}, {counts[negative]} and "
            f"{len(held_out)}"
        )
    sides, channels = input_shape(recipe.architecture, size)
    form: dict[str, Any] = {"size": sides, "channels": channels, "classes": (negative, positive)}
    return train_classifier(
        LabelledImages.of(training, **form),
        preset=preset,
        workdir=workdir,
        validation=LabelledImages.of(held_out, **form),
        epochs=epochs,
        size=size,
        augmentation=augmentation,
        seed=seed,
        resume=resume,
        progress=progress,
    )


def predict_labels(
    table: PathLike,
    classifier: Classifier,
    *,
    labels: tuple[str, str] = (YES, NO),
    sure: float = 0.5,
    resume: bool = False,
    progress: ProgressCallback = silent,
) -> tuple[Catalogue, dict[int, str]]:
    """Have a model look at all images of a table, and write scores and labels into it.

    Scores are written for every image, labels only where no person has said anything. The table is
    written now and then on the way: what is there is not lost if this is interrupted.

    Parameters
    ----------
    table : path
        A catalogue as CSV.
    classifier : Classifier
        A preclassifier.
    labels : (str, str)
        What a fit image is called, and an unfit one.
    sure : float
        How likely a label must be to be given, 0.5 to 1; below, the image has none.
    resume : bool
        Leave out images that have a score: go on with an interrupted run, or look at images added
        since.
    progress : ProgressCallback
        Told of images looked at.

    Returns
    -------
    Catalogue
        As it was written.
    dict of int to str
        Ids of the images that could not be read, and why.

    Raises
    ------
    InputError
        If the classifier does not know the labels, or the table cannot be changed.
    """
    positive, negative = two_labels(labels)
    threshold = _validate.real(sure, name="sure", minimum=0.5, maximum=1)
    if set(classifier.classes) != {positive, negative}:
        raise InputError(
            f"classifier must know the labels {positive} and {negative}, not "
            f"{', '.join(classifier.classes)}"
        )
    column = classifier.classes.index(positive)
    now = Catalogue.from_csv(table)
    todo = [entry for entry in now if not (resume and entry.score is not None)]
    failed: dict[int, str] = {}
    for first in range(0, len(todo), AT_ONCE):
        part = todo[first : first + AT_ONCE]
        scores = _scores(classifier, part, column, failed)
        given = {
            number: positive if score >= 0.5 else negative
            for number, score in scores.items()
            if max(score, 1 - score) >= threshold
        }
        taken = {entry.id: "" for entry in part if entry.by == MODEL and entry.id not in given}
        now = Catalogue.update(table, {**taken, **given}, by=MODEL, scores=scores)
        progress(first + len(part), len(todo), {})
    return now, failed


def _scores(
    classifier: Classifier, entries: list[Entry], column: int, failed: dict[int, str]
) -> dict[int, float]:
    """Return the scores of those that can be read."""
    try:
        found = classifier.predict([entry.path for entry in entries]).probabilities[:, column]
    except (InputError, OSError) as error:
        if len(entries) == 1:
            failed[entries[0].id] = " ".join(str(error).split())
            return {}
        half = len(entries) // 2
        first = _scores(classifier, entries[:half], column, failed)
        return first | _scores(classifier, entries[half:], column, failed)
    return {entry.id: round(float(score), 6) for entry, score in zip(entries, found, strict=True)}
