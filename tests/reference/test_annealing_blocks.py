"""Annealing in blocks against full recounts."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microtwin import _core
from microtwin.statistics.directions import family_vectors, lag_bound
from reference import naive

STATISTICS = ("two_point", "lineal_path", "chord_length")
MOVES = ("anywhere", "interfaces", "neighbours")


def blobs(rng, sides, phases):
    """Labels in lumps of a few voxels: some pairs of neighbours are alike, some are not."""
    field = rng.random(sides)
    for axis in range(len(sides)):
        field = field + np.roll(field, 1, axis)
    levels = np.quantile(field, np.arange(1, phases) / phases)
    return np.digitize(field, levels).astype(np.uint8)


def curve_of(model, statistic, phase, step, origin, lags, rng, periodic):
    """A target of annealing: what another structure has."""
    weights = rng.integers(0, 3, lags).astype(float).tolist()
    target = (statistic, phase, tuple(step), origin, [0.0] * lags, weights)
    hits, trials = _core.count_target(model, target, periodic)
    return (*target[:4], (hits / np.maximum(trials, 1)).tolist(), weights)


@st.composite
def problems(draw):
    """A structure of some blocks, curves of another, the boundary, and voxels that stay."""
    ndim = draw(st.integers(2, 3))
    thin = [st.integers(1, {2: 30, 3: 9}[ndim])] * (ndim - 1)
    sides = draw(st.tuples(*thin, st.integers(12, 30)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    phases = draw(st.integers(2, 3))
    labels, model = blobs(rng, sides, phases), blobs(rng, sides, phases)
    periodic = draw(st.booleans())
    wanted = draw(st.lists(st.integers(0, phases - 1), min_size=1, unique=True))
    statistics = draw(st.lists(st.sampled_from(STATISTICS), min_size=1, unique=True))
    families = ["axes", *draw(st.sampled_from([[], ["face_diagonals"], ["body_diagonals"]][:ndim]))]
    steps = [step for family in families for step in family_vectors(family, ndim)]
    longest = draw(st.integers(1, 20))
    curves = []
    for statistic, phase, step in itertools.product(statistics, wanted, steps):
        lags = min(longest, lag_bound(step, sides) - 1 - (statistic == "chord_length"))
        if lags > 0:
            curves.append(curve_of(model, statistic, phase, step, (), lags, rng, periodic))
    if draw(st.booleans()):
        radius = [min(draw(st.integers(1, 3)), n - 1) for n in sides]
        along = naive.along(ndim - 1, ndim)
        for place in itertools.product(*(range(-r, r + 1) for r in radius[:-1])):
            if place > (0,) * (ndim - 1):
                origin, lags = (*place, -radius[-1] - 1), 2 * radius[-1] + 1
                row = ("two_point", wanted[0], along, origin, lags)
                curves.append(curve_of(model, *row, rng, periodic))
    fixed = None
    if draw(st.booleans()):
        fixed = (rng.random(sides) < 0.4).astype(np.uint8)
    return labels, curves, periodic, fixed


def sweep(annealer, seed, count=3):
    """Sweeps of small blocks, of any kind, hot and cold."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        annealer.sweep(
            side=int(rng.integers(8, 14)),
            proposals=float(rng.random()),
            level=float(rng.choice([0.0, 0.1, 10.0])) * annealer.energy,
            enough=float(rng.choice([0.0, 1e-30, 0.5])) * annealer.error,
            moves=str(rng.choice(MOVES)),
        )


@settings(max_examples=25)
@given(problems(), st.integers(0, 2**32 - 1))
def test_counts_after_sweeps_are_those_of_a_recount(problem, seed):
    labels, curves, periodic, fixed = problem
    annealer = _core.BlockAnnealer(labels, curves, periodic, seed, 2, fixed)
    assert annealer.energy == pytest.approx(naive.energy(labels, curves, periodic), rel=1e-9)
    sweep(annealer, seed)
    after = annealer.labels().reshape(labels.shape)
    assert np.array_equal(np.bincount(after.ravel()), np.bincount(labels.ravel()))
    if fixed is not None:
        assert np.array_equal(after[fixed == 1], labels[fixed == 1])
    for index, target in enumerate(curves):
        hits, _ = naive.target_counts(after, target, periodic)
        recount, _ = _core.count_target(after, target, periodic)
        assert annealer.hits(index).tolist() == recount.tolist() == hits[1:]
    assert annealer.energy == pytest.approx(naive.energy(after, curves, periodic), rel=1e-9)
    assert annealer.sweeps == 3
    assert annealer.accepted <= annealer.proposed <= 3 * labels.size


