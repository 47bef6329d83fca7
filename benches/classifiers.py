"""microtwin's classifiers beside the same networks in PyTorch: a training step, and an epoch.

PYTHONPATH=python python benches/classifiers.py [--case NAME] [--threads N] [--repeats N]

Both sides have the same weights, batch, loss, optimiser and float32, and draw dropout themselves.
First, without dropout, logits, loss and the gradient of every layer must agree with PyTorch's in
float64; then steps are timed in turn. PyTorch's convolutions are channels-last, and its recurrent
layers its own. An epoch is 60,000 images of 28 x 28: the median step times how many there are.
Without PyTorch the script times microtwin alone, and says so.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time

import numpy as np

from in_turn import has_torch, in_turn, say_where, threads, timing, use_threads

# Batch, optimiser and rate of the source, and steps of each side.
CASES = {
    "fashion-cnn": (100, "rmsprop", 1e-3, 25),
    "fashion-rnn": (65, "sgd", 1e-2, 100),
    "fashion-bilstm": (64, "adam", 1e-3, 25),
}
IMAGES = 60_000


def main():
    options = _options()
    use_threads(options.threads)  # OpenMP's are set with PyTorch
    if options.alone:
        print(json.dumps(step_of(options.alone, options.repeats)))
        return
    say_where()
    print(
        "| network | batch | microtwin, median (min) ms | PyTorch, median (min) ms "
        "| s an epoch, microtwin | s an epoch, PyTorch | PyTorch / microtwin "
        "| JAX trace + compile s | agree to |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for case in options.case or CASES:
        _row(case, _child(case, options))


def _options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--case", choices=CASES, action="append", help=f"by default {', '.join(CASES)}"
    )
    parser.add_argument("--threads", type=int, help="cores for both sides; by default all")
    parser.add_argument("--repeats", type=int, help="steps of each side")
    parser.add_argument("--alone", help=argparse.SUPPRESS)
    return parser.parse_args()


def _row(case, row):
    batch = CASES[case][0]
    steps = -(-IMAGES // batch)
    ours, theirs = row["microtwin"], row.get("PyTorch")
    medians = [statistics.median(side) for side in (ours, theirs) if side]
    cells = [case, str(batch), timing(ours, unit=1e-3)]
    cells.append(timing(theirs, unit=1e-3) if theirs else "-")
    cells += [f"{median * steps:.1f}" for median in medians] + ["-"] * (2 - len(medians))
    cells += [f"{medians[1] / medians[0]:.2f}" if theirs else "-"]
    cells += [f"{row['trace']:.1f} + {row['compile']:.1f}"]
    cells += [f"{row['apart']:.0e}" if theirs else "-"]
    print("| " + " | ".join(cells) + " |", flush=True)


def _child(case, options):
    """Measure in a process of its own."""
    command = [sys.executable, __file__, "--alone", case]
    for name in ("threads", "repeats"):
        if (value := getattr(options, name)) is not None:
            command += [f"--{name}", str(value)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def step_of(case, repeats=None):
    """Return the times of steps of one network, once both sides have agreed."""
    batch, optimiser, rate, usual = CASES[case]
    rng = np.random.default_rng(0)
    images = rng.random((batch, 28, 28, 1), dtype=np.float32)
    labels = rng.integers(0, 10, batch)
    ours = Ours(case, optimiser, rate, images, labels)
    result = {"trace": ours.trace, "compile": ours.compile}
    sides = {"microtwin": ours.step}
    if has_torch():
        import torch

        import classifiers_torch as peer

        torch.set_num_threads(threads())
        torch.manual_seed(0)
        target = torch.from_numpy(labels)
        model = peer.Model(case, ours.weights, optimiser, rate)
        result["apart"] = compare(ours, model, model.place(images), target)
        model = peer.Model(case, ours.weights, optimiser, rate)
        placed = model.place(images)
        sides["PyTorch"] = lambda: model.step(placed, target)
    return result | in_turn(sides, repeats=repeats or usual, warm=3)


class Ours:
    """A registered network and the step of `microtwin.learning`, compiled as its loop does."""

    def __init__(self, case, optimiser, rate, images, labels):
        import jax
        from flax import nnx

        from microtwin.learning import optimisers, supervised
        from microtwin.learning.devices import compiler_options
        from microtwin.learning.network import Network
        from microtwin.models import registry

        self.network = Network(registry.build(case, rngs=nnx.Rngs(0)))
        self.batch = supervised.Batch(images, labels, np.ones(len(images), np.float32))
        rule = optimisers.optimiser(optimiser, rate=rate)
        self.state = supervised.initial(self.network, rule)
        both = [part.to_pure_dict() for part in self.network.initial]
        self.weights = jax.tree.map(np.array, _merged(*both))
        self.key, self.taken = jax.random.key(0), 0
        step = jax.jit(
            supervised.step(self.network, rule, supervised.sparse_cross_entropy),
            donate_argnums=0,
            compiler_options=compiler_options(),
        )
        begin = time.perf_counter()
        lowered = step.lower(self.state, self.batch, self.key)
        self.trace = time.perf_counter() - begin
        begin = time.perf_counter()
        self.compiled = lowered.compile()
        self.compile = time.perf_counter() - begin

    def step(self):
        import jax

        key = jax.random.fold_in(self.key, self.taken)
        self.state, metrics = self.compiled(self.state, self.batch, key)
        self.taken += 1
        loss = float(metrics["loss"])
        jax.block_until_ready(self.state)
        return loss

    def look(self):
        """Return logits, loss and gradients of the initial weights, without dropout."""
        import jax

        from microtwin.learning import supervised
        from microtwin.learning.devices import compiler_options
        from microtwin.learning.network import Weights

        def cost(params, stats):
            logits, _ = self.network(Weights(params, stats), self.batch.inputs, train=True)
            return supervised.sparse_cross_entropy(logits, self.batch.targets).mean(), logits

        slopes = jax.jit(
            jax.value_and_grad(cost, has_aux=True), compiler_options=compiler_options()
        )
        (loss, logits), gradient = slopes(*self.network.initial)
        # Statistics have no gradient; where weights are taken over, they only fill their places.
        filled = _merged(gradient.to_pure_dict(), self.network.initial.stats.to_pure_dict())
        return np.asarray(logits), float(loss), jax.tree.map(np.array, filled)


def _merged(one, other):
    """Merge nested mappings."""
    if not isinstance(one, dict):
        return one
    return {k: _merged(one[k], other.get(k, {})) if k in one else other[k] for k in one | other}


def compare(ours, model, placed, target):
    """Stop unless logits, loss and gradients agree; return by how much they do not."""
    logits, loss, gradient = ours.look()
    found, found_loss, layers = model.look(placed, target, gradient)
    apart = {
        "logits": np.abs(found - logits).max() / np.abs(logits).max(),
        "losses": abs(found_loss - loss) / loss,
        "gradients": max(layers),
    }
    for name, far in apart.items():
        assert far < (1e-2 if name == "gradients" else 1e-4), f"{name} are {far:.1e} apart"
    return float(max(apart["logits"], apart["losses"]))


if __name__ == "__main__":
    main()
