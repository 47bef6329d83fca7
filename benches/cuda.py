"""What an NVIDIA GPU gains over the processors beside it; every answer is compared first.

::

    python benches/cuda.py [--sides 256 512] [--volumes 16]

Counts must be equal to the last integer, currents lie in each other's certified interval, and
twins reach the same energy as told by the core. Times are medians, copies to and from the GPU
included.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import microtwin as mt
from microtwin import _backend
from microtwin.annealing import anneal_replicas
from structures import blobs

LAGS = 64


def beside(
    name: str, call: Callable[[str], Any], check: Callable[[Any, Any], None], n: int
) -> None:
    """Compare and time one call on both devices, in turn."""
    check(call("cpu"), call("cuda"))
    times: dict[str, list[float]] = {"cpu": [], "cuda": []}
    for _ in range(n):
        for device, found in times.items():
            begun = time.perf_counter()
            call(device)
            found.append(time.perf_counter() - begun)
    cpu, gpu = (statistics.median(found) for found in times.values())
    print(f"{name:44}{cpu:>10.4f} s{gpu:>10.4f} s{cpu / gpu:>8.1f}x", flush=True)


def same_counts(a: Any, b: Any) -> None:
    assert np.array_equal(a.hits, b.hits)
    assert np.array_equal(a.trials, b.trials)


def same_current(a: Any, b: Any) -> None:
    low, high = max(a.bounds[0], b.bounds[0]), min(a.bounds[1], b.bounds[1])
    assert low <= high, (a.bounds, b.bounds)


def same_energy(a: Any, b: Any) -> None:
    assert all(twin.energy <= 1e-5 for twin in (*a, *b)), [t.energy for t in (*a, *b)]


def main() -> None:
    ask = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    ask.add_argument("--sides", type=int, nargs="+", default=[256, 512])
    ask.add_argument("--volumes", type=int, default=16, help="annealed side by side")
    asked = ask.parse_args()
    print(f"{_backend.available_cores()} cores beside one GPU")
    print(f"{'':44}{'cores':>12}{'GPU':>12}")
    for side in asked.sides:
        labels = blobs((side,) * 3)
        for name, count in {"S2": mt.two_point, "L": mt.lineal_path}.items():
            beside(
                f"{name} of {side}^3, 3 axes, {LAGS} lags",
                lambda device, c=count, a=labels: c(a, phase=1, max_lag=LAGS, device=device),
                same_counts,
                5,
            )
    for side in (128, 256):
        labels = blobs((side,) * 3)
        beside(
            f"conductivity of {side}^3 to 1e-4",
            lambda device, a=labels: mt.effective_conductivity(a, {0: 0.0, 1: 1.0}, device=device),
            same_current,
            3,
        )
    real = mt.describe(blobs((96,) * 3), phase=1, max_lag=24, periodic=False)
    beside(
        f"{asked.volumes} twins of 64^3, S2 and L, from noise, to 1e-5",
        lambda device: anneal_replicas(
            real, shape=(64,) * 3, replicas=asked.volumes, start="noise", map_radius=0,
            tolerance=1e-5, device=device,
        ),
        same_energy,
        1,
    )  # fmt: skip


if __name__ == "__main__":
    main()
