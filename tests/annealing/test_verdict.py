"""What a twin was not annealed to, measured by how much its material scatters."""

import numpy as np
import pytest

import microtwin as mt
from microtwin.annealing.verdict import unconstrained
from microtwin.errors import InputError
from microtwin.images import synthetic


def blobs(shape, seed=0, fraction=0.4):
    return synthetic.gaussian_field(shape, correlation_length=4, fraction=fraction, seed=seed)


def shuffled(labels):
    return np.random.default_rng(0).permutation(labels.ravel()).reshape(labels.shape)


# In a volume noise of more than 31 % percolates, and so do blobs of more than about 16 %.
@pytest.mark.parametrize(("shape", "fraction"), [((192, 192), 0.4), ((48, 48, 48), 0.25)])
def test_noise_of_the_same_fraction_fails_against_blobs(shape, fraction):
    real = blobs(shape, fraction=fraction)
    verdict = unconstrained(shuffled(real), real)
    failed = {row.statistic for row in verdict.failures}
    assert {"cluster", "chord_length", "pore_size", "euler_density"} <= failed
    assert ("two_point", "face_diagonals") in {(r.statistic, r.directions) for r in verdict.rows}
    assert ("two_point", "axes") not in {(r.statistic, r.directions) for r in verdict.rows}
    assert "two_point" in failed  # along the diagonals, and radial
    assert not verdict.passed
    assert "Annealing failed in " in str(verdict)
    assert "- C2, which ends hang together (axes): off by " in str(verdict)


@pytest.mark.parametrize("seed", range(3))
def test_one_half_of_a_medium_passes_against_the_other(seed):
    image = synthetic.overlapping_spheres((400, 200), radius=4, porosity=0.5, seed=seed)
    verdict = unconstrained(image[:200], image[200:])
    assert verdict.passed, str(verdict)
    assert str(verdict).splitlines()[-1].startswith("The twin is within what samples")
    assert verdict.parts == 9


def test_one_half_of_a_volume_passes_against_the_other():
    volume = blobs((112, 56, 56), seed=1)
    verdict = unconstrained(volume[:56], volume[56:])
    assert verdict.passed, str(verdict)
    assert verdict.parts == 8
    assert {"percolating_z", "largest_fraction", "specific_surface"} <= {
        row.statistic for row in verdict.rows
    }


def test_annealing_to_s2_alone_fails_where_it_is_known_to():
    """S2 along the axes does not tell what hangs together, nor of chords along the diagonals."""
    real = synthetic.overlapping_spheres((256, 256), radius=6, porosity=0.6, seed=0)
    target = mt.describe(real, phase=1, statistics="two_point", max_lag=32, periodic=True)
    twin = mt.anneal(target, shape=(256, 256), start="noise", map_radius=0, tolerance=1e-5)
    verdict = unconstrained(twin.labels, real, constrained=("two_point",))
    assert {"largest_fraction", "chord_length"} <= {row.statistic for row in verdict.failures}
    assert "- share of the largest cluster: off by " in str(verdict)


def test_a_small_twin_is_compared_with_windows_of_its_size():
    image = blobs((384, 384), seed=2)
    verdict = unconstrained(blobs((96, 96), seed=5), image)
    assert {row.statistic for row in verdict.failures} <= {"percolating_y", "percolating_x"}


def test_what_was_constrained_is_left_out_and_the_rest_is_in_the_table():
    real = blobs((96, 96))
    verdict = unconstrained(real, real, constrained=("two_point/radial", "pore_size", "cluster"))
    keys = {(row.statistic, row.directions) for row in verdict.rows}
    assert not keys & {("two_point", "radial"), ("pore_size", "none"), ("cluster", "axes")}
    assert {("two_point", "axes"), ("cluster", "face_diagonals")} <= keys
    assert all(row.difference == row.ratio == 0 for row in verdict.rows)
    table = verdict.to_dataframe()
    assert list(table["statistic"]) == [row.statistic for row in verdict.rows]
    assert table["passed"].all()


@pytest.mark.parametrize(
    ("twin", "reference", "options", "message"),
    [
        ((32, 32), (32, 32, 32), {}, "reference must be 2-D like the twin, not 3-D"),
        ((32, 32), (32, 32), {"constrained": ("s2",)}, "each of constrained must be one of"),
        ((32, 32), (32, 32), {"constrained": ("cluster/up",)}, "directions of cluster in"),
        ((32, 32), (32, 32), {"phase": 7}, "must hold phase 7 and another one in every part"),
        ((32, 32), (32, 32), {"parts": 1}, "parts must be at least 2"),
        ((32, 32), (4, 4), {"parts": 5}, "reference must be at least 5 voxels"),
    ],
)
def test_arguments_that_do_not_fit(twin, reference, options, message):
    with pytest.raises(InputError, match=message):
        unconstrained(blobs(twin), blobs(reference), **options)


def test_one_name_is_a_constraint_too():
    real = blobs((96, 96), seed=0)
    verdict = unconstrained(real, real, constrained="two_point")
    assert verdict.constrained == ("two_point",)
    assert ("two_point", "axes") not in {(row.statistic, row.directions) for row in verdict.rows}
