"""Targets from curves that were never measured."""

import numpy as np
import pytest

import microtwin as mt
from microtwin.annealing._formulas import evaluate
from microtwin.errors import InputError
from microtwin.images import synthetic

DEBYE = "f**2 + f*(1-f)*exp(-r/4)"


def debye(r):
    return 0.16 + 0.24 * np.exp(-r / 4)


def test_formula_function_and_values_are_one_target():
    lags = np.arange(21.0)
    targets = [
        mt.target_from_curves({"two_point": curve}, fraction=fraction, max_lag=max_lag)
        for curve, fraction, max_lag in (
            (DEBYE, 0.4, 20),
            (debye, None, 20),
            (debye(lags), None, None),
            (debye(lags).tolist(), 0.4, 20),
            ([debye, DEBYE], 0.4, 20),
        )
    ]
    for target in targets:
        assert target.porosity == 0.4
        assert target.max_lag == 20
        assert np.allclose(target.two_point.values, debye(lags), atol=1e-15)
        slope = 0.24 * (1 - np.exp(-1 / 4))
        assert target.specific_surface == pytest.approx(np.pi * slope)


@pytest.mark.parametrize("seed", [0, 1])
def test_annealing_makes_a_debye_medium(seed):
    target = mt.target_from_curves({"two_point": DEBYE}, fraction=0.4, max_lag=24)
    twin = mt.anneal(target, shape=(96, 96), seed=seed, tolerance=1e-5)
    assert twin.stop_reason == "energy"
    assert twin.periodic
    assert twin.labels.mean() == pytest.approx(0.4, abs=1e-4)
    assert np.abs(twin.describe().two_point.values - debye(np.arange(25.0))).max() < 0.004


def test_curves_of_axes_make_an_anisotropic_structure():
    target = mt.target_from_curves({"two_point": [DEBYE, "f**2+f*(1-f)*exp(-r/2)"]}, fraction=0.4,
                                   max_lag=16)  # fmt: skip
    twin = mt.anneal(target, shape=(64, 64), tolerance=1e-4)
    along = twin.describe().two_point.values
    assert along[0, 2] > along[1, 2] + 0.04


def test_an_isotropic_target_makes_a_volume_and_any_label():
    target = mt.target_from_curves(
        {"two_point": DEBYE, "lineal_path": "f*exp(-r*0.4)"}, fraction=0.4, max_lag=8, phase=0
    )
    twin = mt.anneal(target, shape=(20, 20, 20), max_proposals=1000)
    assert (twin.labels == 0).mean() == pytest.approx(0.4)
    assert set(np.unique(twin.labels)) == {0, 1}


def test_measured_curves_go_through_a_table_and_back(tmp_path):
    real = mt.describe(synthetic.overlapping_spheres((64, 64), radius=4, porosity=0.6, seed=0),
                       phase=1, max_lag=12, periodic=True)  # fmt: skip
    rows = np.column_stack([np.arange(13), *real.two_point.values, *real.lineal_path.values])
    path = tmp_path / "real.csv"
    names = "lag,two_point_0,two_point_1,lineal_path_0,lineal_path_1"
    np.savetxt(path, rows, delimiter=",", header=names, comments="")
    target = mt.target_from_curves(path)
    assert np.allclose(target.two_point.values, real.two_point.values)
    assert np.allclose(target.lineal_path.values, real.lineal_path.values)
    assert target.porosity == pytest.approx(real.porosity)
    copy = mt.Description.from_csv(target.to_csv(tmp_path / "target.csv"))
    assert np.array_equal(copy.two_point.values, target.two_point.values)
    assert copy.voxels == target.voxels


def test_a_table_by_hand_is_filled_between_its_rows(tmp_path):
    path = tmp_path / "hand.csv"
    path.write_text(
        "\ufeff# by hand\nlag; two_point;lineal_path\n0;0.5;0.5\n\n2;0.4;0.1\n2.5;;0.05\n4;0.3;\n",
        encoding="utf-8",
    )
    curves = mt.annealing.read_curves(path)
    assert np.allclose(curves["two_point"], [0.5, 0.45, 0.4, 0.35, 0.3])
    assert np.allclose(curves["lineal_path"], [0.5, 0.3, 0.1])
    assert mt.target_from_curves(path).max_lag == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lag,two_point\n0,x\n", "two_point on line 2 .* must be a number, not 'x'"),
        ("lag,two_point\n0,0.4,1\n", "line 2 of .* must have 2 cells, not 3"),
        ("lag,two_point\n1,0.4\n", "lags that begin at 0 and rise"),
        ("lag,two_point\n0,0.4\n2,.3\n2,.2\n", "lags that begin at 0 and rise"),
        ("lag,two_point\n0,\n1,0.3\n", "must have a value at lag 0"),
        ("r,s2\n0,0.4\n", "must be lag, two_point, lineal_path, or one of an axis .* not 'r'"),
        ("lag,two_point,two_point_0\n0,0.4,0.4\n", "two_point alone, or two_point_0"),
        ("lag,two_point_0\n0,0.4\n", "two_point alone, or two_point_0"),
        ("lag\n0\n", "one column lag and others"),
        ("statistic,phase\n0,0\n", "read it with Description.from_csv"),
        ("lag,two_point\n", "a header and at least one row"),
    ],
)
def test_tables_that_do_not_fit(text, message, tmp_path):
    path = tmp_path / "table.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        mt.read_curves(path)


