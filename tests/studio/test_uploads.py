"""What may come into a project, and what is refused before it is unpacked."""

import io
import struct
import zipfile
import zlib

import numpy as np
import pytest

from microtwin.errors import InputError
from microtwin.images import read_image, save_image
from microtwin.studio import uploads


@pytest.fixture
def take(project, tmp_path):
    """Take in bytes under a name; the temporary file must be gone afterwards."""

    def call(name, data):
        part = project.hidden("uploads") / f"part{name[name.rfind('.') :]}"
        part.write_bytes(data)
        try:
            return uploads.take_in(project, part, name)
        finally:
            assert not part.exists()

    return call


def png_of(width, height):
    """Return a PNG whose header promises a size, with hardly any data."""

    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    data = zlib.compress(b"\0" * 100)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    )


def zip_bomb():
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", b"\0" * 50_000_000)
    return stream.getvalue()


def saved(tmp_path, name, image):
    return save_image(tmp_path / name, image).read_bytes()


def test_an_image_is_kept_under_a_safe_name(take, project, tmp_path):
    data = saved(tmp_path, "a.png", np.arange(400, dtype=np.uint8).reshape(20, 20))
    kept = take("../my image.png", data)
    assert kept == project.root / "images" / "my_image.png"
    assert read_image(kept).shape == (20, 20)


def test_the_same_image_is_kept_once_and_another_of_its_name_beside_it(take, tmp_path):
    one = saved(tmp_path, "a.png", np.zeros((8, 8), np.uint8))
    other = saved(tmp_path, "b.png", np.eye(8, dtype=np.uint8))
    names = [take("x.png", data).name for data in (one, one, other, other)]
    assert names == ["x.png", "x.png", "x-2.png", "x-2.png"]


@pytest.mark.parametrize("side", [20_000, 60_000, 2**31 - 1])
def test_a_small_file_that_would_unpack_to_a_huge_picture_is_refused(take, project, side):
    with pytest.raises(InputError, match="would unpack to"):
        take("bomb.png", png_of(side, side))
    assert not (project.root / "images" / "bomb.png").exists()


@pytest.mark.parametrize("name", ["bomb.zip", "bomb.npz", "bomb.png", "bomb.tif", "bomb.npy"])
def test_a_zip_bomb_is_refused_under_any_name(take, name):
    with pytest.raises(InputError, match=r"no image that can be read|cannot be read as"):
        take(name, zip_bomb())


def test_an_array_that_promises_more_than_it_holds_is_refused(take):
    stream = io.BytesIO()
    header = {"descr": "|u1", "fortran_order": False, "shape": (10_000, 10_000)}
    np.lib.format.write_array_header_1_0(stream, header)
    with pytest.raises(InputError, match="is cut short"):
        take("a.npy", stream.getvalue() + b"\0" * 100)
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {**header, "shape": (2**40, 2)})
    with pytest.raises(InputError, match="would unpack to"):
        take("a.npy", stream.getvalue())


def test_python_objects_are_refused(take):
    stream = io.BytesIO()
    np.save(stream, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match="Python objects"):
        take("a.npy", stream.getvalue())


def test_a_huge_tiff_is_refused_by_its_header(take, tmp_path):
    import tifffile

    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.zeros((4, 4), np.uint8))
    data = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as file:
        for name in ("ImageWidth", "ImageLength"):
            tag = file.pages[0].tags[name]
            size = "<I" if tag.dtype == 4 else "<H"
            struct.pack_into(size, data, tag.valueoffset, 60_000)
    with pytest.raises(InputError, match="would unpack to 3,600,000,000 pixels"):
        take("a.tif", bytes(data))


@pytest.mark.parametrize("data", [b"", b"GIF89a" + b"\0" * 50, b"<html>", b"\x89PNG\r\n\x1a\n"])
def test_rubbish_is_refused_with_its_own_name(take, data):
    with pytest.raises(InputError, match=r"photo\.png") as error:
        take("photo.png", data)
    assert "part" not in str(error.value)


