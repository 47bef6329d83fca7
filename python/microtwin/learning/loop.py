"""The training loop: the same for every model and every material."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from microtwin._progress import ProgressCallback, silent
from microtwin.errors import TrainingError
from microtwin.learning import interrupts
from microtwin.learning.checkpoints import Checkpoints
from microtwin.learning.log import CsvLog

logger = logging.getLogger(__name__)

State = TypeVar("State")
Metrics = Mapping[str, jax.Array]
Step = Callable[[State, Any, jax.Array], tuple[State, Metrics]]


@dataclass(frozen=True)
class Hook:
    """Something to do with the state after every so many steps, and after the last one.

    Attributes
    ----------
    every : int
        After how many steps.
    call : callable
        ``call(step, state)``; it must leave the state as it is.
    """

    every: int
    call: Callable[[int, Any], object]


def train(
    state: State,
    step: Step[State],
    batches: Callable[[int], Any],
    *,
    first: int,
    last: int,
    seed: int,
    log: CsvLog,
    checkpoints: Checkpoints,
    checkpoint_every: int,
    hooks: Sequence[Hook] = (),
    progress: ProgressCallback = silent,
) -> State:
    """Take the steps `first` + 1 to `last` and leave a checkpoint of the last one.

    Parameters
    ----------
    state : pytree of arrays
        All that changes in training. Its buffers are donated to `step`: use what is returned.
    step : callable
        ``state, metrics = step(state, batch, key)``; it is jit-compiled here.
    batches : callable
        ``batches(i)`` returns the batch of step i; it must depend on i alone, so that a resumed
        run sees what an uninterrupted one would have seen.
    first, last : int
        Steps already taken, and steps to be taken in all.
    seed : int
        The key of step i is derived from this and i.
    log : CsvLog
        Gets a row of metrics a step, with the seconds of training so far.
    checkpoints : Checkpoints
        Gets the state after every `checkpoint_every` steps, after the last, and on Ctrl-C.
    hooks : sequence of Hook
        Further things to do now and then.
    progress : ProgressCallback
        Told after every step.

    Returns
    -------
    pytree
        The state after step `last`.

    Raises
    ------
    TrainingError
        If a metric or a weight is no longer finite; the last checkpoint is from before that.
    KeyboardInterrupt
        After Ctrl-C, when the step is finished and its checkpoint written.
    """
    if first >= last:
        return state
    root = jax.random.key(seed)
    started = time.perf_counter() - (log.last("seconds") or 0.0)
    batch = batches(first)
    # Compiled ahead, a step that changes the types of the state fails instead of compiling again.
    compiled = jax.jit(step, donate_argnums=0).lower(state, batch, root).compile()
    with interrupts.deferred() as interrupt:
        for i in range(first, last):
            state, metrics = compiled(state, batch, jax.random.fold_in(root, i))
            done = i + 1
            batch = batches(done) if done < last else None  # while the device is at work
            values = {name: float(value) for name, value in jax.device_get(metrics).items()}
            _check_finite(values, done)
            log.append(done, {**values, "seconds": time.perf_counter() - started})
            stop = done == last or interrupt.requested
            if stop or done % checkpoint_every == 0:
                _check_weights(state, done)
                checkpoints.save(done, state)
            for hook in hooks:
                if stop or done % hook.every == 0:
                    hook.call(done, state)
            progress(done, last, values)
            if interrupt.requested:
                logger.info("interrupted after step %d; its checkpoint is written", done)
                raise KeyboardInterrupt
    return state


def _check_finite(values: Mapping[str, float], step: int) -> None:
    for name, value in values.items():
        if not np.isfinite(value):
            raise TrainingError(
                f"{name} is {value} at step {step}: training has diverged; "
                "try another seed or a lower learning rate"
            )


@jax.jit
def _all_finite(state: Any) -> jax.Array:
    leaves = [leaf for leaf in jax.tree.leaves(state) if jnp.issubdtype(leaf.dtype, jnp.floating)]
    return jnp.all(jnp.stack([jnp.isfinite(leaf).all() for leaf in leaves]))


def _check_weights(state: Any, step: int) -> None:
    if not _all_finite(state):
        raise TrainingError(
            f"the weights are no longer finite at step {step}: training has diverged; "
            "try another seed or a lower learning rate"
        )
