"""Annealing as a user calls it."""

import signal
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

import microtwin as mt
from microtwin.errors import CheckpointError, InputError
from microtwin.images import synthetic


def total_squared_error(twin, target):
    """The energy by its definition, from the finished structure and the target alone."""
    total = 0.0
    measured = twin.describe()
    for mine, theirs in zip(measured.functions, target.functions, strict=True):
        values = theirs.values if target.ndim == twin.labels.ndim else theirs.mean[None, :]
        errors = (mine.values - values[:, : mine.max_lag + 1])[:, 1:]
        total += float(np.sum(errors**2))
    return total


def discs(side=128, seed=0):
    return synthetic.overlapping_spheres((side, side), radius=7.0, porosity=0.6, seed=seed)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_128_square_twin_of_discs_has_the_curves_of_both_phases(seed):
    target = mt.describe(discs(seed=seed), max_lag=32, periodic=True)
    twin = mt.anneal(target, shape=(128, 128), seed=seed)
    assert twin.energy <= 1e-5
    assert total_squared_error(twin, target) == pytest.approx(twin.energy, rel=1e-9)
    assert twin.describe().porosity == pytest.approx(target.porosity, abs=1 / 128**2)


def test_a_64_cubed_twin_of_spheres_has_s2_and_l_along_three_axes():
    spheres = synthetic.overlapping_spheres((64,) * 3, radius=6.0, porosity=0.6, seed=1)
    target = mt.describe(spheres, phase=1, max_lag=32, periodic=True)
    twin = mt.anneal(target, shape=(64, 64, 64), seed=0)
    assert twin.energy <= 1e-5
    assert total_squared_error(twin, target) == pytest.approx(twin.energy, rel=1e-9)


def test_a_volume_follows_an_image_along_every_axis():
    target = mt.describe(discs(256), max_lag=12, periodic=True)
    twin = mt.anneal(target, shape=(32, 32, 32), seed=0, tolerance=1e-4)
    assert twin.labels.shape == (32, 32, 32)
    assert twin.energy <= 1e-4
    assert total_squared_error(twin, target) == pytest.approx(twin.energy, rel=1e-9)


def test_axis_targets_make_an_anisotropic_volume_from_an_anisotropic_image():
    long = np.repeat(np.random.default_rng(0).integers(0, 2, (128, 32)), 4, axis=1)
    target = mt.describe(long, phase=1, statistics="two_point", max_lag=8, periodic=True)
    twin = mt.anneal(target, shape=(24, 24, 24), axis_targets=(0, 0, 1), tolerance=1e-4)
    along = twin.describe().two_point.values
    assert along[2, 2] > along[0, 2] + 0.1
    assert np.allclose(along[2, 1:], target.two_point.values[1, 1:9], atol=0.01)


def test_only_the_axes_that_were_measured_or_chosen_are_constrained():
    real = discs()
    across = mt.describe(real, phase=1, max_lag=16, axes=1, periodic=True)
    both = mt.describe(real, phase=1, max_lag=16, periodic=True)
    for target, axes in ((across, None), (both, 1)):
        twin = mt.anneal(target, shape=(96, 96), axes=axes, start="noise", tolerance=1e-4)
        errors = np.abs(twin.describe().two_point.values[-1] - across.two_point.values[0])
        assert errors.max() < 0.01
        free = mt.two_point(twin.labels, phase=1, axes=0, max_lag=16, periodic=True).mean
        assert np.abs(free - both.two_point.values[0]).max() > 0.02


def test_a_weight_of_zero_frees_a_function():
    target = mt.describe(discs(), phase=1, max_lag=16, periodic=True)
    twin = mt.anneal(target, shape=(96, 96), weights={"lineal_path": 0}, tolerance=1e-5)
    s2, path = (
        np.abs(getattr(twin.describe(), name).values - getattr(target, name).values).max()
        for name in ("two_point", "lineal_path")
    )
    assert twin.energy <= 1e-5
    assert s2 < 0.005 < path


def test_the_twin_keeps_the_boundary_convention_of_its_target():
    real = mt.describe(discs(), phase=1, max_lag=16)
    twin = mt.anneal(real, shape=(96, 96), seed=0)
    assert not twin.periodic
    assert total_squared_error(twin, real) == pytest.approx(twin.energy, rel=1e-9)
    assert mt.anneal(real, shape=(32, 32), periodic=True, max_proposals=10).periodic


