"""Many structures: the functions of the rooms below over thousands of files, on Dask.

What lives here: how a job is cut into items, what a worker does with one, and the store that
results land in as they finish. What may not: anything that measures, anneals, draws, scores or
conducts by itself; and any scheduling, which is Dask's. Dask and Arrow are imported when a job
begins.
"""

from microtwin.scale.annealing import anneal_many
from microtwin.scale.describing import describe_many
from microtwin.scale.mapping import map_many
from microtwin.scale.results import Results, open_store
from microtwin.scale.sampling import sample_many
from microtwin.scale.screening import screen_many
from microtwin.scale.transport import transport_many
from microtwin.scale.volume import describe_volume

__all__ = [
    "Results",
    "anneal_many",
    "describe_many",
    "describe_volume",
    "map_many",
    "open_store",
    "sample_many",
    "screen_many",
    "transport_many",
]
