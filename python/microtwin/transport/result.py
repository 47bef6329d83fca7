"""What one solution gives: the effective conductivity, how sure it is, and all that follows."""

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Context
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from microtwin._version import __version__
from microtwin.errors import OF_DAMAGE, InputError
from microtwin.transport import _files
from microtwin.transport._inputs import Labels, axis_name
from microtwin.transport.estimates import Estimates, conductivity_estimates

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ABOUT = (
    "quantity", "axis", "boundary", "sides", "tol", "reference", "effective", "flux_in",
    "flux_out", "percolates", "solved", "iterations", "precision", "device", "version",
)  # fmt: skip
_TUPLES = ("shape", "bounds", "flux", "spacing")
_NUMBERS = (
    "effective", "lower", "upper", "relative", "tortuosity_factor", "tortuosity_factor_connected",
    "formation_factor", "bruggeman_exponent", "porosity", "connected", "flux_error",
)  # fmt: skip

_CONVENTIONS = {
    "face": "values fixed on the outer faces of the first and last planes",
    "centre": "values fixed in the centres of the first and last planes",
    "periodic": "periodic in all directions, with a mean gradient",
}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Conduction:
    """Effective conductivity (or diffusivity) of a structure along one axis.

    Attributes
    ----------
    quantity : str
        "conductivity" or "diffusivity": how it is called in texts.
    axis : int
        Array axis along which it conducts.
    boundary : str
        "face", "centre" or "periodic"; see `effective_conductivity`.
    sides : str
        "insulated" or "periodic": the faces along the axis.
    conductivities : mapping of int to float
        Conductivity of each label.
    voxels : mapping of int to int
        Voxels of each label that is there.
    shape : tuple of int
        Shape of the structure in voxels.
    effective : float
        Effective conductivity in the unit of `conductivities`; 0 where nothing percolates.
    bounds : (float, float)
        Certified interval: the effective conductivity of these voxels, by this scheme, lies within.
        It says nothing of the error that voxels make of a smooth interface.
    flux : tuple of float
        Mean flux along each array axis per unit mean gradient along `axis`: a row of the
        effective tensor.
    flux_in, flux_out : float
        Effective conductivity by the fluxes through inlet and outlet. `effective` is by the energy,
        whose error is the square of that of fluxes: they may differ by more than `bounds` are wide.
    reference : float
        The conductivity k_0 that `relative` and the tortuosity factor refer to.
    percolates : bool
        Whether the conducting phases lead from inlet to outlet (periodic: around the axis).
    solved : int
        Voxels of the parts that do.
    tol : float
        Relative width of `bounds` asked for.
    iterations : int
        Steps of the solver.
    precision : str
        "float32" or "float64" within the solver.
    spacing : tuple of float or None
        Voxel edge in metres along each array axis.
    device, version : str
        Where and by which version of microtwin it was solved.
    structure, potential : ndarray or None
        Labels and potential, if `fields` were asked for; NaN where nothing can flow. From 1 at the
        inlet to 0 at the outlet; periodic, what is beyond a uniform gradient of -1/voxel. Not kept
        in files.
    """

    form: ClassVar[str] = "microtwin-conduction-1"

    quantity: str
    axis: int
    boundary: str
    sides: str
    conductivities: Mapping[int, float]
    voxels: Mapping[int, int]
    shape: tuple[int, ...]
    effective: float
    bounds: tuple[float, float]
    flux: tuple[float, ...]
    flux_in: float
    flux_out: float
    reference: float
    percolates: bool
    solved: int
    tol: float
    iterations: int
    precision: str
    spacing: tuple[float, ...] | None = None
    device: str = "cpu"
    version: str = __version__
    structure: Labels | None = None
    potential: npt.NDArray[np.float32] | None = None

    @property
    def ndim(self) -> int:
        """2 for images, 3 for volumes."""
        return len(self.shape)

    @property
    def lower(self) -> float:
        """Lower end of `bounds`."""
        return self.bounds[0]

    @property
    def upper(self) -> float:
        """Upper end of `bounds`."""
        return self.bounds[1]

    @property
    def relative(self) -> float:
        """Effective conductivity over that of the reference, k_eff / k_0."""
        return self.effective / self.reference

    @property
    def fractions(self) -> dict[int, float]:
        """Volume fraction of each label that is there."""
        total = math.prod(self.shape)
        return {label: count / total for label, count in self.voxels.items()}

    @property
    def porosity(self) -> float:
        """Volume fraction φ of all that conducts, connected or not."""
        return sum(f for label, f in self.fractions.items() if self.conductivities[label] > 0)

    @property
    def connected(self) -> float:
        """Volume fraction of what leads from inlet to outlet, dead ends included."""
        return self.solved / math.prod(self.shape)

    @property
    def tortuosity_factor(self) -> float:
        """φ k_0 / k_eff with all that conducts, as TauFactor has it; infinite without a way."""
        return self._tortuosity(self.porosity, self.effective)

    @property
    def tortuosity_factor_connected(self) -> float:
        """The same with what is connected only, as PoreSpy has it."""
        return self._tortuosity(self.connected, self.effective)

    @property
    def tortuosity_factor_bounds(self) -> tuple[float, float]:
        """Certified interval of `tortuosity_factor`."""
        return tuple(self._tortuosity(self.porosity, end) for end in self.bounds[::-1])  # type: ignore[return-value]

    @property
    def formation_factor(self) -> float:
        """k_0 / k_eff; infinite where nothing percolates."""
        return self.reference / self.effective if self.effective > 0 else math.inf

    @property
    def macmullin_number(self) -> float:
        """The name of the formation factor in electrochemistry."""
        return self.formation_factor

    @property
    def bruggeman_exponent(self) -> float:
        """The α of k_eff = k_0 φ^α, 1 - ln τ / ln φ; NaN where everything conducts."""
        if not 0 < self.porosity < 1:
            return math.nan
        if self.effective == 0:
            return math.inf
        return math.log(self.relative) / math.log(self.porosity)

    @property
    def flux_error(self) -> float:
        """Difference of the fluxes through inlet and outlet, over the effective conductivity."""
        return abs(self.flux_in - self.flux_out) / self.effective if self.effective > 0 else 0.0

    @property
    def estimates(self) -> Estimates:
        """Bounds and estimates for the same fractions and conductivities."""
        return conductivity_estimates(self.fractions, self.conductivities, dimension=self.ndim)

    @property
    def verdict(self) -> str:
        """The answer in words, in one line."""
        symbol = "k" if self.quantity == "conductivity" else "D"
        along = f"along {axis_name(self.axis, self.ndim)} (axis {self.axis})"
        if not self.percolates:
            way = "around" if self.boundary == "periodic" else "from inlet to outlet"
            return f"{symbol}_eff = 0 {along}: what conducts does not lead {way}"
        digits = self._digits()
        low = _rounded(self.lower, digits, ROUND_FLOOR)
        high = _rounded(self.upper, digits, ROUND_CEILING)
        return (
            f"{symbol}_eff = {self.effective:.{digits}g} {along}, certified within [{low}, {high}]"
        )

    def __str__(self) -> str:
        """Return the answer, what follows from it, and by which conventions."""
        symbol = "k" if self.quantity == "conductivity" else "D"
        lines = [self.verdict]
        if self.percolates:
            lines.append(
                f"{symbol}_eff/{symbol}_0 = {self.relative:.5g}, formation factor "
                f"{self.formation_factor:.5g}, with {symbol}_0 = {self.reference:g}"
            )
        conducting = {
            k for label, k in self.conductivities.items() if k > 0 and label in self.voxels
        }
        if len(conducting) <= 1:  # of several conductors it says nothing
            lines.append(
                f"tortuosity factor {self.tortuosity_factor:.5g} at porosity {self.porosity:.5g}; "
                f"{self.tortuosity_factor_connected:.5g} with the connected {self.connected:.5g}"
            )
        sides = "" if self.boundary == "periodic" else f", sides {self.sides}"
        steps = f"{self.iterations} iteration{'s' * (self.iterations != 1)}"
        lines.append(f"{_CONVENTIONS[self.boundary]}{sides}; {steps}")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"Conduction({self.verdict})"

    def flux_field(self) -> npt.NDArray[np.float32]:
        """Return the flux in the voxels, one row an axis, per unit mean gradient.

        Component b of a voxel is the mean of the fluxes through its two faces across axis b, so
        that the mean over all voxels is `flux`. It needs ``fields=True``.

        Returns
        -------
        ndarray of float32, shape (ndim, ...) with the shape of the labels
        """
        from microtwin.transport._fields import flux_field

        self._need_fields()
        return flux_field(self)

    def plot(self, figure: "Figure | None" = None, *, at: int | None = None) -> "Figure":
        """Draw the potential and the flux side by side in a slice along the axis.

        It needs ``fields=True``; `plot_estimates` does not.

        Parameters
        ----------
        figure : matplotlib Figure, optional
            Where to draw; a new one if not given.
        at : int, optional
            Where to cut a volume; in the middle if not given.
        """
        from microtwin.transport._plots import plot_fields

        self._need_fields()
        return plot_fields(self, figure, at)

    def plot_estimates(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the effective conductivity among bounds and estimates."""
        from microtwin.transport._plots import plot_estimates

        return plot_estimates(self, ax)

    @property
    def numbers(self) -> dict[str, float]:
        """Each number by its name."""
        return {name: float(getattr(self, name)) for name in _NUMBERS}

    def to_row(self) -> dict[str, Any]:
        """Return one row of a table: the numbers, the fluxes and the conventions."""
        return {
            "quantity": self.quantity,
            "axis": axis_name(self.axis, self.ndim),
            "boundary": self.boundary,
            "sides": self.sides,
            "shape": " ".join(map(str, self.shape)),
            "percolates": self.percolates,
            **self.numbers,
            "reference": self.reference,
            **{f"flux_{axis_name(b, self.ndim)}": q for b, q in enumerate(self.flux)},
            "tol": self.tol,
            "iterations": self.iterations,
            "precision": self.precision,
        }

    def to_record(self) -> dict[str, Any]:
        """Return a JSON-ready object that `from_record` reads back exactly."""
        return {
            "format": self.form,
            **{name: getattr(self, name) for name in _ABOUT},
            **{name: None if (v := getattr(self, name)) is None else list(v) for name in _TUPLES},
            "conductivities": {str(label): k for label, k in self.conductivities.items()},
            "voxels": {str(label): count for label, count in self.voxels.items()},
            "numbers": _files.plain(self.numbers),
            "estimates": _files.plain(self.estimates.numbers),
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """Return the result that `to_record` made an object of, without its fields.

        Raises
        ------
        InputError
            If the record is of something else, or incomplete.
        """
        if record.get("format") != cls.form:
            raise InputError(f"record must be {cls.form}, not {record.get('format')!r}")
        try:
            about: dict[str, Any] = {name: record[name] for name in _ABOUT}
            for name in _TUPLES:
                about[name] = None if record[name] is None else tuple(record[name])
            return cls(
                **about,
                conductivities={int(n): float(k) for n, k in record["conductivities"].items()},
                voxels={int(n): int(count) for n, count in record["voxels"].items()},
            )
        except OF_DAMAGE as error:
            raise InputError(f"record of {cls.form} is damaged: {error}") from error

    def to_dataframe(self) -> "pd.DataFrame":
        """Return a table of one row."""
        import pandas as pd

        return pd.DataFrame([self.to_row()])

    def to_json(self, path: str | os.PathLike[str]) -> Path:
        """Write a JSON file that `from_json` reads back exactly, but for the fields."""
        return _files.write_json(path, self.to_record())

    def to_csv(self, path: str | os.PathLike[str]) -> Path:
        """Write a CSV file of one row that `from_csv` reads back exactly, but for the fields."""
        return _files.write_csv(path, self.to_record(), [self.to_row()])

    @classmethod
    def from_json(cls, path: str | os.PathLike[str]) -> Self:
        """Read what `to_json` wrote."""
        return _files.read(path, cls.form, cls.from_record, table=False)

    @classmethod
    def from_csv(cls, path: str | os.PathLike[str]) -> Self:
        """Read what `to_csv` wrote."""
        return _files.read(path, cls.form, cls.from_record, table=True)

    def _tortuosity(self, fraction: float, effective: float) -> float:
        return fraction * self.reference / effective if effective > 0 else math.inf

    def _digits(self) -> int:
        """Return how many digits tell the ends of the interval apart."""
        width = self.upper - self.lower
        if width <= 0:
            return 10
        return min(max(math.ceil(-math.log10(width / self.effective)) + 1, 4), 12)

    def _need_fields(self) -> None:
        if self.potential is None or self.structure is None:
            raise InputError("the fields were not kept: ask for them with fields=True")


def _rounded(value: float, digits: int, rounding: str) -> str:
    """Return an end of an interval as text; outwards, so that the interval stays true."""
    return f"{Context(prec=digits, rounding=rounding).create_decimal_from_float(value):.{digits}g}"
