"""Screening keeps what real structures cannot be told from, and says why."""

import csv
import itertools
import json

import numpy as np
import pytest

import microtwin as mt
from microtwin.errors import InputError


def textures(count, *, side=32, fraction=0.4, length=2, seed=0):
    """Structures of one material; the volume fraction varies as chance has it."""
    from scipy.ndimage import gaussian_filter
    from scipy.stats import norm

    rng = np.random.default_rng(seed)
    made = []
    for _ in range(count):
        field = gaussian_filter(rng.normal(size=(side + 32,) * 2), length)[16:-16, 16:-16]
        made.append((field * 2 * np.sqrt(np.pi) * length < norm.ppf(fraction)).astype(np.uint8))
    return made


@pytest.fixture(scope="module")
def real():
    return textures(24)


def test_the_score_is_the_distance_from_the_mean_of_the_real_ones(real):
    samples = textures(3, seed=1)
    found = mt.screen(samples, reference=real, keep=3, max_lag=10)
    target = mt.describe(real, max_lag=10)
    for i, labels in enumerate(samples):
        measured = mt.describe(labels, max_lag=10, phase=target.phases)
        apart = mt.distance(measured, target, scale="spread")
        assert found.scores[i] == pytest.approx(apart.rms)
        terms = np.array(list(apart.terms.values()))
        assert found.scores[i] == pytest.approx(np.sqrt(np.mean(terms**2)))
        np.testing.assert_allclose(found.parts[i], [apart.terms[name] for name in found.terms])
    assert [one.score for one in found] == sorted(found.scores)


def test_each_real_one_is_scored_against_the_others(real):
    few = real[:5]
    found = mt.screen(few, reference=few, keep=1, max_lag=8)
    for i, labels in enumerate(few):
        target = mt.describe(few[:i] + few[i + 1 :], max_lag=8)
        measured = mt.describe(labels, max_lag=8, phase=target.phases)
        assert found.real_scores[i] == pytest.approx(
            mt.distance(measured, target, scale="spread").rms
        )


def test_further_real_structures_pass_as_often_as_promised(real):
    """At accept = 0.8 a share of at least 0.8 on average, over several sets of real ones."""
    passed = [
        mt.screen(textures(60, seed=100 + i), reference=textures(24, seed=i), accept=0.8).passed
        for i in range(5)
    ]
    assert 0.72 < np.mean(passed) < 0.95


def test_what_is_coarser_does_not_pass():
    real = textures(24, side=96)
    samples = [*textures(4, side=96, seed=1, length=6), *textures(4, side=96, seed=2)]
    found = mt.screen(samples, reference=real, weights={"porosity": 0})
    assert not found.passed[:4].any()
    assert found.passed[4:].sum() >= 3
    assert [one.index for one in found] == sorted(
        np.flatnonzero(found.passed), key=lambda i: found.scores[i]
    )


def test_the_reasons_name_what_is_largest(real):
    porous = textures(1, fraction=0.8, seed=3)
    best = mt.screen(porous, reference=real, keep=1, statistics="two_point", phase=1)[0]
    largest = max(best.distance.terms, key=best.distance.terms.__getitem__)
    assert best.reasons[0].startswith(f"{largest} ")
    assert "standard deviations" in best.reasons[0]


def test_a_larger_real_structure_is_cut_into_pieces_of_the_samples_size():
    large = textures(1, side=100, seed=5)[0]
    samples = textures(4, seed=6)
    pieces = [
        large[y : y + 32, x : x + 32] for y in (2, 34, 66) for x in (2, 34, 66)
    ]  # nine fit, centred
    whole = mt.screen(samples, reference=large, keep=4)
    cut = mt.screen(samples, reference=pieces, keep=4)
    assert whole.windows
    assert not cut.windows
    np.testing.assert_array_equal(whole.scores, cut.scores)
    np.testing.assert_array_equal(whole.real_scores, cut.real_scores)


def test_pieces_without_one_of_the_phases_are_left_out():
    large = np.random.default_rng(0).integers(0, 2, (64, 64), dtype=np.uint8)
    large[:16, :16] = 2  # a third phase in one corner only
    large[:4, :4] = 0
    large[20:24, 20:24] = 2
    found = mt.screen([large[16:32, 16:32]], reference=large, keep=1)
    assert found.windows
    assert found.scale == "natural"  # of sixteen pieces only one has all three


def test_one_real_structure_of_that_size_is_a_reference_in_natural_units(real):
    found = mt.screen(real[:4], reference=real[2], keep=2)
    assert found.scale == "natural"
    assert found[0].index == 2
    assert found[0].score == 0
    with pytest.raises(InputError, match="keep or tolerance must be given"):
        mt.screen(real[:4], reference=real[2])


def test_a_stream_ends_once_enough_have_passed(real):
    drawn = itertools.count()

    def endless():
        for labels in itertools.cycle([*textures(3, length=6, seed=1), *textures(5, seed=2)]):
            next(drawn)
            yield labels

    found = mt.screen(endless(), reference=real, keep=2, tolerance=2.5, budget=100)
    assert len(found) == 2
    assert len(found.scores) == next(drawn) < 20
    nothing = mt.screen(endless(), reference=real, keep=2, tolerance=0, budget=9)
    assert (len(nothing), len(nothing.scores)) == (0, 9)
    with pytest.raises(InputError, match="budget"):
        mt.screen(endless(), reference=real, keep=2)


