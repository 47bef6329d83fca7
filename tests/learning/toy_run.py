"""A training run so small that it takes no time: a weight walks at random towards the data."""

import sys
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from microtwin.learning.checkpoints import Checkpoints
from microtwin.learning.log import CsvLog
from microtwin.learning.loop import train

IDENTITY = {"preset": "toy", "seed": "0"}


def initial():
    return {"step": jnp.zeros((), jnp.int32), "w": jnp.zeros(5), "memory": (jnp.ones(3),)}


def step(state, batch, key):
    w = state["w"] + 0.1 * (batch - state["w"]) + 0.01 * jax.random.normal(key, (5,))
    memory = 0.9 * state["memory"][0] + 0.1 * w.sum()
    return {"step": state["step"] + 1, "w": w, "memory": (memory,)}, {"loss": (w**2).sum()}


def batches(i):
    return np.random.default_rng([7, i]).normal(size=5).astype(np.float32)


def run(folder, *, last, checkpoint_every=5, step=step, batches=batches, pause=0.0, **options):
    """Start or continue the run in `folder`, as `train_gan` does."""
    folder = Path(folder)
    log = CsvLog(folder / "log.csv")
    with Checkpoints(folder / "checkpoints", identity=IDENTITY) as checkpoints:
        state = initial()
        if checkpoints.latest() is not None:
            state = checkpoints.restore(state)
        first = int(state["step"])
        log.keep_until(first)
        return train(
            state,
            step,
            batches,
            first=first,
            last=last,
            seed=3,
            log=log,
            checkpoints=checkpoints,
            checkpoint_every=checkpoint_every,
            progress=lambda done, total, values: time.sleep(pause),
            **options,
        )


if __name__ == "__main__":
    run(sys.argv[1], last=int(sys.argv[2]), pause=float(sys.argv[3]))
