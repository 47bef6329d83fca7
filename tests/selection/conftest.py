"""A folder of small images of which half are fit, and a person's answers for all of them."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from microtwin.images import Catalogue, save_image
from microtwin.selection import train_preclassifier


class Images(NamedTuple):
    folder: Path
    answers: dict[int, str]

    def table(self, where, answered=range(0)):
        """Make a table, some of it labelled by Ana."""
        path = Catalogue.from_folder(self.folder, labels="none").to_csv(where / "table.csv")
        Catalogue.update(path, {i: self.answers[i] for i in answered}, by="Ana")
        return path


@pytest.fixture(scope="session")
def images(tmp_path_factory):
    """Fit images have texture, others are flat; both are noisy."""
    folder = tmp_path_factory.mktemp("images")
    rng = np.random.default_rng(0)
    answers = {}
    for i in range(60):
        fit = i % 2 == 0
        waves = 60 * np.sin(np.arange(40) * rng.uniform(0.8, 1.2)) * fit
        grey = 128 + waves[:, None] + rng.normal(0, 10, (40, 40))
        save_image(folder / f"{i:02}.png", np.clip(grey, 0, 255).astype(np.uint8))
        answers[i] = "YES" if fit else "NO"
    return Images(folder, answers)


@pytest.fixture(scope="session")
def trained(images, tmp_path_factory):
    """A preclassifier that has learned from forty of them, and its table."""
    where = tmp_path_factory.mktemp("trained")
    table = images.table(where, range(40))
    model = train_preclassifier(table, workdir=where / "run", size=40, epochs=40, seed=0)
    return model, table
