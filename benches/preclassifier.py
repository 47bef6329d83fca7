"""How well the preclassifier does on real micrographs, and how many labels active learning saves.

::

    python benches/preclassifier.py data/ accuracy --seeds 3
    python benches/preclassifier.py data/ labels --seeds 5 -o curves.png

`data/` holds folders of micrographs, see `micrograph_sets.py`. Pieces of one micrograph are never
both learned from and judged on. ``accuracy`` trains the preclassifier exactly (320 x 320, 2,812,505
parameters) and, beside it, a random forest on `simple_features`. ``labels`` plays active learning
through at 96 x 96 with the same layers; ``--judge`` says who learns.
"""

import argparse
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import jax
import numpy as np
from sklearn.ensemble import RandomForestClassifier

import microtwin as mt
from micrograph_sets import FOLDERS, Pieces, apart, pieces
from microtwin.classification import LabelledImages
from microtwin.images.defects import DEFECTS
from microtwin.selection import Judged, simple_features, simulate

CLASSES = ("NO", "YES")


def labelled(part: Pieces, name: str = "") -> LabelledImages:
    sources = tuple(f"{name}{i}" for i in range(len(part.fit)))
    return LabelledImages(part.images[..., None], part.fit.astype(np.int64), CLASSES, sources)


def accuracy(data: Path, *, seeds: int, each: int, epochs: int | None, folders: list[str]) -> None:
    """Train on two thirds of the micrographs, judge on the others."""
    every = pieces(data, cut=350, side=320, each=each, folders=folders)
    places = simple_features(list(every.images))
    print(f"{len(every.fit)} pieces of {len(np.unique(every.micrograph))} micrographs, half spoilt")
    print("| seed | learned from, validated on | judged on | preclassifier | epochs | s | forest |")
    print("|---|---|---|---|---|---|---|", flush=True)
    right: dict[str, list[bool]] = {}
    found = []
    for seed in range(seeds):
        rest, test = apart(every, share=1 / 3, seed=seed)
        a, b = apart(every.part(rest), share=1 / 6, seed=seed)
        training, held_out = rest[a], rest[b]
        with tempfile.TemporaryDirectory() as folder:
            begun = time.perf_counter()
            model = mt.train_classifier(
                labelled(every.part(training)),
                preset="preclassifier",
                workdir=Path(folder) / "run",
                validation=labelled(every.part(held_out)),
                epochs=epochs,
                seed=seed,
            )
            seconds = time.perf_counter() - begun
        assert sum(leaf.size for leaf in jax.tree.leaves(model.weights.params)) == 2_812_505
        judged = model.predict(labelled(every.part(test))).predicted == every.fit[test]
        forest = RandomForestClassifier(500, random_state=seed).fit(places[rest], every.fit[rest])
        trees = (forest.predict(places[test]) == every.fit[test]).mean()
        for name, ok in zip(every.defect[test], judged, strict=True):
            right.setdefault(name or "none", []).append(bool(ok))
        found.append((judged.mean(), trees))
        print(
            f"| {seed} | {len(training)}, {len(held_out)} | {len(test)} | {judged.mean():.3f} "
            f"| {len(model.history)} | {seconds:.0f} | {trees:.3f} |",
            flush=True,
        )
    mean, spread = np.mean(found, axis=0), np.std(found, axis=0)
    print(f"| mean | | | {mean[0]:.3f} ± {spread[0]:.3f} | | | {mean[1]:.3f} ± {spread[1]:.3f} |")
    print("\n| defect | right | of | |\n|---|---|---|---|")
    for name, hits in sorted(right.items()):
        judge = Judged.of(sum(hits), len(hits))
        print(f"| {name} | {judge.accuracy:.2f} | {len(hits)} | {judge.low:.2f}-{judge.high:.2f} |")


