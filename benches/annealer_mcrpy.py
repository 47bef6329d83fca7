"""MCRpy on one problem, run by annealers.py in an interpreter of its own: no microtwin in here.

python annealer_mcrpy.py problem.npz SimulatedAnnealing|LBFGSB

Writes answer.npz: the structure of least energy that it went through within the budget, and when.
The clock stands still while that energy, the error of S2 along the axes, is measured.
"""

import importlib.metadata
import os
import random
import sys
import time

os.environ["OMP_NUM_THREADS"] = "1"  # before NumPy and its friends read it
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np

# MCRpy 0.2 still asks NumPy for names that version 2 has dropped.
vars(np).update(product=np.prod, bool8=np.bool_)

try:
    import mcrpy
    import tensorflow as tf
    from mcrpy.src.DMCR import DMCR
except ImportError:
    sys.exit(3)

CHECK_EVERY = {"SimulatedAnnealing": 20, "LBFGSB": 1}  # steps
NEVER = 10**9


class Done(Exception):
    """The energy is reached, or the budget spent."""


class Watch:
    """Takes the place of MCRpy's callback, which keeps copies and prints."""

    def __init__(self, problem, every):
        self.problem, self.every = problem, every
        self.began = None
        self.paused = 0.0
        self.best = (np.inf, None, 0.0)
        self.steps = 0

    def __call__(self, step, loss, structure, **_):
        now = time.perf_counter()
        if self.began is None:
            self.began = now  # after the first evaluation, which compiles
        self.steps += 1
        seconds = now - self.began - self.paused
        over = seconds > self.problem["budget"]
        if self.steps % self.every and not over:
            return
        labels = np.round(structure.x.numpy().reshape(self.problem["real"].shape))
        energy = axis_energy(labels, self.problem["curves"])
        if energy < self.best[0]:
            self.best = (energy, labels.astype(np.uint8), seconds)
        if over or energy <= self.problem["energy"]:
            self.seconds = seconds
            raise Done
        self.paused += time.perf_counter() - now


def axis_energy(labels, curves):
    counts = np.fft.irfftn(np.abs(np.fft.rfftn(labels)) ** 2, s=labels.shape)
    total = 0.0
    for axis, values in enumerate(curves):
        line = [0] * labels.ndim
        line[axis] = slice(1, values.size + 1)
        total += np.sum((counts[tuple(line)] / labels.size - values) ** 2)
    return float(total)


def main():
    problem = dict(np.load(sys.argv[1]))
    optimizer = sys.argv[2]
    seed = int(problem["seed"])
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002, MCRpy draws from there
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)

    common = {
        "limit_to": problem["curves"].shape[1] + 1,
        "use_multiphase": False,
        "use_multigrid_descriptor": False,
    }
    target = mcrpy.characterize(
        mcrpy.Microstructure(problem["real"].astype(float), trainable=False),
        mcrpy.CharacterizationSettings(
            descriptor_types=["FFTCorrelations", "VolumeFractions"], **common
        ),
    )
    settings = mcrpy.ReconstructionSettings(
        descriptor_types=["FFTCorrelations"],
        optimizer_type=optimizer,
        loss_type="SSE",
        max_iter=NEVER,
        convergence_data_steps=NEVER,
        tolerance=0.0,
        **common,
    )
    settings.conv_iter = NEVER  # it would stop after 500 rejections
    watch = Watch(problem, CHECK_EVERY[optimizer])
    DMCR.reconstruction_callback = lambda self, *args, **options: watch(*args, **options)
    if optimizer == "SimulatedAnnealing":
        noise = mcrpy.Microstructure(problem["start"].astype(float), trainable=False)
    else:
        noise = None  # grey around a half: binary noise lies in a corner of its bounds
    try:
        mcrpy.reconstruct(target, problem["real"].shape, settings, noise)
        seconds = time.perf_counter() - watch.began - watch.paused  # it stopped by itself
    except Done:
        seconds = watch.seconds
    energy, labels, when = watch.best
    np.savez(
        "answer.npz",
        labels=labels,
        energy=energy,
        seconds=when if energy <= problem["energy"] else seconds,
        steps=watch.steps,
        version=importlib.metadata.version("mcrpy"),
    )


if __name__ == "__main__":
    main()
