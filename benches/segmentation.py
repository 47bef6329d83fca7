"""Phases learned from a few strokes beside thresholds, on micrographs with masks drawn by people.

PYTHONPATH=python python benches/segmentation.py ../shared/data [--only superalloy] [--seeds 3]

For each seed some images are drawn to learn from. In their masks straight strokes of one pixel's
width are laid at random, each within one phase, until enough pixels of each phase are marked. The
classifier labels other images, and so do the thresholds, which are told by the mask which of their
classes is which phase: the best they can do. Everything is compared with the masks: intersection
over union of each phase, the error of one phase's fraction, and the rms difference of its S2.
"""

import argparse
import itertools
import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import microtwin as mt

LAGS = 64
THRESHOLDS = {
    "Otsu": {"method": "otsu"},
    "Otsu, smoothed by 2": {"method": "otsu", "smooth": 2},
    "multi-Otsu, 3 classes, smoothed by 2": {"method": "multi_otsu", "classes": 3, "smooth": 2},
    "local": {"method": "local", "smooth": 2},
}


@dataclass(frozen=True)
class Data:
    """A folder, what its masks mean, and the phase whose S2 is compared."""

    title: str
    folder: str
    phases: dict[str, tuple[int, ...]]  # -> values in the mask
    compared: str
    group: int | None = None  # images whose names begin with as many characters are one specimen


DATA = (
    Data(
        "superalloy, 2 phases",
        "superalloy_sem",
        {"matrix": (0,), "precipitate": (1, 2)},
        compared="matrix",
    ),
    Data(
        "superalloy, 3 phases",
        "superalloy_sem",
        {"matrix": (0,), "small": (1,), "large": (2,)},
        compared="large",
    ),
    Data(
        "nanocomposite",
        "nanocomposite_sem",
        {"matrix": (255,), "agglomerate": (0,)},
        compared="agglomerate",
    ),
    Data(
        "coating",
        "ebc_cracks",
        {"other": (0,), "oxide": (1,), "crack": (2,)},
        compared="oxide",
        group=6,
    ),
)


def main():
    options = _options()
    for data in DATA:
        if options.only in data.title:
            _compare(data, options)


def _options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="folder of the sets of images")
    parser.add_argument("--only", default="", help="sets whose title holds this")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--train", type=int, default=3, help="images with strokes")
    parser.add_argument("--test", type=int, default=4, help="other images, at most")
    parser.add_argument("--pixels", type=int, default=200, help="marked, a phase and image")
    parser.add_argument("--length", type=int, default=40, help="of a stroke at most, in pixels")
    parser.add_argument("--methods", default="forest,svm")
    parser.add_argument("--levels", default="percentiles", help="percentiles,as_is")
    parser.add_argument("--weights", default="equally", help="equally,marked")
    parser.add_argument("--scales", type=_scales, nargs="*", default=[None])
    parser.add_argument("--masks", action="store_true", help="learn from the whole masks instead")
    parser.add_argument("--pictures", type=Path, help="folder for pictures of the first seed")
    return parser.parse_args()


def _scales(text):
    return tuple(float(scale) for scale in text.split(","))


def _compare(data, options):
    images = _read(options.data / data.folder, data)
    marked = "whole masks" if options.masks else f"{options.pixels} pixels a phase and image"
    print(f"\n{data.title}: {len(images)} images; strokes in {options.train}, {marked}", flush=True)
    found = {}  # name -> phases' intersections over unions, error of fraction, rms of S2
    seconds = {}
    for seed in range(options.seeds):
        rng = np.random.default_rng(seed)
        train, test = _split(images, data, options, rng)
        marks = [mask if options.masks else _strokes(mask, options, rng) for _, _, mask in train]
        for name, settings in _classifiers(options):
            started = time.perf_counter()
            classifier = mt.train_pixels(
                [grey for _, grey, _ in train], marks, seed=seed, **settings
            )
            learning = time.perf_counter() - started
            for image, grey, mask in test:
                started = time.perf_counter()
                labels = classifier.segment(grey)
                took = (learning, (time.perf_counter() - started) / grey.size * 1e6)
                seconds.setdefault(name, []).append(took)
                found.setdefault(name, []).append(_scores(labels, mask, data))
                if options.pictures and seed == 0:
                    _draw(options.pictures / f"{data.title} {image} {name}.png", grey, mask, labels)
        for name, settings in THRESHOLDS.items():
            for _, grey, mask in test:
                labels = _best_names(mt.segment(grey, **settings), mask, len(data.phases))
                found.setdefault(name, []).append(_scores(labels, mask, data))
    _tell(found, seconds, data)


def _read(folder, data):
    """Return the name, the grey levels and the phases of each image."""
    images = []
    for file in sorted(folder.glob("*_mask.png")):
        name = file.name.removesuffix("_mask.png")
        (source,) = [f for f in folder.glob(f"{name}.*") if f.suffix in (".png", ".jpg")]
        values = np.asarray(mt.read_image(file))
        mask = np.full(values.shape, 255, np.uint8)
        for phase, parts in enumerate(data.phases.values()):
            mask[np.isin(values, parts)] = phase
        assert mask.max() < len(data.phases), file
        images.append((name, mt.read_image(source), mask))
    return images


