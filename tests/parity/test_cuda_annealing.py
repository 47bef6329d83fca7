"""Annealing on a GPU: recounted by the core; every decision is that of the textbook."""

from types import ModuleType

import numpy as np
import numpy.typing as npt
import pytest

from microtwin import _core

Labels = npt.NDArray[np.uint8]
Target = tuple[str, int, tuple[int, ...], tuple[int, ...], list[float], list[float]]


def blobs(shape: tuple[int, ...], phases: int, seed: int) -> Labels:
    """Random labels in runs of about five voxels along every axis."""
    noise = np.random.default_rng(seed).random(shape)
    for axis in range(noise.ndim):
        noise = sum(np.roll(noise, k, axis) for k in range(5))
    edges = np.quantile(noise, np.arange(1, phases) / phases)
    return np.digitize(noise, edges).astype(np.uint8)


def targets_of(
    labels: Labels, max_lag: int, periodic: bool, phases: tuple[int, ...] = (1,)
) -> list[Target]:
    result: list[Target] = []
    for phase in phases:
        for axis in range(labels.ndim):
            step = tuple(int(k == axis) for k in range(labels.ndim))
            for statistic in ("two_point", "lineal_path"):
                lags = min(max_lag, labels.shape[axis] - 1)
                wanted: Target = (statistic, phase, step, (), [0.0] * lags, [1.0] * lags)
                hits, trials = _core.count_target(labels, wanted, periodic)
                weights = 1.0 / np.arange(1, lags + 1)
                result.append((*wanted[:4], (hits / trials).tolist(), weights.tolist()))
    return result


def energy(labels: Labels, targets: list[Target], periodic: bool) -> float:
    total = 0.0
    for target in targets:
        hits, trials = _core.count_target(labels, target, periodic)
        total += float(np.sum(np.array(target[5]) * (hits / trials - target[4]) ** 2))
    return total


def assert_recounted(
    labels: Labels, hits: list[npt.NDArray[np.int64]], targets: list[Target], periodic: bool
) -> None:
    for target, found in zip(targets, hits, strict=True):
        np.testing.assert_array_equal(found, _core.count_target(labels, target, periodic)[0])


def shuffled(labels: Labels, seed: int) -> Labels:
    return np.random.default_rng(seed).permutation(labels.ravel()).reshape(labels.shape)


CASES = [
    ((40, 150), 2, (1,), True),
    ((70, 33), 3, (0, 2), False),
    ((12, 40, 70), 2, (0, 1), False),
    ((24, 24, 24), 3, (1, 2), True),
]


@pytest.mark.gpu
@pytest.mark.parametrize(("shape", "phases", "wanted", "periodic"), CASES)
@pytest.mark.parametrize("moves", ["anywhere", "interfaces"])
@pytest.mark.parametrize("rule", ["metropolis", "threshold"])
def test_replicas_are_recounted_and_come_nearer_to_the_targets(
    gpu: ModuleType, shape, phases, wanted, periodic, moves, rule
) -> None:
    model = blobs(shape, phases, seed=1)
    targets = targets_of(model, 128, periodic, wanted)
    labels = starts = np.stack([shuffled(model, seed) for seed in range(5)])
    for step, level in enumerate([1e-5, 1e-6, 0.0]):
        arguments = (targets, periodic, 100 * step, 2000, level, moves, rule)
        before = labels
        labels, hits, accepted = gpu.anneal_replicas(before, *arguments)
        again = gpu.anneal_replicas(before, *arguments)
        np.testing.assert_array_equal(again[0], labels)
        np.testing.assert_array_equal(again[2], accepted)
        for i, replica in enumerate(labels):
            assert_recounted(replica, [curve[i] for curve in hits], targets, periodic)
    for start, replica in zip(starts, labels, strict=True):
        np.testing.assert_array_equal(np.bincount(replica.ravel()), np.bincount(start.ravel()))
        assert energy(replica, targets, periodic) < 0.9 * energy(start, targets, periodic)
    assert len({replica.tobytes() for replica in labels}) == len(labels)


@pytest.mark.gpu
@pytest.mark.parametrize("shape", [(40, 150), (12, 20, 30)])
@pytest.mark.parametrize("periodic", [True, False])
@pytest.mark.parametrize("temperature", [0.0, 1e-5])
def test_a_replica_takes_every_decision_of_the_textbook(
    gpu: ModuleType, shape, periodic, temperature
) -> None:
    model = blobs(shape, 2, seed=2)
    targets = targets_of(model, 70, periodic)
    starts = np.stack([shuffled(model, seed) for seed in range(3)])
    labels, _, accepted = gpu.anneal_replicas(starts, targets, periodic, 7, 1000, temperature)
    for i, start in enumerate(starts):
        textbook = _core.TextbookAnnealer(start, targets, periodic, 7 + i)
        assert textbook.run(1000, temperature) == accepted[i]
        np.testing.assert_array_equal(labels[i].ravel(), textbook.labels().ravel())


