"""A file that is damaged in whatever way is told of in one sentence, or read; nothing else."""

import shutil
import warnings

import numpy as np
import pytest
import tifffile

import microtwin as mt
from faults.damaged import KINDS, LABELS, VOLUME, damages, zarr_folder
from microtwin.errors import InputError, MicrotwinError

FLIPS = 60


def refusal(read, path):
    """Return what is said of a file, None if it is read; anything unforeseen goes through."""
    try:
        read(path)
    except MicrotwinError as error:
        return str(error)
    return None


@pytest.mark.parametrize("name", KINDS)
def test_a_damaged_file_is_read_or_refused_by_name(name, tmp_path):
    kind = KINDS[name]
    good = tmp_path / f"good{kind.suffix}"
    kind.write(good)
    kind.read(good)
    file = tmp_path / f"damaged{kind.suffix}"
    refused = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # decoders warn of what they then refuse
        for data in damages(good.read_bytes(), np.random.default_rng(0), flips=FLIPS):
            file.write_bytes(data)
            said = refusal(kind.read, file)
            # Of what was read, but is no structure, the errors of what was asked for speak.
            assert said is None or any(n in said for n in (file.name, "labels", "volume")), said
            refused += said is not None
    assert refused >= 5, "hardly anything was noticed"


def test_a_zarr_folder_in_pieces_is_read_or_refused(tmp_path):
    good = zarr_folder(tmp_path / "good.zarr")
    rng = np.random.default_rng(0)
    refused = 0
    for part in [p.relative_to(good) for p in good.rglob("*") if p.is_file()]:
        data = (good / part).read_bytes()
        for broken in damages(data, rng, flips=30):
            folder = tmp_path / "damaged.zarr"
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(good, folder)
            (folder / part).write_bytes(broken)
            call = lambda path: mt.describe_tiles(mt.open_volume(path), max_lag=2)  # noqa: E731
            refused += refusal(call, folder) is not None
    assert refused >= 5


def test_a_zarr_folder_that_lacks_a_chunk_is_as_empty_there(tmp_path):
    """Zarr cannot tell a chunk that is lost from one that is all zero."""
    folder = zarr_folder(tmp_path / "a.zarr")
    for chunk in (folder / "c").rglob("*"):
        if chunk.is_file():
            chunk.unlink()
    with pytest.raises(InputError, match="at least two phases"):
        mt.describe_tiles(mt.open_volume(folder), max_lag=2)
    assert VOLUME.any()


@pytest.mark.parametrize("missing", [1, 20, 80])
def test_a_tiff_that_lacks_its_last_pixels_is_not_read_as_zeros(tmp_path, missing):
    """Its header is whole, and a decoder may fill up what is not there."""
    file = tmp_path / "image.tif"
    tifffile.imwrite(file, LABELS, compression="zlib", rowsperstrip=1)
    with tifffile.TiffFile(file) as opened:
        page = opened.pages[0]
        end = max(map(sum, zip(page.dataoffsets, page.databytecounts, strict=True)))
    assert end == file.stat().st_size > missing
    file.write_bytes(file.read_bytes()[:-missing])
    with pytest.raises(InputError, match=rf"image.tif is cut short: {missing} bytes are missing"):
        mt.read_image(file)
