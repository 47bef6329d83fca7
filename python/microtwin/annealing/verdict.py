"""How a twin fares in what it was not annealed to."""

import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from microtwin import _validate
from microtwin.errors import InputError
from microtwin.images.windows import windows
from microtwin.statistics import STATISTICS, Description, describe
from microtwin.statistics._kinds import KINDS
from microtwin.statistics._registry import CURVES, Directed
from microtwin.statistics.directions import FAMILIES

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]

_LONGEST = 32  # voxels: what is further apart hardly ever hangs together
_PARTS = {2: 3, 3: 2}  # along each side: nine quadrants of an image, eight octants of a volume
# Numbers that do not depend on how large the part is, but for its edges.
_INTENSIVE = (
    "perimeter_density", "specific_surface", "mean_breadth_density", "euler_density",
    "largest_fraction", "percolating_z", "percolating_y", "percolating_x",
)  # fmt: skip
_NEGLIGIBLE = 0.01  # of a value: the least that counts as a spread, where parts are all alike
_WORDS = {  # for what its name alone would not tell
    "two_point": "S2",
    "lineal_path": "lineal path",
    "cluster": "C2, which ends hang together",
    "euler_density": "Euler number (pieces, holes and handles)",
    "largest_fraction": "share of the largest cluster",
    "perimeter_density": "length of the interface",
    "specific_surface": "area of the interface",
    "mean_breadth_density": "curvature of the interface",
    **{f"percolating_{axis}": f"percolation along {axis}" for axis in "zyx"},
}


