"""What lattice_artefact says of arguments and files that it cannot use."""

import numpy as np
import pytest

import microtwin as mt
from microtwin.errors import InputError

NOISE = (np.random.default_rng(0).random((9, 16, 16)) < 0.5).astype(np.uint8)


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (5, "samples must be a sequence of label arrays, not 5"),
        ("scan.tif", "samples must be a sequence of label arrays, not 'scan.tif'"),
        (NOISE[0], r"samples must have the shape \(n, y, x\) or \(n, z, y, x\), not 2-D"),
        (NOISE[None, None], r"samples must have the shape .*, not 5-D"),
        (NOISE[:7], "samples must be 8 or more to tell a lattice from chance, not 7"),
        ([], "samples must be 8 or more to tell a lattice from chance, not 0"),
        ([*NOISE, NOISE[0, 1:]], r"samples must have one shape, not \(16, 16\) and \(15, 16\)"),
        ([*NOISE, np.zeros((16, 16, 2))], r"samples must have one shape"),
        ([1] * 9, "each of samples must be 2-D or 3-D, not 0-D"),
        (NOISE - 0.5, "each of samples must lie in 0..255"),
        (NOISE[:, :7], "samples must be 8 voxels wide or more, not 7"),
    ],
)
def test_samples_that_do_not_fit(samples, message):
    with pytest.raises(InputError, match=message):
        mt.lattice_artefact(samples)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"phase": 3}, "phase must be a label that is present; 3 is not"),
        ({"phase": 300}, "phase must be"),
        ({"strides": (2, 9)}, "each of strides must be between 2 and 8, not 9"),
        ({"strides": 1}, "each of strides must be between 2 and 8, not 1"),
        ({"strides": ()}, "strides must hold at least one period, not none"),
        ({"strides": 2.5}, "each of strides must be an integer, not 2.5"),
        ({"strides": "2"}, "each of strides must be an integer, not '2'"),
        ({"false_alarm": 0}, "false_alarm must be between 1e-06 and 0.5, not 0"),
        ({"tolerance": -1}, "tolerance must be between 0 and 1, not -1"),
        ({"randomisations": 0}, "randomisations must be at least 1, not 0"),
        (
            {"randomisations": 300},
            "randomisations must be at least 399 for 2 strides at a false_alarm of 0.01, not 300",
        ),
        ({"seed": -1}, "seed must be"),
    ],
)
def test_arguments_that_do_not_fit(arguments, message):
    with pytest.raises(InputError, match=message):
        mt.lattice_artefact(NOISE, **arguments)


def test_just_enough_randomisations_make_the_largest_the_limit():
    found = mt.lattice_artefact(NOISE, strides=(2, 4), randomisations=399)
    assert found.randomisations == 399


def test_small_samples_can_be_measured_at_strides_of_half_of_them():
    assert mt.lattice_artefact(NOISE[:, :4, :5], strides=2).strides == (2,)
    with pytest.raises(InputError, match="samples must be 4 voxels wide or more, not 3"):
        mt.lattice_artefact(NOISE[:, :3], strides=2)


def test_files_that_are_something_else(tmp_path):
    found = mt.lattice_artefact(NOISE)
    with pytest.raises(InputError, match="cannot read"):
        mt.LatticeArtefact.from_csv(tmp_path / "none.csv")
    for text in ("", "{}", "[]", '{"format": "microtwin-lattice-1"}', "# {}\n1,2\n"):
        other = tmp_path / "other.txt"
        other.write_text(text)
        for read in (mt.LatticeArtefact.from_csv, mt.LatticeArtefact.from_json):
            with pytest.raises(InputError, match="is not a microtwin-lattice-1 file"):
                read(other)
    path = found.to_csv(tmp_path / "found.csv")
    path.write_text(path.read_text().replace("stride", "strode"))
    with pytest.raises(InputError, match="or is damaged"):
        mt.LatticeArtefact.from_csv(path)
    with pytest.raises(InputError, match="cannot be written"):
        found.to_json(tmp_path / "no" / "folder.json")
