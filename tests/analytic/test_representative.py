"""Windows of growing size: what theory says of their spread, and what the result says of it."""

import math

import numpy as np
import pytest

import microtwin as mt
from microtwin.errors import InputError
from microtwin.statistics._windows import (
    View,
    correlation_length,
    independent_of,
    mean_chord,
    places,
)


def discs(seed, side=512, radius=6, density=0.004):
    """Overlapping discs in a periodic box: the phase is what they leave free."""
    from scipy.ndimage import distance_transform_edt

    rng = np.random.default_rng(seed)
    centres = np.ones((side + 4 * radius,) * 2, bool)
    at = rng.integers(0, centres.shape[0], (rng.poisson(density * centres.size), 2))
    centres[tuple(at.T)] = False
    inner = slice(2 * radius, 2 * radius + side)
    return (distance_transform_edt(centres)[inner, inner] > radius).astype(np.uint8)


@pytest.mark.parametrize("fraction", [0.1, 0.5])
@pytest.mark.parametrize("shape", [(512, 512), (64, 64, 64)])
def test_independent_voxels_have_an_integral_range_of_one(shape, fraction):
    noise = np.random.default_rng(7).random(shape) < fraction
    sizes = (8, 16, 32) if len(shape) == 2 else (4, 8, 16)
    rev = mt.representative_volume(
        noise, phase=1, statistics="porosity", sizes=sizes, samples=256, seed=3
    )
    law = rev.integral_ranges["porosity"]
    assert law.integral_range == pytest.approx(1.0, rel=0.25)
    assert law.exponent == pytest.approx(1.0, abs=0.2)
    # z sqrt(phi (1 - phi) / V) = tolerance phi
    volume = 1.959964**2 * (1 - fraction) / fraction / rev.tolerance**2
    assert law.size == pytest.approx(volume ** (1 / len(shape)), rel=0.15)
    spread = math.sqrt(fraction * (1 - fraction) / sizes[-1] ** len(shape))
    assert rev.deviation[-1, 0] == pytest.approx(spread, rel=0.3)


def test_cells_of_equal_colour_have_an_integral_range_of_their_area():
    cells = np.random.default_rng(2).random((200, 200)) < 0.5
    labels = np.kron(cells, np.ones((5, 5), int))
    # In windows of whole cells; the grid of windows falls in with that of the cells.
    rev = mt.representative_volume(
        labels, phase=1, statistics="porosity", sizes=(20, 50, 100), samples=100
    )
    assert rev.integral_ranges["porosity"].integral_range == pytest.approx(25, rel=0.25)


def test_the_integral_range_of_discs_is_the_integral_of_their_covariance():
    radius, density = 6, 0.004
    samples = [discs(seed, 512, radius, density) for seed in range(6)]
    rev = mt.representative_volume(
        samples, phase=1, statistics="porosity", sizes=(32, 64, 128), samples=96
    )
    from scipy.integrate import quad

    def common(r):
        return 2 * radius**2 * math.acos(r / 2 / radius) - r / 2 * math.sqrt(4 * radius**2 - r**2)

    area = math.pi * radius**2
    phi = math.exp(-density * area)
    integral, _ = quad(
        lambda r: 2 * math.pi * r * (math.exp(-density * (2 * area - common(r))) - phi**2),
        0, 2 * radius,
    )  # fmt: skip
    expected = integral / phi / (1 - phi)
    assert rev.integral_ranges["porosity"].integral_range == pytest.approx(expected, rel=0.25)


def test_what_is_the_same_everywhere_is_represented_by_every_window():
    board = np.indices((64, 64)).sum(axis=0) // 2 % 2
    statistics = ("porosity", "two_point")
    rev = mt.representative_volume(
        board, phase=1, sizes=(8, 16, 32), samples=4, lags=(0, 2, 4), statistics=statistics
    )
    assert rev.representative == {
        "porosity": 8,
        "two_point(0)": 8,
        "two_point(2)": 8,
        "two_point(4)": 8,
    }
    assert rev.size == 8
    assert rev.integral_ranges["porosity"] is None  # no spread, no law


def test_a_sample_with_a_gradient_is_never_representative():
    y, _ = np.indices((256, 256))
    labels = np.random.default_rng(0).random((256, 256)) < y / 256
    rev = mt.representative_volume(labels, phase=1, statistics="porosity")
    assert rev.representative == {"porosity": None}
    assert rev.size is None
    assert rev.integral_ranges["porosity"].exponent < 0.5


