"""A sheet of all defects in a made-up micrograph: ``python benches/defects_sheet.py OUT``.

Above the spoilt images, below where the defects are.
"""

import sys

import matplotlib.pyplot as plt

from microtwin.images import sample_micrographs
from microtwin.images.defects import DEFECTS, spoil


def main() -> None:
    (good,) = sample_micrographs(1, shape=(256, 256), seed=4)
    columns = len(DEFECTS) + 1
    figure, axes = plt.subplots(2, columns, figsize=(1.4 * columns, 3), layout="constrained")
    for axis in axes.flat:
        axis.set(xticks=[], yticks=[])
    axes[1, 0].set_axis_off()
    axes[0, 0].imshow(good, cmap="gray", vmin=0, vmax=255)
    axes[0, 0].set_title("good", fontsize=9)
    for column, name in zip(axes[:, 1:].T, DEFECTS, strict=True):
        spoilt = spoil(good, name, seed=1)
        column[0].imshow(spoilt.image, cmap="gray", vmin=0, vmax=255)
        column[0].set_title(name, fontsize=9)
        column[1].imshow(spoilt.mask, cmap="gray", vmin=0, vmax=1)
    figure.savefig(sys.argv[1], dpi=100)


if __name__ == "__main__":
    main()
