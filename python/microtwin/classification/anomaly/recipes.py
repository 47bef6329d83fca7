"""How the networks of a detector are trained."""

from collections.abc import Mapping
from dataclasses import dataclass

import jax.numpy as jnp
from jax import Array

from microtwin.learning.optimisers import Rule
from microtwin.learning.supervised import Loss, binary_cross_entropy

MARGIN = 100.0  # of Mantegazza et al., in nats


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How one network is trained.

    Attributes
    ----------
    rate : float
        Of Adam, at the start.
    batch : int
        Examples a step.
    epochs : int
        At most.
    patience, reduce_patience : int
        Epochs without a better loss of the watched images after which training ends, and after
        which the rate falls to a tenth.
    clip_norm : float or None
        The largest norm of a gradient, array by array.
    rules : tuple of Rule
        What parameters cost.
    """

    rate: float = 1e-3
    batch: int = 64
    epochs: int = 100
    patience: int = 5
    reduce_patience: int = 4
    clip_norm: float | None = 1.0
    rules: tuple[Rule, ...] = ()


_PLAIN = Recipe(clip_norm=None)
_DECAYED = (Rule(r".*kernel", l2=0.01),)

# The project on anomalies for mobile robots (Seville 2024) has these for its five autoencoders.
AUTOENCODERS: Mapping[str, Recipe] = {
    "autoencoder-v1": _PLAIN,
    "autoencoder-v2": _PLAIN,
    "autoencoder-v3": Recipe(clip_norm=None, rules=_DECAYED),
    "autoencoder-v4": Recipe(rules=_DECAYED),
    "autoencoder-v5": Recipe(),
    "autoencoder-mantegazza": _PLAIN,
}
JUDGES: Mapping[str, Recipe] = {
    "mlp": Recipe(batch=128, patience=15, reduce_patience=6),
    "flow": Recipe(batch=128, patience=15, reduce_patience=6),
}


def judge_loss(method: str) -> Loss:
    """Return the loss of the MLP or of the flow; targets are 1 for anomalies, else 0."""
    return binary_cross_entropy if method == "mlp" else outlier_exposure


def outlier_exposure(log_likelihood: Array, labels: Array) -> Array:
    """Return what a flow pays for normal rows that are unlikely and anomalies that are not.

    A normal row costs its negative log-likelihood (NLL); an anomaly what its own lacks to exceed
    the mean NLL of the normal rows by `MARGIN`. The source takes the mean NLL of the anomalies;
    then a few glaring ones pay for all others, so that here each has to exceed it by itself.

    Source: D. Mantegazza, A. Giusti, L. M. Gambardella and J. Guzzi, IEEE Robotics and Automation
    Letters 7, 11736 (2022), after Hendrycks et al., arXiv:1812.04606.

    Parameters
    ----------
    log_likelihood : Array, shape (n,) or (n, 1)
        Of the rows.
    labels : Array, shape (n,)
        1 for anomalies, 0 for normal rows.
    """
    surprise = -log_likelihood.reshape(len(labels))
    bad = labels.astype(surprise.dtype)
    usual = (surprise * (1 - bad)).sum() / jnp.maximum((1 - bad).sum(), 1)
    lacking = jnp.maximum(0, MARGIN + usual - surprise)
    return jnp.where(labels > 0, lacking, surprise)
