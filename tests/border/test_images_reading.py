"""Every format that is read, and every file that is not."""

import pickle

import numpy as np
import pytest
import tifffile
from PIL import Image

from microtwin.errors import InputError
from microtwin.images import ScaledImage, find_images, read_image, save_image

GREY = np.arange(12 * 17, dtype=np.uint8).reshape(12, 17)
VOLUME = np.arange(5 * 6 * 7, dtype=np.uint16).reshape(5, 6, 7) * 300


@pytest.mark.parametrize("suffix", ["png", "tif", "TIFF", "bmp", "npy"])
def test_grey_image_comes_back_as_it_was_written(tmp_path, suffix):
    path = tmp_path / f"image.{suffix}"
    if suffix == "bmp":
        Image.fromarray(GREY).save(path)
    else:
        save_image(path, GREY)
    image = read_image(path)
    assert image.dtype == np.uint8
    assert (image == GREY).all()
    assert image.source == str(path)


@pytest.mark.parametrize("dtype", [np.bool_, np.uint8, np.uint16, np.float32, np.float64, np.int32])
@pytest.mark.parametrize("suffix", ["tif", "npy"])
def test_types_survive_tiff_and_npy(tmp_path, dtype, suffix):
    array = (GREY % 7).astype(dtype)
    image = read_image(save_image(tmp_path / f"a.{suffix}", array))
    assert (image == array).all()
    assert image.dtype == (np.uint8 if (dtype, suffix) == (np.bool_, "tif") else dtype)


@pytest.mark.parametrize("dtype", [np.bool_, np.uint8, np.uint16])
def test_types_survive_png(tmp_path, dtype):
    array = (GREY % 2).astype(dtype) * dtype(1 if dtype is np.bool_ else 255)
    image = read_image(save_image(tmp_path / "a.png", array))
    assert image.dtype == dtype
    assert (image == array).all()


def test_pages_of_a_tiff_are_the_planes_of_a_volume(tmp_path):
    path = tmp_path / "volume.tif"
    with tifffile.TiffWriter(path) as file:
        for plane in VOLUME:
            file.write(plane, contiguous=False)
    assert (read_image(path) == VOLUME).all()


@pytest.mark.parametrize("planes", [2, 3, 4])
def test_few_planes_are_not_taken_for_colours(tmp_path, planes):
    volume = VOLUME[:planes]
    assert (read_image(save_image(tmp_path / "few.tif", volume)) == volume).all()


def test_a_compressed_tiff_is_read_without_imagecodecs(tmp_path):
    path = tmp_path / "lzw.tif"
    pages = [Image.fromarray(GREY), Image.fromarray(255 - GREY)]
    pages[0].save(path, compression="tiff_lzw", save_all=True, append_images=pages[1:])
    assert (read_image(path) == np.stack([GREY, 255 - GREY])).all()


def test_white_is_zero_tiffs_are_turned_over(tmp_path):
    path = tmp_path / "white.tif"
    tifffile.imwrite(path, 255 - GREY, photometric="miniswhite")
    assert (read_image(path) == GREY).all()


def test_jpeg_is_read_nearly_as_it_was(tmp_path):
    smooth = np.add.outer(np.arange(64), np.arange(64)).astype(np.uint8)
    image = read_image(save_image(tmp_path / "a.jpg", smooth))
    assert np.abs(image.astype(int) - smooth).max() <= 3


def test_raw_numbers_are_read_with_shape_and_dtype(tmp_path):
    path = tmp_path / "volume.raw"
    VOLUME.tofile(path)
    assert (read_image(path, shape=VOLUME.shape, dtype=np.uint16) == VOLUME).all()
    big = tmp_path / "big_endian.raw"
    VOLUME.astype(">u2").tofile(big)
    image = read_image(big, shape=VOLUME.shape, dtype=">u2")
    assert (image == VOLUME).all()
    assert image.dtype == np.uint16


def test_npz_with_several_arrays_needs_a_key(tmp_path):
    path = tmp_path / "two.npz"
    np.savez(path, grey=GREY, other=GREY + 1)
    with pytest.raises(InputError, match="grey"):
        read_image(path)
    assert (read_image(path, key="grey") == GREY).all()
    with pytest.raises(InputError, match="no array 'x'"):
        read_image(path, key="x")


def test_hdf5_with_several_data_sets_needs_a_key(tmp_path):
    h5py = pytest.importorskip("h5py", reason="h5py is not installed")
    path = tmp_path / "scan.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("entry/data", data=GREY, chunks=(4, 4), compression="gzip")
    assert (read_image(path) == GREY).all()
    assert find_images(path) == [path]
    with h5py.File(path, "a") as file:
        file["entry/other"] = GREY + 1
        file["text"] = "no numbers"
    with pytest.raises(InputError, match=r"holds 3 data sets; choose one by key=: .*entry/data"):
        read_image(path)
    assert (read_image(path, key="entry/other") == GREY + 1).all()
    for key in ("x", "entry"):
        with pytest.raises(InputError, match=f"holds no data set '{key}'"):
            read_image(path, key=key)
    with pytest.raises(InputError, match="must hold numbers in '/text', not object"):
        read_image(path, key="text")


