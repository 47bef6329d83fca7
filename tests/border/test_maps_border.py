"""What maps and surface functions say of arguments that they cannot use, and their files."""

import numpy as np
import pytest

import microtwin as mt
from microtwin.errors import InputError

BOARD = np.indices((12, 9)).sum(axis=0) % 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"phase": -1}, "phase must be between 0 and 255, not -1"),
        ({"phase": (1, 0, 1)}, "phase must be one label or two"),
        ({"phase": 1, "max_lag": 12}, r"max_lag must be less than the longest side \(12 voxels\)"),
        ({"phase": 1, "max_lag": (3, 9)}, "max_lag along axis 1 must be between 0 and 8, not 9"),
        ({"phase": 1, "max_lag": (3,)}, "max_lag must be one integer or 2 integers, not 1"),
        ({"phase": 1, "max_lag": 2.5}, "max_lag must be an integer, not 2.5"),
        ({"phase": 1, "mask": np.ones((3, 3), bool)}, "mask must have the shape of labels"),
        ({"phase": 1, "spacing": 0.0}, "spacing must be positive"),
        ({"phase": 1, "threads": 0}, "threads must be between 1 and 1024, not 0"),
    ],
)
def test_arguments_that_do_not_fit(arguments, message):
    with pytest.raises(InputError, match=message):
        mt.two_point_map(BOARD, **arguments)


@pytest.mark.parametrize("measure", [mt.surface_surface, mt.surface_void])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"directions": "sideways"}, "directions must be one of"),
        ({"directions": "body_diagonals"}, "2-D ones have no body_diagonals"),
        ({"max_lag": 30}, "max_lag must be less than the longest side"),
        ({"spacing": (1e-9, 2e-9)}, "spacing must be the same along every axis"),
        ({"mask": np.zeros(BOARD.shape, bool)}, "labels must have a voxel with all that lies"),
        ({"mask": np.eye(12, 9) > 0}, "labels must have a voxel with all that lies"),
    ],
)
def test_surface_functions_name_what_does_not_fit(measure, arguments, message):
    with pytest.raises(InputError, match=message):
        measure(BOARD, phase=1, **arguments)


def test_a_thin_structure_has_no_known_interface_unless_periodic():
    slab = np.random.default_rng(0).integers(0, 2, (5, 20, 20))
    with pytest.raises(InputError, match="within 3 of it inside"):
        mt.surface_void(slab, phase=1)
    assert np.isfinite(mt.surface_void(slab, phase=1, periodic=True).values).all()


def test_lags_that_reach_the_unknown_rim_have_no_trial():
    labels = np.random.default_rng(0).integers(0, 2, (20, 30))
    f = mt.surface_surface(labels, phase=1, max_lag=29)
    assert (f.trials[0, 14:] == 0).all()
    assert (f.trials[0, :14] > 0).all()
    assert np.isnan(f.values[0, 14:]).all()


@pytest.mark.parametrize("label", [0, 1, 7])
@pytest.mark.parametrize("periodic", [False, True])
def test_a_phase_that_fills_all_or_nothing(label, periodic):
    solid = np.ones((12, 14), int)
    map_ = mt.two_point_map(solid, phase=label, periodic=periodic)
    assert np.array_equal(map_.values, np.full(map_.shape, float(label == 1)))
    f = mt.surface_surface(solid, phase=label, periodic=periodic)
    assert np.nanmax(np.abs(f.values)) == 0


def test_what_does_not_fit_is_nan_where_no_pair_is():
    mask = np.zeros((8, 8), bool)
    mask[2:4, 2:5] = True
    map_ = mt.two_point_map(np.ones((8, 8)), phase=1, mask=mask)
    assert map_.masked
    assert map_.shape == (9, 9)
    assert np.array_equal(np.isfinite(map_.values), map_.trials > 0)
    assert map_.values[4, 4] == 1
    assert np.isnan(map_.values[0, 0])