@pytest.mark.gpu
@pytest.mark.parametrize(("shape", "phases", "wanted", "periodic"), CASES)
@pytest.mark.parametrize("moves", ["anywhere", "interfaces"])
def test_blocks_of_a_volume_are_recounted_and_come_nearer_to_the_targets(
    gpu: ModuleType, shape, phases, wanted, periodic, moves
) -> None:
    model = blobs(shape, phases, seed=3)
    targets = targets_of(model, 9, periodic, wanted)
    labels = start = shuffled(model, 0)
    made = 0
    for step in range(3):
        arguments = (targets, periodic, step, 4, 3000, 0.0, 10, moves)
        before = labels
        labels, hits, accepted = gpu.anneal_blocks(before, *arguments)
        np.testing.assert_array_equal(gpu.anneal_blocks(before, *arguments)[0], labels)
        assert_recounted(labels, hits, targets, periodic)
        made += accepted
    assert made > 0
    np.testing.assert_array_equal(np.bincount(labels.ravel()), np.bincount(start.ravel()))
    assert energy(labels, targets, periodic) < 0.9 * energy(start, targets, periodic)


def anneal(cuda: ModuleType, labels: Labels, targets: list[Target], **changes: object) -> None:
    """Call both functions, which must refuse alike."""
    orders = {"periodic": True, "seed": 0, "level": 0.0} | changes
    block = orders.pop("block", 16)
    proposals = orders.pop("proposals", 10)
    messages = []
    for call, stack, rest in [
        (cuda.anneal_replicas, labels[None], {"proposals": proposals}),
        (
            cuda.anneal_blocks,
            labels,
            {"proposals_per_sweep": proposals, "sweeps": 1} | {"block": block},
        ),
    ]:
        with pytest.raises(ValueError) as refused:
            call(stack, targets, **orders, **rest)
        messages.append(str(refused.value))
    assert messages[0] == messages[1]
    raise ValueError(messages[0])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"level": -1.0}, "level must be at least 0"),
        ({"proposals": -1}, "proposals must be at least 0"),
        ({"moves": "neighbours"}, "draws voxels anywhere or at interfaces"),
        ({"moves": "sideways"}, "there are no moves"),
        ({"rule": "deluge"}, "the rules metropolis and threshold"),
        ({"targets": []}, "at least one target"),
        ({"targets": [("two_point", 1, (1, 1), (), [0.5], [1.0])]}, "along axes only"),
        ({"targets": [("two_point", 1, (0, 1), (1, 0), [0.5], [1.0])]}, "along axes only"),
        ({"targets": [("cluster", 1, (0, 1), (), [0.5], [1.0])]}, "two_point and lineal_path"),
        ({"targets": [("two_point", 9, (0, 1), (), [0.5], [1.0])]}, "not in the structure"),
        ({"targets": [("two_point", 1, (0, 1), (), [0.5], [])]}, "one weight for each value"),
        ({"targets": [("two_point", 1, (1, 0), (), [0.5] * 40, [1.0] * 40)]}, "fewer lags"),
        ({"targets": [("two_point", 1, (0, 1), (), [0.5] * 129, [1.0] * 129)]}, "most 128 lags"),
        ({"labels": np.zeros((40, 150), np.uint8)}, "at least two phases"),
        ({"labels": np.arange(6000, dtype=np.uint8).reshape(40, 150)}, "at most 16 phases"),
    ],
)
def test_what_the_gpu_cannot_anneal_is_refused_before_it_is_asked(
    cuda: ModuleType, change, message
) -> None:
    labels = change.pop("labels", blobs((40, 150), 2, seed=4))
    targets = change.pop("targets", targets_of(labels, 9, True, (0,)))
    with pytest.raises(ValueError, match=message):
        anneal(cuda, labels, targets, **change)


def test_shapes_and_blocks_that_do_not_fit_are_refused(cuda: ModuleType) -> None:
    labels = blobs((40, 150), 2, seed=5)
    targets = targets_of(labels, 9, True)
    with pytest.raises(ValueError, match="a stack of 2-D or 3-D labels, not 2-D"):
        cuda.anneal_replicas(labels, targets, True, 0, 1, 0.0)
    with pytest.raises(ValueError, match="starts must not be empty"):
        cuda.anneal_replicas(labels[None][:0], targets, True, 0, 1, 0.0)
    with pytest.raises(ValueError, match="all replicas must have the same phases"):
        cuda.anneal_replicas(np.stack([labels, labels + 1]), targets, True, 0, 1, 0.0)
    with pytest.raises(ValueError, match="block must be at least the largest lag"):
        cuda.anneal_blocks(labels, targets, True, 0, 1, 1, 0.0, 8)
    with pytest.raises(ValueError, match="sweeps must be at least 0"):
        cuda.anneal_blocks(labels, targets, True, 0, -1, 1, 0.0, 9)


@pytest.mark.usefixtures("no_gpu")
def test_annealing_without_a_gpu_says_what_cuda_says(cuda: ModuleType) -> None:
    labels = blobs((40, 150), 2, seed=6)
    targets = targets_of(labels, 9, True)
    with pytest.raises(RuntimeError, match=r"CUDA could not .*: "):
        cuda.anneal_replicas(labels[None], targets, True, 0, 1, 0.0)
    with pytest.raises(RuntimeError, match=r"CUDA could not .*: "):
        cuda.anneal_blocks(labels, targets, True, 0, 1, 1, 0.0, 9)
