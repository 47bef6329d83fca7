"""How long it takes to screen a thousand images, and whether the right ones pass.

    python benches/screening.py [--count 1000] [--side 320]

Half of the images are of the material of the reference, half are a quarter coarser; porosities
vary alike. The score is of S2 and L of both phases, to half a side.
"""

import argparse
import os
import time

import numpy as np
from scipy.ndimage import gaussian_filter

import microtwin as mt


def texture(side, sigma, seed):
    """Cut a Gaussian field at one level: the volume fraction varies as chance has it."""
    edge = 4 * sigma
    field = np.random.default_rng(seed).standard_normal((side + 2 * edge,) * 2, dtype=np.float32)
    field = gaussian_filter(field, sigma)[edge:-edge, edge:-edge]
    return (field * 2 * np.sqrt(np.pi) * sigma < -0.25).astype(np.uint8)


def main():
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--count", type=int, default=1000)
    ask.add_argument("--side", type=int, default=320)
    asked = ask.parse_args()
    right = np.arange(asked.count) % 2 == 0
    samples = [texture(asked.side, 4 if ok else 5, 1000 + i) for i, ok in enumerate(right)]
    reference = [texture(asked.side, 4, i) for i in range(64)]
    mt.screen(samples[:8], reference=reference[:8], keep=1)
    print(f"{len(os.sched_getaffinity(0))} threads, load {os.getloadavg()[0]:.1f} at the start")
    begin = time.perf_counter()
    found = mt.screen(samples, reference=reference)
    seconds = time.perf_counter() - begin
    passed = found.passed[right].mean(), found.passed[~right].mean()
    print(f"{asked.count} images of {asked.side}²: {seconds:.1f} s")
    print(f"passed: {passed[0]:.3f} of the same material, {passed[1]:.3f} of the coarser")
    assert passed[0] > 0.9, "of the same material 95 % should pass"
    assert passed[1] < passed[0]


if __name__ == "__main__":
    main()
