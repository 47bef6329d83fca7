"""A few tiles of micrographs told apart: by a network that knows ImageNet, and from scratch.

    python benches/transfer.py DATA [--weights FILE] [--seeds 5] [--each 15]

Tiles of 128 x 128 pixels of coatings in cross-section (DATA/ebc_cracks) show a crack in the oxide,
oxide, or neither. For each seed a few tiles of each class are for learning, from one half of the
specimens, and all tiles of the other half are for testing. Judged by balanced accuracy, the mean
of the recalls of the classes; by chance it is 1/3.
"""

import argparse
import csv
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
from skimage import io

import microtwin as mt

SIDE = 128
CLASSES = ("crack", "oxide", "other")
SCRATCH = ("chest-cnn", "chest-cnn-augmented")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--weights", type=Path, help="of EfficientNet-Lite0, .safetensors")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--each", type=int, default=15, help="tiles of a class to learn from")
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--scratch", nargs="+", choices=SCRATCH, default=list(SCRATCH))
    options = parser.parse_args()
    weights = options.weights or options.data / "efficientnet-lite0/efficientnet_lite0.safetensors"
    tiles = read(options.data / "ebc_cracks")
    ways = {"efficientnet-lite0-transfer": {"pretrained": weights}} | {
        name: {} for name in options.scratch
    }
    found = defaultdict(list)
    for seed in range(options.seeds):
        learn, test = divided(tiles, each=options.each, seed=seed)
        for preset, more in ways.items():
            score, seconds = judged(preset, learn, test, options.epochs, seed, more)
            found[preset].append((score, seconds))
            print(f"seed {seed}  {preset:<28} {score:.3f}  {seconds:.0f} s", flush=True)
    print(f"\n{3 * options.each} tiles to learn from, {options.seeds} seeds\n")
    print("| preset | balanced accuracy, mean ± spread | least | s |\n|---|---|---|---|")
    for preset, rows in found.items():
        scores, seconds = np.array(rows).T
        print(
            f"| `{preset}` | {scores.mean():.3f} ± {scores.std(ddof=1):.3f} | {scores.min():.3f} "
            f"| {seconds.mean():.0f} |"
        )
    transfer = np.array(found["efficientnet-lite0-transfer"])[:, 0]
    for preset in options.scratch:
        gain = transfer - np.array(found[preset])[:, 0]
        assert gain.mean() > 0, f"{preset} is better by {-gain.mean():.3f}"
        times = f"{(gain > 0).sum()} of {len(gain)} times"
        print(f"better than {preset} by {gain.mean():.3f}, {times}")


def read(folder):
    """Return the tiles of each specimen: lists of (pixels, class)."""
    found = defaultdict(list)
    images = {}
    with (folder / "tiles_128.csv").open() as file:
        for row in csv.DictReader(file):
            name = row["image"]
            if name not in images:
                images[name] = io.imread(folder / name)
            y, x = int(row["row"]), int(row["col"])
            pixels = images[name][y : y + SIDE, x : x + SIDE]
            found["_".join(name.split("_")[:2])].append((pixels, row["tile_label"]))
    return found


def divided(tiles, *, each, seed):
    """Return a few tiles of each class to learn from, and all of other specimens to test on."""
    rng = np.random.default_rng(seed)
    names = rng.permutation(sorted(tiles))
    half = len(names) // 2
    pool, test = ([t for n in part for t in tiles[n]] for part in (names[:half], names[half:]))
    learn = []
    for label in CLASSES:
        there = [tile for tile in pool if tile[1] == label]
        learn += [there[i] for i in rng.permutation(len(there))[:each]]
    return learn, test


def judged(preset, learn, test, epochs, seed, more):
    """Return balanced accuracy on the test tiles, and the seconds of training."""
    pixels, labels = zip(*learn, strict=True)
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        classifier = mt.train_classifier(
            np.stack(pixels), labels, preset=preset, workdir=folder, size=SIDE, epochs=epochs,
            seed=seed, **more,
        )  # fmt: skip
        seconds = time.perf_counter() - begun
        pixels, labels = zip(*test, strict=True)
        guessed = np.array(classifier.predict(np.stack(pixels)).labels)
    labels = np.array(labels)
    recalls = [(guessed[labels == label] == label).mean() for label in CLASSES]
    return float(np.mean(recalls)), seconds


if __name__ == "__main__":
    main()
