"""What a structure is like, in numbers: exact counts in, named functions with units out.

What lives here: the Python face of the counting core, results that carry their provenance and can
be merged, saved, read back and plotted. What may not: jax, dask, and anything that makes a
structure.
"""

from microtwin.statistics._registry import STATISTICS
from microtwin.statistics.chords import chord_density, chord_length, mean_chord
from microtwin.statistics.clusters import cluster_function, clusters
from microtwin.statistics.connectivity import Connectivity, connectivity
from microtwin.statistics.correlation import lineal_path, two_point
from microtwin.statistics.correlation_map import (
    CorrelationMap,
    two_point_map,
    two_point_radial,
)
from microtwin.statistics.describing import describe
from microtwin.statistics.description import Description
from microtwin.statistics.distance import Distance, distance
from microtwin.statistics.function import CorrelationFunction
from microtwin.statistics.lattice_artefact import LatticeArtefact, lattice_artefact
from microtwin.statistics.minkowski import Minkowski, minkowski, specific_surface
from microtwin.statistics.pore_size import mean_pore_size, pore_size, pore_size_density
from microtwin.statistics.profile import profile
from microtwin.statistics.representative import (
    IntegralRange,
    RepresentativeVolume,
    representative_volume,
)
from microtwin.statistics.surface_functions import surface_surface, surface_void
from microtwin.statistics.thickness import local_thickness, local_thickness_map
from microtwin.statistics.tiles import describe_tiles

__all__ = [
    "STATISTICS",
    "Connectivity",
    "CorrelationFunction",
    "CorrelationMap",
    "Description",
    "Distance",
    "IntegralRange",
    "LatticeArtefact",
    "Minkowski",
    "RepresentativeVolume",
    "chord_density",
    "chord_length",
    "cluster_function",
    "clusters",
    "connectivity",
    "describe",
    "describe_tiles",
    "distance",
    "lattice_artefact",
    "lineal_path",
    "local_thickness",
    "local_thickness_map",
    "mean_chord",
    "mean_pore_size",
    "minkowski",
    "pore_size",
    "pore_size_density",
    "profile",
    "representative_volume",
    "specific_surface",
    "surface_surface",
    "surface_void",
    "two_point",
    "two_point_map",
    "two_point_radial",
]
