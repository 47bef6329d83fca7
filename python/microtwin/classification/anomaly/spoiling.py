"""Anomalies to learn from where there are none: defects drawn into normal tiles."""

import numpy as np

from microtwin.classification.anomaly.tiles import Bytes
from microtwin.images.defects import DEFECTS, spoil

STRENGTHS = (0.5, 1.5)


def spoilt(tiles: Bytes, *, seed: int, defects: tuple[str, ...] = tuple(DEFECTS)) -> Bytes:
    """Return each tile with a defect of a random kind and strength.

    Parameters
    ----------
    tiles : ndarray of uint8, shape (n, y, x)
        Normal ones.
    seed : int
        Of kinds, strengths and places.
    defects : tuple of str
        Names in `microtwin.images.defects.DEFECTS`.
    """
    rng = np.random.default_rng((seed, 6))
    kinds = rng.choice(list(defects), len(tiles))
    strengths = rng.uniform(*STRENGTHS, len(tiles))
    seeds = rng.integers(2**31, size=len(tiles))
    each = zip(tiles, kinds, strengths, seeds, strict=True)
    return np.stack(
        [np.asarray(spoil(t, str(k), strength=float(s), seed=int(i)).image) for t, k, s, i in each]
    )
