"""Comparisons of structures whose correlation functions are known by hand."""

import numpy as np
import pytest

from microtwin import anneal, describe, effective_conductivity
from microtwin.comparison import Comparison, compare
from microtwin.errors import InputError
from microtwin.images.synthetic import checkerboard, overlapping_spheres, stripes

BOARD = checkerboard((16, 16), cell=1)
STRIPES = stripes((16, 16), width=2, axis=1)
# Mean of both axes, lags 0..4, periodic: boards alternate, stripes are 1/2 along themselves and
# 1/2, 1/4, 0, 1/4, 1/2 across.
BOARD_S2 = np.array([0.5, 0.0, 0.5, 0.0, 0.5])
STRIPES_S2 = np.array([0.5, 0.375, 0.25, 0.375, 0.5])
APART = np.abs(BOARD_S2 - STRIPES_S2)


def compared(method, reference, **options):
    options = {"max_lag": 4, "periodic": True} | options
    return compare({"made": method}, reference=reference, **options)


def two_point(comparison, phase=1):
    return next(
        d for d in comparison["made"].differences if (d.statistic, d.phase) == ("two_point", phase)
    )


def noise(count, shape=(32, 32), fraction=0.5, seed=0):
    rng = np.random.default_rng(seed)
    return list((rng.random((count, *shape)) < fraction).astype(np.uint8))


def test_the_same_samples_differ_by_nothing_and_lie_in_the_band():
    real = noise(8)
    result = compare({"made": real}, reference=real, max_lag=8)
    for d in result["made"].differences:
        assert (d.rms, d.largest, d.rms_in_spreads, d.rms_in_errors, d.inside) == (0, 0, 0, 0, 1)
    assert result["made"].variety(result.reference) == pytest.approx(1)
    assert "means agree within chance" in result.verdict("made")


def test_differences_of_stripes_from_a_board_are_those_of_their_closed_forms():
    d = two_point(compared(STRIPES, BOARD))
    assert d.rms == pytest.approx(np.sqrt(np.mean(APART**2)))
    assert d.largest == pytest.approx(0.375)


def test_a_difference_is_counted_in_spreads_and_in_standard_errors_of_the_reference():
    # Two reference samples that are a apart have a standard deviation of a / √2, and each is a / 2
    # from their mean, whose standard error is a / 2.
    d = two_point(compared(STRIPES, [BOARD, STRIPES]))
    assert d.rms == pytest.approx(np.sqrt(np.mean(APART**2)) / 2)
    assert d.rms_in_spreads == pytest.approx(1 / np.sqrt(2))
    assert d.largest_in_spreads == pytest.approx(1 / np.sqrt(2))
    assert d.rms_in_errors == pytest.approx(1 / np.sqrt(3))  # errors of both means: a²/4 + a²/2
    assert d.inside == 1


def test_the_error_of_a_mean_falls_with_the_samples_it_stands_for():
    d = two_point(compared([STRIPES] * 3, [BOARD, STRIPES]))
    assert d.rms_in_errors == pytest.approx(1 / np.sqrt(2) / np.sqrt(1 / 2 + 1 / 3))


def test_annealed_twins_stand_for_the_samples_that_they_were_annealed_to():
    target = describe([STRIPES] * 50, phase=(1, 0), max_lag=4, periodic=True)
    twin = anneal(target, shape=(16, 16), start=STRIPES, max_proposals=0)
    d = two_point(compared(twin, [BOARD, STRIPES]))
    assert d.rms_in_errors == pytest.approx(1 / np.sqrt(2) / np.sqrt(1 / 2 + 1 / 50))


def test_a_curve_outside_the_band_is_counted_lag_by_lag():
    # The reference knows only that S2 of a board is 0 at odd lags: no spread, so nothing else fits.
    d = two_point(compared(STRIPES, [BOARD, BOARD]))
    assert d.inside == pytest.approx(2 / 5)  # lags 0 and 4 agree
    assert d.rms_in_spreads is None


def test_a_single_reference_sample_has_no_band():
    result = compared(STRIPES, BOARD)
    d = two_point(result)
    assert d.inside is d.rms_in_spreads is d.rms_in_errors is None
    assert result["made"].inside is None
    assert "single real sample" in result.verdict("made")


def test_more_samples_of_another_material_differ_measurably():
    result = compare({"made": noise(12, fraction=0.54, seed=1)}, reference=noise(12), max_lag=8)
    assert result["made"].rms_in_errors > 4
    assert "agree" not in result.verdict("made")


def test_samples_that_are_all_alike_are_said_to_vary_too_little():
    real = noise(8)
    result = compare({"made": [real[0]] * 4}, reference=real, max_lag=8)
    assert result["made"].variety(result.reference) == pytest.approx(0)
    assert "vary less" in result.verdict("made")


