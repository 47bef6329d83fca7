"""Anomalies among pieces of real micrographs: how well each detector tells drawn defects.

    python benches/anomaly.py [--data FOLDER] [--seeds 3] [--epochs 6] [--json FILE]

Micrographs of four materials are parted: those to learn from, those for the threshold, those to be
judged on; no piece of one micrograph is in two parts. Pieces are 64 x 64 pixels. Three detectors
(autoencoder v5, MLP and flow on it) score the same further pieces, as they are and with a defect of
strength 1. MLP and flow learn from the same kinds of defects, drawn into other pieces; in the rows
"unseen" from all kinds but the one that they are judged on.
"""

import argparse
import json
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter
from sklearn.metrics import roc_auc_score

import microtwin as mt
from microtwin.classification.anomaly.density import Density
from microtwin.classification.anomaly.detector import SCORES
from microtwin.classification.anomaly.signature import NAMES, signatures
from microtwin.images import downscale, find_images, read_image
from microtwin.images.defects import spoil

# Folder, by how much smaller, rows cut off at the top (where the sample has been mounted).
MATERIALS = (
    ("superalloy_sem", 1, 0),
    ("am_metal_tiles", 1, 160),
    ("powder_sem", 2, 0),
    ("nanocomposite_sem", 2, 0),
)
KINDS = ("charging", "curtaining", "blur", "particles")  # the overall figures are of these
OTHERS = ("noise", "exposure", "drift", "magnification", "scrambled")
SIZE = 64
LEARNED, KEPT = 0.55, 0.2  # parts of the micrographs of each material
RATES = (0.05, 0.01)


def micrographs(data):
    found = {}
    for name, factor, top in MATERIALS:
        images = [read_image(path)[top:] for path in find_images(data / name)]
        found[name] = [np.asarray(downscale(image, factor)) for image in images]
    return found


def parted(images, seed):
    """Part the micrographs of each material: to learn from, for the threshold, to be judged on."""
    rng, parts = np.random.default_rng(seed), ([], [], [])
    for several in images.values():
        order = rng.permutation(len(several))
        ends = np.round(np.cumsum([LEARNED, KEPT]) * len(several)).astype(int)
        for part, chosen in zip(parts, np.split(order, ends), strict=True):
            part += [several[i] for i in chosen]
    return parts


def pieces(images, each, seed):
    rng = np.random.default_rng(seed)
    found = []
    for image in images:
        for y, x in rng.integers(0, np.array(image.shape) - SIZE + 1, (each, 2)):
            found.append(image[y : y + SIZE, x : x + SIZE])
    return np.stack(found)


def scrambled(piece, seed):
    """Return an image that is not real: the spectrum of a piece with the phases of noise."""
    noise = np.random.default_rng(seed).normal(size=piece.shape)
    phases = np.exp(1j * np.angle(np.fft.rfft2(noise)))
    phases[0, 0] = 1
    made = np.fft.irfft2(np.abs(np.fft.rfft2(piece)) * phases, s=piece.shape)
    return np.clip(np.rint(made), 0, 255).astype(np.uint8)


def spoilt(some, kind, seed, strength=1.0):
    if kind == "scrambled":
        return np.stack([scrambled(piece, seed + i) for i, piece in enumerate(some)])
    return np.stack(
        [np.asarray(spoil(p, kind, strength=strength, seed=seed + i).image) for i, p in
         enumerate(some)]
    )  # fmt: skip


def exposure(learn, kinds, seed):
    """Return anomalies to learn from: pieces with defects of these kinds and of any strength."""
    some = pieces(learn, 24, seed + 1)
    whose = np.random.default_rng(seed).integers(len(kinds), size=len(some))
    strengths = np.random.default_rng(seed + 2).uniform(0.5, 1.5, len(some))
    return np.stack(
        [np.asarray(spoil(p, kinds[k], strength=s, seed=seed + i).image) for i, (p, k, s) in
         enumerate(zip(some, whose, strengths, strict=True))]
    )  # fmt: skip


def areas(normal, bad):
    """Return the area under the ROC curve overall, and for each kind."""

    def area(scores):
        truth = np.repeat([0, 1], [len(normal), len(scores)])
        return float(roc_auc_score(truth, np.concatenate([normal, scores])))

    found = {kind: area(scores) for kind, scores in bad.items()}
    present = [bad[kind] for kind in KINDS if kind in bad]
    return {"overall": area(np.concatenate(present)), **found}


def judged(score, normal, bad):
    return areas(score(normal), {kind: score(some) for kind, some in bad.items()})


