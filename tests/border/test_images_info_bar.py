"""Finding the info bar, and finding none where there is none."""

import numpy as np
import pytest

from microtwin.images import (
    ScaledImage,
    find_images,
    info_bar_rows,
    read_image,
    render_sem,
    sample_micrographs,
    save_image,
)
from microtwin.images.synthetic import gaussian_field

FIELD = gaussian_field((300, 400), correlation_length=15, seed=0)


@pytest.mark.parametrize("suffix", ["png", "jpg"])
@pytest.mark.parametrize("spacing", [None, 4e-9])
def test_a_drawn_bar_is_cut_off_exactly(tmp_path, suffix, spacing):
    labels = ScaledImage(FIELD, spacing=spacing)
    image = render_sem(labels, info_bar=True)
    assert image.shape[0] > 300
    path = save_image(tmp_path / f"sem.{suffix}", image)
    cropped = read_image(path, crop_info_bar=True)
    # JPEG may smear the edge over a row or two of its blocks.
    assert abs(cropped.shape[0] - 300) <= (0 if suffix == "png" else 2)


def test_a_given_number_of_rows_is_cut_off(tmp_path):
    path = save_image(tmp_path / "a.tif", np.zeros((3, 50, 40), np.uint8))
    assert read_image(path, crop_info_bar=12).shape == (3, 38, 40)
    assert read_image(path, crop_info_bar=0).shape == (3, 50, 40)


def test_sixteen_bit_and_white_bars_are_found():
    image = np.asarray(render_sem(ScaledImage(FIELD, spacing=1e-9), info_bar=True))
    rows = image.shape[0] - 300
    assert info_bar_rows(image.astype(np.uint16) * 257) == rows
    white = image.copy()
    white[300:] = 255 - white[300:]
    assert info_bar_rows(white) == rows


def test_no_bar_is_found_in_images_without_one():
    black_below = np.asarray(render_sem(FIELD))
    black_below[250:] = 0  # a void below the sample, nothing written on it
    ragged = np.asarray(sample_micrographs(1)[0])
    for image in (render_sem(FIELD), black_below, ragged, np.zeros((100, 100), np.uint8)):
        assert info_bar_rows(image) == 0


def test_the_real_bar_is_found_and_no_other(shared_data):
    gold = shared_data / "misc_micrographs" / "nanoporous_gold_aquami.png"
    # Row 691 is the frame of the bar, the first that is not gold.
    assert read_image(gold, crop_info_bar=True).shape == (691, 1024)
    folders = ["misc_micrographs", "ebc_cracks", "superalloy_sem", "powder_sem"]
    folders += ["nanocomposite_sem", "carbonblack_tem"]
    for path in find_images([shared_data / folder for folder in folders]):
        if path != gold:
            assert info_bar_rows(read_image(path)) == 0, path.name
