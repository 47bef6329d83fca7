"""Marks in arrays and files, files of classifiers, and clear errors for what is neither."""

import json
import pickle

import numpy as np
import pytest
from PIL import Image

import microtwin as mt
from microtwin.errors import InputError
from microtwin.images import ScaledImage, save_image
from microtwin.images.synthetic import stripes
from microtwin.phases import read_marks

TRUTH = stripes((40, 60), width=20, axis=1)
GREY = (60 + 100 * TRUTH + np.random.default_rng(0).integers(0, 20, TRUTH.shape)).astype(np.uint8)
MARKS = np.full(TRUTH.shape, -1)
MARKS[10:14] = TRUTH[10:14]


@pytest.fixture(scope="module")
def classifier():
    return mt.train_pixels(GREY, MARKS, scales=(1,))


def painted(path, colours, *, image=GREY, alpha=None):
    """An image with rows 10 to 13 of each phase painted over in a colour."""
    picture = np.stack([image] * 3, axis=-1)
    for phase, colour in enumerate(colours):
        picture[phase == MARKS] = colour
    if alpha is not None:
        picture = np.dstack([picture, alpha])
    Image.fromarray(picture).save(path)
    return path


def test_spacing_and_source_are_kept_and_labels_are_bytes(classifier):
    labels = classifier.segment(ScaledImage(GREY, spacing=5e-9, source="a.tif"))
    assert (labels.dtype, labels.spacing, labels.source) == (np.uint8, (5e-9, 5e-9), "a.tif")
    assert (labels == TRUTH).all()


def test_several_images_of_any_size_are_learned_from():
    both = mt.train_pixels(iter([GREY, GREY[:, :50]]), [MARKS, MARKS[:, :50]], scales=(1,))
    assert both.images == 2
    assert both.marked == (4 * 40 + 4 * 30, 4 * 20 + 4 * 20)
    assert (both.segment(GREY) == TRUTH).all()


def test_phases_are_the_marks_in_ascending_order_or_in_the_order_given():
    zero = np.where(MARKS >= 0, 10 * (MARKS + 1), 0)
    plain = mt.train_pixels(GREY, zero, unmarked=0, scales=(1,))
    assert plain.phases == (10, 20)
    assert (plain.segment(GREY) == TRUTH).all()
    turned = mt.train_pixels(GREY, zero, unmarked=0, phases=(20, 10), scales=(1,))
    assert (turned.segment(GREY) == 1 - TRUTH).all()


def test_tiny_constant_and_one_voxel_thick_images_are_labelled(classifier):
    assert classifier.segment(np.array([[7]])).shape == (1, 1)
    assert classifier.segment(np.full((3, 500), 9.0)).shape == (3, 500)
    thick = mt.train_pixels(GREY[None], MARKS[None], scales=(1,))
    assert (thick.segment(GREY[None])[0] == TRUTH).mean() > 0.98
    assert mt.train_pixels(GREY * 0, MARKS, scales=(1,)).segment(GREY * 0).max() <= 1


@pytest.mark.parametrize(
    ("colours", "names"),
    [
        ([(255, 0, 0), (0, 0, 255)], ("red", "blue")),
        ([(237, 28, 36), (34, 177, 76)], ("red", "green")),  # what other programs call them
        ([(255, 255, 0), (255, 0, 255)], ("yellow", "magenta")),
    ],
)
def test_strokes_painted_over_the_image_are_read(tmp_path, colours, names):
    marks = read_marks(painted(tmp_path / "a.png", colours))
    assert ((marks < 0) == (MARKS < 0)).all()
    classifier = mt.train_pixels(GREY, marks, scales=(1,))
    assert classifier.phases == names
    assert (classifier.segment(GREY) == TRUTH).all()
    again = mt.load_pixels(classifier.save(tmp_path / "c.npz"))
    assert again.phases == names
    turned = mt.train_pixels(GREY, marks, phases=names[::-1], scales=(1,))
    assert (turned.segment(GREY) == 1 - TRUTH).all()


