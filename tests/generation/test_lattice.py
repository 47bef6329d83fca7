"""Trained generators and their lattice: the improved network has none, that of the thesis fails."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

import microtwin as mt
from microtwin.generation import presets
from microtwin.images import random_patches, synthetic
from microtwin.models import registry, texture

SAMPLES = 200
TOLERANCE = 0.01  # of the deviation: a tenth of what separates phases that are clearly seen


@pytest.fixture(scope="module")
def medium():
    return synthetic.gaussian_field(
        (320, 320), correlation_length=5, fraction=0.4, seed=3, periodic=True
    )


@pytest.fixture(scope="module")
def trained(medium, tmp_path_factory):
    """Train both networks for as long as a test may take."""
    patch = pytest.MonkeyPatch()
    narrow = partial(texture.Generator, local=16, common=4, channels=(24, 20, 16, 12, 8))
    patch.setitem(registry.ARCHITECTURES, "narrow-g", registry.Architecture("narrow-g", narrow))
    narrow = partial(texture.Critic, channels=(16, 32, 48))
    patch.setitem(registry.ARCHITECTURES, "narrow-c", registry.Architecture("narrow-c", narrow))
    base = presets.PRESETS["dcgan-2d"]
    small = replace(base, name="narrow", generator="narrow-g", critic="narrow-c", batch=8)
    patch.setitem(presets.PRESETS, "narrow", small)
    run = partial(mt.train_gan, medium, seed=1)
    folder = tmp_path_factory.mktemp("lattice")
    yield {
        "narrow": run(preset="narrow", steps=160, workdir=folder / "narrow"),
        "thesis-64": run(preset="thesis-64", steps=40, workdir=folder / "thesis"),
    }
    patch.undo()


def judged(labels):
    return mt.lattice_artefact(labels, tolerance=TOLERANCE)


def test_improved_network_has_learned_something(trained, medium):
    """Else that it has no lattice would mean nothing."""
    found = mt.describe(list(trained["narrow"].sample(SAMPLES, seed=1).labels), max_lag=32)
    patches = random_patches(medium, size=64, count=SAMPLES, seed=0)
    real = mt.describe(list(patches), max_lag=32)
    for statistic in ("two_point", "lineal_path"):
        a, b = (getattr(d.of(1), statistic).mean for d in (found, real))
        assert np.sqrt(np.mean((a - b) ** 2)) < 0.15 * b[0]


def test_improved_network_has_no_lattice(trained):
    artefact = judged(trained["narrow"].sample(SAMPLES, seed=1).labels)
    assert artefact.passed, str(artefact)


def test_real_patches_have_no_lattice(medium):
    patches = random_patches(medium, size=64, count=SAMPLES, seed=0, flips=False, rotations=False)
    assert judged(patches).passed


def test_thesis_network_has_a_lattice_at_every_stride(trained):
    artefact = judged(trained["thesis-64"].sample(SAMPLES, seed=1).labels)
    assert not artefact.passed
    frame = artefact.to_dataframe()
    assert (frame["deviation"] > frame["limit"]).all()
