"""Diagonals, masks, partners and chords of structures whose answers are known."""

import numpy as np
import pytest

import microtwin as mt

STRIPES = np.tile([1, 1, 1, 0, 0], (30, 12))


def disc(radius, side):
    y, x = np.indices((side, side)) - (side - 1) / 2
    return (y**2 + x**2 <= radius**2).astype(np.uint8)


def test_a_checkerboard_is_of_one_colour_along_its_diagonals():
    board = np.indices((16, 16)).sum(axis=0) % 2
    f = mt.two_point(board, phase=1, directions="face_diagonals", periodic=True)
    assert np.all(f.values == 0.5)
    assert f.step == pytest.approx(np.sqrt(2))


def test_stripes_look_alike_along_both_diagonals_and_across():
    across = mt.two_point(STRIPES, phase=1, axes=1, periodic=True, max_lag=10).mean
    diagonal = mt.two_point(
        STRIPES, phase=1, directions="face_diagonals", periodic=True, max_lag=10
    )
    assert np.allclose(diagonal.values, across)


def test_body_diagonals_of_uncorrelated_voxels_are_powers_of_phi():
    for seed in range(3):
        labels = (np.random.default_rng(seed).random((60, 60, 60)) < 0.6).astype(np.uint8)
        s2 = mt.two_point(labels, phase=1, directions="body_diagonals", max_lag=8)
        path = mt.lineal_path(labels, phase=1, directions="body_diagonals", max_lag=8)
        assert np.allclose(s2.mean[1:], 0.36, atol=0.004)
        assert np.allclose(path.mean, 0.6 ** (path.lags + 1), atol=0.005)


def test_the_phases_at_both_ends_exhaust_all_pairs():
    labels = np.random.default_rng(1).integers(0, 3, (40, 50))
    pairs = [mt.two_point(labels, phase=(a, b), max_lag=9).hits for a in range(3) for b in range(3)]
    assert np.array_equal(sum(pairs), mt.two_point(labels, phase=0, max_lag=9).trials)


def test_a_mask_of_a_box_measures_the_box():
    labels = np.random.default_rng(2).integers(0, 2, (30, 40, 50))
    mask = np.zeros(labels.shape, bool)
    mask[3:20, 5:35, 7:47] = True
    for measure in (mt.two_point, mt.lineal_path, mt.chord_length):
        for directions in ("axes", "face_diagonals", "body_diagonals"):
            options = {"phase": 1, "max_lag": 12, "directions": directions}
            inside = measure(labels, mask=mask, **options)
            box = measure(labels[3:20, 5:35, 7:47], **options)
            assert np.array_equal(inside.hits, box.hits)
            assert np.array_equal(inside.trials, box.trials)


def test_a_description_inside_a_mask_is_that_of_what_the_mask_holds():
    labels = np.random.default_rng(3).integers(0, 2, (40, 40))
    mask = np.zeros(labels.shape, bool)
    mask[:30, 10:] = True
    inside, box = (
        mt.describe(labels, mask=mask, max_lag=8),
        mt.describe(labels[:30, 10:], max_lag=8),
    )
    assert inside.porosity == box.porosity
    assert inside.specific_surface == box.specific_surface
    assert all(f.masked for f in inside.functions)


def test_chords_of_stripes_are_as_long_as_the_stripes():
    chords = mt.chord_length(STRIPES, phase=1, axes=1, periodic=True)
    assert np.flatnonzero(chords.hits[0]).tolist() == [3]
    assert mt.mean_chord(chords) == pytest.approx([3.0])
    assert mt.chord_density(chords).sum() == pytest.approx(1.0)
    assert np.isnan(mt.mean_chord(mt.chord_length(STRIPES, phase=1, axes=0))).all()


def test_chords_of_uncorrelated_voxels_are_geometric():
    """The density φ^(l-1) (1 - φ) holds although long chords are cut more often at the faces."""
    for seed in range(4):
        labels = (np.random.default_rng(seed).random((2000, 24)) < 0.8).astype(np.uint8)
        chords = mt.chord_length(labels, phase=1, axes=1, max_lag=16)
        density = chords.values[0, 1:]
        assert np.allclose(density, 0.8 ** chords.lags[1:] * 0.2**2, atol=0.0015)


def test_mean_chord_of_a_disc_is_half_pi_r():
    chords = mt.chord_length(disc(100, 220), phase=1, periodic=True)
    assert mt.mean_chord(chords) == pytest.approx(np.full(2, np.pi * 100 / 2), rel=0.01)


def test_chords_and_lineal_path_tell_the_same():
    """The second difference of L counts chords: those that begin at a voxel and have l voxels."""
    labels = np.random.default_rng(4).integers(0, 2, (50, 60))
    for directions in ("axes", "face_diagonals"):
        options = {"phase": 1, "periodic": True, "directions": directions}
        path = mt.lineal_path(labels, max_lag=20, **options).hits
        chords = mt.chord_length(labels, max_lag=19, **options).hits
        assert np.array_equal(chords[:, 1:], np.diff(path, n=2, axis=1))


def test_lags_are_as_long_in_metres_as_their_steps():
    labels = np.random.default_rng(5).integers(0, 2, (20, 20))
    f = mt.two_point(labels, phase=1, directions="face_diagonals", spacing=(3e-9, 4e-9))
    assert f.distances[:, 1] == pytest.approx([5e-9, 5e-9])
