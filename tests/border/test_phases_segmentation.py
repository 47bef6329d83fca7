"""Grey levels to phases: right on images with known phases, clear errors on the others."""

import numpy as np
import pytest

from microtwin.errors import InputError
from microtwin.images import ScaledImage, read_image, render_sem, sample_labels, sample_micrographs
from microtwin.images.synthetic import gaussian_field, voronoi
from microtwin.phases import METHODS, apply_threshold, segment, threshold_of

TRUTH = gaussian_field((128, 128), correlation_length=10, seed=3)
IMAGE = render_sem(TRUTH, seed=1)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_finds_the_phases_of_a_clean_image(method):
    labels = segment(IMAGE, method=method)
    assert labels.dtype == np.uint8
    # A local threshold looks at surroundings that may be of one phase; the others see all.
    assert (labels == TRUTH).mean() > (0.8 if method == "local" else 0.97)


def test_otsu_maximises_the_variance_between_the_classes():
    rng = np.random.default_rng(0)
    image = np.concatenate([rng.normal(60, 15, 3000), rng.normal(150, 20, 1000)])
    image = np.clip(np.rint(image), 0, 255).astype(np.uint8).reshape(40, 100)

    def between(threshold):
        bright = image > threshold
        share = bright.mean()
        return share * (1 - share) * (image[bright].mean() - image[~bright].mean()) ** 2

    best = max(range(int(image.min()), int(image.max())), key=between)
    assert (segment(image) == (image > best)).all()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_type_and_scale_of_the_grey_levels_do_not_matter(dtype):
    image = (IMAGE * dtype(1 if dtype is np.uint8 else 3)).astype(dtype)
    assert (segment(image) == segment(IMAGE)).all()


def test_spacing_and_source_are_kept():
    image = ScaledImage(IMAGE, spacing=5e-9, source="a.tif")
    for labels in (segment(image), segment(image, smooth=1), segment(image, threshold=128)):
        assert labels.spacing == (5e-9, 5e-9)
        assert labels.source == "a.tif"


def test_three_phases_come_out_in_order_of_brightness():
    truth = voronoi((128, 128), cells=20, phases=3, seed=1)
    image = render_sem(truth, noise=0.02, seed=0)
    labels = segment(image, method="multi_otsu", classes=3, smooth=1)
    assert (labels == truth).mean() > 0.9
    means = [image[labels == phase].mean() for phase in range(3)]
    assert means == sorted(means)


def test_uneven_light_is_taken_out():
    y, x = np.mgrid[-1:1:128j, -1:1:128j]
    light = 120 + 60 * x - 30 * y + 20 * x**2
    discs = gaussian_field((128, 128), correlation_length=6, fraction=0.1, seed=1)
    image = light + 30 * discs
    assert (segment(image) == discs).mean() < 0.8
    assert (segment(image, flatten=True) == discs).mean() > 0.999


def test_smoothing_helps_against_noise():
    noisy = render_sem(TRUTH, noise=0.3, seed=0)
    errors = [(segment(noisy, smooth=smooth) != TRUTH).mean() for smooth in (0, 1.5)]
    assert errors[1] < errors[0] / 2


def test_volumes_are_segmented_as_a_whole():
    truth = gaussian_field((30, 36, 42), correlation_length=3, seed=0)
    image = truth * 100 + np.random.default_rng(0).normal(60, 10, truth.shape)
    assert (segment(image) == truth).mean() > 0.999
    assert segment(image, method="local", window=15).shape == truth.shape
    assert (segment(image, flatten=True, smooth=0.5) == truth).mean() > 0.9


def test_common_threshold_is_that_of_all_images_together():
    dark, bright = IMAGE // 2, IMAGE
    together = np.hstack([dark, bright])
    for method in ("otsu", "isodata"):
        common = threshold_of([dark, bright], method)
        assert common == threshold_of(together, method)
        assert common == threshold_of(iter([bright, dark]), method)
        assert (apply_threshold(bright, common) == (bright > common)).all()
    assert threshold_of(IMAGE) == threshold_of([IMAGE])


def test_many_float_levels_are_binned_without_harm():
    rng = np.random.default_rng(0)
    images = [TRUTH * 0.5 + rng.normal(0.2, 0.05, TRUTH.shape) for _ in range(3)]
    assert threshold_of(images) == pytest.approx(0.45, abs=0.03)


@pytest.mark.parametrize(
    ("image", "options", "message"),
    [
        (np.full((9, 9), 7, np.uint8), {}, "all its values are 7"),
        (np.full((9, 9), 7, np.uint8), {"method": "local"}, "all its values are 7"),
        (np.full((9, 9), 7, np.uint8), {"flatten": True}, "two phases"),
        (np.full((9, 9), 7, np.uint8), {"threshold": 7}, "7..7"),
        (IMAGE, {"threshold": 255}, "threshold must lie between"),
        (IMAGE, {"threshold": np.nan}, "threshold must be finite"),
        (IMAGE, {"method": "magic"}, "method must be one of otsu"),
        (IMAGE, {"classes": 3}, "multi_otsu"),
        (IMAGE, {"classes": 1}, "classes"),
        (IMAGE, {"smooth": -1}, "smooth"),
        (IMAGE, {"method": "local", "window": 1}, "window"),
        (TRUTH, {"method": "multi_otsu", "classes": 3}, "at least 3 grey levels"),
        (np.array([[0.0, np.nan]]), {}, "NaN"),
        (np.zeros((4, 4, 4, 3)), {}, "4-D"),
        (np.zeros((0, 4)), {}, "empty"),
        (np.array([["a", "b"]]), {}, "real numbers"),
    ],
)
def test_images_without_phases_are_refused(image, options, message):
    with pytest.raises(InputError, match=message):
        segment(image, **options)


def test_common_thresholds_that_do_not_exist_are_refused():
    for images, message in [
        ([], "there is none"),
        (np.zeros((5, 5)), "grey levels"),
        ([IMAGE, np.zeros(5)], "image 1 must be 2-D"),
    ]:
        with pytest.raises(InputError, match=message):
            threshold_of(images)
    with pytest.raises(InputError, match="method"):
        threshold_of([IMAGE], "local")


def test_otsu_recovers_the_phases_of_the_built_in_sample():
    images, truths = sample_micrographs(4, seed=5), sample_labels(4, seed=5)
    common = threshold_of(images)
    for image, truth in zip(images, truths, strict=True):
        for labels in (segment(image), apply_threshold(image, common)):
            assert (labels == truth).mean() > 0.96
            assert labels.mean() == pytest.approx(truth.mean(), abs=0.02)


def test_real_micrographs_come_out_as_a_person_would_draw_them(shared_data):
    # Precipitates of superalloys were outlined by hand: labels 1 and 2 are the dark ones.
    for name in ("spot3_0d_3", "spot4_180d_2", "spot5_180d_2", "spot6_180d_7", "spot7_0d_5"):
        image = read_image(shared_data / "superalloy_sem" / f"{name}.png")
        mask = read_image(shared_data / "superalloy_sem" / f"{name}_mask.png")
        assert (segment(image, smooth=1.5) == (mask == 0)).mean() > 0.78, name
    gold = shared_data / "misc_micrographs" / "nanoporous_gold_aquami.png"
    solid = segment(read_image(gold, crop_info_bar=True)).mean()
    assert 0.6 < solid < 0.8
    # Soot on a film under uneven light covers a few percent of the field.
    soot = read_image(shared_data / "carbonblack_tem" / "Case4_D8_007.png")
    assert 0.03 < 1 - segment(soot, smooth=2, flatten=True).mean() < 0.12
