"""The built-in sample: made-up micrographs and how they are drawn."""

import numpy as np
import pytest

from microtwin.errors import InputError
from microtwin.images import ScaledImage, render_sem, sample_labels, sample_micrographs
from microtwin.images.synthetic import gaussian_field

LABELS = gaussian_field((96, 128), correlation_length=10, seed=0)


def test_sample_is_scaled_grey_and_reproducible():
    images = sample_micrographs(3, shape=(96, 128), seed=7)
    for image, again in zip(images, sample_micrographs(2, shape=(96, 128), seed=7), strict=False):
        assert image.shape == (96, 128)
        assert image.dtype == np.uint8
        assert image.spacing == (4e-9, 4e-9)
        assert (image == again).all()
    assert (images[0] != images[1]).any()
    assert (images[0] != sample_micrographs(1, shape=(96, 128), seed=8)[0]).any()


def test_sample_uses_the_grey_scale_without_burning_out():
    for image in sample_micrographs(3):
        assert np.percentile(image, 99) - np.percentile(image, 1) > 120
        assert (image == 0).mean() < 0.001
        assert (image == 255).mean() < 0.01


def test_sample_is_one_material():
    porosity = np.array([(labels == 0).mean() for labels in sample_labels(6)])
    assert np.abs(porosity - 0.45).max() < 0.01


def test_a_patch_of_64_pixels_holds_several_features():
    from scipy.ndimage import distance_transform_edt

    labels = sample_labels(4)
    for phase in (0, 1):
        chords = [_mean_chord(np.asarray(sample) == phase) for sample in labels]
        assert 8 < np.mean(chords) < 25
    widest = [2 * distance_transform_edt(np.asarray(sample) == 0).max() for sample in labels]
    assert 20 < np.median(widest) < 45


def _mean_chord(mask):
    """Mean length of the runs along rows: voxels over run starts."""
    starts = mask[:, 1:] & ~mask[:, :-1]
    return mask.sum() / (starts.sum() + mask[:, 0].sum())


def test_drawing_has_bright_edges_and_the_noise_asked_for():
    flat = np.zeros((400, 400), np.uint8)
    flat[:, 200:] = 1
    clean = np.asarray(render_sem(flat, noise=0, shading=0, charging=0)).astype(float)
    assert clean[100, 201:206].max() > clean[100, 300] + 10
    assert clean[100, 300] - clean[100, 50] > 60
    noisy = np.asarray(render_sem(flat, noise=0.05, shading=0, charging=0)).astype(float)
    middle = (noisy - clean)[:, 260:380]
    level = clean[100, 300] / 255
    expected = 255 * 0.05 * np.sqrt(level / 0.5 + 1 / 16)
    assert middle.std() == pytest.approx(expected, rel=0.05)
    assert abs(middle.mean()) < 0.5


def test_contrast_is_that_between_the_phases():
    halves = np.zeros((400, 400), np.uint8)
    halves[:, 200:] = 1
    quiet = {"noise": 0, "shading": 0, "charging": 0}
    for contrast in (0.2, 0.4):
        image = np.asarray(render_sem(halves, contrast=contrast, **quiet)).astype(float)
        step = (image[:, 250:350].mean() - image[:, 50:150].mean()) / 255
        assert step == pytest.approx(contrast, rel=0.25)


def test_drawing_keeps_the_spacing_and_adds_a_bar_on_request():
    labels = ScaledImage(LABELS, spacing=2e-9, source="x")
    image = render_sem(labels, seed=1)
    assert image.spacing == (2e-9, 2e-9)
    barred = render_sem(labels, seed=1, info_bar=True)
    assert (barred[:96] == image).all()
    assert barred.shape[0] > 96
    assert barred.spacing == image.spacing


@pytest.mark.parametrize(
    ("labels", "options", "message"),
    [
        (np.zeros((4, 4, 4), np.uint8), {}, "2-D"),
        (LABELS, {"relief": np.zeros((3, 3))}, "relief"),
        (LABELS, {"noise": -0.1}, "noise"),
        (LABELS, {"blur": "much"}, "blur"),
        (LABELS, {"seed": 1.5}, "seed"),
    ],
)
def test_impossible_drawings_are_refused(labels, options, message):
    with pytest.raises(InputError, match=message):
        render_sem(labels, **options)


@pytest.mark.parametrize("shape", [(16, 64), (64, 64, 64), (64,)])
def test_samples_that_are_no_images_are_refused(shape):
    with pytest.raises(InputError, match="shape"):
        sample_micrographs(1, shape=shape)
    with pytest.raises(InputError, match="count"):
        sample_micrographs(0)


@pytest.mark.parametrize("value", [0, 1])
def test_labels_of_one_phase_can_be_drawn(value):
    image = render_sem(np.full((40, 40), value, np.uint8))
    assert image.std() > 0