def test_grey_stored_as_colour_collapses(tmp_path):
    path = tmp_path / "rgb.png"
    Image.fromarray(np.stack([GREY] * 3, -1)).save(path)
    assert (read_image(path) == GREY).all()
    opaque = tmp_path / "rgba.png"
    Image.fromarray(np.dstack([GREY, GREY, GREY, np.full_like(GREY, 255)])).save(opaque)
    assert (read_image(opaque) == GREY).all()
    palette = tmp_path / "palette.png"
    Image.fromarray(GREY).convert("P").save(palette)
    assert (read_image(palette) == GREY).all()
    tiff = tmp_path / "rgb.tif"
    tifffile.imwrite(tiff, np.stack([GREY] * 3, -1), photometric="rgb")
    assert (read_image(tiff) == GREY).all()


def test_grey_jpeg_stored_as_colour_collapses(tmp_path):
    rng = np.random.default_rng(0)
    grey = rng.integers(0, 256, (64, 64), dtype=np.uint8)
    path = tmp_path / "a.jpg"
    Image.fromarray(np.stack([grey] * 3, -1)).save(path, quality=95)
    assert read_image(path).shape == (64, 64)


@pytest.mark.parametrize("suffix", ["png", "tif", "npy"])
def test_colour_needs_a_channel(tmp_path, suffix):
    colour = np.stack([GREY, GREY // 2, 255 - GREY], -1)
    path = tmp_path / f"colour.{suffix}"
    if suffix == "npy":
        np.save(path, colour)
    elif suffix == "tif":
        tifffile.imwrite(path, colour, photometric="rgb")
    else:
        Image.fromarray(colour).save(path)
    with pytest.raises(InputError, match="channel="):
        read_image(path)
    assert (read_image(path, channel=1) == GREY // 2).all()
    assert (read_image(path, channel="blue") == 255 - GREY).all()
    mixed = colour @ np.array([0.2125, 0.7154, 0.0721])
    assert np.abs(read_image(path, channel="luminance") - mixed).max() <= 0.5
    for wrong in (3, "cyan", -1, True):
        with pytest.raises(InputError, match="channel"):
            read_image(path, channel=wrong)


def test_a_channel_of_a_grey_image_is_refused(tmp_path):
    with pytest.raises(InputError, match="no colour channels"):
        read_image(save_image(tmp_path / "a.png", GREY), channel=1)


def test_spacing_given_wins_over_that_of_the_file(tmp_path):
    anisotropic = ScaledImage(VOLUME, spacing=(50e-9, 20e-9, 10e-9))
    path = save_image(tmp_path / "scaled.tif", anisotropic)
    assert read_image(path).spacing == pytest.approx((50e-9, 20e-9, 10e-9), rel=1e-6)
    assert read_image(path, spacing=1e-9).spacing == (1e-9,) * 3
    plane = save_image(tmp_path / "plane.tif", ScaledImage(GREY, spacing=(3e-9, 4e-9)))
    assert read_image(plane).spacing == pytest.approx((3e-9, 4e-9), rel=1e-6)


def test_pixel_size_of_the_microscope_is_believed(tmp_path):
    zeiss = tmp_path / "zeiss.tif"
    text = b"\r\n".join([b"", b"AP_IMAGE_PIXEL_SIZE", b"Image Pixel Size = 2.5 nm", b""])
    tifffile.imwrite(zeiss, GREY, extratags=[(34118, "s", 0, text, True)])
    assert read_image(zeiss).spacing == pytest.approx((2.5e-9, 2.5e-9))
    fei = tmp_path / "fei.tif"
    text = b"[Scan]\r\nPixelWidth=3e-09\r\nPixelHeight=4e-09\r\n"
    tifffile.imwrite(fei, GREY, extratags=[(34682, "s", 0, text, True)])
    assert read_image(fei).spacing == pytest.approx((4e-9, 3e-9))


def test_plain_resolution_tags_are_not_believed(tmp_path):
    path = tmp_path / "dpi.tif"
    tifffile.imwrite(path, GREY, resolution=(72, 72), resolutionunit="INCH")
    assert read_image(path).spacing is None


def _broken_files(folder):
    """Yield a file, options and what the error must say."""
    (folder / "text.tif").write_text("This is no image.\n" * 50)
    yield "text.tif", {}, "not a readable TIF"
    (folder / "text.png").write_text("This is no image.\n" * 50)
    yield "text.png", {}, "not a readable PNG"
    (folder / "text.npy").write_text("This is no array.\n" * 50)
    yield "text.npy", {}, "pickled|not a readable NPY"
    (folder / "empty.tif").touch()
    yield "empty.tif", {}, "0 bytes"
    yield "missing.tif", {}, "does not exist"
    (folder / "folder.tif").mkdir()
    yield "folder.tif", {}, "is a folder"
    (folder / "image.xyz").write_bytes(b"abc")
    yield "image.xyz", {}, "suffix"
    noise = np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)
    for suffix in ("png", "jpg", "tif", "npy"):
        whole = save_image(folder / f"whole.{suffix}", noise).read_bytes()
        (folder / f"half.{suffix}").write_bytes(whole[: len(whole) // 2])
        yield f"half.{suffix}", {}, "not a readable|cut short"
    np.save(folder / "line.npy", np.arange(10))
    yield "line.npy", {}, "2-D or 3-D, not 1-D"
    np.save(folder / "four.npy", np.zeros((6, 6, 6, 6)))
    yield "four.npy", {}, "not 4-D"
    np.save(folder / "nothing.npy", np.zeros((0, 5)))
    yield "nothing.npy", {}, "empty"
    np.save(folder / "complex.npy", np.zeros((5, 5), complex))
    yield "complex.npy", {}, "real numbers"
    for name, value in (("nan", np.nan), ("inf", np.inf)):
        np.save(folder / f"{name}.npy", np.array([[1.0, value], [2.0, 3.0]]))
        yield f"{name}.npy", {}, "NaN or infinite"
    tifffile.imwrite(folder / "nan.tif", np.full((4, 4), np.nan, np.float32))
    yield "nan.tif", {}, "NaN or infinite"
    GREY.tofile(folder / "plain.raw")
    yield "plain.raw", {}, "shape="
    yield "plain.raw", {"shape": (12, 18)}, "204 bytes.*216"
    yield "plain.raw", {"shape": (12, 17), "dtype": np.uint16}, "204 bytes.*408"
    yield "plain.raw", {"shape": (12, 17), "dtype": object}, "dtype"
    yield "plain.raw", {"shape": (12, 17), "dtype": "nonsense"}, "dtype"
    yield "plain.raw", {"shape": (204,)}, "shape"
    save_image(folder / "good.png", GREY)
    yield "good.png", {"shape": (12, 17)}, "raw files only"
    yield "good.png", {"spacing": -1.0}, "spacing"
    yield "good.png", {"spacing": (1.0, 2.0, 3.0)}, "spacing"
    yield "good.png", {"crop_info_bar": 12}, "crop_info_bar"
    yield "good.png", {"key": "a"}, "npz"


def test_every_bad_file_gives_one_clear_line(tmp_path):
    for name, options, message in _broken_files(tmp_path):
        with pytest.raises(InputError, match=message) as caught:
            read_image(tmp_path / name, **options)
        # The message names the file, or the argument that is wrong with it.
        assert name in str(caught.value) or any(option in str(caught.value) for option in options)


class Bomb:
    """Unpickling this marks that foreign code has run."""

    exploded = False

    def __reduce__(self):
        return setattr, (Bomb, "exploded", True)


@pytest.mark.parametrize("suffix", ["npy", "npz"])
def test_pickled_objects_are_never_loaded(tmp_path, suffix):
    path = tmp_path / f"bomb.{suffix}"
    objects = np.array([Bomb()], dtype=object)
    if suffix == "npy":
        np.save(path, objects, allow_pickle=True)
    else:
        np.savez(path, objects)
    with pytest.raises(InputError, match="Python objects"):
        read_image(path)
    plain = tmp_path / "plain.npy"
    plain.write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(InputError, match="Python objects"):
        read_image(plain)
    assert not Bomb.exploded


def test_a_partly_transparent_image_needs_a_channel(tmp_path):
    path = tmp_path / "clear.png"
    Image.fromarray(np.dstack([GREY, GREY, GREY, GREY])).save(path)
    with pytest.raises(InputError, match="transparent"):
        read_image(path)
    assert (read_image(path, channel=0) == GREY).all()


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("a.png", VOLUME, "2-D"),
        ("a.png", GREY.astype(float), "stretch=True"),
        ("a.jpg", GREY.astype(np.uint16), "uint8"),
        ("a.gif", GREY, "must end in"),
        ("no/such/folder/a.png", GREY, "cannot be written"),
        ("a.png", np.zeros((3, 0)), "empty"),
    ],
)
def test_what_cannot_be_written_is_refused(tmp_path, name, array, message):
    with pytest.raises(InputError, match=message):
        save_image(tmp_path / name, array)
    assert list(tmp_path.iterdir()) == []


def test_stretched_labels_are_visible(tmp_path):
    labels = (GREY % 3).astype(np.uint8)
    image = read_image(save_image(tmp_path / "a.png", labels, stretch=True))
    assert set(np.unique(image)) == {0, 128, 255}
