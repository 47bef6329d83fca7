"""The tiny presets, and a run of one."""

import pytest

import microtwin.generation as gen
from generation.tiny import TINY, grey_images, install_tiny_preset


@pytest.fixture(autouse=True)
def tiny_preset(monkeypatch):
    install_tiny_preset(monkeypatch.setitem)


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """Train six steps without interruption."""
    patch = pytest.MonkeyPatch()
    install_tiny_preset(patch.setitem)
    folder = tmp_path_factory.mktemp("run") / "whole"
    generator = gen.train_gan(grey_images(), preset=TINY, workdir=folder, seed=5)
    patch.undo()
    return generator
