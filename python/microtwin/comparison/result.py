"""What a comparison returns."""

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from microtwin.annealing import History, Twin
from microtwin.comparison._conducting import Conducting
from microtwin.comparison.difference import Difference
from microtwin.comparison.originality import Novelty
from microtwin.comparison.ranking import Row
from microtwin.errors import InputError
from microtwin.statistics import Description

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

Array = npt.NDArray[Any]

FORMAT = "microtwin-comparison-1"


@dataclass(frozen=True, slots=True, eq=False)
class TwinRecord:
    """How an annealed twin came about: all of it but its voxels.

    Attributes are those of `microtwin.Twin`; `shape` is the shape of its labels.
    """

    shape: tuple[int, ...]
    energy: float
    proposals: int
    accepted: int
    seconds: float
    stop_reason: str
    seed: int
    history: History = field(repr=False)

    @classmethod
    def of(cls, twin: Twin) -> Self:
        """Return the record of a twin."""
        names = ("energy", "proposals", "accepted", "seconds", "stop_reason", "seed", "history")
        return cls(shape=twin.labels.shape, **{name: getattr(twin, name) for name in names})


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    """One of the things compared: the reference, or the structures that a method made.

    Attributes
    ----------
    name : str
        What it is called in tables and figures.
    kind : str
        "reference", "annealing" (twins), "generator" (samples of a network), "baseline" (more of
        the real material) or "structures".
    description : Description
        What was measured, merged over all structures.
    surfaces : ndarray of float64, shape (samples,)
        Specific surface of the primary phase, structure by structure; see `Comparison.surface`.
    differences : tuple of Difference
        From the reference, a function each; none for the reference itself.
    labels, images : tuple of ndarray
        A few structures to look at, and the grey levels they were segmented from if there are any.
    twins : tuple of TwinRecord
        The annealing runs.
    losses : mapping of str to tuple of float
        Training losses of a generator, step by step.
    seeds : tuple of int
        Seeds that the structures were made with.
    seconds : float or None
        Time it took to make them, training included.
    training_seconds : float
        The part of it that was training, however many are made.
    memory : int or None
        Bytes that were held at most while they were made, training apart.
    novelty : Novelty or None
        Whether they are new, where the training images are known.
    conducting : Conducting or None
        What each structure conducts along each axis, where that was asked for.
    numbers : mapping of str to ndarray of float64, shape (samples,)
        Numbers of each structure, where methods are ranked.
    """

    name: str
    kind: str
    description: Description
    surfaces: npt.NDArray[np.float64]
    differences: tuple[Difference, ...] = ()
    labels: tuple[Array, ...] = field(default=(), repr=False)
    images: tuple[Array, ...] = field(default=(), repr=False)
    twins: tuple[TwinRecord, ...] = field(default=(), repr=False)
    losses: Mapping[str, tuple[float, ...]] = field(default_factory=dict, repr=False)
    seeds: tuple[int, ...] = ()
    seconds: float | None = None
    training_seconds: float = 0.0
    memory: int | None = None
    novelty: Novelty | None = field(default=None, repr=False)
    conducting: Conducting | None = field(default=None, repr=False)
    numbers: Mapping[str, npt.NDArray[np.float64]] = field(default_factory=dict, repr=False)

    @property
    def samples(self) -> int:
        """How many structures were measured."""
        return self.description.samples

    @property
    def seconds_each(self) -> float | None:
        """Time for one more structure."""
        return (
            None if self.seconds is None else (self.seconds - self.training_seconds) / self.samples
        )

    def pays_off(self, other: "Member") -> int | None:
        """Return from how many structures on this takes less time than another method.

        1 where it does at once; None where it never does, times are not known, or the structures
        are of different sizes.
        """
        mine, theirs = self.seconds_each, other.seconds_each
        if mine is None or theirs is None or self.description.shape != other.description.shape:
            return None
        if mine >= theirs:
            return None
        count = (self.training_seconds - other.training_seconds) / (theirs - mine)
        return max(1, math.floor(count) + 1)

    @property
    def inside(self) -> float | None:
        """Fraction of lags inside the reference's 95 % band, over all functions."""
        fractions = [d.inside for d in self.differences if d.inside is not None]
        return float(np.mean(fractions)) if fractions else None

    @property
    def rms(self) -> float:
        """Root-mean-square difference over all functions and lags, in probability units."""
        return float(np.sqrt(np.mean([d.rms**2 for d in self.differences])))

    @property
    def rms_in_errors(self) -> float | None:
        """Largest of the functions' `Difference.rms_in_errors`: above two or three, not chance."""
        ratios = [d.rms_in_errors for d in self.differences if d.rms_in_errors is not None]
        return max(ratios, default=None)

    def variety(self, reference: "Member") -> float | None:
        """Return the spread between these structures in units of that between the reference's.

        Well below one: the structures are more alike than real samples are. None where either has
        a single sample, or their sizes differ (larger samples differ less).
        """
        if self.description.shape != reference.description.shape:
            return None
        mine, theirs = 0.0, 0.0
        for f in reference.description.functions:
            own, real = self.description.counterpart(f).spread, f.spread
            if own is None or real is None:
                return None
            mine += float(np.nansum(own**2))
            theirs += float(np.nansum(real[: len(own)] ** 2))
        return float(np.sqrt(mine / theirs)) if theirs > 0 else None


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Structures made by several methods, measured like a reference and held against it.

    Attributes
    ----------
    reference : Member
        What the methods are held against.
    methods : tuple of Member
        One for each method, in the order given.
    rows : tuple of Row
        How near every method is to reality, quantity by quantity, and which ones tie; empty unless
        `compare` was told to resample.
    settings : mapping
        How it was made: whatever is worth repeating in the report.
    versions : mapping of str to str
        Of microtwin, Python and the libraries that were used.
    """

    reference: Member
    methods: tuple[Member, ...]
    rows: tuple[Row, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def members(self) -> tuple[Member, ...]:
        """The reference and the methods."""
        return (self.reference, *self.methods)

    def __getitem__(self, name: str) -> Member:
        """Return the member called `name`."""
        for member in self.members:
            if member.name == name:
                return member
        known = ", ".join(member.name for member in self.members)
        raise InputError(f"no member is called {name!r}; there are {known}")

    def surface(self, member: Member) -> float:
        """Return the specific surface of a member, as the reference would show it.

        In images interface length per area, in volumes area per volume. An isotropic volume has
        4/π times as much area per volume as its sections have length per area, and is brought to
        the dimension of the reference by that.
        """
        return float(member.description.specific_surface) * self._surface_factor(member)

    def surface_spread(self, member: Member) -> float | None:
        """Return the standard deviation of the specific surface between structures, or None."""
        if len(member.surfaces) < 2:
            return None
        return float(np.nanstd(member.surfaces, ddof=1)) * self._surface_factor(member)

    def _surface_factor(self, member: Member) -> float:
        dimensions = member.description.ndim, self.reference.description.ndim
        return {(3, 2): np.pi / 4, (2, 3): 4 / np.pi}.get(dimensions, 1.0)

    def verdict(self, name: str) -> str:
        """Say in plain words how like the reference the structures of a method are."""
        from microtwin.comparison.verdict import verdict

        return verdict(self, self[name])

    def to_dataframe(self) -> "pd.DataFrame":
        """Return one row for each number: curves by lag, fractions, surfaces and differences."""
        from microtwin.comparison import _tables

        return _tables.to_dataframe(self)

    def to_csv(self, path: str | os.PathLike[str]) -> Path:
        """Write the table of `to_dataframe` as CSV."""
        from microtwin.comparison import _tables

        return _tables.write_csv(path, self)

    def summary(self) -> dict[str, Any]:
        """Return the figures that tell most as a JSON-ready object, without the curves."""
        from microtwin.comparison import _records

        return _records.summary(self)

    def to_record(self) -> dict[str, Any]:
        """Return all but the pictures as a JSON-ready object."""
        from microtwin.comparison import _records

        return _records.to_record(self)

    def to_json(self, path: str | os.PathLike[str]) -> Path:
        """Write all but the pictures to a JSON file that `from_json` reads back exactly."""
        from microtwin import _files

        return _files.write_json(path, self.to_record())

    @classmethod
    def from_json(cls, path: str | os.PathLike[str]) -> Self:
        """Read what `to_json` wrote; there are no pictures in it.

        Raises
        ------
        InputError
            If it cannot be read or is no comparison.
        """
        from microtwin import _result_files
        from microtwin.comparison import _records

        return _result_files.read_json(
            path, FORMAT, lambda record: cls(**_records.from_record(record))
        )

    def plot(self) -> "Figure":
        """Draw an overview: structures of all members, S2 and L of the primary phase."""
        from microtwin.comparison import _figures

        return _figures.overview(self)

    def to_html(self, path: str | os.PathLike[str]) -> Path:
        """Write a report: one HTML file that needs nothing else, neither scripts nor a network."""
        from microtwin import _files
        from microtwin.comparison import _html

        return _files.write_text(path, _html.render(self))