def test_a_short_side_cuts_the_map_not_the_call():
    slab = np.random.default_rng(0).integers(0, 2, (3, 20, 20))
    map_ = mt.two_point_map(slab, phase=1, max_lag=8)
    assert map_.max_lag == (2, 8, 8)
    assert map_.radial().max_lag == 8
    assert mt.two_point_map(slab, phase=1, max_lag=8, periodic=True).radial().max_lag == 2


def test_radial_averages_need_cubes():
    map_ = mt.two_point_map(BOARD, phase=1, spacing=(1e-9, 2e-9))
    with pytest.raises(InputError, match="a radial average needs the same spacing"):
        map_.radial()


@pytest.mark.parametrize(
    ("vector", "message"),
    [((0, 0), "must not be zero"), ((1,), "must be 2 integers"), (1, "must be 2 integers")],
)
def test_vectors_that_are_none(vector, message):
    with pytest.raises(InputError, match=message):
        mt.two_point_map(BOARD, phase=1).along(vector)


@pytest.mark.parametrize(
    ("phase", "masked", "spacing"),
    [(1, False, None), ((1, 0), False, 5e-9), (1, True, (1e-9, 2e-9)), ((1, 0), True, None)],
)
def test_maps_merge_and_come_back_from_a_file_exactly(tmp_path, phase, masked, spacing):
    rng = np.random.default_rng(0)
    maps = []
    for shape in ((20, 24), (20, 24), (31, 17)):
        mask = rng.random(shape) < 0.8 if masked else None
        labels = rng.integers(0, 2, shape)
        options = {"phase": phase, "max_lag": 8, "mask": mask, "spacing": spacing}
        maps.append(mt.two_point_map(labels, **options))
    merged = maps[0] + maps[1] + maps[2]
    assert merged.samples == 3
    assert np.array_equal(merged.hits, sum(m.hits for m in maps))
    assert np.array_equal(merged.trials, sum(m.trials for m in maps))
    again = mt.CorrelationMap.load(merged.save(tmp_path / "map.npz"))
    for name in merged.__slots__:
        mine, theirs = getattr(merged, name), getattr(again, name)
        assert np.array_equal(mine, theirs) if isinstance(mine, np.ndarray) else mine == theirs
    assert np.array_equal(again.hits, merged.hits)
    assert [p.name for p in tmp_path.iterdir()] == ["map.npz"]


def test_maps_of_different_kinds_do_not_merge():
    a = mt.two_point_map(BOARD, phase=1)
    with pytest.raises(InputError, match="same partner"):
        a + mt.two_point_map(BOARD, phase=(1, 0))
    with pytest.raises(InputError, match="same max_lag"):
        a + mt.two_point_map(BOARD, phase=1, max_lag=2)


def test_files_that_are_no_maps_are_named(tmp_path):
    with pytest.raises(InputError, match=r"path must end in \.npz"):
        mt.two_point_map(BOARD, phase=1).save(tmp_path / "map.csv")
    with pytest.raises(InputError, match=r"cannot read .*none\.npz"):
        mt.CorrelationMap.load(tmp_path / "none.npz")
    (tmp_path / "text.npz").write_text("no archive")
    np.savez(tmp_path / "other.npz", a=1)
    for name in ("text", "other"):
        with pytest.raises(InputError, match=rf"{name}\.npz is not a map of microtwin"):
            mt.CorrelationMap.load(tmp_path / f"{name}.npz")


@pytest.mark.parametrize("shape", [(20, 24), (8, 20, 24)])
def test_plots_carry_units_and_a_colour_bar(shape):
    labels = np.random.default_rng(0).integers(0, 2, shape)
    ax = mt.two_point_map(labels, phase=1, spacing=20e-9).plot()
    assert ax.get_xlabel() == "lag along x (nm)"
    assert ax.get_xlim() == pytest.approx((-250, 250))
    assert len(ax.figure.axes) == 2
    ax = mt.two_point_map(labels, phase=(1, 0)).plot(cmap="gray")
    assert ax.get_ylabel() == "lag along y (voxels)"
    assert "1 with 0" in ax.get_title()
    curve = mt.surface_void(labels, phase=1, directions="radial", periodic=True)
    assert curve.plot().get_ylabel() == "1/voxel"