def test_one_bad_size_above_a_good_one_puts_representation_off():
    from dataclasses import replace

    noise = np.random.default_rng(1).random((256, 256)) < 0.5
    rev = mt.representative_volume(
        noise, phase=1, statistics="porosity", sizes=(40, 60, 80), tolerance=0.2, samples=8
    )
    assert rev.representative == {"porosity": 40}
    spoilt = (rev.values[0], rev.values[1] * np.linspace(0.2, 2, len(rev.values[1]))[:, None])
    assert replace(rev, values=(*spoilt, rev.values[2])).representative == {"porosity": 80}
    lost = rev.values[2].copy()
    lost[0] = np.nan
    assert replace(rev, values=(*rev.values[:2], lost)).representative == {"porosity": None}
    away = tuple(values + 0.2 for values in rev.values)  # precise, but somewhere else
    assert replace(rev, values=away).representative == {"porosity": None}


def test_numbers_of_a_window_are_those_of_its_description():
    labels = discs(1, 60, 4, 0.01)
    real = mt.describe(labels, phase=1)
    rev = mt.representative_volume(
        labels, phase=1, sizes=(20,), samples=3, lags=(0, 3, 7),
        statistics=("porosity", "specific_surface", "mean_chord", "two_point", "lineal_path"),
    )  # fmt: skip
    whole = dict(zip(rev.statistics, rev.whole, strict=True))
    assert whole["porosity"] == real.porosity
    assert whole["specific_surface"] == pytest.approx(real.specific_surface, rel=1e-12)
    assert whole["mean_chord"] == pytest.approx(math.pi * real.porosity / real.specific_surface)
    for lag in (0, 3, 7):
        assert whole[f"two_point({lag})"] == real.two_point.mean[lag]
        assert whole[f"lineal_path({lag})"] == real.lineal_path.mean[lag]


def test_stripes_have_their_width_as_mean_chord_whatever_the_window_cuts():
    stripes = np.tile(np.repeat([1, 0], [3, 7]), (40, 4)).astype(np.uint8)
    # Chords along the stripes never end: -S2' is the mean of 1/10 and 0.
    assert mean_chord(View(stripes, 1, 1)) == pytest.approx(0.3 / (7 / 39 / 2 / 2))
    assert math.isnan(mean_chord(View(np.ones((5, 5), np.uint8), 1, 1)))


def test_correlation_length_of_a_triangular_decay_is_half_its_reach():
    # Independent layers 8 thick: (S2 - phi^2) falls linearly to 0 at 8 across them, not along.
    layers = np.kron(np.random.default_rng(0).random((40000, 1)) < 0.5, np.ones((8, 1), int))
    from microtwin.statistics import two_point

    class Across(View):
        two_point = property(lambda self: two_point(self.labels, phase=1, max_lag=20, axes=0).mean)

    assert correlation_length(Across(layers.astype(np.uint8), 1, 1)) == pytest.approx(4, rel=0.05)


def test_windows_overlap_only_where_that_tells_more():
    rng = np.random.default_rng(0)
    chosen, free = places([(100, 100)], 10, most=20, rng=rng)
    assert (len(chosen), free) == (20, 20)
    chosen, free = places([(100, 100)], 34, most=50, rng=rng)
    assert len(chosen) == 50
    assert 4 < free < 100**2 / 34**2
    chosen, free = places([(100, 100), (120, 60)], 50, most=50, rng=rng)
    assert len({*chosen}) == len(chosen)
    for k, corner in chosen:
        assert all(
            0 <= a <= side - 50 for a, side in zip(corner, [(100, 100), (120, 60)][k], strict=True)
        )
    chosen, free = places([(100, 100)], 50, most=50, rng=rng)
    assert (sorted(c for _, c in chosen), free) == ([(0, 0), (0, 50), (50, 0), (50, 50)], 4)


def test_independent_windows_are_counted_by_what_they_share():
    assert independent_of([(0, (0, 0)), (0, (10, 0)), (1, (0, 0))], 10) == pytest.approx(3)
    assert independent_of([(0, (0, 0)), (0, (0, 0))], 10) == pytest.approx(1)
    assert independent_of([(0, (0, 0)), (0, (0, 5))], 10) == pytest.approx(4 / 3)


def test_overlap_is_made_up_for_in_the_spread():
    deviations = []
    for seed in range(30):
        noise = np.random.default_rng(seed).random((90, 90)) < 0.5
        rev = mt.representative_volume(
            noise, phase=1, statistics="porosity", sizes=(35,), samples=40, seed=seed
        )
        assert rev.independent[0] < 8
        deviations.append(rev.deviation[0, 0])
    expected = 0.5 / 35
    assert np.sqrt(np.mean(np.square(deviations))) == pytest.approx(expected, rel=0.1)


@pytest.fixture(scope="module")
def rev():
    return mt.representative_volume(
        discs(0, 256), phase=1, spacing=2e-8, samples=12, seed=5,
        statistics=("porosity", "mean_chord", "correlation_length", "two_point", np.ptp),
    )  # fmt: skip