def one(images, seed, epochs, runs):
    """Train and judge all detectors on one parting of the micrographs."""
    learn, keep, test = parted(images, seed)
    kept, normal = pieces(keep, 20, seed), pieces(test, 20, seed)
    bad = {
        kind: spoilt(pieces(test, 8, 100 + 10 * seed + k), kind, 1000 * seed)
        for k, kind in enumerate((*KINDS, *OTHERS))
    }
    rows, alarms, seconds = {}, {}, {}

    def trained(name, **options):
        started = time.perf_counter()
        found = mt.train_detector(
            learn, validation=kept, workdir=runs / f"{seed}-{name}", seed=seed, **options
        )  # fmt: skip
        seconds[name] = time.perf_counter() - started
        return found

    def judge(name, found):
        started = time.perf_counter()
        good = found.score(normal).scores
        seconds[f"{name}, a thousand pieces"] = (time.perf_counter() - started) * 1000 / len(normal)
        rows[name] = areas(good, {kind: found.score(some).scores for kind, some in bad.items()})
        alarms[name] = {
            str(rate): float((good > found.score(normal[:1], false_alarms=rate).threshold).mean())
            for rate in RATES
        }

    first = trained("autoencoder", epochs=epochs)
    judge("autoencoder, signature", first)
    for score in SCORES[1:]:
        other = runs / f"{seed}-autoencoder-{score}"
        shutil.copytree(first.path, other)
        settings = other / "settings.json"
        settings.write_text(settings.read_text().replace('"signature"', f'"{score}"', 1))
        by = mt.load_detector(other)
        rows[f"autoencoder, {score}"] = judged(
            lambda some, by=by: by.score(some).scores, normal, bad
        )

    known = {"anomalies": exposure(learn, KINDS, seed), "autoencoder": first, "epochs": 40}
    for method in ("mlp", "flow"):
        for inputs in ("code", "signature", "both"):
            name = f"{method}-{inputs}"
            judge(f"{method}, {inputs}", trained(name, method=method, inputs=inputs, **known))
        unseen = {}
        for kind in KINDS:
            others = tuple(k for k in KINDS if k != kind)
            some = known | {"anomalies": exposure(learn, others, seed)}
            found = trained(f"{method}-without-{kind}", method=method, **some)
            good = found.score(normal).scores
            unseen[kind] = areas(good, {kind: found.score(bad[kind]).scores})[kind]
        rows[f"{method}, signature, unseen kind"] = unseen
        unseen["overall"] = float(np.mean(list(unseen.values())))
    judge(
        "flow, signature, no anomalies",
        trained("flow-alone", method="flow", autoencoder=first, epochs=40),
    )

    # What the same measures tell without a network: a Gaussian filter in the autoencoder's place.
    def plain(some):
        grey = some.astype(np.float32) / 255
        return signatures(grey, gaussian_filter(grey, (0, 6, 6), mode="nearest"))

    density = Density.of(plain(pieces(learn, 80, seed)), seed=seed)
    rows["no network, signature"] = judged(lambda some: density.surprise(plain(some)), normal, bad)
    rows["no network, contrast"] = judged(
        lambda some: plain(some)[:, NAMES.index("contrast")], normal, bad
    )
    return rows, alarms, seconds, why(first, normal, bad)


def why(detector, normal, bad):
    """Measure what the mean squared error depends on."""

    def of(some):
        contrast = some.astype(np.float64).var((1, 2)) / 255**2
        return np.array([found.mean() for found in detector.maps(some)]), contrast

    error, contrast = of(normal)
    fitted = np.log(error + 1e-7), np.log(contrast + 1e-7)
    medians = {kind: float(np.median(of(some)[0])) for kind, some in bad.items()}
    return {
        "correlation of log error and log contrast": float(np.corrcoef(*fitted)[0, 1]),
        "median error": {"normal": float(np.median(error)), **medians},
        "tenth and ninetieth percentile of normal": np.percentile(error, (10, 90)).tolist(),
    }


def table(results):
    """Print mean and standard deviation over the seeds."""
    columns = ("overall", *KINDS, *OTHERS)
    print(f"{'':32s}" + "".join(f"{c:>15s}" for c in columns))
    for name in results[0]["auc"]:
        cells = []
        for column in columns:
            values = [r["auc"][name][column] for r in results if column in r["auc"][name]]
            cells.append(f"{np.mean(values):.3f} ± {np.std(values):.3f}" if values else "")
        print(f"{name:32s}" + "".join(f"{cell:>15s}" for cell in cells))
    print("\nfalse alarms achieved, stated " + ", ".join(map(str, RATES)))
    for name in results[0]["alarms"]:
        cells = [[r["alarms"][name][str(rate)] for r in results] for rate in RATES]
        print(f"{name:32s}" + "".join(f"{np.mean(c):8.4f} ± {np.std(c):.4f}" for c in cells))
    print("\nseconds")
    for name in results[0]["seconds"]:
        print(f"{name:44s}{np.mean([r['seconds'][name] for r in results]):8.1f}")
    print(json.dumps([r["why"] for r in results], indent=1))


def main():
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--data", type=Path, default=Path("../shared/data"))
    ask.add_argument("--seeds", type=int, default=3)
    ask.add_argument("--epochs", type=int, default=6, help="of the autoencoder")
    ask.add_argument("--json", type=Path, help="file of all numbers; seeds that it has are done")
    asked = ask.parse_args()
    images, results = micrographs(asked.data), []
    if asked.json and asked.json.exists():
        results = json.loads(asked.json.read_text())
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(len(results), asked.seeds):
            started = time.perf_counter()
            names = ("auc", "alarms", "seconds", "why")
            found = one(images, seed, asked.epochs, Path(folder))
            results.append(dict(zip(names, found, strict=True)))
            print(f"seed {seed}: {time.perf_counter() - started:.0f} s", flush=True)
            if asked.json:
                asked.json.write_text(json.dumps(results, indent=1))
    table(results)
    best = max(np.mean([r["auc"][n]["overall"] for r in results]) for n in results[0]["alarms"])
    assert best >= 0.9, best


if __name__ == "__main__":
    main()
