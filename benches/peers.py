"""microtwin beside its peers on one structure: first that the answers agree, then the time.

PYTHONPATH=python python benches/peers.py [--size 1024,1024 | --data labels.npy] [--only two_point]

Every peer that can be imported is asked on a small structure with odd sides and held against the
plain definition, then on the large one against microtwin. Best of three, two threads where there
are any. Peers that cannot be imported, and functions that this microtwin lacks, are listed.
"""

import argparse
import contextlib
import importlib
import importlib.metadata
import math
import os
import sys
import time
from dataclasses import dataclass, field

# before NumPy and its friends read them
os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "NUMBA_NUM_THREADS"), "2"))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

import microtwin as mt
import peer_definitions as definitions
from peer_adapters import PEERS
from structures import THREADS, blobs

SMALL = ((23, 18), (22, 17), (11, 9, 10), (10, 12, 9))
SMALL_REACH = 4
COUNTED = 1e-12  # what is counted agrees but for the last division
FLOAT32 = 1e-5  # by a Fourier transform in single precision


@dataclass(frozen=True)
class Question:
    """What microtwin is asked, how its answer is read, and how near a peer's must come."""

    function: str
    options: dict = field(default_factory=dict)
    read: object = None  # (result, reach) -> array; without, only the time is compared
    definition: object = None
    tolerance: float = COUNTED
    lags: bool = True


def _values(result, reach):
    return result.values


def _corner(result, reach):
    return result.values[(slice(reach, None),) * result.values.ndim]