def test_three_phases_keep_their_fractions():
    grains = synthetic.voronoi((64, 64), cells=60, phases=3, seed=0)
    target = mt.describe(grains, max_lag=16, periodic=True)
    twin = mt.anneal(target, shape=(64, 64), seed=0, tolerance=1e-3)
    assert np.array_equal(np.bincount(twin.labels.ravel()), np.bincount(grains.ravel()))
    assert twin.energy < 0.01 * mt.anneal(target, shape=(64, 64), max_proposals=0).energy
    assert total_squared_error(twin, target) == pytest.approx(twin.energy, rel=1e-9)


def test_proposals_at_interfaces_find_what_others_miss():
    """A real sandstone would do; here, discs that do not wrap, both phases, several seeds."""
    target = mt.describe(discs(256), max_lag=32)
    run = {"shape": (64, 64), "tolerance": 0.0, "max_proposals": 800_000}
    energies = {
        moves: np.median(
            [mt.anneal(target, seed=seed, moves=moves, **run).energy for seed in range(5)]
        )
        for moves in ("anywhere", "auto", "neighbours")
    }
    assert energies["auto"] < 0.5 * energies["anywhere"]
    assert energies["neighbours"] < 0.5 * energies["anywhere"]


def test_a_quench_by_neighbours_needs_fewer_proposals_than_one_anywhere():
    target = mt.describe(discs(128), phase=1, max_lag=32, periodic=True)
    run = {"shape": (128, 128), "tolerance": 1e-4, "start_acceptance": 0.0}
    for seed in range(3):
        anywhere, neighbours = (
            mt.anneal(target, seed=seed, moves=moves, **run) for moves in ("anywhere", "neighbours")
        )
        assert neighbours.stop_reason == anywhere.stop_reason == "energy"
        assert 5 * neighbours.proposals < anywhere.proposals


def test_balanced_moves_anneal_too():
    target = mt.describe(discs(), phase=1, max_lag=16, periodic=True)
    twin = mt.anneal(
        target, shape=(64, 64), seed=0, balanced=True, moves="neighbours", tolerance=1e-4
    )
    assert total_squared_error(twin, target) == pytest.approx(twin.energy, rel=1e-9)
    assert twin.energy <= 1e-4


def test_same_seed_same_twin_and_another_seed_another():
    target = mt.describe(discs(), phase=1, max_lag=16, periodic=True)
    run = {"shape": (48, 48), "max_proposals": 150_000}
    first, again = (mt.anneal(target, seed=7, **run) for _ in range(2))
    assert np.array_equal(first.labels, again.labels)
    assert first.energy == again.energy
    other = mt.anneal(target, seed=8, **run)
    assert not np.array_equal(first.labels, other.labels)


def test_history_and_progress_tell_the_course():
    reports = []
    target = mt.describe(discs(), phase=1, max_lag=16, periodic=True)
    twin = mt.anneal(
        target,
        shape=(64, 64),
        start="noise",
        schedule="geometric",
        reheats=0,
        progress=lambda *report: reports.append(report),
    )
    history = twin.history
    assert np.all(np.diff(history.proposals) > 0)
    assert history.proposals[-1] == twin.proposals
    assert history[-1] == history.energies[-1] == twin.energy
    assert np.array_equal(np.asarray(history), history.energies)
    assert np.all(np.diff(history.temperatures) < 0)
    assert 0 < twin.accepted < twin.proposals
    assert reports[-1][:2] == (1.0, 1.0)
    assert reports[-1][2]["energy"] == twin.energy
    assert all(0 <= done <= 1 for done, _, _ in reports)
    assert len(history.to_dataframe()) == len(history)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"tolerance": 1.0}, "energy"),
        ({"max_proposals": 1000}, "proposals"),
        ({"max_proposals": 0}, "proposals"),
        ({"max_seconds": 0.0}, "time"),
        ({"tolerance": 0.0}, "stall"),
    ],
)
def test_a_run_says_why_it_stopped(options, reason):
    target = mt.describe(discs(64), phase=1, max_lag=16, periodic=True)
    twin = mt.anneal(target, shape=(32, 32), **options)
    assert twin.stop_reason == reason
    assert twin.proposals == options.get("max_proposals", twin.proposals)


