"""microtwin's generators beside the same networks in PyTorch: a training step, and sampling.

PYTHONPATH=python python benches/generators.py [--case NAME] [--threads N] [--repeats N] [--pages]

A step is the real one: network, losses, penalty, optimiser, batch and float32 are the same on both
sides, and each side draws its own random numbers. First both start from the same weights and do two
steps with the same random numbers: images, logits and losses must agree. Then their steps are timed
in turn. PyTorch is measured contiguous and channels-last; its faster layout counts. Without PyTorch
the script times microtwin alone, and says so.

`--sample` draws 1000 images and a volume to disk, with the memory that it takes.

`--pages` measures again in an environment with GLIBC_TUNABLES=glibc.malloc.hugetlb=1: large pages
for what malloc gives, on both sides.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from in_turn import has_torch, in_turn, say_where, threads, timing, use_threads

CASES = {"thesis-320": 4, "dcgan-2d": 25, "slice-3d": 9}  # preset -> steps of each side
SMALLER = {"thesis-64": 25, "thesis-128": 9}  # only where asked for
LAYOUTS = ("contiguous", "channels-last")
SAMPLES = {"thesis-320": (1000, (320, 320)), "slice-3d": (1, (256, 256, 256))}
PAGES = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
SEED = 0


def main():
    options = _options()
    use_threads(options.threads)  # OpenMP's are set with PyTorch
    if options.alone:
        print(json.dumps(_alone(options.alone, options)))
        return
    say_where()
    environments = (False, True) if options.pages else (False,)
    (_samples if options.sample else _steps)(options, environments)


def _options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--case", choices=CASES | SMALLER, action="append", help=f"by default {', '.join(CASES)}"
    )
    parser.add_argument(
        "--threads", type=int, help="cores for both sides; by default all there are"
    )
    parser.add_argument("--repeats", type=int, help="steps of each side")
    parser.add_argument("--pages", action="store_true", help="also with large pages")
    parser.add_argument("--sample", action="store_true", help="sampling instead of training")
    parser.add_argument("--side", type=int, default=256, help="side of the volume to be sampled")
    parser.add_argument("--alone", help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    return parser.parse_args()


# A training step.


def _steps(options, environments):
    print(
        "| step | large pages | microtwin, median (min) s | PyTorch, median (min) s | layout "
        "| PyTorch / microtwin | JAX trace + compile s | PyTorch first step s | agree to |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for case in options.case or CASES:
        for pages in environments:
            row = _child(options, f"step:{case}", pages)
            ours, theirs = row["seconds"].pop("microtwin"), row["seconds"]
            cells = [case, "yes" if pages else "no", timing(ours)]
            if theirs:
                best = min(theirs, key=lambda name: statistics.median(theirs[name]))
                ratio = statistics.median(theirs[best]) / statistics.median(ours)
                rest = [f"{name} {timing(theirs[name])}" for name in theirs if name != best]
                cells += [timing(theirs[best]), f"{best} ({', '.join(rest)})", f"{ratio:.2f}"]
            else:
                cells += ["-"] * 3
            cells.append(f"{row['trace']:.1f} + {row['compile']:.1f}")
            cells.append(f"{row['first'][best]:.2f}" if theirs else "-")
            cells.append(f"{row['apart']:.0e}" if theirs else "-")
            print("| " + " | ".join(cells) + " |", flush=True)


def step_of(case, *, repeats, layouts=LAYOUTS):
    """Return the times of the steps of one preset, once both sides have agreed."""
    ours = Ours(case)
    result = {"trace": ours.trace, "compile": ours.compile, "first": {}, "apart": 0.0}
    sides = {"microtwin": ours.step}
    if has_torch():
        import torch

        import generators_torch as peer

        torch.set_num_threads(threads())
        for layout in layouts:
            model = peer.RECIPES[ours.preset.recipe](ours.preset, layout)
            real = peer.from_jax(ours.real, layout)
            result["apart"] = max(result["apart"], compare(ours, peer, model, real, layout))
            begin = time.perf_counter()
            model = peer.RECIPES[ours.preset.recipe](ours.preset, layout)
            peer.take(model, *ours.weights)
            model.step(real)
            result["first"][layout] = time.perf_counter() - begin
            sides[layout] = lambda model=model, real=real: model.step(real)
    return result | {"seconds": in_turn(sides, repeats=repeats, warm=1)}


class Ours:
    """A preset's networks and its step, compiled as the training loop does it."""

    def __init__(self, case):
        import jax

        from microtwin.generation import adversaries
        from microtwin.generation.encoding import Encoding
        from microtwin.generation.presets import PRESETS
        from microtwin.learning.devices import compiler_options
        from structures import blobs

        self.preset = PRESETS[case]
        sides = (self.preset.size,) * self.preset.sees
        # As grey levels: 0 and 1 are both seen as they are.
        encoding = Encoding(phases=2, labelled=False, low=0.0, high=1.0, thresholds=(0.5,))
        count = self.preset.patches
        self.patches = np.stack([blobs(sides, seed=i) for i in range(count)]).astype(np.float32)
        self.real = np.asarray(encoding.encode(jax.numpy.asarray(self.patches)).images)
        self.adversary = adversaries.build(self.preset, encoding, seed=SEED)
        self.restart()
        self.weights = [
            jax.tree.map(np.array, part.params.to_pure_dict())
            for part in (self.state.generator, self.state.critic)
        ]
        self.key = jax.random.key(SEED)
        step = adversaries.step(self.preset, encoding, self.adversary)
        begin = time.perf_counter()
        compiled = jax.jit(step, donate_argnums=0, compiler_options=compiler_options())
        lowered = compiled.lower(self.state, self.patches, self.key)
        self.trace = time.perf_counter() - begin
        begin = time.perf_counter()
        self.compiled = lowered.compile()
        self.compile = time.perf_counter() - begin

    def step(self):
        import jax

        key = jax.random.fold_in(self.key, self.taken)
        self.state, metrics = self.compiled(self.state, self.patches, key)
        self.taken += 1
        values = jax.device_get(metrics)
        jax.block_until_ready(self.state)
        return float(values["d_loss"]), float(values["g_loss"])

    def restart(self):
        """Go back to the initial weights; as a step donates what it gets, to a copy."""
        import jax

        self.state = jax.tree.map(jax.numpy.copy, self.adversary.initial())
        self.taken = 0

    def look(self, drawn):
        """Return images and logits of the initial weights, without any gradient."""
        import jax

        def images_and_logits(state, real, key, critic_key):
            fake, _ = self.adversary.fakes(state.generator, key, len(real))
            both = jax.numpy.concatenate([fake, real])
            return fake, self.adversary.critic(state.critic, both, train=True, key=critic_key)[0]

        classic = self.preset.recipe == "classic"
        arguments = drawn["fake_key"], drawn["critic_key"] if classic else None
        found = jax.jit(images_and_logits)(self.adversary.initial(), self.real, *arguments)
        return [np.asarray(part) for part in found]

    def drawn(self, step):
        """Return what the given step draws at random, and its keys."""
        import jax

        key = jax.random.fold_in(self.key, step)
        return (self._classic if self.preset.recipe == "classic" else self._penalised)(key)

    def _classic(self, key):
        import jax

        names = ("fake_key", "label_key", "critic_key", "fool_key", "judge_key")
        keys = dict(zip(names, jax.random.split(key, 5), strict=True))
        n = self.preset.batch
        wide = self.weights[0]["dense"]["bias"].shape

        def made(key):
            latent, dropout, _, _ = jax.random.split(key, 4)
            keys = jax.random.split(latent, n)
            return self.adversary.latent(keys, self.adversary.shape), kept(dropout, (n, *wide))

        def kept(key, shape):
            return jax.random.bernoulli(key, 0.7, shape).astype(np.float32)

        latent, keep = made(keys["fake_key"])
        latent_2, keep_2 = made(keys["fool_key"])
        uniform = jax.random.uniform(keys["label_key"], (2 * n,))
        return keys | {
            "latent": latent,
            "keep": keep,
            "labels": self.preset.label_noise * uniform,
            "keep_critic": kept(keys["critic_key"], (2 * n, 128)),
            "latent_2": latent_2,
            "keep_2": keep_2,
            "keep_judge": kept(keys["judge_key"], (n, 128)),
        }

    def _penalised(self, key):
        import jax

        preset = self.preset
        fake_key, probe_key = jax.random.split(key)
        latent_key, _, place_key, view_key = jax.random.split(fake_key, 4)
        keys = jax.random.split(latent_key, preset.batch)
        latent = self.adversary.latent(keys, self.adversary.shape)
        made = latent.noise[-1].shape[1:-1]
        room = np.array(made) - preset.size
        apart = preset.size // preset.slices if preset.slices else 1
        half = max(preset.patches // 2, 1)
        return {
            "fake_key": fake_key,
            "field": latent.field,
            "noises": latent.noise,
            "corner": np.asarray(jax.random.randint(place_key, room.shape, 0, room + 1)),
            "first": int(jax.random.randint(view_key, (), 0, apart)),
            "probe": jax.random.normal(probe_key, (2 * half, *self.real.shape[1:])),
        }


def compare(ours, peer, model, real, layout):
    """Stop unless both sides agree on images, logits and the losses of two steps."""
    peer.take(model, *ours.weights)
    drawn = ours.drawn(0)
    theirs = taken_over(peer, drawn, layout)
    apart = 0.0
    fake, logits = model.look(real, theirs)
    expected = ours.look(drawn)
    # PyTorch's batch normalisation of channels-last images is 4e-4 away from its own in float64 at
    # 320 x 320, where it and JAX's of contiguous ones are 3e-6 away.
    close = 1e-3 if layout == "channels-last" else 1e-4
    for name, found, wanted in (
        ("images", fake.movedim(1, -1).numpy(), expected[0]),
        ("logits", logits.numpy(), expected[1]),
    ):
        apart = max(apart, _apart(name, found, wanted, close))
    ours.restart()
    for step, tolerance in ((0, 1e-3), (1, 1e-2)):
        theirs = taken_over(peer, ours.drawn(step), layout)
        found, wanted = model.step(real, theirs), ours.step()
        # The generator meets a critic after a step of Adam, which takes all but the sign of a
        # gradient away: rounding shows there.
        _apart(f"losses of step {step}", found, wanted, tolerance)
        if step == 0:
            apart = max(apart, _apart("the critic's first loss", found[:1], wanted[:1], close))
    return apart


def taken_over(peer, drawn, layout):
    """Return random numbers as PyTorch's side wants them."""
    import torch

    def turned(value):
        if isinstance(value, (tuple, list)):
            return [turned(each) for each in value]
        if not hasattr(value, "ndim") or value.dtype.kind != "f":
            return value
        if value.ndim > 3:
            return peer.from_jax(value, layout)
        return torch.from_numpy(np.array(value))

    return {name: turned(v) for name, v in drawn.items() if not name.endswith("key")}


def _apart(name, found, wanted, tolerance):
    """Return the largest difference in units of the largest number, or stop."""
    found, wanted = np.asarray(found), np.asarray(wanted)
    assert found.shape == wanted.shape, f"{name}: {found.shape} and {wanted.shape}"
    apart = float(np.abs(found - wanted).max() / max(1.0, np.abs(wanted).max()))
    assert apart < tolerance, f"{name} are {apart:.1e} apart: {found} {wanted}"
    return apart


# Sampling.


def _samples(options, environments):
    sizes = {name: (n, shape) for name, (n, shape) in SAMPLES.items()}
    sizes["slice-3d"] = (1, (options.side,) * 3)
    print("| samples | large pages | s | of these compiling | voxels/s | peak MB |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for case in [c for c in options.case or SAMPLES if c in SAMPLES]:
            run = Path(folder) / case
            options.folder = str(run)
            _child(options, f"train:{case}", False)
            n, shape = sizes[case]
            for pages in environments:
                for way in ("sample", "sample_to") if len(shape) == 2 else ("sample_to",):
                    row = _child(options, f"{way}:{case}", pages)
                    size = "x".join(map(str, shape))
                    print(
                        f"| {case}, {n} of {size}, {way} | {'yes' if pages else 'no'} "
                        f"| {row['seconds']:.1f} | {row['compiling']:.1f} "
                        f"| {n * np.prod(shape) / row['seconds']:.3g} | {row['peak']:.0f} |",
                        flush=True,
                    )


def one_step_run(case, folder):
    """Make a run of one step, whose weights are all but untrained."""
    import microtwin as mt
    from microtwin.generation.presets import PRESETS
    from structures import blobs

    size = PRESETS[case].size
    images = [blobs((4 * size, 4 * size), seed=i).astype(np.float32) for i in range(2)]
    mt.train_gan(images, preset=case, workdir=folder, steps=1)
    return {}


def draw(case, way, options):
    """Draw samples from the run, in a process of its own; return seconds and memory."""
    import microtwin as mt

    n, shape = SAMPLES[case]
    if len(shape) == 3:
        shape = (options.side,) * 3
    gan = mt.load_generator(options.folder)
    # A first piece compiles; what comes after it is told apart by time.
    times = [time.perf_counter()]

    def progress(*_):
        times.append(time.perf_counter())

    if way == "sample":
        gan.sample(n, seed=1, shape=shape, progress=progress)
    else:
        with tempfile.TemporaryDirectory() as folder:
            gan.sample_to(Path(folder) / "samples.zarr", n, seed=1, shape=shape, progress=progress)
    end = time.perf_counter()
    pieces = np.diff(times)
    return {
        "seconds": end - times[0],
        "compiling": float(pieces[0] - np.median(pieces)),
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


# Each measurement is a process of its own: for its memory, and its environment.


def _child(options, what, pages):
    command = [sys.executable, __file__, "--alone", what, "--side", str(options.side)]
    for name in ("threads", "repeats", "folder"):
        if (value := getattr(options, name)) is not None:
            command += [f"--{name}", str(value)]
    environment = {k: v for k, v in os.environ.items() if k not in PAGES}
    if pages:
        environment |= PAGES
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def _alone(what, options):
    way, case = what.split(":")
    if way == "step":
        return step_of(case, repeats=options.repeats or (CASES | SMALLER)[case])
    if way == "train":
        return one_step_run(case, options.folder)
    return draw(case, way, options)


if __name__ == "__main__":
    main()
