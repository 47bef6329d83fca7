"""Whom to ask next: the images whose labels would teach a model most."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from microtwin import _validate
from microtwin.errors import InputError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

STRATEGIES = ("uncertainty", "margin", "entropy", "badge", "coverage", "random")
DIVERSITIES = ("k-means", "k-centre", "none")
NEED_MODEL = ("uncertainty", "margin", "entropy", "badge")


@dataclass(frozen=True, slots=True)
class Asked:
    """Which images to have labelled next.

    Attributes
    ----------
    indices : ndarray of int, shape (n,)
        Places in the arrays that were given, the most urgent first.
    doubts : ndarray of float, shape (n,)
        How unsure the model is of each, from 0 to 1; NaN without a model.
    strategy, diversity : str
        How they were chosen.
    """

    indices: Ints
    doubts: Floats
    strategy: str
    diversity: str

    def __len__(self) -> int:
        return len(self.indices)


def ask(
    n: int,
    *,
    probabilities: npt.ArrayLike | None = None,
    embeddings: npt.ArrayLike | None = None,
    known: npt.ArrayLike | None = None,
    strategy: str | None = None,
    diversity: str | None = None,
    shortlist: float = 5.0,
    seed: int = 0,
) -> Asked:
    """Choose `n` images to be labelled: those a model is least sure of, but unlike each other.

    Parameters
    ----------
    n : int
        How many.
    probabilities : array_like, shape (images,), (images, 1) or (images, classes), optional
        What the model thinks: the probability of one of two classes, or of each. Without it there
        is no model yet, and unlike images are chosen by `embeddings` alone.
    embeddings : array_like, shape (images, d), optional
        Where images lie, near where they are alike: activations before the last layer of a network,
        or `simple_features`. Without it nothing is known of likeness.
    known : array_like, shape (labelled, d), optional
        Embeddings of those that are labelled already, for ``k-centre`` to keep away from.
    strategy : str, optional
        - ``uncertainty``: one minus the probability of the likeliest class;
        - ``margin``: how near the two likeliest come (the default where there is a model);
        - ``entropy``: of all probabilities. Of two classes these three give the same order;
        - ``badge``: unlike each other in the gradient that their likeliest label would cause at the
          last layer, which is long where the model is unsure (Ash et al., ICLR 2020);
        - ``coverage``: unlike each other, whatever the model thinks (the default without one);
        - ``random``: any.
    diversity : str, optional
        How unlike ones are found among the `shortlist`: ``k-means`` (as many clusters as images
        are asked for, weighted by doubt, and the most doubtful of each: Zhdanov, arXiv 1901.05954;
        of ``coverage`` the one nearest to its centre), ``k-centre`` (each as far as possible from
        all before: Sener and Savarese, ICLR 2018), or ``none``. k-means where there are
        embeddings, unless given. It does not matter to ``badge`` and ``random``.
    shortlist : float
        How many times `n` of the most doubtful are looked at for diversity.
    seed : int
        Seed of clusters and of what is random.

    Returns
    -------
    Asked
        Places of the images, and doubts.

    Raises
    ------
    InputError
        If there are fewer than `n` images, something needed is not given, or shapes do not fit.

    Examples
    --------
    >>> ask(2, probabilities=[0.99, 0.55, 0.02, 0.4]).indices.tolist()
    [1, 3]
    """
    chances = None if probabilities is None else class_probabilities(probabilities)
    places = None if embeddings is None else _places(embeddings, name="embeddings")
    size = _size(chances, places)
    number = _validate.integer(n, name="n", minimum=1)
    if number > size:
        raise InputError(f"n must be at most the number of images, {size}, not {number}")
    how = _validate.choice(
        strategy or ("coverage" if chances is None else "margin"), STRATEGIES, name="strategy"
    )
    apart = _validate.choice(
        diversity or ("none" if places is None else "k-means"), DIVERSITIES, name="diversity"
    )
    breadth = _validate.real(shortlist, name="shortlist", minimum=1)
    rng = np.random.default_rng(_validate.seed(seed))
    if how in NEED_MODEL and chances is None:
        raise InputError(f"strategy {how} needs probabilities of a model")
    if how == "coverage" and apart == "none":
        raise InputError("strategy coverage needs embeddings, and k-means or k-centre as diversity")
    if places is None and (how == "badge" or apart != "none") and how != "random":
        raise InputError(f"{how if apart == 'none' else apart} needs embeddings")
    doubts = np.full(size, np.nan) if chances is None else doubt(chances, how)
    # A random order first, so that nothing hangs on the order of the files.
    pool = rng.permutation(size)
    if how == "random":
        apart = "none"
        chosen = pool[:number]
    elif how == "badge":
        apart = "none"
        chosen = _spread_out(_gradients(chances, places), number, rng)
    else:
        if how != "coverage":
            pool = pool[np.argsort(-doubts[pool], kind="stable")]
            pool = pool[: number if apart == "none" else int(np.ceil(breadth * number))]
        weights = None if how == "coverage" else doubts[pool]
        if apart == "k-means":
            pool = pool[_of_clusters(_rows(places, pool), weights, number, rng)]
        elif apart == "k-centre":
            near = None if known is None else _places(known, name="known")
            pool = pool[_far_apart(_rows(places, pool), weights, near, number)]
        chosen = pool
    if chances is not None and how != "random":
        chosen = chosen[np.argsort(-doubts[chosen], kind="stable")]
    return Asked(chosen, doubts[chosen], how, apart)


def doubt(probabilities: npt.ArrayLike, strategy: str = "margin") -> Floats:
    """Return how unsure a model is of each image, from 0 (certain) to 1 (all classes alike).

    Parameters
    ----------
    probabilities : array_like, shape (images,), (images, 1) or (images, classes)
        What it thinks.
    strategy : str
        ``uncertainty``, ``margin`` or ``entropy``, as in `ask`; anything else is taken as margin.

    Returns
    -------
    ndarray of float, shape (images,)
        Doubts.

    Raises
    ------
    InputError
        If the probabilities are none.
    """
    chances = class_probabilities(probabilities)
    classes = chances.shape[1]
    if strategy == "uncertainty":
        return np.asarray((1 - chances.max(axis=1)) / (1 - 1 / classes))
    if strategy == "entropy":
        logs = np.log(np.where(chances > 0, chances, 1))
        return np.asarray(-(chances * logs).sum(axis=1) / np.log(classes))
    two = np.sort(chances, axis=1)[:, -2:]
    return np.asarray(1 - (two[:, 1] - two[:, 0]))


def class_probabilities(probabilities: npt.ArrayLike) -> Floats:
    """Return probabilities of every class, (images, classes); of two, one may be given.

    Raises
    ------
    InputError
        If they are none: outside 0..1, or rows whose sum is not 1.
    """
    given = np.asarray(probabilities, dtype=np.float64)
    if given.ndim == 2 and given.shape[1] == 1:
        given = given[:, 0]
    if given.ndim not in (1, 2) or given.size == 0:
        raise InputError(f"probabilities must be (images,) or (images, classes), not {given.shape}")
    if not np.isfinite(given).all() or given.min() < -1e-6 or given.max() > 1 + 1e-6:
        raise InputError("probabilities must lie between 0 and 1")
    every = np.stack([1 - given, given], axis=1) if given.ndim == 1 else given
    if np.abs(every.sum(axis=1) - 1).max() > 1e-3:
        raise InputError("probabilities of all classes must add up to 1 for each image")
    return np.clip(every, 0, 1)


def _places(embeddings: npt.ArrayLike, *, name: str) -> Floats:
    places = np.asarray(embeddings, dtype=np.float64)
    if places.ndim != 2 or places.size == 0 or not np.isfinite(places).all():
        raise InputError(f"{name} must be finite numbers (images, d), not {places.shape}")
    return places


def _size(chances: Floats | None, places: Floats | None) -> int:
    sizes = {len(given) for given in (chances, places) if given is not None}
    if not sizes:
        raise InputError("ask needs probabilities of a model, or embeddings, or both")
    if len(sizes) > 1:
        raise InputError("embeddings must be of the same images as probabilities")
    return sizes.pop()


def _rows(places: Floats | None, pool: Ints) -> Floats:
    assert places is not None  # checked on entry
    return places[pool]


def _of_clusters(
    places: Floats, weights: Floats | None, number: int, rng: np.random.Generator
) -> Ints:
    """Return one of each of `number` clusters: the most doubtful, or else the most typical."""
    from sklearn.cluster import KMeans

    if number >= len(places):
        return np.arange(len(places))
    heavy = None if weights is None else np.maximum(weights, 1e-6)
    different = len(np.unique(places, axis=0))
    clusters = KMeans(min(number, different), n_init=3, random_state=int(rng.integers(2**31))).fit(
        places, sample_weight=heavy
    )
    far = np.linalg.norm(places - clusters.cluster_centers_[clusters.labels_], axis=1)
    best = far if weights is None else -weights
    order = np.lexsort((best, clusters.labels_))
    first = np.unique(clusters.labels_[order], return_index=True)[1]
    chosen = order[first]
    # Where images are copies of each other, there are fewer clusters than asked for.
    rest = np.setdiff1d(np.arange(len(places)), chosen)
    rest = rest[np.argsort(best[rest], kind="stable")]
    return np.asarray(np.concatenate([chosen, rest])[:number])


def _far_apart(places: Floats, weights: Floats | None, known: Floats | None, number: int) -> Ints:
    """Return places each of which is the farthest from all before and from those known."""
    if known is not None and known.shape[1] != places.shape[1]:
        raise InputError(
            f"known must have as many columns as embeddings, {places.shape[1]}, "
            f"not {known.shape[1]}"
        )
    gap = np.full(len(places), np.inf)
    for each in () if known is None else known:
        gap = np.minimum(gap, np.linalg.norm(places - each, axis=1))
    chosen: list[int] = []
    for _ in range(number):
        if np.isinf(gap).all():  # nothing is known: begin in the middle, or where doubt is largest
            middle = np.linalg.norm(places - places.mean(axis=0), axis=1)
            best = int(np.argmin(middle if weights is None else -weights))
        else:
            best = int(np.argmax(gap))
        chosen.append(best)
        gap = np.minimum(gap, np.linalg.norm(places - places[best], axis=1))
        gap[chosen] = -1.0
    return np.array(chosen)


def _gradients(chances: Floats | None, places: Floats | None) -> Floats:
    """Return the gradient of each image's loss at the last layer, its likeliest label taken."""
    assert chances is not None  # checked on entry
    assert places is not None
    likely = np.eye(chances.shape[1])[chances.argmax(axis=1)]
    error = chances - likely
    if chances.shape[1] == 2:
        error = error[:, 1:]
    return np.asarray((error[:, :, None] * places[:, None, :]).reshape(len(places), -1))


def _spread_out(gradients: Floats, number: int, rng: np.random.Generator) -> Ints:
    """Return a sample in which far ones are likelier, by the square of the distance (k-means++)."""
    chosen = [int(np.argmax((gradients**2).sum(axis=1)))]
    gap = np.full(len(gradients), np.inf)
    while len(chosen) < number:
        gap = np.minimum(gap, ((gradients - gradients[chosen[-1]]) ** 2).sum(axis=1))
        gap[chosen] = 0
        left = np.setdiff1d(np.arange(len(gradients)), chosen)
        total = gap.sum()
        pick = rng.choice(len(gap), p=gap / total) if total > 0 else rng.choice(left)
        chosen.append(int(pick))
    return np.array(chosen)
