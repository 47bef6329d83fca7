"""The training loop: the same for every model and every material."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from microtwin._progress import ProgressCallback, silent
from microtwin.errors import TrainingError
from microtwin.learning import interrupts
from microtwin.learning.checkpoints import Checkpoints
from microtwin.learning.devices import Devices, compiler_options, is_first
from microtwin.learning.log import CsvLog, TensorBoard

logger = logging.getLogger(__name__)

State = TypeVar("State")
Metrics = Mapping[str, jax.Array]
Step = Callable[[State, Any, jax.Array], tuple[State, Metrics]]


class Change(NamedTuple):
    """What a hook may answer, to have training go on otherwise than it would.

    Attributes
    ----------
    state : pytree of arrays or None
        The state to go on with, of the same structure; None for the one that there is.
    stop : bool
        Whether this was the last step.
    """

    state: Any = None
    stop: bool = False


@dataclass(frozen=True)
class Hook:
    """Something to do with the state after every so many steps, and after the last one.

    Where several processes train together, the first one does it, and can change nothing.

    Attributes
    ----------
    every : int
        After how many steps.
    call : callable
        ``call(step, state)``; it must leave the state as it is, but may return a `Change`.
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
    devices: Devices | None = None,
    together: int = 1,
    board: TensorBoard | None = None,
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
    devices : Devices, optional
        Which share the work; one by default.
    together : int
        Steps that are taken in one call of the device: worth it where a step is shorter than what
        it takes to start one, on accelerators. On CPUs XLA is slower within loops.
    board : TensorBoard, optional
        Gets the metrics too.
    progress : ProgressCallback
        Told after every step, or after those taken together.

    Returns
    -------
    pytree
        The state after step `last`.

    Raises
    ------
    TrainingError
        If a metric or a weight is no longer finite; the last checkpoint is from before that.
    CheckpointError
        If the disk refuses; the last checkpoint stays.
    KeyboardInterrupt
        After Ctrl-C, when the step is finished and its checkpoint written.
    """
    if first >= last:
        return state
    devices = devices or Devices(1, jax.local_devices()[:1])
    state = devices.everywhere(state)
    root = jax.random.key(seed)
    started = time.perf_counter() - (log.last("seconds") or 0.0)
    stops = sorted({checkpoint_every, *(hook.every for hook in hooks)})
    takes = _Compiled(step, devices)

    def stretch(i: int) -> int:
        """Return how many steps to take from i: no further than where there is something to do."""
        return min(together, last - i, *(every - i % every for every in stops))

    def ahead(i: int) -> Any:
        return [batches(k) for k in range(i, i + stretch(i))]

    upcoming, done = ahead(first), first
    with interrupts.deferred() as interrupt:
        while done < last:
            count = len(upcoming)
            keys = [jax.random.fold_in(root, k) for k in range(done, done + count)]
            state, metrics = takes(state, upcoming, keys)
            begun, done = done, done + count
            upcoming = ahead(done) if done < last else []  # while the device is at work
            rows = _rows(metrics, count)
            for k, values in enumerate(rows, begun + 1):
                _check_finite(values, k)
            if writes := is_first():
                for k, values in enumerate(rows, begun + 1):
                    log.append(k, {**values, "seconds": time.perf_counter() - started})
                    if board is not None:
                        board.scalars(k, values)
            due = [hook for hook in hooks if done == last or done % hook.every == 0]
            if due:
                _check_weights(state, done)
            # Before the checkpoint: one that is there says that its hooks have been called.
            alone = jax.process_count() == 1
            ended = done == last
            for hook in due if writes else ():
                change = hook.call(done, state if alone else jax.device_get(state))
                if alone and isinstance(change, Change):
                    if change.state is not None:
                        state = devices.everywhere(change.state)
                    ended = ended or change.stop
            stop = interrupt.requested
            if ended or stop or done % checkpoint_every == 0:
                _check_weights(state, done)
                checkpoints.save(done, state)
            progress(done, last, rows[-1])
            if stop or (ended and interrupt.requested):
                logger.info("interrupted after step %d; its checkpoint is written", done)
                raise KeyboardInterrupt
            if ended:
                break
    return state


class _Compiled:
    """A step, compiled for one of them and for several in a row."""

    def __init__(self, step: Step[Any], devices: Devices) -> None:
        self._step, self._devices = step, devices
        self._compiled: dict[int, Any] = {}

    def __call__(self, state: Any, batches: Sequence[Any], keys: Sequence[jax.Array]) -> Any:
        count = len(batches)
        if count == 1:
            arguments = state, self._devices.parted(batches[0]), keys[0]
        else:
            stacked = jax.tree.map(_stacked, *batches)
            arguments = state, self._devices.parted(stacked, leading=1), jnp.stack(keys)
        if count not in self._compiled:
            # Compiled ahead, a step that changes the types of the state fails instead of compiling
            # again.
            taken = self._step if count == 1 else self._several
            step = jax.jit(taken, donate_argnums=0, compiler_options=compiler_options())
            self._compiled[count] = step.lower(*arguments).compile()
        return self._compiled[count](*arguments)

    def _several(self, state: Any, batches: Any, keys: jax.Array) -> Any:
        return jax.lax.scan(lambda state, each: self._step(state, *each), state, (batches, keys))


def _stacked(*parts: Any) -> Any:
    return jnp.stack(parts) if isinstance(parts[0], jax.Array) else np.stack(parts)


def _rows(metrics: Metrics, count: int) -> list[dict[str, float]]:
    arrays = {name: np.reshape(value, count) for name, value in jax.device_get(metrics).items()}
    return [{name: float(array[k]) for name, array in arrays.items()} for k in range(count)]


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
