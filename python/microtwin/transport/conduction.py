"""Effective conductivity and diffusivity along an axis, one solution each."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from microtwin import _backend, _core, _memory, _validate
from microtwin._progress import ProgressCallback, silent
from microtwin.errors import ConvergenceError, InputError
from microtwin.transport._inputs import (
    BOUNDARIES,
    PRECISIONS,
    SIDES,
    Labels,
    checked_axis,
    checked_conductivities,
    conductors,
    cube_edge,
    label_counts,
)
from microtwin.transport.result import Conduction

TOL = 1e-4
LEAST_TOL = 1e-6
MAX_ITERATIONS = 1000


_BYTES = 40  # of memory a voxel while it is solved, rounded down


def effective_conductivity(
    labels: npt.ArrayLike,
    conductivities: Mapping[int, float],
    *,
    axis: int = 0,
    boundary: str = "face",
    sides: str = "insulated",
    tol: float = TOL,
    max_iterations: int = MAX_ITERATIONS,
    precision: str = "auto",
    start: npt.ArrayLike | Conduction | None = None,
    fields: bool = False,
    reference: float | None = None,
    device: str = "auto",
    spacing: float | Sequence[float] | None = None,
    threads: int | None = None,
    progress: ProgressCallback = silent,
) -> Conduction:
    """Effective conductivity of a structure along an axis, with a certified interval.

    Solves div(k grad u) = 0 by finite volumes, one unknown a voxel. The flux through the face
    between two voxels is 2 k1 k2 / (k1 + k2) times the difference of their values; laminates along
    the axes are exact. The solver stops when the interval that certainly holds the conductivity of
    these voxels, from a potential above and a balanced flux below, is narrower than `tol`.

    Electrical and thermal conductivity, diffusivity, and permittivity are the same problem.

    Parameters
    ----------
    labels : array_like of int, shape (y, x) or (z, y, x)
        Phase labels 0 .. 255.
    conductivities : mapping of int to float
        Conductivity of each label, in any unit; 0 for an insulator, as for those not named.
    axis : int
        Array axis along which to conduct.
    boundary : {"face", "centre", "periodic"}
        "face": values are fixed on the outer faces of the first and last planes, n voxels apart
        (TauFactor's convention). "centre": in the centres of these planes, n - 1 voxels apart
        (PoreSpy, PuMA). "periodic": the structure repeats in all directions under a mean gradient.
        They differ by the order of one voxel in n.
    sides : {"insulated", "periodic"}
        The faces along the axis; periodic where `boundary` is.
    tol : float
        Relative width of the certified interval to stop at, 1e-6 or more.
    max_iterations : int
        Steps of the solver at most.
    precision : {"auto", "float32", "float64"}
        Of the numbers within the solver; the interval is certain with either.
    start : Conduction or array_like, optional
        Potential to begin from: of a similar structure, or of the same with other conductivities.
        A result needs ``fields=True``.
    fields : bool
        Keep the potential, for `Conduction.plot` and `Conduction.flux_field`.
    reference : float, optional
        k_0 of `relative` and the tortuosity factor; the largest of `conductivities` if not given.
    device : {"auto", "cpu", "cuda"}
        Where to iterate. The interval is told by the processor with either, so that it holds.
        "auto" is the processor so far, even where there is a GPU.
    spacing : float or sequence of float, optional
        Voxel edge in metres. Voxels must be cubes; the result does not depend on their size.
    threads : int, optional
        Threads to work with; by default one for each core.
    progress : callable, optional
        Called once an iteration with how much of the way to `tol` is done, 1, and the number of
        ``iterations`` and the estimated relative ``error`` of the conductivity.

    Returns
    -------
    Conduction
        With ``effective == 0`` and an infinite tortuosity factor where nothing percolates.

    Raises
    ------
    InputError
        If an argument is not as described, or a label has no conductivity.
    ConvergenceError
        If the interval is still wider than `tol` after `max_iterations`. It carries the interval.
    DeviceError
        If `device` is not available.

    References
    ----------
    S. Patankar, Numerical Heat Transfer and Fluid Flow (1980), section 4.2-3, for the harmonic
    mean; S. Torquato, Random Heterogeneous Materials (2002), section 14.1, for the two variational
    principles; S. J. Cooper et al., SoftwareX 5, 203 (2016), for the tortuosity factor.

    Examples
    --------
    Layers in series and in parallel:

    >>> import numpy as np
    >>> layers = np.repeat([[0], [1]], 4, axis=0).repeat(8, axis=1)
    >>> print(f"{effective_conductivity(layers, {0: 1.0, 1: 4.0}, axis=0).effective:.4f}")
    1.6000
    >>> print(f"{effective_conductivity(layers, {0: 1.0, 1: 4.0}, axis=1).effective:.4f}")
    2.5000
    """
    structure = _validate.labels(labels)
    k = checked_conductivities(conductivities, structure)
    return solve(
        structure, k, quantity="conductivity", axis=axis, boundary=boundary, sides=sides, tol=tol,
        max_iterations=max_iterations, precision=precision, start=start, fields=fields,
        reference=reference, device=device,
        spacing=cube_edge(spacing, labels, structure.ndim), threads=threads, progress=progress,
    )  # fmt: skip


def effective_diffusivity(
    labels: npt.ArrayLike,
    *,
    phase: int | Iterable[int],
    diffusivity: float = 1.0,
    axis: int = 0,
    boundary: str = "face",
    sides: str = "insulated",
    tol: float = TOL,
    max_iterations: int = MAX_ITERATIONS,
    precision: str = "auto",
    start: npt.ArrayLike | Conduction | None = None,
    fields: bool = False,
    device: str = "auto",
    spacing: float | Sequence[float] | None = None,
    threads: int | None = None,
    progress: ProgressCallback = silent,
) -> Conduction:
    """Effective diffusivity of a phase along an axis; nothing diffuses through the others.

    `effective_conductivity` with D_0 in the phase and 0 elsewhere.

    Parameters
    ----------
    labels : array_like of int, shape (y, x) or (z, y, x)
        Phase labels 0 .. 255.
    phase : int or iterable of int
        The label or labels that it diffuses through.
    diffusivity : float
        D_0 in the phase.
    axis, boundary, sides, tol, max_iterations, precision, start, fields, device, spacing, threads
        As in `effective_conductivity`.
    progress : callable, optional
        As in `effective_conductivity`.

    Returns
    -------
    Conduction
        `Conduction.effective` is D_eff and `Conduction.relative` D_eff / D_0.

    Raises
    ------
    InputError, ConvergenceError, DeviceError
        As in `effective_conductivity`.

    Examples
    --------
    A straight channel is not tortuous:

    >>> channel = [[0, 1, 0, 0]] * 6
    >>> result = effective_diffusivity(channel, phase=1)
    >>> print(f"{result.relative:.4f} {result.tortuosity_factor:.4f}")
    0.2500 1.0000
    """
    structure = _validate.labels(labels)
    bulk = _validate.real(diffusivity, name="diffusivity", minimum=0)
    if bulk == 0:
        raise InputError("diffusivity must be above 0, not 0")
    return solve(
        structure, conductors(phase, structure, bulk), quantity="diffusivity", axis=axis,
        boundary=boundary, sides=sides, tol=tol, max_iterations=max_iterations,
        precision=precision, start=start, fields=fields, reference=bulk, device=device,
        spacing=cube_edge(spacing, labels, structure.ndim), threads=threads, progress=progress,
    )  # fmt: skip


def solve(
    structure: Labels,
    conductivities: dict[int, float],
    *,
    quantity: str,
    axis: int,
    boundary: str,
    sides: str,
    tol: float,
    max_iterations: int,
    precision: str,
    start: npt.ArrayLike | Conduction | None,
    fields: bool,
    reference: float | None,
    device: str,
    spacing: tuple[float, ...] | None,
    threads: int | None,
    progress: ProgressCallback,
) -> Conduction:
    """Solve for one axis; labels, conductivities and spacing are checked, the rest is not."""
    along = checked_axis(axis, structure.ndim)
    _validate.choice(boundary, BOUNDARIES, name="boundary")
    _validate.choice(sides, SIDES, name="sides")
    _validate.choice(precision, PRECISIONS, name="precision")
    width = _validate.real(tol, name="tol", minimum=LEAST_TOL, maximum=1)
    steps = _validate.integer(max_iterations, name="max_iterations", minimum=1, maximum=2**31 - 1)
    if boundary == "centre" and structure.shape[along] < 2:
        raise InputError(
            f'boundary "centre" needs two planes or more along axis {along}, not 1: use "face"'
        )
    place = _place(device)
    largest = max(conductivities.values())
    k_0 = largest if reference is None else _validate.real(reference, name="reference", minimum=0)
    if k_0 == 0:
        raise InputError("reference must be above 0, not 0")
    # In units of the largest, so that no unit is too small or too large for 32 bits.
    table = np.zeros(_validate.MAX_PHASES)
    table[list(conductivities)] = np.array(list(conductivities.values())) / largest
    wraps = sides == "periodic" or boundary == "periodic"
    if place == "cpu":
        _memory.check(
            structure.size * (_BYTES + (9 if fields else 0)),
            what=f"solving for a structure of {structure.shape}",
            instead="solve a part of it, or every second voxel of it (microtwin.downscale)",
        )
    core = _core if place == "cpu" else _gpu()
    found = core.solve_transport(
        structure,
        table,
        along,
        boundary,
        wraps,
        width,
        steps,
        precision,
        _start(start, structure.shape),
        bool(fields),
        _validate.threads(threads),
        None if progress is silent else _way_to(width, progress),
    )
    if fields and boundary == "periodic" and structure.shape[along] == 1:
        # A voxel that touches nothing but its own images conducts all the same.
        alone = np.isnan(found["potential"]) & (table > 0)[structure]
        found["potential"][alone] = 0
    result = Conduction(
        quantity=quantity,
        axis=along,
        boundary=boundary,
        sides="periodic" if boundary == "periodic" else sides,
        conductivities=conductivities,
        voxels=label_counts(structure),
        shape=structure.shape,
        effective=float(found["effective"]) * largest,
        bounds=(float(found["lower"]) * largest, float(found["upper"]) * largest),
        flux=tuple(float(q) * largest for q in found["flux"]),
        flux_in=float(found["flux_in"]) * largest,
        flux_out=float(found["flux_out"]) * largest,
        reference=k_0,
        percolates=bool(found["percolates"]),
        solved=int(found["solved"]),
        tol=width,
        iterations=int(found["iterations"]),
        precision=str(found["precision"]),
        spacing=spacing,
        device=place,
        structure=structure.copy() if fields else None,
        potential=found["potential"] if fields else None,
    )
    if not found["converged"]:
        raise _not_converged(result)
    return result


def _place(device: str) -> str:
    """Return where to iterate: on a GPU only if one is asked for."""
    return _backend.resolve("cpu" if device == "auto" else device)


def _gpu() -> ModuleType:
    """Return the module that `_place` found a GPU with."""
    module = _backend.cuda_module()
    assert module is not None, "resolved to cuda"
    return module


def _way_to(tol: float, progress: ProgressCallback) -> Callable[[int, float], None]:
    """Return what tells progress: errors fall by a factor an iteration, so digits are counted.

    The interval is some ten times wider than the error, which the last step has to reach.
    """
    furthest = 0.0

    def tell(iterations: int, error: float) -> None:
        nonlocal furthest
        if 0 < error < 1:
            furthest = max(furthest, min(math.log(error) / math.log(tol / 10), 1.0))
        progress(furthest, 1.0, {"iterations": float(iterations), "error": error})

    return tell


def _start(
    value: npt.ArrayLike | Conduction | None, shape: tuple[int, ...]
) -> npt.NDArray[np.float32] | None:
    """Return the potential to begin from; what is not finite is not known."""
    if value is None:
        return None
    if isinstance(value, Conduction):
        if value.potential is None:
            raise InputError("start must hold its potential: solve it with fields=True")
        value = value.potential
    array: npt.NDArray[Any] = np.asarray(value)
    if array.shape != shape:
        raise InputError(f"start must have the shape of labels, {shape}, not {array.shape}")
    if array.dtype.kind not in "biuf":
        raise InputError(f"start must hold real numbers, not {array.dtype}")
    return np.ascontiguousarray(array, dtype=np.float32)


def _not_converged(result: Conduction) -> ConvergenceError:
    return ConvergenceError(
        f"effective {result.quantity} is known only to lie within [{result.lower:.6g}, "
        f"{result.upper:.6g}] after {result.iterations} iterations, which is wider than tol = "
        f"{result.tol:g} of it: raise max_iterations or tol, or set precision to float64",
        lower=result.lower,
        upper=result.upper,
        iterations=result.iterations,
    )
