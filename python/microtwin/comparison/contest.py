"""Methods against each other and against reality: each makes as many structures, all are judged."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from microtwin import _memory, _validate
from microtwin._progress import ProgressCallback, silent
from microtwin.annealing import Twin, anneal
from microtwin.comparison._pictures import evenly
from microtwin.comparison.compare import compare
from microtwin.comparison.result import Comparison
from microtwin.errors import InputError
from microtwin.images.windows import windows
from microtwin.screening import screen
from microtwin.statistics import Description, describe

if TYPE_CHECKING:
    from microtwin.generation import Generator

logger = logging.getLogger(__name__)

Labels = npt.NDArray[np.uint8]

TRAINING = "real, training part"
CHOSEN = ("two_point", "lineal_path")  # by these networks' weights are chosen, and samples screened
STATISTICS = ("two_point", "lineal_path", "cluster", "chord_length", "pore_size")
PATIENCE = 4  # samples drawn for each one that shows more than one phase
MOST_REAL = 32  # held-out windows that are measured
MOST_SLICES = 16  # of each training volume, that structures are held against for copies

# What each method that anneals anneals to.
ANNEALED: Mapping[str, tuple[str, ...]] = {
    "annealed S2": ("two_point",),
    "annealed S2+L": ("two_point", "lineal_path"),
    "annealed S2+L+p+C2": ("two_point", "lineal_path", "chord_length", "cluster"),
}
GAN, SCREENED, HYBRID = "GAN", "GAN screened", "GAN annealed"
METHODS = (*ANNEALED, GAN, SCREENED, HYBRID)


@dataclass(frozen=True, slots=True)
class Made:
    """What a method made.

    Attributes
    ----------
    structures : list of Twin or of ndarray
        The structures.
    seconds : float
        The time that took, training apart.
    memory : int or None
        Bytes that the process held at most meanwhile, its libraries and images with it; None where
        the system does not tell.
    """

    structures: list[Any]
    seconds: float
    memory: int | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """What all methods are given.

    Attributes
    ----------
    target : Description
        Of the training part.
    windows : list of ndarray of uint8
        Pieces of the training part, of the size of the samples.
    generators : sequence of Generator
        Trained on the training part.
    shape : tuple of int
        Of the samples.
    samples, candidates, seed : int
        How many to make, to choose among for each, and the seed of the first.
    annealing : mapping
        Further options of `anneal`.
    threads : int or None
        To work with.
    """

    target: Description
    windows: list[Labels]
    generators: Sequence["Generator"]
    shape: tuple[int, ...]
    samples: int
    candidates: int
    seed: int
    annealing: Mapping[str, Any]
    threads: int | None

    def annealed(
        self, functions: Sequence[str], progress: ProgressCallback, starts: Sequence[Labels] = ()
    ) -> list[Twin]:
        """Anneal as many structures as there are to make, from noise or from others."""
        kept = tuple(f for f in self.target.functions if f.statistic in functions)
        target = replace(self.target, functions=kept, numbers=())
        made = []
        for i in range(self.samples):
            start: dict[str, Any] = {"start": starts[i]} if len(starts) else {"shape": self.shape}
            options = {"seed": self.seed + i, "threads": self.threads, **self.annealing}
            twin = anneal(target, **start, **options)
            made.append(twin)
            progress(i + 1, self.samples, {"energy": twin.energy})
        return made

    def drawn(self, each: int = 1) -> list[Labels]:
        """Draw so many samples for each structure to make, from all generators alike.

        Together they have the phase fractions of the training images.
        """
        shares = self._shares()
        return [
            labels
            for gan, part in shares
            for labels in gan.sample(each * len(part), shape=self.shape, seed=self.seed).labels
        ]

    def drawn_alone(self) -> list[Labels]:
        """Draw the samples one by one, each with the phase fractions of the training images.

        Those that show one phase only, which some generators make now and then, are passed over.
        """
        found: list[Labels] = []
        for gan, part in self._shares():
            kept: list[Labels] = []
            for i in range(PATIENCE * len(part)):
                if len(kept) == len(part):
                    break
                labels = gan.sample(1, shape=self.shape, seed=self.seed, first=i).labels[0]
                kept += [labels] if labels.min() < labels.max() else []
            found += kept
        if len(found) < self.samples:
            raise InputError(
                f"gan must make structures of more than one phase: of {PATIENCE * self.samples} "
                f"samples {len(found)} were"
            )
        return found

    def _shares(self) -> list[tuple["Generator", npt.NDArray[np.int64]]]:
        parts = np.array_split(np.arange(self.samples), len(self.generators))
        return [(gan, part) for gan, part in zip(self.generators, parts, strict=True) if len(part)]


def contest(
    training: Any,
    held_out: Any,
    *,
    gan: Any = None,
    methods: Sequence[str] | None = None,
    shape: Sequence[int] | None = None,
    samples: int = 8,
    candidates: int = 4,
    statistics: str | Sequence[str] = STATISTICS,
    phase: int = 1,
    max_lag: int | None = None,
    conductivities: Mapping[int, float] | None = None,
    annealing: Mapping[str, Any] | None = None,
    training_seconds: float | None = None,
    resamples: int = 2000,
    seed: int = 0,
    settings: Mapping[str, Any] | None = None,
    threads: int | None = None,
    progress: Callable[[str], ProgressCallback] | None = None,
) -> Comparison:
    """Let methods make equally many structures of a material, and rank them by parts held out.

    Methods: annealing to S2, to S2 and L, and to S2, L, chords and clusters; samples of a
    generator as they come; the best of `candidates` times as many by `screen`; and samples, cut
    one by one at the phase fractions of the training part, that are annealed a little to S2 and L.
    All know the training part only. Beside them stand as many pieces of the training part, which
    tell how far real is from real. Generators are warm: what they take once in a process to be
    compiled is not counted.

    Parameters
    ----------
    training, held_out : array_like of int or list of these
        Label images or volumes of two parts of one material, which share no voxel.
    gan : Generator, path, or sequence of these, optional
        Trained on the training part. Several, with different seeds, share the samples among them.
        Without it only annealing takes part.
    methods : sequence of str, optional
        Of `METHODS`; by default all that there is a generator for.
    shape : sequence of int, optional
        Of the structures; by default the largest square or cube, up to 128 or 64 a side, that fits
        into all that is held out.
    samples : int
        Structures of each method.
    candidates : int
        How many samples there are to choose one from.
    statistics : str or sequence of str
        Curves to judge by; S2 always.
    phase : int
        Label of the phase that is measured.
    max_lag : int, optional
        Largest lag; half a side by default.
    conductivities : mapping of int to float, optional
        As in `compare`.
    annealing : mapping, optional
        Further options of `anneal`, such as ``{"tolerance": 1e-6}``.
    training_seconds : float, optional
        Of one generator; by default what its log says, averaged over the generators.
    resamples : int
        Bootstrap samples for the intervals.
    seed : int
        Of the first structure of each method; the next one has the next.
    settings : mapping, optional
        As in `compare`.
    threads : int, optional
        Threads to work with; by default one for each core.
    progress : callable, optional
        ``progress(method)`` is called before each method and returns its `ProgressCallback`.

    Returns
    -------
    Comparison
        Its `rows` rank the methods, with 95 % intervals.

    Raises
    ------
    InputError
        If an argument is not as described.
    """
    generators = _generators(gan)
    chosen = tuple(methods) if methods is not None else (METHODS if generators else tuple(ANNEALED))
    for name in chosen:
        _validate.choice(name, METHODS, name="methods")
        if name not in ANNEALED and not generators:
            raise InputError(f"gan must be given for {name!r}")
    learned, judged = (
        [_validate.labels(part, name=name) for part in _several(parts)]
        for name, parts in (("training", training), ("held_out", held_out))
    )
    size = _shape(shape, judged)
    for name, parts in (("training", learned), ("held_out", judged)):
        if any(part.ndim != len(size) for part in parts):
            raise InputError(
                "training and held_out must be all images or all volumes, not a mixture: "
                f"one of {name} is not {len(size)}-D"
            )
    real, known = (
        [w for part in parts for w in windows(part, size)] for parts in (judged, learned)
    )
    for name, found in (("held_out", real), ("training", known)):
        if len(found) < 2:
            raise InputError(
                f"{name} must hold two pieces of the shape {size} or more, not {len(found)}"
            )
    count = _validate.integer(samples, name="samples", minimum=2)
    again = _validate.integer(resamples, name="resamples", minimum=1)
    once = _training_seconds(training_seconds, generators)
    every = {f for name in chosen for f in ANNEALED.get(name, CHOSEN)}
    target = describe(
        learned, phase=phase, statistics=tuple(f for f in STATISTICS if f in every),
        max_lag=min(size) // 2 if max_lag is None else max_lag, threads=threads,
    )  # fmt: skip
    task = Task(
        target=target,
        windows=known,
        generators=generators,
        shape=size,
        samples=count,
        candidates=_validate.integer(candidates, name="candidates", minimum=1),
        seed=_validate.seed(seed),
        annealing=dict(annealing or {}),
        threads=threads,
    )
    made: dict[str, Made] = {}
    for generator in generators:
        generator.sample(1, shape=size, seed=task.seed)
    for name in chosen:
        logger.info("%s", name)
        made[name] = _make(name, task, progress(name) if progress else silent)
    learning = [name for name in chosen if name not in ANNEALED]
    return compare(
        {name: one.structures for name, one in made.items()},
        reference=evenly(real, MOST_REAL),
        statistics=statistics,
        phase=phase,
        max_lag=max_lag,
        baselines={TRAINING: evenly(known, count)},
        training=[image for part in learned for image in _sections(part)],
        conductivities=conductivities,
        seconds={n: made[n].seconds + (once if n in learning else 0) for n in chosen},
        training_seconds=dict.fromkeys(learning, once),
        memory={name: one.memory for name, one in made.items() if one.memory is not None},
        made_by=dict.fromkeys(learning, CHOSEN),
        resamples=again,
        settings={
            "contest": {
                "samples of each method": count,
                "real pieces held out": min(len(real), MOST_REAL),
                "candidates of each screened sample": task.candidates,
                "generators": [
                    f"{g.preset}, seed {g.settings.seed}, {g.steps} steps" for g in generators
                ],
                "seed": task.seed,
                "bootstrap samples": again,
                **task.annealing,
            },
            **(settings or {}),
        },
        threads=threads,
    )


def _sections(part: Labels) -> list[Labels]:
    """Return an image as it is, and of a volume some slices: enough to find copies in."""
    return [part] if part.ndim == 2 else evenly(list(part), MOST_SLICES)


def _make(name: str, task: Task, progress: ProgressCallback) -> Made:
    """Let one method make its structures. What it begins from counts as its own time."""
    begun = time.perf_counter()
    structures: list[Any]
    with _memory.watched() as memory:
        if name in ANNEALED:
            structures = task.annealed(ANNEALED[name], progress)
        elif name == GAN:
            structures = task.drawn()
        elif name == SCREENED:
            best = screen(
                task.drawn(task.candidates), reference=task.windows, statistics=CHOSEN,
                phase=task.target.phase, max_lag=task.target.max_lag, keep=task.samples,
                threads=task.threads,
            )  # fmt: skip
            structures = [one.labels for one in best]
        else:
            structures = task.annealed(CHOSEN, progress, task.drawn_alone())
        return Made(structures, time.perf_counter() - begun, memory())


def _generators(gan: Any) -> list["Generator"]:
    from microtwin.generation import Generator, load_generator

    if gan is None:
        return []
    several = list(gan) if isinstance(gan, list | tuple) else [gan]
    return [one if isinstance(one, Generator) else load_generator(one) for one in several]


def _training_seconds(given: float | None, generators: Sequence["Generator"]) -> float:
    if given is not None:
        return _validate.real(given, name="training_seconds", minimum=0)
    return float(np.mean([g.seconds for g in generators])) if generators else 0.0


def _several(parts: Any) -> list[Any]:
    return list(parts) if isinstance(parts, list | tuple) else [parts]


def _shape(given: Sequence[int] | None, judged: Sequence[Labels]) -> tuple[int, ...]:
    ndim = judged[0].ndim
    if given is None:
        shortest = min(min(part.shape) for part in judged)
        most = 128 if ndim == 2 else 64
        return (min(most, shortest),) * ndim
    shape = _validate.shape(given)
    if len(shape) != ndim:
        raise InputError(f"shape must be {ndim}-D, as what is held out is, not {tuple(given)}")
    return shape
