"""What a structure conducts: effective conductivity and diffusivity, tortuosity, bounds.

What lives here: solutions on the voxels with their certified interval, bounds and estimates from
fractions alone, and geometric companions of the tortuosity factor. What may not: jax, dask, and
anything that makes a structure.
"""

from microtwin.transport._plots import plot_conductivities
from microtwin.transport.conduction import effective_conductivity, effective_diffusivity
from microtwin.transport.estimates import (
    Estimates,
    bruggeman_estimate,
    conductivity_estimates,
    hashin_shtrikman_bounds,
    maxwell_estimate,
    power_law_estimate,
    wiener_bounds,
)
from microtwin.transport.geodesic import (
    GeodesicTortuosity,
    geodesic_tortuosity,
    percolating_fraction,
)
from microtwin.transport.permeability import PermeabilityEstimate, permeability_estimate
from microtwin.transport.result import Conduction
from microtwin.transport.tensor import ConductivityTensor, effective_tensor

__all__ = [
    "Conduction",
    "ConductivityTensor",
    "Estimates",
    "GeodesicTortuosity",
    "PermeabilityEstimate",
    "bruggeman_estimate",
    "conductivity_estimates",
    "effective_conductivity",
    "effective_diffusivity",
    "effective_tensor",
    "geodesic_tortuosity",
    "hashin_shtrikman_bounds",
    "maxwell_estimate",
    "percolating_fraction",
    "permeability_estimate",
    "plot_conductivities",
    "power_law_estimate",
    "wiener_bounds",
]