def test_of_a_stream_without_a_tolerance_the_nearest_of_the_budget_are_kept(real):
    samples = textures(12, seed=4)
    found = mt.screen(iter(samples), reference=real, keep=3, budget=12)
    assert [one.index for one in found] == np.argsort(found.scores)[:3].tolist()
    for one in found:
        np.testing.assert_array_equal(one.labels, samples[one.index])
    assert found.passed.sum() == 3


def test_what_lacks_a_phase_is_infinitely_far(real):
    samples = [np.zeros((32, 32), np.uint8), np.ones((32, 32), np.uint8), real[0]]
    found = mt.screen(samples, reference=real)
    assert np.isinf(found.scores[:2]).all()
    assert found.passed.tolist() == [False, False, True]
    assert np.isnan(found.parts[:2]).all()


def test_a_batch_is_an_array_with_one_axis_more(real):
    found = mt.screen(np.stack(real[:3]), reference=real, keep=3)
    assert len(found.scores) == 3
    volume = np.random.default_rng(0).integers(0, 2, (8, 8, 8), dtype=np.uint8)
    assert len(mt.screen(volume, reference=volume, keep=1).scores) == 1
    assert len(mt.screen(volume[None], reference=volume, keep=1).scores) == 1


def test_a_description_is_a_reference_of_its_own_lags_and_phases(real):
    target = mt.describe(real, phase=1, max_lag=6)
    found = mt.screen(real, reference=target, keep=4)
    again = mt.screen(real, reference=real, keep=4, phase=1, max_lag=6)
    np.testing.assert_allclose(found.scores, again.scores)
    with pytest.raises(InputError, match="max_lag must be that of the reference"):
        mt.screen(real, reference=target, keep=1, max_lag=7)
    with pytest.raises(InputError, match="phase must be that of the reference"):
        mt.screen(real, reference=target, keep=1, phase=0)
    with pytest.raises(InputError, match="reference must hold chord_length"):
        mt.screen(real, reference=target, keep=1, statistics="chord_length")
    with pytest.raises(InputError, match="keep or tolerance"):
        mt.screen(real, reference=target)


def test_volumes_are_screened_by_images_whatever_their_voxels_measure(real):
    rng = np.random.default_rng(0)
    volumes = (rng.random((2, 16, 16, 16)) < 0.4).astype(np.uint8)
    plain = mt.screen(volumes, reference=list(volumes[:, 0]), keep=1)
    sized = [mt.ScaledImage(volume[0], spacing=2e-9) for volume in volumes]
    found = mt.screen(list(volumes), reference=sized, keep=1)
    assert len(plain.scores) == len(found.scores) == 2
    assert np.isfinite(found.scores).all()


def test_all_statistics_of_a_description_are_those_that_it_has(real):
    names = ("two_point", "lineal_path", "pore_size")
    target = mt.describe(real, phase=1, max_lag=6, statistics=names)
    found = mt.screen(real, reference=target, keep=4, statistics="all")
    again = mt.screen(real, reference=target, keep=4, statistics=names)
    assert "pore_size/1/none" in found.terms
    np.testing.assert_array_equal(found.scores, again.scores)


def test_grey_levels_and_twins_come_along(real):
    twin = mt.anneal(mt.describe(real, phase=1), shape=(32, 32), seed=0)
    found = mt.screen([twin], reference=real, keep=1)
    np.testing.assert_array_equal(found[0].labels, twin.labels)
    assert found[0].image is None


def test_the_table_has_a_row_for_each_sample(real, tmp_path):
    found = mt.screen([*real[:3], np.zeros((32, 32), np.uint8)], reference=real)
    frame = found.to_dataframe()
    assert frame["score"].tolist() == found.scores.tolist()
    head, *rows = found.to_csv(tmp_path / "t.csv").read_text().splitlines()
    about = json.loads(head.removeprefix("# "))
    assert about["tolerance"] == found.tolerance
    assert about["kept"] == [one.index for one in found]
    table = list(csv.DictReader(rows))
    assert [float(row["score"]) for row in table] == found.scores.tolist()
    assert [row["passed"] == "1" for row in table] == found.passed.tolist()
    assert "3 of 4 pass" in found.verdict
    lines = found.plot().get_lines()
    assert len(lines) == 3  # real, screened, tolerance


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"keep": 0}, "keep must be"),
        ({"budget": 0}, "budget must be"),
        ({"tolerance": -1}, "tolerance must be"),
        ({"accept": 1}, "accept must be above 0 and below 1"),
        ({"weights": {"colour": 1}}, "weights must be of terms"),
        ({"statistics": "colour"}, "statistics must be"),
        ({"phase": 7}, "phase"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(real, options, message):
    with pytest.raises(InputError, match=message):
        mt.screen(real, reference=real, **options)


@pytest.mark.parametrize(
    ("samples", "message"),
    [([], "at least one"), (3, "samples must be"), (iter(()), "at least one")],
)
def test_samples_that_are_none_are_refused(real, samples, message):
    with pytest.raises(InputError, match=message):
        mt.screen(samples, reference=real, budget=4)