def test_strokes_on_a_transparent_layer_are_those_that_can_be_seen(tmp_path):
    alpha = np.where(np.arange(60) < 50, 255, 0).astype(np.uint8) * np.ones((40, 1), np.uint8)
    marks = read_marks(painted(tmp_path / "a.png", [(255, 0, 0), (0, 255, 0)], alpha=alpha))
    assert (marks[:, 50:] == -1).all()
    assert ((marks[:, :50] < 0) == (MARKS[:, :50] < 0)).all()


def test_values_in_a_file_are_marks_and_0_is_one_in_masks_only(tmp_path):
    strokes = np.where(MARKS >= 0, MARKS + 1, 0).astype(np.uint8)
    for name in ("a.png", "a.tif", "a.npy"):
        marks = read_marks(save_image(tmp_path / name, strokes))
        assert (marks == np.where(MARKS >= 0, MARKS + 1, -1)).all()
    mask = save_image(tmp_path / "mask.png", (255 * TRUTH).astype(np.uint8))
    assert (read_marks(mask, full=True) == 255 * TRUTH.astype(int)).all()
    volume = save_image(tmp_path / "v.tif", np.stack([strokes] * 5))
    assert read_marks(volume).shape == (5, 40, 60)


def test_files_without_marks_are_refused(tmp_path):
    grey = save_image(tmp_path / "black.png", np.zeros((9, 9), np.uint8))
    orange = painted(tmp_path / "orange.png", [(255, 128, 0), (255, 0, 0)])
    dull = np.stack([GREY, GREY, GREY + 20], axis=-1)
    Image.fromarray(dull).save(tmp_path / "dull.png")
    floats = save_image(tmp_path / "grey.npy", GREY / 255)
    for path, message in [
        (grey, "has no marks: all its values are 0"),
        (orange, r"pixels of a colour that is none of red, green.*\(255, 128, 0\)"),
        (tmp_path / "dull.png", "has no marks: nothing in it is red"),
        (floats, "is it the image and not its marks"),
        (tmp_path / "none.png", "does not exist"),
    ]:
        with pytest.raises(InputError, match=message):
            read_marks(path)


@pytest.mark.parametrize(
    ("images", "marks", "options", "message"),
    [
        (GREY, MARKS[1:], {}, r"marks 0 must have the shape of their image, \(40, 60\)"),
        (GREY, [MARKS, MARKS], {}, "one array for each of 1 images, not 2"),
        ([], [], {}, "there is none"),
        ([GREY, GREY[None]], [MARKS, MARKS[None]], {}, "all 2-D or all 3-D"),
        (GREY, np.full(TRUTH.shape, -1), {}, "marks 0 must mark something"),
        (GREY, np.where(MARKS == 0, 3, -1), {}, "at least two phases, not of 1: all are 3"),
        (GREY, np.where(MARKS == 0, 300, -1), {}, "must lie in -1..255, not -1..300"),
        (GREY, MARKS + 0.5, {}, "whole numbers"),
        (GREY, MARKS, {"phases": (0,)}, "1 is marked as well"),
        (GREY, MARKS, {"phases": (0, 1, 2)}, "phases must be among the marks, 0, 1; not 2"),
        (GREY, MARKS, {"phases": ("red", 1)}, "among the marks, 0, 1; not red"),
        (GREY, MARKS, {"phases": ("pink", 1)}, "each colour in phases must be one of red"),
        (GREY, MARKS, {"phases": (0, 0)}, "different marks"),
        (GREY, np.where(np.arange(2400).reshape(40, 60) == 9, 5, MARKS), {}, "of 5 they hold 1"),
        (GREY, MARKS, {"method": "magic"}, "method must be one of forest, svm"),
        (GREY, MARKS, {"levels": "log"}, "levels must be one of"),
        (GREY, MARKS, {"weights": "heavy"}, "weights must be one of"),
        (GREY, MARKS, {"scales": ()}, "scales must not be empty"),
        (GREY, MARKS, {"scales": 3}, "scales must be several numbers"),
        (GREY, MARKS, {"scales": (0,)}, "each of scales must be between 0.3 and 64, not 0"),
        (GREY, MARKS, {"seed": -1}, "seed must be"),
        (GREY, MARKS, {"threads": 0}, "threads must be"),
        (np.array([["a"]]), MARKS, {}, "image 0 must hold real numbers"),
    ],
)
def test_what_cannot_be_learned_from_is_refused(images, marks, options, message):
    with pytest.raises(InputError, match=message):
        mt.train_pixels(images, marks, **options)


