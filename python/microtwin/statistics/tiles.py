"""Descriptions of volumes that are larger than memory."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from microtwin import _core, _validate
from microtwin._progress import ProgressCallback, silent
from microtwin.errors import InputError
from microtwin.statistics._registry import STATISTICS
from microtwin.statistics._slabs import Block, Pass, Source, available_memory, passes
from microtwin.statistics.chords import longest_chord
from microtwin.statistics.correlation import directed, lag_limit
from microtwin.statistics.describing import phase_list, phases_among
from microtwin.statistics.description import Description
from microtwin.statistics.directions import Vector, checked_families, lag_bound
from microtwin.statistics.function import make_function

Counts = npt.NDArray[np.int64]

# Each counts along the lines of a block. What is to be measurable in blocks is entered here, if it
# is a sum over lines; sums over small neighbourhoods (Minkowski functionals) would need slabs that
# overlap by a voxel, which `Pass` does not read yet.
_COUNTERS: dict[str, Callable[..., tuple[Counts, Counts]]] = {
    "two_point": lambda labels, window, phase, *rest: _core.two_point(
        labels, window, phase, phase, *rest
    ),
    "lineal_path": _core.lineal_path,
    "chord_length": _core.chord_lengths,
}
DEFAULT = tuple(_COUNTERS)
_MOST_MEMORY = 2 << 30  # larger blocks are not faster


def describe_tiles(
    volume: Any,
    *,
    phase: int | Sequence[int] | None = None,
    statistics: str | Sequence[str] = DEFAULT,
    max_lag: int | None = None,
    axes: Sequence[int] | int | None = None,
    directions: str | Sequence[str] = "axes",
    periodic: bool = False,
    mask: Any | None = None,
    spacing: float | Sequence[float] | None = None,
    tile: int | None = None,
    memory: int | None = None,
    threads: int | None = None,
    progress: ProgressCallback | None = None,
) -> Description:
    """Measure a volume that is larger than memory, block by block.

    The description equals that of `describe` in every count: the volume is cut beside the lines
    that are measured along, so that a block holds its lines whole. It is read once for every axis
    that has to be cut: twice for directions along the axes, three times with diagonals of faces,
    and once more for each diagonal of the body.

    Parameters
    ----------
    volume : sliceable
        Anything with a shape, (y, x) or (z, y, x), a dtype, and slices that become arrays of labels
        0..255: `numpy.memmap`, `tifffile.memmap`, a Zarr array, a data set of h5py.
    statistics : str or sequence of str
        Any of "two_point", "lineal_path" and "chord_length"; all by default. Clusters and pore
        sizes need the whole volume at once, and are left to `describe`.
    directions : str or sequence of str
        One or more of "axes", "face_diagonals" and "body_diagonals", or "all" of them.
    mask : sliceable, optional
        As `volume`, of true and false.
    tile : int, optional
        Thickness of a block in voxels; by default what fits `memory`, in whole chunks of the file.
    memory : int, optional
        Bytes that a block may take while it is counted; by default a quarter of what is available,
        and 2 GiB at most.
    progress : callable, optional
        Called as ``progress(done, total, {})`` after each block, in voxels.
    phase, max_lag, axes, periodic, spacing, threads
        As in `describe`.

    Returns
    -------
    Description

    Raises
    ------
    InputError
        If an argument is not as described, there is only one phase, or a statistic is not a sum
        over lines.

    Examples
    --------
    >>> import numpy as np
    >>> board = np.indices((8, 8)).sum(axis=0) % 2
    >>> describe_tiles(board, periodic=True, tile=3).two_point.mean
    array([0.5, 0. , 0.5, 0. , 0.5])
    """
    work = planned(
        volume, phase=phase, statistics=statistics, max_lag=max_lag, axes=axes,
        directions=directions, periodic=periodic, mask=mask, spacing=spacing, tile=tile,
        memory=memory, threads=threads,
    )  # fmt: skip
    tally = work.tally()
    total = sum(way.voxels(work.source) for way in work.ways)
    done = 0.0
    for number, way in enumerate(work.ways):
        for block in way.blocks(work.source, periodic=work.periodic, reach=work.beyond):
            tally.add(way.vectors, block, first=number == 0)
            done += way.voxels(work.source) / len(way.ranges)
            (progress or silent)(min(done, total), total, {})
    return work.description(tally)


def planned(
    volume: Any,
    *,
    phase: int | Sequence[int] | None = None,
    statistics: str | Sequence[str] = DEFAULT,
    max_lag: int | None = None,
    axes: Sequence[int] | int | None = None,
    directions: str | Sequence[str] = "axes",
    periodic: bool = False,
    mask: Any | None = None,
    spacing: float | Sequence[float] | None = None,
    tile: int | None = None,
    memory: int | None = None,
    threads: int | None = None,
) -> "Plan":
    """Check the arguments of `describe_tiles`, and return what is to be counted in which blocks."""
    source = Source.checked(volume, mask)
    shape, ndim = source.shape, len(source.shape)
    names = _statistics(statistics)
    families = _families(directions, ndim)
    if axes is not None and families != ("axes",):
        raise InputError('axes can be chosen only where directions is "axes"')
    along = directed("axes", axes, ndim)
    reach = lag_limit(max_lag, [shape], along)
    if spacing is None:
        spacing = getattr(volume, "spacing", None)
    edges = _validate.spacing(spacing, ndim=ndim)
    if memory is None:
        memory = min(available_memory() // 4, _MOST_MEMORY)
    memory = _validate.integer(memory, name="memory", minimum=1)
    if tile is not None:
        tile = _validate.integer(tile, name="tile", minimum=1)
    wanted = None if phase is None else phase_list(phase)

    curves = [
        _Curve(name, family, vectors, _longest(name, vectors, shape, reach, bool(periodic)))
        for name in names
        for family in (families if name != "two_point" else dict.fromkeys(("axes", *families)))
        for vectors in [along if family == "axes" else directed(family, None, ndim)]
    ]
    vectors = list(dict.fromkeys(v for curve in curves for v in curve.vectors))
    return Plan(
        source=source,
        ways=passes(source, vectors, periodic=bool(periodic), memory=memory, tile=tile),
        curves=curves,
        along=along,
        periodic=bool(periodic),
        threads=_validate.threads(threads),
        phase=phase,
        wanted=wanted,
        spacing=edges,
    )


@dataclass(frozen=True, slots=True)
class _Curve:
    """A function to be measured of every phase."""

    name: str
    family: str
    vectors: tuple[Vector, ...]
    longest: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be counted of a volume, in which blocks."""

    source: Source
    ways: list[Pass]
    curves: list[_Curve]
    along: tuple[Vector, ...]
    periodic: bool
    threads: int
    phase: Any
    wanted: list[int] | None
    spacing: tuple[float, ...] | None

    @property
    def beyond(self) -> int:
        """How far lines are followed: a chord is seen from the voxel before to that behind it."""
        return max(curve.longest for curve in self.curves) + 1

    def tally(self) -> "Tally":
        """Return counts of nothing yet."""
        return Tally(
            shape=self.source.shape,
            periodic=self.periodic,
            threads=self.threads,
            phases=self.wanted,
            curves=self.curves,
            along=self.along,
        )

    def counted(self, way: int, at: int) -> "Tally":
        """Return the counts of one block, for blocks that are counted apart."""
        found = self.tally()
        one = replace(self.ways[way], ranges=(self.ways[way].ranges[at],))
        for block in one.blocks(self.source, periodic=self.periodic, reach=self.beyond):
            found.add(one.vectors, block, first=True)
        return found

    def description(self, tally: "Tally") -> Description:
        """Return the counts of all blocks as a description."""
        return tally.description(
            self.phase, spacing=self.spacing, masked=self.source.mask is not None
        )


