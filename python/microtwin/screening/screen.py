"""Screening: of many structures, those that are as near to the real ones as real ones are."""

import bisect
import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from microtwin import _validate
from microtwin._progress import ProgressCallback, silent
from microtwin.errors import InputError
from microtwin.screening._candidates import candidates
from microtwin.screening._ruler import Ruler, real_structures
from microtwin.screening.result import Screened, Screening
from microtwin.statistics import Description, Distance
from microtwin.statistics.describing import DEFAULT


def screen(
    samples: Any,
    *,
    reference: Any,
    keep: int | None = None,
    tolerance: float | None = None,
    accept: float = 0.95,
    budget: int | None = None,
    statistics: str | Sequence[str] = DEFAULT,
    weights: Mapping[str, float] | None = None,
    phase: int | Sequence[int] | None = None,
    max_lag: int | None = None,
    directions: str | Sequence[str] = "axes",
    periodic: bool = False,
    threads: int | None = None,
    device: str = "auto",
    progress: ProgressCallback = silent,
) -> Screening:
    """Keep the structures that lie nearest to real ones.

    Each is measured as the real ones are, and scored by `distance`: the weighted root-mean-square
    of its differences from the mean of the real ones, in standard deviations between these. Real
    structures that are larger are cut into pieces of the samples' size first, because the spread
    depends on the size. Where there is one real structure of that size only, differences are
    measured in the natural scale of each quantity instead.

    Parameters
    ----------
    samples : structures
        What to choose from: the samples of a generator, a list of label arrays or of twins, a batch
        (an array with one axis more than the reference has), one structure; or an iterator over
        them, such as `Generator.stream`, with a `budget`.
    reference : structures or Description
        One real label image or volume, a list of them, or what was measured of them.
    keep : int, optional
        How many to keep at most. Given alone, the nearest pass, however near they are. Given with a
        tolerance for an iterator, no more are drawn once so many have passed.
    tolerance : float, optional
        The largest score that passes. By default, unless `keep` is given, what `accept` of real
        samples would pass.
    accept : float
        For the tolerance by default: the score of each real sample against the others is found, and
        a further real one lies below the tolerance with this probability at least (conformal
        prediction). Of n real samples at most n / (n + 1) can be promised.
    budget : int, optional
        How many samples to look at, at most.
    statistics, phase, max_lag, directions, periodic, threads, device
        What to measure and how, as in `describe`; lags to half the shortest side by default. A
        description brings its own lags, directions and phases.
    weights : mapping of str to float, optional
        Weight of the terms, as in `distance`.
    progress : ProgressCallback
        Told after every sample.

    Returns
    -------
    Screening
        What was kept, the nearest first, and the scores of all.

    Raises
    ------
    InputError
        If an argument is not as described; or neither `keep` nor `tolerance` is given and the real
        samples are too few (fewer than three of this size) to make a tolerance of.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> real = list((rng.random((20, 32, 32)) < 0.3).astype(np.uint8))
    >>> right, wrong = ((rng.random((4, 32, 32)) < p).astype(np.uint8) for p in (0.3, 0.5))
    >>> best = screen(np.concatenate([wrong, right]), reference=real)
    >>> sorted(one.index for one in best)
    [4, 5, 6, 7]
    """
    _validate.real(accept, name="accept")
    if not 0 < accept < 1:
        raise InputError(f"accept must be above 0 and below 1, not {accept:g}")
    for name, value in (("keep", keep), ("budget", budget)):
        if value is not None:
            _validate.integer(value, name=name, minimum=1)
    if tolerance is not None:
        _validate.real(tolerance, name="tolerance", minimum=0)
    known = isinstance(reference, Description)
    ndim = reference.ndim if known else real_structures(reference)[0].ndim
    found, count = candidates(samples, budget=budget, ndim=ndim)
    first = next(found, None)
    if first is None:
        raise InputError("samples must hold at least one structure, not none")
    names = [statistics] if isinstance(statistics, str) else list(statistics)
    ruler = Ruler.of(
        reference,
        like=first.labels.shape,
        phase=phase,
        max_lag=max_lag,
        weights=weights,
        statistics=names,
        directions=directions,
        periodic=periodic,
        threads=threads,
        device=device,
    )
    promised = None
    if tolerance is None and keep is None:
        made = ruler.tolerance(accept)
        if made is None:
            raise InputError(
                "keep or tolerance must be given: the reference is too few samples of the size of "
                "what is screened to make a tolerance of"
            )
        tolerance, promised = made
    enough = keep if tolerance is not None and not hasattr(samples, "__len__") else None

    scores: list[float] = []
    distances: list[Distance | None] = []
    kept: list[Screened] = []
    for index, candidate in enumerate(itertools.chain([first], found)):
        judged = ruler.judge(candidate.labels)
        score = math.inf if judged is None else judged.rms
        scores.append(score)
        distances.append(judged)
        if judged is not None and (tolerance is None or score <= tolerance):
            one = Screened(index, candidate.labels, candidate.image, score, True, judged)
            bisect.insort(kept, one, key=lambda one: (one.score, one.index))
            del kept[keep if keep is not None else len(kept) :]
        progress(index + 1, count, {"kept": len(kept)})
        if enough is not None and len(kept) == enough:
            break

    terms = next((tuple(one.terms) for one in distances if one is not None), ())
    nothing = [math.nan] * len(terms)
    chosen = {one.index for one in kept}
    return Screening(
        kept=tuple(kept),
        scores=np.array(scores),
        passed=np.array(
            [
                i in chosen if tolerance is None else score <= tolerance
                for i, score in enumerate(scores)
            ]
        ),
        terms=terms,
        parts=np.array(
            [nothing if one is None else [one.terms[name] for name in terms] for one in distances]
        ).reshape(len(scores), len(terms)),
        scale=ruler.scale,
        tolerance=tolerance,
        accept=promised,
        real_scores=ruler.own,
        windows=ruler.windows,
    )
