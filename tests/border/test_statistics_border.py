"""What statistics say of arguments that they cannot use."""

import numpy as np
import pytest

import microtwin as mt
from microtwin.errors import DeviceError, InputError

BOARD = np.indices((8, 8)).sum(axis=0) % 2


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.zeros(4), "labels must be 2-D or 3-D, not 1-D"),
        (np.zeros((2, 2, 2, 2)), "labels must be 2-D or 3-D, not 4-D"),
        (np.zeros((0, 5)), r"labels must not be empty; its shape is \(0, 5\)"),
        (np.full((3, 3), np.nan), "labels must be finite"),
        (np.array([[0.0, 0.5]]), "labels must be whole numbers"),
        (np.array([[0, 300]]), r"labels must lie in 0\.\.255, not 0\.\.300"),
        (np.array([[0, -1]]), r"labels must lie in 0\.\.255, not -1\.\.0"),
        (np.array([["a", "b"]]), "labels must hold integers"),
    ],
)
def test_labels_that_are_none(labels, message):
    with pytest.raises(InputError, match=message):
        mt.two_point(labels, phase=1)
    with pytest.raises(ValueError, match=message):
        mt.describe(labels)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"phase": -1}, "phase must be between 0 and 255, not -1"),
        ({"phase": 1.5}, "phase must be an integer, not 1.5"),
        ({"phase": 1, "max_lag": 8}, r"max_lag must be less than the longest side .*8.* not 8"),
        ({"phase": 1, "max_lag": -1}, "max_lag must be at least 0, not -1"),
        ({"phase": 1, "axes": 2}, "each of axes must be between -2 and 1, not 2"),
        ({"phase": 1, "axes": (0, 0)}, "axes must be distinct"),
        ({"phase": 1, "spacing": 0.0}, "spacing must be positive"),
        (
            {"phase": 1, "spacing": (1.0, 1.0, 1.0)},
            "spacing must be one number or 2 numbers, not 3",
        ),
        ({"phase": 1, "threads": 0}, "threads must be between 1 and 1024, not 0"),
        ({"phase": 1, "device": "tpu"}, "device must be one of auto, cpu, cuda; not 'tpu'"),
    ],
)
def test_arguments_that_do_not_fit(arguments, message):
    with pytest.raises(InputError, match=message):
        mt.two_point(BOARD, **arguments)


def test_one_phase_is_no_microstructure():
    with pytest.raises(InputError, match="at least two phases; every voxel has the label 1"):
        mt.describe(np.ones((5, 5)))


def test_a_phase_that_is_absent_is_named():
    with pytest.raises(
        InputError, match=r"phase must be one of the labels present \(0, 1\), not 2"
    ):
        mt.describe(BOARD, phase=2)


def test_images_and_volumes_do_not_mix():
    with pytest.raises(InputError, match="all images or all volumes"):
        mt.describe([BOARD, np.stack([BOARD, BOARD])])


def test_an_empty_list_is_refused():
    with pytest.raises(InputError, match="at least one image or volume"):
        mt.describe([])


def test_a_lag_without_trial_is_nan_along_the_short_axis_only():
    slab = np.random.default_rng(0).integers(0, 2, (4, 30, 30))
    f = mt.two_point(slab, phase=1, max_lag=10)
    assert np.isnan(f.values[0, 4:]).all()
    assert np.isfinite(f.values[1:]).all()
    assert np.isfinite(f.mean).all()
    assert f.mean[10] == pytest.approx(f.values[1:, 10].mean())


def test_cuda_is_not_replaced_silently():
    from microtwin._backend import cuda_device_count

    if cuda_device_count():
        pytest.skip("there is a GPU here")
    with pytest.raises(DeviceError, match='device "cuda" is not available'):
        mt.two_point(BOARD, phase=1, device="cuda")


def test_functions_of_different_kinds_do_not_merge():
    a = mt.two_point(BOARD, phase=1)
    with pytest.raises(InputError, match="same statistic"):
        a + mt.lineal_path(BOARD, phase=1)
    with pytest.raises(InputError, match="same max_lag"):
        a + mt.two_point(BOARD, phase=1, max_lag=2)


@pytest.mark.parametrize("content", ["", "no table", '# {"format": "other"}\n', "\x00\xff"])
def test_a_file_of_something_else_is_named(tmp_path, content):
    path = tmp_path / "wrong.csv"
    path.write_text(content)
    with pytest.raises(InputError, match=r"wrong\.csv is not a statistics file"):
        mt.Description.from_csv(path)


def test_a_cut_table_is_damaged_not_shorter(tmp_path):
    path = mt.describe(BOARD).to_csv(tmp_path / "cut.csv")
    lines = path.read_text().splitlines()
    path.write_text("\n".join(lines[:-3]))
    with pytest.raises(InputError, match="damaged"):
        mt.Description.from_csv(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"cannot read .*none\.json"):
        mt.Description.from_json(tmp_path / "none.json")


def test_plots_carry_units_and_bands():
    samples = [np.random.default_rng(k).integers(0, 2, (20, 20)) for k in range(4)]
    axes = mt.describe(samples, spacing=5e-9).plot()
    assert axes.get_xlabel() == "lag (nm)"
    assert len(axes.collections) == 4  # one band for each function
    assert mt.two_point(BOARD, phase=1).plot().get_xlabel() == "lag (voxels)"
