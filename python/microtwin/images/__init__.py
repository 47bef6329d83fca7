"""Images and volumes: reading, writing, cutting, and reference media with known statistics.

What lives here: every file format, catalogues of sources, windows and patches, defects, synthetic
media with their closed forms. What may not: phases found in grey levels, anything that measures a
structure, jax and dask.
"""

from microtwin.images import defects, synthetic
from microtwin.images.catalogue import Catalogue, Entry
from microtwin.images.finding import find_images
from microtwin.images.info_bar import info_bar_rows
from microtwin.images.opening import open_volume
from microtwin.images.patches import random_patches
from microtwin.images.reading import read_image
from microtwin.images.rendering import render_sem
from microtwin.images.samples import sample_labels, sample_micrographs
from microtwin.images.scaled import ScaledImage
from microtwin.images.scaling import downscale, to_float
from microtwin.images.writing import save_image
from microtwin.images.zarr_files import save_zarr

__all__ = [
    "Catalogue",
    "Entry",
    "ScaledImage",
    "defects",
    "downscale",
    "find_images",
    "info_bar_rows",
    "open_volume",
    "random_patches",
    "read_image",
    "render_sem",
    "sample_labels",
    "sample_micrographs",
    "save_image",
    "save_zarr",
    "synthetic",
    "to_float",
]
