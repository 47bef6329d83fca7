"""How good generated structures are: samples beside real patches, statistic by statistic.

::

    python benches/generated.py images scans/ --workdir runs/a  # trains, or opens what is there
    python benches/generated.py volume rock.npz --workdir runs/b  # learns from its slices

Real patches of the same size give the band that 95 % of them lie in, at each lag; the mean of the
samples is held against it. Volumes are held against as many sub-volumes of the real one.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import microtwin as mt
from microtwin.generation.training_set import TrainingSet
from microtwin.images import find_images, random_patches

PATCHES = 400


def trained(images: Any, options: argparse.Namespace, preset: str) -> mt.Generator:
    """Train, or open what has been trained."""
    folder = Path(options.workdir)
    if (folder / "MODEL_CARD.md").exists():
        return mt.load_generator(folder)
    return mt.train_gan(
        images,
        preset=preset,
        workdir=folder,
        steps=options.steps,
        seed=options.seed,
        resume=True,
        rotations=False if options.no_rotations else None,
    )


def curves(samples: Sequence[Any], phase: int, max_lag: int) -> dict[str, np.ndarray]:
    """Return S2, L and C2 of each sample, averaged over its axes: (samples, lags)."""
    functions = {"S2": mt.two_point, "L": mt.lineal_path, "C2": mt.cluster_function}
    return {
        name: np.array([function(s, phase=phase, max_lag=max_lag).mean for s in samples])
        for name, function in functions.items()
    }


def beside(found: np.ndarray, real: np.ndarray) -> dict[str, float]:
    """Hold the mean of samples against the band of real ones."""
    low, high = np.percentile(real, (2.5, 97.5), axis=0)
    mean = found.mean(0)
    scale = real[:, 0].mean()
    return {
        "inside": float(((mean >= low) & (mean <= high)).mean()),
        "rms": float(np.sqrt(np.square(mean - real.mean(0)).mean()) / scale),
        "rms_of_real_patches": float(
            np.sqrt(np.square(real - real.mean(0)).mean(1)).mean() / scale
        ),
        "spread_ratio": float(np.median(found.std(0) / np.maximum(real.std(0), 1e-12))),
    }


def report(samples: Any, real: Any, max_lag: int) -> dict[str, Any]:
    """Compare both phases."""
    rows: dict[str, Any] = {}
    for phase in (0, 1):
        found, wanted = curves(samples, phase, max_lag), curves(real, phase, max_lag)
        for name, values in found.items():
            rows[f"{name} of phase {phase}"] = beside(values, wanted[name])
    slope = 4 if np.ndim(samples[0]) == 3 else np.pi
    surface = [
        [slope * (s2[0] - s2[1]) for s2 in curves(part, 1, 1)["S2"]] for part in (samples, real)
    ]
    porosity = [[float((s == 0).mean()) for s in part] for part in (samples, real)]
    for name, (of_samples, of_real) in {"surface": surface, "porosity": porosity}.items():
        rows[name] = {
            "samples": [float(np.mean(of_samples)), float(np.std(of_samples))],
            "real": [float(np.mean(of_real)), float(np.std(of_real))],
        }
    return rows


def images(options: argparse.Namespace) -> dict[str, Any]:
    """Learn from images; compare 200 samples with patches of them."""
    paths = find_images(options.source)
    greys = [mt.read_image(path)[options.crop_top :] for path in paths]
    generator = trained(greys, options, options.preset or "dcgan-2d")
    side, recipe = options.side, generator.settings.recipe
    data = TrainingSet.of(greys, size=recipe.size, validate=False)
    patches = random_patches(
        data.sets[0], size=side, count=PATCHES, seed=1, flips=False, rotations=False
    )
    real = (patches > data.thresholds[0]).astype(np.uint8)
    samples = generator.sample(200, shape=(side, side), seed=options.seed + 1).labels
    rows = report(list(samples), list(real), side // 2)
    for name, part in (("samples", samples), ("real patches", real[:200])):
        artefact = mt.lattice_artefact(part, tolerance=options.tolerance)
        rows[f"lattice, {name}"] = {
            "passed": bool(artefact.passed),
            **artefact.to_dataframe().set_index("stride")[["deviation", "limit"]].to_dict("index"),
        }
    return rows


def volume(options: argparse.Namespace) -> dict[str, Any]:
    """Learn from slices of a volume normal to z; compare 16 volumes with parts of the real one."""
    loaded = np.load(options.source)
    whole = loaded if isinstance(loaded, np.ndarray) else loaded[loaded.files[0]]
    whole = (whole > 0).astype(np.uint8)
    generator = trained(list(whole[:: options.every]), options, options.preset or "slice-3d")
    side = options.side
    samples = generator.sample(options.count, shape=(side,) * 3, seed=options.seed + 1).labels
    places = [range(0, n - side + 1, max(1, (n - side) // 3)) for n in whole.shape]
    real = [
        whole[z : z + side, y : y + side, x : x + side]
        for z in places[0]
        for y in places[1]
        for x in places[2]
    ]
    rows = report(list(samples), real, side // 2)
    print(f"{len(samples)} volumes of {side}³ beside {len(real)} parts of the real one")
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=("images", "volume"))
    parser.add_argument("source")
    parser.add_argument("--workdir", required=True)
    parser.add_argument("--preset")
    parser.add_argument("--steps", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--side", type=int, default=64)
    parser.add_argument("--count", type=int, default=16, help="volumes")
    parser.add_argument("--every", type=int, default=8, help="slices that are learned from")
    parser.add_argument("--crop-top", type=int, default=0, help="rows cut off each image")
    parser.add_argument("--tolerance", type=float, default=0.0, help="of lattice artefacts")
    parser.add_argument("--no-rotations", action="store_true")
    options = parser.parse_args()
    rows = images(options) if options.kind == "images" else volume(options)
    print(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
