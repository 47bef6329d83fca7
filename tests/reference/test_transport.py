"""The solver against a direct solution of the same balances, on structures of every kind."""

import time

import numpy as np
import pytest

import microtwin as mt
from microtwin.images import synthetic
from reference.transport import solve

CONVENTIONS = [
    ("face", "insulated"),
    ("face", "periodic"),
    ("centre", "insulated"),
    ("centre", "periodic"),
    ("periodic", "periodic"),
]


def check(labels, k, axis, boundary, sides, tol=1e-5):
    """The interval holds the answer, and everything else is told as it is."""
    wanted = solve(labels, k, axis, boundary, sides == "periodic")
    made = mt.effective_conductivity(
        labels, k, axis=axis, boundary=boundary, sides=sides, tol=tol, fields=True
    )
    assert made.percolates == wanted.percolates
    assert made.solved == wanted.solved
    scale = max(wanted.effective, 1e-300)
    assert made.lower <= wanted.effective + 1e-7 * scale
    assert made.upper >= wanted.effective - 1e-7 * scale
    assert made.lower <= made.effective <= made.upper
    assert made.upper - made.lower <= tol * made.upper * (1 + 1e-9)
    if min(v for v in k.values() if v > 0) > 1e-3:  # the error of fluxes is of first order only
        np.testing.assert_allclose(made.flux[axis], wanted.effective, rtol=2e-2)
    if not made.percolates:
        assert made.effective == made.upper == made.iterations == 0
        assert made.tortuosity_factor == np.inf
        assert not np.any(made.flux)
    known = ~np.isnan(made.potential)
    if boundary == "centre":  # what hangs on a plane of fixed values alone is left out
        assert not np.isnan(wanted.potential[known]).any()
    else:
        np.testing.assert_array_equal(known, ~np.isnan(wanted.potential))
    return made, wanted


def thin_walls(shape, rng):
    """Walls of one voxel around cells, with a few holes."""
    cells = synthetic.voronoi(shape, cells=8, phases=200, seed=int(rng.integers(1 << 30)))
    walls = np.zeros(shape, bool)
    for axis in range(len(shape)):
        walls |= cells != np.roll(cells, 1, axis)
    return (walls ^ (rng.random(shape) < 0.03)).astype(np.uint8)


def near_the_threshold(shape, rng):
    fraction = 0.593 if len(shape) == 2 else 0.312
    return (rng.random(shape) < fraction * rng.uniform(0.9, 1.3)).astype(np.uint8)


def labyrinth(shape, rng):
    """A way one voxel wide that turns at every wall."""
    labels = np.zeros(shape, np.uint8)
    labels[..., 0::2] = 1
    turns = np.arange(1, shape[-1], 2)
    labels[0, ..., turns[::2]] = 1
    labels[-1, ..., turns[1::2]] = 1
    return labels


def one_phase(shape, rng):
    return np.full(shape, rng.integers(2), np.uint8)


def thin_sample(shape, rng):
    cut = list(shape)
    cut[rng.integers(len(shape))] = int(rng.integers(1, 3))
    return (rng.random(cut) < 0.8).astype(np.uint8)


def needles(shape, rng):
    labels = np.zeros(shape, np.uint8)
    for _ in range(6):
        place = [slice(int(rng.integers(n)), None) for n in shape]
        along = rng.integers(len(shape))
        line = tuple(
            slice(None) if b == along else slice(place[b].start, place[b].start + 1)
            for b in range(len(shape))
        )
        labels[line] = 1
    return labels


KINDS = (thin_walls, near_the_threshold, labyrinth, one_phase, thin_sample, needles)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_fifty_awkward_structures_of_each_kind_are_right_and_none_hangs(kind):
    """300 structures in all."""
    rng = np.random.default_rng(sum(map(ord, kind.__name__)))
    for number in range(50):
        ndim = 2 + number % 2
        shape = tuple(rng.integers(3, 13 if ndim == 2 else 8, ndim).tolist())
        labels = kind(shape, rng)
        boundary, sides = CONVENTIONS[number % len(CONVENTIONS)]
        axis = int(rng.integers(ndim))
        if boundary == "centre" and labels.shape[axis] < 2:
            boundary = "face"
        insulator = 0.0 if number % 3 else 1e-6
        began = time.perf_counter()
        check(labels, {0: insulator, 1: 1.0}, axis, boundary, sides)
        assert time.perf_counter() - began < 30


@pytest.mark.parametrize(("boundary", "sides"), CONVENTIONS)
def test_fluxes_across_are_those_of_the_reference(boundary, sides):
    rng = np.random.default_rng(5)
    labels = rng.integers(0, 3, (8, 9, 7)).astype(np.uint8)
    k = {0: 0.2, 1: 1.0, 2: 7.0}
    for axis in range(3):
        made, wanted = check(labels, k, axis, boundary, sides, tol=1e-6)
        np.testing.assert_allclose(made.flux, wanted.flux, atol=1e-3 * wanted.effective)
        assert made.flux_error < 1e-3
        mean = made.flux_field().mean(axis=(1, 2, 3))
        if boundary != "centre":  # where the volume between the ends is less than the whole
            np.testing.assert_allclose(mean, made.flux, atol=1e-3 * wanted.effective)
        assert mean[axis] == pytest.approx(made.effective, rel=1e-3)
        np.testing.assert_allclose(
            made.potential - np.mean(made.potential),
            wanted.potential - np.mean(wanted.potential),
            atol=2e-3 * labels.shape[axis],
        )


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_precision_and_threads_keep_the_interval_true(precision, threads):
    labels = synthetic.gaussian_field((12, 14, 10), correlation_length=2, fraction=0.5, seed=2)
    k = {0: 1e-3, 1: 1.0}
    wanted = solve(labels, k).effective
    made = mt.effective_conductivity(labels, k, precision=precision, threads=threads, tol=1e-4)
    assert made.lower <= wanted <= made.upper
    assert made.effective == pytest.approx(wanted, rel=1e-4)


def test_any_start_leads_to_the_same_answer():
    labels = synthetic.gaussian_field((16, 16, 16), correlation_length=2, fraction=0.5, seed=4)
    k = {0: 0.01, 1: 1.0}
    plain = mt.effective_conductivity(labels, k, fields=True)
    rng = np.random.default_rng(0)
    for start in (plain, plain.potential, np.zeros(labels.shape), rng.normal(size=labels.shape)):
        again = mt.effective_conductivity(labels, k, start=start)
        assert again.effective == pytest.approx(plain.effective, rel=1e-4)
    assert mt.effective_conductivity(labels, k, start=plain).iterations <= plain.iterations
