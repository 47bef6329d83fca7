"""From grey levels to phase labels."""

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