@dataclass(frozen=True, slots=True)
class Row:
    """One statistic of a twin beside that of its reference.

    Attributes
    ----------
    statistic : str
        Name of a curve ("two_point" is S2 less φ² here), or of a number such as "euler_density".
    directions : str
        Family of directions of a curve; "none" where there is none.
    twin, reference : float
        The number; of a curve its mean over directions and lags.
    difference : float
        Of a number the absolute difference; of curves the root-mean-square one.
    spread : float
        What samples as large as these two differ by, in the same way.
    ratio : float
        Difference over spread.
    passed : bool
        Whether the ratio is within the limit.
    """

    statistic: str
    directions: str
    twin: float
    reference: float
    difference: float
    spread: float
    ratio: float
    passed: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a twin fares in what was not annealed; see `unconstrained`.

    Attributes
    ----------
    phase : int
        Label of the phase.
    rows : tuple of Row
        Each statistic, curves first.
    constrained : tuple of str
        What was annealed and is left out.
    parts : int
        How many parts of the reference the spread was taken from.
    limit : float
        Largest ratio that passes.
    """

    phase: int
    rows: tuple[Row, ...]
    constrained: tuple[str, ...]
    parts: int
    limit: float

    @property
    def failures(self) -> tuple[Row, ...]:
        """The rows that did not pass, the worst first."""
        return tuple(sorted((r for r in self.rows if not r.passed), key=lambda r: -r.ratio))

    @property
    def passed(self) -> bool:
        """Whether every row did."""
        return not self.failures

    def to_dataframe(self) -> "pd.DataFrame":
        """Return one row for each statistic."""
        import pandas as pd

        names = [field.name for field in fields(Row)]
        return pd.DataFrame([astuple(row) for row in self.rows], columns=names)

    def __str__(self) -> str:
        head = f"{'statistic':22}{'directions':16}{'twin':>11}{'reference':>11}"
        lines = [head + f"{'difference':>12}{'spread':>11}{'ratio':>8}"]
        for r in self.rows:
            numbers = f"{r.twin:11.4g}{r.reference:11.4g}{r.difference:12.3g}{r.spread:11.3g}"
            mark = "" if r.passed else "  failed"
            lines.append(f"{r.statistic:22}{r.directions:16}{numbers}{r.ratio:8.2f}{mark}")
        lines += ["", *self._words()]
        return "\n".join(lines)

    def _words(self) -> list[str]:
        measured = f"{len(self.rows)} statistics that were not annealed"
        if self.passed:
            return [f"The twin is within what samples of the material differ by in all {measured}."]
        lines = [f"Annealing failed in {len(self.failures)} of {measured}:"]
        for r in self.failures:
            where = "" if r.directions == "none" else f" ({r.directions.replace('_', ' ')})"
            word = _WORDS.get(r.statistic) or KINDS[r.statistic].name
            times = f"{r.ratio:.1f} times" if math.isfinite(r.ratio) else "infinitely many times"
            lines.append(f"- {word}{where}: off by {times} what samples of the material differ by.")
        return lines


def unconstrained(
    twin: npt.ArrayLike,
    reference: npt.ArrayLike,
    *,
    phase: int = 1,
    constrained: str | Sequence[str] = ("two_point", "lineal_path"),
    max_lag: int | None = None,
    parts: int | None = None,
    confidence: float = 0.99,
    threads: int | None = None,
) -> Verdict:
    """Compare a twin with its reference in everything that it was not annealed to.

    All is measured without wrapping. Where one of the two is larger it is taken window by window of
    the size of the smaller one, because how much hangs together depends on the size. The yardstick
    is how much parts of the reference differ from one another: their standard deviation, scaled
    with the root of the volume to samples as large as the twin and the reference. A row passes if
    its difference is within the quantile of Student's t for so many parts.

    Parameters
    ----------
    twin : array_like of int
        Labels of the twin.
    reference : array_like of int
        Labels of a structure of the material, of the same dimension.
    phase : int
        Label of the phase to look at.
    constrained : str or sequence of str
        What was annealed, along the axes, and is left out; "two_point/radial" names another family
        of directions.
    max_lag : int, optional
        Largest lag in voxels; by default half the shortest side of a part, up to 32.
    parts : int, optional
        Into how many parts each side of the reference is cut; by default 3 of an image and 2 of a
        volume.
    confidence : float
        Chance of one row to pass where the twin is a sample of the material.
    threads : int, optional
        Threads to count with; by default one for each core.

    Returns
    -------
    Verdict

    Raises
    ------
    InputError
        If an argument is not as described, or a part of the reference holds no interface.

    Examples
    --------
    >>> import microtwin as mt
    >>> real = mt.synthetic.gaussian_field((96, 96), correlation_length=4, fraction=0.5)
    >>> noise = mt.synthetic.bernoulli((96, 96), fraction=0.5)
    >>> unconstrained(noise, real).passed
    False
    """
    mine = _validate.labels(twin, name="twin")
    theirs = _validate.labels(reference, name="reference")
    if mine.ndim != theirs.ndim:
        raise InputError(f"reference must be {mine.ndim}-D like the twin, not {theirs.ndim}-D")
    label = _validate.integer(phase, name="phase", minimum=0, maximum=255)
    names = (constrained,) if isinstance(constrained, str) else tuple(constrained)
    left_out = tuple(_checked(name) for name in names)
    cuts = _PARTS[mine.ndim] if parts is None else _validate.integer(parts, name="parts", minimum=2)
    if min(theirs.shape) < cuts:
        raise InputError(
            f"reference must be at least {cuts} voxels along each side, not {theirs.shape}"
        )
    level = _validate.real(confidence, name="confidence", minimum=0.5, maximum=1 - 1e-9)
    pieces = _windows(theirs, tuple(side // cuts for side in theirs.shape), label, "reference")
    common = tuple(map(min, mine.shape, theirs.shape))
    farthest = max(min(_LONGEST, min(*pieces[0].shape, *common) // 2), 1)
    reach = farthest if max_lag is None else _validate.integer(max_lag, name="max_lag", minimum=1)

    def measured(samples: list[_validate.Labels]) -> dict[tuple[str, str], Floats]:
        real = describe(
            samples, phase=label, statistics="all", directions="all", max_lag=reach,
            threads=threads, remember=False,
        )  # fmt: skip
        return {key: v for key, v in _values(real).items() if key not in left_out}

    samples = [_windows(s, common, label, n) for s, n in ((mine, "twin"), (theirs, "reference"))]
    of_twin, of_reference = map(measured, samples)
    of_parts = [measured([piece]) for piece in pieces]
    volumes = [sum(one.size for one in some) for some in samples]
    scale = math.sqrt(pieces[0].size * sum(1 / volume for volume in volumes))
    from scipy.special import stdtrit

    limit = float(stdtrit(len(pieces) - 1, (1 + level) / 2))
    rows = [
        _row(key, of_twin[key], of_reference[key], [part[key] for part in of_parts], scale, limit)
        for key in of_reference
    ]
    return Verdict(label, tuple(r for r in rows if r), names, len(pieces), limit)


def _checked(name: str) -> tuple[str, str]:
    """Return the statistic and the directions that a name stands for."""
    statistic, _, directions = name.partition("/")
    _validate.choice(statistic, (*STATISTICS, *_INTENSIVE), name="each of constrained")
    curve = statistic in CURVES and isinstance(CURVES[statistic].along, Directed)
    family = _validate.choice(
        directions or "axes", FAMILIES, name=f"directions of {statistic} in constrained"
    )
    return statistic, family if curve else "none"


def _windows(
    labels: _validate.Labels, shape: tuple[int, ...], phase: int, name: str
) -> list[_validate.Labels]:
    """Return the windows of a shape that a structure holds side by side."""
    pieces = [np.ascontiguousarray(piece) for piece in windows(labels, shape)]
    if not all(0 < np.count_nonzero(window == phase) < window.size for window in pieces):
        raise InputError(
            f"{name} must hold phase {phase} and another one in every part of {shape} voxels"
        )
    return pieces


def _values(real: Description) -> dict[tuple[str, str], Floats]:
    """Return curves, shape (directions, n), and numbers, shape (1, 1)."""
    found = {(f.statistic, f.directions): f.values for f in real.functions}
    for key, values in found.items():
        if key[0] == "two_point":
            # Parts differ in their fraction too, of which a twin has that of its reference: S2
            # itself would hide behind φ².
            found[key] = values - values[:, :1] ** 2
    for one in real.numbers:
        for name, value in one.numbers.items():
            if name in _INTENSIVE:
                found[name, "none"] = np.array([[value]])
    return found


def _row(
    key: tuple[str, str],
    twin: Floats,
    reference: Floats,
    parts: list[Floats],
    scale: float,
    limit: float,
) -> Row | None:
    """Return the row of a statistic; None where some of the samples have no value at all."""
    n = min(values.shape[1] for values in (twin, reference, *parts))
    a, b, *rest = (values[:, :n] for values in (twin, reference, *parts))
    known = np.asarray(np.isfinite([a, b, *rest]).all(axis=0))
    if key[1] != "none":
        known[:, 0] = False  # the fraction, which is the same by construction
    if not known.any():
        return None
    spread = scale * _rms(np.std(rest, axis=0, ddof=1)[known])
    spread = max(spread, _NEGLIGIBLE * _rms(b[known]))
    difference = _rms((a - b)[known])
    ratio = difference / spread if spread > 0 else (math.inf if difference > 0 else 0.0)
    means = float(a[known].mean()), float(b[known].mean())
    return Row(*key, *means, difference, spread, ratio, ratio <= limit)


def _rms(values: Floats) -> float:
    return float(np.sqrt(np.mean(np.square(values))))
