"""Samples that are copied, repeated or new, of media of which all three can be made at will."""

import numpy as np
import pytest

import microtwin as mt
from microtwin import novelty
from microtwin.comparison import Comparison, Novelty, compare
from microtwin.comparison._nearest import SYMMETRIES, alike, search, turned, turned_back
from microtwin.errors import InputError
from microtwin.images.synthetic import gaussian_field
from reference.naive import nearest_window

SIDE = 32
SEEDS = range(3)


def field(shape, seed, *, length=4, fraction=0.4):
    return gaussian_field(
        shape, correlation_length=length, fraction=fraction, seed=seed, periodic=False
    )


def fields(count, side, seed, **options):
    return [field((side, side), 1000 * seed + k, **options) for k in range(count)]


def real(seed, **options):
    return {
        "training": fields(4, 128, 2 * seed, **options),
        "held_out": fields(4, 128, 2 * seed + 1, **options),
    }


@pytest.fixture(scope="module")
def judged():
    samples = np.array(fields(24, SIDE, 99))
    return novelty(samples, **real(1))


@pytest.mark.parametrize("shape", [(40, 40), (33, 70), (300, 41)])
@pytest.mark.parametrize("symmetries", [True, False])
def test_the_nearest_window_is_that_of_trying_all(shape, symmetries):
    images = [field(shape, 1), field((30, 30), 2)]
    patches = [field((16, 16), seed, fraction=f) for seed, f in ((3, 0.4), (4, 0.1), (5, 0.8))]
    found = search(patches, images, symmetries=symmetries)
    for k, patch in enumerate(patches):
        distance, _ = nearest_window(patch, images, symmetries=symmetries)
        assert found.distances[k] == pytest.approx(distance, abs=1e-6)
        image, y, x, symmetry = found.places[k]
        window = images[image][y : y + 16, x : x + 16]
        assert np.mean(turned(patch, symmetry) != window) == found.unlike[k]


@pytest.mark.parametrize("symmetry", range(SYMMETRIES))
def test_a_crop_is_found_where_it_was_cut_however_it_is_turned(symmetry):
    images = fields(2, 96, 5)
    crop = turned_back(images[1][20:52, 41:73], symmetry)
    found = search([crop], images, symmetries=True)
    assert found.distances[0] == 0
    assert found.places[0].tolist() == [1, 20, 41, symmetry]


def test_the_search_does_not_depend_on_threads():
    images, patches = fields(2, 150, 6), fields(5, SIDE, 7)
    one, many = (search(patches, images, symmetries=True, threads=n) for n in (1, 3))
    assert (one.distances == many.distances).all()
    assert (one.places == many.places).all()


def test_a_patch_does_not_find_itself_where_its_own_windows_do_not_count():
    image = field((128, 128), 8)
    patch = image[40:72, 50:82]
    found = search([patch], [image], symmetries=True, own=np.array([[0, 40, 50]]))
    _, y, x, _ = found.places[0]
    assert found.distances[0] > 0.05
    assert abs(y - 40) >= SIDE or abs(x - 50) >= SIDE


def test_uniform_patches_are_as_far_as_chance():
    empty = np.zeros((16, 16), np.uint8)
    found = search([empty, 1 - empty], [field((40, 40), 1)], symmetries=True)
    assert found.distances.tolist() == [1, 1]


def test_shifted_windows_and_cyclic_shifts_are_alike_and_others_are_not():
    image = field((64, 64), 9)
    cell = gaussian_field((SIDE, SIDE), correlation_length=4, seed=1)
    patches = [
        image[:SIDE, :SIDE], image[9 : 9 + SIDE, 14 : 14 + SIDE],
        cell, np.roll(cell, (13, 22), (0, 1)),
    ]  # fmt: skip
    found = alike(patches)
    assert found[0, 1] == found[1, 0] == 0
    assert found[2, 3] == 0
    assert np.isnan(np.diag(found)).all()
    assert found[:2, 2:].min() > 0.2


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("options", [{}, {"length": 3, "fraction": 0.1}, {"length": 6}])
def test_samples_of_the_same_material_pass(seed, options):
    known = real(seed, **options)
    samples = np.array(fields(24, SIDE, 50 + seed, **options))
    assert novelty(samples, **known).passed
    assert not novelty(samples, training=known["training"]).memorises