def packed_tiff(path, *, says, holds, code=8, after=b""):
    """Write a TIFF whose one strip unpacks to more than its header says."""
    import lzma

    import tifffile

    tifffile.imwrite(path, np.zeros((says, says), np.uint8))
    pack = {8: zlib.compress, 34925: lzma.compress}[code]
    strip = pack(b"\0" * holds) + after
    data = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as file:
        tags = file.pages[0].tags
        for name, value in (
            ("Compression", code), ("StripOffsets", len(data)), ("StripByteCounts", len(strip)),
        ):  # fmt: skip
            size = "<I" if tags[name].dtype == 4 else "<H"
            struct.pack_into(size, data, tags[name].valueoffset, value)
    path.write_bytes(bytes(data) + strip)
    return path.read_bytes()


@pytest.mark.parametrize("code", [8, 34925])
def test_a_strip_that_unpacks_to_more_than_the_header_says_is_refused(take, tmp_path, code):
    fair = packed_tiff(tmp_path / "a.tif", says=64, holds=64 * 64, code=code)
    assert read_image(take("fair.tif", fair)).shape == (64, 64)
    bomb = packed_tiff(tmp_path / "b.tif", says=64, holds=2**22, code=code)
    with pytest.raises(InputError, match="would unpack to more than its header says"):
        take("bomb.tif", bomb)


def test_a_second_stream_behind_the_first_counts_as_well(take, tmp_path):
    """Python's lzma unpacks all that follow each other."""
    import lzma

    two = packed_tiff(
        tmp_path / "a.tif", says=64, holds=64 * 64, code=34925, after=lzma.compress(b"1" * 2**22)
    )
    with pytest.raises(InputError, match="would unpack to more than its header says"):
        take("two.tif", two)


def test_what_a_description_promises_counts_as_well(take, tmp_path):
    import tifffile

    tifffile.imwrite(
        tmp_path / "a.tif", np.zeros((64, 64), np.uint8), metadata=None,
        description='{"shape": [10000000, 64, 64]}',
    )  # fmt: skip
    with pytest.raises(InputError, match="would unpack to 40,960,000,000 pixels"):
        take("a.tif", (tmp_path / "a.tif").read_bytes())


def test_bytes_are_counted_and_not_only_pixels(take):
    stream = io.BytesIO()
    header = {"descr": "<f8", "fortran_order": False, "shape": (1024, 1024, 1024)}
    np.lib.format.write_array_header_1_0(stream, header)
    with pytest.raises(InputError, match="would unpack to 1,073,741,824 pixels, more than 536,8"):
        take("a.npy", stream.getvalue())


def test_what_no_stage_would_list_is_refused(take, tmp_path):
    data = saved(tmp_path, "a.png", np.zeros((8, 8), np.uint8))
    with pytest.raises(InputError, match=r"cell_mask\.png must not end in _mask"):
        take("cell_mask.png", data)


def test_a_long_name_in_any_script_is_kept_as_far_as_disks_allow(take, tmp_path):
    data = saved(tmp_path, "a.png", np.zeros((8, 8), np.uint8))
    kept = take("漢" * 90 + ".png", data)
    assert kept.is_file()
    assert kept.name == "漢" * 33 + ".png"


def test_a_folder_of_the_same_name_is_let_be(take, project, tmp_path):
    (project.root / "images" / "a.png").mkdir()
    kept = take("a.png", saved(tmp_path, "a.png", np.zeros((8, 8), np.uint8)))
    assert kept.name == "a-2.png"


def test_a_disk_that_takes_nothing_is_told(take, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    data = saved(tmp_path, "a.png", np.zeros((8, 8), np.uint8))
    monkeypatch.setattr(uploads.os, "replace", full)
    with pytest.raises(InputError, match=r"a\.png cannot be kept: No space left on device"):
        take("a.png", data)


def test_what_came_into_a_project_another_way_is_not_unpacked_either(project):
    from microtwin.studio.pictures import thumbnail

    bomb = project.root / "images" / "bomb.png"
    bomb.write_bytes(png_of(60_000, 60_000))
    with pytest.raises(InputError, match="would unpack to"):
        thumbnail(bomb, project.hidden("thumbs"))


def test_a_zarr_folder_that_promises_too_much_is_not_read(project):
    zarr = pytest.importorskip("zarr")
    from microtwin.studio.pictures import read_structure

    path = project.root / "samples" / "a.zarr"
    zarr.create_array(path, shape=(2**14, 2**14, 2**14), chunks=(64, 64, 64), dtype="u1")
    with pytest.raises(InputError, match=r"a\.zarr would unpack to 4,398,046,511,104 pixels"):
        read_structure(path)
