"""Structures that every benchmark measures alike."""

import numpy as np
from scipy.ndimage import gaussian_filter

THREADS = 2


def blobs(shape, *, sigma=4.0, fraction=0.5, seed=0):
    """Threshold a smoothed random field that wraps at the faces."""
    field = np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)
    field = gaussian_filter(field, sigma, mode="wrap")
    return (field > np.quantile(field, 1.0 - fraction)).astype(np.uint8)
