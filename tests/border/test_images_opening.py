"""Volumes opened in place: what is read is what was written, and what cannot be is named."""

import numpy as np
import pytest
import tifffile

import microtwin as mt
from microtwin.errors import InputError

VOLUME = np.random.default_rng(0).integers(0, 3, (5, 6, 7), np.uint8)


def written(path):
    """Write VOLUME in the format of the path's suffix; return the options that reading needs."""
    if path.suffix == ".npy":
        np.save(path, VOLUME)
    elif path.suffix == ".raw":
        VOLUME.tofile(path)
        return {"shape": VOLUME.shape}
    elif path.suffix == ".tif":
        tifffile.imwrite(path, VOLUME)
    elif path.suffix == ".zarr":
        pytest.importorskip("zarr").save_array(path, VOLUME)
    else:
        with pytest.importorskip("h5py").File(path, "w") as file:
            file["phases"] = VOLUME
    return {}


@pytest.mark.parametrize("suffix", [".npy", ".raw", ".tif", ".zarr", ".h5"])
def test_a_volume_in_place_is_the_volume(tmp_path, suffix):
    path = tmp_path / f"volume{suffix}"
    opened = mt.open_volume(path, **written(path))
    assert opened.shape == VOLUME.shape
    assert np.array_equal(opened[1:3], VOLUME[1:3])
    counted, whole = (
        measure(source, max_lag=2)
        for measure, source in ((mt.describe_tiles, opened), (mt.describe, VOLUME))
    )
    assert np.array_equal(counted.two_point.hits, whole.two_point.hits)


def test_a_raw_file_needs_a_shape_that_fits(tmp_path):
    VOLUME.tofile(tmp_path / "v.raw")
    with pytest.raises(InputError, match=r"shape must be given for v\.raw"):
        mt.open_volume(tmp_path / "v.raw")
    with pytest.raises(InputError, match=r"shape must fit v\.raw: 8 bytes .* the file has 210"):
        mt.open_volume(tmp_path / "v.raw", shape=(2, 2, 2))


def test_a_group_of_arrays_needs_a_key(tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "v.h5", "w") as file:
        file["a"] = file["b"] = VOLUME
    assert mt.open_volume(tmp_path / "v.h5", key="b").shape == VOLUME.shape
    with pytest.raises(InputError, match=r"key must name an array in v\.h5 \(a, b\), not None"):
        mt.open_volume(tmp_path / "v.h5")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("v.png", b"", "cannot be opened in place; that can be"),
        ("v.npy", b"rubbish", "cannot be opened in place"),
        ("v.tif", b"rubbish", "cannot be opened in place"),
        ("v.h5", b"rubbish", "cannot be opened in place|needs the package"),
    ],
)
def test_what_cannot_be_opened_is_named(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message):
        mt.open_volume(tmp_path / name)
    with pytest.raises(InputError, match="does not exist"):
        mt.open_volume(tmp_path / "none.npy")


def test_a_compressed_tiff_says_why(tmp_path):
    tifffile.imwrite(tmp_path / "v.tif", VOLUME, compression="zlib")
    with pytest.raises(InputError, match="cannot be opened in place"):
        mt.open_volume(tmp_path / "v.tif")
