"""The tables of docs/contest.md from the results: python benches/contest/tables.py RESULTS"""

import csv
import sys
from collections import defaultdict
from pathlib import Path

WORDS = {
    "two_point": "S₂",
    "lineal_path": "L",
    "cluster": "C₂",
    "chord_length": "chord lengths",
    "pore_size": "pore sizes",
}


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def ranking(path: Path) -> None:
    """Print distances, in bold where nothing tells a method from the nearest."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    methods = []
    for row in rows(path):
        name = row["method"]
        methods.append(name)
        if row["distance"] == "nan":
            cell = "–"
        else:
            low, high = float(row["low"]), float(row["high"])
            cell = f"{float(row['distance']):.2g}"
            cell = f"**{cell}**" if row["tied"] == "True" else cell
            cell += ("*" if row["asked"] == "True" else "") + f" ({low:.2g}–{high:.2g})"
        found[row["quantity"]][name] = cell
    names = list(dict.fromkeys(methods))
    print("| | " + " | ".join(names) + " |\n|---|" + "---|" * len(names))
    for quantity, cells in found.items():
        print(f"| {WORDS.get(quantity, quantity)} | " + " | ".join(cells[n] for n in names) + " |")


def blind(path: Path) -> None:
    """Print in which quantities that it was not made by each method fails."""
    fails: dict[str, list[str]] = defaultdict(list)
    for row in rows(path):
        near = row["tied"] == "True" or float(row["high"]) < 1  # "nan" is not
        fails[row["method"]] += [] if near or row["asked"] == "True" else [row["quantity"]]
    for method, quantities in fails.items():
        print(f"- {method}: {', '.join(WORDS.get(q, q) for q in quantities) or 'none'}")


def times(path: Path) -> None:
    print("| | s a sample | s of training | spread, real = 1 |\n|---|---|---|---|")
    for row in rows(path):
        each, once, variety = (
            row[k] for k in ("seconds a sample", "seconds of training", "variety")
        )
        cells = (f"{float(v):.3g}" if v else "–" for v in (each, once, variety))
        print(f"| {row['method']} | " + " | ".join(cells) + " |")


def main() -> None:
    folder = Path(sys.argv[1])
    for path in sorted(folder.glob("*.rows.csv")):
        name = path.name.split(".")[0]
        print(f"\n### {name}\n")
        ranking(path)
        print("\nNot as near as others, nor surely within one spread:\n")
        blind(path)
        print()
        times(folder / f"{name}.times.csv")
    curve = folder / "times.csv"
    if curve.exists():
        found = rows(curve)
        print("\n| " + " | ".join(found[0]) + " |\n|" + "---|" * len(found[0]))
        for row in found:
            print("| " + " | ".join(row.values()) + " |")


if __name__ == "__main__":
    main()
