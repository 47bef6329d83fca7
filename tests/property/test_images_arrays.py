"""Properties of cutting, scaling and shrinking that hold for every image."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from microtwin.errors import InputError
from microtwin.images import downscale, random_patches, read_image, save_image, to_float

images = hnp.arrays(
    st.sampled_from([np.uint8, np.uint16, np.float32]),
    hnp.array_shapes(min_dims=2, max_dims=3, min_side=6, max_side=12),
    elements=st.integers(0, 200),
)
seeds = st.integers(0, 2**32)


def _symmetries(patch):
    """Return all mirrored and turned forms of a square, and which of them are proper turns."""
    turned = [np.rot90(patch, k) for k in range(4)]
    return turned, [form[:, ::-1] for form in turned]


@given(images, seeds, st.booleans(), st.booleans())
def test_every_voxel_of_a_patch_comes_from_the_image(image, seed, flips, rotations):
    options = {"size": 4, "count": 3, "seed": seed, "flips": flips, "rotations": rotations}
    patches = random_patches(image, **options)
    assert patches.shape == (3, *[4] * image.ndim)
    assert patches.dtype == image.dtype
    assert np.isin(patches, image).all()
    assert (patches == random_patches([image], **options)).all()


@given(images, seeds)
def test_labels_are_cut_where_the_grey_levels_are(image, seed):
    labels = (image > 100).astype(np.uint8)
    options = {"size": 5, "count": 4, "seed": seed}
    grey = random_patches(image, **options)
    assert (random_patches(labels, **options) == (grey > 100)).all()


@pytest.mark.parametrize(
    ("flips", "rotations", "forms"), [(0, 0, 1), (1, 0, 4), (0, 1, 4), (1, 1, 8)]
)
def test_flips_and_rotations_give_just_their_symmetries(flips, rotations, forms):
    image = np.arange(9.0).reshape(3, 3)
    cut = random_patches(image, size=3, count=400, seed=1, flips=flips, rotations=rotations)
    found = {patch.tobytes() for patch in cut}
    turned, mirrored = _symmetries(image)
    allowed = turned + mirrored if flips else turned if rotations else [image]
    assert len(found) == forms
    assert found <= {form.tobytes() for form in allowed}


@pytest.mark.parametrize(("flips", "forms"), [(False, 24), (True, 48)])
def test_cubes_have_all_their_turns(flips, forms):
    cube = np.arange(27.0).reshape(3, 3, 3)
    cut = random_patches(cube, size=3, count=2000, seed=1, flips=flips)
    assert len({patch.tobytes() for patch in cut}) == forms


def test_every_place_in_every_image_is_equally_likely():
    small, large = np.full((8, 8), 0), np.arange(1, 16 * 11 + 1).reshape(16, 11)
    corners = random_patches(
        [small, large], size=8, count=20_000, seed=0, flips=False, rotations=False
    )
    hits = np.bincount(corners[:, 0, 0], minlength=177)
    places = np.concatenate([[0], large[:9, :4].ravel()])  # 1 place and 36
    expected = 20_000 / 37
    assert hits[places].sum() == 20_000
    chi_squared = ((hits[places] - expected) ** 2 / expected).sum()
    assert chi_squared < 36 + 4 * np.sqrt(2 * 36)


def test_patches_that_cannot_be_cut_are_refused():
    good = np.zeros((10, 10), np.uint8)
    for images_, options, message in [
        (good, {"size": 11}, "larger than image 0"),
        ([good, good[:5]], {"size": 8}, "larger than image 1"),
        ([good, good.astype(float)], {"size": 4}, "one type"),
        ([good, np.zeros((9, 9, 9), np.uint8)], {"size": 4}, "one type"),
        ([], {"size": 4}, "empty"),
        (good, {"size": 0}, "size"),
        (good, {"size": 4, "count": 0}, "count"),
        (good, {"size": 4, "seed": -1}, "seed"),
        (np.full((9, 9), np.nan), {"size": 4}, "NaN"),
    ]:
        with pytest.raises(InputError, match=message):
            random_patches(images_, **{"count": 3, **options})


@given(images)
def test_floats_lie_between_zero_and_one_and_keep_the_order(image):
    scaled = to_float(image)
    assert scaled.dtype == np.float32
    assert scaled.min() >= 0
    assert scaled.max() <= 1
    order = np.argsort(image, axis=None)
    assert all(a <= b for a, b in pairwise(np.asarray(scaled).ravel()[order]))


def test_grey_scales_are_those_documented():
    assert (to_float(np.array([[0, 255]], np.uint8)) == [0, 1]).all()
    assert (to_float(np.array([[False, True]])) == [0, 1]).all()
    assert (to_float(np.array([[0.25, 0.5]])) == [0.25, 0.5]).all()
    twelve_bit = np.random.default_rng(0).integers(0, 4096, (200, 200)).astype(np.uint16)
    twelve_bit[0, 0] = 65535  # a hot pixel does not squeeze the rest
    assert to_float(twelve_bit).mean() == pytest.approx(0.5, abs=0.01)
    assert (to_float(np.array([[1.0, 3.0]]), limits=(0, 4)) == [0.25, 0.75]).all()
    assert np.isfinite(to_float(np.full((3, 3), 700, np.uint16))).all()
    with pytest.raises(InputError, match="ascending"):
        to_float(np.zeros((3, 3)), limits=(1, 1))


@given(images, st.integers(1, 3))
def test_shrinking_by_a_whole_number_keeps_the_mean(image, factor):
    whole = tuple(slice(side // factor * factor) for side in image.shape)
    small = downscale(image, factor)
    assert small.shape == tuple(side // factor for side in image.shape)
    assert small.dtype == image.dtype
    assert abs(float(small.mean()) - image[whole].mean()) <= 0.5 + 1e-3


@given(images, st.sampled_from([1, 1.3, 2, 2.5]))
def test_shrunk_labels_are_labels_of_the_image(image, factor):
    labels = (image % 3).astype(np.uint8)
    small = downscale(labels, factor, labels=True)
    assert small.dtype == np.uint8
    assert np.isin(small, labels).all()
    if factor == 1:
        assert (small == labels).all()


def test_shrinking_to_nothing_is_refused():
    for factor in (0.5, 9, np.nan, "two"):
        with pytest.raises(InputError, match="factor"):
            downscale(np.zeros((8, 20)), factor)


@settings(max_examples=30)
@given(image=images, suffix=st.sampled_from(["tif", "npy"]))
def test_what_is_saved_is_read_back(tmp_path_factory, image, suffix):
    if image.shape[-1] in (3, 4):
        return  # such an npy file is colour by definition
    path = save_image(tmp_path_factory.mktemp("saved") / f"image.{suffix}", image)
    again = read_image(path)
    assert again.dtype == image.dtype
    assert (again == image).all()
