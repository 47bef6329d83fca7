"""How runs go: schedules, stages, sizes and several at a time."""

import threading

import numpy as np
import pytest

import microtwin as mt
from microtwin.annealing import anneal_replicas
from microtwin.errors import InputError
from microtwin.images import synthetic


def target_of(shape=(128, 128), **options):
    real = synthetic.gaussian_field(shape, correlation_length=3, fraction=0.4, seed=0)
    return mt.describe(real, phase=1, max_lag=16, periodic=True, **options)


@pytest.mark.parametrize(
    ("schedule", "budget"),
    [("geometric", None), ("adaptive", 3_000_000), ("threshold", None), ("deluge", None)],
)
def test_every_schedule_comes_to_a_low_energy_through_higher_ones(schedule, budget):
    target = target_of()
    for seed in range(2):
        twin = mt.anneal(
            target,
            shape=(128, 128),
            schedule=schedule,
            max_proposals=budget,
            start="noise",
            map_radius=0,
            tolerance=1e-5,
            seed=seed,
        )
        assert twin.energy <= 1e-5
        energies = twin.history.energies
        if schedule in ("geometric", "threshold"):
            assert np.any(np.diff(energies) > 0)


def test_the_adaptive_schedule_follows_its_acceptance():
    twin = mt.anneal(
        target_of(),
        shape=(64, 64),
        schedule="adaptive",
        moves="anywhere",
        max_proposals=2_000_000,
        start="noise",
        map_radius=0,
        tolerance=0.0,
    )
    assert twin.stop_reason == "proposals"
    assert twin.proposals == 2_000_000
    n = len(twin.history)
    assert np.mean(twin.history.acceptances[n // 4 : n // 2]) == pytest.approx(0.44, abs=0.08)
    assert twin.history.acceptances[-1] < 0.05


def test_re_heating_lowers_what_has_stalled():
    target = target_of()
    run = {"shape": (96, 96), "start": "noise", "map_radius": 0, "tolerance": 0.0}
    once, often = (
        np.median([mt.anneal(target, seed=s, reheats=n, **run).energy for s in range(3)])
        for n in (0, 4)
    )
    assert often < 0.7 * once


def test_blocks_do_not_depend_on_threads_and_their_energy_is_right():
    target = target_of((96, 80, 88))
    twins = [
        mt.anneal(target, shape=(80, 88, 84), threads=n, tolerance=1e-6, seed=2) for n in (1, 2, 3)
    ]
    for twin in twins[1:]:
        assert np.array_equal(twin.labels, twins[0].labels)
        assert np.array_equal(twin.history.energies, twins[0].history.energies)
    again = twins[0].describe()
    errors = [
        np.sum((a.values - b.values)[:, 1:] ** 2)
        for a, b in zip(again.functions, target.functions, strict=True)
    ]
    assert sum(errors) == pytest.approx(twins[0].energy, rel=1e-9)
    assert twins[0].energy <= 1e-6


@pytest.mark.parametrize(("shape", "per_voxel"), [((160, 160), 60), ((56, 56, 56), 12)])
@pytest.mark.parametrize("stop", [0.02, 0.1, 0.3, 0.8])
def test_a_run_stopped_in_any_stage_goes_on_to_the_same_twin(tmp_path, shape, per_voxel, stop):
    target = target_of(shape)
    budget = int(per_voxel * np.prod(shape))
    run = {"shape": shape, "seed": 1, "tolerance": 0.0}
    whole = mt.anneal(target, max_proposals=budget, **run)
    assert {0.0} < set(whole.history.temperatures)  # a re-heat, too
    file = tmp_path / "run.npz"
    part = max(int(stop * budget), int(1.1 * np.prod(shape)))
    mt.anneal(target, max_proposals=part, checkpoint=file, **run)
    resumed = mt.anneal(target, max_proposals=budget, checkpoint=file, resume=True, **run)
    assert np.array_equal(resumed.labels, whole.labels)
    assert np.array_equal(resumed.history.acceptances, whole.history.acceptances)
    assert (resumed.accepted, resumed.proposals) == (whole.accepted, whole.proposals)


def test_a_run_saved_in_blocks_can_be_resumed_with_hardly_any_budget(tmp_path):
    target, file = target_of(), tmp_path / "run.npz"
    run = {"shape": (128, 128), "checkpoint": file, "tolerance": 0.0}
    first = mt.anneal(target, max_proposals=20_000, **run)
    again = mt.anneal(target, max_proposals=100, resume=True, **run)
    assert again.stop_reason == "proposals"
    assert (again.proposals, again.energy) == (first.proposals, first.energy)


def test_coarse_to_fine_ends_at_the_same_energy():
    target = target_of((64, 64, 64))
    twin = mt.anneal(target, shape=(64, 64, 64), levels=3, map_radius=0, tolerance=1e-6)
    assert twin.energy <= 1e-6
    assert twin.labels.sum() == round(target.porosity * 64**3)
    start = mt.anneal(target, shape=(64, 64, 64), levels=3, map_radius=0, max_proposals=0)
    noise = mt.anneal(target, shape=(64, 64, 64), start="noise", map_radius=0, max_proposals=0)
    assert start.energy < 0.1 * noise.energy
    with pytest.raises(InputError, match="shape must be divisible by 4"):
        mt.anneal(target, shape=(30, 30, 30), levels=3)
    with pytest.raises(InputError, match="start must be noise"):
        mt.anneal(target, shape=(32, 32, 32), levels=2, start="gaussian")


def test_replicas_are_the_twins_of_their_seeds(tmp_path):
    target = target_of()
    run = {"shape": (64, 64), "tolerance": 1e-4}
    reports = []
    twins = anneal_replicas(
        target, replicas=3, seed=5, progress=lambda *r: reports.append(r), **run
    )
    for seed, twin in enumerate(twins, 5):
        assert np.array_equal(twin.labels, mt.anneal(target, seed=seed, **run).labels)
    assert reports[-1][0] == pytest.approx(3.0)
    assert reports[-1][1] == 3.0
    folder = tmp_path / "runs"
    hard = {"shape": (64, 64), "tolerance": 0.0, "start": "noise"}
    anneal_replicas(target, replicas=2, checkpoint=folder, max_proposals=100_000, **hard)
    on = anneal_replicas(
        target, replicas=2, checkpoint=folder, resume=True, max_proposals=300_000, **hard
    )
    for seed, twin in enumerate(on):
        assert twin.proposals == 300_000
        assert twin.seed == seed


def test_tempered_replicas_are_reproducible_and_good():
    target = target_of()
    run = {"shape": (48, 48), "replicas": 4, "tempering": True, "map_radius": 0, "start": "noise"}
    first = anneal_replicas(target, threads=1, **run)
    again = anneal_replicas(target, threads=2, **run)
    for a, b in zip(first, again, strict=True):
        assert np.array_equal(a.labels, b.labels)
    quench = [
        mt.anneal(target, shape=(48, 48), map_radius=0, start="noise", reheats=0, seed=s).energy
        for s in range(4)
    ]
    assert min(t.energy for t in first) < min(quench)


def test_a_replica_that_fails_stops_the_others():
    target = target_of()
    begun = threading.active_count()
    with pytest.raises(InputError, match="half a side of shape"):
        anneal_replicas(target, shape=(1, 1), replicas=3)
    assert threading.active_count() == begun


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"replicas": 0}, "replicas must be at least 1, not 0"),
        ({"replicas": 2, "cheese": 1}, "cheese is no argument of anneal"),
        ({"replicas": 2, "resume": True}, "checkpoint must name a folder"),
        ({"replicas": 2, "tempering": True, "checkpoint": "x"}, "checkpoint must be None"),
        ({"replicas": 2, "schedule": "slow"}, "schedule must be one of quench"),
        ({"replicas": 2, "reheats": -1}, "reheats must be at least 0"),
        ({"replicas": 2, "levels": 0}, "levels must be between 1 and 8"),
        (
            {"replicas": 2, "schedule": "quench", "start_acceptance": 0.1},
            "start_acceptance must be 0 for a quench",
        ),
    ],
)
def test_arguments_that_do_not_fit(options, message):
    with pytest.raises(InputError, match=message):
        anneal_replicas(target_of((64, 64)), shape=(32, 32), **options)
