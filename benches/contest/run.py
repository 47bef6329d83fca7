"""The contest on real materials: every method, every number, as CSV and as a report.

::

    python benches/contest/train.py DATA --runs runs/
    python benches/contest/run.py DATA --runs runs/ -o results/ [--materials berea] [--samples 9]

For each material `results/MATERIAL.html`, `.rows.csv` (distances with intervals and verdicts),
`.times.csv`, `.structures.csv` (numbers of every structure) and `.energies.csv`.
"""

import argparse
import csv
import json
from pathlib import Path

from materials import MATERIALS

import microtwin as mt
from microtwin.comparison.contest import METHODS


def write(path: Path, header: list[str], rows: list[list[object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows([f"{v:.6g}" if isinstance(v, float) else v for v in row] for row in rows)


def tables(result: mt.Comparison, folder: Path, name: str) -> None:
    """Write what the documentation is made of."""
    write(
        folder / f"{name}.rows.csv",
        ["quantity", "phase", "method", "distance", "low", "high", "asked", "tied"],
        [
            [row.quantity, row.phase, p.name, p.distance, p.low, p.high, p.asked, p.tied]
            for row in result.rows
            for p in row.places
        ],
    )
    write(
        folder / f"{name}.times.csv",
        ["method", "samples", "seconds a sample", "seconds of training", "GB", "variety"],
        [
            [
                m.name, m.samples, m.seconds_each, m.training_seconds,
                m.memory and m.memory / 1e9, m.variety(result.reference),
            ]
            for m in result.methods
        ],
    )  # fmt: skip
    names = list(result.reference.numbers)
    write(
        folder / f"{name}.structures.csv",
        ["method", "sample", *names],
        [
            [m.name, i, *(float(m.numbers[n][i]) for n in names)]
            for m in result.members
            for i in range(m.samples)
        ],
    )
    write(
        folder / f"{name}.energies.csv",
        ["method", "seed", "seconds", "energy"],
        [
            [m.name, twin.seed, float(s), float(e)]
            for m in result.methods
            for twin in m.twins
            for s, e in thinned(twin.history)
        ],
    )


def thinned(history: object, most: int = 24) -> list[tuple[float, float]]:
    """Return about so many points of a course, the last among them."""
    pairs = list(zip(history.seconds, history.energies, strict=True))
    step = max(1, len(pairs) // most)
    return pairs[::-1][::step][::-1]


def main() -> None:
    ask = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    ask.add_argument("data", type=Path)
    ask.add_argument("--runs", type=Path, required=True, help="where train.py has trained")
    ask.add_argument("-o", "--output", type=Path, required=True)
    ask.add_argument("--materials", nargs="+", choices=MATERIALS, default=list(MATERIALS))
    ask.add_argument("--methods", nargs="+", choices=METHODS)
    ask.add_argument("--samples", type=int, default=9)
    ask.add_argument("--seed", type=int, default=0)
    ask.add_argument("--seconds", type=float, default=120.0, help="at most for one annealing")
    asked = ask.parse_args()
    asked.output.mkdir(parents=True, exist_ok=True)
    for name in asked.materials:
        material = MATERIALS[name](asked.data)
        runs = sorted(asked.runs.glob(f"{name}-{material.preset}-*"))
        done = [run for run in runs if (run / "seconds.json").exists()]
        seconds = [json.loads((run / "seconds.json").read_text())["seconds"] for run in done]
        result = mt.contest(
            material.training,
            material.held_out,
            gan=done,
            methods=asked.methods,
            shape=material.shape,
            samples=asked.samples,
            phase=material.phase,
            conductivities={material.conducting: 1.0},
            annealing={"max_seconds": asked.seconds},
            training_seconds=sum(seconds) / len(seconds),
            seed=asked.seed,
            settings={"source": material.title, "command": "benches/contest/run.py"},
            progress=lambda method, name=name: print(f"{name}: {method}", flush=True) or _silent,
        )
        result.to_html(asked.output / f"{name}.html")
        result.to_json(asked.output / f"{name}.json")
        tables(result, asked.output, name)
        for row in result.rows:
            print(f"  {row.quantity}: {row.verdict()}", flush=True)


def _silent(done: float, total: float, values: dict[str, float]) -> None:
    pass


if __name__ == "__main__":
    main()
