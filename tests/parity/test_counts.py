"""Definition = 1 thread = n threads = CUDA, to the last integer."""

from types import ModuleType

import numpy as np
import numpy.typing as npt
import pytest

from microtwin import _backend, _core
from microtwin.statistics.directions import FAMILIES, axis_vector, family_vectors
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
Labels = npt.NDArray[np.uint8]
Counts = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]


def structure(shape: tuple[int, ...], phases: int) -> Labels:
    """Labels that mostly repeat the one before: runs of many lengths."""
    random = np.random.default_rng(sum(shape) + phases)
    fresh = random.integers(phases, size=np.prod(shape), dtype=np.uint8)
    changes = random.random(fresh.size) < 0.2
    changes[0] = True
    last_change = np.maximum.accumulate(np.where(changes, np.arange(fresh.size), 0))
    return fresh[last_change].reshape(shape)


def window(shape: tuple[int, ...]) -> Labels:
    """A mask with holes of many lengths, which leaves most voxels."""
    return (structure(shape, 12) != 0).astype(np.uint8)


def steps_of(ndim: int) -> list[tuple[int, ...]]:
    """Every step of every family of directions."""
    return [step for family in FAMILIES[:ndim] for step in family_vectors(family, ndim)]


def counted(
    module: ModuleType,
    labels: Labels,
    inside: Labels | None,
    *,
    periodic: bool,
    threads: int = 1,
    max_lag: int = MAX_LAG,
) -> dict[str, Counts]:
    """Everything that a module counts, along every step."""
    how = (steps_of(labels.ndim), max_lag, periodic, threads)
    return {
        "pairs": module.two_point(labels, inside, 1, 1, *how),
        "pairs of two phases": module.two_point(labels, inside, 0, 1, *how),
        "pairs of no phase": module.two_point(labels, inside, 7, 7, *how),
        "segments": module.lineal_path(labels, inside, 1, *how),
        "segments of no phase": module.lineal_path(labels, inside, 7, *how),
        "chords": module.chord_lengths(labels, inside, 0, *how),
        "chords of no phase": module.chord_lengths(labels, inside, 7, *how),
    }


def assert_same(found: dict[str, Counts], expected: dict[str, Counts]) -> None:
    for what, (hits, trials) in found.items():
        np.testing.assert_array_equal(hits, expected[what][0], err_msg=f"{what}: hits")
        np.testing.assert_array_equal(trials, expected[what][1], err_msg=f"{what}: trials")
        assert hits.dtype == trials.dtype == np.int64


def cuda() -> ModuleType:
    module = _backend.cuda_module()
    assert module is not None
    return module


@pytest.mark.parametrize("periodic", [False, True], ids=["open", "periodic"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_counts_of_the_core_are_those_of_the_definition(
    shape: tuple[int, ...], periodic: bool
) -> None:
    labels = structure(shape, 2)
    steps = [axis_vector(axis, labels.ndim) for axis in range(labels.ndim)]
    how = (steps, MAX_LAG, periodic, 2)
    for phase in (1, 7):
        found = {
            "two_point": _core.two_point(labels, None, phase, phase, *how),
            "lineal_path": _core.lineal_path(labels, None, phase, *how),
        }
        for statistic, counts in found.items():
            define = getattr(naive, statistic)
            curves = [define(labels, phase, step, MAX_LAG, periodic) for step in steps]
            expected = np.array(curves).swapaxes(0, 1)  # hits, trials
            np.testing.assert_array_equal(counts, expected, err_msg=f"{statistic} of {phase}")


@pytest.mark.parametrize("masked", [False, True], ids=["whole", "masked"])
@pytest.mark.parametrize("periodic", [False, True], ids=["open", "periodic"])
@pytest.mark.parametrize("phases", [1, 2, 3])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
class TestCountsOfTheCore:
    def test_are_the_same_for_any_number_of_threads(
        self, shape: tuple[int, ...], phases: int, periodic: bool, masked: bool
    ) -> None:
        labels, inside = structure(shape, phases), window(shape) if masked else None
        expected = counted(_core, labels, inside, periodic=periodic)
        for threads in (2, 7):
            found = counted(_core, labels, inside, periodic=periodic, threads=threads)
            assert_same(found, expected)

    @pytest.mark.gpu
    @needs_gpu
    def test_are_those_of_the_gpu(
        self, shape: tuple[int, ...], phases: int, periodic: bool, masked: bool
    ) -> None:
        labels, inside = structure(shape, phases), window(shape) if masked else None
        found = counted(cuda(), labels, inside, periodic=periodic)
        assert_same(found, counted(_core, labels, inside, periodic=periodic))


@pytest.mark.gpu
@needs_gpu
@pytest.mark.parametrize("masked", [False, True], ids=["whole", "masked"])
@pytest.mark.parametrize("periodic", [False, True], ids=["open", "periodic"])
def test_the_gpu_follows_what_is_all_phase_to_the_last_lag(periodic: bool, masked: bool) -> None:
    for shape in [(70, 130), (66, 65, 40)]:
        for hole in (0, 1):
            labels = np.ones(shape, np.uint8)
            labels.flat[labels.size // 3] = 1 - hole
            inside = window(shape) if masked else None
            how = {"periodic": periodic, "max_lag": max(shape)}
            found = counted(cuda(), labels, inside, **how)
            assert_same(found, counted(_core, labels, inside, **how))


@pytest.mark.gpu
@needs_gpu
@pytest.mark.parametrize("masked", [False, True], ids=["whole", "masked"])
@pytest.mark.parametrize(
    "shape",
    [(20_000, 20_001), (700, 801, 809)],
    ids=["an image larger than a strip", "a volume of several strips"],
)
def test_the_gpu_counts_what_it_must_copy_in_strips(shape: tuple[int, ...], masked: bool) -> None:
    labels = np.resize(structure((1009, 1013), 2), shape)
    inside = np.resize(window((1013, 1019)), shape) if masked else None
    for periodic in (False, True):
        found = counted(cuda(), labels, inside, periodic=periodic, max_lag=20)
        cores = _backend.available_cores()
        expected = counted(_core, labels, inside, periodic=periodic, max_lag=20, threads=cores)
        assert_same(found, expected)


@pytest.mark.gpu
@needs_gpu
@pytest.mark.slow
def test_the_gpu_counts_more_than_two_to_the_31_voxels() -> None:
    slab = structure((32, 1300, 1301), 2)
    labels = np.tile(slab, (40, 1, 1))
    assert labels.size > 2**31
    found = counted(cuda(), labels, None, periodic=True, max_lag=20)
    # A periodic stack of 40 equal slabs holds everything that is in one 40 times.
    of_slab = counted(_core, slab, None, periodic=True, max_lag=20, threads=2)
    expected = {what: (40 * hits, 40 * trials) for what, (hits, trials) in of_slab.items()}
    assert_same(found, expected)
