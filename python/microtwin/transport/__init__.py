"""What a structure conducts: effective conductivity and diffusivity, tortuosity, bounds.

What lives here: solutions on the voxels with their certified interval, bounds and estimates from
fractions alone, and geometric companions of the tortuosity factor. What may not: jax, dask, and
anything that makes a structure.
"""

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
from microtwin.transport.result import Conduction

__all__ = [
    "Conduction",
    "Estimates",
    "bruggeman_estimate",
    "conductivity_estimates",
    "effective_conductivity",
    "effective_diffusivity",
    "hashin_shtrikman_bounds",
    "maxwell_estimate",
    "power_law_estimate",
    "wiener_bounds",
]