def test_a_given_start_is_refined_not_replaced():
    real = discs()
    target = mt.describe(real, phase=1, max_lag=16, periodic=True)
    spoilt = real.copy()
    block = spoilt[40:64, 40:64]
    block[...] = np.random.default_rng(0).permutation(block.ravel()).reshape(block.shape)
    run = {"shape": real.shape, "start": spoilt, "start_acceptance": 0}
    twin = mt.anneal(target, max_proposals=50_000, **run)
    assert twin.energy < 0.5 * mt.anneal(target, max_proposals=0, **run).energy
    assert (twin.labels != spoilt).mean() < 0.05


@pytest.mark.parametrize("stop", [123_457, 2_300_001])  # before and after interfaces are preferred
def test_an_interrupted_run_resumes_to_the_same_twin(tmp_path, stop):
    target = mt.describe(discs(), phase=1, max_lag=16, periodic=True)
    run = {"shape": (64, 64), "seed": 3, "tolerance": 0.0}
    whole = mt.anneal(target, max_proposals=2_600_000, **run)
    assert whole.history.acceptances[:34].min() < 0.01 < whole.history.acceptances[0]
    file = tmp_path / "run.npz"
    mt.anneal(target, max_proposals=stop, checkpoint=file, **run)
    resumed = mt.anneal(target, max_proposals=2_600_000, checkpoint=file, resume=True, **run)
    assert np.array_equal(whole.labels, resumed.labels)
    assert np.array_equal(whole.history.acceptances, resumed.history.acceptances)
    assert whole.energy == resumed.energy
    assert whole.accepted == resumed.accepted


@pytest.mark.parametrize(
    "options", ["shape=(256, 256), schedule='geometric', cooling=0.99", "shape=(144, 144, 144)"]
)
def test_ctrl_c_saves_the_run(tmp_path, options):
    """In the middle of cooling, and of blocks."""
    script = f"""
import signal
import numpy as np, microtwin as mt
signal.signal(signal.SIGINT, signal.default_int_handler)  # jobs in the background ignore it
coarse = np.random.default_rng(0).integers(0, 2, (16, 16))
target = mt.describe(np.kron(coarse, np.ones((8, 8))), max_lag=32)
mt.anneal(
    target, {options}, tolerance=0.0, checkpoint={str(tmp_path / "run.npz")!r},
    progress=lambda *_: print("going", flush=True),
)
"""
    child = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert child.stdout is not None
    assert child.stdout.readline() == b"going\n"
    child.send_signal(signal.SIGINT)
    _, stderr = child.communicate(timeout=60)
    assert b"KeyboardInterrupt" in stderr
    assert (tmp_path / "run.npz").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["run.npz"]  # nothing half-written


def test_a_checkpoint_of_another_run_is_refused(tmp_path):
    target = mt.describe(discs(), phase=1, max_lag=16, periodic=True)
    file = tmp_path / "run.npz"
    mt.anneal(target, shape=(32, 32), seed=0, max_proposals=100, checkpoint=file)
    with pytest.raises(CheckpointError, match="other settings"):
        mt.anneal(target, shape=(32, 32), seed=1, checkpoint=file, resume=True)
    file.write_bytes(b"not a checkpoint")
    with pytest.raises(CheckpointError, match="damaged or is no annealing checkpoint"):
        mt.anneal(target, shape=(32, 32), seed=0, checkpoint=file, resume=True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shape": (32,)}, "shape must have two or three sides, not 1"),
        ({"shape": (1625, 1625, 1625)}, "shape must have fewer than 2\\^32 voxels"),
        ({"shape": (32, 0)}, "each side in shape must be at least 1, not 0"),
        ({"shape": 32}, "shape must be two or three integers, not 32"),
        ({"shape": (1, 1)}, "fits half a side of shape"),
        ({"shape": (32, 32), "seed": -1}, "seed must be between 0 and"),
        ({"shape": (32, 32), "max_lag": 0}, "max_lag must be at least 1, not 0"),
        ({"shape": (32, 32), "axis_targets": (0,)}, "axis_targets must have one entry"),
        ({"shape": (32, 32), "axis_targets": (0, 2)}, "each of axis_targets must be between"),
        ({"shape": (32, 32), "axes": 2}, "each of axes must be between"),
        ({"shape": (32, 32), "weights": {"chords": 1}}, "weights must be of functions in target"),
        ({"shape": (32, 32), "weights": {"two_point": -1}}, "weight of two_point must be at least"),
        ({"shape": (32, 32), "tolerance": -1}, "tolerance must be at least 0, not -1"),
        ({"shape": (32, 32), "start_acceptance": 1.5}, "start_acceptance must be between"),
        ({"shape": (32, 32), "start": np.zeros((32, 32))}, "start must be given to hold every"),
        ({"shape": (32, 32), "start": np.zeros((8, 8))}, r"start must have the shape \(32, 32\)"),
        ({"shape": (32, 32), "resume": True}, "checkpoint must name a file"),
    ],
)
def test_arguments_that_do_not_fit(options, message):
    target = mt.describe(discs(64), phase=1, max_lag=8)
    with pytest.raises(InputError, match=message):
        mt.anneal(target, **options)