@pytest.mark.parametrize("seed", SEEDS)
def test_training_crops_are_found_mirrored_and_turned(seed):
    known = real(seed)
    crops = mt.random_patches(known["training"], size=SIDE, count=24, seed=seed)
    for options in (known, {"training": known["training"]}):
        result = novelty(crops, **options)
        assert result.memorises
        assert not result.passed
        assert result.memorised > 0.9
        assert result.chance < 1e-6
    assert novelty(crops, symmetries=False, **known).memorised < 0.5  # one in eight is as it was


@pytest.mark.parametrize("seed", SEEDS)
def test_crops_with_noise_are_found_too(seed):
    known = real(seed)
    crops = mt.random_patches(known["training"], size=SIDE, count=24, seed=seed)
    noise = np.random.default_rng(seed).random(crops.shape) < 0.03
    assert novelty(crops ^ noise, **known).memorised > 0.9


def test_a_single_copy_among_many_is_enough():
    known = real(3)
    samples = np.array(fields(24, SIDE, 60))
    samples[7] = known["training"][2][5 : 5 + SIDE, 60 : 60 + SIDE]
    result = novelty(samples, **known)
    assert result.copies == 1
    assert "1 of 24 are copies" in result.verdict
    sample, window = result.pairs(1)[0]
    assert (sample == window).all()
    assert (sample == samples[7]).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_generator_that_makes_one_image_has_collapsed(seed):
    known, rng = real(seed), np.random.default_rng(seed)
    one, big = field((SIDE, SIDE), 70 + seed), field((48, 48), 80 + seed)
    shifts = rng.integers(0, SIDE, (24, 2))
    corners = rng.integers(0, 17, (24, 2))
    for samples in (
        np.array([one] * 24),
        np.array([np.roll(one, shift, (0, 1)) for shift in shifts]),
        np.array([big[y : y + SIDE, x : x + SIDE] for y, x in corners]),
    ):
        result = novelty(samples, **known)
        assert result.collapsed
        assert result.repeats
        assert not result.passed
        assert result.variety < 0.75
        assert result.duplicates == 1


@pytest.mark.parametrize("seed", SEEDS)
def test_a_generator_of_five_images_has_collapsed_though_they_vary(seed):
    known, rng = real(seed), np.random.default_rng(seed)
    modes = fields(5, SIDE, 90 + seed)
    samples = [np.roll(modes[k % 5], rng.integers(0, SIDE, 2), (0, 1)) for k in range(30)]
    result = novelty(np.array(samples), **known)
    assert result.repeats
    assert "repeat another one" in result.verdict


def test_samples_that_all_have_the_same_curves_vary_too_little():
    # Of many windows those nearest to the mean porosity and surface: new each, but alike.
    known = real(2)
    many = np.array(fields(600, SIDE, 33))
    edges = np.abs(np.diff(many.astype(float), axis=2)).mean(axis=(1, 2))
    share = many.mean(axis=(1, 2))
    off = sum(((v - v.mean()) / v.std()) ** 2 for v in (edges, share))
    result = novelty(many[np.argsort(off)[:24]], **known)
    assert result.spreads["porosity"] < 0.3
    assert not result.memorises


def test_porosity_alone_makes_no_sample_look_memorised():
    known = real(4, fraction=0.3)
    emptier = np.array(fields(24, SIDE, 44, fraction=0.15))
    result = novelty(emptier, **known)
    assert np.median(result.unlike) < np.median(result.real_unlike)  # plainly nearer ...
    assert not result.memorises  # ... but not for what they are


def test_volumes_are_judged_by_their_slices():
    known = real(5)
    volume = gaussian_field((40, 36, 32), correlation_length=4, fraction=0.4, seed=3)
    result = novelty(volume[None], **known)
    assert result.size == SIDE
    assert result.samples == 40 + 36 + 32
    assert not result.memorises
    assert np.isnan(result.twins).all()  # neighbours in a volume are alike by nature
    stolen = np.stack([known["training"][0][:SIDE, :SIDE]] * SIDE)
    assert novelty([stolen], **known).copies > 0


def test_the_same_seed_draws_the_same(judged):
    samples = np.array(fields(24, SIDE, 99))
    few = [novelty(samples, most=10, seed=s, **real(1)) for s in (1, 1, 2)]
    assert len(few[0]) == 10
    assert len(few[0].real_distances) == 10
    assert (few[0].chosen == few[1].chosen).all()
    assert (few[0].chosen != few[2].chosen).any()
    assert (novelty(samples, **real(1)).distances == judged.distances).all()


