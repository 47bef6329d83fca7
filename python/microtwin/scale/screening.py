"""How near each of many structures is to real ones."""

import math
import os
from collections.abc import Mapping, Sequence
from typing import Any

from microtwin import _validate
from microtwin._progress import ProgressCallback
from microtwin.errors import InputError
from microtwin.scale._work import Row, read_labels
from microtwin.scale.describing import listed, reading_of
from microtwin.scale.items import digest_of, items_of, text_digest
from microtwin.scale.mapping import Job, run
from microtwin.scale.results import Results
from microtwin.screening._ruler import Ruler, real_structures
from microtwin.statistics import Description
from microtwin.statistics.describing import DEFAULT


def screen_many(
    files: Any,
    *,
    store: str | os.PathLike[str],
    reference: Any,
    tolerance: float | None = None,
    accept: float = 0.95,
    statistics: str | Sequence[str] = DEFAULT,
    weights: Mapping[str, float] | None = None,
    phase: int | Sequence[int] | None = None,
    max_lag: int | None = None,
    directions: str | Sequence[str] = "axes",
    periodic: bool = False,
    spacing: Any = None,
    threshold: float | None = None,
    reading: Mapping[str, Any] | None = None,
    workers: int | None = None,
    cluster: Any = None,
    progress: ProgressCallback | None = None,
) -> Results:
    """Score each of many structures against real ones, in many processes.

    The table gets a row for each: its score as in `screen`, whether it passes, and every term of
    the score. Those to keep are the first of ``results.to_dataframe().sort_values("score")``.

    Parameters
    ----------
    files : path, array, or list of them
        As in `map_many`, all of one shape.
    store : path
        Folder for the results, see `map_many`.
    reference : structures or Description
        As in `screen`.
    tolerance, accept, statistics, weights, phase, max_lag, directions, periodic
        As in `screen`. Where the real structures are too few to make a tolerance of and none is
        given, `passed` stays empty.
    threshold : float, optional
        Where grey levels are cut; each image at its own level, by Otsu, unless given.
    spacing
        As in `read_image`.
    reading : mapping, optional
        Further arguments of `read_image`: crop_info_bar, channel, shape and dtype of raw files.
    workers, cluster, progress
        As in `map_many`.

    Returns
    -------
    Results

    Raises
    ------
    InputError
        As in `map_many` and `screen`.
    """
    if not 0 < _validate.real(accept, name="accept") < 1:
        raise InputError(f"accept must be above 0 and below 1, not {accept:g}")
    if tolerance is not None:
        _validate.real(tolerance, name="tolerance", minimum=0)
    items: Sequence[Any] = items_of(files)
    how = reading_of(spacing, threshold, reading)
    shape = _first_shape(items, how)
    names = [statistics] if isinstance(statistics, str) else list(statistics)
    ruler = Ruler.of(
        reference,
        like=shape,
        phase=phase,
        max_lag=max_lag,
        weights=weights,
        statistics=names,
        directions=directions,
        periodic=periodic,
        threads=1,
        device="cpu",
    )
    made = ruler.tolerance(accept) if tolerance is None else (tolerance, None)
    settings = {
        "reading": how,
        "reference": _digest(reference),
        "shape": list(shape),
        "tolerance": None if made is None else made[0],
        "statistics": listed(statistics),
        "weights": None if weights is None else dict(weights),
        "phase": None if phase is None else listed(phase),
        "max_lag": max_lag,
        "directions": listed(directions),
        "periodic": bool(periodic),
    }
    job = Job("screen", screened, settings, shared=ruler)
    return run(job, items, store, workers=workers, cluster=cluster, progress=progress)


def screened(
    item: Any,
    *,
    reading: Mapping[str, Any],
    shape: list[int],
    tolerance: float | None,
    shared: Ruler,
    **_: Any,
) -> Row:
    """Score one item."""
    labels, level = read_labels(item, **reading)
    if list(labels.shape) != shape:
        raise InputError(f"files must have one shape: {tuple(shape)}, not {labels.shape}")
    judged = shared.judge(labels)
    score = math.inf if judged is None else float(judged.rms)
    return {
        "threshold": level,
        "score": score,
        "passed": None if tolerance is None else score <= tolerance,
        **({} if judged is None else {name: float(v) for name, v in judged.terms.items()}),
    }


def _first_shape(items: Sequence[Any], reading: Mapping[str, Any]) -> tuple[int, ...]:
    """Return the shape of the first item that can be read."""
    problem: Exception | None = None
    for item in items:
        try:
            labels, _ = read_labels(item, **reading)
        except (InputError, OSError) as error:
            problem = problem or error
            continue
        return tuple(labels.shape)
    raise InputError(f"files must hold a structure that can be read: {problem}")


def _digest(reference: Any) -> str:
    if isinstance(reference, Description):
        parts = [digest_of(f.hits) + digest_of(f.trials) for f in reference.functions]
        return text_digest(" ".join(parts))
    return text_digest(" ".join(digest_of(one) for one in real_structures(reference)))
