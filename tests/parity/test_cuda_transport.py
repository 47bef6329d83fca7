"""Transport on a GPU: certified by the core, and the same answer within its interval."""

import numpy as np
import pytest

import microtwin as mt

pytestmark = [pytest.mark.gpu, pytest.mark.usefixtures("gpu")]


def blobs(shape, seed):
    noise = np.random.default_rng(seed).random(shape)
    for axis in range(noise.ndim):
        noise = sum(np.roll(noise, k, axis) for k in range(4))
    return np.digitize(noise, np.quantile(noise, (0.35, 0.7))).astype(np.uint8)


@pytest.mark.parametrize("shape", [(50, 37, 61), (90, 77), (1, 40, 33), (5, 4, 3)])
@pytest.mark.parametrize("boundary", ["face", "centre", "periodic"])
@pytest.mark.parametrize("low", [0.0, 1e-4, 1e-8])
def test_a_gpu_finds_what_the_processor_finds(shape, boundary, low):
    labels = blobs(shape, 1)
    k = {0: low, 1: 0.3, 2: 1.0}
    how = {"axis": len(shape) - 1, "boundary": boundary, "sides": "periodic", "tol": 1e-5}
    cpu = mt.effective_conductivity(labels, k, **how, device="cpu")
    gpu = mt.effective_conductivity(labels, k, **how, device="cuda", fields=True)
    assert gpu.device == "cuda"
    assert gpu.lower <= cpu.upper
    assert cpu.lower <= gpu.upper
    assert gpu.upper - gpu.lower <= 1e-5 * gpu.upper
    assert gpu.connected == cpu.connected
    assert gpu.iterations <= 2 * cpu.iterations + 6


def test_a_gpu_finds_the_same_every_time():
    labels = blobs((48, 40, 44), 2)
    one, two = (
        mt.effective_diffusivity(labels, phase=(1, 2), device="cuda", fields=True) for _ in range(2)
    )
    assert one.bounds == two.bounds
    np.testing.assert_array_equal(one.potential, two.potential)


def test_a_structure_that_does_not_percolate_needs_no_iteration_on_a_gpu():
    labels = np.zeros((8, 8), np.uint8)
    assert mt.effective_diffusivity(labels, phase=1, device="cuda").effective == 0


def test_a_tensor_is_solved_on_a_gpu():
    tensor = mt.effective_tensor(blobs((30, 30, 30), 3), {0: 0, 1: 0.5, 2: 1}, device="cuda")
    assert {one.device for one in tensor.solutions} == {"cuda"}
    assert tensor.asymmetry < 0.01