@settings(max_examples=25)
@given(problems(), st.integers(0, 2**32 - 1))
def test_sweeps_are_the_same_for_any_number_of_threads(problem, seed):
    labels, curves, periodic, fixed = problem
    made = [
        _core.BlockAnnealer(labels, curves, periodic, seed, threads, fixed) for threads in (1, 2, 3)
    ]
    for annealer in made:
        sweep(annealer, seed)
    for annealer in made[1:]:
        assert np.array_equal(annealer.labels(), made[0].labels())
        assert annealer.energy == made[0].energy
        assert (annealer.proposed, annealer.accepted) == (made[0].proposed, made[0].accepted)


@settings(max_examples=25)
@given(problems(), st.integers(0, 2**32 - 1))
def test_restored_sweeps_go_on_as_if_they_had_not_stopped(problem, seed):
    labels, curves, periodic, fixed = problem
    whole = _core.BlockAnnealer(labels, curves, periodic, seed, 2, fixed)
    sweep(whole, seed, 2)
    stopped = whole.labels().reshape(labels.shape)
    resumed = _core.BlockAnnealer(stopped, curves, periodic, seed, 1, fixed)
    resumed.restore(whole.sweeps, whole.proposed, whole.accepted)
    for annealer in (whole, resumed):
        sweep(annealer, seed + 1, 2)
    assert np.array_equal(whole.labels(), resumed.labels())
    assert whole.energy == resumed.energy
    assert whole.sweeps == resumed.sweeps == 4
    assert (whole.proposed, whole.accepted) == (resumed.proposed, resumed.accepted)


@pytest.mark.parametrize("periodic", [False, True])
@pytest.mark.parametrize("sides", [(60, 70), (24, 22, 26)])
def test_a_quench_in_blocks_comes_close_to_a_structured_medium(sides, periodic):
    rng = np.random.default_rng(4)
    model = (sum(np.indices(sides) // 5) % 2).astype(np.uint8)
    start = rng.permutation(model.ravel()).reshape(sides)
    curves = []
    for statistic, step in itertools.product(STATISTICS[:2], family_vectors("axes", len(sides))):
        target = (statistic, 1, tuple(step), (), [0.0] * 10, [1.0] * 10)
        hits, trials = _core.count_target(model, target, periodic)
        curves.append((*target[:4], (hits / trials).tolist(), target[5]))
    annealer = _core.BlockAnnealer(start, curves, periodic, 1, 2)
    energies = [annealer.energy]
    for _ in range(6):
        annealer.sweep(side=16)
        energies.append(annealer.energy)
    assert energies[1] < 0.7 * energies[0]
    assert energies[-1] < 0.1 * energies[0]


@pytest.mark.parametrize("periodic", [False, True])
def test_every_voxel_comes_into_some_block(periodic):
    """A curve that cannot be come to, and a level at which anything goes."""
    labels = np.indices((21, 26)).sum(axis=0).astype(np.uint8) % 2
    curves = [("two_point", 1, (1, 0), (), [1.0], [1.0])]
    annealer = _core.BlockAnnealer(labels, curves, periodic, 3, 2)
    moved = np.zeros(labels.size, bool)
    for _ in range(30):
        annealer.sweep(side=8, level=1e9, moves="anywhere")
        moved |= annealer.labels() != labels.ravel()
    assert moved.all()


def test_impossible_blocks_are_refused():
    labels = np.indices((20, 20)).sum(axis=0).astype(np.uint8) % 2
    good = ("two_point", 1, (0, 1), (), [0.1, 0.2], [1.0, 1.0])
    for bad, message in [
        (("cluster", *good[1:]), "pairs, paths and chords only"),
        (("two_point", 5, *good[2:]), "phase is not in the structure"),
        ((*good[:3], (0, -2), *good[4:]), "must not come by the origin"),
        ((*good[:5], [1.0, -1.0]), "at least 0"),
        ((*good[:4], [0.1, float("nan")], good[5]), "finite"),
    ]:
        with pytest.raises(ValueError, match=message):
            _core.BlockAnnealer(labels, [bad], True, 0, 1)
    with pytest.raises(ValueError, match="threads"):
        _core.BlockAnnealer(labels, [good], True, 0, 0)
    annealer = _core.BlockAnnealer(labels, [good], True, 0, 1)
    for proposals in (-1.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="proposals"):
            annealer.sweep(proposals=proposals)
    assert annealer.sweep(proposals=0.0) == 0