def _voxels_and_euler(result, reach):
    background = 1 << result.ndim  # every voxel is in so many neighbourhoods
    each = [bin(code).count("1") for code in range(len(result.counts))]
    return np.array([result.counts @ each // background, result.euler_number])


ON_CPU = {"device": "cpu"}
QUESTIONS = {
    "two_point": Question(
        "two_point", ON_CPU | {"periodic": True}, _values, definitions.two_point, FLOAT32
    ),
    "two_point_inside": Question(
        "two_point", ON_CPU, _values, definitions.two_point_inside, FLOAT32
    ),
    "two_point_map": Question(
        "two_point_map", {"periodic": True}, _corner, definitions.two_point_map, FLOAT32
    ),
    "two_point_radial": Question("two_point_radial"),
    "lineal_path": Question(
        "lineal_path", ON_CPU | {"periodic": True}, _values, definitions.lineal_path
    ),
    "chord_length": Question(
        "chord_length",
        ON_CPU,
        lambda result, reach: result.hits[:, 1 : reach + 1],
        definitions.chords,
    ),
    # Distances between centres, where microtwin takes off half a voxel: the time alone.
    "pore_size": Question("pore_size", definition=definitions.distances, lags=False),
    "local_thickness": Question("local_thickness", lags=False),
    "minkowski": Question(
        "minkowski",
        {"edges": "background"},
        _voxels_and_euler,
        definitions.volume_and_euler,
        lags=False,
    ),
    "clusters": Question(
        "clusters",
        read=lambda result, reach: np.array([result.max()]),
        definition=definitions.cluster_count,
        lags=False,
    ),
}


def main():
    options = _options()
    labels = np.load(options.data) if options.data else blobs(options.size)
    inside = np.ascontiguousarray(labels == 1)
    labels = inside.astype(np.uint8)
    reach = min(options.lags, (min(labels.shape) - 1) // 2)
    sides = " x ".join(map(str, labels.shape))
    print(f"{sides} voxels, fraction {inside.mean():.4f}, {reach} lags, {os.cpu_count()} cores")
    print(f"{'':17}{'':26}{'version':>10}{'threads':>9}{'ms':>11}{'ratio':>9}  answer")
    lacking, absent, wrong = [], [], []
    for name in options.only or QUESTIONS:
        question = QUESTIONS[name]
        answer, own = None, math.nan
        if hasattr(mt, question.function):
            answer, own = _ask_microtwin(question, labels, reach, options.repeat)
            _row(name, "microtwin", mt.__version__, THREADS, own, own, "")
        else:
            lacking.append(question.function)
        for peer in PEERS:
            if peer.question != name or inside.ndim not in peer.dimensions:
                continue
            try:
                module = importlib.import_module(peer.module)
            except ImportError:
                absent.append(peer.name)
                continue
            seconds, note, agrees = _ask_peer(
                question, peer, module, inside, reach, answer, options.repeat
            )
            _row(name, peer.name, _version(peer, module), peer.threads, seconds, own, note)
            if not agrees:
                wrong.append(f"{name} by {peer.name}")
    if lacking:
        print("not in this microtwin:", ", ".join(dict.fromkeys(lacking)))
    if absent:
        print("cannot be imported:", ", ".join(dict.fromkeys(absent)))
    if wrong:
        sys.exit(f"do not agree: {', '.join(wrong)}")


def _options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=_size, default=(1024, 1024), metavar="Y,X | Z,Y,X")
    parser.add_argument("--data", metavar="FILE.npy", help="labels to measure; the phase is 1")
    parser.add_argument("--lags", type=int, default=64)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--only", nargs="*", choices=tuple(QUESTIONS), metavar="QUESTION")
    return parser.parse_args()


def _size(text):
    return tuple(int(side) for side in text.split(","))


def _ask_microtwin(question, labels, reach, repeat):
    measure = getattr(mt, question.function)
    options = question.options | {"phase": 1, "threads": THREADS}
    if question.lags:
        options |= {"max_lag": reach}
    result, seconds = _best(lambda: measure(labels, **options), repeat)
    return (question.read(result, reach) if question.read else None), seconds


def _ask_peer(question, peer, module, inside, reach, answer, repeat):
    """Return the shortest time, what there is to say of the answer, and whether it is right."""
    if not _is_as_defined(question, peer, module, inside.ndim):
        return math.nan, "WRONG on a small structure", False
    if inside.size > peer.largest:
        return math.nan, "too slow at this size", True
    found, seconds = _best(lambda: peer.measure(module, inside, reach), repeat)
    if peer.differs:
        return seconds, f"differs: {peer.differs}", True
    if answer is None:
        return seconds, "as defined" if question.definition else "", True
    if np.shape(found) != np.shape(answer):
        return seconds, f"DISAGREES: shape {np.shape(found)}", False
    error = _error(found, answer)
    agrees = error <= question.tolerance
    return seconds, f"{'agrees' if agrees else 'DISAGREES'}, {error:.0e}", agrees


def _is_as_defined(question, peer, module, ndim):
    """Hold a peer against the plain definition, its own one where that is another."""
    definition = peer.definition or question.definition
    for shape in SMALL:
        if len(shape) != ndim:
            continue
        inside = blobs(shape, sigma=1.0, seed=1).astype(bool)
        with _quiet():
            found = peer.measure(module, inside, SMALL_REACH)  # compiles what is to be compiled
        if definition is not None:
            expected = definition(inside, SMALL_REACH)
            if np.shape(found) != expected.shape or _error(found, expected) > question.tolerance:
                return False
    return True


def _error(found, expected):
    return float(np.abs(np.asarray(found, float) - expected).max())


def _best(run, repeat):
    """Return the answer and the shortest time; repeat less what is slow, more what is quick."""
    times = []
    while sum(times) < (10.0 if len(times) < repeat else 0.1):
        with _quiet():
            start = time.perf_counter()
            answer = run()
            times.append(time.perf_counter() - start)
    return answer, min(times)


@contextlib.contextmanager
def _quiet():
    """Some peers print their progress, from Python and from C."""
    sys.stdout.flush()
    kept = os.dup(1)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        try:
            yield
            sys.stdout.flush()
        finally:
            os.dup2(kept, 1)
            os.close(kept)


def _version(peer, module):
    if peer.distribution:
        return importlib.metadata.version(peer.distribution)
    return module.version() if hasattr(module, "version") else "-"


def _row(question, tool, version, threads, seconds, own, note):
    milliseconds = "-" if math.isnan(seconds) else f"{1e3 * seconds:.2f}"
    ratio = "-" if math.isnan(seconds / own) else f"{seconds / own:.3g}"
    tools = f"{question:17}{tool:26}{version:>10}{threads:>9}"
    print(f"{tools}{milliseconds:>11}{ratio:>9}  {note}", flush=True)


if __name__ == "__main__":
    main()