def test_images_of_another_dimension_are_refused(classifier):
    for call in (classifier.segment, classifier.probabilities):
        with pytest.raises(InputError, match="2-D like those learned from, not 3-D"):
            call(GREY[None])
        with pytest.raises(InputError, match="NaN"):
            call(np.full((4, 4), np.nan))


@pytest.mark.parametrize("method", ["forest", "svm"])
def test_files_that_are_no_classifiers_are_refused(method, tmp_path):
    path = mt.train_pixels(GREY, MARKS, method=method, scales=(1,)).save(tmp_path / "good.npz")
    with np.load(path) as archive:
        good = dict(archive)

    def damaged(**changes):
        np.savez(tmp_path / "bad.npz", **{**good, **changes})

    about = json.loads(str(good["about"]))
    changes = [{"about": np.array("{}")}, {"about": np.array(3)}]
    for name, value in [("format", "x"), ("method", "y"), ("ndim", 4), ("scales", [1, 2])]:
        changes.append({"about": np.array(json.dumps({**about, name: value}))})
    for name in set(good) - {"about"}:
        wrong = good[name].astype(float)
        changes += [{name: wrong[..., None]}, {name: wrong * np.nan}]
    if method == "forest":
        # scikit-learn would look for these in memory that is not the tree's.
        changes += [{"left": good["left"] + 10**6}, {"feature": good["feature"] + 99}]
        changes += [{"right": np.where(good["right"] > 0, 0, -1)}, {"starts": good["starts"][::-1]}]
    for change in changes:
        damaged(**change)
        with pytest.raises(InputError, match="no microtwin pixel classifier"):
            mt.load_pixels(tmp_path / "bad.npz")
    text = path.read_bytes()
    for content in (text[: len(text) // 2], b"", b"text", pickle.dumps([1])):
        (tmp_path / "bad.npz").write_bytes(content)
        with pytest.raises(InputError, match="no microtwin pixel classifier"):
            mt.load_pixels(tmp_path / "bad.npz")
    with pytest.raises(InputError, match="cannot be read: No such file"):
        mt.load_pixels(tmp_path / "none.npz")


def test_a_classifier_is_saved_whole_or_not_at_all(classifier, tmp_path):
    with pytest.raises(InputError, match=r"must end in \.npz"):
        classifier.save(tmp_path / "a.pkl")
    (tmp_path / "taken.npz").mkdir()
    with pytest.raises(InputError, match="cannot be written"):
        classifier.save(tmp_path / "taken.npz")
    with pytest.raises(InputError, match="cannot be written"):
        classifier.save(tmp_path / "nowhere" / "a.npz")
    assert [p.name for p in tmp_path.iterdir()] == ["taken.npz"]


def test_strokes_on_real_micrographs_do_better_than_otsu(shared_data):
    folder = shared_data / "superalloy_sem"

    def pair(name):
        mask = mt.read_image(folder / f"{name}_mask.png")
        return mt.read_image(folder / f"{name}.png"), np.asarray(mask > 0, np.uint8)

    grey, mask = pair("spot4_0d_3")
    strokes = np.full(mask.shape, -1)
    strokes[100:500:100] = mask[100:500:100]  # four lines across
    classifier = mt.train_pixels(grey, strokes, seed=0)
    other, truth = pair("spot6_0d_2")
    own = (classifier.segment(other) == truth).mean()
    assert own > 0.85
    assert own > (mt.segment(other, smooth=2) == 1 - truth).mean() + 0.02