def test_phase_retrieval_gets_s2_right_between_the_axes_too():
    for seed in range(3):
        real = synthetic.gaussian_field((96, 96), correlation_length=3, fraction=0.4, seed=seed)
        target = mt.describe(real, phase=1, max_lag=24, periodic=True)
        run = {"shape": (96, 96), "seed": seed, "tolerance": 1e-5, "map_radius": 0}
        noise = mt.anneal(target, start="noise", **run)
        start = mt.two_point_map(real, phase=1, periodic=True)
        twin = mt.anneal(target, start=start, **run)
        assert twin.stop_reason == noise.stop_reason == "energy"
        assert total_squared_error(twin, target) == pytest.approx(twin.energy, rel=1e-9)
        assert twin.labels.sum() == np.asarray(real).sum()
        assert twin.map_error(real) < 0.5 * noise.map_error(real)
        assert (twin.labels != real).mean() > 0.05  # a twin, not the original


def test_a_sample_is_refined_in_its_own_shape_and_fractions():
    """What begins near the target needs fewer exchanges than noise."""
    real = synthetic.gaussian_field((64, 64), correlation_length=3, fraction=0.4, seed=0)
    target = mt.describe(real, phase=1, max_lag=16, periodic=True)
    labels = synthetic.gaussian_field((64, 64), correlation_length=3, fraction=0.4, seed=1)
    sample = SimpleNamespace(labels=labels)
    run = {"seed": 0, "tolerance": 1e-4, "map_radius": 0}
    refined = mt.anneal(target, start=sample, **run)
    noise = mt.anneal(target, shape=(64, 64), start="noise", **run)
    assert refined.stop_reason == noise.stop_reason == "energy"
    assert refined.labels.sum() == sample.labels.sum()
    assert refined.accepted < noise.accepted
    assert (refined.labels != sample.labels).mean() < (noise.labels != sample.labels).mean()
    with pytest.raises(InputError, match="shape must be given, unless start is a structure"):
        mt.anneal(target)


def test_the_map_error_of_a_structure_moved_round_is_zero():
    real = synthetic.gaussian_field((64, 64), correlation_length=3, fraction=0.4, seed=0)
    target = mt.describe(real, phase=1, max_lag=8, periodic=True)
    moved = mt.anneal(target, shape=(64, 64), start=np.roll(real, 5, 0), max_proposals=0)
    assert moved.map_error(real) == 0.0
    noise = mt.anneal(target, shape=(64, 64), max_proposals=0)
    expected = mt.two_point_map(real, phase=1, max_lag=16, periodic=True).values
    found = mt.two_point_map(noise.labels, phase=1, max_lag=16, periodic=True).values
    y, x = np.mgrid[-16:17, -16:17]
    inside = x**2 + y**2 <= 16**2
    assert noise.map_error(real) == pytest.approx(np.sqrt(np.mean((expected - found)[inside] ** 2)))


def test_phase_retrieval_from_the_curves_along_the_axes_is_nearer_than_noise():
    real = synthetic.gaussian_field((64, 64), correlation_length=3, fraction=0.4, seed=0)
    target = mt.describe(real, phase=1, max_lag=32, periodic=True)
    start, noise = (
        mt.anneal(target, shape=(64, 64), start=start, max_proposals=0)
        for start in ("phase_retrieval", "noise")
    )
    assert start.energy < 0.1 * noise.energy


