"""One description of all statistics: consistent with the functions, for every kind of voxel."""

import numpy as np
import pytest

import microtwin as mt
from microtwin.errors import InputError
from microtwin.images import synthetic
from microtwin.statistics._kinds import KINDS
from microtwin.statistics._registry import CURVES

FIELD = synthetic.gaussian_field((48, 40), correlation_length=3, fraction=0.4, seed=0)


def test_each_curve_of_a_description_is_what_its_function_gives():
    real = mt.describe(FIELD, phase=1, statistics="all", directions="all", max_lag=12)
    measures = {
        "two_point": mt.two_point,
        "lineal_path": mt.lineal_path,
        "cluster": mt.cluster_function,
        "surface_void": mt.surface_void,
        "surface_surface": mt.surface_surface,
    }
    seen = set()
    for f in real.functions:
        if f.statistic in measures:
            alone = measures[f.statistic](FIELD, phase=1, max_lag=12, directions=f.directions)
            assert np.allclose(f.hits, alone.hits, rtol=1e-12, atol=1e-9)
            assert np.array_equal(f.trials, alone.trials)
            seen.add((f.statistic, f.directions))
    assert ("surface_void", "radial") in seen
    assert ("cluster", "face_diagonals") in seen


def test_descriptions_of_everything_merge_and_come_back_from_files(tmp_path):
    samples = [FIELD, np.flipud(FIELD), FIELD.T[:40, :40]]
    real = mt.describe(samples, phase=1, statistics="all", max_lag=8)
    assert real.samples == 3
    assert real.numbers_of("minkowski").samples == 3
    for path in (tmp_path / "all.csv", tmp_path / "all.json"):
        (real.to_csv if path.suffix == ".csv" else real.to_json)(path)
        read = mt.Description.from_csv if path.suffix == ".csv" else mt.Description.from_json
        assert read(path).to_record() == real.to_record()
    assert sum([mt.describe(s, phase=1, max_lag=8) for s in samples]).samples == 3


def test_all_is_all_that_there_is_for_voxels_that_are_no_cubes():
    flat = mt.describe(
        FIELD, phase=1, statistics="all", directions="all", spacing=(2e-9, 1e-9), max_lag=8
    )
    assert "cluster" in flat.statistics
    assert "pore_size" not in flat.statistics
    assert {f.directions for f in flat.functions} == {"axes", "face_diagonals"}
    with pytest.raises(InputError, match="pore_size: spacing must be the same along all axes"):
        mt.describe(FIELD, phase=1, statistics="pore_size", spacing=(2e-9, 1e-9))


def test_an_error_names_the_statistic_and_the_sample():
    with pytest.raises(InputError, match="surface of sample 2: labels must have a voxel"):
        mt.describe([FIELD, FIELD[:5, :5]], statistics="surface_void", max_lag=2)
    with pytest.raises(InputError, match="lineal_path has no such average"):
        mt.describe(FIELD, statistics="lineal_path", directions="radial")


def test_curves_drawn_together_share_one_unit():
    """Diagonals of 48 voxels of 20 nm pass a micrometre, and the axes do not."""
    real = mt.describe(FIELD, phase=1, directions="all", spacing=2e-8, max_lag=39)
    ax = real.plot()
    assert ax.get_xlabel() == "lag (µm)"
    ends = sorted({round(float(line.get_xdata()[-1]), 3) for line in ax.lines[:1] + ax.lines[2:3]})
    assert ends == [0.78, round(0.78 * 2**0.5, 3)]
    uneven = mt.describe(FIELD, phase=1, directions="all", spacing=(2e-8, 1e-8), max_lag=9)
    assert uneven.plot().get_xlabel() == "lag (voxels)"


def test_a_description_says_what_it_is_in_a_line():
    text = repr(mt.describe(FIELD, spacing=1e-9))
    assert len(text) < 300
    assert "shape=(48, 40)" in text


def test_every_statistic_has_an_attribute_of_its_name_and_every_curve_a_way_to_be_drawn():
    real = mt.describe(FIELD, phase=1, statistics="all", max_lag=4)
    for name in mt.statistics.STATISTICS:
        assert getattr(real, name).statistic == name
    assert set(CURVES) <= set(KINDS)
