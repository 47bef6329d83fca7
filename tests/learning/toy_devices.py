"""Train a linear pair on all devices there are: ``python toy_devices.py FOLDER LAST``."""

import json
import sys
from pathlib import Path

import jax
import numpy as np

from learning import test_learning_adversarial as common
from microtwin.learning.adversarial import Batch, penalised
from microtwin.learning.checkpoints import Checkpoints
from microtwin.learning.devices import Devices, join_processes
from microtwin.learning.log import CsvLog
from microtwin.learning.loop import train


def batches(i):
    return Batch(1 + 0.1 * np.random.default_rng(i).normal(size=(8, 2, 2, 1)).astype(np.float32))


if __name__ == "__main__":
    folder, last = Path(sys.argv[1]), int(sys.argv[2])
    join_processes()
    folder.mkdir(parents=True, exist_ok=True)
    devices = Devices(8)
    pair = common.adversary(common.Linear(), average=0.9, spread=devices.spread)
    with Checkpoints(folder / "checkpoints", identity={"preset": "toy"}) as checkpoints:
        state = pair.initial()
        if checkpoints.latest() is not None:
            state = checkpoints.restore(state)
        first = int(state.step)
        state = train(
            state,
            penalised(pair, penalty=0.1),
            batches,
            first=first,
            last=last,
            seed=0,
            log=CsvLog(folder / "log.csv"),
            checkpoints=checkpoints,
            checkpoint_every=3,
            devices=devices,
        )
    leaves = jax.tree.leaves(jax.device_get((state.generator, state.critic, state.average)))
    weights = [float(w) for leaf in leaves for w in np.ravel(leaf)]
    print(json.dumps({"devices": devices.count, "first": first, "weights": weights}), flush=True)
