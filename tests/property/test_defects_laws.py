"""What every drawn defect obeys, and what sets each apart."""

import numpy as np
import pytest

from microtwin.errors import InputError
from microtwin.images import ScaledImage, sample_micrographs
from microtwin.images.defect_models import noise_of
from microtwin.images.defects import DEFECTS, spoil

IN_PLACES = "charging", "curtaining", "particles"


@pytest.fixture(scope="module")
def image():
    return sample_micrographs(1, shape=(96, 128), seed=3)[0]


@pytest.fixture(params=DEFECTS)
def defect(request):
    return request.param


def test_same_seed_same_defect_and_another_seed_another(image, defect):
    first, again, other = (DEFECTS[defect](image, seed=seed) for seed in (5, 5, 6))
    assert (first == again).all()
    assert (first != other).any()


def test_strength_zero_is_the_image_itself_in_a_copy(image, defect):
    spoilt = spoil(image, defect, strength=0)
    assert (spoilt.image == image).all()
    assert not spoilt.mask.any()
    assert not np.shares_memory(spoilt.image, image)


def test_more_strength_changes_more(image, defect):
    def change(strength):
        one = [DEFECTS[defect](image, strength=strength, seed=s).astype(float) for s in range(6)]
        return np.mean([np.abs(each - image).mean() for each in one])

    assert 0 < change(0.25) < change(1.0) < change(3.0)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32, np.float64])
def test_shape_type_spacing_and_range_stay(image, defect, kind):
    levels = {np.uint8: 1, np.uint16: 16}.get(kind, 1 / 255)
    scan = ScaledImage((image * levels).astype(kind), spacing=4e-9, source="scan")
    spoilt = DEFECTS[defect](scan, seed=1)
    assert spoilt.shape == scan.shape
    assert spoilt.dtype == kind
    assert spoilt.source == "scan"
    finer = 6 if defect == "magnification" else 1
    assert spoilt.spacing == pytest.approx((4e-9 / finer, 4e-9 / finer))
    top = {np.uint8: 255}.get(kind, max(1.0, float(scan.max())))
    assert 0 <= spoilt.min() <= spoilt.max() <= top


@pytest.mark.parametrize("seed", range(5))
def test_nothing_changes_outside_the_mask_of_a_defect_in_places(image, seed):
    for name in IN_PLACES:
        spoilt = spoil(image, name, seed=seed)
        assert (spoilt.image[~spoilt.mask] == image[~spoilt.mask]).all()
        assert 0 < spoilt.mask.mean() < 0.8
        assert (spoilt.image[spoilt.mask] != image[spoilt.mask]).mean() > 0.6


def test_blur_takes_detail_and_leaves_the_noise(image):
    from scipy.ndimage import gaussian_filter

    blurred = DEFECTS["blur"](image, strength=3).astype(float)
    grey = image.astype(float)

    def detail(values):
        return (gaussian_filter(values, 1.5) - gaussian_filter(values, 4)).std()

    assert detail(blurred) < 0.5 * detail(grey)
    assert noise_of(blurred) == pytest.approx(noise_of(grey), rel=0.3)
    assert blurred.mean() == pytest.approx(grey.mean(), rel=0.01)


def test_noise_at_middle_grey_is_a_fourth_of_the_range_and_unbiased():
    flat = np.full((256, 256), 0.5)
    few = np.full((256, 256), 0.5)
    few[0, 0], few[0, 1] = 0.0, 1.0
    spoilt = np.asarray(DEFECTS["noise"](few, strength=0.4))
    assert spoilt.std() == pytest.approx(0.1, rel=0.05)
    assert spoilt.mean() == pytest.approx(flat.mean(), abs=0.002)


def test_noise_of_an_image_is_estimated_within_a_tenth():
    rng = np.random.default_rng(0)
    smooth = np.add.outer(np.linspace(0, 1, 200), np.linspace(0, 1, 200)) / 2
    assert noise_of(smooth + rng.normal(0, 0.03, smooth.shape)) == pytest.approx(0.03, rel=0.1)


def test_exposure_goes_both_ways_and_loses_levels(image):
    means = [DEFECTS["exposure"](image, seed=seed).mean() for seed in range(12)]
    assert min(means) < 0.6 * image.mean()
    assert max(means) > 1.4 * image.mean()


def test_charging_runs_along_the_scan_lines_and_curtains_across_them(image):
    def roughness(name, axis):
        changes = [np.asarray(spoil(image, name, seed=s).image, float) - image for s in range(8)]
        return np.mean([np.abs(np.diff(change, axis=axis)).mean() for change in changes])

    assert roughness("charging", 0) > roughness("charging", 1)
    assert roughness("curtaining", 1) > 1.5 * roughness("curtaining", 0)


def test_drift_moves_lines_as_a_whole():
    ramp = np.broadcast_to(np.linspace(0, 1, 128), (96, 128)).copy()
    moved = np.asarray(DEFECTS["drift"](ramp, seed=2))
    inner = moved[:, 32:-32] - ramp[:, 32:-32]
    assert np.abs(inner - inner[:, :1]).max() < 1e-6  # a shift in x, the same along a line
    assert np.ptp(inner[:, 0]) > 0.01


def test_magnification_leaves_fewer_features(image):
    near = DEFECTS["magnification"](image, seed=1)
    wide = np.abs(np.fft.rfft2(image - image.mean()))[:, 12:32].sum()
    assert np.abs(np.fft.rfft2(near - near.mean()))[:, 12:32].sum() < 0.5 * wide


def test_unknown_defects_and_odd_images_are_refused(image):
    with pytest.raises(InputError, match="defect must be one of blur"):
        spoil(image, "rain")
    with pytest.raises(InputError, match="strength must be between 0 and 4"):
        spoil(image, "blur", strength=5)
    with pytest.raises(InputError, match="seed must be"):
        spoil(image, "blur", seed=-1)
    for wrong in (np.zeros((15, 64)), np.zeros((32, 32, 32)), np.full((32, 32), np.nan)):
        with pytest.raises(InputError, match="image must be"):
            spoil(wrong, "blur")


@pytest.mark.parametrize("level", [0, 128, 255])
def test_an_image_of_one_grey_level_can_be_spoilt(defect, level):
    flat = np.full((32, 40), level, np.uint8)
    assert DEFECTS[defect](flat).shape == flat.shape


def test_the_seed_chooses_a_defect_where_none_is_named(image):
    assert len({spoil(image, seed=seed).defect for seed in range(40)}) == len(DEFECTS)