def test_a_smaller_volume_is_compared_over_the_lags_it_has():
    volume = overlapping_spheres((12, 12, 12), radius=3, porosity=0.5, seed=0)
    result = compare({"made": volume}, reference=noise(4))
    assert result["made"].description.max_lag == 6
    assert result.reference.description.max_lag == 16


def test_a_volume_has_the_specific_surface_that_its_sections_show():
    volume = overlapping_spheres((96, 96, 96), radius=6, porosity=0.5, seed=0)
    result = compare({"made": volume}, reference=list(volume[::8]), max_lag=8)
    surfaces = [result.surface(member) for member in result.members]
    assert surfaces[1] == pytest.approx(surfaces[0], rel=0.05)


def test_an_annealed_twin_brings_its_energy_and_a_warning_of_what_it_was_made_for():
    real = describe(STRIPES, phase=(1, 0), max_lag=4, periodic=True)
    twins = [anneal(real, shape=(16, 16), seed=s, max_proposals=2000) for s in (3, 4)]
    result = compared(twins, STRIPES)
    member = result["made"]
    assert member.kind == "annealing"
    assert member.seeds == (3, 4)
    assert [t.energy for t in member.twins] == [t.energy for t in twins]
    assert member.seconds == pytest.approx(sum(t.seconds for t in twins))
    assert "optimised for just these curves" in result.verdict("made")


MORE = (
    "cluster", "chord_length", "pore_size", "local_thickness", "surface_void", "surface_surface",
)  # fmt: skip


def test_all_curves_can_be_compared():
    real = noise(5, (24, 24))
    same = compare({"made": real}, reference=real, statistics=MORE, max_lag=8)
    assert [d.statistic for d in same["made"].differences] == [
        name for _ in range(2) for name in ("two_point", *MORE)
    ]
    assert all(d.rms == 0 for d in same["made"].differences)
    other = compare({"made": [STRIPES, BOARD]}, reference=real, statistics=MORE, max_lag=8)
    assert all(d.rms > 0 for d in other["made"].differences if d.statistic != "local_thickness")


def test_what_twins_were_not_annealed_to_is_told_apart():
    real = noise(6, (24, 24))
    twin = anneal(describe(real, max_lag=8), shape=(24, 24), seed=0, max_proposals=2000)
    result = compare({"made": twin}, reference=real, statistics=("two_point", "cluster"), max_lag=8)
    asked = {d.statistic: d.asked for d in result["made"].differences}
    assert asked == {"two_point": True, "cluster": False}
    assert "Not annealed to: C₂, in the band at" in result.verdict("made")
    drawn = compare({"made": real}, reference=real, max_lag=8)
    assert not any(d.asked for d in drawn["made"].differences)


def test_curves_that_sections_do_not_share_with_volumes_are_refused_across_dimensions():
    volume = overlapping_spheres((12, 12, 12), radius=3, porosity=0.5, seed=0)
    with pytest.raises(InputError, match="cluster of sections is another thing"):
        compare({"made": volume}, reference=noise(4), statistics="cluster")
    compare({"made": volume}, reference=noise(4), statistics="chord_length")


def test_statistics_must_be_curves_that_the_reference_has():
    real = noise(4)
    with pytest.raises(InputError, match="statistics must be"):
        compare({"made": real}, reference=real, statistics="minkowski")
    with pytest.raises(InputError, match="which lacks cluster"):
        compare({"made": real}, reference=describe(real, max_lag=8), statistics="cluster")
    fewer = compare({"made": real}, reference=describe(real, max_lag=8), statistics="two_point")
    assert {d.statistic for d in fewer["made"].differences} == {"two_point"}


def test_training_pays_off_from_the_structure_on_that_makes_the_sum_smaller():
    """60 s and 1 s each beside 5 s each: 75 against 75 for 15, less from 16 on."""
    real = noise(4)
    result = compare(
        {"slow": noise(2, seed=1), "learned": noise(10, seed=2), "never": noise(1, seed=3)},
        reference=real, max_lag=4,
        seconds={"slow": 10.0, "learned": 70.0, "never": 50.0},
        training_seconds={"learned": 60.0, "never": 40.0},
    )  # fmt: skip
    assert result["learned"].seconds_each == 1
    assert result["learned"].pays_off(result["slow"]) == 16
    assert result["slow"].pays_off(result["learned"]) is None
    assert result["never"].pays_off(result["slow"]) is None
    assert result["slow"].pays_off(result["never"]) == 1
    assert "less time than “slow” from 16 structures on" in result.verdict("learned")
    assert "always more time than “slow”" in result.verdict("never")
    with pytest.raises(InputError, match="training_seconds of 'slow' must be a part"):
        compare({"slow": real}, reference=real, max_lag=4, training_seconds={"slow": 1.0})