def test_files_read_back_exactly(rev, tmp_path):
    back = mt.RepresentativeVolume.from_csv(rev.to_csv(tmp_path / "rev.csv"))
    for name in ("phase", "statistics", "additive", "sizes", "independent", "shape", "spacing",
                 "confidence", "tolerance", "seed", "version", "windows"):  # fmt: skip
        assert getattr(back, name) == getattr(rev, name), name
    assert np.array_equal(back.whole, rev.whole, equal_nan=True)
    for a, b in zip(back.values, rev.values, strict=True):
        assert np.array_equal(a, b, equal_nan=True)
    assert back.representative == rev.representative


@pytest.mark.parametrize("content", ["", "# {}\n", "# []\n", '# {"format": "other"}\n', "text"])
def test_files_of_something_else_are_named(content, tmp_path):
    path = tmp_path / "wrong.csv"
    path.write_text(content)
    with pytest.raises(InputError, match=r"wrong\.csv is not a microtwin-representative-1 file"):
        mt.RepresentativeVolume.from_csv(path)
    with pytest.raises(InputError, match="cannot read"):
        mt.RepresentativeVolume.from_csv(tmp_path / "none.csv")


def test_a_cut_file_is_damaged(rev, tmp_path):
    path = rev.to_csv(tmp_path / "cut.csv")
    path.write_text("\n".join(path.read_text().splitlines()[:-2]))
    with pytest.raises(InputError, match="damaged"):
        mt.RepresentativeVolume.from_csv(path)


def test_the_same_seed_gives_the_same_windows_with_any_number_of_threads_and_sizes(rev):
    options = {"phase": 1, "samples": 12, "statistics": ("porosity", "two_point"), "lags": (1,)}
    a = mt.representative_volume(discs(0, 256), sizes=(20, 90), seed=5, threads=1, **options)
    b = mt.representative_volume(discs(0, 256), sizes=(40, 90), seed=5, threads=2, **options)
    c = mt.representative_volume(discs(0, 256), sizes=(40, 90), seed=6, threads=2, **options)
    assert np.array_equal(a.values[1], b.values[1])
    assert not np.array_equal(b.values[1], c.values[1])


def test_the_law_is_left_to_statistics_that_are_means(rev):
    laws = rev.integral_ranges
    assert laws["porosity"] is not None
    assert laws["two_point(1)"].integral_range is None
    assert laws["correlation_length"] is None
    assert laws["ptp"] is None


def test_tables_and_plots_carry_units(rev):
    table = rev.to_dataframe()
    assert len(table) == len(rev.sizes) * len(rev.statistics)
    assert table["size_m"][0] == pytest.approx(rev.sizes[0] * 2e-8)
    assert rev.plot().get_xlabel() == "edge of the window (µm)"
    figure = rev.plot_all()
    figure.canvas.draw()
    assert figure.axes[0].get_xlabel() == "edge of the window (µm)"
    assert len(figure.axes[0].collections) == 2  # the spread, and the confidence of the mean
    plain = mt.representative_volume(discs(0, 128), phase=1, statistics="porosity").plot()
    assert plain.get_xlabel() == "edge of the window (voxels)"


def test_progress_ends_at_the_total():
    seen = []
    mt.representative_volume(
        discs(0, 64), phase=1, progress=lambda done, total, values: seen.append(done / total)
    )
    assert seen[-1] == 1
    assert seen == sorted(seen)


NOISE = np.random.default_rng(0).integers(0, 2, (40, 50))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"phase": 7}, "phase must be a label that is present; 7 is not"),
        ({"statistics": "wood"}, "each of statistics must be one of porosity"),
        ({"statistics": ()}, "statistics must be one or more"),
        ({"statistics": ("porosity", "porosity")}, "each by a name of its own"),
        ({"statistics": lambda labels: "soft"}, "each of statistics must return a number"),
        ({"sizes": (1,)}, "each of sizes must be between 2 and 40, not 1"),
        ({"sizes": (41,)}, "each of sizes must be between 2 and 40, not 41"),
        ({"sizes": ()}, "sizes must hold at least one edge"),
        ({"samples": 2}, "samples must be at least 3"),
        (
            {"lags": (3,), "sizes": (5,)},
            r"lags must be one or more of at most half .* \(2 voxels\)",
        ),
        ({"confidence": 1.0}, "confidence must be between 0.5 and 0.9999"),
        ({"tolerance": 0}, "tolerance must be at least"),
        ({"seed": -1}, "seed must be between"),
        ({"labels": []}, "at least one image or volume"),
        ({"labels": [NOISE, np.stack([NOISE])]}, "all images or all volumes"),
        ({"labels": NOISE[:5]}, "8 voxels wide or more"),
    ],
)
def test_arguments_that_do_not_fit(arguments, message):
    given = {"labels": NOISE, "phase": 1} | arguments
    with pytest.raises(InputError, match=message):
        mt.representative_volume(given.pop("labels"), **given)
