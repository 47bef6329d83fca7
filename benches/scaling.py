"""How the counts grow with the volume and with threads, where their time goes, and the floor.

python benches/scaling.py
"""

import statistics
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

import microtwin as mt
from structures import THREADS, blobs

LAGS = 64


def seconds(call, *, repeats=7):
    """Median time of a call, after one to warm up."""
    call()
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        call()
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


def floor(labels, threads):
    """Time to read every byte once, a word at a time: no count of them can be faster."""
    parts = np.array_split(labels.reshape(-1).view(np.uint64), threads)
    with ThreadPoolExecutor(threads) as pool:
        return seconds(lambda: list(pool.map(np.bitwise_or.reduce, parts)))


def checked(labels):
    """Stop unless counts do not depend on threads, and are at lag 1 what NumPy counts."""
    for count in (mt.two_point, mt.lineal_path, mt.chord_length):
        hits = [
            count(labels, phase=1, max_lag=LAGS, threads=n, device="cpu").hits for n in (1, 2, 7)
        ]
        assert np.array_equal(hits[0], hits[1])
        assert np.array_equal(hits[0], hits[2])
    pairs = int(np.sum(labels[1:] & labels[:-1], dtype=np.int64))
    assert mt.two_point(labels, phase=1, max_lag=1, axes=0).hits[0, 1] == pairs


def growth():
    """Time per voxel of each count, from 128^3 to 512^3, with one thread and with two."""
    print(f"{'':34}{'voxels':>9}{'1 thread':>12}{'2 threads':>12}{'speed-up':>10}{'ns/voxel':>10}")
    for side in (128, 256, 512):
        labels = blobs((side,) * 3)
        checked(labels)
        jobs = {
            f"S2, 3 axes, {LAGS} lags": lambda n, a=labels: mt.two_point(
                a, phase=1, max_lag=LAGS, threads=n, device="cpu"
            ),
            "L, 3 axes, all lags to half": lambda n, a=labels: mt.lineal_path(
                a, phase=1, threads=n, device="cpu"
            ),
            "chords, 3 axes": lambda n, a=labels: mt.chord_length(
                a, phase=1, threads=n, device="cpu"
            ),
        }
        rows = {
            name: [seconds(lambda j=job, n=n: j(n)) for n in (1, 2)] for name, job in jobs.items()
        }
        rows["reading the bytes"] = [floor(labels, n) for n in (1, 2)]
        rows["numpy sum of the bytes"] = [seconds(labels.sum)] * 2
        for name, (one, two) in rows.items():
            per_voxel = 1e9 * two / labels.size
            print(
                f"{name:34}{side:>7}^3{1e3 * one:>9.2f} ms{1e3 * two:>9.2f} ms"
                f"{one / two:>10.2f}{per_voxel:>10.3f}"
            )


def profile():
    """What each part of a count costs at 256^3, by leaving the others out."""
    labels = blobs((256, 256, 256))
    print(f"\nat 256^3, {THREADS} threads, ms:")

    def cost(count, **options):
        options |= {"phase": 1, "threads": THREADS, "device": "cpu"}
        return 1e3 * seconds(lambda: count(labels, **options), repeats=15)

    pack = cost(mt.two_point, max_lag=0, axes=0)
    print(f"  pack to bits, and lag 0 along z                {pack:8.2f}")
    for axis, name in enumerate("zyx"):
        none = cost(mt.two_point, max_lag=0, axes=axis)
        half = cost(mt.two_point, max_lag=LAGS, axes=axis)
        path = cost(mt.lineal_path, max_lag=LAGS, axes=axis)
        extra = " (with the turn to lines along y)" if name == "x" else ""
        print(f"  along {name}: lag 0 {none:6.2f}, {LAGS} lags {half:6.2f}, L {path:6.2f}{extra}")
    for family in ("face_diagonals", "body_diagonals"):
        print(f"  S2 along {family}: {cost(mt.two_point, max_lag=LAGS, directions=family):.2f}")
        print(f"  L along {family}: {cost(mt.lineal_path, max_lag=LAGS, directions=family):.2f}")
    print(f"  reading the bytes {1e3 * floor(labels, THREADS):.2f}")


if __name__ == "__main__":
    growth()
    profile()
