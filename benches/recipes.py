"""Which game, which penalty: the same networks trained by several recipes, over several seeds.

::

    python benches/recipes.py micrographs/ --steps 400 --seeds 3 --only "hinge, R1 + R2"

Prints the distance to the validation set (see docs/generators.md) at the end, and the smallest on
the way, of the moving average and of the last weights themselves.
"""

import argparse
import dataclasses
import tempfile
from pathlib import Path

import numpy as np

import microtwin as mt
from microtwin.generation import presets
from microtwin.generation.run_folder import RunFolder
from microtwin.images import find_images

RECIPES = {
    "relativistic, R1 + R2": {},
    "relativistic, R1 + R2, no average": {"average": None},
    "relativistic, R1 + R2, weight 0.03": {"penalty": 0.03},
    "relativistic, R1 + R2, weight 3": {"penalty": 3.0},
    "hinge, R1 + R2": {"game": "hinge"},
    "Wasserstein, gradient norm one (WGAN-GP)": {
        "game": "wasserstein", "slope": "one", "penalty": 10.0,
    },
    "relativistic, R1 + R2, rates fall to a tenth": {"final_rate": 0.1},
    "relativistic, R1 + R2, rates 3e-4": {"generator_rate": 3e-4, "critic_rate": 3e-4},
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source")
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=RECIPES, metavar="NAME", help="these recipes")
    options = parser.parse_args()
    images = [mt.read_image(path) for path in find_images(options.source)]
    base = presets.PRESETS[presets.DEFAULT]
    print("| recipe | distance at the end | smallest | S2 | L | spread of porosity / real |")
    print("|---|---|---|---|---|---|")
    for name, changes in RECIPES.items():
        if options.only and name not in options.only:
            continue
        recipe = dataclasses.replace(
            base, name="bench", steps=options.steps, validate_every=options.steps // 4, **changes
        )
        presets.PRESETS["bench"] = recipe  # type: ignore[index]
        rows = []
        for seed in range(options.seeds):
            with tempfile.TemporaryDirectory() as folder:
                run = Path(folder) / "run"
                try:
                    mt.train_gan(images, preset="bench", workdir=run, seed=seed)
                except mt.TrainingError:
                    continue
                rows.append(RunFolder(run).validation.rows())
        if not rows:
            print(f"| {name} | diverged | | | | |")
            continue
        last = [each[-1] for each in rows]
        means = {key: np.mean([row[key] for row in last]) for key in last[0]}
        spread = np.std([row["distance"] for row in last])
        smallest = np.mean([min(row["distance"] for row in each) for each in rows])
        ratio = means["spread_of_porosity"] / means["spread_of_real"]
        lost = f" ({options.seeds - len(rows)} diverged)" if len(rows) < options.seeds else ""
        print(
            f"| {name}{lost} | {means['distance']:.3f} ± {spread:.3f} | {smallest:.3f} "
            f"| {means['two_point']:.3f} | {means['lineal_path']:.3f} | {ratio:.2f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
