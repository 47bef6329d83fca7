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
