"""The effective conductivity as a tensor, by one solution an axis."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from microtwin import _validate
from microtwin._progress import ProgressCallback, silent
from microtwin.errors import InputError
from microtwin.transport import _files
from microtwin.transport._inputs import Floats, axis_name, checked_conductivities, cube_edge
from microtwin.transport.conduction import MAX_ITERATIONS, TOL, solve
from microtwin.transport.result import Conduction

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ConductivityTensor:
    """Effective conductivity tensor of a structure.

    Attributes
    ----------
    solutions : tuple of Conduction
        The solution for each array axis.
    """

    form: ClassVar[str] = "microtwin-conductivity-tensor-1"

    solutions: tuple[Conduction, ...]

    @property
    def ndim(self) -> int:
        """2 for images, 3 for volumes."""
        return len(self.solutions)

    @property
    def tensor(self) -> Floats:
        """Mean flux along axis i per mean gradient along axis j, shape (ndim, ndim).

        The diagonal is `diagonal`. What stands off it are fluxes, whose error is of first order in
        that of the potential: some root of the width of the certified intervals.
        """
        tensor = np.array([one.flux for one in self.solutions], dtype=np.float64).T
        np.fill_diagonal(tensor, self.diagonal)
        return tensor

    @property
    def diagonal(self) -> Floats:
        """Effective conductivity along each axis, shape (ndim,)."""
        return np.array([one.effective for one in self.solutions])

    @property
    def bounds(self) -> Floats:
        """Certified interval of each effective conductivity of `diagonal`, shape (ndim, 2)."""
        return np.array([one.bounds for one in self.solutions])

    @property
    def symmetric(self) -> Floats:
        """The symmetric part, shape (ndim, ndim)."""
        return np.asarray((self.tensor + self.tensor.T) / 2)

    @property
    def asymmetry(self) -> float:
        """Norm of the antisymmetric part over that of the tensor.

        Periodic, the tensor is symmetric and this is an error of the solution. Between a fixed
        inlet and outlet it is no error: fluxes across are then held up by the sides.
        """
        norm = float(np.linalg.norm(self.tensor))
        difference = float(np.linalg.norm(self.tensor - self.tensor.T)) / 2
        return difference / norm if norm > 0 else 0.0

    @property
    def principal_values(self) -> Floats:
        """Eigenvalues of the symmetric part, the greatest first, shape (ndim,)."""
        return self._principal()[0]

    @property
    def principal_directions(self) -> Floats:
        """Unit vectors along the array axes, row i for principal value i, shape (ndim, ndim)."""
        return self._principal()[1]

    @property
    def anisotropy(self) -> float:
        """The greatest principal value over the least; infinite where that is 0, NaN if all are."""
        values = self.principal_values
        if values[0] <= 0:
            return float("nan")
        return float(values[0] / values[-1]) if values[-1] > 0 else float("inf")

    def __str__(self) -> str:
        """Return the tensor, its intervals and its principal values."""
        first = self.solutions[0]
        names = [axis_name(b, self.ndim) for b in range(self.ndim)]
        lines = [f"effective conductivity tensor, boundary {first.boundary}, sides {first.sides}"]
        lines += [
            "  ".join([f"{name} |", *(f"{value:12.5g}" for value in row)])
            for name, row in zip(names, self.tensor, strict=True)
        ]
        lines += [one.verdict for one in self.solutions]
        values = ", ".join(f"{value:.5g}" for value in self.principal_values)
        lines.append(f"principal values {values}; asymmetry {self.asymmetry:.2g}")
        return "\n".join(lines)

    def __repr__(self) -> str:
        values = ", ".join(f"{value:.5g}" for value in self.principal_values)
        return f"ConductivityTensor(principal values {values})"

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the tensor as a coloured table."""
        from microtwin.transport._plots import plot_tensor

        return plot_tensor(self, ax)

    def to_record(self) -> dict[str, Any]:
        """Return a JSON-ready object that `from_record` reads back exactly."""
        return {
            "format": self.form,
            "solutions": [one.to_record() for one in self.solutions],
            "tensor": self.tensor.tolist(),
            "principal_values": self.principal_values.tolist(),
            "principal_directions": self.principal_directions.tolist(),
            "asymmetry": self.asymmetry,
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """Return the result that `to_record` made an object of, without its fields.

        Raises
        ------
        InputError
            If the record is of something else, or incomplete.
        """
        if record.get("format") != cls.form or not record.get("solutions"):
            raise InputError(f"record must be {cls.form}, not {record.get('format')!r}")
        return cls(tuple(Conduction.from_record(one) for one in record["solutions"]))

    def to_dataframe(self) -> "pd.DataFrame":
        """Return one row for each axis."""
        import pandas as pd

        return pd.DataFrame([one.to_row() for one in self.solutions])

    def to_json(self, path: str | os.PathLike[str]) -> Path:
        """Write a JSON file that `from_json` reads back exactly, but for the fields."""
        return _files.write_json(path, self.to_record())

    def to_csv(self, path: str | os.PathLike[str]) -> Path:
        """Write a CSV file, a row an axis, that `from_csv` reads back exactly."""
        rows = [one.to_row() for one in self.solutions]
        return _files.write_csv(path, self.to_record(), rows)

    @classmethod
    def from_json(cls, path: str | os.PathLike[str]) -> Self:
        """Read what `to_json` wrote."""
        return _files.read(path, cls.form, cls.from_record, table=False)

    @classmethod
    def from_csv(cls, path: str | os.PathLike[str]) -> Self:
        """Read what `to_csv` wrote."""
        return _files.read(path, cls.form, cls.from_record, table=True)

    def _principal(self) -> tuple[Floats, Floats]:
        values, vectors = np.linalg.eigh(self.symmetric)
        vectors = vectors.T[::-1]
        # Of two opposite vectors, the one whose largest component is positive.
        largest = np.abs(vectors).argmax(axis=1)
        signs = np.sign(vectors[np.arange(len(vectors)), largest])
        return values[::-1], np.asarray(vectors * signs[:, None])


def effective_tensor(
    labels: npt.ArrayLike,
    conductivities: Mapping[int, float],
    *,
    boundary: str = "periodic",
    sides: str = "insulated",
    tol: float = TOL,
    max_iterations: int = MAX_ITERATIONS,
    precision: str = "auto",
    fields: bool = False,
    reference: float | None = None,
    device: str = "auto",
    spacing: float | Sequence[float] | None = None,
    threads: int | None = None,
    progress: ProgressCallback = silent,
) -> ConductivityTensor:
    """Effective conductivity tensor of a structure, by one solution an axis.

    Periodic, the tensor is what belongs to the medium that the structure is a cell of; it is
    symmetric. Between fixed faces with insulated sides a sample cannot conduct across, and what
    stands off the diagonal is the mean flux across all the same.

    Parameters
    ----------
    labels, conductivities, sides, tol, max_iterations, precision
        As in `effective_conductivity`.
    reference, device, spacing, threads
        As in `effective_conductivity`.
    boundary : {"periodic", "face", "centre"}
        As in `effective_conductivity`.
    fields : bool
        Keep the potential of every solution.
    progress : callable, optional
        Called once an iteration with how many solutions are done, in part too, of how many; see
        `microtwin._progress.ProgressCallback`.

    Returns
    -------
    ConductivityTensor

    Raises
    ------
    InputError, ConvergenceError, DeviceError
        As in `effective_conductivity`.

    Examples
    --------
    Layers across axis 0:

    >>> import numpy as np
    >>> layers = np.repeat([[0], [1]], 4, axis=0).repeat(8, axis=1)
    >>> effective_tensor(layers, {0: 1.0, 1: 4.0}).diagonal.round(4)
    array([1.6, 2.5])
    """
    structure = _validate.labels(labels)
    k = checked_conductivities(conductivities, structure)
    edges = cube_edge(spacing, labels, structure.ndim)
    solutions = []
    for axis in range(structure.ndim):
        within = silent if progress is silent else _part_of(progress, axis, structure.ndim)
        solutions.append(
            solve(
                structure, k, quantity="conductivity", axis=axis, boundary=boundary, sides=sides,
                tol=tol, max_iterations=max_iterations, precision=precision, start=None,
                fields=fields, reference=reference, device=device, spacing=edges,
                threads=threads, progress=within,
            )
        )  # fmt: skip
        progress(axis + 1, structure.ndim, {})
    return ConductivityTensor(tuple(solutions))


def _part_of(progress: ProgressCallback, before: int, count: int) -> ProgressCallback:
    """Return what tells the progress of one solution as part of all of them."""

    def tell(done: float, total: float, values: Mapping[str, float]) -> None:
        progress(before + done / total, count, values)

    return tell
