"""microtwin's annealer beside others on one question: how long until the curves are met.

PYTHONPATH=python python benches/annealers.py [--energy 1e-4] [--budget 20] [--peers-python PYTHON]

Noise is to get S2 (and L, where a tool can) along the axes of a structure of blobs, periodic, 32
lags, on one thread. No answer counts before it is recounted, by microtwin's describe and by the
plain definition. What does not get there within the budget is shown with the energy it got to, and
a lower bound of its ratio: nothing is extrapolated. Proposals a second are means over the run.
"""

import argparse
import os

# before NumPy and its friends read them
os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"))

import sys
import tempfile

import numpy as np

import annealer_problem
from annealer_tools import TOOLS, Missing

SHAPES = ((128, 128), (64, 64, 64))
QUESTIONS = (("two_point", "lineal_path"), ("two_point",))
MOST_RUNS = 3
LISP = "not run: material-reconstruction: Common Lisp, on a GPU by Vulkan"


def main():
    options = _options()
    remarks = {}  # -> whom they are about
    with tempfile.TemporaryDirectory() as folder:
        options.folder = folder
        _warm_up(options)
        for shape in options.shape or SHAPES:
            for names in QUESTIONS:
                problem = annealer_problem.make(shape, names, options.energy, options.budget)
                _compare(problem, options, remarks)
    print()
    for remark, names in remarks.items():
        print(f"{'; '.join(names)}: {remark}")
    print(LISP)


def _options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--energy", type=float, default=1e-4, help="total squared error asked for")
    parser.add_argument("--budget", type=float, default=20.0, help="seconds a tool and question")
    parser.add_argument("--shape", type=_shape, nargs="*", metavar="Y,X | Z,Y,X")
    parser.add_argument("--only", help="tools whose name holds this, and microtwin's quench")
    parser.add_argument("--compiler", default=os.environ.get("CXX", "g++"))
    parser.add_argument(
        "--peers-python",
        default=os.environ.get("MICROTWIN_PEERS_PYTHON", sys.executable),
        help="interpreter that has MCRpy (default: $MICROTWIN_PEERS_PYTHON, or this one)",
    )
    return parser.parse_args()


def _shape(text):
    return tuple(int(side) for side in text.split(","))


def _warm_up(options):
    """What is imported or allocated at a first call belongs to nobody's time."""
    small = annealer_problem.make((16, 16), QUESTIONS[0], 1.0, 1.0)
    for tool in TOOLS:
        if tool.name.startswith("microtwin"):
            tool.run(small, 0, options)


def _compare(problem, options, remarks):
    print(f"\n{problem.title}; to {problem.energy:g} within {problem.budget:g} s, one thread")
    print(f"{'tool':40}{'version':>14}{'proposals/s':>13}{'seconds':>10}{'energy':>10}{'ratio':>9}")
    own = None
    for tool in TOOLS:
        chosen = own is None or not options.only or options.only in tool.name
        if not chosen or (len(problem.statistics) > 1 and not tool.lineal_path):
            continue
        try:
            energy, outcome = _median_run(problem, tool, options)
        except Missing as why:
            remarks.setdefault(f"not run: {why}", {})[tool.name] = None
            continue
        if tool.note:
            remarks.setdefault(tool.note, {})[tool.name] = None  # a set that keeps its order
        own = own or outcome.seconds
        reached = energy <= problem.energy * (1 + 1e-9)
        _row(tool, problem, outcome, energy, reached, outcome.seconds / own)


def _median_run(problem, tool, options):
    """Return energy and outcome of the run of median time; what is slow is run once."""
    runs = []
    while len(runs) < MOST_RUNS and sum(run[1].seconds for run in runs) < problem.budget / 4:
        outcome = tool.run(problem, len(runs), options)
        energy = annealer_problem.recount(problem, outcome.labels)
        if not np.isclose(energy, outcome.energy, rtol=1e-6, atol=1e-12):
            raise RuntimeError(f"{tool.name} lost count: {outcome.energy}, recounted {energy}")
        runs.append((energy, outcome))
    # A run that fell short, however early it gave up, took longer than any that did not.
    runs.sort(key=lambda run: (run[0] > problem.energy * (1 + 1e-9), run[1].seconds))
    return runs[(len(runs) - 1) // 2]


def _row(tool, problem, outcome, energy, reached, ratio):
    rate = "-" if outcome.proposals is None else f"{outcome.proposals / outcome.seconds:,.0f}"
    bound = "" if reached else "> "
    took = f"{bound}{outcome.seconds:.3g}"
    excess = outcome.labels.mean() - problem.real.mean()
    note = f"  fraction {excess:+.4f}" if excess else ""
    print(
        f"{tool.name:40}{outcome.version:>14}{rate:>13}{took:>10}{energy:>10.1e}"
        f"{f'{bound}{ratio:.3g}':>9}{note}",
        flush=True,
    )


if __name__ == "__main__":
    main()
