"""What the benchmarks beside PyTorch share: threads, versions, and steps timed in turn."""

import os
import statistics
import time
from importlib import util
from importlib.metadata import version


def use_threads(count):
    """Keep to so many cores, all if None: before JAX counts them."""
    if count:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:count])


def threads():
    return len(os.sched_getaffinity(0))


def has_torch():
    return util.find_spec("torch") is not None


def say_where():
    """Print versions, threads, load, and whether there is anything to compare with."""
    if not has_torch():
        print("PyTorch is not installed: microtwin alone\n")
    packages = ("jax", "jaxlib", "flax", "optax", *(("torch",) if has_torch() else ()))
    print(", ".join(f"{name} {version(name)}" for name in packages))
    print(f"{threads()} threads, load {os.getloadavg()[0]:.1f} at the start\n")


def in_turn(sides, *, repeats, warm):
    """Return the seconds that each of several calls takes, one after the other, so many times."""
    for call in sides.values():
        for _ in range(warm):
            call()
    seconds = {name: [] for name in sides}
    for _ in range(repeats):
        for name, call in sides.items():
            begin = time.perf_counter()
            call()
            seconds[name].append(time.perf_counter() - begin)
    return seconds


def timing(seconds, *, unit=1.0):
    """Return the median and the least, in a unit of so many seconds."""
    return f"{statistics.median(seconds) / unit:.3g} ({min(seconds) / unit:.3g})"