def test_a_table_that_is_not_there():
    with pytest.raises(InputError, match=r"cannot read nowhere\.csv"):
        mt.target_from_curves("nowhere.csv")


def test_a_curve_without_a_value_at_zero_takes_the_fraction():
    oscillating = "f**2 + f*(1-f)*exp(-r/6)*sin(r)/r"
    target = mt.target_from_curves({"two_point": oscillating}, fraction=0.3, max_lag=10)
    assert target.two_point.mean[0] == 0.3
    with pytest.raises(InputError, match="at lag 0 it is nan; give fraction"):
        mt.target_from_curves({"two_point": "0.09 + 0.21*sin(r)/r"}, max_lag=10)


def test_formulas_compute():
    r = np.arange(5.0)
    names = {"r": r, "f": 0.25}
    assert np.allclose(
        evaluate("where(r < 3, maximum(f, -r) + 2e-1**2, cos(pi*r)/2)", names, name="it"),
        [0.29, 0.29, 0.29, -0.5, 0.5],
    )
    assert evaluate(" -log(sqrt(f)) ", names, name="it") == pytest.approx(np.log(2))
    assert np.isinf(evaluate("9**9**9**9", names, name="it"))


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("__import__('os')", "__import__.* is not known; the functions are exp, log"),
        ("f*(1-g)", "g is not known; there are pi, r, f"),
        ("r.real", "r.real is not allowed"),
        ("r[0]", r"r\[0\] is not allowed"),
        ("f^2", r"f \^ 2 is no power; write \*\*"),
        ("exp(r, f)", "must have 1 arguments"),
        ("'a'", "'a' is not allowed"),
        ("True", "True is not allowed"),
        ("(lambda: 1)()", "is not known"),
        ("exp(", "must be a formula, not 'exp\\('"),
        ("-" * 9000 + "1", "must be a formula"),
        ("r // 2", "r // 2 is not allowed"),
        ("exp(x=r)", "is not known"),
    ],
)
def test_formulas_that_are_none(formula, message):
    with pytest.raises(InputError, match=message):
        evaluate(formula, {"r": 1.0, "f": 0.5}, name="two_point of curves")


@pytest.mark.parametrize(
    ("curves", "options", "message"),
    [
        ({"two_point": DEBYE}, {"fraction": 0.4}, "max_lag must be given"),
        ({"two_point": DEBYE}, {"max_lag": 4}, "f is not known"),
        ({"cluster": DEBYE}, {"max_lag": 4}, "each of curves must be one of two_point"),
        ({}, {}, "must be a mapping"),
        ({"two_point": [0.4, 0.3]}, {"fraction": 0.5}, "fraction 0.5 at lag 0, not 0.4"),
        ({"two_point": [0.4, 0.5]}, {}, "between 0 and its value at lag 0; at lag 1 it is not"),
        ({"two_point": [0.4, 0.2, -0.1]}, {}, "between 0 and .* at lag 2"),
        ({"two_point": [0.9, 0.8, 0.7]}, {}, "at least 2 φ - 1; at lag 2"),
        ({"lineal_path": [0.4, 0.2, 0.3]}, {}, "lineal_path .* never rising; at lag 2"),
        (
            {"two_point": [0.4, 0.2], "lineal_path": [0.4, 0.3]},
            {},
            "lineal_path of curves must be nowhere above two_point; at lag 1",
        ),
        ({"two_point": [0.4, np.nan]}, {}, "must be finite; at lag 1 it is nan"),
        ({"two_point": [0.4, 0.3]}, {"max_lag": 5}, "must have 6 values"),
        ({"two_point": [debye] * 3}, {"max_lag": 5, "ndim": 2}, "one for all axes or 2, .* not 3"),
        ({"two_point": [1.0, 1.0]}, {}, "fraction must be between 0 and 1, both excluded, not 1"),
        ({"two_point": [0.4]}, {}, "values at lag 0 and 1 at least"),
    ],
)  # fmt: skip
def test_curves_that_no_structure_has_are_refused(curves, options, message):
    with pytest.raises(InputError, match=message):
        mt.target_from_curves(curves, **options)
