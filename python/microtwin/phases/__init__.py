"""From grey levels to phase labels: by thresholds, or by a classifier trained on marked pixels.

What lives here: methods that turn one image or volume into labels. What may not: reading and
writing images, anything that measures what the labels are like, jax and dask.
"""

from microtwin.phases.marks import read_marks
from microtwin.phases.pixels import PixelClassifier, load_pixels, train_pixels
from microtwin.phases.segmentation import METHODS, apply_threshold, segment, threshold_of

__all__ = [
    "METHODS",
    "PixelClassifier",
    "apply_threshold",
    "load_pixels",
    "read_marks",
    "segment",
    "threshold_of",
    "train_pixels",
]
