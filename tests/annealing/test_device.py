"""What is done with a GPU's answers; the kernels themselves are tested in tests/cpp and parity."""

from types import SimpleNamespace

import numpy as np
import pytest

import microtwin as mt
from microtwin import _backend, _core
from microtwin.annealing import anneal_replicas
from microtwin.errors import DeviceError, InputError
from microtwin.images import synthetic


def replicas(starts, targets, periodic, seed, proposals, level, moves):
    """What the kernel does, by the core: each structure by itself."""
    annealers = [
        _core.Annealer(start, targets, periodic, seed + i) for i, start in enumerate(starts)
    ]
    accepted = [a.run(proposals, level, moves=moves) for a in annealers]
    labels = np.stack([a.labels().reshape(starts.shape[1:]) for a in annealers])
    hits = [np.stack([a.hits(k) for a in annealers]) for k in range(len(targets))]
    return labels, hits, np.array(accepted)


def blocks(labels, targets, periodic, seed, sweeps, proposals, level, block, moves):
    assert block >= max(len(values) for *_, values, _ in targets)
    made, hits, accepted = replicas(
        labels[None], targets, periodic, seed, sweeps * proposals, level, moves
    )
    return made[0], [row[0] for row in hits], int(accepted[0])


@pytest.fixture
def gpu(monkeypatch):
    module = SimpleNamespace(
        **vars(_core), anneal_replicas=replicas, anneal_blocks=blocks, device_count=lambda: 1
    )
    monkeypatch.setattr(_backend, "cuda_module", lambda: module)
    return module


def target_of(**options):
    real = synthetic.gaussian_field((128, 128), correlation_length=3, fraction=0.4, seed=0)
    return mt.describe(real, phase=1, max_lag=12, periodic=True, **options)


def test_replicas_begin_where_the_gpu_ends(gpu):
    run = {"shape": (48, 48), "start": "noise", "map_radius": 0, "tolerance": 1e-5}
    twins = anneal_replicas(target_of(), replicas=3, device="cuda", **run)
    alone = anneal_replicas(target_of(), replicas=3, device="cpu", **run)
    assert all(twin.energy <= 1e-5 for twin in twins)
    # Most of the way was made before.
    assert max(t.accepted for t in twins) < 0.5 * min(t.accepted for t in alone)


def test_one_volume_is_made_in_blocks(gpu):
    run = {"shape": (128,) * 3, "start": "noise", "map_radius": 0, "tolerance": 1e-4}
    called = []
    gpu.anneal_blocks = lambda *given: called.append(given) or blocks(*given)
    twin = mt.anneal(target_of(), device="cuda", **run)
    assert twin.energy <= 1e-4
    assert called


def test_a_miscount_on_the_gpu_is_an_error(gpu):
    def wrong(*given):
        labels, hits, accepted = replicas(*given)
        hits[0] = hits[0] + 1
        return labels, hits, accepted

    gpu.anneal_replicas = wrong
    with pytest.raises(RuntimeError, match="on the GPU lost count of two_point of phase 1"):
        anneal_replicas(target_of(), shape=(32, 32), replicas=2, device="cuda")


@pytest.mark.parametrize(
    ("options", "given", "message"),
    [
        ({"directions": "all"}, {}, "S2 and L along axes"),
        ({"statistics": "chord_length"}, {}, "not chord_length"),
        ({}, {"schedule": "geometric"}, "quenches with no fixed voxels"),
        ({}, {"fixed": np.eye(48) - 1}, "quenches with no fixed voxels"),
    ],
)
def test_what_the_gpu_cannot_anneal_is_refused(gpu, options, given, message):
    with pytest.raises(InputError, match=message):
        mt.anneal(target_of(**options), shape=(48, 48), device="cuda", **given)


def test_without_a_gpu_it_is_refused(monkeypatch):
    monkeypatch.setattr(_backend, "cuda_module", lambda: None)
    with pytest.raises(DeviceError, match="built without CUDA"):
        mt.anneal(target_of(), shape=(32, 32), device="cuda")
