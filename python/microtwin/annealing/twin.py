"""What annealing returns."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from microtwin import _validate
from microtwin._version import __version__
from microtwin.errors import InputError
from microtwin.statistics import Description, describe, two_point_map
from microtwin.statistics.directions import FAMILIES

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

MAP_RADIUS = 16  # voxels

_COLUMNS = ("proposals", "energies", "temperatures", "acceptances", "seconds")


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """The course of an annealing run, one entry a step of the temperature.

    As an array, or by index, it is its energies.

    Attributes
    ----------
    proposals : ndarray of int64, shape (n,)
        Exchanges proposed so far.
    energies : ndarray of float64, shape (n,)
        Total squared error after them.
    temperatures : ndarray of float64, shape (n,)
        Temperature of the step that ended there.
    acceptances : ndarray of float64, shape (n,)
        Fraction of the step's proposals that were accepted.
    seconds : ndarray of float64, shape (n,)
        Time spent so far.
    """

    proposals: npt.NDArray[np.int64]
    energies: npt.NDArray[np.float64]
    temperatures: npt.NDArray[np.float64]
    acceptances: npt.NDArray[np.float64]
    seconds: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.proposals)

    def __getitem__(self, index: int) -> float:
        return float(self.energies[index])

    def __array__(
        self, dtype: npt.DTypeLike | None = None, copy: bool | None = None
    ) -> npt.NDArray[Any]:
        return np.array(self.energies, dtype=dtype, copy=True if copy is None else copy)

    def to_dataframe(self) -> "pd.DataFrame":
        """Return one row a step."""
        import pandas as pd

        return pd.DataFrame({name: getattr(self, name) for name in _COLUMNS})


@dataclass(frozen=True, slots=True, eq=False)
class Twin:
    """A structure that annealing has made.

    Attributes
    ----------
    labels : ndarray of uint8
        The structure, of the shape asked for.
    energy : float
        Total squared error left: over all directions, lags from 1, functions and phases that were
        constrained, in squared probabilities, without the weights.
    history : History
        The course of the run.
    proposals, accepted : int
        Exchanges proposed and made.
    seconds : float
        Time spent, over all resumptions.
    stop_reason : str
        "energy", "stall", "proposals" or "time".
    target : Description
        What the twin was annealed to.
    max_lag : int
        Largest lag of the objective (less along a side too short for it).
    periodic : bool
        Whether the twin's own lags wrap at its faces.
    seed : int
    version : str
        Of microtwin.
    """

    labels: npt.NDArray[np.uint8]
    energy: float
    history: History = field(repr=False)
    proposals: int
    accepted: int
    seconds: float
    stop_reason: str
    target: Description = field(repr=False)
    max_lag: int
    periodic: bool
    seed: int
    version: str = __version__

    @property
    def spacing(self) -> tuple[float, ...] | None:
        """Voxel edge in metres along each axis of the twin, or None."""
        spacing = self.target.spacing
        if spacing is None or len(spacing) == self.labels.ndim:
            return spacing
        return (spacing[0],) * self.labels.ndim if len(set(spacing)) == 1 else None

    def map_error(
        self,
        reference: npt.ArrayLike | None = None,
        *,
        phase: int | None = None,
        radius: int | None = None,
    ) -> float:
        """Root-mean-square difference of the S2 maps of the twin and of a reference, |r| <= radius.

        Curves along the axes can agree to the last digit while S2 between the axes is wrong: look
        at this number too.

        Parameters
        ----------
        reference : array_like of int, optional
            A structure of the target's material, of the twin's dimension; by default the target
            itself, as far as it remembers the structures it was measured of.
        phase : int, optional
            Label to compare; by default that of the target.
        radius : int, optional
            Largest displacement in voxels, less than half of every side; by default 16, or what
            fits.

        Raises
        ------
        InputError
            If there is nothing to compare with.
        """
        label = self.target.phase if phase is None else phase
        room = min((side - 1) // 2 for side in self.labels.shape)
        if radius is None:
            radius = min(MAP_RADIUS, room)
        elif _validate.integer(radius, name="radius", minimum=0) > room:
            raise InputError(
                f"radius must be less than half of every side of the twin, not {radius}"
            )
        mine = two_point_map(self.labels, phase=label, max_lag=radius, periodic=self.periodic)
        wanted = None
        if reference is not None:
            wanted = two_point_map(
                reference, phase=label, max_lag=radius, periodic=self.target.periodic
            )
        elif label in self.target.phases:
            wanted = self.target.of(label).two_point_map(radius)
        if wanted is None or wanted.ndim != self.labels.ndim:
            raise InputError(
                f"reference must be a {self.labels.ndim}-D structure where target remembers none"
            )
        if wanted.max_lag != mine.max_lag:
            raise InputError(f"radius must be less than every side of reference, not {radius}")
        lags = np.stack(np.meshgrid(*mine.lags, indexing="ij"))
        inside = np.linalg.norm(lags, axis=0) <= radius
        return float(np.sqrt(np.mean(np.square(mine.values - wanted.values)[inside])))

    def describe(self, *, threads: int | None = None) -> Description:
        """Measure the twin as its target was measured, wrapping as its annealing did."""
        measured = {f.directions for f in self.target.functions}
        families = [family for family in FAMILIES if family in measured]
        axes = None
        if families == ["axes"] and self.target.ndim == self.labels.ndim:
            axes = next(f.axes for f in self.target.functions if f.directions == "axes")
        return describe(
            self.labels,
            phase=[self.target.phase, *(p for p in self.target.phases if p != self.target.phase)],
            statistics=self.target.statistics,
            axes=axes,
            directions=families,
            max_lag=self.max_lag,
            periodic=self.periodic,
            spacing=self.spacing,
            threads=threads,
        )

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the energy against the proposals."""
        if ax is None:
            from matplotlib.figure import Figure

            ax = Figure(figsize=(5.5, 4), layout="constrained").subplots()
        ax.loglog(self.history.proposals, self.history.energies)
        ax.set(xlabel="proposals", ylabel="energy (total squared error)", title="annealing")
        return ax
