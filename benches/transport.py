"""Effective diffusivity beside TauFactor and PoreSpy: the same volumes, threads and answers.

::

    python benches/transport.py --sides 100 200
    python benches/transport.py --data volume.npy --phase 0

Ours is solved to a certified 1e-4, TauFactor to its 1e-3, PoreSpy as it comes. Answers are held
against each other first: TauFactor holds the potential at the faces, PoreSpy in the centres of the
outermost voxels. Peers that are not installed are left out.
"""

import argparse
import contextlib
import io
import os
import time
from importlib import util

import numpy as np

import microtwin as mt
from structures import blobs

THREADS = len(os.sched_getaffinity(0))


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sides", type=int, nargs="+", default=[100, 200], help="of volumes")
    parser.add_argument("--images", type=int, nargs="*", default=[], help="sides of 2-D images")
    parser.add_argument("--fraction", type=float, default=0.5, help="that conducts")
    parser.add_argument("--data", nargs="*", default=[], help="volumes of labels, .npy")
    parser.add_argument("--phase", type=int, default=1, help="that conducts, of --data")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--alone", action="store_true", help="without the peers")
    options = parser.parse_args()
    print(f"{THREADS} threads, load {os.getloadavg()[0]:.1f} at the start\n")
    print("| structure | tool | s (best) | of ours | iterations | D_eff/D_0 | apart |")
    print("|---|---|---|---|---|---|---|", flush=True)
    for side in options.sides:
        pores = blobs((side,) * 3, sigma=4.0, fraction=options.fraction)
        compare(f"blobs {side}^3", pores, options)
    for side in options.images:
        compare(f"blobs {side}^2", blobs((side,) * 2, sigma=4.0, fraction=0.65), options)
    for path in options.data:
        compare(os.path.basename(path), np.load(path) == options.phase, options)


def compare(name, pores, options):
    """Print a row for each way to solve one structure."""
    pores = np.ascontiguousarray(pores, dtype=np.uint8)
    both = {0: 1e-4, 1: 1.0}
    ours, certified = best(lambda: solve(pores, {0: 0, 1: 1}), options.repeats)
    row(name, "microtwin, 1e-4", ours, ours, certified.iterations, certified.relative, None)
    seconds, result = best(lambda: solve(pores, both), options.repeats)
    row(name, "microtwin, contrast 1e4", seconds, ours, result.iterations, result.relative, None)
    if options.alone:
        return
    for tool, convention, peer in (
        ("TauFactor, 1e-3", "face", taufactor),
        ("PoreSpy", "centre", porespy),
    ):
        if util.find_spec(tool.split(",")[0].lower()) is None:
            continue
        wanted = solve(pores, {0: 0, 1: 1}, boundary=convention).relative
        seconds, found = best(lambda peer=peer: peer(pores), 1)
        apart = abs(found / wanted - 1)
        row(name, tool, seconds, ours, None, found, apart)
        assert apart < 1e-2, f"{tool} finds {found}, microtwin {wanted}"


def solve(pores, conductivities, boundary="face"):
    return mt.effective_conductivity(pores, conductivities, axis=0, boundary=boundary, tol=1e-4)


def taufactor(pores, tolerance=1e-3):
    import taufactor as tau
    import torch

    torch.set_num_threads(THREADS)
    with contextlib.redirect_stdout(io.StringIO()):
        solver = tau.Solver(pores, device="cpu")
        solver.solve(iter_limit=20_000, verbose=False, conv_crit=tolerance)
    return float(np.squeeze(solver.D_eff))


def porespy(pores):
    import porespy

    porespy.settings.tqdm["disable"] = True
    found = porespy.simulations.tortuosity_fd(im=pores.astype(bool), axis=0)
    return float(found.effective_porosity / found.tortuosity)


def best(call, repeats):
    """Return the shortest of several times, and what the last call returned."""
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        result = call()
        times.append(time.perf_counter() - begin)
    return min(times), result


def row(name, tool, seconds, ours, iterations, value, apart):
    cells = [name, tool, f"{seconds:.3g}", f"{seconds / ours:.1f}", iterations or "-"]
    cells += [f"{value:.7f}", "-" if apart is None else f"{apart:.1e}"]
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


if __name__ == "__main__":
    main()
