"""From grey levels to phase labels."""

from microtwin.phases.segmentation import METHODS, apply_threshold, segment, threshold_of

__all__ = ["METHODS", "apply_threshold", "segment", "threshold_of"]
