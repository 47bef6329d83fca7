"""What all tests share."""

import os
from pathlib import Path
from types import ModuleType

import hypothesis
import pytest

from microtwin import _backend
from squares import save_squares, train_both

# The machines that run this are shared and slow at times: no deadline for one example.
hypothesis.settings.register_profile("microtwin", deadline=None, max_examples=60)
hypothesis.settings.load_profile("microtwin")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real micrographs and volumes; tests that need it are skipped without it."""
    default = Path(__file__).resolve().parents[1].parent / "shared" / "data"
    folder = Path(os.environ.get("MICROTWIN_DATA", default))
    if not folder.is_dir():
        pytest.skip("no real micrographs here; set MICROTWIN_DATA to their folder")
    return folder


@pytest.fixture
def cuda() -> ModuleType:
    """The kernels; tests of what they refuse run without a GPU."""
    module = _backend.cuda_module()
    if module is None:
        pytest.skip("microtwin was built without CUDA")
    return module


@pytest.fixture
def gpu(cuda: ModuleType) -> ModuleType:
    """The kernels, and a GPU to run them."""
    if cuda.device_count() == 0:
        pytest.skip("no NVIDIA GPU")
    return cuda


@pytest.fixture
def no_gpu() -> None:
    """Leave the test to machines without a GPU."""
    if _backend.cuda_device_count() > 0:
        pytest.skip("this machine has a GPU")


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders of a trained convolutional classifier, "cnn", and of a dense one, "dense"."""
    return train_both(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a sub-folder of images for each of their classes."""
    return save_squares(tmp_path_factory.mktemp("pictures"), 12)
