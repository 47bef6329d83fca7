"""A command line in this process, and small files for it to read."""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from microtwin.cli import app
from microtwin.images import ScaledImage, save_image
from microtwin.images.synthetic import gaussian_field


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def complaint(self) -> str:
        """The one line on stderr that a refusal is."""
        assert self.code == 2, (self.code, self.out, self.err)
        assert self.out == ""
        lines = self.err.splitlines()
        assert len(lines) == 1, self.err
        assert lines[0].startswith("microtwin: "), self.err
        return lines[0].removeprefix("microtwin: ")


@pytest.fixture
def microtwin(capsys):
    def call(*arguments):
        with pytest.raises(SystemExit) as end:
            app([str(a) for a in arguments], prog_name="microtwin")
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return Ended(int(end.value.code or 0), out, err)

    return call


@pytest.fixture(scope="session")
def micrographs(tmp_path_factory):
    """A folder of eight grey images of a two-phase material, with their phases beside it."""
    folder = tmp_path_factory.mktemp("material")
    rng = np.random.default_rng(0)
    for name in ("grey", "phases"):
        (folder / name).mkdir()
    for i in range(8):
        labels = gaussian_field((96, 96), correlation_length=3, fraction=0.45, seed=i)
        grey = np.clip(60 + 110 * labels + rng.normal(0, 12, labels.shape), 0, 255)
        save_image(folder / "grey" / f"{i}.tif", ScaledImage(grey.astype(np.uint8), spacing=2e-9))
        save_image(folder / "phases" / f"{i}.tif", np.asarray(labels))
    return folder


@pytest.fixture(scope="session")
def volume(tmp_path_factory):
    """A file with a small volume of labels."""
    labels = gaussian_field((20, 24, 28), correlation_length=3, fraction=0.5, seed=0)
    return save_image(tmp_path_factory.mktemp("volume") / "volume.tif", labels)
