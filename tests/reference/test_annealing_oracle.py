"""The fast annealer against the textbook one and against full recounts."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microtwin import _core
from microtwin.statistics.clusters import cluster_function
from microtwin.statistics.directions import family_vectors, lag_bound
from reference import naive

STATISTICS = ("two_point", "lineal_path")
SURFACES = ("surface_void", "surface_surface")


@st.composite
def problems(draw, *, axes_only=False):
    """A structure, target curves of another, and the boundary convention."""
    ndim = draw(st.integers(2, 3))
    largest = {2: 80, 3: 12} if axes_only else {2: 30, 3: 7}
    sides = draw(st.tuples(*[st.integers(3, largest[ndim])] * ndim))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    phases = draw(st.integers(2, 3))
    labels = rng.integers(0, phases, sides, np.uint8)
    labels.flat[:phases] = np.arange(phases)
    wanted = draw(st.lists(st.integers(0, phases - 1), min_size=1, unique=True))
    known = STATISTICS if axes_only else (*STATISTICS, "chord_length", *SURFACES, "radial")
    statistics = draw(st.lists(st.sampled_from(known), min_size=1, unique=True))
    periodic = draw(st.booleans())
    longest = draw(st.integers(1, 75 if axes_only else 20))
    families = ["axes", "face_diagonals", "body_diagonals"][: 1 if axes_only else ndim]
    family = draw(st.sampled_from(families))
    other = rng.permutation(labels.ravel()).reshape(sides)
    curves = []

    def add(statistic, phase, step, origin, lags):
        weights = rng.integers(0, 3, lags).astype(float).tolist()
        target = (statistic, phase, step, origin, [0.0] * lags, weights)
        hits, trials = naive.target_counts(other, target, periodic)
        values = np.array(hits[1:]) / np.maximum(trials[1:], 1)
        curves.append((*target[:4], values.tolist(), weights))

    for statistic, phase, step in itertools.product(
        statistics, wanted, family_vectors(family, ndim)
    ):
        spare = 2 * (not periodic) if statistic in SURFACES else int(statistic == "chord_length")
        lags = min(longest, lag_bound(step, sides) - 1 - spare)
        if lags > 0 and statistic != "radial":
            add(statistic, phase, step, (), lags)
    for phase in wanted if "radial" in statistics else ():
        lags = min(longest, (min(sides) if periodic else max(sides)) - 1)
        add("radial", phase, (*[0] * (ndim - 1), 1), (), lags)
    if not axes_only and (not curves or draw(st.booleans())):
        radius = [min(draw(st.integers(1, 5)), n - 1) for n in sides]
        for place in itertools.product(*(range(-r, r + 1) for r in radius[:-1])):
            if place > (0,) * (ndim - 1):
                origin = (*place, -radius[-1] - 1)
                add("two_point", wanted[0], (*[0] * (ndim - 1), 1), origin, 2 * radius[-1] + 1)
    return labels, curves, periodic


@settings(max_examples=50)  # the recount is slow
@given(problems(), st.integers(0, 2**32 - 1))
def test_each_energy_difference_is_that_of_a_recount(problem, seed):
    labels, curves, periodic = problem
    annealer = _core.Annealer(labels, curves, periodic, 0)
    before = naive.energy(labels, curves, periodic)
    assert annealer.energy == pytest.approx(before, rel=1e-12)
    flat = labels.ravel()
    for a, b in np.random.default_rng(seed).integers(0, flat.size, (6, 2)).tolist():
        if flat[a] == flat[b]:
            continue
        exchanged = flat.copy()
        exchanged[[a, b]] = flat[[b, a]]
        after = naive.energy(exchanged.reshape(labels.shape), curves, periodic)
        # Single precision in the proposal; the counts and the energy stay exact.
        difference = annealer.difference(a, b)
        assert difference == pytest.approx(after - before, abs=2e-6 * (before + after))


@given(problems(axes_only=True), st.integers(0, 2**32 - 1))
def test_each_energy_difference_is_that_of_the_textbook(problem, seed):
    labels, curves, periodic = problem
    fast = _core.Annealer(labels, curves, periodic, 0)
    textbook = _core.TextbookAnnealer(labels, curves, periodic, 0)
    assert fast.energy == pytest.approx(textbook.energy, rel=1e-12)
    scale = fast.energy + 0.01
    for a, b in np.random.default_rng(seed).integers(0, labels.size, (30, 2)).tolist():
        assert fast.difference(a, b) == pytest.approx(textbook.difference(a, b), abs=1e-5 * scale)


MOVES = ("anywhere", "interfaces", "neighbours")


@given(problems(), st.integers(0, 2**32 - 1), st.sampled_from(MOVES), st.booleans())
def test_counts_after_a_run_are_those_of_a_recount(problem, seed, moves, balanced):
    labels, curves, periodic = problem
    annealer = _core.Annealer(labels, curves, periodic, seed)
    accepted = annealer.run(400, 0.05 * annealer.energy, moves=moves, balanced=balanced)
    structure = annealer.labels().reshape(labels.shape)
    assert np.array_equal(np.bincount(structure.ravel()), np.bincount(labels.ravel()))
    assert accepted == 0 or annealer.proposed == 400
    for index, target in enumerate(curves):
        hits, _ = naive.target_counts(structure, target, periodic)
        assert annealer.hits(index).tolist() == hits[1:]
    assert annealer.energy == pytest.approx(naive.energy(structure, curves, periodic), rel=1e-9)


@st.composite
def cluster_problems(draw):
    """Clusters that exchanges join and cut: sparse, near where they percolate, and dense."""
    ndim = draw(st.integers(2, 3))
    sides = draw(st.tuples(*[st.integers(2, {2: 16, 3: 6}[ndim])] * ndim))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    threshold = {2: 0.593, 3: 0.312}[ndim]
    fraction = draw(st.sampled_from((0.15, threshold, threshold + 0.05, 0.85)))
    phases = draw(st.integers(2, 3))
    others = [(1.0 - fraction) / (phases - 1)] * (phases - 1)
    labels = rng.choice(phases, sides, p=[*others, fraction]).astype(np.uint8)
    labels.flat[:phases] = np.arange(phases)
    wanted = draw(st.lists(st.integers(0, phases - 1), min_size=1, unique=True))
    family = draw(st.sampled_from(["axes", "face_diagonals", "body_diagonals"][:ndim]))
    periodic = draw(st.booleans())
    longest = draw(st.integers(1, 15))
    curves = [("two_point", wanted[0], (1,) + (0,) * (ndim - 1), (), [0.3], [0.1])]
    for phase, step in itertools.product(wanted, family_vectors(family, ndim)):
        lags = min(longest, lag_bound(step, sides) - 1)
        values, weights = rng.random(lags) ** 2, rng.integers(0, 3, lags).astype(float)
        curves.append(("cluster", phase, tuple(step), (), values.tolist(), weights.tolist()))
    return labels, curves, periodic


@given(cluster_problems(), st.integers(0, 2**32 - 1))
def test_each_energy_difference_with_clusters_is_that_of_a_recount(problem, seed):
    labels, curves, periodic = problem
    annealer = _core.Annealer(labels, curves, periodic, 0)
    before = naive.energy(labels, curves, periodic)
    assert annealer.energy == pytest.approx(before, rel=1e-12)
    rng = np.random.default_rng(seed)
    flat = labels.ravel()
    for _ in range(6):
        a, b = (int(rng.choice(np.flatnonzero(flat == label))) for label in rng.permutation(2))
        exchanged = flat.copy()
        exchanged[[a, b]] = flat[[b, a]]
        after = naive.energy(exchanged.reshape(labels.shape), curves, periodic)
        for first, second in ((a, b), (b, a)):
            difference = annealer.difference(first, second)
            assert difference == pytest.approx(after - before, abs=2e-6 * (before + after))
    assert annealer.energy == pytest.approx(before, rel=1e-12)


@given(
    cluster_problems(), st.integers(0, 2**32 - 1), st.sampled_from(MOVES), st.booleans(),
    st.sampled_from([0.0, 0.02, 1e9]),
)  # fmt: skip
def test_clusters_after_a_run_are_those_of_a_recount(problem, seed, moves, balanced, heat):
    labels, curves, periodic = problem
    annealer = _core.Annealer(labels, curves, periodic, seed)
    for proposals in (1, 2, 40, 400):
        annealer.run(proposals, heat * annealer.energy, moves=moves, balanced=balanced)
        structure = annealer.labels().reshape(labels.shape)
        for index, target in enumerate(curves):
            hits, trials = naive.target_counts(structure, target, periodic)
            assert annealer.hits(index).tolist() == hits[1:]
            recount = _core.count_target(structure, target, periodic)
            assert [counts.tolist() for counts in recount] == [hits[1:], trials[1:]]
    assert annealer.energy == pytest.approx(naive.energy(structure, curves, periodic), rel=1e-9)


@pytest.mark.parametrize("rule", ["metropolis", "threshold", "deluge"])
@given(cluster_problems(), st.integers(1, 300), st.integers(0, 2**32 - 1), st.sampled_from(MOVES))
def test_a_restored_run_with_clusters_goes_on(rule, problem, proposals, seed, moves):
    labels, curves, periodic = problem
    whole = _core.Annealer(labels, curves, periodic, seed)
    level = whole.energy * (1.1 if rule == "deluge" else 0.02)
    whole.run(proposals, level, moves=moves, rule=rule)
    resumed = _core.Annealer(whole.labels().reshape(labels.shape), curves, periodic, 99)
    resumed.restore(*whole.snapshot())
    for annealer in (whole, resumed):
        annealer.run(200, level, moves=moves, rule=rule)
    assert np.array_equal(whole.labels(), resumed.labels())
    assert whole.energy == resumed.energy
    assert whole.sample_differences(20).tolist() == resumed.sample_differences(20).tolist()


@pytest.mark.parametrize("periodic", [False, True])
def test_annealed_clusters_are_those_of_the_cluster_function(periodic):
    labels = np.random.default_rng(8).choice(2, (12, 13, 14), p=[0.68, 0.32]).astype(np.uint8)
    function = cluster_function(labels, phase=1, max_lag=9, periodic=periodic)
    curves = [
        ("cluster", 1, naive.along(axis, 3), (), function.values[axis, 1:].tolist(), [1.0] * 9)
        for axis in range(3)
    ]
    annealer = _core.Annealer(labels, curves, periodic, 1)
    assert annealer.energy == pytest.approx(0.0, abs=1e-20)
    annealer.run(3000, 1e9)
    structure = annealer.labels().reshape(labels.shape)
    after = cluster_function(structure, phase=1, max_lag=9, periodic=periodic)
    for axis, curve in enumerate(curves):
        hits, trials = _core.count_target(structure, curve, periodic)
        assert annealer.hits(axis).tolist() == hits.tolist() == after.hits[axis, 1:].tolist()
        assert trials.tolist() == after.trials[axis, 1:].tolist()


def test_clusters_twice_along_one_direction_are_refused():
    labels = np.indices((8, 8)).sum(axis=0).astype(np.uint8) % 2
    curve = ("cluster", 1, (1, 0), (), [0.1, 0.2], [1.0, 1.0])
    with pytest.raises(ValueError, match="two targets for the same"):
        _core.Annealer(labels, [curve, curve], True, 0)


@pytest.mark.parametrize("periodic", [False, True])
@pytest.mark.parametrize("phase", [0, 1])
def test_interface_proposals_exchange_only_voxels_with_an_unlike_neighbour(periodic, phase):
    labels = np.zeros((9, 16, 20), np.uint8)
    labels[2:7, 3:14, 5:] = 1
    pad = np.pad(labels, 1, mode="wrap" if periodic else "edge")
    inner = (slice(1, -1),) * 3
    unlike = sum(
        np.roll(pad, shift, axis)[inner] != labels for axis in range(3) for shift in (-1, 1)
    )
    curves = [("two_point", phase, (1, 0, 0), (), [0.1], [1.0])]
    changed = np.zeros(labels.shape, bool)
    for seed in range(400):
        annealer = _core.Annealer(labels, curves, periodic, seed)
        assert annealer.run(1, 1e9, moves="interfaces") == 1
        changed |= annealer.labels().reshape(labels.shape) != labels
    assert not (changed & (unlike == 0)).any()
    assert changed.sum() > 0.3 * (unlike > 0).sum()


@given(problems(), st.integers(1, 300), st.integers(0, 2**32 - 1))
def test_a_restored_run_goes_on_as_if_it_had_not_stopped(problem, proposals, seed):
    labels, curves, periodic = problem
    whole = _core.Annealer(labels, curves, periodic, seed)
    temperature = 0.02 * whole.energy
    whole.run(proposals, temperature)
    resumed = _core.Annealer(whole.labels().reshape(labels.shape), curves, periodic, 99)
    resumed.restore(*whole.snapshot())
    for annealer in (whole, resumed):
        annealer.run(200, temperature)
    assert np.array_equal(whole.labels(), resumed.labels())
    assert whole.energy == resumed.energy
    assert whole.proposed == resumed.proposed


def test_greedy_runs_of_both_annealers_take_the_same_course():
    rng = np.random.default_rng(5)
    target = np.kron(rng.integers(0, 2, (8, 8), np.uint8), np.ones((4, 4), np.uint8))
    curves = []
    for statistic in STATISTICS:
        for axis in (0, 1):
            hits, trials = getattr(naive, statistic)(target, 1, naive.along(axis, 2), 12, True)
            values = np.array(hits[1:]) / np.array(trials[1:])
            curves.append((statistic, 1, naive.along(axis, 2), (), values.tolist(), [1.0] * 12))
    start = rng.permutation(target.ravel()).reshape(target.shape)
    fast = _core.Annealer(start, curves, True, 3)
    textbook = _core.TextbookAnnealer(start, curves, True, 3)
    before = fast.energy
    assert 100 < fast.run(3000, 0.0) == textbook.run(3000, 0.0)
    assert np.array_equal(fast.labels(), textbook.labels())
    assert fast.energy < 0.5 * before


def test_unusable_targets_are_refused():
    labels = np.indices((8, 8)).sum(axis=0).astype(np.uint8) % 2
    good = ("two_point", 1, (1, 0), (), [0.1, 0.2], [1.0, 1.0])
    for bad, message in [
        (("chords", *good[1:]), "no target can be set"),
        (("two_point", 5, *good[2:]), "phase is not in the structure"),
        (("two_point", 1, (0, 2), *good[3:]), "components -1, 0, 1"),
        (("two_point", 1, (1,), *good[3:]), "one component for each axis"),
        ((*good[:4], [0.1] * 8, [1.0] * 8), "fewer lags than the structure"),
        ((*good[:4], [0.1], [1.0, 1.0]), "one weight for each value"),
    ]:
        with pytest.raises(ValueError, match=message):
            _core.Annealer(labels, [bad], True, 0)
    with pytest.raises(ValueError, match="two targets for the same"):
        _core.Annealer(labels, [good, good], True, 0)
    with pytest.raises(ValueError, match="at least two phases"):
        _core.Annealer(np.ones_like(labels), [good], True, 0)


def boltzmann_mean(shape, ones, curves, temperature):
    """The mean energy over every structure of so many voxels of phase 1."""
    energies = []
    for places in itertools.combinations(range(int(np.prod(shape))), ones):
        labels = np.zeros(shape, np.uint8)
        labels.flat[list(places)] = 1
        energies.append(naive.energy(labels, curves, True))
    weights = np.exp(-np.array(energies) / temperature)
    return float(weights @ energies / weights.sum())


def visited_mean(labels, curves, temperature, **moves):
    """The mean energy of the structures that five runs visit."""
    means = []
    for seed in range(5):
        annealer = _core.Annealer(labels, curves, True, seed)
        energies = []
        for _ in range(4000):
            annealer.run(5, temperature, **moves)
            energies.append(annealer.energy)
        means.append(np.mean(energies))
    return float(np.mean(means))


def test_balanced_moves_visit_structures_as_boltzmann_says_and_others_do_not():
    labels = np.zeros((3, 4), np.uint8)
    labels[0] = 1
    curves = [("two_point", 1, step, (), [0.05], [1.0]) for step in ((1, 0), (0, 1))]
    exact = boltzmann_mean(labels.shape, 4, curves, 0.01)
    for moves in MOVES:
        visited = visited_mean(labels, curves, 0.01, moves=moves, balanced=True)
        assert visited == pytest.approx(exact, rel=0.03)
    for moves in MOVES[1:]:
        visited = visited_mean(labels, curves, 0.01, moves=moves, balanced=False)
        assert abs(visited - exact) > 0.05 * exact
