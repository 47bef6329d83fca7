"""Time for one structure at equal error: a generator beside annealing, from small to large.

::

    python benches/contest/times.py DATA --runs runs/ -o results/ [--materials berea] [--most 300]

The error is the root mean square of S2 and L, along every axis at all lags, from those of the
training part. Samples are cut at its phase fractions one by one, and the annealing stops as soon as
it is no farther off than samples are (their median). Break-even: after how many structures the
training, whose time on this machine is steps times one step, has paid off.
"""

import argparse
import csv
import json
import statistics
import time
from pathlib import Path

import numpy as np
from materials import MATERIALS, Material

import microtwin as mt

LAGS = 32
SIDES = {2: (64, 128, 256, 512), 3: (64, 128, 256)}
SEEDS = 3
HEADER = (
    "material", "side", "axes", "error of samples", "seconds a sample", "error of twins",
    "seconds a twin", "stopped by", "training seconds", "break-even",
)  # fmt: skip


def energy(target: mt.Description, labels: np.ndarray) -> float:
    """Return the energy that annealing would begin with."""
    return mt.anneal(target, start=labels, tolerance=1e9, map_radius=0).energy


def measured(
    name: str, material: Material, gan: mt.Generator, side: int, training: float, most: float
) -> list[object]:
    target = mt.describe(material.training, phase=material.phase, max_lag=LAGS)
    ndim = target.ndim
    terms = 2 * ndim * LAGS
    shape = (side,) * ndim
    gan.sample(1, shape=shape, seed=9)  # compiles
    errors, drawing = [], []
    for seed in range(SEEDS):
        begun = time.perf_counter()
        labels = gan.sample(1, shape=shape, seed=seed).labels[0]
        drawing.append(time.perf_counter() - begun)
        errors.append(energy(target, labels))
    wanted = statistics.median(errors)
    twins, annealing = [], []
    for seed in range(SEEDS):
        begun = time.perf_counter()  # with the start, which a twin's own seconds leave out
        twin = mt.anneal(
            target, shape=shape, seed=seed, tolerance=wanted, map_radius=0, max_seconds=most
        )
        annealing.append(time.perf_counter() - begun)
        twins.append(twin)
    each, other = statistics.median(drawing), statistics.median(annealing)
    pays = "never" if each >= other else str(int(training / (other - each)) + 1)
    return [
        name, side, ndim, (wanted / terms) ** 0.5, each,
        (statistics.median(t.energy for t in twins) / terms) ** 0.5, other,
        "/".join(sorted({t.stop_reason for t in twins})), training, pays,
    ]  # fmt: skip


def main() -> None:
    ask = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    ask.add_argument("data", type=Path)
    ask.add_argument("--runs", type=Path, required=True)
    ask.add_argument("-o", "--output", type=Path, required=True)
    ask.add_argument("--materials", nargs="+", choices=MATERIALS, default=list(MATERIALS))
    ask.add_argument("--most", type=float, default=300.0, help="seconds for one annealing")
    asked = ask.parse_args()
    asked.output.mkdir(parents=True, exist_ok=True)
    with (asked.output / "times.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        for name in asked.materials:
            material = MATERIALS[name](asked.data)
            run = asked.runs / f"{name}-{material.preset}-0"
            training = json.loads((run / "seconds.json").read_text())["seconds"]
            gan = mt.load_generator(run)
            for side in SIDES[len(material.shape)]:
                row = measured(name, material, gan, side, training, asked.most)
                writer.writerow([f"{v:.4g}" if isinstance(v, float) else v for v in row])
                file.flush()
                print(*(f"{v:.4g}" if isinstance(v, float) else v for v in row), flush=True)


if __name__ == "__main__":
    main()
