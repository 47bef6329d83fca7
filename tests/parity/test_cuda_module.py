"""What the optional module _cuda does on any machine, with a GPU or without."""

from types import ModuleType

import numpy as np
import pytest

from microtwin import _core
from microtwin.errors import DeviceError
from microtwin.statistics import chord_length, lineal_path, two_point

LABELS = np.array([[0, 1, 1], [1, 1, 0]], dtype=np.uint8)


def test_the_module_imports_and_counts_devices_without_a_driver(cuda: ModuleType) -> None:
    assert isinstance(cuda.device_count(), int)
    assert cuda.device_count() == cuda.device_count() >= 0


@pytest.mark.usefixtures("no_gpu")
@pytest.mark.parametrize("statistic", [two_point, lineal_path, chord_length])
def test_cuda_without_a_gpu_is_refused_and_auto_counts_on_the_processor(statistic) -> None:
    with pytest.raises(DeviceError, match='device "cuda" is not available'):
        statistic(LABELS, phase=1, device="cuda")
    assert statistic(LABELS, phase=1, device="auto").device == "cpu"


@pytest.mark.usefixtures("no_gpu")
def test_transport_without_a_gpu_says_what_cuda_says(cuda: ModuleType) -> None:
    k = np.zeros(256)  # not even what is answered without an iteration is answered
    with pytest.raises(RuntimeError, match=r"CUDA could not find a GPU: "):
        cuda.solve_transport(LABELS, k, 0, "face", False, 1e-4, 9, "auto", None, False, 1)


@pytest.mark.usefixtures("no_gpu")
def test_a_count_without_a_gpu_says_what_cuda_says(cuda: ModuleType) -> None:
    with pytest.raises(RuntimeError, match=r"CUDA could not .*: "):
        cuda.two_point(LABELS, None, 1, 1, [(1, 0)], 1, False, 1)
    for count in (cuda.lineal_path, cuda.chord_lengths):
        with pytest.raises(RuntimeError, match=r"CUDA could not .*: "):
            count(LABELS, LABELS, 1, [(1, 1)], 1, True, 1)


@pytest.mark.parametrize(
    ("labels", "window", "step", "max_lag", "threads", "message"),
    [
        (LABELS, None, (1,), 1, 1, "one component for each axis"),
        (LABELS, None, (0, 0), 1, 1, "a step must have components"),
        (LABELS, None, (2, 0), 1, 1, "a step must have components"),
        (LABELS, None, (-1, 1), 1, 1, "a step must have components"),
        (LABELS, None, (1, 0), -1, 1, "max_lag must be at least 0"),
        (LABELS, None, (1, 0), 1, 0, "threads must be at least 1"),
        (LABELS[:0], None, (1, 0), 1, 1, "labels must not be empty"),
        (LABELS[0], None, (1,), 1, 1, "labels must be 2-D or 3-D, not 1-D"),
        (LABELS, LABELS[:1], (1, 0), 1, 1, "the window must have the shape of labels"),
        (LABELS, LABELS[None], (1, 0), 1, 1, "the window must have the shape of labels"),
    ],
)
def test_the_module_refuses_what_the_core_refuses(
    cuda: ModuleType, labels, window, step, max_lag, threads, message
) -> None:
    for module in (cuda, _core):
        for count, phases in [
            (module.two_point, (1, 1)),
            (module.lineal_path, (1,)),
            (module.chord_lengths, (1,)),
        ]:
            with pytest.raises(ValueError, match=message):
                count(labels, window, *phases, [step], max_lag, False, threads)


@pytest.mark.gpu
@pytest.mark.usefixtures("gpu")
def test_the_device_of_a_gpu_count_is_recorded() -> None:
    assert two_point(LABELS, phase=1, device="cuda").device == "cuda"
    assert two_point(LABELS, phase=1).device == "cuda"


@pytest.mark.gpu
def test_a_gpu_without_room_says_how_much_was_asked_and_goes_on(gpu: ModuleType) -> None:
    with pytest.raises(RuntimeError, match=r"no room for another \d+ MiB .* are free"):
        gpu.two_point(LABELS, None, 1, 1, [(1, 0)], 2**40, False, 1)
    counts = gpu.two_point(LABELS, None, 1, 1, [(1, 0)], 1, False, 1)
    assert counts[0].tolist() == [[4, 1]]