def test_windows_shrink_until_there_are_enough_real_patches():
    result = novelty(fields(6, 64, 3), training=[field((128, 128), 4)])
    assert result.size == SIDE
    assert len(result.real_distances) == 16


@pytest.mark.parametrize("suffix", ["json", "csv"])
def test_a_result_reads_back_exactly(judged, tmp_path, suffix):
    path = getattr(judged, f"to_{suffix}")(tmp_path / f"n.{suffix}")
    back = getattr(Novelty, f"from_{suffix}")(path)
    assert (back.kept == judged.kept).all() if suffix == "json" else len(back.kept) == 0
    for name in Novelty.__slots__:
        mine, theirs = getattr(judged, name), getattr(back, name)
        if name == "kept":
            continue
        if isinstance(mine, np.ndarray):
            assert mine.dtype == theirs.dtype
            np.testing.assert_array_equal(mine, theirs)
        else:
            assert mine == theirs
    assert back.summary() == judged.summary()
    (tmp_path / "other").write_text("{}")
    with pytest.raises(InputError, match="is not a microtwin-novelty-1 file"):
        getattr(Novelty, f"from_{suffix}")(tmp_path / "other")


def test_figures_show_both_distances_and_the_pairs(judged):
    ax = judged.plot()
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        "real (held-out)", "samples", "nearest real, 1 %",
    ]  # fmt: skip
    assert len(judged.plot_pairs(2).axes) == 6
    assert len(judged.to_dataframe()) == len(judged) + len(judged.real_distances)


def test_progress_is_told_to_the_end():
    told = []
    samples = np.array(fields(5, SIDE, 1))
    novelty(samples, **real(1), progress=lambda done, total, values: told.append((done, total)))
    assert told[-1][0] == told[-1][1] == len(told)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"samples": np.zeros(5)}, "samples must be"),
        ({"samples": []}, "samples must hold at least one"),
        ({"training": []}, "training must hold at least one"),
        ({"training": [np.zeros((3, 3, 3, 3))]}, "training must be 2-D or 3-D"),
        ({"size": 500}, "size must be between 4 and 32"),
        ({"quantile": 0.9}, "quantile must be between"),
        ({"most": 1}, "most must be at least 4"),
        ({"held_out": [np.eye(SIDE)]}, "held_out must hold at least 4 patches of 32"),
    ],
)
def test_what_cannot_be_judged_is_refused_by_name(options, message):
    if "held_out" in options:
        options = {"size": SIDE, **options}
    arguments = {"samples": np.array(fields(4, SIDE, 1)), **real(1)} | options
    with pytest.raises(InputError, match=message):
        novelty(arguments.pop("samples"), **arguments)


def test_held_out_images_that_were_trained_on_are_refused():
    known = real(1)
    with pytest.raises(InputError, match="held_out must not be part of training"):
        novelty(fields(4, SIDE, 1), training=known["training"], held_out=known["training"][:2])


def test_a_comparison_judges_its_methods_and_reads_back(tmp_path):
    known = real(6)
    reference = [
        image[y : y + SIDE, x : x + SIDE]
        for image in known["held_out"] for y in (0, 32, 64, 96) for x in (0, 32, 64, 96)
    ]  # fmt: skip
    crops = list(mt.random_patches(known["training"], size=SIDE, count=8, seed=1))
    methods = {"new": fields(8, SIDE, 5), "copied": crops}
    result = compare(
        methods,
        reference=reference,
        training=known["training"],
        baselines={"more": reference[:4]},
    )
    assert result["new"].novelty.passed
    assert result["new"].novelty.held_out
    assert not result["copied"].novelty.passed
    assert result["more"].novelty is None
    back = Comparison.from_json(result.to_json(tmp_path / "c.json"))
    assert back.to_record() == result.to_record()
    assert back["copied"].novelty.copies == 8
    page = back.to_html(tmp_path / "r.html").read_text("utf-8")
    assert "Memorising and diversity" in page
    assert result["copied"].novelty.verdict in page
    table = result.to_dataframe()
    copies = table[(table.method == "copied") & (table.quantity == "novelty.copies")]
    assert copies.value.tolist() == [8]


def test_a_reference_that_was_trained_on_is_no_held_out_part():
    known = real(7)
    cut = mt.random_patches(known["training"], size=64, count=6, flips=False, rotations=False)
    reference = list(cut)
    result = compare({"new": fields(8, SIDE, 5)}, reference=reference, training=known["training"])
    assert not result["new"].novelty.held_out
