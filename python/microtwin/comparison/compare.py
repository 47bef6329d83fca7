"""Measuring structures of several origins alike and holding them against a reference."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from microtwin import _validate
from microtwin._version import versions
from microtwin.annealing import Twin
from microtwin.comparison._conducting import Conducting
from microtwin.comparison._pictures import evenly
from microtwin.comparison._structure_numbers import StructureNumbers
from microtwin.comparison.difference import differences
from microtwin.comparison.novelty import Judge, holds
from microtwin.comparison.ranking import Row, rank
from microtwin.comparison.result import Comparison, Member, TwinRecord
from microtwin.errors import InputError
from microtwin.statistics import Description, describe, two_point
from microtwin.statistics._registry import CURVES
from microtwin.statistics.describing import DEFAULT
from microtwin.statistics.directions import spacing_in

REFERENCE = "real"
SAME_IN_SECTIONS = ("two_point", "lineal_path", "chord_length")
EXAMPLES = 6  # structures of each kind that are kept to be looked at

Array = npt.NDArray[Any]


def compare(
    methods: Mapping[str, Any],
    *,
    reference: Any,
    statistics: str | Sequence[str] | None = None,
    phase: int | Sequence[int] | None = None,
    max_lag: int | None = None,
    spacing: float | Sequence[float] | None = None,
    periodic: bool = False,
    baselines: Mapping[str, Any] | None = None,
    training: Any = None,
    conductivities: Mapping[int, float] | None = None,
    images: Mapping[str, Sequence[npt.ArrayLike]] | None = None,
    losses: Mapping[str, Mapping[str, Sequence[float]]] | None = None,
    seconds: Mapping[str, float] | None = None,
    training_seconds: Mapping[str, float] | None = None,
    memory: Mapping[str, int] | None = None,
    made_by: Mapping[str, Sequence[str]] | None = None,
    resamples: int = 0,
    settings: Mapping[str, Any] | None = None,
    threads: int | None = None,
    device: str = "auto",
) -> Comparison:
    """Measure the structures of several methods and hold them against a reference.

    Parameters
    ----------
    methods : mapping of str to structures
        For each method its structures: labels of one image (y, x) or volume (z, y, x), a list of
        them, a `Twin` or a list of twins, or the samples of a generator.
    reference : structures or Description
        What to hold them against, in the same forms; several samples of the real material, so that
        its own spread is known. A description must hold all the functions and lags asked for.
    statistics : str or sequence of str, optional
        Curves to compare, as in `describe`: S2 and L by default, or those of a description. What
        annealed twins were not asked for ("cluster", "chord_length", "pore_size", ...) tells most.
    phase : int or sequence of int, optional
        Phases to measure, the primary one first; by default all that the reference has.
    max_lag : int, optional
        Largest lag. By default half the shortest side of the reference's structures, or half the
        shortest side of a method's where these are smaller.
    spacing : float or sequence of float, optional
        Voxel edge of the reference in metres; known already if its images remember it. The
        structures of the methods are taken to have the same.
    periodic : bool
        Whether lags wrap at the faces.
    baselines : mapping of str to structures, optional
        Further real structures, measured and held against the reference like a method: how far real
        is from real. They are in tables and figures, not among the pictures.
    training : array_like of int or list of these, optional
        Label images that the methods were made from: each method (no baseline) is then judged for
        memorising and diversity too, by `novelty` with its defaults and the seed 0. The real
        patches are those of the reference, unless these are cut from the training images.
    conductivities : mapping of int to float, optional
        Conductivity of each label: what each structure then conducts along each axis is solved for,
        to 1e-3, as in `effective_conductivity`.
    images : mapping of str to sequence of array_like, optional
        Grey levels to show beside the structures, by method; "real" for the reference.
    losses : mapping of str to (mapping of str to sequence of float), optional
        Training losses to show, by method.
    seconds : mapping of str to float, optional
        How long each method took, training included; known already for twins.
    training_seconds : mapping of str to float, optional
        The part of it that was training: tells from how many structures on it pays off.
    memory : mapping of str to int, optional
        Bytes that each method held at most while it made its structures, to be told.
    made_by : mapping of str to sequence of str, optional
        Curves that structures of a method were trained or chosen by, so that agreement in them
        proves little; known already for twins.
    resamples : int
        With 1 or more, say 2000, all curves and numbers (Minkowski functionals, what hangs
        together and percolates, conductivities) are measured structure by structure, and methods
        ranked in each of them with 95 % intervals from so many bootstrap samples: see
        `Comparison.rows`. All structures must then have the shape of the reference's.
    settings : mapping, optional
        Anything JSON can hold that should be told in the report. "command" is shown as the command
        to repeat it, "notes" (a list of sentences) in full.
    threads, device
        As in `describe`.

    Returns
    -------
    Comparison

    Raises
    ------
    InputError
        If there is no method, or structures are not as described or lack a phase.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> real = list((rng.random((8, 32, 32)) < 0.5).astype(np.uint8))
    >>> result = compare({"same": real}, reference=real, max_lag=8)
    >>> result["same"].rms, result["same"].inside
    (0.0, 1.0)
    """
    if not isinstance(methods, Mapping) or not methods:
        raise InputError("methods must name at least one method and its structures")
    for name, part in (training_seconds or {}).items():
        if not 0 <= part <= (seconds or {}).get(name, -1.0):
            raise InputError(
                f"training_seconds of {name!r} must be a part of its seconds, "
                f"{(seconds or {}).get(name)}, not {part}"
            )
    baselines = baselines or {}
    sources = {**methods, **baselines}
    if REFERENCE in sources or len(sources) < len(methods) + len(baselines):
        raise InputError(f"methods and baselines must have names of their own, none {REFERENCE!r}")
    given = {name: structures(value, name=name) for name, value in sources.items()}
    real = [] if isinstance(reference, Description) else structures(reference, name=REFERENCE)
    options: dict[str, Any] = {"periodic": periodic, "threads": threads, "device": device}
    if isinstance(reference, Description):
        target = _checked(reference, phase, max_lag, periodic, statistics)
        options["statistics"] = tuple(dict.fromkeys(f.statistic for f in target.functions))
    else:
        options["statistics"] = _curves(statistics)
        edge = spacing if spacing is not None else _spacing(reference, real)
        reach = _half(real) if max_lag is None else max_lag
        target = _described(real, REFERENCE, phase=phase, spacing=edge, max_lag=reach, **options)

    count = _validate.integer(resamples, name="resamples", minimum=0)
    if count:
        _check_alike(real, given)
    trained = {
        name: {
            (statistic, p) for statistic in _named(curves, name="made_by") for p in target.phases
        }
        for name, curves in (made_by or {}).items()
    }
    if strange := set(trained) - set(methods):
        raise InputError(f"made_by must name methods, not {strange.pop()!r}")

    judge = None if training is None else _judge(real, training, target.phase, threads)

    def member(name: str, source: Any, labels: list[Array], measured: Description) -> Member:
        greys = (images or {}).get(name, getattr(source, "images", ()))
        twins = _twins(source)
        took = sum(twin.seconds for twin in twins) if twins else None
        known = twins[0].target.samples if twins else measured.samples
        kind = "baseline" if name in baselines else _kind(source)
        return Member(
            name=name,
            kind="reference" if name == REFERENCE else kind,
            description=measured,
            surfaces=_surfaces(labels, measured, threads),
            differences=()
            if name == REFERENCE
            else differences(
                measured, target, samples=known, asked=_asked(twins) | trained.get(name, set())
            ),
            labels=() if name in baselines else tuple(evenly(labels, EXAMPLES)),
            images=tuple(np.asarray(grey) for grey in evenly(greys, EXAMPLES)),
            twins=tuple(map(TwinRecord.of, twins)),
            losses={k: tuple(map(float, v)) for k, v in (losses or {}).get(name, {}).items()},
            seeds=_seeds(source, twins),
            seconds=(seconds or {}).get(name, took),
            training_seconds=(training_seconds or {}).get(name, 0.0),
            memory=(memory or {}).get(name),
            novelty=judge(labels) if judge and name in methods else None,
            conducting=None
            if conductivities is None or not labels
            else Conducting.of(labels, conductivities, threads=threads, device=device),
        )

    made = []
    for name, labels in given.items():
        _check_dimension(labels, target, name)
        measured = _described(
            labels,
            name,
            phase=target.phases,
            spacing=spacing_in(target.spacing, labels[0].ndim),
            max_lag=min(target.max_lag, _half(labels)) if max_lag is None else target.max_lag,
            **options,
        )
        made.append(member(name, sources[name], labels, measured))
    held = member(REFERENCE, reference, real, target)
    rows: tuple[Row, ...] = ()
    if count:
        numbers = [
            StructureNumbers.of(
                labels, target, conducting=m.conducting, threads=threads, device=device
            )
            for m, labels in zip((held, *made), (real, *given.values()), strict=True)
        ]
        held, *made = (
            replace(m, numbers=n.scalars) for m, n in zip((held, *made), numbers, strict=True)
        )
        rows = rank(
            numbers[0],
            {m.name: n for m, n in zip(made, numbers[1:], strict=True)},
            asked={
                m.name: {(d.statistic, d.phase) for d in m.differences if d.asked} for m in made
            },
            phase=target.phase,
            resamples=count,
        )
    return Comparison(
        reference=held,
        methods=tuple(made),
        rows=rows,
        settings=dict(settings or {}),
        versions=versions(),
    )


def structures(value: Any, *, name: str = "structures") -> list[Array]:
    """Return the label arrays of twins, samples, arrays or lists of these.

    A 3-D array is one volume; the 3-D `labels` of generator samples are images, because samples
    are a sequence of them.
    """
    if isinstance(value, Twin):
        return [value.labels]
    if hasattr(value, "labels") and hasattr(value, "images"):
        return [_validate.labels(labels, name=name) for labels in value.labels]
    if not isinstance(value, list | tuple):
        return [_validate.labels(value, name=name)]
    if not value:
        raise InputError(f"{name} must hold at least one structure, not none")
    return [
        item.labels if isinstance(item, Twin) else _validate.labels(item, name=name)
        for item in value
    ]


def _check_alike(real: list[Array], given: Mapping[str, list[Array]]) -> None:
    """Raise InputError unless all structures can be resampled and ranked."""
    if len(real) < 2:
        raise InputError(
            "resamples must be 0 unless the reference is two real structures or more, so that "
            "their spread is known"
        )
    for name, labels in {REFERENCE: real, **given}.items():
        for part in labels:
            if part.shape != real[0].shape:
                raise InputError(
                    f"resamples must be 0 unless all structures have one shape: {name} has one of "
                    f"{part.shape}, the reference of {real[0].shape}"
                )


def _described(labels: list[Array], name: str, *, phase: Any, **options: Any) -> Description:
    present = {int(label) for part in labels for label in np.unique(part)}
    if phase is not None and len(present) > 1:
        wanted = [phase] if isinstance(phase, int) else list(phase)
        lacking = ", ".join(str(p) for p in wanted if p not in present)
        if lacking:
            raise InputError(f"{name} has no voxel of phase {lacking}, which the reference has")
    try:
        return describe(labels, phase=phase, **options)
    except InputError as error:
        raise InputError(f"{name}: {error}") from error


def _check_dimension(labels: list[Array], target: Description, name: str) -> None:
    """Raise InputError where a curve of images is another thing than that of volumes."""
    other = [f.statistic for f in target.functions if f.statistic not in SAME_IN_SECTIONS]
    if other and labels[0].ndim != target.ndim:
        raise InputError(
            f"statistics must be among {', '.join(SAME_IN_SECTIONS)} where {name} is "
            f"{labels[0].ndim}-D and the reference {target.ndim}-D: {other[0]} of sections is "
            "another thing than that of volumes"
        )


def _curves(statistics: str | Sequence[str] | None) -> tuple[str, ...]:
    """Return the names of curves to compare, S2 first, which is always measured."""
    names = DEFAULT if statistics is None else statistics
    return tuple(dict.fromkeys(["two_point", *_named(names, name="statistics")]))


def _named(names: str | Sequence[str], *, name: str) -> list[str]:
    given = [names] if isinstance(names, str) else list(names)
    return [_validate.choice(one, CURVES, name=name) for one in given]


def _asked(twins: list[Twin]) -> set[tuple[str, int]]:
    """Return the curves that twins were annealed to; S2 of one of two phases is that of both."""
    asked = {(f.statistic, f.phase) for twin in twins[:1] for f in twin.target.functions}
    both = [label for twin in twins[:1] for label in twin.target.voxels]
    if len(both) == 2 and any(("two_point", label) in asked for label in both):
        asked |= {("two_point", label) for label in both}
    return asked


def _checked(
    reference: Description,
    phase: Any,
    max_lag: int | None,
    periodic: bool,
    statistics: str | Sequence[str] | None,
) -> Description:
    """Return a description given as the reference, if it is what is asked for."""
    if statistics is not None:
        wanted = _curves(statistics)
        kept = [f for f in reference.functions if f.statistic in wanted]
        lacking = set(wanted) - {f.statistic for f in kept}
        if lacking:
            raise InputError(
                f"statistics must be of the reference's description, which lacks "
                f"{', '.join(sorted(lacking))}"
            )
        reference = replace(reference, functions=tuple(kept), numbers=())
    asked = {"phase": phase, "max_lag": max_lag, "periodic": periodic}
    for name, value in asked.items():
        if value is not None and value != getattr(reference, name):
            raise InputError(
                f"{name} must be that of the reference's description, {getattr(reference, name)}, "
                f"not {value}"
            )
    return reference


def _judge(real: list[Array], training: Any, phase: int, threads: int | None) -> Judge:
    """Return what tells how new structures are, by the reference if it is no part of training."""
    known = not real or real[0].ndim == 3 or holds(training, evenly(real, EXAMPLES), phase=phase)
    return Judge(training, held_out=None if known else real, phase=phase, threads=threads)


def _half(labels: list[Array]) -> int:
    return int(min(min(part.shape) for part in labels)) // 2


def _spacing(source: Any, labels: list[Array]) -> Any:
    holders = [source, *(source if isinstance(source, list | tuple) else ()), *labels[:1]]
    known = (getattr(holder, "spacing", None) for holder in holders)
    return next((spacing for spacing in known if spacing is not None), None)


def _twins(source: Any) -> list[Twin]:
    items = source if isinstance(source, list | tuple) else [source]
    return [item for item in items if isinstance(item, Twin)]


def _kind(source: Any) -> str:
    if _twins(source):
        return "annealing"
    return "generator" if hasattr(source, "images") else "structures"


def _seeds(source: Any, twins: list[Twin]) -> tuple[int, ...]:
    if twins:
        return tuple(twin.seed for twin in twins)
    seed = getattr(source, "seed", None)
    return () if seed is None else (int(seed),)


def _surfaces(
    labels: list[Array], measured: Description, threads: int | None
) -> npt.NDArray[np.float64]:
    """Return the specific surface of each structure; see `Description.specific_surface`."""
    factor = 4.0 if measured.ndim == 3 else np.pi
    result = []
    for part in labels:
        near = two_point(
            part, phase=measured.phase, max_lag=1, periodic=measured.periodic,
            spacing=measured.spacing, threads=threads, device="cpu",
        )  # fmt: skip
        edges = np.ones(part.ndim) if near.spacing is None else np.array(near.spacing)
        result.append(-factor * np.mean((near.values[:, 1] - near.values[:, 0]) / edges))
    return np.array(result, dtype=np.float64)