@pytest.mark.parametrize(
    ("start", "message"),
    [
        ("fourier", "start must be one of auto, noise, phase_retrieval, gaussian"),
        (mt.two_point_map(np.eye(9, dtype=int), phase=2), r"one of the phases \[0, 1\]"),
        (mt.two_point_map(np.eye(9, dtype=int), phase=(0, 1)), r"one of the phases \[0, 1\]"),
        (mt.two_point_map(np.ones((4, 4, 4), int), phase=1), "a map of 2-D structures"),
    ],
)
def test_starts_that_do_not_fit_are_refused(start, message):
    target = mt.describe(discs(), phase=1, max_lag=16, periodic=True)
    with pytest.raises(InputError, match=message):
        mt.anneal(target, shape=(48, 48), start=start)


def test_phase_retrieval_is_for_two_phases():
    grains = synthetic.voronoi((64, 64), cells=60, phases=3, seed=0)
    with pytest.raises(InputError, match="for two phases only; target has 3"):
        mt.anneal(mt.describe(grains, max_lag=8), shape=(32, 32), start="phase_retrieval")


@pytest.mark.parametrize(
    "how",
    [
        {"directions": ["axes", "face_diagonals", "radial"]},
        {"axes": 1},
        {"statistics": "all", "directions": "all"},
    ],
    ids=str,
)
def test_describing_a_twin_as_its_target_was_gives_back_its_energy(how):
    target = mt.describe(discs(), max_lag=8, **how)
    twin = mt.anneal(target, shape=(32, 32), max_proposals=2000)
    total = 0.0
    for curve in twin.describe().functions:
        if curve.statistic in ("two_point", "lineal_path", "chord_length", "cluster"):
            wanted = target.counterpart(curve).values
            lags = slice(1, min(curve.values.shape[1], wanted.shape[1], twin.max_lag + 1))
            total += float(np.nansum((curve.values[:, lags] - wanted[:, lags]) ** 2))
    assert total == pytest.approx(twin.energy, rel=1e-9)


def test_surface_functions_leave_out_their_radial_average():
    """The radial curve that annealing knows is that of S2."""
    real = mt.describe(discs(), phase=1, statistics="all", directions="all", max_lag=8)
    settings = {"shape": (32, 32), "functions": "surface_void", "max_proposals": 5000}
    along = mt.describe(
        discs(), phase=1, statistics="all", directions=["axes", "face_diagonals"], max_lag=8
    )
    one, other = (mt.anneal(target, **settings) for target in (real, along))
    assert np.array_equal(one.labels, other.labels)
    both = mt.anneal(real, **{**settings, "functions": ["surface_void", "surface_surface"]})
    assert both.energy > 0


def test_the_map_error_of_a_thin_structure_goes_as_far_as_fits():
    real = discs(64)
    twin = mt.anneal(mt.describe(real, max_lag=8), shape=(9, 64), max_proposals=1000)
    assert twin.map_error() == twin.map_error(radius=4) > 0
    with pytest.raises(InputError, match="radius must be less than half of every side"):
        twin.map_error(radius=5)


def test_levels_go_on_after_a_time_limit(tmp_path):
    target = mt.describe(discs(64), phase=1, max_lag=16)
    settings = {"shape": (64, 64), "levels": 2, "checkpoint": tmp_path / "run.npz"}
    assert mt.anneal(target, max_seconds=0, **settings).stop_reason == "time"
    resumed = mt.anneal(target, max_proposals=50_000, resume=True, **settings)
    whole = mt.anneal(target, max_proposals=50_000, shape=(64, 64), levels=2)
    assert np.array_equal(resumed.labels, whole.labels)


def test_a_lineal_path_alone_can_be_annealed_to():
    target = mt.target_from_curves({"lineal_path": 0.5 ** (np.arange(9) + 1.0)})
    twin = mt.anneal(target, shape=(64, 64), max_proposals=20_000)
    assert twin.energy < 1e-2


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ({"fixed": "slice.png"}, "fixed must be labels"),
        ({"fixed": [[1, 0], [1]]}, "fixed must be an array"),
        ({"functions": 3}, "functions must be names"),
        ({"weights": [1.0, 2.0]}, "weights must be a mapping"),
        ({"axis_targets": 0}, "axis_targets must have one entry"),
    ],
    ids=str,
)
def test_arguments_of_a_wrong_kind_are_refused(argument, message):
    target = mt.describe(discs(64), max_lag=8)
    with pytest.raises(InputError, match=message):
        mt.anneal(target, shape=(32, 32), **argument)
