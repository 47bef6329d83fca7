"""Images of two classes, networks that tell them apart, and folders of them."""

import numpy as np
from PIL import Image

import microtwin as mt


def squares(count, seed=0, size=20):
    """Images with a bright square at the left or at the right."""
    rng = np.random.default_rng(seed)
    right = np.arange(count) % 2
    images = rng.normal(60, 15, (count, size, size))
    for i, side in enumerate(right):
        images[i, 7:13, (2, 12)[side] : (8, 18)[side]] += 140
    return images.clip(0, 255).astype(np.uint8), np.array(["left", "right"])[right]


def train_both(folder):
    """Train a convolutional and a dense network, in the folders "cnn" and "dense"."""
    images, labels = squares(192)
    for name, preset, options in (
        ("cnn", "preclassifier", {"size": 40}),
        ("dense", "symbols-dense", {}),
    ):
        mt.train_classifier(
            images, labels, preset=preset, workdir=folder / name, epochs=4, validation=0.25,
            **options,
        )  # fmt: skip
    return folder


def save_squares(folder, count):
    """Write images into a folder for each class."""
    for i, (image, label) in enumerate(zip(*squares(count, seed=5), strict=True)):
        (folder / label).mkdir(exist_ok=True)
        Image.fromarray(image).save(folder / label / f"{i:02d}.png")
    return folder
