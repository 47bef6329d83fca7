"""Which game, penalty, rates, augmentation: the same networks trained by several recipes and seeds.

::

    python benches/recipes.py micrographs/ --steps 400 --seeds 3 --only "hinge, R1 + R2"
    python benches/recipes.py micrograph.png --piece 256 --steps 1000 --workdir runs/

Prints the distance to the validation set (see docs/generators.md) at the end, and the smallest on
the way. With `--piece` a square of the first image is all that is learned from, and the rest of
that image judges the weights that a user gets: by distance, and by how near samples come to what
was learned from beside how near the rest comes (`mt.novelty`). Runs that are in `--workdir` are not
trained again.
"""

import argparse
import dataclasses
import re
import tempfile
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np

import microtwin as mt
from microtwin.errors import TrainingError
from microtwin.generation import presets
from microtwin.generation.cutting import cut
from microtwin.generation.run_folder import RunFolder
from microtwin.generation.training_set import TrainingSet
from microtwin.generation.validation import Curves
from microtwin.images import find_images, random_patches

# What differs from the preset; `augment` is an option of `train_gan`.
RECIPES: Mapping[str, dict[str, Any]] = {
    "relativistic, R1 + R2": {},
    "relativistic, R1 + R2, no average": {"average": None},
    "relativistic, R1 + R2, weight 0.03": {"penalty": 0.03},
    "relativistic, R1 + R2, weight 3": {"penalty": 3.0},
    "hinge, R1 + R2": {"game": "hinge"},
    "Wasserstein, gradient norm one (WGAN-GP)": {
        "game": "wasserstein", "slope": "one", "penalty": 10.0,
    },
    "rates fall to a tenth": {"final_rate": 0.1},
    "rates 3e-4": {"generator_rate": 3e-4, "critic_rate": 3e-4},
    "cutout": {"augment": "cutout"},
    "translation, cutout": {"augment": ("translation", "cutout")},
    "brightness, translation, cutout": {"augment": ("brightness", "translation", "cutout")},
}  # fmt: skip
SAMPLES = 200


class Piece:
    """A square of an image to learn from, and the rest of it to judge by."""

    def __init__(self, image: Any, side: int, size: int) -> None:
        self.image = image[:side, :side]
        self.size = size
        self.data = TrainingSet.of([self.image], size=size)
        whole = TrainingSet.of([image], size=size, validate=False).sets[0][0]
        self.rest = [self._labels(part) for part in (whole[side:], whole[:side, side:])]
        self.learned = [self._labels(part) for part in self.data.sets[0]]
        self._real = self._curves(self._patches(self.rest))

    def judged(self, labels: Any) -> dict[str, float]:
        """Hold samples against the rest and against what was learned from."""
        result = mt.novelty(labels, training=self.learned, held_out=self.rest, size=self.size)
        return {
            "distance to the rest": self._curves(labels).distance(self._real)["distance"],
            "nearest": float(np.median(result.distances) / np.median(result.real_distances)),
            "memorised": result.memorised,
            "copies": result.copies,
            "variety": result.variety,
        }

    @property
    def floor(self) -> float:
        """How far real patches of what was learned from are from the rest."""
        learned = self._curves(self._patches(self.learned))
        return learned.distance(self._real)["distance"]

    def _labels(self, image: Any) -> Any:
        return cut(image, self.data.thresholds, phases=self.data.phases)

    def _patches(self, images: Any) -> Any:
        return random_patches(images, size=self.size, count=400, flips=False, rotations=False)

    def _curves(self, labels: Any) -> Curves:
        return Curves.of(labels, self.data.fractions, max_lag=self.size // 2)


def trained(images: Any, name: str, folder: Path, options: argparse.Namespace, seed: int) -> Any:
    """Train by a recipe, or open what has been trained; return the generator."""
    changes = dict(RECIPES[name])
    augment = changes.pop("augment", ())
    presets.PRESETS["bench"] = dataclasses.replace(  # type: ignore[index]
        presets.PRESETS[presets.DEFAULT],
        name="bench",
        size=options.size,
        steps=options.steps,
        validate_every=options.steps // 4,
        **changes,
    )
    return mt.train_gan(
        images, preset="bench", workdir=folder, seed=seed, augment=augment, resume=True
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source")
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=RECIPES, metavar="NAME", help="these recipes")
    parser.add_argument("--piece", type=int, help="side of the square that is learned from")
    parser.add_argument("--size", type=int, help="side of patches; by default the preset's")
    parser.add_argument("--workdir", help="where runs are kept, or are already")
    options = parser.parse_args()
    images = [mt.read_image(path) for path in find_images(options.source)]
    options.size = size = options.size or presets.PRESETS[presets.DEFAULT].size
    piece = Piece(images[0], options.piece, size) if options.piece else None
    names = ["at the end", "smallest", "S2", "L", "spread of porosity / real"]
    if piece is not None:
        images = [piece.image]
        print(f"The piece itself is {piece.floor:.3f} from the rest.\n")
        names += ["distance to the rest", "nearest", "memorised", "copies", "variety"]
    print("| recipe | " + " | ".join(names) + " |\n|---" + "|---" * len(names) + "|")
    keep = nullcontext(options.workdir) if options.workdir else tempfile.TemporaryDirectory()
    with keep as workdir:
        for name in RECIPES:
            if options.only and name not in options.only:
                continue
            rows = []
            for seed in range(options.seeds):
                folder = Path(workdir) / f"{re.sub('[^a-z0-9]+', '-', name.lower())}-{seed}"
                try:
                    generator = trained(images, name, folder, options, seed)
                except TrainingError:
                    continue
                steps = RunFolder(folder).validation.rows()
                last = steps[-1]
                row = {
                    "at the end": last["distance"],
                    "smallest": min(row["distance"] for row in steps),
                    "S2": last["two_point"],
                    "L": last["lineal_path"],
                    "spread of porosity / real": last["spread_of_porosity"]
                    / last["spread_of_real"],
                }
                if piece is not None:
                    samples = generator.sample(SAMPLES, shape=(size, size), seed=seed + 1)
                    row |= piece.judged(samples.labels)
                rows.append(row)
            lost = options.seeds - len(rows)
            cells = [name + (f" ({lost} diverged)" if lost else "")]
            if rows:
                cells += [_cell([row[key] for row in rows]) for key in names]
            print("| " + " | ".join(cells) + " |", flush=True)


def _cell(values: list[float]) -> str:
    return f"{np.mean(values):.3f} ± {np.std(values):.3f}"


if __name__ == "__main__":
    main()