def labels(
    data: Path,
    *,
    seeds: int,
    each: int,
    epochs: int | None,
    folders: list[str],
    strategies: list[str],
    budgets: list[int],
    judge: str,
    defects: list[str],
    output: Path | None,
) -> None:
    """Choose labels by several strategies, train on them, and compare."""
    every = pieces(data, cut=192, side=96, each=each, folders=folders, defects=defects)
    rest, test = apart(every, share=1 / 3, seed=0)
    print(f"{len(rest)} pieces to choose from, {len(test)} of other micrographs to judge on")
    begun = time.perf_counter()
    played = simulate(
        labelled(every.part(rest), "pool "),
        labelled(every.part(test), "test "),
        strategies=strategies,
        labels=budgets,
        seeds=seeds,
        epochs=epochs,
        learn={"network": None, "warm": on_from_before(epochs), "forest": Forest}[judge],
        progress=lambda done, total, _: print(f"{done} of {total}", end="\r", flush=True),
    )
    print(f"{played.accuracy.size} trainings in {time.perf_counter() - begun:.0f} s")
    print("| strategy | " + " | ".join(f"{n} labels" for n in played.labels) + " |")
    print("|---|" + "---|" * len(played.labels))
    for name, values in zip(played.strategies, played.accuracy, strict=True):
        cells = zip(values.mean(axis=0), values.std(axis=0), strict=True)
        print(f"| {name} | " + " | ".join(f"{m:.3f} ± {s:.3f}" for m, s in cells) + " |")
    print("\n| strategy | as good as random with | needs | 90 % interval |\n|---|---|---|---|")
    for name in played.strategies[1:] if "random" in played.strategies else ():
        for saved in played.saved(name):
            print(
                f"| {name} | {saved.labels} ({saved.accuracy:.3f}) | {saved.needed:.0f} "
                f"| {saved.low:.0f} to {saved.high:.0f} |"
            )
    if output is not None:
        played.plot().figure.savefig(output, dpi=160)
        played.to_csv(output.with_suffix(".csv"))


def on_from_before(epochs: int | None):
    """Return what trains a network from the weights of the one before."""

    def learn(training, validation, seed, previous):
        with tempfile.TemporaryDirectory() as folder:
            return mt.train_classifier(
                training,
                preset="preclassifier",
                workdir=Path(folder) / "run",
                validation=validation,
                epochs=epochs,
                size=training.pixels.shape[1],
                start=previous,
                seed=seed,
            )

    return learn


class Forest:
    """A random forest on simple features, where `simulate` has a network."""

    places: ClassVar[dict[str, np.ndarray]] = {}  # of images, by their sources

    def __init__(self, training, validation, seed, previous):
        self._forest = RandomForestClassifier(300, random_state=seed)
        self._forest.fit(self.embed(training), training.labels)

    def embed(self, data):
        new = [i for i, source in enumerate(data.sources) if source not in self.places]
        rows = simple_features([data.pixels[i][..., 0] for i in new]) if new else []
        self.places |= {data.sources[i]: row for i, row in zip(new, rows, strict=True)}
        return np.stack([self.places[source] for source in data.sources])

    def predict(self, data):
        found = self._forest.predict_proba(self.embed(data))
        return SimpleNamespace(probabilities=found, predicted=found.argmax(axis=1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("what", choices=("accuracy", "labels"))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--each", type=int, default=10, help="pieces of each micrograph")
    parser.add_argument("--folders", nargs="+", default=list(FOLDERS), help="of data/")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--strategies", nargs="+", default=["random", "margin", "badge"])
    parser.add_argument("--budgets", nargs="+", type=int, default=[24, 48, 96, 192, 384])
    parser.add_argument(
        "--judge",
        choices=("network", "warm", "forest"),
        default="network",
        help="trained anew, going on from the last weights, or a forest on simple features",
    )
    parser.add_argument("--defects", nargs="+", choices=DEFECTS, default=list(DEFECTS))
    parser.add_argument("--output", "-o", type=Path, help="picture of the curves")
    options = parser.parse_args()
    shared = {name: getattr(options, name) for name in ("seeds", "each", "epochs", "folders")}
    if options.what == "accuracy":
        accuracy(options.data, **shared)
        return
    labels(
        options.data,
        strategies=options.strategies,
        budgets=options.budgets,
        judge=options.judge,
        defects=options.defects,
        output=options.output,
        **shared,
    )


if __name__ == "__main__":
    main()
