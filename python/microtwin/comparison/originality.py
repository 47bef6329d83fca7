"""What the judgement of how new samples are returns."""

import base64
import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from microtwin import _files, _result_files, _validate
from microtwin._version import __version__

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = npt.NDArray[np.float64]
Record = dict[str, Any]

FORMAT = "microtwin-novelty-1"
KEPT = 8  # nearest pairs whose pictures are kept

COPY = 0.5  # of the nearest real patch's distance
COPY_DEVIATIONS = 6.0  # below the median of the real distances, in robust standard deviations
DUPLICATE = 0.5  # of the distance that 1 % of the real pairs stay below
DUPLICATES_ALLOWED = 0.05  # fraction of samples
COLLAPSED = 0.5  # spread over real spread

_FLOATS = ("distances", "unlike", "real_distances", "real_unlike", "twins", "real_twins")
_TABLES = ("chosen", "places", "values", "real_values")
_ABOUT = (
    "phase", "size", "symmetries", "held_out", "samples", "quantile", "level", "seed", "near",
    "version",
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Novelty:
    """How near samples are to training images and to one another; see `novelty`.

    Distances are fractions of unlike pixels over those expected of independent patches of the same
    volume fractions: 0 is a copy, 1 what chance gives.

    Attributes
    ----------
    phase : int
        Label of the phase.
    size : int
        Side in pixels of the windows compared.
    symmetries : bool
        Whether mirror images and quarter turns were looked at.
    held_out : bool
        Whether the real patches are of images held out; else of the training images themselves,
        each compared with what it does not overlap.
    samples : int
        How many samples (of volumes: slices) there were to draw from.
    quantile, level : float
        Of the real distances, for the threshold; significance of the test.
    seed : int
        Of what was drawn.
    chosen : ndarray of int64, shape (n, 3)
        Sample (or slice: volume by volume, axis by axis), first row and column of each window.
    distances, unlike : ndarray of float64, shape (n,)
        To the nearest training window; the fraction of pixels unlike in it.
    places : ndarray of int64, shape (n, 4)
        Training image, first row and column of that window, and the symmetry that the sample was
        put through to be laid on it: 0 to 3 quarter turns (`numpy.rot90`), 4 to 7 the same after
        mirroring left and right.
    real_distances, real_unlike : ndarray of float64, shape (m,)
        The same of the real patches.
    twins : ndarray of float64, shape (n,)
        Distance to the nearest other sample at the best shift; NaN where there is none to compare
        with (slices of one volume are not compared).
    real_twins : ndarray of float64, shape (m,)
        The same of the real patches (those that overlap are not compared).
    near : float
        Distance from which down two windows are near duplicates: half of what 1 % of all pairs of
        real patches stay below; 0 where there are no such pairs.
    descriptors : tuple of str
        What `values` are, lags in pixels.
    values, real_values : ndarray of float64, shape (n, d) and (m, d)
        Descriptors of each window.
    kept : ndarray of uint8, shape (k, 2, size, size)
        The nearest pairs: sample, and training window turned to lie like it.
    version : str
        The version of microtwin.
    """

    phase: int
    size: int
    symmetries: bool
    held_out: bool
    samples: int
    quantile: float
    level: float
    seed: int
    chosen: npt.NDArray[np.int64] = field(repr=False)
    distances: Floats = field(repr=False)
    unlike: Floats = field(repr=False)
    places: npt.NDArray[np.int64] = field(repr=False)
    real_distances: Floats = field(repr=False)
    real_unlike: Floats = field(repr=False)
    twins: Floats = field(repr=False)
    real_twins: Floats = field(repr=False)
    near: float
    descriptors: tuple[str, ...]
    values: Floats = field(repr=False)
    real_values: Floats = field(repr=False)
    kept: npt.NDArray[np.uint8] = field(repr=False)
    version: str = __version__

    def __len__(self) -> int:
        """Return how many windows of samples were judged."""
        return len(self.distances)

    @property
    def threshold(self) -> float:
        """Distance that hardly any real patch falls below: the j-th smallest of theirs."""
        return float(np.sort(self.real_distances)[self._rank - 1])

    @property
    def memorised(self) -> float:
        """Fraction of samples nearer to the training images than the threshold."""
        return float(np.mean(self.distances < self.threshold))

    @property
    def chance(self) -> float:
        """Probability that as many or more are that near, were they real patches.

        Beta-binomial: the threshold is the j-th smallest of m real distances (precedence test).
        """
        from scipy.stats import betabinom

        rank, count = self._rank, len(self.real_distances)
        near = int(np.count_nonzero(self.distances < self.threshold))
        return float(betabinom.sf(near - 1, len(self), rank, count - rank + 1))

    @property
    def copies(self) -> int:
        """How many samples are copies, nearly to the pixel.

        At most half as far as the nearest real patch, and six robust standard deviations below the
        median of the real ones.
        """
        median = np.median(self.real_distances)
        deviation = 1.4826 * float(np.median(np.abs(self.real_distances - median)))
        limit = min(COPY * self.real_distances.min(), median - COPY_DEVIATIONS * deviation)
        # Where real distances go down to nothing, none can be told.
        return int(np.count_nonzero(self.distances <= limit)) if limit > 0 else 0

    @property
    def spreads(self) -> dict[str, float]:
        """Standard deviation between samples over that between real patches, by descriptor.

        NaN where the real ones do not vary, or with fewer than two samples.
        """
        if len(self) < 2:
            return dict.fromkeys(self.descriptors, math.nan)
        return self._ratios(lambda values: np.std(values, axis=0, ddof=1))

    @property
    def means(self) -> dict[str, float]:
        """Mean of the samples over that of the real patches, by descriptor."""
        return self._ratios(lambda values: np.mean(values, axis=0))

    def _ratios(self, reduced: Callable[[Floats], Floats]) -> dict[str, float]:
        mine, real = reduced(self.values), reduced(self.real_values)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratios = np.where(real > 1e-12, mine / real, np.nan)
        return dict(zip(self.descriptors, ratios.tolist(), strict=True))

    @property
    def variety(self) -> float:
        """Median of `spreads`; NaN where there is none."""
        known = [ratio for ratio in self.spreads.values() if math.isfinite(ratio)]
        return float(np.median(known)) if known else math.nan

    @property
    def duplicates(self) -> float:
        """Fraction of samples with a near duplicate at some shift; NaN where none are compared."""
        return _repeated(self.twins, self.near)

    @property
    def real_duplicates(self) -> float:
        """Fraction of real patches with a near duplicate."""
        return _repeated(self.real_twins, self.near)

    @property
    def repeats(self) -> bool:
        """Whether more samples than 5 % have a near duplicate, and more than by chance.

        Binomial, at the significance `level`, with the rate (r + 1) / (m + 2) of r such among m
        real patches. Duplicates come in twos: half of them are counted.
        """
        from scipy.stats import binom

        known, real = (int(np.isfinite(v).sum()) for v in (self.twins, self.real_twins))
        if not known or not self.duplicates > DUPLICATES_ALLOWED:
            return False
        found = math.ceil(round(known * self.duplicates) / 2)
        usual = round(real * self.real_duplicates) if real else 0
        return bool(binom.sf(found - 1, known, (usual + 1) / (real + 2)) < self.level)

    @property
    def memorises(self) -> bool:
        """Whether too many are too near to be chance, or one is a copy."""
        return self.chance < self.level or self.copies > 0

    @property
    def collapsed(self) -> bool:
        """Whether samples vary too little, or repeat one another (`repeats`).

        Too little: `variety` below 0.5, and below 1 by two standard errors of such a ratio.
        """
        return self.repeats or self._narrow

    @property
    def _narrow(self) -> bool:
        if math.isnan(self.variety):
            return False
        error = math.sqrt(0.5 / (len(self) - 1) + 0.5 / (len(self.real_distances) - 1))
        return self.variety < COLLAPSED and self.variety * math.exp(2 * error) < 1

    @property
    def passed(self) -> bool:
        """Whether samples are neither memorised nor collapsed."""
        return not (self.memorises or self.collapsed)

    @property
    def verdict(self) -> str:
        """What the numbers say, in words."""
        parts = []
        if self.copies:
            parts.append(f"{self.copies} of {len(self)} are copies of training images.")
        elif self.memorises:
            midway = np.median(self.distances) > 0.5 * np.median(self.real_distances)
            smoother = midway and self.means["specific_surface"] < 0.9
            parts.append(
                f"{100 * self.memorised:.0f} % are nearer to the training images than real patches "
                "are: memorised"
                + (", or near because they are smoother than the material." if smoother else ".")
            )
        else:
            parts.append("No nearer to the training images than real patches are.")
        if self.repeats:
            parts.append(f"{100 * self.duplicates:.0f} % repeat another one.")
        if self._narrow:
            parts.append(f"Too alike: they vary {self.variety:.2g} times as much as real patches.")
        elif not self.collapsed and math.isfinite(self.variety):
            parts.append(f"They vary {self.variety:.2g} times as much as real patches.")
        return " ".join(parts)

    @property
    def _rank(self) -> int:
        return max(1, math.floor(self.quantile * len(self.real_distances)))

    def pairs(self, k: int = 3) -> npt.NDArray[np.uint8]:
        """Return the nearest pairs, shape (k, 2, size, size), nearest first; at most eight.

        Each a sample and the training window nearest to it, turned to lie like it; 1 is the phase.
        """
        return self.kept[: _validate.integer(k, name="k", minimum=1)]

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw how many samples, and how many real patches, are how far from the training."""
        from microtwin.comparison._novelty_plots import plot_distances

        return plot_distances(self, ax)

    def plot_pairs(self, k: int = 3) -> "Figure":
        """Draw the nearest pairs: sample, nearest training window, and where they differ."""
        from microtwin.comparison._novelty_plots import plot_pairs

        return plot_pairs(self, k)

    def summary(self) -> Record:
        """Return the figures that tell most as a JSON-ready object."""
        return {
            "passed": self.passed,
            "verdict": self.verdict,
            "judged": len(self),
            "real_patches": len(self.real_distances),
            "held_out": self.held_out,
            "size": self.size,
            "median": float(np.median(self.distances)),
            "real_median": float(np.median(self.real_distances)),
            "threshold": self.threshold,
            "memorised": self.memorised,
            "chance": self.chance,
            "copies": self.copies,
            "variety": _number(self.variety),
            "spreads": {name: _number(value) for name, value in self.spreads.items()},
            "duplicates": _number(self.duplicates),
            "real_duplicates": _number(self.real_duplicates),
        }

    def to_dataframe(self) -> "pd.DataFrame":
        """Return one row for each window of a sample and for each real patch.

        Columns: kind ("sample" or "real"), sample, row, column, distance, unlike, image, image_row,
        image_column, symmetry, twin, and the descriptors.
        """
        import pandas as pd

        own = pd.DataFrame(self.chosen, columns=["sample", "row", "column"])
        own.insert(0, "kind", "sample")
        own["distance"], own["unlike"] = self.distances, self.unlike
        own[["image", "image_row", "image_column", "symmetry"]] = self.places
        own["twin"] = self.twins
        own[list(self.descriptors)] = self.values
        real = pd.DataFrame({"distance": self.real_distances, "unlike": self.real_unlike})
        real["twin"] = self.real_twins
        real.insert(0, "kind", "real")
        real[list(self.descriptors)] = self.real_values
        whole = ["sample", "row", "column", "image", "image_row", "image_column", "symmetry"]
        return pd.concat([own, real], ignore_index=True).astype(dict.fromkeys(whole, "Int64"))

    def to_csv(self, path: str | os.PathLike[str]) -> Path:
        """Write the table to a CSV file, all else in its first line; `from_csv` reads it back.

        Exactly, but for the pictures in `kept`.
        """
        about = {name: getattr(self, name) for name in _ABOUT}
        head = {"format": FORMAT, **about, "descriptors": self.descriptors}
        table = self.to_dataframe().to_csv(index=False, lineterminator="\n")
        return _result_files.write_csv(path, head, table)

    @classmethod
    def from_csv(cls, path: str | os.PathLike[str]) -> Self:
        """Read what `to_csv` wrote.

        Raises
        ------
        InputError
            If it cannot be read, or is something else.
        """
        return _result_files.read_csv(path, FORMAT, cls._of_table)

    @classmethod
    def _of_table(cls, head: Record, rows: Sequence[Mapping[str, str]]) -> Self:
        names = head["descriptors"]

        def column(kind: str, name: str) -> list[float]:
            texts = (row[name] for row in rows if row["kind"] == kind)
            return [float(text) if text else math.nan for text in texts]

        def table(kind: str, columns: list[str], type_: Any) -> npt.NDArray[Any]:
            values = np.array([column(kind, name) for name in columns], dtype=type_)
            return np.ascontiguousarray(values.T)

        return cls(
            **{name: head[name] for name in _ABOUT},
            chosen=table("sample", ["sample", "row", "column"], np.int64),
            distances=np.array(column("sample", "distance")),
            unlike=np.array(column("sample", "unlike")),
            places=table("sample", ["image", "image_row", "image_column", "symmetry"], np.int64),
            real_distances=np.array(column("real", "distance")),
            real_unlike=np.array(column("real", "unlike")),
            twins=np.array(column("sample", "twin")),
            real_twins=np.array(column("real", "twin")),
            descriptors=tuple(names),
            values=table("sample", names, np.float64),
            real_values=table("real", names, np.float64),
            kept=np.empty((0, 2, head["size"], head["size"]), np.uint8),
        )

    def to_record(self) -> Record:
        """Return all of it as a JSON-ready object."""
        numbers = {name: [_number(v) for v in getattr(self, name)] for name in _FLOATS}
        tables = {name: getattr(self, name).tolist() for name in _TABLES}
        bits = np.packbits(self.kept).tobytes()
        return {
            "format": FORMAT,
            **{name: getattr(self, name) for name in _ABOUT},
            "summary": self.summary(),
            "descriptors": list(self.descriptors),
            **numbers,
            **tables,
            "kept": {"count": len(self.kept), "bits": base64.b64encode(bits).decode("ascii")},
        }

    @classmethod
    def from_record(cls, record: Record) -> Self:
        """Return what `to_record` made."""
        floats: dict[str, Any] = {
            name: np.array([math.nan if v is None else v for v in record[name]], dtype=np.float64)
            for name in _FLOATS
        }
        shape = (record["kept"]["count"], 2, record["size"], record["size"])
        packed = np.frombuffer(base64.b64decode(record["kept"]["bits"]), np.uint8)
        return cls(
            **{name: record[name] for name in _ABOUT},
            **floats,
            chosen=np.array(record["chosen"], dtype=np.int64),
            places=np.array(record["places"], dtype=np.int64),
            descriptors=tuple(record["descriptors"]),
            values=np.array(record["values"], dtype=np.float64),
            real_values=np.array(record["real_values"], dtype=np.float64),
            kept=np.unpackbits(packed, count=math.prod(shape)).reshape(shape),
        )

    def to_json(self, path: str | os.PathLike[str]) -> Path:
        """Write all of it to a JSON file that `from_json` reads back exactly."""
        return _files.write_json(path, self.to_record())

    @classmethod
    def from_json(cls, path: str | os.PathLike[str]) -> Self:
        """Read what `to_json` wrote.

        Raises
        ------
        InputError
            If it cannot be read, or is something else.
        """
        return _result_files.read_json(path, FORMAT, cls.from_record)


def _repeated(twins: Floats, near: float) -> float:
    known = twins[np.isfinite(twins)]
    return float(np.mean(known <= near)) if known.size else math.nan


def _number(value: float) -> float | None:
    """Return a float that JSON knows, None for NaN."""
    return float(value) if math.isfinite(value) else None
