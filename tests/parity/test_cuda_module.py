"""What the optional module _cuda does on any machine, with a GPU or without."""

from types import ModuleType

import numpy as np
import pytest

from microtwin import _backend
from microtwin.errors import DeviceError
from microtwin.statistics import lineal_path, two_point

LABELS = np.array([[0, 1, 1], [1, 1, 0]], dtype=np.uint8)


@pytest.fixture
def cuda() -> ModuleType:
    module = _backend.cuda_module()
    if module is None:
        pytest.skip("microtwin was built without CUDA")
    return module


@pytest.fixture
def no_gpu() -> None:
    if _backend.cuda_device_count() > 0:
        pytest.skip("this machine has a GPU")


def test_the_module_imports_and_counts_devices_without_a_driver(cuda: ModuleType) -> None:
    assert isinstance(cuda.device_count(), int)
    assert cuda.device_count() == cuda.device_count() >= 0


@pytest.mark.usefixtures("no_gpu")
@pytest.mark.parametrize("statistic", [two_point, lineal_path])
def test_cuda_without_a_gpu_is_refused_and_auto_counts_on_the_processor(statistic) -> None:
    with pytest.raises(DeviceError, match='device "cuda" is not available'):
        statistic(LABELS, phase=1, device="cuda")
    assert statistic(LABELS, phase=1, device="auto").device == "cpu"


@pytest.mark.usefixtures("no_gpu")
def test_a_count_without_a_gpu_says_what_cuda_says(cuda: ModuleType) -> None:
    with pytest.raises(RuntimeError, match=r"CUDA could not .*: "):
        cuda.two_point(LABELS, 1, [0], 1, False, 1)


def test_the_module_refuses_what_the_core_refuses(cuda: ModuleType) -> None:
    for axes, max_lag, threads in [([2], 1, 1), ([0], -1, 1), ([0], 1, 0)]:
        with pytest.raises(ValueError, match=r"axis|max_lag|threads"):
            cuda.two_point(LABELS, 1, axes, max_lag, False, threads)
    with pytest.raises(ValueError, match="empty"):
        cuda.lineal_path(LABELS[:0], 1, [0], 1, False, 1)


@pytest.mark.gpu
def test_the_device_of_a_gpu_count_is_recorded() -> None:
    if _backend.cuda_device_count() == 0:
        pytest.skip("no NVIDIA GPU")
    assert two_point(LABELS, phase=1, device="cuda").device == "cuda"
    assert two_point(LABELS, phase=1).device == "cuda"


@pytest.mark.gpu
def test_a_gpu_without_room_says_how_much_was_asked_and_goes_on(cuda: ModuleType) -> None:
    if cuda.device_count() == 0:
        pytest.skip("no NVIDIA GPU")
    with pytest.raises(RuntimeError, match=r"no room for another \d+ MiB .* are free"):
        cuda.two_point(LABELS, 1, [0], 2**40, False, 1)
    assert cuda.two_point(LABELS, 1, [0], 1, False, 1)[0].tolist() == [[4, 1]]
