"""Structures that every benchmark measures alike."""

from inspect import signature

import numpy as np
from scipy.ndimage import gaussian_filter

import microtwin as mt
from microtwin.annealing._coarse import prepared

THREADS = 2


def blobs(shape, *, sigma=4.0, fraction=0.5, seed=0):
    """Threshold a smoothed random field that wraps at the faces."""
    field = np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)
    field = gaussian_filter(field, sigma, mode="wrap")
    return (field > np.quantile(field, 1.0 - fraction)).astype(np.uint8)


def curves_of(target, shape):
    """Return the curves that `mt.anneal` gives the core."""
    settings = {
        name: parameter.default
        for name, parameter in signature(mt.anneal).parameters.items()
        if name not in ("target", "device", "checkpoint", "resume", "frames", "progress")
    }
    return prepared(target, **settings | {"shape": shape, "start": "noise"}).curves
