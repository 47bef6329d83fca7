"""Definition = 1 thread = n threads = CUDA, to the last integer."""

from types import ModuleType

import numpy as np
import numpy.typing as npt
import pytest

from microtwin import _backend, _core
from reference import naive

SHAPES = [
    (1, 1),
    (1, 97),
    (97, 1),
    (2, 3),
    (63, 64),
    (64, 65),
    (65, 127),
    (127, 63),
    (1, 1, 1),
    (1, 1, 200),
    (1, 64, 1),
    (200, 1, 1),
    (2, 65, 64),
    (17, 19, 23),
    (31, 3, 130),
    (3, 129, 67),
]
MAX_LAG = 70

needs_gpu = pytest.mark.skipif(
    _backend.cuda_device_count() == 0,
    reason="microtwin was built without CUDA"
    if _backend.cuda_module() is None
    else "no NVIDIA GPU or no driver",
)


def structure(shape: tuple[int, ...], phases: int) -> npt.NDArray[np.uint8]:
    """Labels that mostly repeat the one before: runs of many lengths."""
    random = np.random.default_rng(sum(shape) + phases)
    fresh = random.integers(phases, size=np.prod(shape), dtype=np.uint8)
    changes = random.random(fresh.size) < 0.2
    changes[0] = True
    last_change = np.maximum.accumulate(np.where(changes, np.arange(fresh.size), 0))
    return fresh[last_change].reshape(shape)


def assert_counts_are_those_of_the_oracle(
    module: ModuleType, labels: npt.NDArray[np.uint8], periodic: bool, thread_numbers: list[int]
) -> None:
    axes = list(range(labels.ndim))
    for statistic in ("two_point", "lineal_path"):
        for phase in (0, 1, 7):
            define = getattr(naive, statistic)
            curves = [define(labels, phase, axis, MAX_LAG, periodic) for axis in axes]
            expected = np.array(curves).swapaxes(0, 1)  # hits, trials
            for threads in thread_numbers:
                found = getattr(module, statistic)(labels, phase, axes, MAX_LAG, periodic, threads)
                case = f"{statistic} of phase {phase} with {threads} threads"
                np.testing.assert_array_equal(found, expected, err_msg=case)
                assert found[0].dtype == found[1].dtype == np.int64


@pytest.mark.parametrize("periodic", [False, True], ids=["open", "periodic"])
@pytest.mark.parametrize("phases", [1, 2, 3])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
class TestCountsByDefinition:
    def test_are_those_of_the_core_for_any_number_of_threads(
        self, shape: tuple[int, ...], phases: int, periodic: bool
    ) -> None:
        labels = structure(shape, phases)
        assert_counts_are_those_of_the_oracle(_core, labels, periodic, [1, 2, 7])

    @pytest.mark.gpu
    @needs_gpu
    def test_are_those_of_the_gpu(
        self, shape: tuple[int, ...], phases: int, periodic: bool
    ) -> None:
        module = _backend.cuda_module()
        assert module is not None
        assert_counts_are_those_of_the_oracle(module, structure(shape, phases), periodic, [1])


@pytest.mark.gpu
@needs_gpu
@pytest.mark.parametrize("statistic", ["two_point", "lineal_path"])
@pytest.mark.parametrize(
    "shape",
    [(20_000, 20_001), (700, 801, 809)],
    ids=["an image larger than a strip", "a volume of several strips"],
)
def test_the_gpu_counts_what_it_must_copy_in_strips(shape: tuple[int, ...], statistic: str) -> None:
    labels = np.resize(structure((1009, 1013), 2), shape)
    axes = list(range(labels.ndim))
    for periodic in (False, True):
        found = getattr(_backend.cuda_module(), statistic)(labels, 1, axes, 40, periodic, 1)
        threads = _backend.available_cores()
        expected = getattr(_core, statistic)(labels, 1, axes, 40, periodic, threads)
        np.testing.assert_array_equal(found, expected)


@pytest.mark.gpu
@needs_gpu
@pytest.mark.slow
@pytest.mark.parametrize("statistic", ["two_point", "lineal_path"])
def test_the_gpu_counts_more_than_two_to_the_31_voxels(statistic: str) -> None:
    slab = structure((32, 1300, 1301), 2)
    labels = np.tile(slab, (40, 1, 1))
    assert labels.size > 2**31
    found = getattr(_backend.cuda_module(), statistic)(labels, 1, [0, 1, 2], 20, True, 1)
    expected = getattr(_core, statistic)(slab, 1, [0, 1, 2], 20, True, 2)
    # A periodic stack of 40 equal slabs holds every pair and every segment of one 40 times.
    np.testing.assert_array_equal(found, 40 * np.array(expected))
