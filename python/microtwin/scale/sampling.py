"""Many samples of a trained generator."""

import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from microtwin import _validate
from microtwin._progress import ProgressCallback
from microtwin.errors import InputError
from microtwin.scale._work import Row
from microtwin.scale.items import text_digest
from microtwin.scale.mapping import Job, numbered, run
from microtwin.scale.results import Results

TOGETHER = 16  # images that are drawn at a time; volumes are drawn one by one
FIRST = 32  # samples that the common grey level is found from, as by `Generator.stream`


def sample_many(
    run_folder: str | os.PathLike[str],
    count: int,
    *,
    store: str | os.PathLike[str],
    seed: int = 0,
    shape: Sequence[int] | None = None,
    threshold: str | float | None = None,
    periodic: bool = False,
    porosity: float | None = None,
    weights: str = "best",
    workers: int | None = None,
    cluster: Any = None,
    progress: ProgressCallback | None = None,
) -> Results:
    """Draw many images or volumes from a trained generator, in many processes.

    They are those of `Generator.stream`: sample i depends on the seed and i alone, and all are cut
    at the grey level that is right for the first. The structures are in `Results.labels`, and the
    table says of each where there, its number, grey level and volume fraction. Asking for more
    later draws those that are missing.

    Parameters
    ----------
    run_folder : path
        Folder of a training run, or of a saved generator.
    count : int
        How many.
    store : path
        Folder for the results, see `map_many`.
    seed, shape, threshold, periodic, porosity
        As in `Generator.sample`.
    weights : str
        As in `load_generator`.
    workers, cluster, progress
        As in `map_many`. Workers need the run folder under the same path.

    Returns
    -------
    Results

    Raises
    ------
    InputError
        As in `map_many` and `Generator.sample`.
    CheckpointError
        If the run has no weights yet, or they are damaged.
    """
    from microtwin.generation import load_generator

    number = _validate.integer(count, name="count", minimum=1)
    generator = load_generator(run_folder, weights=weights)
    options: dict[str, Any] = {
        "seed": _validate.seed(seed),
        "shape": None if shape is None else list(shape),
        "periodic": bool(periodic),
        "porosity": None if porosity is None else _validate.real(porosity, name="porosity"),
    }
    first = generator.sample(_at_once(generator, shape), threshold=threshold, **options)
    level: Any = threshold
    if len(first.thresholds) == 1:
        level = float(first.thresholds[0])
    elif threshold is None or threshold == "porosity":
        raise InputError(
            'threshold must be "training" for a generator of several phases: levels that give '
            "all samples together the fractions of the training images are known at the end only"
        )
    sides = tuple(first.labels.shape[1:])
    origin = _origin_of(generator, options)
    settings = {"origin": origin, "options": options, "threshold": level, "weights": weights}
    job = Job(
        "sample",
        sampled,
        settings,
        shared=str(Path(run_folder).absolute()),
        shape=sides,
        spacing=generator.settings.spacing,
        single=len(sides) == 3,
    )
    items = numbered(origin, "sample", range(number), weight=int(np.prod(sides)))
    return run(job, items, store, workers=workers, cluster=cluster, progress=progress)


def sampled(
    item: Any,
    *,
    origin: str,
    options: dict[str, Any],
    threshold: Any,
    weights: str,
    shared: str,
) -> Row:
    """Draw one sample; images that follow one another are drawn together."""
    generator = _loaded(shared, weights, origin, str(options))
    block = TOGETHER if generator.settings.recipe.axes == 2 else 1
    begin = item.number // block * block
    key = tuple((k, tuple(v) if isinstance(v, list) else v) for k, v in options.items())
    samples = _drawn(generator, begin, block, threshold, key)
    labels = samples.labels[item.number - begin]
    return {
        "labels": labels,
        "number": item.number,
        "seed": samples.seed,
        "threshold": np.array(samples.thresholds),
        "porosity": float((labels == 0).mean()),
    }


@lru_cache(maxsize=1)
def _loaded(folder: str, weights: str, origin: str, options: str) -> Any:
    from microtwin.generation import load_generator

    generator = load_generator(folder, weights=weights)
    if _origin_of(generator, options) != origin:
        raise InputError(f"{folder} must not be trained while it is sampled: it has other weights")
    return generator


@lru_cache(maxsize=1)
def _drawn(generator: Any, first: int, count: int, threshold: Any, key: Any) -> Any:
    return generator.sample(count, first=first, threshold=threshold, **dict(key))


def _at_once(generator: Any, shape: Sequence[int] | None) -> int:
    """Return how many samples to find the level from: of large volumes one."""
    if generator.settings.recipe.axes == 2:
        return FIRST
    sides = (generator.settings.recipe.size,) * 3 if shape is None else tuple(shape)
    return max(1, min(FIRST, (1 << 24) // int(np.prod(sides))))


def _origin_of(generator: Any, options: Any) -> str:
    """Return a digest of the weights, and of how they are asked."""
    import jax

    from microtwin.scale.items import digest_of

    leaves = jax.tree.leaves(generator._weights)
    digests = " ".join(digest_of(np.asarray(leaf)) for leaf in leaves)
    return text_digest(f"{text_digest(digests)} {options}")
