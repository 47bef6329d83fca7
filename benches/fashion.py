"""Fashion-MNIST: what each small classifier reaches on the 10,000 test images, and in what time.

    python benches/fashion.py DATA [--preset fashion-cnn ...] [--runs FOLDER]

DATA holds the four gzipped IDX files. One image in twenty of the 60,000 is held out to choose the
best epoch; the test images are looked at in the end. Runs that are there already go on.
"""

import argparse
import gzip
import json
import time
from pathlib import Path

import numpy as np

import microtwin as mt

NAMES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
    "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip
# Accuracy and seconds of training that the course work of 2023 reports for the same networks.
REPORTED = {
    "fashion-cnn": (0.932, 13.8 * 3600),
    "fashion-rnn": (0.89, 39 * 60),
    "fashion-bilstm": (0.90, 77 * 60),
}

FURTHER = 3e-4  # the rate of further epochs, at their start


def images_and_labels(folder, part):
    """Read one part, "train" or "t10k": uint8 (n, 28, 28) and the names of the classes."""
    pixels = gzip.decompress((folder / f"{part}-images-idx3-ubyte.gz").read_bytes())
    labels = gzip.decompress((folder / f"{part}-labels-idx1-ubyte.gz").read_bytes())
    images = np.frombuffer(pixels, np.uint8, offset=16).reshape(-1, 28, 28)
    return images, [NAMES[i] for i in np.frombuffer(labels, np.uint8, offset=8)]


def measured(preset, data, runs, seed, epochs, more):
    options = {"preset": preset, "validation": 0.05, "seed": seed, "resume": True}
    train = images_and_labels(data, "train")
    classifier = mt.train_classifier(
        *train, workdir=runs / f"{preset}-{seed}", epochs=epochs, **options
    )
    rows = [reached(classifier, data)]
    if more:
        further = mt.train_classifier(
            *train, workdir=runs / f"{preset}-{seed}-more", start=classifier, epochs=more,
            rate=FURTHER, augmentation=mt.Augmentation(), **options,
        )  # fmt: skip
        rows.append(reached(further, data, after=classifier))
    return rows


def reached(classifier, data, after=None):
    images, truth = images_and_labels(data, "t10k")
    started = time.perf_counter()
    predictions = classifier.predict(images)
    seconds = time.perf_counter() - started
    right = np.array(predictions.labels) == np.array(truth)
    both = np.array(classifier.predict(images, mirrored=True).labels) == np.array(truth)
    settings, before = classifier.settings, (0, 0)
    if after is not None:
        before = len(after.history), after.seconds
    accuracy, training = REPORTED[settings.preset]
    return {
        "preset": settings.preset,
        "seed": settings.seed,
        "validation accuracy": round(classifier.metrics["val_accuracy"], 4),
        "test accuracy": round(float(right.mean()), 4),
        "with mirror images": round(float(both.mean()), 4),
        "reported": accuracy,
        "epochs": before[0] + len(classifier.history),
        "seconds": round(before[1] + classifier.seconds, 1),
        "seconds reported": training,
        "seconds to predict 10,000": round(seconds, 2),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--preset", action="append", choices=REPORTED)
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, help="those of the preset unless given")
    parser.add_argument(
        "--more", type=int, default=0, help="epochs after these, of images as they are"
    )
    arguments = parser.parse_args()
    for preset in arguments.preset or REPORTED:
        for row in measured(
            preset, arguments.data, arguments.runs, arguments.seed, arguments.epochs, arguments.more
        ):
            print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