@dataclass(slots=True)
class Tally:
    """The counts of the blocks seen so far."""

    shape: tuple[int, ...]
    periodic: bool
    threads: int
    phases: list[int] | None
    curves: list[_Curve]
    along: tuple[Vector, ...]
    voxels: Counts = field(default_factory=lambda: np.zeros(256, np.int64))
    # Trials and pairs know no phase. Hits of a phase, and neighbours that differ in it, begin with
    # the first block that holds it: before, there were none.
    trials: dict[_Curve, Counts] = field(default_factory=dict)
    hits: dict[tuple[_Curve, int], Counts] = field(default_factory=dict)
    pairs: Counts = field(init=False)
    interfaces: dict[int, Counts] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.pairs = np.zeros(len(self.along), np.int64)

    def add(self, vectors: tuple[Vector, ...], block: Block, *, first: bool) -> None:
        """Count what a block holds along the vectors; its voxels too if it is one of the first."""
        here = self.phases
        if first:
            histogram = _core.label_counts(block.labels, block.window, self.threads)
            self.voxels += histogram
            here = [k for k in np.flatnonzero(histogram).tolist() if here is None or k in here]
        elif here is None:
            here = np.flatnonzero(self.voxels).tolist()
        # Where nothing that is wanted is there, any label tells the trials.
        for turn, label in enumerate(here or [0]):
            for curve in self.curves:
                mine = [vector for vector in curve.vectors if vector in vectors]
                if mine:
                    steps = [block.steps[vectors.index(vector)] for vector in mine]
                    hits, trials = self._count(curve.name, block, label, steps, curve.longest)
                    if block.length is not None:
                        self._cut(curve, mine[0], block, hits, trials)
                    self._add_to(self.hits, (curve, label), curve, mine, hits)
                    if turn == 0:
                        self._add_to(self.trials, curve, curve, mine, trials)
            for vector in set(vectors) & set(self.along):
                step = block.steps[vectors.index(vector)]
                differing, pairs = _core.interfaces(
                    block.labels, block.window, label, [step], block.periodic, self.threads
                )
                at = self.along.index(vector)
                totals = self.interfaces.setdefault(label, np.zeros(len(self.along), np.int64))
                totals[at] += differing[0]
                if turn == 0:
                    self.pairs[at] += pairs[0]

    def to_record(self) -> dict[str, Any]:
        """Return the counts as arrays by names."""
        number = {curve: i for i, curve in enumerate(self.curves)}
        return {
            "voxels": self.voxels,
            "pairs": self.pairs,
            **{f"trials_{number[c]}": counts.ravel() for c, counts in self.trials.items()},
            **{f"hits_{number[c]}_{k}": counts.ravel() for (c, k), counts in self.hits.items()},
            **{f"interfaces_{k}": counts for k, counts in self.interfaces.items()},
        }

    def add_record(self, record: Mapping[str, Any], *, first: bool) -> None:
        """Add the counts of another block, as `to_record` returned them.

        Its voxels count only if it is one of the first pass. What is None was not there.
        """
        if first:
            self.voxels += np.asarray(record["voxels"])
        self.pairs += np.asarray(record["pairs"])
        for name, values in record.items():
            kind, _, rest = name.partition("_")
            if values is None or kind not in ("trials", "hits", "interfaces"):
                continue
            counts = np.asarray(values, np.int64)
            if kind == "interfaces":
                label = int(rest)
                self.interfaces[label] = counts + self.interfaces.get(label, np.int64(0))
                continue
            at, _, label_name = rest.partition("_")
            curve = self.curves[int(at)]
            counts = counts.reshape(len(curve.vectors), -1)
            if kind == "trials":
                self.trials[curve] = counts + self.trials.get(curve, np.int64(0))
            else:
                key = curve, int(label_name)
                self.hits[key] = counts + self.hits.get(key, np.int64(0))

    def _add_to(
        self, totals: dict[Any, Counts], key: Any, curve: _Curve, mine: list[Vector], counts: Counts
    ) -> None:
        shape = (len(curve.vectors), curve.longest + 1)
        rows = [curve.vectors.index(vector) for vector in mine]
        totals.setdefault(key, np.zeros(shape, np.int64))[rows] += counts

    def _count(
        self, name: str, block: Block, label: int, steps: Sequence[Vector], longest: int
    ) -> tuple[Counts, Counts]:
        def part(labels: Any, window: Any) -> tuple[Counts, Counts]:
            return _COUNTERS[name](
                labels, window, label, steps, longest, block.periodic, self.threads
            )

        hits, trials = part(block.labels, block.window)
        if block.length is not None:
            # What begins among the voxels written out again is not counted again.
            window = None if block.window is None else block.window[block.length :]
            twice = part(block.labels[block.length :], window)
            hits, trials = hits - twice[0], trials - twice[1]
        return hits, trials

    def _cut(
        self, curve: _Curve, vector: Vector, block: Block, hits: Counts, trials: Counts
    ) -> None:
        """Leave out lags that only lines written out beyond their end have."""
        bound = lag_bound(vector, self.shape)
        if curve.name == "chord_length" and block.window is not None:
            bound -= 1  # a chord that begins and ends at one voxel is seen whole in no mask
        hits[:, bound:] = trials[:, bound:] = 0

    def description(
        self, phase: Any, *, spacing: tuple[float, ...] | None, masked: bool
    ) -> Description:
        """Return the counts as the description of one structure."""
        present = [int(label) for label in np.flatnonzero(self.voxels)]
        wanted = phases_among(phase, present)
        return Description(
            phase=wanted[0],
            functions=tuple(
                make_function(
                    curve.name,
                    phase=label,
                    hits=self.hits[curve, label],
                    trials=self.trials[curve].copy(),
                    directions=curve.family,
                    vectors=curve.vectors,
                    periodic=self.periodic,
                    spacing=spacing,
                    masked=masked,
                )
                for label in wanted
                for curve in self.curves
            ),
            voxels={label: int(self.voxels[label]) for label in present},
            porosities=self.voxels[None, present] / self.voxels.sum(),
            interfaces={
                label: np.stack([self.interfaces[label], self.pairs], axis=1) for label in wanted
            },
            shape=self.shape,
        )


def _statistics(value: str | Sequence[str]) -> list[str]:
    if isinstance(value, str) and value == "all":
        return list(DEFAULT)
    given = [value] if isinstance(value, str) else list(value)
    for name in given:
        _validate.choice(name, [*STATISTICS, "all"], name="each of statistics")
        if name not in _COUNTERS:
            raise InputError(
                f"statistics must be sums over lines ({', '.join(_COUNTERS)}) to be measured block "
                f"by block; {name} needs the whole volume in memory: use describe"
            )
    return list(dict.fromkeys(["two_point", *given]))


def _families(value: str | Sequence[str], ndim: int) -> tuple[str, ...]:
    families = tuple(f for f in checked_families(value, ndim) if value != "all" or f != "radial")
    if "radial" in families:
        raise InputError(
            "directions must not be radial: the average over all of them needs the whole volume in "
            "memory: use describe"
        )
    return families


def _longest(
    name: str, vectors: tuple[Vector, ...], shape: tuple[int, ...], reach: int, periodic: bool
) -> int:
    """Return how far to follow a curve; chords, as in `describe`, to their full length."""
    if name != "chord_length":
        return lag_limit(reach, [shape], vectors)
    return longest_chord([shape], vectors, periodic)
