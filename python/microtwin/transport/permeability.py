"""Permeability, guessed from porosity and surface."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy.typing as npt

from microtwin import _validate
from microtwin._version import __version__
from microtwin.errors import InputError
from microtwin.statistics.minkowski import METHODS, minkowski
from microtwin.transport._inputs import cube_edge

CARMAN = 5.0


@dataclass(frozen=True, slots=True)
class PermeabilityEstimate:
    """A guess at the permeability by Kozeny and Carman, with what it was made of.

    Attributes
    ----------
    value : float
        φ³ / (c s²), in m², or in squares of a voxel where the spacing is not known.
    phase : int
        The label that the fluid fills.
    porosity : float
        Its volume fraction φ.
    specific_surface : float
        Its surface s per total volume, in 1/m or 1/voxel.
    constant : float
        Kozeny's constant c.
    surface : str
        How the surface was measured; see `microtwin.specific_surface`.
    spacing : tuple of float or None
        Voxel edge in metres along each array axis.
    version : str
        By which version of microtwin it was measured.
    """

    value: float
    phase: int
    porosity: float
    specific_surface: float
    constant: float
    surface: str
    spacing: tuple[float, ...] | None
    version: str = __version__

    def __str__(self) -> str:
        """Return the estimate and what it was made of, in a line."""
        square, one = ("m²", "1/m") if self.spacing is not None else ("voxel²", "1/voxel")
        return (
            f"permeability about {self.value:.3g} {square} (an estimate: Kozeny-Carman with c = "
            f"{self.constant:g}, porosity {self.porosity:.4g}, {self.surface} surface "
            f"{self.specific_surface:.4g} {one})"
        )


def permeability_estimate(
    labels: npt.ArrayLike,
    *,
    phase: int,
    constant: float = CARMAN,
    surface: str = "crofton",
    periodic: bool = False,
    spacing: float | Sequence[float] | None = None,
    threads: int | None = None,
) -> PermeabilityEstimate:
    """Estimate the permeability for a fluid in a phase: k = φ³ / (c s²), Kozeny and Carman.

    No flow is solved for. The formula is that of a bundle of channels. For packings of grains of
    one size it is right within some ten percent; for fibres, cracks and what hardly percolates it
    may be wrong by an order of magnitude, and it never becomes 0 as percolation is lost.

    Parameters
    ----------
    labels : array_like of int, shape (y, x) or (z, y, x)
        Phase labels 0 .. 255. Of an image the surface is perimeter per area, and the result that of
        channels with this cross-section.
    phase : int
        The label that the fluid fills.
    constant : float
        Kozeny's constant: 5 by Carman for packed spheres, 2 for straight round tubes.
    surface : {"crofton", "axes", "faces", "mesh"}
        How to measure the surface; see `microtwin.specific_surface`.
    periodic : bool
        Whether the structure goes on across its faces.
    spacing : float or sequence of float, optional
        Voxel edge in metres; voxels must be cubes.
    threads : int, optional
        Threads to work with; by default one for each core.

    Returns
    -------
    PermeabilityEstimate

    Raises
    ------
    InputError
        If an argument is not as described, or the phase has no surface.

    References
    ----------
    P. C. Carman, Trans. Inst. Chem. Eng. 15, 150 (1937).

    Examples
    --------
    >>> import numpy as np
    >>> slits = np.tile(np.repeat([0, 1], 8), (16, 1))
    >>> print(permeability_estimate(slits, phase=1, surface="faces", periodic=True, spacing=1e-6))
    permeability about 1.6e-12 m² (an estimate: Kozeny-Carman with c = 5, porosity 0.5,
    faces surface 1.25e+05 1/m)
    """
    structure = _validate.labels(labels)
    kozeny = _validate.real(constant, name="constant", minimum=0)
    if kozeny == 0:
        raise InputError("constant must be above 0, not 0")
    _validate.choice(surface, METHODS, name="surface")
    edges = cube_edge(spacing, labels, structure.ndim)
    measured = minkowski(structure, phase=phase, periodic=periodic, spacing=edges, threads=threads)
    area = measured.surface(surface)
    if not area > 0:
        raise InputError(f"phase {phase} has no surface: there is nothing to estimate from")
    porosity = float((structure == phase).mean())
    return PermeabilityEstimate(
        value=porosity**3 / (kozeny * area**2),
        phase=int(phase),
        porosity=porosity,
        specific_surface=area,
        constant=kozeny,
        surface=surface,
        spacing=edges,
    )