def _split(images, data, options, rng):
    """Return images to learn from and others to test on, never of one specimen where known."""
    order = rng.permutation(len(images))
    train = [images[i] for i in order[: options.train]]
    taken = {name[: data.group] for name, _, _ in train}
    rest = [images[i] for i in order[options.train :] if images[i][0][: data.group] not in taken]
    assert rest
    return train, rest[: options.test]


def _strokes(mask, options, rng):
    """Return marks on straight lines that each stay within one phase, -1 elsewhere."""
    marks = np.full(mask.shape, -1, np.int16)
    steps = np.arange(options.length // 2)
    for phase in np.unique(mask):
        places = np.argwhere(mask == phase)
        for _ in range(1000):
            if (marks == phase).sum() >= options.pixels:
                break
            start, angle = places[rng.integers(len(places))], rng.uniform(0, 2 * np.pi)
            along = np.array([np.sin(angle), np.cos(angle)])
            for way in (1, -1):
                line = np.rint(start + way * steps[:, None] * along).astype(int)
                inside = ((line >= 0) & (line < mask.shape)).all(axis=1)
                inside &= mask[tuple(np.clip(line, 0, np.array(mask.shape) - 1).T)] == phase
                length = len(line) if inside.all() else int(inside.argmin())
                marks[tuple(line[:length].T)] = phase
    return marks


def _classifiers(options):
    parts = [options.methods.split(","), options.levels.split(","), options.weights.split(",")]
    for method, levels, weights, scales in itertools.product(*parts, options.scales):
        name = " ".join([method, *([levels] if "," in options.levels else [])])
        name += f" {weights}" if "," in options.weights else ""
        name += f" {scales}" if len(options.scales) > 1 else ""
        yield name, {"method": method, "levels": levels, "weights": weights, "scales": scales}


def _best_names(classes, mask, phases):
    """Return classes renamed to the phases that give the largest mean intersection over union."""
    classes = np.asarray(classes)
    count = int(classes.max()) + 1
    pairs = np.bincount((classes.astype(int) * phases + mask).ravel(), minlength=count * phases)
    table = pairs.reshape(count, phases)

    def mean_overlap(names):
        return _overlaps(np.eye(phases, dtype=int)[list(names)].T @ table).mean()

    best = max(itertools.product(range(phases), repeat=count), key=mean_overlap)
    return np.array(best, np.uint8)[classes]


def _overlaps(table):
    """Return intersection over union of each phase from a square table of label and mask."""
    both = np.diag(table)
    return both / np.maximum(table.sum(axis=0) + table.sum(axis=1) - both, 1)


def _scores(labels, mask, data):
    phase = list(data.phases).index(data.compared)
    own, true = (
        mt.two_point(np.asarray(array == phase, np.uint8), phase=1, max_lag=LAGS).mean
        for array in (np.asarray(labels), mask)
    )
    count = len(data.phases)
    pairs = np.bincount((np.asarray(labels, int) * count + mask).ravel(), minlength=count**2)
    overlaps = _overlaps(pairs.reshape(count, count))
    return (*overlaps, abs(own[0] - true[0]), np.sqrt(np.mean((own - true) ** 2)))


def _tell(found, seconds, data):
    names = [f"IoU {phase}" for phase in data.phases]
    names += [
        "mean IoU",
        f"error of fraction, {data.compared}",
        "rms of S2",
        "learning s",
        "µs a pixel",
    ]
    print("| method | " + " | ".join(names) + " |\n|---" * 1 + "|---" * len(names) + "|")
    for name, rows in found.items():
        table = np.array(rows)
        table = np.insert(
            table, len(data.phases), table[:, : len(data.phases)].mean(axis=1), axis=1
        )
        cells = [f"{m:.3f} ± {s:.3f}" for m, s in zip(table.mean(0), table.std(0), strict=True)]
        took = np.median(seconds[name], axis=0) if name in seconds else None
        cells += ["", ""] if took is None else [f"{took[0]:.1f}", f"{took[1]:.2f}"]
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)
    assert all(0 <= value <= 1 for rows in found.values() for row in rows for value in row)


def _draw(file, grey, mask, labels):
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    os.makedirs(file.parent, exist_ok=True)
    figure, axes = plt.subplots(1, 3, figsize=(18, 6.5), layout="tight")
    for axis, picture, title in zip(
        axes, (grey, mask, labels), ("image", "mask", file.stem), strict=True
    ):
        axis.imshow(picture, cmap="gray" if picture is grey else "viridis", interpolation="nearest")
        axis.set_title(title)
        axis.axis("off")
    figure.savefig(file, dpi=60)
    plt.close(figure)


if __name__ == "__main__":
    main()
