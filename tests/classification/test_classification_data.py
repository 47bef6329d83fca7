"""Labelled images: from arrays, folders and tables, at one size."""

import numpy as np
import pytest

from microtwin.classification.data import LabelledImages, SizedFiles, stratified
from microtwin.errors import InputError
from microtwin.images import save_image

SMALL = {"size": (8, 8), "channels": 1}


@pytest.fixture
def folders(tmp_path):
    """A folder with two classes of three images each."""
    rng = np.random.default_rng(0)
    for name in ("good", "bad"):
        (tmp_path / name).mkdir()
        for i in range(3):
            grey = rng.integers(0, 256, (10, 12)).astype(np.uint8)
            save_image(tmp_path / name / f"{i}.png", grey)
    return tmp_path


def test_sub_folders_are_classes(folders):
    data = LabelledImages.of(folders, **SMALL)
    assert data.classes == ("bad", "good")
    assert data.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert data.batch([0, 4]).shape == (2, 8, 8, 1)
    assert data.counts == {"bad": 3, "good": 3}


def test_a_table_gives_labels_and_leaves_some_open(folders):
    rows = ["id,label,path", "0,YES,good/0.png", "1,,good/1.png", "2,NO,bad/0.png"]
    (folders / "table.csv").write_text("\n".join(rows) + "\n")
    data = LabelledImages.of(folders / "table.csv", **SMALL)
    assert data.classes == ("NO", "YES")
    assert data.labels.tolist() == [1, -1, 0]
    assert data.labelled.labels.tolist() == [1, 0]
    assert [source[-10:] for source in data.labelled.sources] == ["good/0.png", "/bad/0.png"]


def test_streamed_files_are_the_same_images_as_those_in_memory(folders):
    streamed = LabelledImages.of(folders, **SMALL, stream=True)
    kept = LabelledImages.of(folders, **SMALL, stream=False)
    assert isinstance(streamed.pixels, SizedFiles)
    np.testing.assert_array_equal(streamed.batch([5, 0, 3]), kept.batch([5, 0, 3]))
    np.testing.assert_array_equal(
        streamed.part([4, 1]).batch(slice(None)), kept.part([4, 1]).batch(slice(None))
    )


def test_bytes_stay_bytes_and_the_shape_that_fits_is_not_touched():
    images = np.random.default_rng(0).integers(0, 256, (4, 8, 8)).astype(np.uint8)
    data = LabelledImages.of(images, [0, 1, 0, 1], **SMALL)
    np.testing.assert_array_equal(data.pixels[..., 0], images)
    assert data.pixels.dtype == np.uint8
    assert data.classes == ("0", "1")


def test_numbers_as_classes_stand_in_the_order_of_numbers():
    images = np.zeros((3, 8, 8), np.uint8)
    assert LabelledImages.of(images, [10, 2, 1], **SMALL).classes == ("1", "2", "10")


def test_a_stack_of_floats_is_scaled_as_a_whole():
    images = np.stack([np.full((8, 8), v) for v in (-1.0, 0.0, 1.0)])
    data = LabelledImages.of(images, [0, 1, 1], **SMALL)
    assert data.pixels.dtype == np.float32
    np.testing.assert_allclose(data.pixels[:, 0, 0, 0], [0, 0.5, 1], atol=2e-3)


def test_grey_becomes_three_equal_channels_and_colours_their_luminance():
    grey = np.random.default_rng(0).integers(0, 256, (2, 8, 8)).astype(np.uint8)
    three = LabelledImages.of(grey, [0, 1], size=(8, 8), channels=3).pixels
    np.testing.assert_array_equal(three, np.repeat(grey[..., None], 3, axis=-1))
    green = np.zeros((2, 8, 8, 3), np.uint8)
    green[..., 1] = 255
    one = LabelledImages.of(green, [0, 1], **SMALL).pixels
    np.testing.assert_allclose(one, 0.7154 * 255, atol=1)


def test_shrinking_averages():
    checks = np.kron(np.indices((8, 8)).sum(0) % 2, np.ones((2, 2)))
    image = (255 * (np.indices((64, 64)).sum(0) % 2)).astype(np.uint8)
    small = LabelledImages.of([image, 255 * checks.astype(np.uint8)], [0, 1], **SMALL).pixels
    np.testing.assert_allclose(small[0, 2:-2, 2:-2, 0], 127.5, atol=3)


def test_parts_of_a_stratified_split_have_all_classes_in_their_shares():
    labels = np.repeat([0, 1, 2], [60, 30, 10])
    larger, held = stratified(labels, 0.2, seed=0)
    assert sorted([*larger, *held]) == list(range(100))
    assert np.bincount(labels[held]).tolist() == [12, 6, 2]
    assert not np.array_equal(held, stratified(labels, 0.2, seed=1)[1])


def test_a_digest_tells_images_and_labels_apart(folders):
    data = LabelledImages.of(folders, **SMALL)
    again = LabelledImages.of(folders, **SMALL)
    assert data.digest == again.digest
    assert data.digest != data.part([0, 1, 2]).digest
    other = LabelledImages(data.pixels, data.labels[::-1].copy(), data.classes, data.sources)
    assert data.digest != other.digest


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (np.zeros((2, 8, 8)), [0], "labels must be one an image: 1 for 2 images"),
        (np.zeros((8, 8)), [0], r"images must be \(n, y, x\)"),
        (np.zeros((2, 8, 8, 5)), [0, 1], "image 0 must have 1 or 3 channels, not 5"),
        ([], [], "images must be at least one image"),
        ({"a": 1}, None, "not a mapping"),
        ([np.zeros((2, 2), complex)], [0], "image 0 must be grey levels"),
        ("nowhere", None, "nowhere does not exist"),
    ],
)
def test_what_are_no_labelled_images_is_refused(images, labels, message):
    with pytest.raises(InputError, match=message):
        LabelledImages.of(images, labels, **SMALL)


def test_labels_outside_the_classes_are_refused():
    with pytest.raises(InputError, match="among the classes a, b; not 'c'"):
        LabelledImages.of(np.zeros((2, 8, 8)), ["a", "c"], **SMALL, classes=("a", "b"))


def test_a_class_of_one_image_cannot_be_split():
    with pytest.raises(InputError, match="at least 2 of each class"):
        stratified([0, 0, 0, 1], 0.5, seed=0)
