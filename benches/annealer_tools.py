"""How each annealer is run: a problem and a seed in, an `Outcome` out.

Every clock starts where the noise lies ready in memory: reading files, importing and compiling are
left out, and for MCRpy the tracing of its graph as well.
"""

import functools
import json
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import microtwin as mt
from microtwin import _core
from ported import fft_each_swap
from structures import curves_of

HERE = Path(__file__).parent
SLACK = 60.0  # seconds beyond the budget for a peer to start and to end


class Missing(Exception):
    """A tool that this machine lacks."""


@dataclass(frozen=True)
class Outcome:
    labels: np.ndarray
    energy: float  # as the tool counts it
    seconds: float
    proposals: int | None  # None where there is no such thing
    version: str


@dataclass(frozen=True)
class Tool:
    name: str
    run: Callable  # (problem, seed, options) -> Outcome
    lineal_path: bool = True  # whether L can be matched too
    note: str = ""


def _microtwin(problem, seed, options, **settings):
    start = time.perf_counter()
    twin = mt.anneal(
        problem.target,
        shape=problem.shape,
        seed=seed,
        tolerance=problem.energy,
        max_seconds=problem.budget,
        threads=1,
        **settings,
    )
    seconds = time.perf_counter() - start
    return Outcome(twin.labels, twin.energy, seconds, twin.proposals, mt.__version__)


def _from_noise(problem, seed, options, **settings):
    return _microtwin(problem, seed, options, start=problem.start, map_radius=0, **settings)


def _textbook(problem, seed, options):
    curves = curves_of(problem.target, problem.shape)
    start = time.perf_counter()
    annealer = _core.TextbookAnnealer(problem.start, curves, True, seed)
    proposals = 0
    while annealer.energy > problem.energy and time.perf_counter() - start < problem.budget:
        annealer.run(1000, 0.0)
        proposals += 1000
    seconds = time.perf_counter() - start
    labels = annealer.labels().reshape(problem.shape)
    return Outcome(labels, annealer.energy, seconds, proposals, mt.__version__)


def _fft(problem, seed, options):
    found = fft_each_swap.anneal(
        problem.start, problem.curves()[0], problem.energy, problem.budget, seed
    )
    return Outcome(*found, f"numpy {np.__version__}")


@functools.cache
def _compiled(source, compiler, folder):
    program = Path(folder) / Path(source).stem
    flags = ("-O3", "-std=c++20", "-march=native")
    try:
        subprocess.run([compiler, *flags, source, "-o", program], check=True)
    except FileNotFoundError as error:
        raise Missing(f"no compiler {compiler}") from error
    return program


def _trackers(problem, seed, options, *, sampler, cooling):
    source = str(HERE / "ported" / "correlation_trackers.cpp")
    program = _compiled(source, options.compiler, options.folder)
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        problem.start.astype(np.uint8).tofile(folder / "start")
        problem.curves().astype(np.float64).tofile(folder / "target")
        sides = ",".join(map(str, problem.shape))
        statistics = ",".join(problem.statistics)
        numbers = map(str, (problem.lags, problem.energy, problem.budget, seed))
        answer = subprocess.run(
            [program, folder, sides, statistics, *numbers, sampler, cooling],
            check=True,
            capture_output=True,
            text=True,
            timeout=problem.budget + SLACK,
        )
        labels = np.fromfile(folder / "labels", np.uint8).reshape(problem.shape)
    found = json.loads(answer.stdout)
    return Outcome(labels, **found, version="0.6.9 / 0.2.4")


def _mcrpy(problem, seed, options, *, optimizer):
    """Run in the interpreter that has MCRpy, which need not be the one that has microtwin."""
    if len(set(problem.shape)) > 1:
        raise Missing("asked for equal sides only")
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        np.savez(
            folder / "problem.npz",
            real=problem.real,
            start=problem.start,
            curves=problem.curves()[0],
            energy=problem.energy,
            budget=problem.budget,
            seed=seed,
        )
        command = [options.peers_python, HERE / "annealer_mcrpy.py", "problem.npz", optimizer]
        ended = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=3 * problem.budget + SLACK
        )
        if ended.returncode == 3:
            raise Missing("no MCRpy in the interpreter given by --peers-python")
        if ended.returncode:
            raise RuntimeError(f"MCRpy failed: {ended.stderr[-2000:]}")
        found = np.load(folder / "answer.npz")
        proposals = int(found["steps"]) if optimizer == "SimulatedAnnealing" else None
        energy, seconds = float(found["energy"]), float(found["seconds"])
        return Outcome(found["labels"], energy, seconds, proposals, str(found["version"]))


def _julia(sampler, cooling):
    return Tool(
        f"Julia's port, {sampler}, {cooling}",
        functools.partial(_trackers, sampler=sampler, cooling=cooling),
        note="CorrelationTrackers.jl and MaterialReconstruction.jl in C++, to do without Julia",
    )


MAP = "matches the whole map (of every slice of a volume), which is harder; measured along axes"

TOOLS = (
    Tool(
        "microtwin, quench",
        _from_noise,
        note="drawn by unlike neighbours: each proposal is dearer, and many fewer are needed",
    ),
    Tool("microtwin, greedy anywhere", functools.partial(_from_noise, moves="anywhere")),
    Tool(
        "microtwin, as it comes",
        _microtwin,
        note="from a Gaussian field, to S2 in every direction, too",
    ),
    Tool(
        "microtwin, curves alone",
        functools.partial(_microtwin, map_radius=0),
        note="from a Gaussian field, whose making counts",
    ),
    Tool("textbook in C++", _textbook, note="Yeong and Torquato's, greedy, anywhere; in this core"),
    *(_julia(sampler, "greedy") for sampler in ("uniform", "interface", "neighbours")),
    _julia("interface", "aarts"),
    Tool("FFT after each swap", _fft, lineal_path=False, note="numpy; greedy, anywhere"),
    Tool(
        "MCRpy, annealing",
        functools.partial(_mcrpy, optimizer="SimulatedAnnealing"),
        lineal_path=False,
        note=MAP,
    ),
    Tool(
        "MCRpy, L-BFGS-B",
        functools.partial(_mcrpy, optimizer="LBFGSB"),
        lineal_path=False,
        note=f"no annealer; its own grey start, and free in its fraction; {MAP}",
    ),
)
