"""How the autoencoder and the network that judges learn, by the one loop over epochs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np

from microtwin._progress import ProgressCallback
from microtwin.classification.anomaly import recipes
from microtwin.classification.anomaly.detector import Rows
from microtwin.classification.anomaly.networks import Autoencoder, Judge
from microtwin.classification.anomaly.recipes import Recipe
from microtwin.classification.anomaly.settings import Settings
from microtwin.classification.anomaly.tiles import Bytes, RandomTiles
from microtwin.learning import optimisers, supervised
from microtwin.learning.fitting import FitFolder, Plan, fit
from microtwin.learning.network import Network, Weights

SMALLEST_CHANGE = 1e-5  # errors are squares of grey levels in 0..1


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What both trainings of a run share.

    Attributes
    ----------
    settings : Settings
        What the run is.
    epochs : int or None
        At most so many; None for those of the recipes.
    progress : ProgressCallback
        Told after every step.
    """

    settings: Settings
    epochs: int | None
    progress: ProgressCallback


@dataclass(frozen=True, slots=True)
class Examples:
    """What a judge learns from, or is watched by.

    Attributes
    ----------
    normal, anomalous : ndarray of float32, shapes (n, d) and (m, d)
        Scaled rows; there may be no anomalous ones.
    """

    normal: Rows
    anomalous: Rows

    def kinds(self) -> list[Rows]:
        """Return the rows of both kinds, or of the one there is; their places are their labels."""
        return [self.normal, self.anomalous] if len(self.anomalous) else [self.normal]


def teach_autoencoder(
    autoencoder: Autoencoder,
    tiles: RandomTiles,
    watched: Bytes,
    *,
    recipe: Recipe,
    augmentation: Any,
    folder: FitFolder,
    run: Run,
) -> Weights:
    """Train an autoencoder on tiles; the squared error of others says when to end."""
    grey = watched.astype(np.float32) / np.float32(255)

    def batch(i: int) -> supervised.Batch:
        return _batch(tiles(i)[..., None], None)

    def watch(weights: Weights) -> dict[str, float]:
        return {"val_loss": float(np.square(grey - autoencoder(weights, grey)[1]).mean())}

    return _taught(
        autoencoder.network,
        recipe,
        supervised.mean_squared_error,
        batch,
        watch,
        steps=tiles.steps,
        prepare=augmentation,
        identity=run.settings.identity_of_autoencoder,
        folder=folder,
        run=run,
    )


def teach_judge(
    judge: Judge, learned: Examples, watched: Examples, *, folder: FitFolder, run: Run
) -> Weights:
    """Train the MLP or the flow; as many normal rows as anomalous ones a step."""
    recipe, loss = recipes.JUDGES[judge.method], recipes.judge_loss(judge.method)
    each = recipe.batch // 2
    seed = run.settings.seed

    def batch(i: int) -> supervised.Batch:
        rng = np.random.default_rng((seed, 4, i))
        parts = [rows[rng.integers(len(rows), size=each)] for rows in learned.kinds()]
        return _batch(np.concatenate(parts), np.repeat(np.arange(len(parts)), each))

    shown = watched.kinds()
    labels = np.repeat(np.arange(len(shown)), [len(rows) for rows in shown])

    def watch(weights: Weights) -> dict[str, float]:
        outputs = jnp.asarray(judge.outputs(weights, np.concatenate(shown)))
        costs = np.asarray(loss(outputs, jnp.asarray(labels)))
        return {"val_loss": float(np.mean([costs[labels == k].mean() for k in set(labels)]))}

    return _taught(
        judge.network,
        recipe,
        loss,
        batch,
        watch,
        steps=max(len(learned.normal) // each, 1),
        prepare=None,
        identity=run.settings.identity,
        folder=folder,
        run=run,
    )


def _batch(inputs: Any, targets: Any) -> supervised.Batch:
    weight: Any = np.ones(len(inputs), np.float32)
    return supervised.Batch(inputs, targets, weight)


def _taught(
    network: Network,
    recipe: Recipe,
    loss: supervised.Loss,
    batches: Callable[[int], supervised.Batch],
    evaluate: Callable[[Weights], dict[str, float]],
    *,
    steps: int,
    prepare: Any,
    identity: Mapping[str, str],
    folder: FitFolder,
    run: Run,
) -> Weights:
    """Train a network and return the weights that were best for what is watched."""
    plan = Plan(
        epochs=recipe.epochs if run.epochs is None else run.epochs,
        steps=steps,
        patience=recipe.patience,
        reduce_patience=recipe.reduce_patience,
        smallest_change=SMALLEST_CHANGE,
    )
    descent = optimisers.optimiser("adam", rate=recipe.rate, clip_norm=recipe.clip_norm)
    cost = optimisers.penalty(recipe.rules)
    fit(
        supervised.initial(network, descent),
        supervised.step(network, descent, loss, penalty=cost, prepare=prepare),
        batches,
        evaluate,
        folder=folder,
        identity=identity,
        plan=plan,
        seed=run.settings.seed,
        progress=run.progress,
    )
    return folder.weights(network.initial)[0]