def test_what_structures_conduct_is_held_against_the_real_ones(tmp_path):
    """Stripes along y conduct half as well as the phase, and nothing across."""
    real = noise(6, (24, 24), fraction=0.7)
    k = {0: 0.0, 1: 1.0}
    result = compare(
        {"made": [STRIPES, STRIPES], "more": noise(6, (24, 24), fraction=0.7, seed=1)},
        reference=real, max_lag=4, conductivities=k,
    )  # fmt: skip
    np.testing.assert_allclose(result["made"].conducting.relative, [[0.5, 0.0]] * 2, atol=1e-3)
    np.testing.assert_allclose(result["made"].conducting.percolating, [1, 0])
    solved = [[effective_conductivity(x, k, axis=a).relative for a in (0, 1)] for x in real]
    conducting = result.reference.conducting
    np.testing.assert_allclose(conducting.relative, solved, rtol=1e-3)
    error = np.std(solved, axis=0, ddof=1) * np.sqrt(1 / 6 + 1 / 2)
    expected = np.abs(np.mean(solved, axis=0) - [0.5, 0]) / error
    np.testing.assert_allclose(
        result["made"].conducting.errors_from(conducting), expected, rtol=0.02
    )
    back = Comparison.from_json(result.to_json(tmp_path / "c.json"))
    assert back.to_record() == result.to_record()
    page = result.to_html(tmp_path / "c.html").read_text()
    assert "What they conduct" in page
    table = result.to_dataframe()
    rows = table[table["quantity"] == "relative_conductivity.y"]
    assert rows["value"].tolist() == [m.conducting.mean[0] for m in result.members]


def test_a_description_may_stand_for_the_reference():
    real = noise(6)
    by_samples = compare({"made": noise(3, seed=1)}, reference=real, max_lag=8)
    by_record = compare({"made": noise(3, seed=1)}, reference=describe(real, max_lag=8))
    assert by_record["made"].differences == by_samples["made"].differences


def test_a_baseline_is_measured_and_is_not_a_picture():
    real = noise(8)
    result = compare(
        {"made": noise(4, seed=1)}, reference=real, baselines={"more": noise(8, seed=2)}, max_lag=8
    )
    assert result["more"].kind == "baseline"
    assert result["more"].labels == ()
    assert "“more”" in result.verdict("made")


def test_json_brings_back_every_number(tmp_path):
    real = describe(STRIPES, phase=(1, 0), max_lag=4, periodic=True)
    twin = anneal(real, shape=(16, 16), seed=3, max_proposals=500)
    result = compare(
        {"annealed": twin, "noise": noise(2, (16, 16))},
        reference=[STRIPES, BOARD],
        max_lag=4,
        periodic=True,
        spacing=2e-9,
        losses={"noise": {"d_loss": [1.0, float("nan")]}},
        seconds={"noise": 2.5},
        settings={"source": "a test", "notes": ["one", "two"]},
    )
    back = Comparison.from_json(result.to_json(tmp_path / "c.json"))
    assert back.to_record() == result.to_record()
    assert back["annealed"].twins[0].history.energies.tolist() == twin.history.energies.tolist()
    assert back.verdict("noise") == result.verdict("noise")


def test_the_table_has_every_curve_with_its_reference_and_every_difference(tmp_path):
    import pandas as pd

    result = compared(STRIPES, [BOARD, STRIPES])
    table = pd.read_csv(result.to_csv(tmp_path / "c.csv"))
    curve = table[(table.method == "made") & (table.quantity == "two_point") & (table.phase == 1)]
    assert curve.value.tolist() == pytest.approx(STRIPES_S2.tolist())
    assert curve.reference.tolist() == pytest.approx(((STRIPES_S2 + BOARD_S2) / 2).tolist())
    rms = table[(table.quantity == "two_point.rms") & (table.phase == 1)].value
    assert rms.tolist() == pytest.approx([two_point(result).rms])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (({}, noise(2)), "at least one method"),
        (({"real": noise(2)}, noise(2)), "names of their own"),
        (({"made": []}, noise(2)), "made must hold at least one structure"),
        (({"made": [np.zeros((8, 8), int)]}, noise(2)), "made: labels must hold at least two"),
        (({"made": noise(2)}, [np.arange(4).repeat(4).reshape(4, 4)]), "no voxel of phase"),
    ],
)
def test_what_cannot_be_compared_is_said_in_one_line(arguments, message):
    methods, reference = arguments
    with pytest.raises(InputError, match=message):
        compare(methods, reference=reference)


def test_a_lag_longer_than_the_structures_is_refused():
    with pytest.raises(InputError, match="max_lag must be less than"):
        compare({"made": noise(2)}, reference=noise(2), max_lag=32)


def test_a_file_that_is_no_comparison_is_refused(tmp_path):
    file = tmp_path / "c.json"
    for text in ("{}", "[]", "{", '{"format": "microtwin-comparison-1"}'):
        file.write_text(text)
        with pytest.raises(InputError, match=r"c\.json is not a microtwin-comparison-1 file"):
            Comparison.from_json(file)
    with pytest.raises(InputError, match="cannot read"):
        Comparison.from_json(tmp_path / "none.json")
